//! What replacing objects of the core group is refused for. upstream: pkg/apis/core/validation

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use super::super::defaults::{data_sources, same_sources};
use super::super::field::At;
use super::super::internal;
use super::super::quantity;
use super::update::shown_as;
use super::{Errors, core, events, get, list, text, texts, update};

const NOTHING: &Value = &Value::Null;
const FIXED: &str = "field is immutable when `immutable` is set";

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    let (spec, old_spec) = (get(object, "spec").unwrap_or(NOTHING), get(old, "spec").unwrap_or(NOTHING));
    match kind {
        "Namespace" => return,
        "Event" => return events::core_event(errors, object),
        "Service" => {
            let object = service_with_allocated(object, old);
            service(errors, get(&object, "spec").unwrap_or(NOTHING), old_spec);
            return update::revalidated(errors, core::create, version, kind, &object, old);
        }
        "Pod" => update::revalidated(errors, valid_pod, version, kind, object, old),
        _ => update::revalidated(errors, core::create, version, kind, object, old),
    }
    match kind {
        "Pod" => pod(errors, object, old, spec, old_spec),
        "PersistentVolume" => volume(errors, spec, old_spec),
        "PersistentVolumeClaim" => {
            let grouped = |key: &str| get(old_spec, key).is_some_and(|s| get(s, "apiGroup").is_some());
            if grouped("dataSource") || grouped("dataSourceRef") {
                errors.0.retain(|c| !["spec.dataSource.apiGroup", "spec.dataSourceRef.apiGroup"].contains(&c.field.as_str()));
            }
            claim(errors, object, old);
        }
        "ConfigMap" => fixed(errors, object, old, &["data", "binaryData"]),
        "Secret" => {
            errors.immutable(&At::new("type"), text(object, "type"), text(old, "type"));
            let (object, old) = (with_plain(object), with_plain(old));
            fixed(errors, &object, &old, &["data"]);
        }
        "Node" => node(errors, spec, old_spec),
        "ResourceQuota" => {
            let scopes = |spec| texts(spec, "scopes").collect::<std::collections::BTreeSet<_>>();
            if scopes(spec) != scopes(old_spec) {
                errors.invalid(&At::new("spec.scopes"), get(spec, "scopes").unwrap_or(NOTHING), update::IMMUTABLE);
            }
        }
        _ => {}
    }
}

fn valid_pod(errors: &mut Errors, _: &str, _: &str, object: &Value) {
    super::pod::at_any_time(errors, object);
}

/// What an object marked `immutable` may not change.
fn fixed(errors: &mut Errors, object: &Value, old: &Value, fields: &[&str]) {
    let marked = |o: &Value| get(o, "immutable").and_then(Value::as_bool) == Some(true);
    if !marked(old) {
        return;
    }
    if !marked(object) {
        errors.forbidden(&At::new("immutable"), FIXED);
    }
    for field in fields.iter().filter(|f| get(object, f) != get(old, f)) {
        errors.forbidden(&At::new(field), FIXED);
    }
}

/// A secret whose plain texts are part of its data.
fn with_plain(secret: &Value) -> Value {
    let mut secret = secret.clone();
    let Some(fields) = secret.as_object_mut() else { return secret };
    if let Some(Value::Object(plain)) = fields.remove("stringData") {
        let data = fields.entry("data").or_insert_with(|| Value::Object(Map::new()));
        for (key, value) in plain {
            let encoded = data_encoding::BASE64.encode(value.as_str().unwrap_or("").as_bytes());
            if let Some(data) = data.as_object_mut() {
                data.insert(key, Value::String(encoded));
            }
        }
    }
    secret
}

fn annotations(object: &Value) -> BTreeMap<&str, &str> {
    let meta = get(object, "metadata").unwrap_or(NOTHING);
    super::strings(meta, "annotations").into_iter().collect()
}

/// upstream: ValidatePodUpdate
fn pod(errors: &mut Errors, object: &Value, old_object: &Value, spec: &Value, old: &Value) {
    pod_annotations(errors, &annotations(object), &annotations(old_object));
    let path = At::new("spec");
    for field in ["containers", "initContainers"] {
        if list(spec, field).len() != list(old, field).len() {
            return errors.forbidden(&path.child(field), "pod updates may not add or remove containers");
        }
        for (i, container) in list(spec, field).iter().enumerate() {
            let item = path.item(field, i);
            let image = text(container, "image");
            if image.is_empty() {
                errors.required(&item.child("image"), "");
            }
            if image.trim() != image {
                errors.invalid(&item.child("image"), image, "must not have leading or trailing whitespace");
            }
        }
    }
    let seconds = |spec: &Value| get(spec, "activeDeadlineSeconds").and_then(Value::as_i64);
    let at = path.child("activeDeadlineSeconds");
    match (seconds(spec), seconds(old)) {
        (Some(new), _) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            return errors.invalid(&at, new, "must be between 0 and 2147483647, inclusive");
        }
        (Some(new), Some(old)) if old < new => return errors.invalid(&at, new, "must be less than or equal to previous value"),
        (None, Some(_)) => errors.invalid(&at, NOTHING, "must not update from a positive integer to nil value"),
        _ => {}
    }
    tolerations(errors, spec, old);
    for (i, gate) in list(spec, "schedulingGates").iter().enumerate() {
        let name = text(gate, "name");
        if !list(old, "schedulingGates").iter().any(|g| text(g, "name") == name) {
            let item = path.item("schedulingGates", i);
            errors.forbidden(&item.child("name"), &format!("only deletion is allowed, but found new scheduling gate '{name}'"));
        }
    }
    let munged = munged_pod(errors, spec, old);
    if !internal::equal("core.PodSpec", Some(&munged), Some(old)) {
        let fields = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        let diff = internal::diff("core.PodSpec", old, &munged);
        errors.forbidden(&path, &format!("pod updates may not change fields other than {fields}\n{diff}"));
    }
}

/// upstream: ValidatePodEphemeralContainersUpdate
pub(super) fn ephemeral_containers(errors: &mut Errors, object: &Value, old: &Value) {
    valid_pod(errors, "v1", "Pod", object);
    if annotations(old).contains_key("kubernetes.io/config.mirror") {
        errors.0.clear();
        return errors.forbidden(&At::root(), "static pods do not support ephemeral containers");
    }
    let all = |pod| list(get(pod, "spec").unwrap_or(NOTHING), "ephemeralContainers");
    let at = At::new("spec.ephemeralContainers");
    for had in all(old) {
        let name = text(had, "name");
        let quoted = crate::value::quote(name.as_bytes());
        match all(object).iter().find(|c| text(c, "name") == name) {
            None => errors.forbidden(&at, &format!("existing ephemeral containers {quoted} may not be removed\n")),
            Some(new) if !internal::equal("core.EphemeralContainer", Some(new), Some(had)) => {
                let diff = internal::diff("core.EphemeralContainer", had, new);
                errors.forbidden(&at, &format!("existing ephemeral containers {quoted} may not be changed\n{diff}"));
            }
            Some(_) => {}
        }
    }
}

/// upstream: ValidatePodSpecificAnnotationUpdates
fn pod_annotations(errors: &mut Errors, new: &BTreeMap<&str, &str>, old: &BTreeMap<&str, &str>) {
    const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
    const MIRROR: &str = "kubernetes.io/config.mirror";
    let path = At::new("metadata");
    let mut refuse = |key: &str, what: &str| {
        let at = path.entry("annotations", key);
        if key.starts_with(APP_ARMOR) {
            errors.forbidden(&at, &format!("may not {what} AppArmor annotations"));
        }
        if key == MIRROR {
            errors.forbidden(&at, &format!("may not {what} mirror pod annotation"));
        }
    };
    for (key, value) in old {
        if new.get(key) != Some(value) {
            refuse(key, "remove or update");
        }
    }
    for key in new.keys().filter(|k| !old.contains_key(*k)) {
        refuse(key, "add");
    }
}

/// upstream: validateOnlyAddedTolerations
fn tolerations(errors: &mut Errors, spec: &Value, old: &Value) {
    let fixed = |toleration: &Value| {
        let mut fields = toleration.as_object().cloned().unwrap_or_default();
        fields.remove("tolerationSeconds");
        Value::Object(fields)
    };
    let new: Vec<Value> = list(spec, "tolerations").iter().map(fixed).collect();
    let kept = |old: &Value| new.iter().any(|n| internal::equal("core.Toleration", Some(n), Some(&fixed(old))));
    if !list(old, "tolerations").iter().all(kept) {
        errors.forbidden(&At::new("spec.tolerations"), "existing toleration can not be modified except its tolerationSeconds");
    }
}

/// Copies a field; an absent one is removed.
fn copy(fields: &mut Map<String, Value>, from: &Value, field: &str) {
    match get(from, field) {
        Some(value) => fields.insert(field.to_owned(), value.clone()),
        None => fields.remove(field),
    };
}

/// The new spec with everything that may change taken from the old one.
fn munged_pod(errors: &mut Errors, spec: &Value, old: &Value) -> Value {
    let mut munged = spec.clone();
    let Some(fields) = munged.as_object_mut() else { return munged };
    for field in ["containers", "initContainers"] {
        for (new, old) in fields.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().zip(list(old, field)) {
            if let Some(new) = new.as_object_mut() {
                copy(new, old, "image");
            }
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        copy(fields, old, field);
    }
    let grace = |v: Option<&Value>| v.and_then(Value::as_i64);
    let field = "terminationGracePeriodSeconds";
    // upstream: Convert_v1_Pod_To_core_Pod
    if grace(fields.get(field)).is_some_and(|given| given < 0) {
        fields.insert(field.to_owned(), 1.into());
    }
    if grace(old.get(field)).is_some_and(|g| g < 0) && grace(fields.get(field)) == Some(1) {
        copy(fields, old, field);
    }
    if !list(old, "schedulingGates").is_empty() {
        gated(errors, fields, spec, old);
    }
    munged
}

/// A gated pod may narrow where it may run.
fn gated(errors: &mut Errors, fields: &mut Map<String, Value>, spec: &Value, old: &Value) {
    let selector = |spec| super::strings(spec, "nodeSelector").into_iter().collect::<BTreeMap<_, _>>();
    let (new, before) = (selector(spec), selector(old));
    if !before.iter().all(|(k, v)| new.get(k) == Some(v)) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        errors.invalid(&At::new("spec.nodeSelector"), get(spec, "nodeSelector").unwrap_or(NOTHING), detail);
    }
    copy(fields, old, "nodeSelector");
    let (now, then) = (get(spec, "affinity"), get(old, "affinity"));
    let node = |affinity: Option<&Value>| affinity.and_then(|a| get(a, "nodeAffinity")).cloned();
    if internal::equal("*core.NodeAffinity", node(now).as_ref(), node(then).as_ref()) {
        return;
    }
    narrowed(errors, node(now).as_ref(), node(then).as_ref());
    let mut affinity = now.and_then(Value::as_object).cloned().unwrap_or_default();
    match node(then) {
        Some(node) => affinity.insert("nodeAffinity".to_owned(), node),
        None => affinity.remove("nodeAffinity"),
    };
    if then.is_none() && affinity.is_empty() {
        fields.remove("affinity");
    } else {
        fields.insert("affinity".to_owned(), Value::Object(affinity));
    }
}

/// upstream: validateNodeAffinityMutation
fn narrowed(errors: &mut Errors, new: Option<&Value>, old: Option<&Value>) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let terms = |a: Option<&Value>| a.and_then(|a| get(a, REQUIRED)).map(|r| list(r, "nodeSelectorTerms").to_vec()).unwrap_or_default();
    let (new, old) = (terms(new), terms(old));
    let path = At::new("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution");
    if !old.is_empty() && old.len() != new.len() {
        let shown = shown_as("[]core.NodeSelectorTerm", Some(&Value::Array(new)));
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return errors.invalid(&path.child("nodeSelectorTerms"), shown, detail);
    }
    for (i, (new, old)) in new.iter().zip(&old).enumerate() {
        let starts = |field| list(new, field).starts_with(list(old, field));
        let empty = list(old, "matchExpressions").is_empty() && list(old, "matchFields").is_empty();
        let gone = list(new, "matchExpressions").is_empty() && list(new, "matchFields").is_empty();
        let fits = if empty { gone } else { starts("matchExpressions") && starts("matchFields") };
        if !fits {
            let shown = shown_as("core.NodeSelectorTerm", Some(new));
            errors.invalid(&path.item("nodeSelectorTerms", i), shown, "only additions are allowed (no mutations or deletions)");
        }
    }
}

/// upstream: ValidatePersistentVolumeUpdate
fn volume(errors: &mut Errors, spec: &Value, old: &Value) {
    let ty = "core.PersistentVolumeSource";
    let mut new = spec.clone();
    let secret = |spec: &Value| get(spec, "csi").is_some_and(|c| get(c, "controllerExpandSecretRef").is_some());
    if get(old, "csi").is_some() && !secret(old) && secret(spec) {
        if let Some(csi) = new.get_mut("csi").and_then(Value::as_object_mut) {
            csi.remove("controllerExpandSecretRef");
        }
    }
    if !internal::equal(ty, Some(&new), Some(old)) {
        let diff = internal::diff(ty, old, &new);
        let detail = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
        errors.forbidden(&At::new("spec.persistentvolumesource"), &detail);
    }
    errors.immutable(&At::new("volumeMode"), text(spec, "volumeMode"), text(old, "volumeMode"));
    let affinity = |spec| get(spec, "nodeAffinity");
    let renamed = affinity(old).map(|old| with_new_labels(old, affinity(spec).unwrap_or(NOTHING)));
    if renamed.is_some() && !internal::equal("*core.VolumeNodeAffinity", affinity(spec), renamed.as_ref()) {
        let shown = shown_as("*core.VolumeNodeAffinity", affinity(spec));
        errors.invalid(&At::new("nodeAffinity"), shown, "field is immutable, except for updating from beta label to GA");
    }
    if get(old, "volumeAttributesClassName").is_some() && get(spec, "volumeAttributesClassName").is_none() {
        errors.forbidden(&At::new("spec.volumeAttributesClassName"), "update from non-nil value to nil is forbidden");
    }
}

/// The label that took the place of one.
fn label_today(label: &str) -> Option<&'static str> {
    Some(match label {
        "failure-domain.beta.kubernetes.io/zone" => "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
        "beta.kubernetes.io/os" => "kubernetes.io/os",
        "beta.kubernetes.io/arch" => "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type" => "node.kubernetes.io/instance-type",
        _ => return None,
    })
}

/// What a volume asked of nodes, with the labels of today where `new` asks for them in the same places.
/// upstream: getMaskNodeSelectorLabelChangeEqualities
fn with_new_labels(old: &Value, new: &Value) -> Value {
    let mut out = old.clone();
    let terms = out.pointer_mut("/required/nodeSelectorTerms").and_then(Value::as_array_mut);
    for (i, term) in terms.into_iter().flatten().enumerate() {
        for field in ["matchExpressions", "matchFields"] {
            for (j, asked) in term.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
                let now = new.pointer(&format!("/required/nodeSelectorTerms/{i}/{field}/{j}/key")).and_then(Value::as_str);
                if now.is_some() && label_today(text(asked, "key")) == now {
                    asked["key"] = now.into();
                }
            }
        }
    }
    out
}

fn storage(spec: &Value) -> Option<Value> {
    get(spec, "resources").and_then(|r| get(r, "requests")).and_then(|r| get(r, "storage")).cloned()
}

fn amount(value: Option<&Value>) -> i128 {
    let text = value.map_or_else(String::new, |v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    quantity::parse(&text).map_or(0, |q| q.nanos)
}

/// The annotation that named the class of a claim before a field did.
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// upstream: ValidatePersistentVolumeClaimUpdate
fn claim(errors: &mut Errors, object: &Value, old_object: &Value) {
    let ty = "core.PersistentVolumeClaimSpec";
    let spec_of = |object| get(object, "spec").unwrap_or(NOTHING);
    let (mut spec, mut old) = (spec_of(object).clone(), spec_of(old_object).clone());
    // Data sources that nothing knows are dropped, unless there was one before.
    let sourced = ["dataSource", "dataSourceRef"].iter().any(|key| get(&old, key).is_some());
    if sourced {
        same_sources(&mut spec);
    } else {
        data_sources(&mut spec);
    }
    same_sources(&mut old);
    let (spec, old, status) = (&spec, &old, get(old_object, "status").unwrap_or(NOTHING));
    let annotation = |object| get(object, "metadata").and_then(|m| get(m, "annotations")).and_then(|a| get(a, OLD_CLASS)?.as_str());
    let (marked, was_marked) = (annotation(object), annotation(old_object));
    let class = |spec| get(spec, "storageClassName").and_then(Value::as_str);
    let named = class(old).is_none() && class(spec).is_some();
    let (mut new, mut before) = (spec.clone(), old.clone());
    let bound = text(status, "phase") == "Bound";
    if let (Some(new), Some(before)) = (new.as_object_mut(), before.as_object_mut()) {
        if text(old, "volumeName").is_empty() {
            copy(before, spec, "volumeName");
        }
        if named && was_marked == class(spec) && (marked.is_none() || marked == was_marked) {
            new.remove("storageClassName");
        } else {
            errors.immutable(&At::new("metadata.annotations").child(OLD_CLASS), marked.unwrap_or(""), was_marked.unwrap_or(""));
            if named && (was_marked.is_none() || was_marked == class(spec)) {
                copy(new, old, "storageClassName");
            }
        }
        if bound {
            copy(new, old, "volumeAttributesClassName");
            let requests = new.get_mut("resources").and_then(|r| r.get_mut("requests")).and_then(Value::as_object_mut);
            if let Some((requests, size)) = requests.zip(storage(old)) {
                requests.insert("storage".to_owned(), size);
            }
        }
    }
    if !internal::equal(ty, Some(&new), Some(&before)) {
        let diff = internal::diff(ty, &before, &new);
        let detail =
            format!("spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{diff}");
        errors.forbidden(&At::new("spec"), &detail);
    }
    let size = amount(storage(spec).as_ref());
    let capacity = get(status, "capacity").and_then(|c| get(c, "storage"));
    if size < amount(storage(old).as_ref()) && size <= amount(capacity) {
        errors.forbidden(&At::new("spec.resources.requests.storage"), "field can not be less than status.capacity");
    }
    errors.immutable(&At::new("volumeMode"), text(spec, "volumeMode"), text(old, "volumeMode"));
    if get(status, "currentVolumeAttributesClassName").is_some() {
        let now = get(spec, "volumeAttributesClassName");
        let to = match now.and_then(Value::as_str) {
            None => "nil",
            Some("") => "empty string",
            Some(_) => return,
        };
        if now != get(old, "volumeAttributesClassName") {
            let detail = format!("update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil");
            errors.forbidden(&At::new("spec.volumeAttributesClassName"), &detail);
        }
    }
}

/// upstream: ValidateNodeUpdate
fn node(errors: &mut Errors, spec: &Value, old: &Value) {
    let path = At::new("spec");
    let blocks = |spec: &Value| {
        let mut all: Vec<String> = texts(spec, "podCIDRs").map(str::to_owned).collect();
        let first = text(spec, "podCIDR");
        // The singular field is the first of the plural one.
        if !first.is_empty() && all.first().is_none_or(|f| f != first) {
            all = vec![first.to_owned()];
        }
        all
    };
    if !blocks(old).is_empty() && blocks(spec) != blocks(old) {
        errors.forbidden(&path.child("podCIDRs"), "node updates may not change podCIDR except from \"\" to valid");
    }
    let provider = text(old, "providerID");
    if !provider.is_empty() && provider != text(spec, "providerID") {
        errors.forbidden(&path.child("providerID"), "node updates may not change providerID except from \"\" to valid");
    }
    if text(spec, "externalID") != text(old, "externalID") {
        errors.forbidden(&path.child("externalID"), "may not be updated");
    }
}

fn is_headless(spec: &Value) -> bool {
    text(spec, "clusterIP") == "None" || texts(spec, "clusterIPs").next() == Some("None")
}

fn has_cluster_ip(spec: &Value) -> bool {
    text(spec, "type") != "ExternalName"
}

/// A service as an update of an old one: what the server allocated stays where the update leaves it out, and goes where
/// the new type has no use for it.
/// upstream: pkg/registry/core/service/storage/alloc.go, patchAllocatedValues
pub fn service_with_allocated(object: &Value, old: &Value) -> Value {
    let mut object = object.clone();
    let (Some(old), Some(spec)) = (get(old, "spec"), object.get_mut("spec")) else { return object };
    let has_node_ports = |spec: &Value| match text(spec, "type") {
        "NodePort" => true,
        "LoadBalancer" => get(spec, "allocateLoadBalancerNodePorts").and_then(Value::as_bool) != Some(false),
        _ => false,
    };
    let has_check = |spec: &Value| text(spec, "type") == "LoadBalancer" && text(spec, "externalTrafficPolicy") == "Local";
    let dropped = gone_with_type(spec, old);
    let (new_ports, old_ports) = (has_node_ports(spec), has_node_ports(old));
    let (ips, ports, check) = (has_cluster_ip(spec) && has_cluster_ip(old), new_ports && old_ports, has_check(spec) && has_check(old));
    let Some(fields) = spec.as_object_mut() else { return object };
    fields.retain(|field, _| !dropped.contains(&field.as_str()));
    if old_ports && !new_ports {
        let numbers = |ports: &[Value]| -> Vec<i64> {
            ports.iter().filter_map(|p| get(p, "nodePort").and_then(Value::as_i64)).filter(|p| *p != 0).collect()
        };
        let before = numbers(list(old, "ports"));
        if let Some(ports) = fields.get_mut("ports").and_then(Value::as_array_mut)
            && numbers(ports).iter().all(|p| before.contains(p))
        {
            ports.iter_mut().filter_map(Value::as_object_mut).for_each(|port| drop(port.remove("nodePort")));
        }
    }
    if ips {
        let given = fields.get("clusterIP").and_then(Value::as_str).unwrap_or("").to_owned();
        if given.is_empty() && fields.get("clusterIPs").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            copy(fields, old, "clusterIP");
            copy(fields, old, "clusterIPs");
        } else if given == text(old, "clusterIP") && list(&Value::Object(fields.clone()), "clusterIPs").is_empty() {
            copy(fields, old, "clusterIPs");
        } else if !given.is_empty() && given != text(old, "clusterIP") {
            // The singular field leads where it alone changed.
            let plural = list(&Value::Object(fields.clone()), "clusterIPs").to_vec();
            if plural.is_empty() || plural == list(old, "clusterIPs") {
                fields.insert("clusterIPs".to_owned(), Value::from(vec![given]));
            }
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if fields.get(field).is_none_or(Value::is_null) {
                copy(fields, old, field);
            }
        }
    }
    for port in fields.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().filter(|_| ports) {
        let key = |p: &Value| (text(p, "protocol").to_owned(), get(p, "port").cloned());
        let before = list(old, "ports").iter().find(|p| key(p) == key(port));
        if let (Some(before), Some(port)) = (before, port.as_object_mut())
            && port.get("nodePort").and_then(Value::as_i64).unwrap_or(0) == 0
        {
            copy(port, before, "nodePort");
        }
    }
    if check && fields.get("healthCheckNodePort").and_then(Value::as_i64).unwrap_or(0) == 0 {
        copy(fields, old, "healthCheckNodePort");
    }
    object
}

/// Fields that the old type of a service needed and the new one does not, where they did not change.
/// upstream: pkg/registry/core/service/strategy.go, dropTypeDependentFields
fn gone_with_type(spec: &Value, old: &Value) -> Vec<&'static str> {
    let balanced = |spec: &Value| text(spec, "type") == "LoadBalancer";
    let external = |spec: &Value| {
        matches!(text(spec, "type"), "LoadBalancer" | "NodePort")
            || (matches!(text(spec, "type"), "" | "ClusterIP") && !list(spec, "externalIPs").is_empty())
    };
    let check = |spec: &Value| balanced(spec) && text(spec, "externalTrafficPolicy") == "Local";
    let rules: [(&'static [&'static str], bool); 4] = [
        (&["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"], has_cluster_ip(old) && !has_cluster_ip(spec)),
        (&["healthCheckNodePort"], check(old) && !check(spec)),
        (&["allocateLoadBalancerNodePorts", "loadBalancerClass"], balanced(old) && !balanced(spec)),
        (&["externalTrafficPolicy"], external(old) && !external(spec)),
    ];
    let gone = rules.into_iter().filter(|r| r.1).flat_map(|r| r.0.iter().copied());
    gone.filter(|field| get(spec, field) == get(old, field)).collect()
}

/// upstream: ValidateServiceUpdate
fn service(errors: &mut Errors, spec: &Value, old: &Value) {
    let path = At::new("spec");
    let external = |spec: &Value| text(spec, "type") == "ExternalName";
    if !external(spec) && !external(old) {
        if !(is_headless(spec) && is_headless(old)) {
            kept(errors, spec, old, "clusterIPs", "primary clusterIP can not be unset", "secondary clusterIP");
        }
        if !is_headless(spec) && !is_headless(old) {
            kept(errors, spec, old, "ipFamilies", "primary ipFamily can not be unset", "secondary ipFamily");
        }
    }
    let balanced = |spec: &Value| text(spec, "type") == "LoadBalancer";
    let class = |spec| get(spec, "loadBalancerClass").and_then(Value::as_str);
    if balanced(spec) && balanced(old) && class(spec) != class(old) {
        let shown = class(spec).map_or(Value::Null, Value::from);
        errors.invalid(&path.child("loadBalancerClass"), &shown, "may not change once set");
    }
    let check = |spec: &Value| get(spec, "healthCheckNodePort").and_then(Value::as_i64).unwrap_or(0);
    let local = |spec: &Value| balanced(spec) && text(spec, "externalTrafficPolicy") == "Local";
    if local(spec) && local(old) && check(spec) != check(old) {
        errors.forbidden(&path.child("healthCheckNodePort"), "field is immutable");
    }
}

/// upstream: validateUpgradeDowngradeClusterIPs, validateUpgradeDowngradeIPFamilies
fn kept(errors: &mut Errors, spec: &Value, old: &Value, field: &str, unset: &str, second: &str) {
    let path = At::new("spec");
    let (new, before): (Vec<&str>, Vec<&str>) = (texts(spec, field).collect(), texts(old, field).collect());
    let shown = get(spec, field).unwrap_or(NOTHING);
    let changed = "may not change once set";
    if new.len() == before.len() {
        for i in (0..new.len()).filter(|i| new[*i] != before[*i]) {
            errors.invalid(&path.item(field, if field == "ipFamilies" { 0 } else { i }), shown, changed);
        }
        return;
    }
    if new.is_empty() {
        errors.invalid(&path.item(field, 0), shown, unset);
    } else if before.first().is_some_and(|b| *b != new[0]) {
        errors.invalid(&path.item(field, 0), shown, changed);
    }
    if before.len() > new.len() && new.len() == 1 && text(spec, "ipFamilyPolicy") != "SingleStack" {
        let detail = format!("must be set to 'SingleStack' when releasing the {second}");
        errors.invalid(&path.child("ipFamilyPolicy"), get(spec, "ipFamilyPolicy").unwrap_or(NOTHING), &detail);
    }
}
