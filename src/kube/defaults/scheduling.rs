//! Defaults of scheduling. upstream: pkg/apis/scheduling/v1/defaults.go

use serde_json::Value;

use super::absent;

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    if kind == "PriorityClass" {
        absent(object, "preemptionPolicy", "PreemptLowerPriority");
    }
}
