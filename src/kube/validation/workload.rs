//! Controllers of pods. upstream: pkg/apis/apps/validation, pkg/apis/batch/validation, pkg/apis/core/validation

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::{Errors, get, int, list, meta, pod, strings, text, text_or};

const DOES_NOT_MATCH: &str = "`selector` does not match template `labels`";

/// upstream: ValidatePodTemplateSpec
pub(super) fn pod_template(errors: &mut Errors, template: &Value, path: &Path) {
    let empty = Value::Null;
    let meta = get(template, "metadata").unwrap_or(&empty);
    meta::labels(errors, meta, "labels", &path.child("labels"));
    meta::annotations(errors, meta, &path.child("annotations"));
    pod::spec(errors, get(template, "spec").unwrap_or(&empty), &path.child("spec"));
    if !list(get(template, "spec").unwrap_or(&empty), "ephemeralContainers").is_empty() {
        errors.forbidden(&path.child("spec.ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

fn labels_of(template: &Value) -> Vec<(&str, &str)> {
    get(template, "metadata").map(|m| strings(m, "labels")).unwrap_or_default()
}

fn labels_value(template: &Value) -> Value {
    template.pointer("/metadata/labels").cloned().unwrap_or(Value::Null)
}

fn always_restarts(errors: &mut Errors, template: &Value, path: &Path, kind: &str) {
    let spec = get(template, "spec").unwrap_or(&Value::Null);
    let policy = text_or(spec, "restartPolicy", "Always");
    if policy != "Always" {
        errors.unsupported(&path.child("spec.restartPolicy"), policy, &["Always"]);
    }
    if get(spec, "activeDeadlineSeconds").is_some() {
        errors.forbidden(&path.child("spec.activeDeadlineSeconds"), &format!("activeDeadlineSeconds in {kind} is not Supported"));
    }
}

/// upstream: ValidateReplicationControllerSpec
pub(super) fn replication_controller(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    errors.nonnegative(&path.child("minReadySeconds"), int(spec, "minReadySeconds").unwrap_or(0));
    let template = get(spec, "template").unwrap_or(&Value::Null);
    let labels = labels_of(template);
    // Defaulting takes the template's labels for an absent selector.
    let mut selector = strings(spec, "selector");
    if selector.is_empty() {
        selector.clone_from(&labels);
    }
    if selector.is_empty() {
        errors.required(&path.child("selector"), "");
    }
    errors.nonnegative(&path.child("replicas"), int(spec, "replicas").unwrap_or(1));
    if template.is_null() {
        return errors.required(&path.child("template"), "");
    }
    let at = path.child("template");
    if !selector.iter().all(|pair| labels.contains(pair)) {
        errors.invalid(&at.child("metadata.labels"), &labels_value(template), DOES_NOT_MATCH);
    }
    pod_template(errors, template, &at);
    always_restarts(errors, template, &at, "ReplicationController");
}

/// upstream: ValidateDeploymentSpec, ValidateReplicaSetSpec, ValidateStatefulSetSpec, ValidateDaemonSetSpec
pub(super) fn apps(errors: &mut Errors, kind: &str, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    if kind != "DaemonSet" {
        errors.nonnegative(&path.child("replicas"), int(spec, "replicas").unwrap_or(1));
    }
    errors.nonnegative(&path.child("minReadySeconds"), int(spec, "minReadySeconds").unwrap_or(0));
    let template = get(spec, "template").unwrap_or(&Value::Null);
    let at = path.child("template");
    let selector = get(spec, "selector");
    match selector {
        None if kind != "DaemonSet" => errors.required(&path.child("selector"), ""),
        None => {}
        Some(selector) => {
            meta::selector(errors, selector, &path.child("selector"));
            if meta::is_empty(selector) {
                let noun = match kind {
                    "StatefulSet" => "statefulset",
                    "DaemonSet" => "daemonset",
                    _ => "deployment",
                };
                errors.invalid(&path.child("selector"), selector, &format!("empty selector is invalid for {noun}"));
            }
        }
    }
    let matched = match selector {
        Some(selector) => meta::matches(selector, &labels_of(template)),
        None => Some(false),
    };
    match matched {
        None if kind == "StatefulSet" => {
            errors.invalid(&path.child("selector"), selector.unwrap_or(&Value::Null), "");
        }
        None if kind != "DaemonSet" => {
            errors.invalid(&path.child("selector"), selector.unwrap_or(&Value::Null), "invalid label selector");
        }
        Some(false) => errors.invalid(&at.child("metadata.labels"), &labels_value(template), DOES_NOT_MATCH),
        _ => {}
    }
    if matched.is_some() || kind == "DaemonSet" {
        if kind == "StatefulSet" {
            let mut widened = template.clone();
            let claims = list(spec, "volumeClaimTemplates");
            if let Some(pod) = widened.get_mut("spec").and_then(Value::as_object_mut) {
                pod.remove("hostname");
                pod.remove("subdomain");
                let name_of = |v: &Value| v.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("").to_owned();
                let names: Vec<String> = claims.iter().map(name_of).collect();
                let mut volumes: Vec<Value> =
                    names.iter().map(|n| serde_json::json!({"name": n, "persistentVolumeClaim": {"claimName": n}})).collect();
                if let Some(own) = pod.get("volumes").and_then(Value::as_array) {
                    volumes.extend(own.iter().filter(|v| !names.iter().any(|n| n == text(v, "name"))).cloned());
                }
                pod.insert("volumes".to_owned(), Value::Array(volumes));
            }
            pod_template(errors, &widened, &at);
            let meta = get(template, "metadata").unwrap_or(&Value::Null);
            meta::labels(errors, meta, "labels", &at.child("labels"));
            meta::annotations(errors, meta, &at.child("annotations"));
        } else {
            pod_template(errors, template, &at);
        }
        always_restarts(errors, template, &at, if kind == "Deployment" { "ReplicaSet" } else { kind });
    } else if kind == "StatefulSet" {
        always_restarts(errors, template, &at, kind);
    }
    if kind == "DaemonSet" || kind == "Deployment" {
        if let Some(limit) = int(spec, "revisionHistoryLimit") {
            errors.nonnegative(&path.child("revisionHistoryLimit"), limit);
        }
    }
    match kind {
        "Deployment" => deployment(errors, spec, &path),
        "StatefulSet" => {
            let policy = text_or(spec, "podManagementPolicy", "OrderedReady");
            if !["OrderedReady", "Parallel"].contains(&policy) {
                let detail = "must be 'OrderedReady' or 'Parallel'".to_owned();
                errors.invalid_text(&path.child("podManagementPolicy"), policy, vec![detail]);
            }
            let service = text(spec, "serviceName");
            if !service.is_empty() {
                errors.invalid_text(&path.child("serviceName"), service, names::dns1123_label(service));
            }
            if let Some(start) = spec.pointer("/ordinals/start").and_then(Value::as_i64) {
                errors.nonnegative(&path.child("ordinals.start"), start);
            }
        }
        _ => {}
    }
}

fn deployment(errors: &mut Errors, spec: &Value, path: &Path) {
    if let Some(strategy) = get(spec, "strategy") {
        let at = path.child("strategy");
        match text_or(strategy, "type", "RollingUpdate") {
            "Recreate" if get(strategy, "rollingUpdate").is_some() => {
                errors.forbidden(&at.child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'");
            }
            "Recreate" | "RollingUpdate" => {}
            other => errors.unsupported(&at.child("type"), other, &["Recreate", "RollingUpdate"]),
        }
    }
    let deadline = int(spec, "progressDeadlineSeconds").unwrap_or(600);
    let ready = int(spec, "minReadySeconds").unwrap_or(0);
    errors.nonnegative(&path.child("progressDeadlineSeconds"), deadline);
    if deadline <= ready {
        let detail = "must be greater than minReadySeconds".to_owned();
        errors.invalid_number(&path.child("progressDeadlineSeconds"), deadline, vec![detail]);
    }
}

/// upstream: ValidateJob
pub(super) fn plain_job(errors: &mut Errors, object: &Value) {
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    let path = Path::new("spec");
    job(errors, spec, &path, false);
    if spec.get("manualSelector") == Some(&Value::Bool(true)) {
        let template = get(spec, "template").unwrap_or(&Value::Null);
        match get(spec, "selector") {
            None => errors.required(&path.child("selector"), ""),
            Some(selector) => {
                meta::selector(errors, selector, &path.child("selector"));
                if meta::matches(selector, &labels_of(template)) == Some(false) {
                    errors.invalid(&path.child("template.metadata.labels"), &labels_value(template), DOES_NOT_MATCH);
                }
            }
        }
    } else {
        // The server labels the template with the job's name.
        let name = get(object, "metadata").map_or("", |m| text(m, "name"));
        errors.invalid_text(&path.child("template.labels"), name, names::label_value(name));
    }
}

/// upstream: ValidateJobSpec
pub(super) fn job(errors: &mut Errors, spec: &Value, path: &Path, in_cron: bool) {
    for field in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        errors.nonnegative(&path.child(field), int(spec, field).unwrap_or(0));
    }
    indexed(errors, spec, path);
    let template = get(spec, "template").unwrap_or(&Value::Null);
    if in_cron && spec.get("manualSelector").is_some_and(|m| m == &Value::Bool(true)) {
        errors.unsupported(&path.child("manualSelector"), "true", &["nil", "false"]);
    }
    pod_template(errors, template, &path.child("template"));
    let policy = text_or(get(template, "spec").unwrap_or(&Value::Null), "restartPolicy", "Always");
    if policy == "Always" {
        let at = path.child("template.spec.restartPolicy");
        errors.add("FieldValueRequired", &at, "Required value: valid values: \"OnFailure\", \"Never\"".to_owned());
    } else if !["OnFailure", "Never"].contains(&policy) {
        errors.unsupported(&path.child("template.spec.restartPolicy"), policy, &["OnFailure", "Never"]);
    }
}

fn indexed(errors: &mut Errors, spec: &Value, path: &Path) {
    for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
        errors.nonnegative(&path.child(field), int(spec, field).unwrap_or(0));
    }
    if int(spec, "maxFailedIndexes").is_some() && int(spec, "backoffLimitPerIndex").is_none() {
        errors.required(&path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    match text_or(spec, "completionMode", "NonIndexed") {
        "Indexed" => {
            // Defaulting makes both 1 when both are absent.
            if int(spec, "completions").is_none() && int(spec, "parallelism").is_some() {
                errors.required(&path.child("completions"), "when completion mode is Indexed");
            }
            if let (Some(all), Some(failed)) = (int(spec, "completions"), int(spec, "maxFailedIndexes")) {
                if failed > all {
                    let detail = "must be less than or equal to completions".to_owned();
                    errors.invalid_number(&path.child("maxFailedIndexes"), failed, vec![detail]);
                }
            }
        }
        mode => {
            if mode != "NonIndexed" {
                errors.unsupported(&path.child("completionMode"), mode, &["NonIndexed", "Indexed"]);
                return;
            }
            for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let Some(value) = int(spec, field) {
                    errors.invalid_number(&path.child(field), value, vec!["requires indexed completion mode".to_owned()]);
                }
            }
        }
    }
}

/// upstream: validateCronJobSpec
pub(super) fn cron_job(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    if text(spec, "schedule").is_empty() {
        errors.required(&path.child("schedule"), "");
    }
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        errors.nonnegative(&path.child(field), int(spec, field).unwrap_or(0));
    }
    let policy = text_or(spec, "concurrencyPolicy", "Allow");
    if !["Allow", "Forbid", "Replace"].contains(&policy) {
        errors.unsupported(&path.child("concurrencyPolicy"), policy, &["Allow", "Forbid", "Replace"]);
    }
    let inner = spec.pointer("/jobTemplate/spec").unwrap_or(&Value::Null);
    job(errors, inner, &path.child("jobTemplate.spec"), true);
}
