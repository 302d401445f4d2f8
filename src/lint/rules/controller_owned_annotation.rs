//! `controller-owned-annotation`: reports annotations that kubectl and controllers write.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        for (key, value) in object.entries("metadata.annotations") {
            let owned = matches!(
                key,
                "kubectl.kubernetes.io/last-applied-configuration"
                    | "deployment.kubernetes.io/revision"
                    | "pv.kubernetes.io/bind-completed"
                    | "pv.kubernetes.io/bound-by-controller"
                    | "deprecated.daemonset.template.generation"
                    | "control-plane.alpha.kubernetes.io/leader"
            );
            if owned {
                cx.report(value, "the annotation is written by a controller", "remove it");
            }
        }
    }
}
