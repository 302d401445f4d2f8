//! What Helm's commands print of releases. upstream: pkg/cmd/{status,list,history,get_metadata}.go

use serde_json::Value;
use serde_json::json;

use super::chart::to_value;
use super::release::Release;
use super::release::ansic;
use super::release::go_string;
use super::release::rfc3339_nano;
use crate::helm::chart::Dependency;
use crate::helm::chart::Maintainer;
use crate::helm::chart::Metadata;
use crate::simulate::apiserver::SECOND;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;
use crate::value;
use crate::yaml;

/// How output is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// JSON on one line.
    Json,
    /// YAML.
    Yaml,
}

/// What a status shows beside the essentials.
#[derive(Clone, Copy, Debug, Default)]
pub struct Show<'a> {
    /// Values, hooks and manifest: the computed values.
    pub debug: Option<&'a Value>,
    /// The chart's name and versions.
    pub metadata: bool,
    /// No notes.
    pub hide_notes: bool,
}

/// YAML as Helm prints it.
pub fn yaml(value: &Value) -> String {
    String::from_utf8_lossy(&yaml::to_yaml(&to_value(value)).unwrap_or_default()).into_owned()
}

/// JSON in Go's words, keys sorted, on one line.
pub fn json_line(value: &Value) -> String {
    let text = value::json::to_json(&to_value(value)).unwrap_or_default();
    format!("{}\n", String::from_utf8_lossy(&text))
}

/// JSON with the first level's keys in a given order.
fn ordered(value: &Value, keys: &[&str]) -> String {
    let parts: Vec<String> = keys
        .iter()
        .filter_map(|k| {
            let inner = value.get(*k)?;
            let text = match (*k, inner) {
                ("info", Value::Object(_)) => ordered(
                    inner,
                    &["first_deployed", "last_deployed", "deleted", "description", "status", "rollback_revision", "notes", "resources"],
                ),
                ("chart", Value::Object(_)) => ordered(inner, &["metadata", "lock", "templates", "values", "schema", "files"]),
                ("metadata", Value::Object(_)) => ordered(inner, &Metadata::FIELDS),
                ("templates" | "files", Value::Array(all)) => each(all, &["name", "data"]),
                ("maintainers", Value::Array(all)) => each(all, &Maintainer::FIELDS),
                ("dependencies", Value::Array(all)) => each(all, &Dependency::FIELDS),
                ("hooks", Value::Array(all)) => each(
                    all,
                    &["name", "kind", "path", "manifest", "events", "last_run", "weight", "delete_policies", "output_log_policies"],
                ),
                ("last_run", Value::Object(_)) => ordered(inner, &["started_at", "completed_at", "phase"]),
                _ => json_line(inner).trim_end().to_owned(),
            };
            Some(format!("\"{k}\":{text}"))
        })
        .collect();
    format!("{{{}}}", parts.join(","))
}

fn each(all: &[Value], keys: &[&str]) -> String {
    let items: Vec<String> = all.iter().map(|v| ordered(v, keys)).collect();
    format!("[{}]", items.join(","))
}

/// A release as `status`, `install` and `upgrade` print it.
pub fn status(release: &Release, format: Format, show: Show<'_>) -> String {
    match format {
        Format::Json => {
            let keys = ["name", "info", "chart", "config", "manifest", "hooks", "version", "namespace", "apply_method"];
            format!("{}\n", ordered(&release.to_json(), &keys))
        }
        Format::Yaml => yaml(&release.to_json()),
        Format::Table => status_table(release, show),
    }
}

fn status_table(release: &Release, show: Show<'_>) -> String {
    let mut out = format!("NAME: {}\n", release.name);
    out.push_str(&format!("LAST DEPLOYED: {}\n", ansic(release.last_deployed)));
    out.push_str(&format!("NAMESPACE: {}\nSTATUS: {}\nREVISION: {}\n", release.namespace, release.status, release.version));
    if show.metadata {
        let about = &release.chart["metadata"];
        let word = |key: &str| text(about, &[key]);
        out.push_str(&format!("CHART: {}\nVERSION: {}\nAPP_VERSION: {}\n", word("name"), word("version"), word("appVersion")));
    }
    out.push_str(&format!("DESCRIPTION: {}\n", release.description));
    let tests: Vec<_> = release.hooks.iter().filter(|h| h.events.iter().any(|e| e == "test")).collect();
    if tests.is_empty() {
        out.push_str("TEST SUITE: None\n");
    }
    for hook in tests {
        if let Some(started) = hook.started {
            let completed = hook.completed.map_or_else(|| "Mon Jan  1 00:00:00 0001".to_owned(), ansic);
            out.push_str(&format!(
                "TEST SUITE:     {}\nLast Started:   {}\nLast Completed: {completed}\nPhase:          {}\n",
                hook.name,
                ansic(started),
                hook.phase
            ));
        }
    }
    if let Some(computed) = show.debug {
        out.push_str(&format!("USER-SUPPLIED VALUES:\n{}\nCOMPUTED VALUES:\n{}\n", yaml(&release.config), yaml(computed)));
    }
    if release.description.eq_ignore_ascii_case("Dry run complete") || show.debug.is_some() {
        out.push_str("HOOKS:\n");
        out.push_str(&hooks(release));
        out.push_str(&format!("MANIFEST:\n{}\n", release.manifest));
    }
    if !show.hide_notes && !release.notes.is_empty() {
        out.push_str(&format!("NOTES:\n{}\n", release.notes.trim()));
    }
    out
}

/// The hooks of a release as text.
pub fn hooks(release: &Release) -> String {
    release.hooks.iter().map(|h| format!("---\n# Source: {}\n{}\n", h.path, h.manifest)).collect()
}

/// Cells in columns, each as wide as its widest, at most `most` characters where that is not 0.
pub fn table(rows: &[Vec<String>], most: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(|c| if most == 0 { width(c) } else { width(c).min(most) }).collect();
    let cell = |s: &String, w: usize| {
        if s.chars().count() <= w {
            return format!("{s:w$}");
        }
        format!("{}...", s.chars().take(w.saturating_sub(3)).collect::<String>())
    };
    let lines = rows.iter().map(|r| r.iter().zip(&widths).map(|(s, w)| cell(s, *w)).collect::<Vec<_>>().join("\t"));
    format!("{}\n", lines.collect::<Vec<_>>().join("\n"))
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|c| (*c).to_owned()).collect()
}

/// `helm list`
pub fn list_of(releases: &[Release], format: Format, headers: bool) -> String {
    let keys = ["name", "namespace", "revision", "updated", "status", "chart", "app_version"];
    let all: Vec<Value> = releases
        .iter()
        .map(|r| {
            let updated = go_string(r.last_deployed);
            json!({"name": r.name, "namespace": r.namespace, "revision": r.version.to_string(), "updated": updated, "status": r.status,
                "chart": r.chart_name(), "app_version": r.app_version()})
        })
        .collect();
    match format {
        Format::Json => format!("{}\n", each(&all, &keys)),
        Format::Yaml => yaml(&all.into()),
        Format::Table => {
            let mut rows = Vec::new();
            if headers {
                rows.push(row(&["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"]));
            }
            rows.extend(all.iter().map(|r| row(&keys.map(|k| text(r, &[k])))));
            table(&rows, 0)
        }
    }
}

/// `helm history`, oldest first.
pub fn history(releases: &[Release], format: Format, rollback: bool) -> String {
    let keys = ["revision", "updated", "status", "chart", "app_version", "rollback_revision", "description"];
    let all: Vec<Value> = releases
        .iter()
        .map(|r| {
            let mut out = json!({"revision": r.version, "updated": rfc3339_nano(r.last_deployed), "status": r.status, "chart": r.chart_name(),
                "app_version": r.app_version(), "description": r.description});
            if r.rollback_revision > 0 {
                out["rollback_revision"] = r.rollback_revision.into();
            }
            out
        })
        .collect();
    match format {
        Format::Json => format!("{}\n", each(&all, &keys)),
        Format::Yaml => yaml(&all.into()),
        Format::Table => {
            let mut rows = vec![row(&["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"])];
            for r in releases {
                let (revision, updated, name) = (r.version.to_string(), ansic(r.last_deployed), r.chart_name());
                rows.push(row(&[&revision, &updated, &r.status, &name, r.app_version(), &r.description]));
            }
            if rollback {
                for (i, r) in rows.iter_mut().enumerate() {
                    let cell = match i.checked_sub(1).and_then(|i| releases.get(i)) {
                        None => "ROLLBACK".to_owned(),
                        Some(release) if release.rollback_revision > 0 => release.rollback_revision.to_string(),
                        Some(_) => String::new(),
                    };
                    r.insert(5, cell);
                }
            }
            table(&rows, 0)
        }
    }
}

/// `helm get metadata`
pub fn metadata(release: &Release, format: Format) -> String {
    let about = &release.chart["metadata"];
    let word = |key: &str| text(about, &[key]).to_owned();
    let set = |all: std::collections::BTreeMap<String, String>| all.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
    let mut names: Vec<&str> = list(about, &["dependencies"]).iter().map(|d| text(d, &["name"])).collect();
    names.sort_unstable();
    let deployed = super::super::present::rfc3339(release.last_deployed / SECOND * SECOND);
    if format == Format::Table {
        let method = match release.apply_method.as_str() {
            "" => "client-side apply (defaulted)".to_owned(),
            "csa" => "client-side apply".to_owned(),
            "ssa" => "server-side apply".to_owned(),
            other => format!("unknown (\"{other}\")"),
        };
        let labels: Vec<String> = release.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        return format!(
            "NAME: {}\nCHART: {}\nVERSION: {}\nAPP_VERSION: {}\nANNOTATIONS: {}\nLABELS: {}\nDEPENDENCIES: {}\nNAMESPACE: {}\nREVISION: {}\nSTATUS: {}\nDEPLOYED_AT: {deployed}\nAPPLY_METHOD: {method}\n",
            release.name,
            word("name"),
            word("version"),
            word("appVersion"),
            set(strings(about, &["annotations"])),
            labels.join(","),
            names.join(","),
            release.namespace,
            release.version,
            release.status,
        );
    }
    let mut out = json!({"name": release.name, "chart": word("name"), "version": word("version"), "appVersion": word("appVersion"),
        "namespace": release.namespace, "revision": release.version, "status": release.status, "deployedAt": deployed});
    for (key, value) in [("annotations", &about["annotations"]), ("dependencies", &about["dependencies"])] {
        if !value.is_null() {
            out[key] = value.clone();
        }
    }
    if !release.labels.is_empty() {
        out["labels"] = json!(release.labels);
    }
    if !release.apply_method.is_empty() {
        out["applyMethod"] = release.apply_method.as_str().into();
    }
    if format == Format::Yaml {
        return yaml(&out);
    }
    let keys = [
        "name",
        "chart",
        "version",
        "appVersion",
        "annotations",
        "labels",
        "dependencies",
        "namespace",
        "revision",
        "status",
        "deployedAt",
        "applyMethod",
    ];
    format!("{}\n", ordered(&out, &keys))
}
