//! `webhook-fail-closed-cluster-wide`: reports an admission webhook that fails closed and is asked about pods (or
//! everything) of all namespaces.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for configuration in cx.of(&["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]) {
        for webhook in configuration.items("webhooks") {
            let narrow = |name: &str| webhook.get(name).is_some_and(|s| !labels::is_empty(&s));
            let closed = webhook.text("failurePolicy").unwrap_or("Fail") == "Fail";
            if !closed || narrow("namespaceSelector") || narrow("objectSelector") || !webhook.items("matchConditions").is_empty() {
                continue;
            }
            let has =
                |rule: &Field, list: &str, wanted: &[&str]| rule.items(list).iter().any(|i| i.str().is_some_and(|t| wanted.contains(&t)));
            let pods = webhook.items("rules").iter().any(|r| {
                has(r, "apiGroups", &["", "*"])
                    && has(r, "resources", &["pods", "*", "*/*", "pods/*"])
                    && has(r, "operations", &["CREATE", "*"])
            });
            if pods {
                let help = "exclude kube-system and the namespace of the webhook by a namespaceSelector, or use failurePolicy Ignore";
                cx.report(webhook.place("failurePolicy"), "the webhook fails closed for all namespaces", help);
            }
        }
    }
}
