//! Defaults of networking. upstream: pkg/apis/networking/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, generation, generation_and_status, items, zero};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    match kind {
        "NetworkPolicy" => {
            let Some(spec) = super::object(object, "spec") else { return };
            let egress = spec.get("egress").and_then(Value::as_array).is_some_and(|e| !e.is_empty());
            zero(spec, "policyTypes", if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
            for direction in ["ingress", "egress"] {
                for rule in items(spec, direction) {
                    items(rule, "ports").for_each(|port| absent(port, "protocol", "TCP"));
                }
            }
        }
        "IngressClass" => {
            if let Some(parameters) = existing(object, "spec").and_then(|spec| existing(spec, "parameters")) {
                absent(parameters, "scope", "Cluster");
            }
        }
        _ => {}
    }
}

/// upstream: pkg/registry/networking/*/strategy.go
pub(super) fn prepare(_version: &str, kind: &str, object: &mut Value) {
    match kind {
        "Ingress" => generation_and_status("", kind, object),
        "NetworkPolicy" | "IngressClass" => generation(object),
        _ => {}
    }
}
