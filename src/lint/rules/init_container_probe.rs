//! `init-container-probe`: reports probes and hooks of an init container.

use crate::lint::context::Context;
use crate::lint::context::Role;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers().filter(|(_, c)| c.role == Role::Init) {
        for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if let Some(found) = container.field.get(name) {
                cx.report(found, format!("an init container may not have {name}"), "remove it, or make the container a sidecar");
            }
        }
    }
}
