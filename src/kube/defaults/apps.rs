//! Defaults of the apps group. upstream: pkg/apis/apps/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, core, existing, generation, items, object, pod, remove, text, zero};

pub(super) fn defaults(_: &str, kind: &str, value: &mut Value) {
    if kind == "ControllerRevision" {
        return;
    }
    let Some(spec) = object(value, "spec") else { return };
    if let Some(template) = object(spec, "template") {
        pod::template(template);
    }
    if kind != "DaemonSet" {
        absent(spec, "replicas", 1);
    }
    if kind != "ReplicaSet" {
        absent(spec, "revisionHistoryLimit", 10);
    }
    match kind {
        "Deployment" => {
            absent(spec, "progressDeadlineSeconds", 600);
            let Some(strategy) = object(spec, "strategy") else { return };
            zero(strategy, "type", "RollingUpdate");
            if text(strategy, "type") == "RollingUpdate"
                && let Some(rolling) = object(strategy, "rollingUpdate")
            {
                absent(rolling, "maxUnavailable", "25%");
                absent(rolling, "maxSurge", "25%");
            }
        }
        "DaemonSet" => {
            let Some(strategy) = object(spec, "updateStrategy") else { return };
            zero(strategy, "type", "RollingUpdate");
            if text(strategy, "type") == "RollingUpdate"
                && let Some(rolling) = object(strategy, "rollingUpdate")
            {
                absent(rolling, "maxUnavailable", 1);
                absent(rolling, "maxSurge", 0);
            }
        }
        "StatefulSet" => stateful_set(spec),
        _ => {}
    }
}

/// upstream: SetDefaults_StatefulSet
fn stateful_set(spec: &mut Value) {
    zero(spec, "podManagementPolicy", "OrderedReady");
    if let Some(strategy) = object(spec, "updateStrategy") {
        if text(strategy, "type").is_empty() {
            zero(strategy, "type", "RollingUpdate");
            absent(strategy, "rollingUpdate", json!({}));
        }
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = existing(strategy, "rollingUpdate")
        {
            absent(rolling, "partition", 0);
        }
    }
    if let Some(policy) = object(spec, "persistentVolumeClaimRetentionPolicy") {
        zero(policy, "whenDeleted", "Retain");
        zero(policy, "whenScaled", "Retain");
    }
    for claim in items(spec, "volumeClaimTemplates") {
        core::claim(claim);
    }
}

pub(super) fn prepare(_: &str, kind: &str, value: &mut Value) {
    if kind == "ControllerRevision" {
        return;
    }
    generation(value);
    remove(value, "status");
    if kind == "StatefulSet"
        && let Some(rolling) =
            existing(value, "spec").and_then(|s| existing(s, "updateStrategy")).and_then(|s| existing(s, "rollingUpdate"))
    {
        remove(rolling, "maxUnavailable");
    }
}

pub(super) fn finish(_: &str, kind: &str, value: &mut Value) {
    if kind == "DaemonSet"
        && let Some(annotations) = object(value, "metadata").and_then(|m| object(m, "annotations"))
    {
        absent(annotations, "deprecated.daemonset.template.generation", "1");
    }
    let rolling = |v: &mut Value| {
        existing(v, "spec").and_then(|s| existing(s, "updateStrategy")).is_some_and(|s| existing(s, "rollingUpdate").is_some())
    };
    if kind == "DaemonSet" && rolling(value) {
        absent(&mut value["spec"]["updateStrategy"]["rollingUpdate"], "maxUnavailable", 0);
        absent(&mut value["spec"]["updateStrategy"]["rollingUpdate"], "maxSurge", 0);
    }
    if kind == "StatefulSet"
        && let Some(spec) = existing(value, "spec")
    {
        for claim in items(spec, "volumeClaimTemplates") {
            zero(claim, "kind", "PersistentVolumeClaim");
            zero(claim, "apiVersion", "v1");
        }
    }
}
