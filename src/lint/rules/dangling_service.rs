//! `dangling-service`: reports a Service whose selector matches no pod of the set.

use crate::lint::context::Context;
use crate::lint::labels;
use crate::lint::labels::Labels;
use crate::lint::outside;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let Some(selector) = service.get("spec.selector") else { continue };
        let wanted = labels::labels(&service, "spec.selector");
        if wanted.is_empty() || service.text("spec.type") == Some("ExternalName") {
            continue;
        }
        let beside = cx.pods_beside(service.object);
        // A chart's Service in kube-system finds what the cluster itself runs there.
        if beside.is_empty() && service.object.id.namespace == "kube-system" {
            continue;
        }
        // The StatefulSet controller and Jobs add labels of their own to each pod.
        let written: Labels = wanted.iter().filter(|(k, _)| !added(k)).map(|(k, v)| (*k, *v)).collect();
        if beside.iter().any(|p| labels::subset(&written, &p.labels)) || outside::pods(cx, service.object) {
            continue;
        }
        let nearest = labels::nearest(&written, beside.iter().map(|p| &p.labels));
        let place = nearest.map_or(selector, |l| labels::culprit(&selector, "", l));
        let help = nearest.map_or_else(
            || "select labels that a pod template of this namespace carries".to_owned(),
            |l| {
                format!(
                    "the nearest pod template has the labels {}",
                    l.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
                )
            },
        );
        cx.report(place, "the selector matches no pod of the set", help);
    }
}

fn added(key: &str) -> bool {
    matches!(
        key,
        "statefulset.kubernetes.io/pod-name"
            | "apps.kubernetes.io/pod-index"
            | "batch.kubernetes.io/job-name"
            | "batch.kubernetes.io/job-completion-index"
            | "job-name"
            | "pod-template-hash"
            | "rollouts-pod-template-hash"
    )
}
