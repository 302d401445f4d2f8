//! `restricted-capabilities`: reports an added capability other than `NET_BIND_SERVICE`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for added in container.field.items("securityContext.capabilities.add") {
            let Some(text) = added.str() else { continue };
            let name = text.strip_prefix("CAP_").unwrap_or(text);
            if name != "NET_BIND_SERVICE" {
                cx.report(added, format!("{name} is not allowed by the restricted standard"), "drop the capability");
            }
        }
    }
}
