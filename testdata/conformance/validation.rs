//! Sets `validation-verdict`, `validation-field`, `validation-message`, `validation-valid`, `validation-warnings` and
//! `validation-defaults`: what a
//! kube-apiserver answered to creating objects.

use std::collections::BTreeSet;

use kval::kube::{self, Verdict, schema::NEWEST_VALIDATED};
use serde_json::Value as Json;

use super::each;
use crate::Outcome;
use crate::data;

fn name_of(r: &Json) -> String {
    let text = |k: &str| r[k].as_str().unwrap_or("").to_owned();
    format!("{} {} {} {}", text("id"), text("kind"), text("field"), text("mutation"))
}

/// The phases whose answers depend on the cluster or on the URL of the request.
fn counts(r: &Json) -> bool {
    !matches!(r["phase"].as_str(), Some("server-error" | "admission-or-state" | "url-context"))
}

fn admit(r: &Json) -> Verdict {
    if let Some(text) = r["manifest_yaml"].as_str() {
        return kube::admit_text(text, r["kind"].as_str().unwrap_or(""), NEWEST_VALIDATED);
    }
    let mut manifest = r["manifest"].clone();
    // The URL supplies what is absent.
    for (key, from) in [("apiVersion", &r["apiVersion"]), ("kind", &r["kind"])] {
        if manifest[key].is_null() {
            manifest[key] = from.clone();
        }
    }
    // All requests went to the namespace `default`.
    kube::admit_in(&manifest, "default", NEWEST_VALIDATED)
}

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    items.map(str::to_owned).collect()
}

fn compare(want: &BTreeSet<String>, got: &BTreeSet<String>) -> Result<(), String> {
    if want == got {
        return Ok(());
    }
    let missing: Vec<_> = want.difference(got).collect();
    let extra: Vec<_> = got.difference(want).collect();
    Err(format!("missing {missing:?} extra {extra:?}"))
}

fn records(path: &str, keep: impl Fn(&Json) -> bool, check: impl Fn(&Json) -> Result<(), String> + Sync) -> Option<(bool, Vec<Outcome>)> {
    let mut records: Vec<Json> = data::lines(path)?.into_iter().filter(keep).collect();
    // Unoptimised, a part spread over the whole proves enough; `KVAL_FULL` asks for all.
    if cfg!(debug_assertions) && records.len() > 7000 && std::env::var_os("KVAL_FULL").is_none() {
        records = records.into_iter().step_by(4).collect();
    }
    Some((true, each(records, name_of, check)))
}

pub(super) fn verdict(_: &str) -> Option<(bool, Vec<Outcome>)> {
    records("validation/create.jsonl", counts, |r| {
        let refused = r["phase"] != "ok";
        let verdict = admit(r);
        if verdict.rejected == refused {
            return Ok(());
        }
        if refused {
            return Err(format!("should be refused: {} {}", r["message"], r["causes"]));
        }
        let causes: Vec<_> = verdict.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        Err(format!("should be accepted: {} {causes:?}", verdict.message))
    })
}

pub(super) fn field(_: &str) -> Option<(bool, Vec<Outcome>)> {
    records(
        "validation/create.jsonl",
        |r| r["phase"] == "validation",
        |r| {
            let want = strings(r["causes"].as_array().into_iter().flatten().filter_map(|c| c["field"].as_str()));
            compare(&want, &strings(admit(r).causes.iter().map(|c| c.field.as_str())))
        },
    )
}

pub(super) fn message(_: &str) -> Option<(bool, Vec<Outcome>)> {
    records(
        "validation/create.jsonl",
        |r| counts(r) && r["phase"] != "ok",
        |r| {
            let verdict = admit(r);
            if r["phase"] != "validation" {
                return compare(&strings(r["message"].as_str().into_iter()), &strings(std::iter::once(verdict.message.as_str())));
            }
            let want = strings(r["causes"].as_array().into_iter().flatten().filter_map(|c| c["message"].as_str()));
            compare(&want, &strings(verdict.causes.iter().map(|c| c.message.as_str())))
        },
    )
}

pub(super) fn valid(_: &str) -> Option<(bool, Vec<Outcome>)> {
    records(
        "validation/valid.jsonl",
        |_| true,
        |r| {
            let verdict = kube::admit(&r["manifest"], NEWEST_VALIDATED);
            if verdict.rejected { Err(format!("{} {:?}", verdict.message, verdict.causes)) } else { Ok(()) }
        },
    )
}

pub(super) fn warnings(_: &str) -> Option<(bool, Vec<Outcome>)> {
    let accepted = |r: &Json| r["phase"] == "ok" && r["warnings"].as_array().is_some_and(|w| !w.is_empty());
    records("validation/create.jsonl", accepted, |r| {
        let want = strings(r["warnings"].as_array().into_iter().flatten().filter_map(Json::as_str));
        compare(&want, &strings(admit(r).warnings.iter().map(|w| w.message.as_str())))
    })
}

fn is_uid(text: &str) -> bool {
    text.len() == 36 && text.bytes().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Replaces what a server makes up: uids, times and addresses.
fn mask(value: &mut Json, key: &str) {
    match value {
        Json::String(s) if is_uid(s) => "UID".clone_into(s),
        Json::String(s) if key.ends_with("Time") || key == "timeAdded" => "TIME".clone_into(s),
        Json::Array(items) => items.iter_mut().for_each(|v| mask(v, key)),
        Json::Object(map) => map.iter_mut().for_each(|(k, v)| mask(v, k)),
        _ => {}
    }
}

fn set(value: &mut Json, pointer: &str, new: &str) {
    if let Some(v) = value.pointer_mut(pointer) {
        *v = new.into();
    }
}

/// What creation allocated and the manifest did not ask for.
fn drop_allocated(manifest: &Json, object: &mut Json) {
    if manifest["metadata"]["name"].as_str().unwrap_or("").is_empty() {
        set(object, "/metadata/name", "GENERATED");
    }
    if object["kind"] == "CertificateSigningRequest" {
        // These say who asked.
        for key in ["username", "uid", "groups"] {
            object["spec"].as_object_mut().map(|spec| spec.remove(key));
        }
    }
    if object["kind"] != "Service" {
        return;
    }
    let asked = &manifest["spec"];
    let Some(spec) = object["spec"].as_object_mut() else { return };
    for key in ["clusterIP", "clusterIPs", "healthCheckNodePort"] {
        if asked[key].is_null() || asked[key] == "" || asked[key].as_array().is_some_and(Vec::is_empty) {
            spec.remove(key);
        }
    }
    if asked["clusterIP"] == "None" || asked["clusterIPs"][0] == "None" {
        return;
    }
    if spec.get("ports").is_some_and(Json::is_array) {
        for port in spec["ports"].as_array_mut().into_iter().flatten() {
            if let Some(map) = port.as_object_mut() {
                map.remove("nodePort");
            }
        }
    }
}

fn first_difference(path: &str, want: &Json, got: &Json) -> Option<String> {
    match (want, got) {
        (Json::Object(a), Json::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|k| match (a.get(k), b.get(k)) {
                (Some(x), Some(y)) => first_difference(&format!("{path}.{k}"), x, y),
                (Some(x), None) => Some(format!("{path}.{k}: missing {x}")),
                (None, Some(y)) => Some(format!("{path}.{k}: extra {y}")),
                (None, None) => None,
            })
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (x, y))| first_difference(&format!("{path}[{i}]"), x, y))
        }
        _ => (want != got).then(|| format!("{path}: want {want} got {got}")),
    }
}

pub(super) fn defaults(_: &str) -> Option<(bool, Vec<Outcome>)> {
    records(
        "validation/valid.jsonl",
        |_| true,
        |r| {
            let (mut want, mut got) = (r["defaulted"].clone(), kube::defaults_of(&r["manifest"]));
            for object in [&mut want, &mut got] {
                mask(object, "");
                drop_allocated(&r["manifest"], object);
            }
            first_difference("", &want, &got).map_or(Ok(()), Err)
        },
    )
}
