//! `probe-success-threshold`: reports a liveness or startup probe whose `successThreshold` is not 1.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for probe in ["livenessProbe", "startupProbe"] {
            let found = container.field.get(&format!("{probe}.successThreshold"));
            if let Some(found) = found.filter(|f| f.value.as_i64().is_some_and(|n| n != 1)) {
                cx.report(found, "successThreshold of this probe must be 1", "remove it");
            }
        }
    }
}
