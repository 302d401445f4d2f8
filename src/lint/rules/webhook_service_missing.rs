//! `webhook-service-missing`: reports an admission webhook whose Service is not in the set.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for configuration in cx.of(&["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]) {
        for webhook in configuration.items("webhooks") {
            let Some(service) = webhook.get("clientConfig.service") else { continue };
            let Some(name) = service.get("name") else { continue };
            let Some(text) = name.str() else { continue };
            let namespace = service.text("namespace").unwrap_or("default");
            if !cx.has_service(namespace, text) {
                let like = similar(text, cx.all("Service").iter().map(|s| s.object.id.name.as_str()));
                // Charts are split: the Service may be the one of another. And they are installed where they say.
                let there = cx.find_anywhere("Service", text).is_some();
                if cx.chart().is_some() && (like.is_none() || there) {
                    continue;
                }
                let help = like.map_or_else(|| "add the Service to the set".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report(name, format!("there is no Service `{text}` in the namespace {namespace}"), help);
            }
        }
    }
}
