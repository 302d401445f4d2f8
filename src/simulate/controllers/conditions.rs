//! Conditions of a status.

use std::borrow::Borrow;

use serde_json::Value;
use serde_json::json;

use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Shared;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// A condition that begins now.
pub fn new(now: Nanos, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": now})
}

/// The condition of a type.
pub fn get<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    find(list(status, &["conditions"]), kind)
}

/// The condition of a type among others.
pub fn find<'a, C: Borrow<Value>>(all: &'a [C], kind: &str) -> Option<&'a Value> {
    all.iter().map(Borrow::borrow).find(|c| is(c, kind))
}

fn is(condition: &Value, kind: &str) -> bool {
    text(condition, &["type"]) == kind
}

/// Whether [`put`] would leave conditions as they are.
pub fn hold<C: Borrow<Value>>(all: &[C], kind: &str, word: &str, reason: &str) -> bool {
    find(all, kind).is_some_and(|current| current["status"] == word && current["reason"] == reason)
}

/// Takes the condition of a type away.
pub fn remove(status: &mut Value, kind: &str) {
    if let Some(all) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        take(all, kind);
    }
}

/// Takes the condition of a type away from others.
pub fn take<C: Borrow<Value>>(all: &mut Vec<C>, kind: &str) {
    all.retain(|c| !is((*c).borrow(), kind));
}

/// Sets a condition of a status, as [`put`] does.
pub fn set(status: &mut Value, condition: Value) {
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    if let Some(all) = status["conditions"].as_array_mut() {
        put(all, condition);
    }
}

/// Sets a condition of the status of a Deployment, as [`put`] does.
pub fn add(status: &mut Shared, condition: Value) {
    let mut tally = status.tally().clone();
    put(tally.conditions_mut(), condition);
    *status = Shared::of_tally(tally);
}

/// Sets a condition among others, unless it only repeats status and reason of the present one; the transition keeps its time
/// while the status stays. upstream: SetDeploymentCondition and its siblings
pub fn put<C: Borrow<Value> + From<Value>>(all: &mut Vec<C>, mut condition: Value) {
    let kind = text(&condition, &["type"]).to_owned();
    if let Some(current) = find(all, &kind) {
        if current["status"] == condition["status"] {
            if current["reason"] == condition["reason"] {
                return;
            }
            condition["lastTransitionTime"] = current["lastTransitionTime"].clone();
        }
    }
    take(all, &kind);
    all.push(condition.into());
}
