//! `runtime-class-missing`: reports a runtimeClassName that is not a RuntimeClass of the set.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let Some(class) = pod.spec.get("runtimeClassName") else { continue };
        let Some(text) = class.str().filter(|t| !t.is_empty()) else { continue };
        if cx.find_anywhere("RuntimeClass", text).is_none() {
            cx.report(class, format!("there is no RuntimeClass `{text}` in the set"), "make sure that the cluster has it");
        }
    }
}
