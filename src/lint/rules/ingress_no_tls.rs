//! `ingress-no-tls`: reports an Ingress without TLS.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        if ingress.items("spec.tls").is_empty() {
            cx.report(ingress.place("spec.tls"), "the Ingress serves plain HTTP", "add a tls section");
        }
    }
}
