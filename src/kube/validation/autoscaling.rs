//! Autoscalers. upstream: pkg/apis/autoscaling/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::resources::{amount, container_resource_name};
use super::{Errors, get, int, list, meta, part, text};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    if kind == "HorizontalPodAutoscaler" && matches!(version, "v1" | "v2") {
        meta::object_meta(errors, object, names::dns1123_subdomain);
        spec(errors, version, object, &At::new("spec"));
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: validateHorizontalPodAutoscalerSpec
fn spec(errors: &mut Errors, version: &str, object: &Value, at: &At<'_>) {
    let spec = part(object, "spec");
    let (min, max) = (int(spec, "minReplicas"), int(spec, "maxReplicas").unwrap_or(0));
    if let Some(min) = min.filter(|m| *m < 1) {
        errors.invalid(&at.child("minReplicas"), min, "must be greater than or equal to 1");
    }
    if max == 0 {
        errors.required(&at.child("maxReplicas"), "must be set and greater than 0");
    } else if max < 0 {
        errors.invalid(&at.child("maxReplicas"), max, "must be greater than or equal to 1");
    }
    if min.is_some_and(|min| max < min) {
        errors.invalid(&at.child("maxReplicas"), max, "must be greater than or equal to `minReplicas`");
    }
    let target = part(spec, "scaleTargetRef");
    reference(errors, target, text(target, "kind") == "ReplicationController", &at.child("scaleTargetRef"));
    let metrics = if version == "v1" { metrics_of_v1(object) } else { list(spec, "metrics").to_vec() };
    let outer = metrics.iter().any(|m| matches!(text(m, "type"), "Object" | "External"));
    for (i, metric) in metrics.iter().enumerate() {
        self::metric(errors, metric, &at.item("metrics", i));
    }
    if min == Some(0) && !outer {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.forbidden(&at.child("metrics"), detail);
    }
    if version == "v2"
        && let Some(behavior) = get(spec, "behavior")
    {
        for side in ["scaleUp", "scaleDown"] {
            if let Some(rules) = get(behavior, side) {
                scaling_rules(errors, rules, &at.child("behavior").child(side));
            }
        }
    }
}

/// What version 1 means in version 2.
fn metrics_of_v1(object: &Value) -> Vec<Value> {
    let Some(percent) = get(part(object, "spec"), "targetCPUUtilizationPercentage") else { return Vec::new() };
    let target = serde_json::json!({"type": "Utilization", "averageUtilization": percent});
    vec![serde_json::json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})]
}

/// upstream: ValidateCrossVersionObjectReference
fn reference(errors: &mut Errors, reference: &Value, core_group: bool, at: &At<'_>) {
    for field in ["kind", "name"] {
        match text(reference, field) {
            "" => errors.required(&at.child(field), ""),
            value => errors.invalid_text(&at.child(field), value, names::path_segment(value)),
        }
    }
    let version = text(reference, "apiVersion");
    if version.matches('/').count() > 1 {
        errors.invalid(&at.child("apiVersion"), version, &format!("unexpected GroupVersion string: {version}"));
    } else if !core_group && version.split_once('/').is_none_or(|(group, _)| group.is_empty()) {
        errors.invalid(&at.child("apiVersion"), version, "apiVersion must specify API group");
    }
}

/// upstream: validateScalingRules
fn scaling_rules(errors: &mut Errors, rules: &Value, at: &At<'_>) {
    if let Some(seconds) = int(rules, "stabilizationWindowSeconds") {
        let at = at.child("stabilizationWindowSeconds");
        if seconds < 0 {
            errors.invalid(&at, seconds, "must be greater than or equal to zero");
        }
        if seconds > 3600 {
            errors.invalid(&at, seconds, "must be less than or equal to 3600");
        }
    }
    let policies = ["Disabled", "Max", "Min"];
    if let Some(select) = get(rules, "selectPolicy").and_then(Value::as_str)
        && !policies.contains(&select)
    {
        errors.unsupported_json(&at.child("selectPolicy"), select, &policies);
    }
    let all = list(rules, "policies");
    if all.is_empty() {
        errors.required(&at.child("policies"), "must specify at least one Policy");
    }
    for (i, policy) in all.iter().enumerate() {
        let at = at.item("policies", i);
        let kind = text(policy, "type");
        if !["Pods", "Percent"].contains(&kind) {
            errors.unsupported_json(&at.child("type"), kind, &["Percent", "Pods"]);
        }
        for field in ["value", "periodSeconds"] {
            let number = int(policy, field).unwrap_or(0);
            if number <= 0 {
                errors.invalid(&at.child(field), number, "must be greater than zero");
            }
            if field == "periodSeconds" && number > 1800 {
                errors.invalid(&at.child(field), number, "must be less than or equal to 1800");
            }
        }
    }
    if let Some(tolerance) = get(rules, "tolerance")
        && amount(tolerance).nanos < 0
    {
        errors.invalid(&at.child("tolerance"), tolerance, "must be greater than or equal to 0");
    }
}

const KINDS: &[(&str, &str)] = &[
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

/// upstream: validateMetricSpec
fn metric(errors: &mut Errors, metric: &Value, at: &At<'_>) {
    let kind = text(metric, "type");
    let known = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    if kind.is_empty() {
        errors.required(&at.child("type"), "must specify a metric source type");
    }
    let expected = KINDS.iter().find(|(k, _)| *k == kind).map(|(_, field)| *field);
    if expected.is_none() {
        errors.unsupported_json(&at.child("type"), kind, &known);
    }
    let present: Vec<&str> = KINDS.iter().map(|(_, field)| *field).filter(|f| get(metric, f).is_some()).collect();
    if let Some(field) = present.first() {
        source(errors, field, part(metric, field), &at.child(field));
    }
    match expected {
        Some(field) if get(metric, field).is_none() => {
            errors.required(&at.child(field), "must populate information for the given metric source");
        }
        Some(_) => {}
        None => errors.unsupported_json(&at.child("type"), kind, &known),
    }
    if present.len() != 1 {
        for field in present.into_iter().filter(|f| Some(*f) != expected) {
            errors.forbidden(&at.child(field), "must populate the given metric source only");
        }
    }
}

fn source(errors: &mut Errors, kind: &str, source: &Value, at: &At<'_>) {
    let target = part(source, "target");
    let has = |field: &str| get(target, field).is_some();
    let at_target = at.child("target");
    match kind {
        "object" | "external" | "pods" => {
            if kind == "object" {
                reference(errors, part(source, "describedObject"), true, &at.child("describedObject"));
            }
            match text(part(source, "metric"), "name") {
                "" => errors.required(&at.child("metric.name"), "must specify a metric name"),
                name => errors.invalid_text(&at.child("metric.name"), name, names::path_segment(name)),
            }
        }
        _ => {
            let name = text(source, "name");
            if name.is_empty() {
                errors.required(&at.child("name"), "must specify a resource name");
            } else if kind == "containerResource" {
                container_resource_name(errors, name, &at.child("name"));
            }
            if kind == "containerResource" {
                match text(source, "container") {
                    "" => errors.required(&at.child("container"), "must specify a container"),
                    name => errors.invalid_text(&at.child("container"), name, names::dns1123_label(name)),
                }
            }
        }
    }
    metric_target(errors, target, &at_target);
    match kind {
        "object" if !has("value") && !has("averageValue") => {
            errors.required(&at_target.child("averageValue"), "must set either a target value or averageValue");
        }
        "external" if !has("value") && !has("averageValue") => {
            errors.required(&at_target.child("averageValue"), "must set either a target value for metric or a per-pod target");
        }
        "external" if has("value") && has("averageValue") => {
            errors.forbidden(&at_target.child("value"), "may not set both a target value for metric and a per-pod target");
        }
        "pods" if !has("averageValue") => {
            errors.required(&at_target.child("averageValue"), "must specify a positive target averageValue");
        }
        "resource" | "containerResource" => match (has("averageUtilization"), has("averageValue")) {
            (false, false) => {
                let detail = "must set either a target raw value or a target utilization";
                errors.required(&at_target.child("averageUtilization"), detail);
            }
            (true, true) => {
                let detail = "may not set both a target raw value and a target utilization";
                errors.forbidden(&at_target.child("averageValue"), detail);
            }
            _ => {}
        },
        _ => {}
    }
}

/// upstream: validateMetricTarget
fn metric_target(errors: &mut Errors, target: &Value, at: &At<'_>) {
    let kind = text(target, "type");
    if kind.is_empty() {
        errors.required(&at.child("type"), "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        errors.invalid(&at.child("type"), kind, "must be either Utilization, Value, or AverageValue");
    }
    for field in ["value", "averageValue"] {
        if let Some(value) = get(target, field)
            && amount(value).nanos <= 0
        {
            errors.invalid(&at.child(field), value, "must be positive");
        }
    }
    if let Some(percent) = int(target, "averageUtilization").filter(|p| *p < 1) {
        errors.invalid(&at.child("averageUtilization"), percent, "must be greater than 0");
    }
}
