//! `pull-policy-never`: reports `imagePullPolicy: Never`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if let Some(policy) = container.field.get("imagePullPolicy").filter(|p| p.str() == Some("Never")) {
            cx.report(policy, "the image is never pulled", "use IfNotPresent");
        }
    }
}
