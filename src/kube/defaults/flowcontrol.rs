//! Defaults of flow control. upstream: pkg/apis/flowcontrol/v1/defaults.go

use serde_json::Value;

use super::{absent, existing, generation_and_status, zero};

pub(super) fn defaults(version: &str, kind: &str, object: &mut Value) {
    match kind {
        "FlowSchema" => {
            if let Some(spec) = super::object(object, "spec") {
                zero(spec, "matchingPrecedence", 1000);
            }
        }
        "PriorityLevelConfiguration" => {
            let Some(spec) = super::object(object, "spec") else { return };
            if let Some(exempt) = existing(spec, "exempt") {
                absent(exempt, "nominalConcurrencyShares", 0);
                absent(exempt, "lendablePercent", 0);
            }
            let Some(limited) = existing(spec, "limited") else { return };
            match version {
                "v1beta1" | "v1beta2" => zero(limited, "assuredConcurrencyShares", 30),
                "v1beta3" => zero(limited, "nominalConcurrencyShares", 30),
                _ => absent(limited, "nominalConcurrencyShares", 30),
            }
            absent(limited, "lendablePercent", 0);
            if let Some(queuing) = existing(limited, "limitResponse").and_then(|r| existing(r, "queuing")) {
                zero(queuing, "handSize", 8);
                zero(queuing, "queues", 64);
                zero(queuing, "queueLengthLimit", 50);
            }
        }
        _ => {}
    }
}

/// upstream: pkg/registry/flowcontrol/*/strategy.go
pub(super) fn prepare(_version: &str, _kind: &str, object: &mut Value) {
    generation_and_status("", "", object);
}
