//! `deprecated-registry`: reports an image from a registry that is frozen.

use crate::lint::context::Context;

/// What was moved away from quay.io/coreos.
const MOVED: &[&str] = &[
    "addon-resizer",
    "clair",
    "configmap-reload",
    "dex",
    "flannel",
    "hyperkube",
    "k8s-prometheus-adapter-amd64",
    "kube-rbac-proxy",
    "kube-state-metrics",
    "prometheus-config-reloader",
    "prometheus-operator",
];

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        let Some(text) = image.str() else { continue };
        let frozen = ["k8s.gcr.io/", "gcr.io/google-containers/", "gcr.io/google_containers/"];
        let moved = |rest: &str| MOVED.contains(&rest.split([':', '@']).next().unwrap_or(rest));
        if frozen.iter().any(|f| text.starts_with(f)) {
            cx.report(image, "the registry is frozen", "use registry.k8s.io");
        } else if text.strip_prefix("quay.io/coreos/").is_some_and(moved) {
            cx.report(image, "the image has moved, and this name of it is frozen", "use the name that its project gives");
        }
    }
}
