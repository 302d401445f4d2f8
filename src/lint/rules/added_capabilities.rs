//! `added-capabilities`: reports a capability outside the list of the baseline Pod Security Standard.

use super::dangerous_capabilities::DANGEROUS;
use crate::kube::pod_security::BASELINE_CAPABILITIES;
use crate::lint::context::Context;
use crate::lint::runs;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for added in container.field.items("securityContext.capabilities.add") {
            let Some(text) = added.str() else { continue };
            let name = text.strip_prefix("CAP_").unwrap_or(text);
            // The worse is told by another rule, where it runs.
            let told = DANGEROUS.contains(&name) && runs("dangerous-capabilities", cx.input.options);
            if !BASELINE_CAPABILITIES.contains(&name) && !told {
                cx.report(added, format!("{name} is not in the baseline list of capabilities"), "drop the capability");
            }
        }
    }
}
