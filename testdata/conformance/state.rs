//! Custom resources, their definitions, admission policies, Pod Security, quota and order: what depends on more than
//! the object itself.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::records;
use crate::Outcome;
use kval::kube::custom_resource;
use kval::kube::custom_resource::Answer;

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
    if let (Some(want), Some(got)) = (record.get("object"), &answer.object) {
        if !same_json(want, got) {
            return Err(format!("object: want {want} got {got}"));
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

fn group(object: &Json) -> &str {
    text(object, "apiVersion").split_once('/').map_or("", |(group, _)| group)
}

/// What the server says to an object before anything that depends on others: decoding, validation, expressions.
fn alone(object: &Json) -> Answer {
    let verdict = kval::kube::admit(object, VERSION);
    let causes = verdict.causes;
    if verdict.phase == "decode" {
        return Answer { status: 400, message: verdict.message, ..Answer::default() };
    }
    if causes.is_empty() {
        return Answer { status: 201, ..Answer::default() };
    }
    let message = custom_resource::invalid_message(text(object, "kind"), group(object), text(&object["metadata"], "name"), &causes);
    Answer { status: 422, causes, message, ..Answer::default() }
}

fn forbidden(object: &Json, why: &str) -> String {
    let dot = if group(object).is_empty() { "" } else { "." };
    let resource = kval::kube::policy::resource_of(text(object, "kind"));
    format!("{resource}{dot}{} \"{}\" is forbidden: {why}", group(object), text(&object["metadata"], "name"))
}

fn namespace_of<'a>(others: &'a [Json], object: &Json) -> Option<&'a Json> {
    let name = object["metadata"]["namespace"].as_str().unwrap_or("default");
    others.iter().find(|o| o["kind"] == "Namespace" && o["metadata"]["name"] == name)
}

pub(crate) fn definitions(_: &str) -> Set {
    run("crd", |record| {
        let mut answer = alone(&record["manifest"]);
        answer.warnings = record["warnings"].as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned)).collect();
        compare(record, &answer)
    })
}

pub(crate) fn pod_security(_: &str) -> Set {
    use kval::kube::pod_security;
    run("podsecurity", |record| {
        let manifest = &record["manifest"];
        let others = setup(record);
        let mut answer = alone(manifest);
        if record["verb"] == "update" {
            answer.status = 200;
        }
        if manifest["kind"] == "Namespace" {
            let labels = &manifest["metadata"]["labels"];
            let name = text(&manifest["metadata"], "name");
            let causes = pod_security::policy(labels).1;
            if !causes.is_empty() {
                answer.status = 422;
                answer.message = custom_resource::invalid_message("Namespace", "", name, &causes);
                answer.causes = causes;
            } else if record["verb"] == "update" {
                let pods: Vec<&Json> = others.iter().filter(|o| o["kind"] == "Pod").collect();
                answer.warnings = pod_security::relabel(name, &record["old"]["metadata"]["labels"], labels, &pods);
            }
            return compare(record, &answer);
        }
        let none = Json::Null;
        let labels = namespace_of(&others, manifest).map_or(&none, |n| &n["metadata"]["labels"]);
        if answer.status < 300 {
            let (denied, warnings) = pod_security::evaluate(labels, manifest);
            answer.warnings = warnings;
            if let Some(why) = denied {
                answer.status = 403;
                answer.message = forbidden(manifest, &why);
            }
        }
        answer.warnings.extend(pod_security::pod_warnings(manifest));
        compare(record, &answer)
    })
}

pub(crate) fn policies(_: &str) -> Set {
    use kval::kube::policy;
    run("policy", |record| {
        let manifest = &record["manifest"];
        let others = setup(record);
        let mut answer = alone(manifest);
        if answer.status == 201 && !text(manifest, "kind").contains("Policy") {
            let mut object = kval::kube::defaults_of(manifest);
            if object["metadata"]["namespace"].is_null() {
                object["metadata"]["namespace"] = "default".into();
            }
            let old = record.get("old").filter(|o| o.is_object()).map(kval::kube::defaults_of);
            let resource = policy::resource_of(text(manifest, "kind"));
            let fallback = serde_json::json!({"kind": "Namespace", "metadata": {"name": object["metadata"]["namespace"]}});
            let mut namespace = namespace_of(&others, manifest).unwrap_or(&fallback).clone();
            namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = namespace["metadata"]["name"].clone();
            let request =
                policy::Request { object: &object, old: old.as_ref(), resource: &resource, namespace: Some(&namespace), user: "admin" };
            let decision = policy::evaluate(&others, &request);
            answer.warnings = decision.warnings;
            if old.is_some() {
                answer.status = 200;
            }
            if let Some((message, reason)) = decision.denied {
                answer.status = policy::status_of(&reason);
                answer.message = forbidden(manifest, &message);
                answer.causes =
                    vec![kval::kube::Cause { reason: "", field: String::new(), message, path: kval::kube::field::Path::default() }];
            }
        }
        compare(record, &answer)
    })
}

pub(crate) fn quota(_: &str) -> Set {
    use kval::simulate::apiserver::store::ApiServer;
    run("quota", |record| {
        let mut api = ApiServer::new(0, 1);
        for manifest in record["setup"].as_array().into_iter().flatten() {
            api.apply(manifest).map_err(|e| format!("setup: {}", e.message))?;
        }
        let mut answer = Answer { status: 201, ..Answer::default() };
        match api.apply(&record["manifest"]) {
            Ok(made) => answer.object = Some(made.to_json()),
            Err(e) => {
                answer.status = e.code;
                answer.message = e.message;
            }
        }
        if let Some(object) = &mut answer.object {
            for key in ["uid", "creationTimestamp", "resourceVersion", "managedFields"] {
                object["metadata"].as_object_mut().map(|m| m.remove(key));
            }
        }
        let mut record = record.clone();
        record["causes"] = Json::Array(Vec::new());
        compare(&record, &answer)
    })
}
