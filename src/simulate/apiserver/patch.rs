//! Strategic merge patches. upstream: apimachinery/pkg/util/strategicpatch

use serde_json::Value;

use crate::kube::merge_key::merge_key;

/// Applies a strategic merge patch.
pub fn strategic_merge(target: &mut Value, patch: &Value) {
    merge(target, patch, true, "", 0);
}

/// Applies a JSON merge patch. RFC 7386
pub fn json_merge(target: &mut Value, patch: &Value) {
    merge(target, patch, false, "", 0);
}

fn merge(target: &mut Value, patch: &Value, strategic: bool, parent: &str, depth: usize) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if depth > 500 {
        return;
    }
    if !target.is_object() || (strategic && changes.get("$patch").is_some_and(|p| p == "replace")) {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, change) in changes.iter().filter(|(k, _)| !(strategic && k.starts_with('$'))) {
        if change.is_null() {
            map.remove(key);
            continue;
        }
        let slot = map.entry(key.clone()).or_insert(Value::Null);
        match (change, merge_key(key, parent).filter(|_| strategic)) {
            (Value::Array(items), Some(id)) if slot.is_array() => merge_list(slot, items, id, depth + 1),
            _ => merge(slot, change, strategic, key, depth + 1),
        }
    }
}

fn merge_list(target: &mut Value, items: &[Value], id: &str, depth: usize) {
    let Some(list) = target.as_array_mut() else { return };
    for item in items {
        let same = |v: &&mut Value| !v[id].is_null() && v[id] == item[id];
        if item.get("$patch").is_some_and(|p| p == "delete") {
            list.retain(|v| v[id] != item[id]);
        } else if let Some(found) = list.iter_mut().find(same) {
            merge(found, item, true, "[]", depth);
        } else {
            list.push(item.clone());
        }
    }
}
