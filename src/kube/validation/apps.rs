//! The apps group. upstream: pkg/apis/apps/validation

use serde_json::Value;

use super::{Errors, workload};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    if let ("v1", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") = (version, kind) {
        workload::apps(errors, kind, object);
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}
