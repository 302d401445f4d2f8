//! `kubernetes-dashboard-deployed`: reports the Kubernetes Dashboard.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        let named = image.str().is_some_and(|t| t.contains("kubernetesui/dashboard") || t.contains("kubernetes-dashboard"));
        if named || pod.labels.get("k8s-app") == Some(&"kubernetes-dashboard") && container.role == Role::Main {
            cx.report(image, "this is the Kubernetes Dashboard", "make sure that nobody reaches it without logging in");
        }
    }
}
