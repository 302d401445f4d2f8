//! The record of a release, as Helm keeps it. upstream: pkg/release/v1

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::object::time;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;

/// A hook of a release and how it last ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hook {
    /// The object's name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The template's path.
    pub path: String,
    /// The text.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<String>,
    /// Its place among the hooks of an event.
    pub weight: i64,
    /// When it is deleted.
    pub delete_policies: Vec<String>,
    /// When its logs are printed.
    pub output_log_policies: Vec<String>,
    /// When it last began.
    pub started: Option<Nanos>,
    /// When it last ended.
    pub completed: Option<Nanos>,
    /// How: `Running`, `Succeeded`, `Failed`, `Unknown` or nothing.
    pub phase: String,
}

/// A release.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its revision.
    pub version: i64,
    /// `deployed`, `failed`, …
    pub status: String,
    /// A sentence.
    pub description: String,
    /// When the first revision was deployed.
    pub first_deployed: Nanos,
    /// When this one was.
    pub last_deployed: Nanos,
    /// When it was deleted.
    pub deleted: Option<Nanos>,
    /// The revision that was rolled back to.
    pub rollback_revision: i64,
    /// The chart's notes.
    pub notes: String,
    /// The chart: `metadata`, `values`, `templates`, `files`, …
    pub chart: Value,
    /// The values given.
    pub config: Value,
    /// The objects' text.
    pub manifest: String,
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// Labels beside Helm's own.
    pub labels: BTreeMap<String, String>,
    /// `ssa` or `csa`.
    pub apply_method: String,
}

/// A time as Go writes it in JSON.
pub fn rfc3339_nano(at: Nanos) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default();
    time.to_string()
}

/// `time.ANSIC`
pub fn ansic(at: Nanos) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default();
    time.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// What `Time.String` prints.
pub fn go_string(at: Nanos) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default();
    let fraction = at.rem_euclid(1_000_000_000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{}", format!("{fraction:09}").trim_end_matches('0')) };
    format!("{}{fraction} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S"))
}

impl Release {
    /// `nginx-1.2.3`
    pub fn chart_name(&self) -> String {
        let about = at(&self.chart, &["metadata"]);
        if about.is_null() {
            return "MISSING".to_owned();
        }
        format!("{}-{}", text(about, &["name"]), text(about, &["version"]))
    }

    /// The version of what the chart installs.
    pub fn app_version(&self) -> &str {
        text(&self.chart, &["metadata", "appVersion"])
    }

    /// Whether an action on it is under way.
    pub fn is_pending(&self) -> bool {
        self.status.starts_with("pending-")
    }

    /// The record as Helm stores it.
    pub fn to_json(&self) -> Value {
        let mut info = Map::new();
        let mut set = |key: &str, value: Value| drop(info.insert(key.to_owned(), value));
        set("first_deployed", rfc3339_nano(self.first_deployed).into());
        set("last_deployed", rfc3339_nano(self.last_deployed).into());
        if let Some(deleted) = self.deleted {
            set("deleted", rfc3339_nano(deleted).into());
        }
        if !self.description.is_empty() {
            set("description", self.description.as_str().into());
        }
        set("status", self.status.as_str().into());
        if self.rollback_revision != 0 {
            set("rollback_revision", self.rollback_revision.into());
        }
        if !self.notes.is_empty() {
            set("notes", self.notes.as_str().into());
        }
        let mut out = json!({
            "name": self.name,
            "info": info,
            "chart": self.chart,
            "version": self.version,
            "namespace": self.namespace,
            "apply_method": self.apply_method,
        });
        if self.config.as_object().is_some_and(|c| !c.is_empty()) {
            out["config"] = self.config.clone();
        }
        if !self.manifest.is_empty() {
            out["manifest"] = self.manifest.as_str().into();
        }
        if !self.hooks.is_empty() {
            out["hooks"] = self.hooks.iter().map(Hook::to_json).collect();
        }
        out
    }

    /// The record of its JSON; the labels come from the Secret.
    pub fn from_json(value: &Value, labels: BTreeMap<String, String>) -> Self {
        let info = at(value, &["info"]);
        let when = |key: &str| time(at(info, &[key]));
        Self {
            name: text(value, &["name"]).to_owned(),
            namespace: text(value, &["namespace"]).to_owned(),
            version: int(value, &["version"]).unwrap_or(0),
            status: text(info, &["status"]).to_owned(),
            description: text(info, &["description"]).to_owned(),
            first_deployed: when("first_deployed").unwrap_or(0),
            last_deployed: when("last_deployed").unwrap_or(0),
            deleted: when("deleted"),
            rollback_revision: int(info, &["rollback_revision"]).unwrap_or(0),
            notes: text(info, &["notes"]).to_owned(),
            chart: at(value, &["chart"]).clone(),
            config: at(value, &["config"]).as_object().map_or_else(|| json!({}), |c| Value::Object(c.clone())),
            manifest: text(value, &["manifest"]).to_owned(),
            hooks: list(value, &["hooks"]).iter().map(Hook::from_json).collect(),
            labels,
            apply_method: text(value, &["apply_method"]).to_owned(),
        }
    }
}

impl Hook {
    fn to_json(&self) -> Value {
        let mut run = json!({"phase": self.phase});
        if let Some(at) = self.started {
            run["started_at"] = rfc3339_nano(at).into();
        }
        if let Some(at) = self.completed {
            run["completed_at"] = rfc3339_nano(at).into();
        }
        let mut out = json!({"name": self.name, "kind": self.kind, "path": self.path, "manifest": self.manifest, "events": self.events, "last_run": run});
        if self.weight != 0 {
            out["weight"] = self.weight.into();
        }
        if !self.delete_policies.is_empty() {
            out["delete_policies"] = json!(self.delete_policies);
        }
        if !self.output_log_policies.is_empty() {
            out["output_log_policies"] = json!(self.output_log_policies);
        }
        out
    }

    fn from_json(value: &Value) -> Self {
        let word = |key: &str| text(value, &[key]).to_owned();
        Self {
            name: word("name"),
            kind: word("kind"),
            path: word("path"),
            manifest: word("manifest"),
            events: words(value, &["events"]),
            weight: int(value, &["weight"]).unwrap_or(0),
            delete_policies: words(value, &["delete_policies"]),
            output_log_policies: words(value, &["output_log_policies"]),
            started: time(at(value, &["last_run", "started_at"])),
            completed: time(at(value, &["last_run", "completed_at"])),
            phase: text(value, &["last_run", "phase"]).to_owned(),
        }
    }
}

/// The labels of a Secret without Helm's own.
pub(super) fn own_labels(secret: &Value) -> BTreeMap<String, String> {
    let mut all = strings(secret, &["metadata", "labels"]);
    for key in ["name", "owner", "status", "version", "createdAt", "modifiedAt"] {
        all.remove(key);
    }
    all
}
