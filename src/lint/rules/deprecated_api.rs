//! `deprecated-api`: reports an apiVersion that the target version still serves but that a later one does not.

use crate::lint::apis::REMOVED;
use crate::lint::context::Context;

/// The minor version since which an API is deprecated, where it is not simply served until it is removed.
fn deprecated_since(version: &str, kind: &str) -> u32 {
    match (version, kind) {
        ("extensions/v1beta1", "Ingress") => 14,
        ("extensions/v1beta1" | "apps/v1beta1" | "apps/v1beta2", _) => 9,
        ("networking.k8s.io/v1beta1", _) => 19,
        ("rbac.authorization.k8s.io/v1beta1", _) => 17,
        ("apiextensions.k8s.io/v1beta1" | "admissionregistration.k8s.io/v1beta1", _) => 16,
        ("apiregistration.k8s.io/v1beta1" | "certificates.k8s.io/v1beta1" | "coordination.k8s.io/v1beta1", _) => 19,
        ("scheduling.k8s.io/v1beta1", _) => 14,
        ("storage.k8s.io/v1beta1", "CSIStorageCapacity") => 24,
        ("storage.k8s.io/v1beta1", _) => 19,
        ("batch/v1beta1" | "batch/v2alpha1" | "discovery.k8s.io/v1beta1" | "policy/v1beta1", _) => 21,
        ("events.k8s.io/v1beta1", _) => 19,
        ("autoscaling/v2beta1", _) => 22,
        ("autoscaling/v2beta2", _) => 23,
        ("node.k8s.io/v1beta1", _) => 20,
        ("flowcontrol.apiserver.k8s.io/v1beta1", _) => 23,
        ("flowcontrol.apiserver.k8s.io/v1beta2", _) => 26,
        ("flowcontrol.apiserver.k8s.io/v1beta3", _) => 29,
        _ => 0,
    }
}

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let id = &object.object.id;
        let entry = REMOVED.iter().find(|(version, kind, _, _)| *version == id.api_version && *kind == id.kind);
        let Some((version, kind, removed, instead)) = entry else { continue };
        if cx.minor() < *removed && cx.minor() >= deprecated_since(version, kind) {
            let help = if instead.is_empty() { "there is no replacement".to_owned() } else { format!("use {instead}") };
            cx.report(
                object.place("apiVersion"),
                format!("{version} {kind} is deprecated and not served from Kubernetes 1.{removed} on"),
                help,
            );
        }
    }
}
