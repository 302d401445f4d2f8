//! `dangerous-capabilities`: reports a container that adds a capability with which it can take over its node.

use crate::lint::context::Context;

/// The capabilities with which a container takes over its node.
pub(super) const DANGEROUS: &[&str] = &["ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE", "BPF"];

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for added in container.field.items("securityContext.capabilities.add") {
            let Some(text) = added.str() else { continue };
            let name = text.strip_prefix("CAP_").unwrap_or(text);
            if DANGEROUS.contains(&name) {
                cx.report(
                    added,
                    format!("{name} gives the container power over its node"),
                    "drop it, or move the work to a component that may have it",
                );
            }
        }
    }
}
