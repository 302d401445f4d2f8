//! `ingress-tls-secret-missing`: reports a TLS Secret of an Ingress that is not in the set.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        // cert-manager makes the Secret where an issuer is named.
        let issued = ingress.entries("metadata.annotations").iter().any(|(k, _)| k.starts_with("cert-manager.io/"));
        for tls in ingress.items("spec.tls") {
            let Some(name) = tls.get("secretName").filter(|_| !issued) else { continue };
            let made = |n: &str| {
                cx.of(&["Certificate", "ExternalSecret"])
                    .iter()
                    .any(|c| c.text("spec.secretName") == Some(n) || c.text("spec.target.name") == Some(n))
            };
            if let Some(text) = name.str().filter(|n| cx.find("Secret", ingress.object, n).is_none() && !made(n)) {
                cx.report(name, format!("the Secret `{text}` is not in the set"), "add the Secret or a Certificate for it");
            }
        }
    }
}
