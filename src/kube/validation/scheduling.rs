//! Priority classes, workloads and pod groups. upstream: pkg/apis/scheduling/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, meta, text};

const HIGHEST: i64 = 1_000_000_000;
const SYSTEM: &[(&str, i64)] = &[("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    if kind == "PriorityClass" {
        priority_class(errors, object);
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    if kind != "PriorityClass" {
        return;
    }
    if int(object, "value").unwrap_or(0) != int(old, "value").unwrap_or(0) {
        errors.forbidden(&At::new("value"), "may not be changed in an update.");
    }
    errors.immutable(&At::new("preemptionPolicy"), text(object, "preemptionPolicy"), text(old, "preemptionPolicy"));
}

/// upstream: ValidatePriorityClass
fn priority_class(errors: &mut Errors, object: &Value) {
    let name = get(object, "metadata").map_or("", |m| text(m, "name"));
    let value = int(object, "value").unwrap_or(0);
    if name.starts_with("system-") {
        if let Some(wrong) = not_known(name, value, get(object, "globalDefault").and_then(Value::as_bool) == Some(true)) {
            let detail = format!("priority class names with 'system-' prefix are reserved for system use only. error: {wrong}");
            errors.forbidden(&At::new("metadata.name"), &detail);
        }
    } else if value > HIGHEST {
        errors.forbidden(&At::new("value"), &format!("maximum allowed value of a user defined priority is {HIGHEST}"));
    }
    let policies = ["PreemptLowerPriority", "Never"];
    let at = At::new("preemptionPolicy");
    match get(object, "preemptionPolicy").and_then(Value::as_str) {
        Some("") => errors.required(&at, ""),
        Some(policy) if !policies.contains(&policy) => errors.unsupported(&at, policy, &policies),
        _ => {}
    }
}

/// upstream: IsKnownSystemPriorityClass
fn not_known(name: &str, value: i64, global: bool) -> Option<String> {
    match SYSTEM.iter().find(|s| s.0 == name) {
        None => Some(format!("{name} is not a known system priority class")),
        Some((_, wanted)) if *wanted != value => Some(format!("value of {name} PriorityClass must be {wanted}")),
        Some(_) if global => Some(format!("globalDefault of {name} PriorityClass must be false")),
        Some(_) => None,
    }
}
