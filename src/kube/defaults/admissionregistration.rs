//! Defaults of webhooks and admission policies. upstream: pkg/apis/admissionregistration/v1/defaults.go

use serde_json::Value;
use serde_json::json;

use super::{absent, existing, generation_and_status, items};

pub(super) fn defaults(_version: &str, kind: &str, object: &mut Value) {
    match kind {
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            for hook in items(object, "webhooks") {
                webhook(hook, kind == "MutatingWebhookConfiguration");
            }
        }
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => {
            let Some(spec) = super::object(object, "spec") else { return };
            absent(spec, "failurePolicy", "Fail");
            if let Some(constraints) = existing(spec, "matchConstraints") {
                match_resources(constraints);
            }
        }
        "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding" => {
            if let Some(resources) = existing(object, "spec").and_then(|spec| existing(spec, "matchResources")) {
                match_resources(resources);
            }
        }
        _ => {}
    }
}

fn webhook(hook: &mut Value, mutating: bool) {
    selectors(hook);
    absent(hook, "failurePolicy", "Fail");
    absent(hook, "timeoutSeconds", 10);
    if mutating {
        absent(hook, "reinvocationPolicy", "Never");
    }
    if let Some(service) = existing(hook, "clientConfig").and_then(|c| existing(c, "service")) {
        absent(service, "port", 443);
    }
    items(hook, "rules").for_each(|rule| absent(rule, "scope", "*"));
}

fn selectors(value: &mut Value) {
    absent(value, "matchPolicy", "Equivalent");
    absent(value, "namespaceSelector", json!({}));
    absent(value, "objectSelector", json!({}));
}

fn match_resources(value: &mut Value) {
    selectors(value);
    for field in ["resourceRules", "excludeResourceRules"] {
        items(value, field).for_each(|rule| absent(rule, "scope", "*"));
    }
}

/// upstream: pkg/registry/admissionregistration/*/strategy.go
pub(super) fn prepare(_version: &str, _kind: &str, object: &mut Value) {
    generation_and_status("", "", object);
}
