//! Admission that asks what else the cluster holds: limit ranges, quotas, priority and runtime classes.
//! upstream: plugin/pkg/admission, apiserver pkg/admission/plugin

mod limit_range;
mod pod;
pub(crate) mod quota;

use serde_json::Value;

/// The objects of a kind in a namespace (of the whole cluster with an empty one).
fn of_kind<'a>(cluster: &'a [Value], kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
    cluster.iter().filter(move |o| {
        let own = o.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("");
        let own = if own.is_empty() { "default" } else { own };
        text(o, "kind") == kind && (namespace.is_empty() || own == namespace)
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn namespace_of(object: &Value) -> &str {
    match object.pointer("/metadata/namespace").and_then(Value::as_str) {
        None | Some("") => "default",
        Some(name) => name,
    }
}

/// What the plugins make of a new object before it is validated; the error says why they forbid it.
pub(crate) fn mutate(cluster: &[Value], object: &mut Value) -> Result<(), String> {
    if text(object, "kind") != "Pod" {
        return Ok(());
    }
    fill_limits(cluster, object);
    pod::priority(cluster, object)?;
    pod::runtime_class(cluster, object)
}

/// Fills in what the limit ranges of a cluster give to pods that do not say it.
pub(crate) fn fill_limits(cluster: &[Value], object: &mut Value) {
    if text(object, "kind") == "Pod" {
        let namespace = namespace_of(object).to_owned();
        of_kind(cluster, "LimitRange", &namespace).for_each(|range| limit_range::fill(range, object));
    }
}

/// Why the limit ranges of a cluster forbid an object.
pub(crate) fn over_limits(cluster: &[Value], object: &Value) -> Option<String> {
    if !matches!(text(object, "kind"), "Pod" | "PersistentVolumeClaim") {
        return None;
    }
    of_kind(cluster, "LimitRange", namespace_of(object)).find_map(|range| limit_range::refusal(range, object))
}

/// Why the plugins forbid a validated new object, quotas aside.
pub(crate) fn refusal(cluster: &[Value], object: &Value) -> Option<String> {
    let over = over_limits(cluster, object);
    if over.is_some() {
        return over;
    }
    match text(object, "kind") {
        "Pod" => pod::overhead(cluster, object),
        "PriorityClass" => pod::second_default(cluster, object),
        _ => None,
    }
}
