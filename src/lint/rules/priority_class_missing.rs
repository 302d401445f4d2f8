//! `priority-class-missing`: reports a priority class that is neither built in nor in the set.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let Some(name) = pod.spec.get("priorityClassName") else { continue };
        let built_in = |n: &str| n.is_empty() || n.starts_with("system-");
        if let Some(text) = name.str().filter(|n| !built_in(n) && cx.find_anywhere("PriorityClass", n).is_none()) {
            cx.report(name, format!("the PriorityClass `{text}` is not in the set"), "add the PriorityClass");
        }
    }
}
