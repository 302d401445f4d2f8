//! `api-not-yet-available`: reports an apiVersion that the target version does not serve yet.

use crate::lint::context::Context;

/// apiVersion, kind (all of the group when empty) and the minor version that serves it first.
const ADDED: &[(&str, &str, u32)] = &[
    ("policy/v1", "PodDisruptionBudget", 21),
    ("batch/v1", "CronJob", 21),
    ("discovery.k8s.io/v1", "EndpointSlice", 21),
    ("autoscaling/v2", "HorizontalPodAutoscaler", 23),
    ("networking.k8s.io/v1", "Ingress", 19),
    ("networking.k8s.io/v1", "IngressClass", 19),
    ("networking.k8s.io/v1", "IPAddress", 33),
    ("networking.k8s.io/v1", "ServiceCIDR", 33),
    ("node.k8s.io/v1", "RuntimeClass", 20),
    ("storage.k8s.io/v1", "CSIStorageCapacity", 24),
    ("storage.k8s.io/v1", "CSIDriver", 18),
    ("storage.k8s.io/v1", "VolumeAttributesClass", 34),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "", 26),
    ("flowcontrol.apiserver.k8s.io/v1beta2", "", 23),
    ("flowcontrol.apiserver.k8s.io/v1", "", 29),
    ("events.k8s.io/v1", "Event", 19),
    ("certificates.k8s.io/v1", "CertificateSigningRequest", 19),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", 30),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", 30),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", 36),
    ("admissionregistration.k8s.io/v1", "", 16),
    ("apiextensions.k8s.io/v1", "", 16),
    ("resource.k8s.io/v1", "", 34),
    ("resource.k8s.io/v1beta2", "", 33),
    ("resource.k8s.io/v1beta1", "", 32),
    ("coordination.k8s.io/v1", "Lease", 14),
    ("scheduling.k8s.io/v1", "PriorityClass", 14),
];

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let id = &object.object.id;
        let entry = ADDED.iter().find(|(version, kind, _)| *version == id.api_version && (kind.is_empty() || *kind == id.kind));
        if let Some((version, _, added)) = entry.filter(|(_, _, added)| cx.minor() < *added) {
            cx.report(
                object.place("apiVersion"),
                format!("{version} {} is served from Kubernetes 1.{added} on, not by 1.{}", id.kind, cx.minor()),
                "use an apiVersion that the target serves",
            );
        }
    }
}
