//! The set `rules-variants`: the cases of `rules` and `rules-siblings` written in another way. A rule must say the same of an
//! object in a List, of one written as JSON, of the pod of a CronJob, and of an init or ephemeral container.

use std::sync::Arc;

use kval::kube;
use kval::source::FileId;
use kval::yaml;
use serde_json::Value as Json;
use serde_json::json;

use super::each;
use super::rules::{check, files, text};
use crate::Outcome;
use crate::data;

/// The ways to write a case.
const WAYS: &[(&str, fn(&Json, &str) -> Option<Json>)] =
    &[("list", list), ("json", as_json), ("cronjob", cron_job), ("init", init), ("ephemeral", ephemeral)];

pub(crate) fn variants(_: &str) -> Option<(bool, Vec<Outcome>)> {
    let folder = data::find("rules/cases");
    let mut cases = data::lines("rules/cases.jsonl")?;
    cases.extend(data::lines("rules/siblings.jsonl")?);
    let mut all = Vec::new();
    for case in cases.iter().filter(|c| !text(c, "file").ends_with('/')) {
        let [(_, bytes)] = files(case, folder.as_deref()).try_into().unwrap_or_default();
        let Ok(source) = String::from_utf8(bytes) else { continue };
        for (way, write) in WAYS {
            if apart(way, text(case, "rule")) {
                continue;
            }
            let Some(mut written) = write(case, &source) else { continue };
            written["file"] = format!("{} as {way}", text(case, "file")).into();
            all.push(written);
        }
    }
    let id = |c: &Json| format!("{}/{}", text(c, "rule"), text(c, "file"));
    Some((true, each(all, id, |case| check(case, folder.as_deref()))))
}

/// Whether a rule is about what another way of writing changes: the layout of YAML, how long a container runs, or that the
/// pods of a workload stay.
fn apart(way: &str, rule: &str) -> bool {
    let rules: &[&str] = match way {
        "list" => {
            &["crlf-line-endings", "empty-document", "inconsistent-indentation", "no-kubernetes-object", "no-newline-at-end", "sorted-keys"]
        }
        "json" => &[
            "block-scalar-newline",
            "comment-not-separated",
            "crlf-line-endings",
            "duplicate-container-name",
            "duplicate-key",
            "empty-document",
            "inconsistent-indentation",
            "missing-space-after-colon",
            "no-break-space",
            "no-newline-at-end",
            "null-value",
            "octal-value",
            "sorted-keys",
            "tab-before-comment",
            "trailing-spaces",
            "truthy-value",
            "unused-anchor",
        ],
        "cronjob" => &[
            "anti-affinity-selector-mismatch",
            "daemonset-not-on-all-nodes",
            "database-as-deployment",
            "duplicate-container-name",
            "host-port-conflict",
            "job-restart-policy",
            "missing-pre-stop",
            "no-anti-affinity",
            "no-liveness-probe",
            "no-readiness-probe",
            "no-topology-spread",
            "one-shot-command",
            "preempts-other-workloads",
            "statefulset-start-blocked",
            "unschedulable-anti-affinity",
            "workload-restart-policy",
        ],
        _ => &[
            "database-as-deployment",
            "duplicate-container-name",
            "duplicate-container-port",
            "host-port-conflict",
            "image-same-repo-different-tag",
            "missing-pre-stop",
            "no-liveness-probe",
            "no-readiness-probe",
            "one-shot-command",
            "subpath-no-update",
        ],
    };
    // Ephemeral containers may not ask for resources.
    let sized = ["limit", "request", "storage", "resources"];
    rules.contains(&rule) || way == "ephemeral" && (rule == "missing-security-context" || sized.iter().any(|word| rule.contains(word)))
}

fn with(case: &Json, source: String) -> Json {
    let mut case = case.clone();
    case["files"] = json!({ "": source });
    case
}

/// All objects as the items of one List, line by line.
fn list(case: &Json, source: &str) -> Option<Json> {
    objects(source)?;
    if source.lines().any(|l| l.trim_end() == "..." || l.starts_with(['%', '{', '['])) {
        return None;
    }
    let mut out = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
    let mut first = true;
    for line in source.lines() {
        if line.starts_with("---") {
            first = true;
            out.push_str("# ");
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            out.push_str(if first { "- " } else { "  " });
            first = false;
        }
        out.push_str(line);
        out.push('\n');
    }
    let mut case = with(case, out);
    if let Some(line) = case["line"].as_u64() {
        case["line"] = (line + 3).into();
    }
    Some(case)
}

/// The objects of a text that is as it should be.
fn objects(source: &str) -> Option<Vec<Json>> {
    let documents = yaml::parse(&Arc::from(source), FileId(0));
    let whole = documents.iter().all(|d| d.error.is_none());
    let objects: Vec<Json> = documents.iter().flat_map(|d| kube::objects(FileId(0), d)).map(|o| o.value).collect();
    (whole && !objects.is_empty() && objects.iter().all(Json::is_object)).then_some(objects)
}

/// The objects as JSON, each on lines of its own.
fn json_of(case: &Json, objects: Vec<Json>) -> Option<Json> {
    let one = objects.len() == 1;
    let whole = if one { objects.into_iter().next()? } else { json!({"apiVersion": "v1", "kind": "List", "items": objects}) };
    let mut case = with(case, serde_json::to_string_pretty(&whole).ok()?);
    case["line"] = Json::Null;
    Some(case)
}

fn as_json(case: &Json, source: &str) -> Option<Json> {
    if source.contains("kval:ignore") {
        return None;
    }
    json_of(case, objects(source)?)
}

/// Every workload as a CronJob, where the case is about the pod.
fn cron_job(case: &Json, source: &str) -> Option<Json> {
    let field = text(case, "field");
    let below = field.strip_prefix("spec.template")?;
    let mut objects = objects(source)?;
    for object in &mut objects {
        if matches!(object["kind"].as_str(), Some("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job")) {
            let mut template = object["spec"]["template"].take();
            template["spec"]["restartPolicy"] = "OnFailure".into();
            object["apiVersion"] = "batch/v1".into();
            object["kind"] = "CronJob".into();
            object["spec"] = json!({"schedule": "7 3 * * *", "jobTemplate": {"spec": {"template": template}}});
        }
    }
    let mut case = json_of(case, objects)?;
    case["field"] = format!("spec.jobTemplate.spec.template{below}").into();
    Some(case)
}

/// The container that the case is about among those of another list.
fn moved(case: &Json, source: &str, to: &str) -> Option<Json> {
    let field = text(case, "field");
    let (before, rest) = field.split_once("containers[")?;
    let (number, below) = rest.split_once(']')?;
    let number: usize = number.parse().ok()?;
    let pod = before.strip_suffix('.')?;
    let mut objects = objects(source)?;
    let mut at = 0;
    for object in &mut objects {
        let Some(spec) = object.pointer_mut(&format!("/{}", pod.replace('.', "/"))) else { continue };
        let Some(containers) = spec["containers"].as_array_mut().filter(|c| c.len() > number) else { continue };
        let container = containers.remove(number);
        containers.push(json!({"name": "main", "image": "registry.example.com/main:1.2.3"}));
        if spec[to].is_null() {
            spec[to] = json!([]);
        }
        let list = spec[to].as_array_mut()?;
        list.push(container);
        at = list.len() - 1;
    }
    let mut case = json_of(case, objects)?;
    case["field"] = format!("{pod}.{to}[{at}]{below}").into();
    Some(case)
}

fn init(case: &Json, source: &str) -> Option<Json> {
    moved(case, source, "initContainers")
}

fn ephemeral(case: &Json, source: &str) -> Option<Json> {
    moved(case, source, "ephemeralContainers")
}
