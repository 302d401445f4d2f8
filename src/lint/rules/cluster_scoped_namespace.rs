//! `cluster-scoped-namespace`: reports a namespace on an object that belongs to the whole cluster.

use crate::lint::context::Context;

const KINDS: &[&str] = &[
    "Namespace", "Node", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
    "PriorityClass", "RuntimeClass", "IngressClass", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService",
    "CSIDriver", "VolumeAttachment", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "PodSecurityPolicy",
];

pub(super) fn check(cx: &Context) {
    for object in cx.of(KINDS) {
        if let Some(namespace) = object.get("metadata.namespace") {
            cx.report(namespace, format!("a {} belongs to no namespace", object.object.id.kind), "remove metadata.namespace");
        }
    }
}
