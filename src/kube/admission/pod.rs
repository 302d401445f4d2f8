//! Priority and runtime classes of pods. upstream: plugin/pkg/admission/priority, plugin/pkg/admission/runtimeclass

use serde_json::Value;
use serde_json::json;

use super::super::resource_sums;
use super::{list, of_kind, text};

/// The priority a pod gets from its class, or from the default one.
pub(super) fn priority(cluster: &[Value], pod: &mut Value) -> Result<(), String> {
    let name = pod.pointer("/spec/priorityClassName").and_then(Value::as_str).unwrap_or("").to_owned();
    let mut classes = of_kind(cluster, "PriorityClass", "");
    let class = if name.is_empty() {
        // Of several defaults the lowest counts.
        let value = |c: &&Value| c["value"].as_i64().unwrap_or(0);
        classes.filter(|c| c["globalDefault"] == true).min_by_key(value)
    } else {
        classes.find(|c| text(&c["metadata"], "name") == name)
    };
    let Some(class) = class else {
        let known = matches!(name.as_str(), "" | "system-node-critical" | "system-cluster-critical");
        return if known { Ok(()) } else { Err(format!("no PriorityClass with name {name} was found")) };
    };
    let spec = &mut pod["spec"];
    let wanted = class["value"].as_i64().unwrap_or(0);
    spec["priorityClassName"] = class["metadata"]["name"].clone();
    // Without a class of its own the pod was given none yet.
    if let Some(given) = spec["priority"].as_i64().filter(|given| *given != wanted && *given != 0) {
        return Err(format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {wanted} from the given PriorityClass name"
        ));
    }
    spec["priority"] = wanted.into();
    if let Some(policy) = class.get("preemptionPolicy").and_then(Value::as_str) {
        spec["preemptionPolicy"] = policy.into();
    }
    Ok(())
}

fn class_of<'a>(cluster: &'a [Value], pod: &Value) -> Result<Option<&'a Value>, String> {
    let Some(name) = pod.pointer("/spec/runtimeClassName").and_then(Value::as_str) else { return Ok(None) };
    let found = of_kind(cluster, "RuntimeClass", "").find(|c| text(&c["metadata"], "name") == name);
    found.map(Some).ok_or_else(|| format!("pod rejected: RuntimeClass \"{name}\" not found"))
}

const OTHER_OVERHEAD: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/// Whether two resource lists say the same amounts.
fn same_amounts(a: &Value, b: &Value) -> bool {
    let amounts = |list: &Value| {
        let holder = json!({"list": list});
        resource_sums::amounts(Some(&holder), "list").into_iter().map(|(k, v)| (k, v.0)).collect::<Vec<_>>()
    };
    amounts(a) == amounts(b)
}

/// Overhead and scheduling that a runtime class adds.
pub(super) fn runtime_class(cluster: &[Value], pod: &mut Value) -> Result<(), String> {
    let Some(class) = class_of(cluster, pod)? else { return Ok(()) };
    let spec = &mut pod["spec"];
    if let Some(overhead) = class.pointer("/overhead/podFixed").filter(|o| o.is_object()) {
        if spec.get("overhead").is_some_and(|own| own.is_object() && !same_amounts(own, overhead)) {
            return Err(OTHER_OVERHEAD.to_owned());
        }
        spec["overhead"] = overhead.clone();
    }
    let Some(scheduling) = class.get("scheduling").filter(|s| s.is_object()) else { return Ok(()) };
    for (key, value) in scheduling.get("nodeSelector").and_then(Value::as_object).into_iter().flatten() {
        if let Some(own) = spec.get("nodeSelector").and_then(|s| s.get(key)).filter(|own| *own != value) {
            let (value, own) = (value.as_str().unwrap_or(""), own.as_str().unwrap_or(""));
            return Err(format!("conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own}"));
        }
        spec["nodeSelector"][key.as_str()] = value.clone();
    }
    for toleration in list(scheduling, "tolerations") {
        if !list(spec, "tolerations").contains(toleration) {
            if !spec["tolerations"].is_array() {
                spec["tolerations"] = json!([]);
            }
            spec["tolerations"].as_array_mut().into_iter().for_each(|all| all.push(toleration.clone()));
        }
    }
    Ok(())
}

/// Whether a pod's overhead is its runtime class's.
pub(super) fn overhead(cluster: &[Value], pod: &Value) -> Option<String> {
    let class = match class_of(cluster, pod) {
        Ok(class) => class,
        Err(why) => return Some(why),
    };
    let own = pod.pointer("/spec/overhead").filter(|o| !o.is_null());
    match class.and_then(|c| c.pointer("/overhead/podFixed")).filter(|o| o.is_object()) {
        Some(defined) => (!own.is_some_and(|own| same_amounts(own, defined))).then(|| OTHER_OVERHEAD.to_owned()),
        None => own.map(|_| "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead".to_owned()),
    }
}

/// There can be one default priority class only.
pub(super) fn second_default(cluster: &[Value], class: &Value) -> Option<String> {
    if class["globalDefault"] != true {
        return None;
    }
    let other = of_kind(cluster, "PriorityClass", "").find(|c| c["globalDefault"] == true)?;
    Some(format!("PriorityClass {} is already marked as default. Only one default can exist", text(&other["metadata"], "name")))
}
