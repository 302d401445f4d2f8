//! `kubectl taint`. upstream: kubectl/pkg/cmd/taint

use serde_json::{Value, json};

use super::super::flags::Flags;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::options;
use super::{Ended, dry, ended};
use crate::kube::names;
use crate::simulate::scheduler::json::{list, text};

#[derive(Clone, Debug)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

fn effect_of(given: &str) -> Result<String, Fault> {
    if matches!(given, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
        return Ok(given.to_owned());
    }
    Err(Fault::usage("taint", format!("invalid taint effect: {given}, unsupported taint effect")))
}

/// upstream: parseTaint
fn parse(spec: &str) -> Result<Taint, Fault> {
    let wrong = |why: &str| {
        Fault::usage(
            "taint",
            if why.is_empty() { format!("invalid taint spec: {spec}") } else { format!("invalid taint spec: {spec}, {why}") },
        )
    };
    let parts: Vec<&str> = spec.split(':').collect();
    let (head, effect) = match parts.as_slice() {
        [key] => (*key, String::new()),
        [head, effect] => (*head, effect_of(effect)?),
        _ => return Err(wrong("")),
    };
    let pieces: Vec<&str> = head.split('=').collect();
    let (key, value) = match (parts.len(), pieces.as_slice()) {
        (1, _) => (head, ""),
        (_, [key]) => (*key, ""),
        (_, [key, value]) => (*key, *value),
        _ => return Err(wrong("")),
    };
    let errors = names::qualified_name(key);
    if !errors.is_empty() {
        return Err(wrong(&errors.join("; ")));
    }
    let errors = names::label_value(value);
    if !errors.is_empty() {
        return Err(wrong(&errors.join("; ")));
    }
    Ok(Taint { key: key.to_owned(), value: value.to_owned(), effect })
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let is_spec = |a: &&String| a.contains('=') || a.contains(':') || a.ends_with('-');
    let start = flags.args.iter().position(|a| is_spec(&a)).unwrap_or(flags.args.len());
    let (names, specs) = flags.args.split_at(start);
    if names.is_empty() {
        return Err(Fault::error("one or more resources must be specified as <resource> <name>").into());
    }
    if specs.is_empty() {
        return Err(Fault::error("at least one taint update is required").into());
    }
    let (mut add, mut remove): (Vec<Taint>, Vec<Taint>) = (Vec::new(), Vec::new());
    for spec in specs {
        match spec.strip_suffix('-') {
            Some(rest) => remove.push(parse(rest)?),
            None => {
                let taint = parse(spec)?;
                if taint.effect.is_empty() {
                    return Err(Fault::usage("taint", format!("invalid taint spec: {spec}")).into());
                }
                if add.iter().any(|t| t.key == taint.key && t.effect == taint.effect) {
                    return Err(Fault::usage("taint", format!("duplicated taints with the same key and effect: {}", taint.key)).into());
                }
                add.push(taint);
            }
        }
    }
    let kind = names.first().map_or("", String::as_str);
    let resource = session.resource(kind.split('/').next().unwrap_or(kind))?;
    if !resource.is("", "nodes") {
        return Err(Fault::usage("taint", format!("invalid resource type {}, only node is supported", resource.name)).into());
    }
    let chosen = session.select(flags, names, Wish { latest: true, ..Wish::default() })?;
    let mut faults = chosen.faults;
    for one in chosen.found {
        let old: Vec<Value> = list(&one.object, &["spec", "taints"]).to_vec();
        let same = |t: &Taint, v: &Value| text(v, &["key"]) == t.key && text(v, &["effect"]) == t.effect;
        let clash: Vec<&str> = add.iter().filter(|t| old.iter().any(|v| same(t, v))).map(|t| t.key.as_str()).collect();
        if !flags.on("overwrite") && !clash.is_empty() {
            faults.push(Fault::error(format!(
                "node {} already has {} taint(s) with same effect(s) and --overwrite is false",
                one.name,
                clash.join(", ")
            )));
            continue;
        }
        let mut missing = Vec::new();
        let gone = |t: &Taint, v: &Value| text(v, &["key"]) == t.key && (t.effect.is_empty() || text(v, &["effect"]) == t.effect);
        for t in &remove {
            if !old.iter().any(|v| gone(t, v)) {
                let shown = if t.effect.is_empty() { t.key.clone() } else { format!("{}:{}", t.key, t.effect) };
                missing.push(format!("taint \"{shown}\" not found"));
            }
        }
        if !missing.is_empty() {
            let joined = if missing.len() == 1 { missing.concat() } else { format!("[{}]", missing.join(", ")) };
            faults.push(Fault::error(joined));
            continue;
        }
        let mut taints: Vec<Value> = add
            .iter()
            .map(|t| {
                if t.value.is_empty() {
                    json!({"key": t.key, "effect": t.effect})
                } else {
                    json!({"key": t.key, "value": t.value, "effect": t.effect})
                }
            })
            .collect();
        taints.extend(old.iter().filter(|v| !add.iter().any(|t| same(t, v)) && !remove.iter().any(|t| gone(t, v))).cloned());
        let mut object = one.object.clone();
        if !taints.is_empty() {
            object["spec"]["taints"] = taints.into();
        } else if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove("taints");
        }
        let verb = match (add.is_empty(), clash.is_empty()) {
            (false, false) => "modified",
            (false, true) if !remove.is_empty() => "modified",
            (false, true) => "tainted",
            (true, _) => "untainted",
        };
        match session.rewrite(&one, &object, &options(flags, how, "kubectl-taint"), how) {
            Ok(object) => session.tell(flags, &one.resource, &object, verb, how)?,
            Err(refused) => faults.push(refused.into()),
        }
    }
    ended(faults)
}
