//! `ingress-nginx-snippet`: reports snippet annotations of ingress-nginx.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        for (key, value) in ingress.entries("metadata.annotations") {
            let Some(name) = key.strip_prefix("nginx.ingress.kubernetes.io/") else { continue };
            if name.ends_with("-snippet") {
                cx.report(value, format!("`{name}` puts configuration into the controller"), "use the annotation made for the purpose");
            }
        }
    }
}
