//! Defaults of scheduling. upstream: pkg/apis/scheduling/v1/defaults.go

use serde_json::Value;

use super::{absent, generation};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if kind == "PriorityClass" {
        absent(object, "preemptionPolicy", "PreemptLowerPriority");
    }
}

/// upstream: pkg/registry/scheduling/priorityclass/strategy.go
pub(super) fn prepare(_version: &str, kind: &str, object: &mut Value) {
    if kind == "PriorityClass" {
        generation(object);
    }
}
