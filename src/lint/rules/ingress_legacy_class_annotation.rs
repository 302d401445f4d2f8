//! `ingress-legacy-class-annotation`: reports the annotation `kubernetes.io/ingress.class`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        if let Some(old) = ingress.get("metadata.annotations").and_then(|a| a.key("kubernetes.io/ingress.class")) {
            cx.report(old, "the class annotation is deprecated", "use spec.ingressClassName");
        }
    }
}
