//! Defaults of the batch group. upstream: pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job/strategy.go

use serde_json::Value;

use super::{absent, existing, generation, is_zero, items, object, pod, remove, set, zero};

/// Stands for the uid that a new job gets.
pub(crate) const UID: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn defaults(_: &str, kind: &str, value: &mut Value) {
    match kind {
        "Job" => job(value),
        "CronJob" => {
            let Some(spec) = object(value, "spec") else { return };
            zero(spec, "concurrencyPolicy", "Allow");
            absent(spec, "suspend", false);
            absent(spec, "successfulJobsHistoryLimit", 3);
            absent(spec, "failedJobsHistoryLimit", 1);
            // The job of a cron job gets no defaults of its own, only its pods do.
            if let Some(spec) = object(spec, "jobTemplate").and_then(|t| object(t, "spec")) {
                parts(spec);
            }
        }
        _ => {}
    }
}

fn parts(spec: &mut Value) {
    if let Some(policy) = existing(spec, "podFailurePolicy") {
        for pattern in items(policy, "rules").flat_map(|r| items(r, "onPodConditions")) {
            zero(pattern, "status", "True");
        }
    }
    if let Some(template) = object(spec, "template") {
        pod::template(template);
    }
}

/// upstream: SetDefaults_Job
fn job(value: &mut Value) {
    let Some(spec) = object(value, "spec") else { return };
    let has = |spec: &Value, key: &str| spec.get(key).is_some_and(|v| !v.is_null());
    if !has(spec, "completions") && !has(spec, "parallelism") {
        set(spec, "completions", 1);
    }
    absent(spec, "parallelism", 1);
    let retries = if has(spec, "backoffLimitPerIndex") { i32::MAX } else { 6 };
    absent(spec, "backoffLimit", retries);
    absent(spec, "completionMode", "NonIndexed");
    absent(spec, "suspend", false);
    let replacement = if has(spec, "podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    absent(spec, "podReplacementPolicy", replacement);
    absent(spec, "manualSelector", false);
    parts(spec);
}

pub(super) fn prepare(_: &str, kind: &str, value: &mut Value) {
    generation(value);
    remove(value, "status");
    if kind == "Job" {
        // Labels taken from the template are the template's own map: what is generated there is here, too.
        let own = value.pointer("/spec/template/metadata/labels").is_some_and(Value::is_object);
        generate_selector(value);
        if own {
            labels_of_template(value);
        }
    }
}

/// Reading a stored job fills its labels again.
pub(super) fn finish(_: &str, kind: &str, value: &mut Value) {
    if kind == "Job" {
        labels_of_template(value);
    }
}

fn labels_of_template(value: &mut Value) {
    let labels = value.pointer("/spec/template/metadata/labels").filter(|l| l.is_object()).cloned();
    if let Some(labels) = labels
        && let Some(meta) = object(value, "metadata")
        && is_zero(meta, "labels")
    {
        set(meta, "labels", labels);
    }
}

/// upstream: generateSelectorIfNeeded
fn generate_selector(job: &mut Value) {
    let name = job.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("").to_owned();
    let Some(spec) = existing(job, "spec") else { return };
    if spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
        return;
    }
    if let Some(labels) = object(spec, "template").and_then(|t| object(t, "metadata")).and_then(|m| object(m, "labels")) {
        for key in ["job-name", "batch.kubernetes.io/job-name"] {
            absent(labels, key, name.clone());
        }
        for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] {
            absent(labels, key, UID);
        }
    }
    if let Some(labels) = object(spec, "selector").and_then(|s| object(s, "matchLabels")) {
        absent(labels, "batch.kubernetes.io/controller-uid", UID);
    }
}
