//! Disruption budgets. upstream: pkg/apis/policy/validation

use serde_json::Value;

use super::super::field::At;
use super::apps::{at_most_all, int_or_percent};
use super::{Errors, Raw, get, json, meta, part};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    if (version, kind) == ("v1", "PodDisruptionBudget") {
        budget(errors, part(object, "spec"), &At::new("spec"));
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidatePodDisruptionBudgetSpec
fn budget(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let (available, unavailable) = (get(spec, "minAvailable"), get(spec, "maxUnavailable"));
    if available.is_some() && unavailable.is_some() {
        let field = |go: &str, key: &str| format!("\"{go}\":{}", json(part(spec, key)));
        let shown = [
            field("MinAvailable", "minAvailable"),
            format!("\"Selector\":{}", meta::shown_selector(part(spec, "selector")).0),
            field("MaxUnavailable", "maxUnavailable"),
            field("UnhealthyPodEvictionPolicy", "unhealthyPodEvictionPolicy"),
        ];
        errors.invalid(at, Raw(format!("{{{}}}", shown.join(","))), "minAvailable and maxUnavailable cannot be both set");
    }
    for (field, value) in [("minAvailable", available), ("maxUnavailable", unavailable)] {
        if let Some(value) = value {
            int_or_percent(errors, value, &at.child(field));
            at_most_all(errors, value, &at.child(field));
        }
    }
    if let Some(selector) = get(spec, "selector") {
        meta::selector(errors, selector, &at.child("selector"));
    }
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    if let Some(policy) = get(spec, "unhealthyPodEvictionPolicy").and_then(Value::as_str)
        && !policies.contains(&policy)
    {
        errors.unsupported_json(&at.child("unhealthyPodEvictionPolicy"), policy, &policies);
    }
}
