//! What replacing workloads, autoscalers and budgets is refused for.
//! upstream: pkg/apis/{apps,batch,autoscaling,policy}/validation

use serde_json::Map;
use serde_json::Value;

use super::super::field::At;
use super::super::internal;
use super::{Errors, apps, autoscaling, batch, get, int, policy, text, update};

const NOTHING: &Value = &Value::Null;

fn specs<'a>(object: &'a Value, old: &'a Value) -> (&'a Value, &'a Value) {
    (get(object, "spec").unwrap_or(NOTHING), get(old, "spec").unwrap_or(NOTHING))
}

/// Deployments, stateful and daemon sets, replica sets and revisions.
pub(super) fn apps(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    let before = errors.0.len();
    update::revalidated(errors, apps::create, version, kind, object, old);
    // What may not change is not asked again whether it is right.
    let fixed: &[&str] = match kind {
        "StatefulSet" => &["spec.volumeClaimTemplates[", "spec.serviceName"],
        "ControllerRevision" => &["data"],
        _ => &[],
    };
    let mut index = 0;
    errors.0.retain(|cause| {
        index += 1;
        index <= before || !fixed.iter().any(|field| cause.field.starts_with(field))
    });
    let (spec, old_spec) = specs(object, old);
    let selector = "*v1.LabelSelector";
    match kind {
        "Deployment" | "ReplicaSet" | "DaemonSet" => {
            errors.immutable_as(&At::new("spec.selector"), get(spec, "selector"), get(old_spec, "selector"), selector);
        }
        "StatefulSet" => stateful_set(errors, spec, old_spec),
        "ControllerRevision" => errors.immutable_value(&At::new("data"), get(object, "data"), get(old, "data")),
        _ => {}
    }
}

/// upstream: ValidateStatefulSetUpdate
fn stateful_set(errors: &mut Errors, spec: &Value, old: &Value) {
    const MUTABLE: &[&str] = &[
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ];
    let fixed = |spec: &Value| {
        let mut fields = spec.as_object().cloned().unwrap_or_default();
        fields.retain(|field, _| !MUTABLE.contains(&field.as_str()));
        // The claims' own kinds are lost in conversion.
        let claims = fields.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut);
        for claim in claims.into_iter().flatten().filter_map(Value::as_object_mut) {
            claim.retain(|field, _| !["apiVersion", "kind"].contains(&field.as_str()));
        }
        Value::Object(fields)
    };
    if !internal::equal("apps.StatefulSetSpec", Some(&fixed(spec)), Some(&fixed(old))) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        errors.forbidden(&At::new("spec"), detail);
    }
}

/// Jobs and cron jobs.
pub(super) fn batch(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    if kind != "Job" {
        return update::revalidated(errors, batch::create, version, kind, object, old);
    }
    let (spec, old_spec) = specs(object, old);
    update::revalidated(errors, batch::create, version, kind, object, old);
    job(errors, spec, old_spec);
}

/// upstream: ValidateJobSpecUpdate
fn job(errors: &mut Errors, spec: &Value, old: &Value) {
    let path = At::new("spec");
    let (completions, before) = (int(spec, "completions"), int(old, "completions"));
    let shown = |n: Option<i64>| n.map_or(Value::Null, Value::from);
    let at = path.child("completions");
    if completions != before {
        if text(spec, "completionMode") != "Indexed" {
            errors.invalid(&at, &shown(completions), update::IMMUTABLE);
        } else if completions.is_some() && completions != int(spec, "parallelism") {
            errors.invalid(&at, &shown(completions), "can only be modified in tandem with spec.parallelism");
        }
    }
    let mut fixed = |field: &str, ty: &str| errors.immutable_as(&path.child(field), get(spec, field), get(old, field), ty);
    fixed("selector", "*v1.LabelSelector");
    template(errors, spec, old);
    let mut fixed = |field: &str, ty: &str| errors.immutable_as(&path.child(field), get(spec, field), get(old, field), ty);
    fixed("completionMode", "*s");
    fixed("podFailurePolicy", "*batch.PodFailurePolicy");
    fixed("backoffLimitPerIndex", "*n");
    fixed("managedBy", "*s");
    fixed("successPolicy", "*batch.SuccessPolicy");
}

/// A job that never started may still be placed elsewhere; a suspended one may also ask for other resources.
/// upstream: validatePodTemplateUpdate
fn template(errors: &mut Errors, spec: &Value, old: &Value) {
    let path = At::new("spec");
    let suspended = get(old, "suspend").and_then(Value::as_bool) == Some(true);
    let (new, mut before) = (get(spec, "template").unwrap_or(NOTHING), get(old, "template").cloned().unwrap_or_default());
    if !suspended {
        return errors.immutable_as(&path.child("template"), Some(new), Some(&before), "core.PodTemplateSpec");
    }
    placed_elsewhere(&mut before, new);
    let (new, mut before) = (get(new, "spec").unwrap_or(NOTHING), get(&before, "spec").cloned().unwrap_or_default());
    for field in ["containers", "initContainers"] {
        let olds = before.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten();
        for (old, new) in olds.zip(super::list(new, field)).filter(|(old, new)| text(old, "name") == text(new, "name")) {
            if let Some(old) = old.as_object_mut() {
                copy(old, new, "resources");
            }
        }
    }
    errors.immutable_as(&path.child("template.spec"), Some(new), Some(&before), "core.PodSpec");
}

fn copy(fields: &mut Map<String, Value>, from: &Value, field: &str) {
    match get(from, field) {
        Some(value) => fields.insert(field.to_owned(), value.clone()),
        None => fields.remove(field),
    };
}

/// Takes what says where pods run from the new template.
fn placed_elsewhere(before: &mut Value, new: &Value) {
    let meta = get(new, "metadata").unwrap_or(NOTHING);
    if let Some(fields) = before.as_object_mut() {
        let old = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if let Some(old) = old.as_object_mut() {
            copy(old, meta, "labels");
            copy(old, meta, "annotations");
        }
    }
    let new = get(new, "spec").unwrap_or(NOTHING);
    let Some(old) = before.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for field in ["nodeSelector", "tolerations", "schedulingGates"] {
        copy(old, new, field);
    }
    let node = get(new, "affinity").and_then(|a| get(a, "nodeAffinity"));
    let mut affinity = old.get("affinity").and_then(Value::as_object).cloned().unwrap_or_default();
    match node {
        Some(node) => affinity.insert("nodeAffinity".to_owned(), node.clone()),
        None => affinity.remove("nodeAffinity"),
    };
    if affinity.is_empty() && get(new, "affinity").is_none() {
        old.remove("affinity");
    } else {
        old.insert("affinity".to_owned(), Value::Object(affinity));
    }
}

/// Autoscalers.
pub(super) fn autoscaling(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    update::revalidated(errors, autoscaling::create, version, kind, object, old);
}

/// Budgets.
pub(super) fn policy(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    update::revalidated(errors, policy::create, version, kind, object, old);
}
