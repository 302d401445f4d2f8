//! Conditions of a status.

use serde_json::Value;
use serde_json::json;

use crate::simulate::apiserver::Nanos;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// A condition that begins now.
pub fn new(now: Nanos, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": now})
}

/// The condition of a type.
pub fn get<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    list(status, &["conditions"]).iter().find(|c| text(c, &["type"]) == kind)
}

/// Whether [`set`] would leave a status as it is.
pub fn holds(status: &Value, kind: &str, word: &str, reason: &str) -> bool {
    get(status, kind).is_some_and(|current| current["status"] == word && current["reason"] == reason)
}

/// Takes the condition of a type away.
pub fn remove(status: &mut Value, kind: &str) {
    if let Some(all) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        all.retain(|c| text(c, &["type"]) != kind);
    }
}

/// Sets a condition, unless it only repeats status and reason of the present one; the transition keeps its time while
/// the status stays. upstream: SetDeploymentCondition and its siblings
pub fn set(status: &mut Value, mut condition: Value) {
    let kind = text(&condition, &["type"]).to_owned();
    if let Some(current) = get(status, &kind) {
        if current["status"] == condition["status"] {
            if current["reason"] == condition["reason"] {
                return;
            }
            condition["lastTransitionTime"] = current["lastTransitionTime"].clone();
        }
    }
    remove(status, &kind);
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(all) = status["conditions"].as_array_mut() {
        all.push(condition);
    }
}
