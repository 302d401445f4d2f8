//! `rbac-api-group-mismatch`: reports a rule of a Role whose resource is not in the API group it names.

use crate::lint::context::Context;
use crate::lint::field::Place;

/// Resources that one group (or a few) alone have.
const RESOURCES: &[(&str, &[&str])] = &[
    ("pods", &["", "metrics.k8s.io"]),
    ("services", &["", "serving.knative.dev"]),
    ("configmaps", &[""]),
    ("secrets", &[""]),
    ("namespaces", &[""]),
    ("nodes", &["", "metrics.k8s.io"]),
    ("serviceaccounts", &[""]),
    ("persistentvolumeclaims", &[""]),
    ("persistentvolumes", &[""]),
    ("replicationcontrollers", &[""]),
    ("resourcequotas", &[""]),
    ("limitranges", &[""]),
    ("endpoints", &[""]),
    ("deployments", &["apps", "extensions"]),
    ("daemonsets", &["apps", "extensions"]),
    ("replicasets", &["apps", "extensions"]),
    ("statefulsets", &["apps"]),
    ("controllerrevisions", &["apps"]),
    ("jobs", &["batch"]),
    ("cronjobs", &["batch"]),
    ("ingresses", &["networking.k8s.io", "extensions", "config.openshift.io"]),
    ("ingressclasses", &["networking.k8s.io"]),
    ("networkpolicies", &["networking.k8s.io", "extensions", "crd.projectcalico.org"]),
    ("horizontalpodautoscalers", &["autoscaling"]),
    ("poddisruptionbudgets", &["policy"]),
    ("roles", &["rbac.authorization.k8s.io", "authorization.openshift.io"]),
    ("rolebindings", &["rbac.authorization.k8s.io", "authorization.openshift.io"]),
    ("clusterroles", &["rbac.authorization.k8s.io", "authorization.openshift.io"]),
    ("clusterrolebindings", &["rbac.authorization.k8s.io", "authorization.openshift.io"]),
    ("storageclasses", &["storage.k8s.io"]),
    ("volumeattachments", &["storage.k8s.io"]),
    ("csinodes", &["storage.k8s.io"]),
    ("customresourcedefinitions", &["apiextensions.k8s.io"]),
    ("endpointslices", &["discovery.k8s.io"]),
    ("leases", &["coordination.k8s.io"]),
    ("priorityclasses", &["scheduling.k8s.io"]),
    ("validatingwebhookconfigurations", &["admissionregistration.k8s.io"]),
    ("mutatingwebhookconfigurations", &["admissionregistration.k8s.io"]),
    ("tokenreviews", &["authentication.k8s.io"]),
    ("subjectaccessreviews", &["authorization.k8s.io"]),
];

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let groups = rule.items("apiGroups");
            let names: Vec<&str> = groups.iter().filter_map(|g| g.str()).collect();
            // Custom resources may be called as those of Kubernetes are.
            let custom = |name: &&str| name.contains('.') && !name.ends_with(".k8s.io");
            if names.is_empty() || names.contains(&"*") || names.iter().any(custom) {
                continue;
            }
            for resource in rule.items("resources") {
                let Some(text) = resource.str() else { continue };
                let base = text.split('/').next().unwrap_or(text);
                let Some((_, right)) = RESOURCES.iter().find(|(r, _)| *r == base) else { continue };
                if !names.iter().any(|n| right.contains(n)) {
                    let place = if groups.len() == 1 { Place::from(&groups[0]) } else { Place::from(&resource) };
                    cx.report(
                        place,
                        format!("`{base}` is in the group `{}`, not in `{}`", right[0], names.join("`, `")),
                        "name the group of the resource",
                    );
                    break;
                }
            }
        }
    }
}
