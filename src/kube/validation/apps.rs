//! The apps group. upstream: pkg/apis/apps/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::core::always_restarts;
use super::{Errors, Raw, claim, get, int, json, list, meta, part, pod, text};

const DOES_NOT_MATCH: &str = "`selector` does not match template `labels`";

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    if version != "v1" {
        return;
    }
    let check = if kind == "StatefulSet" { names::dns1123_label } else { names::dns1123_subdomain };
    meta::object_meta(errors, object, check);
    let (at, spec) = (At::new("spec"), part(object, "spec"));
    match kind {
        "Deployment" => deployment(errors, spec, &at),
        "ReplicaSet" => replica_set(errors, spec, &at),
        "StatefulSet" => stateful_set(errors, spec, &at),
        "DaemonSet" => daemon_set(errors, spec, &at),
        "ControllerRevision" => revision(errors, object),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidateControllerRevisionCreate
fn revision(errors: &mut Errors, object: &Value) {
    errors.nonnegative(&At::new("revision"), int(object, "revision").unwrap_or(0));
    match get(object, "data") {
        None => errors.required(&At::new("data"), "data is mandatory"),
        Some(Value::Object(_)) => {}
        Some(_) => errors.required(&At::new("data"), "data must be a valid JSON object"),
    }
}

fn selector(errors: &mut Errors, spec: &Value, noun: &str, at: &At<'_>) {
    match get(spec, "selector") {
        None => errors.required(&at.child("selector"), ""),
        Some(selector) => {
            meta::selector(errors, selector, &at.child("selector"));
            empty_selector(errors, selector, noun, at);
        }
    }
}

fn empty_selector(errors: &mut Errors, selector: &Value, noun: &str, at: &At<'_>) {
    if meta::is_empty(selector) {
        errors.invalid(&at.child("selector"), meta::shown_selector(selector), &format!("empty selector is invalid for {noun}"));
    }
}

/// What of a selector the template is held against; `None` when it is malformed. An absent one selects nothing.
fn template_matches(errors: &mut Errors, spec: &Value, skip_empty: bool, at: &At<'_>) -> bool {
    let template = part(spec, "template");
    let (matched, empty) = match get(spec, "selector") {
        None => (Some(false), false),
        Some(selector) => (meta::matches(selector, &meta::labels_of(template)), meta::is_empty(selector)),
    };
    if matched == Some(false) && !(empty && skip_empty) {
        let shown = part(part(template, "metadata"), "labels");
        errors.invalid(&at.child("template.metadata.labels"), shown, DOES_NOT_MATCH);
    }
    matched.is_some()
}

/// upstream: ValidateReplicaSetSpec
fn replica_set(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    errors.nonnegative(&at.child("replicas"), int(spec, "replicas").unwrap_or(0));
    errors.nonnegative(&at.child("minReadySeconds"), int(spec, "minReadySeconds").unwrap_or(0));
    selector(errors, spec, "deployment", at);
    template_of_replicas(errors, spec, at);
}

/// upstream: ValidatePodTemplateSpecForReplicaSet
fn template_of_replicas(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if template_matches(errors, spec, true, at) {
        let (template, at) = (part(spec, "template"), at.child("template"));
        pod::template(errors, template, &at);
        always_restarts(errors, template, &at, "ReplicaSet");
    } else {
        errors.invalid(&at.child("selector"), meta::shown_selector(part(spec, "selector")), "invalid label selector");
    }
}

/// upstream: ValidateDeploymentSpec
fn deployment(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    errors.nonnegative(&at.child("replicas"), int(spec, "replicas").unwrap_or(0));
    selector(errors, spec, "deployment", at);
    template_of_replicas(errors, spec, at);
    deployment_strategy(errors, part(spec, "strategy"), &at.child("strategy"));
    let ready = int(spec, "minReadySeconds").unwrap_or(0);
    errors.nonnegative(&at.child("minReadySeconds"), ready);
    if let Some(limit) = int(spec, "revisionHistoryLimit") {
        errors.nonnegative(&at.child("revisionHistoryLimit"), limit);
    }
    if let Some(deadline) = int(spec, "progressDeadlineSeconds") {
        let at = at.child("progressDeadlineSeconds");
        errors.nonnegative(&at, deadline);
        if deadline <= ready {
            errors.invalid(&at, deadline, "must be greater than minReadySeconds");
        }
    }
}

fn strategy_text(strategy: &Value, fields: &[(&str, &str)]) -> Raw {
    let rolling = get(strategy, "rollingUpdate").map_or("null".to_owned(), |r| {
        let zero = Value::from(0);
        let all: Vec<String> = fields.iter().map(|(go, key)| format!("\"{go}\":{}", json(get(r, key).unwrap_or(&zero)))).collect();
        format!("{{{}}}", all.join(","))
    });
    Raw(format!("{{\"Type\":{},\"RollingUpdate\":{rolling}}}", json(&text(strategy, "type").into())))
}

/// upstream: ValidateDeploymentStrategy
fn deployment_strategy(errors: &mut Errors, strategy: &Value, at: &At<'_>) {
    let rolling = get(strategy, "rollingUpdate");
    let at_rolling = at.child("rollingUpdate");
    match (text(strategy, "type"), rolling) {
        ("Recreate", Some(_)) => errors.forbidden(&at_rolling, "may not be specified when strategy `type` is 'Recreate'"),
        ("Recreate", None) => {}
        ("RollingUpdate", None) => errors.required(&at_rolling, "this should be defaulted and never be nil"),
        ("RollingUpdate", Some(rolling)) => {
            let (unavailable, surge) = (part(rolling, "maxUnavailable"), part(rolling, "maxSurge"));
            let place = at_rolling.child("maxUnavailable");
            int_or_percent(errors, unavailable, &place);
            int_or_percent(errors, surge, &at_rolling.child("maxSurge"));
            if amount(unavailable) == 0 && amount(surge) == 0 {
                errors.invalid(&place, unavailable, "may not be 0 when `maxSurge` is 0");
            }
            at_most_all(errors, unavailable, &place);
        }
        _ => {
            let shown = strategy_text(strategy, &[("MaxUnavailable", "maxUnavailable"), ("MaxSurge", "maxSurge")]);
            errors.unsupported(at, shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

/// upstream: ValidatePositiveIntOrPercent
pub(super) fn int_or_percent(errors: &mut Errors, value: &Value, at: &At<'_>) {
    match value {
        Value::String(text) => errors.invalid_text(at, text, names::percent(text)),
        other => errors.nonnegative(at, other.as_i64().unwrap_or(0)),
    }
}

fn percent_of(value: &Value) -> Option<i64> {
    let text = value.as_str().filter(|t| names::percent(t).is_empty())?;
    Some(text.trim_end_matches('%').parse().unwrap_or(i64::MAX))
}

/// upstream: getIntOrPercentValue
fn amount(value: &Value) -> i64 {
    percent_of(value).unwrap_or_else(|| match value {
        Value::String(text) => text.parse().unwrap_or(0),
        other => other.as_i64().unwrap_or(0),
    })
}

/// upstream: IsNotMoreThan100Percent
pub(super) fn at_most_all(errors: &mut Errors, value: &Value, at: &At<'_>) {
    if percent_of(value).is_some_and(|p| p > 100) {
        errors.invalid(at, value, "must not be greater than 100%");
    }
}

/// upstream: ValidateDaemonSetSpec
fn daemon_set(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let selector = get(spec, "selector");
    if let Some(selector) = selector {
        meta::selector(errors, selector, &at.child("selector"));
    }
    template_matches(errors, spec, false, at);
    if let Some(selector) = selector {
        empty_selector(errors, selector, "daemonset", at);
    }
    let (template, place) = (part(spec, "template"), at.child("template"));
    pod::template(errors, template, &place);
    always_restarts(errors, template, &place, "DaemonSet");
    errors.nonnegative(&at.child("minReadySeconds"), int(spec, "minReadySeconds").unwrap_or(0));
    daemon_strategy(errors, part(spec, "updateStrategy"), &at.child("updateStrategy"));
    if let Some(limit) = int(spec, "revisionHistoryLimit") {
        errors.nonnegative(&at.child("revisionHistoryLimit"), limit);
    }
}

/// upstream: ValidateDaemonSetUpdateStrategy
fn daemon_strategy(errors: &mut Errors, strategy: &Value, at: &At<'_>) {
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let at = at.child("rollingUpdate");
            let Some(rolling) = get(strategy, "rollingUpdate") else { return errors.required(&at, "") };
            let (unavailable, surge) = (part(rolling, "maxUnavailable"), part(rolling, "maxSurge"));
            let (at_unavailable, at_surge) = (at.child("maxUnavailable"), at.child("maxSurge"));
            int_or_percent(errors, unavailable, &at_unavailable);
            int_or_percent(errors, surge, &at_surge);
            at_most_all(errors, unavailable, &at_unavailable);
            at_most_all(errors, surge, &at_surge);
            match (amount(unavailable) != 0, amount(surge) != 0) {
                (true, true) => errors.invalid(&at_surge, surge, "may not be set when maxUnavailable is non-zero"),
                (false, false) => errors.required(&at_unavailable, "cannot be 0 when maxSurge is 0"),
                _ => {}
            }
        }
        _ => {
            let shown = strategy_text(strategy, &[("MaxUnavailable", "maxUnavailable"), ("MaxSurge", "maxSurge")]);
            errors.unsupported(at, shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

/// upstream: ValidateStatefulSetSpec
fn stateful_set(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    match text(spec, "podManagementPolicy") {
        "OrderedReady" | "Parallel" => {}
        other => errors.invalid(&at.child("podManagementPolicy"), other, "must be 'OrderedReady' or 'Parallel'"),
    }
    stateful_strategy(errors, part(spec, "updateStrategy"), &at.child("updateStrategy"));
    let policy = part(spec, "persistentVolumeClaimRetentionPolicy");
    for field in ["whenDeleted", "whenScaled"] {
        let value = text(policy, field);
        if !["Retain", "Delete"].contains(&value) {
            let place = at.child("persistentVolumeClaimRetentionPolicy");
            errors.unsupported_json(&place.child(field), value, &["Retain", "Delete"]);
        }
    }
    let claims = list(spec, "volumeClaimTemplates");
    for (i, template) in claims.iter().enumerate() {
        claim::claim_spec(errors, part(template, "spec"), &at.item("volumeClaimTemplates", i).child("spec"));
    }
    errors.nonnegative(&at.child("replicas"), int(spec, "replicas").unwrap_or(0));
    errors.nonnegative(&at.child("minReadySeconds"), int(spec, "minReadySeconds").unwrap_or(0));
    if let Some(ordinals) = get(spec, "ordinals") {
        errors.nonnegative(&at.child("ordinals.start"), int(ordinals, "start").unwrap_or(0));
    }
    let service = text(spec, "serviceName");
    if !service.is_empty() {
        errors.invalid_text(&at.child("serviceName"), service, names::dns1123_label(service));
    }
    selector(errors, spec, "statefulset", at);
    if template_matches(errors, spec, true, at) {
        stateful_template(errors, spec, claims, &at.child("template"));
    } else {
        errors.invalid(&at.child("selector"), meta::shown_selector(part(spec, "selector")), "");
    }
    always_restarts(errors, part(spec, "template"), &at.child("template"), "StatefulSet");
}

/// upstream: ValidatePodTemplateSpecForStatefulSet
fn stateful_template(errors: &mut Errors, spec: &Value, claims: &[Value], at: &At<'_>) {
    let template = part(spec, "template");
    let of_pod = part(template, "spec");
    if claims.is_empty() && text(of_pod, "subdomain").is_empty() && text(of_pod, "hostname").is_empty() {
        pod::template(errors, template, at);
    } else {
        let mut template = template.clone();
        if let Some(of_pod) = template.get_mut("spec").and_then(Value::as_object_mut) {
            of_pod.remove("subdomain");
            of_pod.remove("hostname");
            if !claims.is_empty() {
                let name_of = |claim: &Value| text(part(claim, "metadata"), "name").to_owned();
                let mut names: Vec<String> = claims.iter().map(name_of).collect();
                names.sort_unstable();
                names.dedup();
                let own = of_pod.remove("volumes").unwrap_or_default();
                let kept = own.as_array().into_iter().flatten().filter(|v| !names.iter().any(|n| n == text(v, "name"))).cloned();
                let made = names.iter().map(|n| serde_json::json!({"name": n, "persistentVolumeClaim": {"claimName": n}}));
                let all: Vec<Value> = made.chain(kept).collect();
                of_pod.insert("volumes".to_owned(), all.into());
            }
        }
        pod::template(errors, &template, at);
    }
    let of = part(template, "metadata");
    meta::labels(errors, of, "labels", &at.child("labels"));
    meta::annotations(errors, of, &at.child("annotations"));
    pod::specific_annotations(errors, of, of_pod, &at.child("annotations"));
}

fn stateful_strategy(errors: &mut Errors, strategy: &Value, at: &At<'_>) {
    let fields = [("Partition", "partition"), ("MaxUnavailable", "maxUnavailable")];
    let rolling = get(strategy, "rollingUpdate");
    let shown_rolling = |r: &Value| {
        let (partition, unavailable) = (int(r, "partition").unwrap_or(0), json(part(r, "maxUnavailable")));
        format!("{{\"{}\":{partition},\"{}\":{unavailable}}}", fields[0].0, fields[1].0)
    };
    match (text(strategy, "type"), rolling) {
        ("OnDelete", Some(rolling)) => {
            errors.invalid(&at.child("rollingUpdate"), Raw(shown_rolling(rolling)), "only allowed for updateStrategy 'RollingUpdate'");
        }
        ("RollingUpdate", Some(rolling)) => {
            errors.nonnegative(&at.child("rollingUpdate.partition"), int(rolling, "partition").unwrap_or(0));
        }
        ("OnDelete" | "RollingUpdate", None) => {}
        ("", _) => errors.required(at, ""),
        (other, rolling) => {
            let rolling = rolling.map_or("null".to_owned(), shown_rolling);
            let shown = format!("{{\"Type\":{},\"RollingUpdate\":{rolling}}}", json(&other.into()));
            errors.invalid(at, Raw(shown), "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}
