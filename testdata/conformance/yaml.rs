//! Sets `toyaml` and `fromyaml`.

use kval::value::Value;
use kval::value::json;
use serde_json::Value as Json;

use super::{records, same};
use crate::Outcome;
use crate::data;

fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    bytes
}

pub(super) fn toyaml(_: &str) -> Option<(bool, Vec<Outcome>)> {
    let outcomes = records("vectors/toyaml.jsonl", |r| {
        let text = data::bytes(r, "json").ok_or("no json")?;
        let value = json::from_json(&text)?;
        for (name, run) in [
            // Helm's toYaml answers the empty string where marshalling fails.
            ("toYaml", (|v| Ok(kval::yaml::to_yaml(v).map(trimmed).unwrap_or_default())) as fn(&Value) -> Result<Vec<u8>, String>),
            ("toYamlPretty", |v| kval::yaml::to_yaml_pretty(v).map(trimmed)),
            ("toJson", |v| json::to_json(v)),
            ("toRawJson", |v| json::to_json_raw(v)),
            ("toPrettyJson", |v| json::to_json_pretty(v)),
        ] {
            compare(name, r["out"].get(name), r["out"].get(format!("{name}_err")), run(&value))?;
        }
        Ok(())
    })?;
    Some((true, outcomes))
}

fn compare(what: &str, want: Option<&Json>, want_err: Option<&Json>, got: Result<Vec<u8>, String>) -> Result<(), String> {
    match (want.and_then(data::value_bytes), want_err.and_then(data::value_bytes), got) {
        (Some(want), _, Ok(got)) => same(what, &want, &got),
        (Some(_), _, Err(e)) => Err(format!("{what} failed: {e}")),
        (None, Some(want), Err(e)) => same(what, &want, e.as_bytes()),
        (None, Some(want), Ok(_)) => Err(format!("{what} should fail: {}", String::from_utf8_lossy(&want))),
        (None, None, _) => Ok(()),
    }
}

pub(super) fn fromyaml(_: &str) -> Option<(bool, Vec<Outcome>)> {
    let outcomes = records("vectors/fromyaml.jsonl", |r| {
        let text = data::bytes(r, "yaml").ok_or("no yaml")?;
        let out = &r["out"];
        let value = kval::yaml::decode(&text).map_err(|e| e.message);
        let as_json = value.as_ref().map_err(Clone::clone).and_then(json::to_json);
        compare("json", out.get("json"), out.get("unmarshal_err"), as_json)?;
        if let Ok(value) = &value {
            compare("reemit", out.get("reemit"), out.get("reemit_err"), kval::yaml::to_yaml(value))?;
        }
        let strict = kval::yaml::decode_strict(&text).map(|_| Vec::new()).map_err(|e| e.message);
        match out.get("strict_err").and_then(data::value_bytes) {
            Some(_) => compare("strict", None, out.get("strict_err"), strict)?,
            None => drop(strict),
        }
        let values = kval::yaml::decode_values(&text).map(|v| super::typed(&v.into()).into_bytes()).map_err(|e| e.message);
        compare("values", out.get("values"), out.get("values_err"), values)
    })?;
    Some((true, outcomes))
}
