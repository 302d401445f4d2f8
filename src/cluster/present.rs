//! Objects as the API returns them: with identity, versions and times as text, and what admission adds to pods.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Owner;
use crate::simulate::apiserver::Parts;
use crate::simulate::apiserver::Wanted;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// A time in whole seconds, such as `2026-01-01T00:00:00Z`.
pub fn rfc3339(at: Nanos) -> String {
    let seconds = at.div_euclid(1_000_000_000);
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years of 365.2425 days that begin in March: the day that leap years have more is their last.
    days += 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let mut out = Vec::with_capacity(20);
    let mut put = |number: i64, digits: u32, then: u8| {
        out.extend((0..digits).rev().map(|place| b'0' + u8::try_from(number / 10_i64.pow(place) % 10).unwrap_or(0)));
        out.push(then);
    };
    put(year, 4, b'-');
    put(month, 2, b'-');
    put(day, 2, b'T');
    put(second / 3_600, 2, b':');
    put(second / 60 % 60, 2, b':');
    put(second % 60, 2, b'Z');
    String::from_utf8(out).unwrap_or_default()
}

/// Kinds whose objects count no generations.
fn is_generation_less(kind: &str) -> bool {
    matches!(
        kind,
        "Service"
            | "Namespace"
            | "Node"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "ResourceQuota"
            | "LimitRange"
            | "CSINode"
            | "CertificateSigningRequest"
            | "Lease"
    )
}

/// Counters of a status that are left out while they are zero. upstream: the `omitempty` tags of k8s.io/api
fn zeros(kind: &str) -> &'static [&'static str] {
    match kind {
        "Deployment" => &["replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas", "observedGeneration"],
        "ReplicaSet" | "ReplicationController" => &["fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"],
        "StatefulSet" => &["readyReplicas", "currentReplicas", "updatedReplicas", "observedGeneration"],
        "DaemonSet" => &["updatedNumberScheduled", "numberAvailable", "numberUnavailable", "observedGeneration"],
        "Job" => &["active", "succeeded", "failed"],
        "HorizontalPodAutoscaler" => &["currentReplicas"],
        _ => &[],
    }
}

/// Numbers that are times become text: within a status they are nanoseconds.
fn times(value: &mut Value, depth: usize) {
    if depth > 100 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match inner {
                    Value::Number(n) => {
                        let is_time = |_: &i64| key.ends_with("Time") || key.ends_with("Timestamp") || key.ends_with("At");
                        if let Some(at) = n.as_i64().filter(|n| *n > 1_000_000_000_000).filter(is_time) {
                            *inner = rfc3339(at).into();
                        }
                    }
                    Value::Object(_) | Value::Array(_) => times(inner, depth + 1),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| times(v, depth + 1)),
        _ => {}
    }
}

/// What is wanted of the metadata of an object as the API returns it.
fn metadata(object: &Object, specified: bool, wanted: &Wanted) -> Value {
    let meta = &object.meta;
    let mut about = Metadata { fields: Map::new(), wanted };
    about.set("name", || meta.name.as_str().into());
    about.set("uid", || uid_text(meta.uid).into());
    about.set("resourceVersion", || meta.version.to_string().into());
    about.set("creationTimestamp", || rfc3339(meta.created).into());
    if !meta.generate_name.is_empty() {
        about.set("generateName", || meta.generate_name.as_str().into());
    }
    if !meta.namespace.is_empty() {
        about.set("namespace", || meta.namespace.as_str().into());
    }
    if specified && !is_generation_less(&object.kind) {
        about.set("generation", || meta.generation.into());
    }
    if let Some(at) = meta.deletion {
        about.set("deletionTimestamp", || rfc3339(at).into());
        about.set("deletionGracePeriodSeconds", || meta.deletion_grace.unwrap_or(0).into());
    }
    let words = |map: &BTreeMap<String, String>| Value::Object(map.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect());
    if !meta.labels.is_empty() {
        about.set("labels", || words(&meta.labels));
    }
    if !meta.annotations.is_empty() {
        about.set("annotations", || words(&meta.annotations));
    }
    if !meta.finalizers.is_empty() {
        about.set("finalizers", || json!(meta.finalizers));
    }
    if !meta.owners.is_empty() {
        about.set("ownerReferences", || meta.owners.iter().map(owner).collect());
    }
    Value::Object(about.fields)
}

/// The fields of metadata that are wanted.
struct Metadata<'a> {
    fields: Map<String, Value>,
    wanted: &'a Wanted,
}

impl Metadata<'_> {
    fn set(&mut self, key: &str, value: impl FnOnce() -> Value) {
        if self.wanted.field(key.as_bytes()).is_some() {
            self.fields.insert(key.to_owned(), value());
        }
    }
}

fn owner(of: &Owner) -> Value {
    let mut out = json!({"apiVersion": of.api_version, "kind": of.kind, "name": of.name, "uid": uid_text(of.uid)});
    if of.controller {
        out["controller"] = true.into();
    }
    if of.block_deletion {
        out["blockOwnerDeletion"] = true.into();
    }
    out
}

/// What an object is about: its identity and metadata alone.
pub fn about(object: &Object) -> Value {
    named(object, &Wanted::All)
}

/// The kind of an object and what is wanted of its metadata.
fn named(object: &Object, wanted: &Wanted) -> Value {
    let mut out = Map::new();
    out.insert("apiVersion".to_owned(), object.api_version.as_str().into());
    out.insert("kind".to_owned(), object.kind.as_str().into());
    out.insert("metadata".to_owned(), metadata(object, !object.spec.is_absent(), wanted));
    Value::Object(out)
}

/// Parts of an object as the API returns them, without what is completed when somebody reads the whole.
pub fn parts(object: &Object, wanted: &Parts) -> Value {
    let mut out = named(object, &wanted.metadata);
    let (spec, mut status) = (object.spec.parts(&wanted.spec), object.status.parts(&wanted.status));
    if !spec.is_null() {
        out["spec"] = spec;
    }
    if !status.is_null() {
        times(&mut status, 0);
        out["status"] = status;
    }
    out
}

/// The object as the API returns it.
pub fn object(object: &Object) -> Value {
    let mut out = Map::new();
    out.insert("apiVersion".to_owned(), object.api_version.as_str().into());
    out.insert("kind".to_owned(), object.kind.as_str().into());
    let spec = object.spec.read();
    let about = metadata(object, !spec.is_null(), &Wanted::All);
    out.insert("metadata".to_owned(), about);
    if !spec.is_null() {
        out.insert("spec".to_owned(), spec);
    }
    if let Value::Object(rest) = object.rest.read() {
        out.extend(rest);
    }
    let mut status = object.status.read();
    if !status.is_null() {
        times(&mut status, 0);
        let left_out = zeros(&object.kind);
        if let Some(map) = status.as_object_mut().filter(|_| !left_out.is_empty()) {
            map.retain(|key, value| *value != 0 || !left_out.contains(&key.as_str()));
        }
        out.insert("status".to_owned(), status);
    }
    let mut out = Value::Object(out);
    match object.kind.as_str() {
        "Pod" => complete_pod(&mut out, object.meta.uid),
        "PersistentVolume" => {
            if let Some(uid) = out.pointer_mut("/spec/claimRef/uid").filter(|u| u.is_u64()) {
                *uid = uid_text(uid.as_u64().unwrap_or(0)).into();
            }
        }
        "PersistentVolumeClaim" => {
            // A note of the controller to itself.
            if let Some(status) = out.get_mut("status").and_then(Value::as_object_mut) {
                status.remove("told");
            }
        }
        "Service" if at(&out, &["status"]).is_null() => out["status"] = json!({"loadBalancer": {}}),
        "Node" if at(&out, &["spec", "taints"]).as_array().is_some_and(Vec::is_empty) => {
            if let Some(spec) = out["spec"].as_object_mut() {
                spec.remove("taints");
            }
        }
        _ => {}
    }
    out
}

/// Five characters that belong to a uid.
fn suffix(uid: u64) -> String {
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let mut z = uid.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (uid >> 7);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (0..5u32).map(|i| char::from(alphabet[((z >> (i * 9)) % 27) as usize])).collect()
}

/// What the admission of pods adds: the service account with its token, and how long the pod stays on a failing node.
/// upstream: plugin/pkg/admission/{serviceaccount,defaulttolerationseconds}
fn complete_pod(pod: &mut Value, uid: u64) {
    let Some(spec) = pod.get_mut("spec").filter(|s| s.is_object()) else { return };
    if text(spec, &["serviceAccountName"]).is_empty() {
        spec["serviceAccountName"] = "default".into();
    }
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    if spec["priority"].is_null() {
        spec["priority"] = 0.into();
    }
    if text(spec, &["preemptionPolicy"]).is_empty() {
        spec["preemptionPolicy"] = "PreemptLowerPriority".into();
    }
    if spec["enableServiceLinks"].is_null() {
        spec["enableServiceLinks"] = true.into();
    }
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = |t: &Value| {
            matches!(text(t, &["effect"]), "" | "NoExecute")
                && (text(t, &["key"]) == key || (text(t, &["key"]).is_empty() && text(t, &["operator"]) == "Exists"))
        };
        if !list(spec, &["tolerations"]).iter().any(tolerated) {
            if !spec["tolerations"].is_array() {
                spec["tolerations"] = json!([]);
            }
            if let Some(all) = spec["tolerations"].as_array_mut() {
                all.push(json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}));
            }
        }
    }
    let mirror = list(spec, &["volumes"]).iter().any(|v| text(v, &["name"]).starts_with("kube-api-access-"));
    if mirror || at(spec, &["automountServiceAccountToken"]) == false {
        return;
    }
    const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let name = format!("kube-api-access-{}", suffix(uid));
    for field in ["initContainers", "containers"] {
        for container in spec.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().filter(|c| c.is_object()) {
            if list(container, &["volumeMounts"]).iter().any(|m| text(m, &["mountPath"]) == PATH) {
                continue;
            }
            if !container["volumeMounts"].is_array() {
                container["volumeMounts"] = json!([]);
            }
            if let Some(all) = container["volumeMounts"].as_array_mut() {
                all.push(json!({"mountPath": PATH, "name": name, "readOnly": true}));
            }
        }
    }
    if !spec["volumes"].is_array() {
        spec["volumes"] = json!([]);
    }
    if let Some(all) = spec["volumes"].as_array_mut() {
        let address = json!({"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]});
        all.push(json!({"name": name, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
            {"downwardAPI": address},
        ]}}));
    }
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_those_of_the_calendar() {
        for day in (-200_000..600_000).step_by(97) {
            let at = day * 8_640_000_000_000 + day * 1_234_567_891;
            let time = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default();
            assert_eq!(rfc3339(at), time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
    }
}
