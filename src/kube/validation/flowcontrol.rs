//! Priority and fairness. upstream: pkg/apis/flowcontrol/validation

use serde_json::Value;
use serde_json::json;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, list, map, meta, text, texts, update};

const NOTHING: &Value = &Value::Null;
const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let spec = get(object, "spec").unwrap_or(NOTHING);
    let name = get(object, "metadata").map_or("", |m| text(m, "name"));
    match kind {
        "FlowSchema" => flow_schema(errors, name, spec),
        "PriorityLevelConfiguration" => {
            let key = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
            let annotations = get(object, "metadata").and_then(|m| map(m, "annotations"));
            if version != "v1beta3" && annotations.is_some_and(|a| a.contains_key(key)) {
                errors.forbidden(&At::new("metadata.annotations"), &format!("annotation '{key}' is forbidden"));
            }
            priority_level(errors, version, name, spec);
        }
        _ => {}
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, _old: &Value) {
    create(errors, version, kind, object);
}

/// The rule of the two schemas that every server has.
fn mandatory_schema(name: &str) -> Option<Value> {
    let groups = |names: &[&str]| names.iter().map(|n| json!({"kind": "Group", "group": {"name": n}})).collect::<Vec<_>>();
    let rules = |subjects: Vec<Value>| {
        json!([{
            "subjects": subjects,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": true, "namespaces": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }])
    };
    match name {
        "exempt" => Some(json!({
            "priorityLevelConfiguration": {"name": "exempt"}, "matchingPrecedence": 1, "rules": rules(groups(&["system:masters"])),
        })),
        "catch-all" => Some(json!({
            "priorityLevelConfiguration": {"name": "catch-all"}, "matchingPrecedence": 10000,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": rules(groups(&["system:unauthenticated", "system:authenticated"])),
        })),
        _ => None,
    }
}

/// upstream: ValidateFlowSchema
fn flow_schema(errors: &mut Errors, name: &str, spec: &Value) {
    let path = At::new("spec");
    let precedence = int(spec, "matchingPrecedence").unwrap_or(0);
    let at = path.child("matchingPrecedence");
    if precedence <= 0 {
        errors.invalid(&at, precedence, "must be a positive value");
    }
    if precedence > 10000 {
        errors.invalid(&at, precedence, "must not be greater than 10000");
    }
    if precedence == 1 && name != "exempt" {
        errors.invalid(&at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
    }
    if let Some(method) = get(spec, "distinguisherMethod")
        && !["ByNamespace", "ByUser"].contains(&text(method, "type"))
    {
        let shown = update::shown_as("flowcontrol.FlowDistinguisherMethod", Some(method));
        errors.unsupported(&path.child("distinguisherMethod.type"), shown, &["ByNamespace", "ByUser"]);
    }
    let level = get(spec, "priorityLevelConfiguration").map_or("", |l| text(l, "name"));
    let at = path.child("priorityLevelConfiguration.name");
    if level.is_empty() {
        errors.required(&at, "must reference a priority level");
    } else {
        errors.invalid_each(&at, level, names::dns1123_subdomain(level));
    }
    for (i, rule) in list(spec, "rules").iter().enumerate() {
        policy_rule(errors, rule, &path.item("rules", i));
    }
    if mandatory_schema(name).is_some_and(|fixed| !update::same(Some(spec), Some(&fixed))) {
        let shown = update::shown_as("flowcontrol.FlowSchemaSpec", Some(spec));
        errors.invalid(&path, shown, &format!("spec of '{name}' must equal the fixed value"));
    }
}

/// upstream: ValidateFlowSchemaPolicyRulesWithSubjects
fn policy_rule(errors: &mut Errors, rule: &Value, at: &At<'_>) {
    let subjects = list(rule, "subjects");
    if subjects.is_empty() {
        errors.required(&at.child("subjects"), "subjects must contain at least one value");
    }
    for (i, one) in subjects.iter().enumerate() {
        subject(errors, one, &at.item("subjects", i));
    }
    let (resources, urls) = (list(rule, "resourceRules"), list(rule, "nonResourceRules"));
    if resources.is_empty() && urls.is_empty() {
        errors.required(at, "at least one of resourceRules and nonResourceRules has to be non-empty");
    }
    for (i, rule) in resources.iter().enumerate() {
        resource_rule(errors, rule, &at.item("resourceRules", i));
    }
    for (i, rule) in urls.iter().enumerate() {
        url_rule(errors, rule, &at.item("nonResourceRules", i));
    }
}

/// upstream: ValidateFlowSchemaSubject
fn subject(errors: &mut Errors, subject: &Value, at: &At<'_>) {
    let kinds = [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = text(subject, "kind");
    let Some((_, field)) = kinds.iter().find(|(k, _)| *k == kind) else {
        return errors.unsupported(&at.child("kind"), kind, &["Group", "ServiceAccount", "User"]);
    };
    let field_at = at.child(field);
    match get(subject, field) {
        None => errors.required(&field_at, &format!("{field} is required when subject kind is '{kind}'")),
        Some(value) => {
            let name = text(value, "name");
            if name.is_empty() {
                errors.required(&field_at.child("name"), "");
            } else if kind == "ServiceAccount" && name != "*" {
                errors.invalid_each(&field_at.child("name"), name, names::dns1123_subdomain(name));
            }
            if kind == "ServiceAccount" {
                let namespace = text(value, "namespace");
                if namespace.is_empty() {
                    errors.required(&field_at.child("namespace"), "must specify namespace for service account");
                } else {
                    errors.invalid_each(&field_at.child("namespace"), namespace, names::dns1123_label(namespace));
                }
            }
        }
    }
    for (owner, other) in kinds.iter().filter(|(k, f)| *k != kind && get(subject, f).is_some()) {
        errors.forbidden(&at.child(other), &format!("{other} is forbidden when subject kind is not '{owner}'"));
    }
}

fn verbs(errors: &mut Errors, rule: &Value, at: &At<'_>) {
    let verbs: Vec<&str> = texts(rule, "verbs").collect();
    let at = at.child("verbs");
    let shown = get(rule, "verbs").unwrap_or(NOTHING);
    if verbs.is_empty() {
        errors.required(&at, "verbs must contain at least one value");
    } else if verbs.contains(&"*") {
        if verbs.len() > 1 {
            errors.invalid(&at, shown, "if '*' is present, must not specify other verbs");
        }
    } else if !verbs.iter().all(|v| VERBS.contains(v)) {
        errors.unsupported(&at, shown, VERBS);
    }
}

/// upstream: ValidateFlowSchemaNonResourcePolicyRule
fn url_rule(errors: &mut Errors, rule: &Value, at: &At<'_>) {
    verbs(errors, rule, at);
    let urls: Vec<&str> = texts(rule, "nonResourceURLs").collect();
    let at = at.child("nonResourceURLs");
    if urls.is_empty() {
        return errors.required(&at, "nonResourceURLs must contain at least one value");
    }
    if urls.contains(&"*") {
        if urls.len() > 1 {
            let shown = get(rule, "nonResourceURLs").unwrap_or(NOTHING);
            errors.invalid(&at, shown, "if '*' is present, must not specify other non-resource URLs");
        }
        return;
    }
    for (i, url) in urls.iter().enumerate() {
        let stars = url.matches('*').count();
        let detail = match *url {
            "" => "must not be empty",
            "/" => continue,
            u if !u.starts_with('/') => "must start with slash",
            u if u.contains(' ') => "must not contain white-space",
            u if u.contains("//") => "must not contain double slash",
            u if stars > 1 || (stars == 1 && !u.ends_with("/*")) => "wildcard can only do suffix matching",
            _ => continue,
        };
        errors.invalid(&at.index(i), *url, detail);
    }
}

/// upstream: ValidateFlowSchemaResourcePolicyRule
fn resource_rule(errors: &mut Errors, rule: &Value, at: &At<'_>) {
    verbs(errors, rule, at);
    for (field, none, more) in [
        ("apiGroups", "api group", "if '*' is present, must not specify other api groups"),
        ("resources", "resource", "if '*' is present, must not specify other resources"),
    ] {
        let values = list(rule, field);
        if values.is_empty() {
            errors.required(&at.child(field), &format!("resource rules must supply at least one {none}"));
        } else if values.len() > 1 && texts(rule, field).any(|t| t == "*") {
            errors.invalid(&at.child(field), get(rule, field).unwrap_or(NOTHING), more);
        }
    }
    let namespaces: Vec<&str> = texts(rule, "namespaces").collect();
    let at = at.child("namespaces");
    if namespaces.is_empty() && get(rule, "clusterScope").and_then(Value::as_bool) != Some(true) {
        errors.required(&at, "resource rules that are not cluster scoped must supply at least one namespace");
    } else if namespaces.contains(&"*") {
        if namespaces.len() > 1 {
            let shown = get(rule, "namespaces").unwrap_or(NOTHING);
            errors.invalid(&at, shown, "if '*' is present, must not specify other namespaces");
        }
    } else {
        for (i, namespace) in namespaces.iter().enumerate() {
            for wrong in names::dns1123_label(namespace) {
                let detail = format!("each member of this list must be '*' or a DNS-1123 label; {wrong}");
                errors.invalid(&at.index(i), *namespace, &detail);
            }
        }
    }
}

/// upstream: ValidatePriorityLevelConfigurationSpec, ValidateIfMandatoryPriorityLevelConfigurationObject
fn priority_level(errors: &mut Errors, version: &str, name: &str, spec: &Value) {
    let path = At::new("spec");
    let kind = text(spec, "type");
    let (limited, exempt) = (get(spec, "limited"), get(spec, "exempt"));
    if (name == "exempt") != (kind == "Exempt") {
        errors.invalid(&path.child("type"), kind, "must be 'Exempt' if and only if `name` is 'exempt'");
    }
    match kind {
        "Exempt" => {
            if limited.is_some() {
                errors.forbidden(&path.child("limited"), "must be nil if the type is not Limited");
            }
            if let Some(exempt) = exempt {
                let at = path.child("exempt");
                shares(errors, exempt, "nominalConcurrencyShares", "nominalConcurrencyShares", &at);
                lendable(errors, exempt, &at);
            }
        }
        "Limited" => {
            if exempt.is_some() {
                errors.forbidden(&path.child("exempt"), "must be nil if the type is Limited");
            }
            match limited {
                None => errors.required(&path.child("limited"), "must not be empty when type is Limited"),
                Some(limited) => limited_level(errors, version, limited, &path.child("limited")),
            }
        }
        "" => errors.required(&path.child("type"), ""),
        _ => errors.unsupported(&path.child("type"), kind, &["Exempt", "Limited"]),
    }
    let shown = || update::shown_as("flowcontrol.PriorityLevelConfigurationSpec", Some(spec));
    match name {
        "exempt" if kind != "Exempt" || limited.is_some() => {
            let detail = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value";
            errors.invalid(&path, shown(), detail);
        }
        "catch-all" => {
            let limited = json!({"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}});
            if !update::same(Some(spec), Some(&json!({"type": "Limited", "limited": limited}))) {
                errors.invalid(&path, shown(), "spec of 'catch-all' must equal the fixed value");
            }
        }
        _ => {}
    }
}

fn shares(errors: &mut Errors, value: &Value, field: &str, shown: &str, at: &At<'_>) {
    if let Some(shares) = int(value, field).filter(|s| *s < 0) {
        errors.invalid(&at.child(shown), shares, "must be a non-negative integer");
    }
}

fn lendable(errors: &mut Errors, value: &Value, at: &At<'_>) {
    if let Some(percent) = int(value, "lendablePercent").filter(|p| !(0..=100).contains(p)) {
        errors.invalid(&at.child("lendablePercent"), percent, "must be between 0 and 100, inclusive");
    }
}

/// upstream: ValidateLimitedPriorityLevelConfiguration
fn limited_level(errors: &mut Errors, version: &str, limited: &Value, at: &At<'_>) {
    let old = matches!(version, "v1beta1" | "v1beta2");
    let field = if old { "assuredConcurrencyShares" } else { "nominalConcurrencyShares" };
    shares(errors, limited, field, field, at);
    let response = get(limited, "limitResponse").unwrap_or(NOTHING);
    let response_at = at.child("limitResponse");
    let queuing_at = response_at.child("queuing");
    match (text(response, "type"), get(response, "queuing")) {
        ("Reject", Some(_)) => errors.forbidden(&queuing_at, "must be nil if limited.limitResponse.type is not Limited"),
        ("Reject", None) => {}
        ("Queue", None) => errors.required(&queuing_at, "must not be empty if limited.limitResponse.type is Limited"),
        ("Queue", Some(queuing)) => queuing_rules(errors, queuing, &queuing_at),
        ("", _) => errors.required(&response_at.child("type"), ""),
        (other, _) => errors.unsupported(&response_at.child("type"), other, &["Queue", "Reject"]),
    }
    lendable(errors, limited, at);
    if let Some(percent) = int(limited, "borrowingLimitPercent").filter(|p| *p < 0) {
        errors.invalid(&at.child("borrowingLimitPercent"), percent, "if specified, must be a non-negative integer");
    }
}

/// upstream: ValidatePriorityLevelQueuingConfiguration
fn queuing_rules(errors: &mut Errors, queuing: &Value, at: &At<'_>) {
    let value = |field: &str| int(queuing, field).unwrap_or(0);
    let (limit, queues, hand) = (value("queueLengthLimit"), value("queues"), value("handSize"));
    if limit <= 0 {
        errors.invalid(&at.child("queueLengthLimit"), limit, "must be positive");
    }
    if queues <= 0 {
        errors.invalid(&at.child("queues"), queues, "must be positive");
    } else if queues > 10_000_000 {
        errors.invalid(&at.child("queues"), queues, "must not be greater than 10000000");
    }
    let at = at.child("handSize");
    if hand <= 0 {
        errors.invalid(&at, hand, "must be positive");
    } else if hand > queues {
        errors.invalid(&at, hand, &format!("should not be greater than queues ({queues})"));
    } else if ((queues as f64).log2() * hand as f64).ceil() > 60.0 {
        let detail = format!("required entropy bits of deckSize {queues} and handSize {hand} should not be greater than 60");
        errors.invalid(&at, hand, &detail);
    }
}
