//! Disruption budgets. upstream: pkg/apis/policy/validation

use serde_json::Value;

use super::super::field::Path;
use super::{Errors, get, meta};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    if (version, kind) == ("v1", "PodDisruptionBudget") {
        budget(errors, object);
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidatePodDisruptionBudgetSpec
pub(super) fn budget(errors: &mut Errors, object: &Value) {
    let path = Path::new("spec");
    let spec = get(object, "spec").unwrap_or(&Value::Null);
    if let Some(selector) = get(spec, "selector") {
        meta::selector(errors, selector, &path.child("selector"));
    }
    let policy = super::text_or(spec, "unhealthyPodEvictionPolicy", "IfHealthyBudget");
    if !["AlwaysAllow", "IfHealthyBudget"].contains(&policy) {
        errors.unsupported(&path.child("unhealthyPodEvictionPolicy"), policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}
