//! `command-wrong-type`: reports a `command` or `args` that is not a list.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for name in ["command", "args"] {
            if let Some(field) = container.field.get(name).filter(|f| !f.value.is_array()) {
                cx.report(field, format!("{name} must be a list of strings"), format!("write {name}: [program, argument]"));
            }
        }
    }
}
