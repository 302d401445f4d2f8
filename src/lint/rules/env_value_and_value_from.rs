//! `env-value-and-value-from`: reports an environment variable with both `value` and `valueFrom`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for variable in container.field.items("env") {
            if let Some(from) = variable.get("valueFrom").filter(|_| variable.text("value").is_some_and(|v| !v.is_empty())) {
                cx.report(from, "value and valueFrom are both set", "keep one of them");
            }
        }
    }
}
