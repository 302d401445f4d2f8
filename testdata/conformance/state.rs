//! Custom resources, their definitions, admission policies, Pod Security, quota and order: what depends on more than
//! the object itself.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::records;
use crate::Outcome;
use kval::kube::custom_resource;
use kval::kube::custom_resource::Answer;
use kval::kube::request;
use kval::kube::request::Request;

type Set = Option<(bool, Vec<Outcome>)>;

fn run(file: &str, check: impl Fn(&Json) -> Result<(), String> + Sync) -> Set {
    Some((true, records(&format!("validation/{file}.jsonl"), check)?))
}

fn text<'a>(value: &'a Json, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

/// Replaces the names that differ on every run.
fn stable(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(i) = rest.find("selfType") {
        let after = &rest[i + 8..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(&rest[..i]);
        out.push_str("selfType<n>");
        rest = &after[digits..];
        rest = rest.strip_prefix("<n>").filter(|_| digits == 0).unwrap_or(rest);
    }
    out + rest
}

fn cause_set<'a>(causes: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> BTreeSet<String> {
    causes.map(|(reason, field, message)| format!("{reason} {field}: {}", stable(message))).collect()
}

/// Equality of JSON in which `1.0` is `1`, as Go prints it.
fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Json::Object(a), Json::Object(b)) => a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same_json(a, b))),
        _ => a == b,
    }
}

fn first_difference(path: &str, want: &Json, got: &Json) -> String {
    if let (Json::Object(a), Json::Object(b)) = (want, got) {
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        let none = Json::Null;
        let differs = |k: &&&String| !same_json(a.get(**k).unwrap_or(&none), b.get(**k).unwrap_or(&none));
        if let Some(key) = keys.iter().find(differs) {
            return first_difference(&format!("{path}.{key}"), a.get(*key).unwrap_or(&none), b.get(*key).unwrap_or(&none));
        }
    }
    format!("{path}: want {want} got {got}")
}

/// The first difference of an answer from the recorded one.
fn compare(record: &Json, answer: &Answer) -> Result<(), String> {
    let want_status = record["status"].as_u64().unwrap_or(0);
    if want_status != u64::from(answer.status) {
        return Err(format!("status: want {want_status} got {} want {:?} got {:?}", answer.status, record["message"], answer.message));
    }
    let causes = record["causes"].as_array().cloned().unwrap_or_default();
    let want = cause_set(causes.iter().map(|c| (text(c, "reason"), text(c, "field"), text(c, "message"))));
    let got = cause_set(answer.causes.iter().map(|c| (c.reason, c.field.as_str(), c.message.as_str())));
    if record["unstable"] != true && want != got {
        let missing: Vec<_> = want.difference(&got).collect();
        let extra: Vec<_> = got.difference(&want).collect();
        return Err(format!("causes: missing {missing:?} extra {extra:?}"));
    }
    let loose = record["unordered"] == true || record["unstable"] == true;
    if !loose && stable(text(record, "message")) != stable(&answer.message) {
        return Err(format!("message: want {:?} got {:?}", text(record, "message"), answer.message));
    }
    let warnings: BTreeSet<&str> = record["warnings"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let got: BTreeSet<&str> = answer.warnings.iter().map(String::as_str).collect();
    if warnings != got {
        return Err(format!("warnings: want {warnings:?} got {got:?}"));
    }
    if let Some(want) = record.get("object").filter(|o| o.is_object()) {
        let got = answer.object.as_ref().unwrap_or(&Json::Null);
        if !same_json(want, got) {
            return Err(first_difference("object", want, got));
        }
    }
    Ok(())
}

/// The manifests of a setup; a later one of the same name replaces the earlier.
fn setup(record: &Json) -> Vec<Json> {
    let mut out: Vec<Json> = Vec::new();
    for manifest in record["setup"].as_array().into_iter().flatten() {
        let id = |m: &Json| (m["kind"].clone(), m["metadata"]["namespace"].clone(), m["metadata"]["name"].clone());
        match out.iter_mut().find(|m| id(m) == id(manifest)) {
            Some(slot) => *slot = manifest.clone(),
            None => out.push(manifest.clone()),
        }
    }
    out
}

pub(crate) fn custom_resources(_: &str) -> Set {
    run("cr", |record| {
        let crds: Vec<Json> = setup(record).into_iter().filter(|m| m["kind"] == "CustomResourceDefinition").collect();
        let manifest = &record["manifest"];
        let found = custom_resource::definition_of(&crds, text(manifest, "apiVersion"), text(manifest, "kind"));
        let Some((crd, version)) = found else {
            return if record["status"] == 404 { Ok(()) } else { Err("no definition".to_owned()) };
        };
        let subresource = text(record, "subresource");
        let old = record.get("old").filter(|o| o.is_object()).map(|old| {
            let made = custom_resource::admit(crd, version, old, None, "");
            match made.object {
                Some(made) if record["old_in_setup"] != true => made,
                _ => custom_resource::stored(crd, version, old),
            }
        });
        compare(record, &custom_resource::admit(crd, version, manifest, old.as_ref(), subresource))
    })
}

const VERSION: &str = "1.36";

/// What was recorded as `object` lacks what a run makes up.
fn masked(mut answer: Answer) -> Answer {
    if let Some(object) = &mut answer.object {
        if object["kind"] == "CustomResourceDefinition" {
            object.as_object_mut().map(|o| o.remove("status"));
        }
        for key in ["uid", "creationTimestamp", "resourceVersion", "managedFields"] {
            object["metadata"].as_object_mut().map(|m| m.remove(key));
        }
    }
    answer
}

/// Sends the request of a record to a cluster with the objects of its setup.
fn send(record: &Json) -> Answer {
    let cluster = setup(record);
    let old = record.get("old").filter(|o| o.is_object());
    let object = &record["manifest"];
    let body = python(object);
    let request = Request {
        cluster: &cluster,
        object,
        old,
        subresource: text(record, "subresource"),
        path: record["url"].as_str(),
        body: &body,
        user: "admin",
        kube_version: VERSION,
    };
    let mut answer = masked(request::answer(&request));
    if old.is_some() && answer.status == 201 {
        answer.status = 200;
    }
    answer
}

/// The body as it was sent.
fn python(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(k, v)| format!("{}: {}", Json::from(k.as_str()), python(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

pub(crate) fn definitions(_: &str) -> Set {
    run("crd", |record| compare(record, &send(record)))
}

pub(crate) fn pod_security(_: &str) -> Set {
    run("podsecurity", |record| compare(record, &send(record)))
}

pub(crate) fn policies(_: &str) -> Set {
    run("policy", |record| compare(record, &send(record)))
}

pub(crate) fn quota(_: &str) -> Set {
    run("quota", |record| compare(record, &send(record)))
}

pub(crate) fn order(_: &str) -> Set {
    run("order", |record| compare(record, &send(record)))
}
