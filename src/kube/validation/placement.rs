//! Where pods may run: affinity, tolerations, taints and spread. upstream: pkg/apis/core/validation

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, Raw, entries, get, int, json, list, meta, part, text, texts};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// upstream: validateAffinity
pub(super) fn affinity(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let Some(affinity) = get(spec, "affinity") else { return };
    if let Some(node) = get(affinity, "nodeAffinity") {
        let at = at.child("nodeAffinity");
        if let Some(selector) = get(node, REQUIRED) {
            node_selector(errors, selector, &at.child(REQUIRED));
        }
        for (i, weighted) in list(node, PREFERRED).iter().enumerate() {
            let at = at.item(PREFERRED, i);
            weight(errors, weighted, &at);
            node_term(errors, part(weighted, "preference"), true, &at.child("preference"));
        }
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let Some(rules) = get(affinity, side) else { continue };
        let at = at.child(side);
        for (i, term) in list(rules, REQUIRED).iter().enumerate() {
            pod_term(errors, term, &at.item(REQUIRED, i));
        }
        for (i, weighted) in list(rules, PREFERRED).iter().enumerate() {
            let at = at.item(PREFERRED, i);
            weight(errors, weighted, &at);
            pod_term(errors, part(weighted, "podAffinityTerm"), &at.child("podAffinityTerm"));
        }
    }
}

fn weight(errors: &mut Errors, weighted: &Value, at: &At<'_>) {
    let weight = int(weighted, "weight").unwrap_or(0);
    if !(1..=100).contains(&weight) {
        errors.invalid(&at.child("weight"), weight, "must be in the range 1-100");
    }
}

/// upstream: ValidateNodeSelector
pub(super) fn node_selector(errors: &mut Errors, selector: &Value, at: &At<'_>) {
    let terms = list(selector, "nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(&at.child("nodeSelectorTerms"), "must have at least one node selector term");
    }
    for (i, term) in terms.iter().enumerate() {
        node_term(errors, term, false, &at.item("nodeSelectorTerms", i));
    }
}

/// upstream: ValidateNodeSelectorTerm
fn node_term(errors: &mut Errors, term: &Value, any_value: bool, at: &At<'_>) {
    for (i, requirement) in list(term, "matchExpressions").iter().enumerate() {
        let at = at.item("matchExpressions", i);
        let values = list(requirement, "values");
        match text(requirement, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                errors.required(&at.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => errors.invalid(&at.child("operator"), other, "not a valid selector operator"),
        }
        meta::label_name(errors, text(requirement, "key"), &at.child("key"));
        if !any_value {
            for (j, value) in texts(requirement, "values").enumerate() {
                errors.invalid_text(&at.item("values", j), value, names::label_value(value));
            }
        }
    }
    for (i, requirement) in list(term, "matchFields").iter().enumerate() {
        let at = at.item("matchFields", i);
        match text(requirement, "operator") {
            "In" | "NotIn" => {
                if list(requirement, "values").len() != 1 {
                    let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                    errors.required(&at.child("values"), detail);
                }
            }
            other => errors.invalid(&at.child("operator"), other, "not a valid selector operator"),
        }
        match text(requirement, "key") {
            "metadata.name" => {
                for (j, value) in texts(requirement, "values").enumerate() {
                    errors.invalid_text(&at.item("values", j), value, names::dns1123_subdomain(value));
                }
            }
            other => errors.invalid(&at.child("key"), other, "not a valid field selector key"),
        }
    }
}

/// upstream: validatePodAffinityTerm
fn pod_term(errors: &mut Errors, term: &Value, at: &At<'_>) {
    for field in ["labelSelector", "namespaceSelector"] {
        if let Some(selector) = get(term, field) {
            meta::selector(errors, selector, &at.child(field));
        }
    }
    for namespace in texts(term, "namespaces") {
        errors.invalid_text(&at.child("namespace"), namespace, names::dns1123_label(namespace));
    }
    label_keys(errors, term, at);
    let key = text(term, "topologyKey");
    if key.is_empty() {
        errors.required(&at.child("topologyKey"), "can not be empty");
    }
    meta::label_name(errors, key, &at.child("topologyKey"));
}

/// upstream: ValidateMatchLabelKeysAndMismatchLabelKeys
fn label_keys(errors: &mut Errors, term: &Value, at: &At<'_>) {
    let selector = get(term, "labelSelector");
    for field in ["matchLabelKeys", "mismatchLabelKeys"] {
        if list(term, field).is_empty() {
            continue;
        }
        if selector.is_none() {
            errors.forbidden(&at.child(field), "must not be specified when labelSelector is not set");
            continue;
        }
        for (i, key) in texts(term, field).enumerate() {
            meta::label_name(errors, key, &at.item(field, i));
        }
    }
    if let Some(selector) = selector {
        let matched: BTreeMap<&str, usize> = texts(term, "matchLabelKeys").enumerate().map(|(i, key)| (key, i)).collect();
        let mut seen: BTreeSet<&str> = entries(selector, "matchLabels").map(|(k, _)| k).collect();
        for requirement in list(selector, "matchExpressions") {
            let key = text(requirement, "key");
            if let Some(i) = matched.get(key)
                && seen.contains(key)
            {
                errors.invalid(&at.index(*i), key, "exists in both matchLabelKeys and labelSelector");
            }
            seen.insert(key);
        }
    }
    for (i, key) in texts(term, "matchLabelKeys").enumerate() {
        if texts(term, "mismatchLabelKeys").any(|k| k == key) {
            errors.invalid(&at.item("matchLabelKeys", i), key, "exists in both matchLabelKeys and mismatchLabelKeys");
        }
    }
}

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// upstream: ValidateTolerations
pub(super) fn tolerations(errors: &mut Errors, all: &[Value], at: &At<'_>) {
    for (i, toleration) in all.iter().enumerate() {
        let at = at.index(i);
        let (key, value) = (text(toleration, "key"), text(toleration, "value"));
        let (operator, effect) = (text(toleration, "operator"), text(toleration, "effect"));
        if !key.is_empty() {
            meta::label_name(errors, key, &at.child("key"));
        } else if operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.invalid(&at.child("operator"), operator, detail);
        }
        if get(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
            errors.invalid(&at.child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        let place = at.child("operator");
        match operator {
            "Equal" | "" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    errors.invalid(&place, value, &wrong.join(";"));
                }
            }
            "Exists" if !value.is_empty() => errors.invalid(&place, value, "value must be empty when `operator` is 'Exists'"),
            "Exists" => {}
            "Lt" | "Gt" => errors.unsupported_json(&place, operator, &["Equal", "Exists", "Lt", "Gt"]),
            other => errors.unsupported_json(&place, other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() && !EFFECTS.contains(&effect) {
            errors.unsupported_json(&at.child("effect"), effect, EFFECTS);
        }
    }
}

/// upstream: validateNodeTaints
pub(super) fn taints(errors: &mut Errors, all: &[Value], at: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, taint) in all.iter().enumerate() {
        let at = at.index(i);
        let (key, value, effect) = (text(taint, "key"), text(taint, "value"), text(taint, "effect"));
        meta::label_name(errors, key, &at.child("key"));
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            errors.invalid(&at.child("value"), value, &wrong.join(";"));
        }
        match effect {
            "" => errors.required(&at.child("effect"), ""),
            other if !EFFECTS.contains(&other) => errors.unsupported_json(&at.child("effect"), other, EFFECTS),
            _ => {}
        }
        if !seen.insert((effect, key)) {
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":{}}}",
                json(&key.into()),
                json(&value.into()),
                json(&effect.into()),
                json(part(taint, "timeAdded"))
            );
            errors.add("FieldValueDuplicate", &at, format!("Duplicate value: {shown}: taints must be unique by key and effect pair"));
        }
    }
}

/// upstream: validateTopologySpreadConstraints
pub(super) fn topology_spread(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let all = list(spec, "topologySpreadConstraints");
    for (i, constraint) in all.iter().enumerate() {
        let at = at.index(i);
        let skew = int(constraint, "maxSkew").unwrap_or(0);
        if skew <= 0 {
            errors.invalid(&at.child("maxSkew"), skew, "must be greater than zero");
        }
        let key = text(constraint, "topologyKey");
        if key.is_empty() {
            errors.required(&at.child("topologyKey"), "can not be empty");
        }
        let action = text(constraint, "whenUnsatisfiable");
        let actions = ["DoNotSchedule", "ScheduleAnyway"];
        if !actions.contains(&action) {
            errors.unsupported_json(&at.child("whenUnsatisfiable"), action, &actions);
        }
        let same = |c: &&Value| text(c, "topologyKey") == key && text(c, "whenUnsatisfiable") == action;
        if all[i + 1..].iter().any(|c| same(&c)) {
            errors.duplicate(&at.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {action}}}"));
        }
        if let Some(domains) = int(constraint, "minDomains") {
            let at = at.child("minDomains");
            if domains <= 0 {
                errors.invalid(&at, domains, "must be greater than zero");
            }
            if action != "DoNotSchedule" {
                let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                errors.invalid(&at, domains, &detail);
            }
        }
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(policy) = get(constraint, field).and_then(Value::as_str)
                && !["Honor", "Ignore"].contains(&policy)
            {
                errors.unsupported_json(&at.child(field), policy, &["Honor", "Ignore"]);
            }
        }
        label_keys(errors, constraint, &at);
        if let Some(selector) = get(constraint, "labelSelector") {
            meta::selector(errors, selector, &at.child("labelSelector"));
        }
    }
}

/// A text shown as the JSON of a Go string of its own type.
pub(super) fn typed(text: &str) -> Raw {
    Raw(json(&text.into()))
}
