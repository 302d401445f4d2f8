//! Schemas of kinds in OpenAPI dumps (`kubectl get --raw /openapi/v2`, or a document of `/openapi/v3`).

use serde_json::Value;

/// References deeper than this are left open: a schema may speak of itself.
const MAX_DEPTH: usize = 24;

/// The schema that a dump holds for a kind, its references written out.
pub fn schema_in(dump: &Value, api_version: &str, kind: &str) -> Option<Value> {
    let all = dump.get("definitions").or_else(|| dump.pointer("/components/schemas"))?.as_object()?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let is_it = |schema: &&Value| {
        let kinds = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        let same = |gvk: &Value| gvk["group"].as_str().unwrap_or("") == group && gvk["version"] == version && gvk["kind"] == kind;
        kinds.is_some_and(|kinds| kinds.iter().any(same))
    };
    let found = all.values().find(is_it)?;
    Some(written_out(found, all, 0))
}

fn written_out(schema: &Value, all: &serde_json::Map<String, Value>, depth: usize) -> Value {
    match schema {
        Value::Object(parts) => {
            let target = parts.get("$ref").and_then(Value::as_str).and_then(|r| all.get(r.rsplit('/').next().unwrap_or(r)));
            // OpenAPI v3 wraps references that carry a default: `allOf: [{$ref: …}]`.
            let wrapped = parts.get("allOf").and_then(Value::as_array).filter(|a| a.len() == 1 && a[0].get("$ref").is_some());
            match (target, wrapped) {
                (Some(_), _) if depth > MAX_DEPTH => Value::Object(serde_json::Map::new()),
                (Some(target), _) => written_out(target, all, depth + 1),
                (None, Some(one)) => written_out(&one[0], all, depth),
                (None, None) => Value::Object(parts.iter().map(|(k, v)| (k.clone(), written_out(v, all, depth))).collect()),
            }
        }
        Value::Array(items) => Value::Array(items.iter().map(|v| written_out(v, all, depth)).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_written_out() {
        let gvk = json!([{"group": "example.com", "version": "v1", "kind": "Widget"}]);
        let spec = json!({"type": "object", "properties": {"size": {"type": "integer"}, "child": {"$ref": "#/definitions/Spec"}}});
        let v2 = json!({"definitions": {"W": {"x-kubernetes-group-version-kind": gvk, "properties": {"spec": {"$ref": "#/definitions/Spec"}}}, "Spec": spec}});
        let found = schema_in(&v2, "example.com/v1", "Widget").unwrap();
        assert_eq!(found["properties"]["spec"]["properties"]["size"]["type"], "integer");
        assert!(schema_in(&v2, "example.com/v2", "Widget").is_none());
        let v3 = json!({"components": {"schemas": {"W": {"x-kubernetes-group-version-kind": gvk, "properties": {"spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}]}}}, "Spec": {"type": "object"}}}});
        assert_eq!(schema_in(&v3, "example.com/v1", "Widget").unwrap()["properties"]["spec"]["type"], "object");
    }
}
