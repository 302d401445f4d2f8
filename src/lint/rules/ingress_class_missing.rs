//! `ingress-class-missing`: reports an Ingress without a class.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        let old = ingress.get("metadata.annotations").and_then(|a| a.key("kubernetes.io/ingress.class"));
        if !ingress.has("spec.ingressClassName") && old.is_none() {
            cx.report(ingress.place("spec.ingressClassName"), "the Ingress names no class", "set spec.ingressClassName");
        }
    }
}
