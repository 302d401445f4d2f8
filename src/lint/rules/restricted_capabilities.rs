//! `restricted-capabilities`: reports an added capability other than `NET_BIND_SERVICE`.

use super::dangerous_capabilities::DANGEROUS;
use crate::kube::pod_security::BASELINE_CAPABILITIES;
use crate::lint::context::Context;
use crate::lint::runs;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for added in container.field.items("securityContext.capabilities.add") {
            let Some(text) = added.str() else { continue };
            let name = text.strip_prefix("CAP_").unwrap_or(text);
            // The worse is told by other rules, where they run.
            let told = !BASELINE_CAPABILITIES.contains(&name) && runs("added-capabilities", cx.input.options)
                || DANGEROUS.contains(&name) && runs("dangerous-capabilities", cx.input.options);
            if name != "NET_BIND_SERVICE" && !told {
                cx.report(added, format!("{name} is not allowed by the restricted standard"), "drop the capability");
            }
        }
    }
}
