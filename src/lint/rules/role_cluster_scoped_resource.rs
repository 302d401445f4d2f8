//! `role-cluster-scoped-resource`: reports a Role that grants resources which belong to no namespace, or paths of
//! the API server.

use crate::lint::context::Context;

const CLUSTER: &[&str] = &[
    "nodes",
    "persistentvolumes",
    "clusterroles",
    "clusterrolebindings",
    "customresourcedefinitions",
    "storageclasses",
    "volumeattachments",
    "csidrivers",
    "csinodes",
    "priorityclasses",
    "ingressclasses",
    "runtimeclasses",
    "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "apiservices",
    "certificatesigningrequests",
    "tokenreviews",
    "subjectaccessreviews",
    "selfsubjectaccessreviews",
    "componentstatuses",
    "podsecuritypolicies",
];

pub(super) fn check(cx: &Context) {
    for role in cx.all("Role") {
        for rule in role.items("rules") {
            if let Some(urls) = rule.get("nonResourceURLs").filter(|u| !u.list().is_empty()) {
                cx.report(urls, "paths of the API server belong to no namespace", "use a ClusterRole and a ClusterRoleBinding");
            }
            for resource in rule.items("resources") {
                let Some(text) = resource.str() else { continue };
                if CLUSTER.contains(&text.split('/').next().unwrap_or(text)) {
                    cx.report(
                        resource,
                        format!("`{text}` belongs to no namespace, so the Role cannot grant it"),
                        "use a ClusterRole and a ClusterRoleBinding",
                    );
                }
            }
        }
    }
}
