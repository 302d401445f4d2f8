//! `ingress-catch-all-host`: reports an Ingress rule without a host, or with the host `*`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        for rule in ingress.items("spec.rules") {
            if matches!(rule.text("host"), None | Some("" | "*")) {
                cx.report(rule.place("host"), "the rule answers for every host", "name the host");
            }
        }
    }
}
