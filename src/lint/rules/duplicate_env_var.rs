//! `duplicate-env-var`: reports an environment variable that one container sets twice.

use std::collections::BTreeSet;

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let mut seen = BTreeSet::new();
        for variable in container.field.items("env") {
            let Some(name) = variable.get("name") else { continue };
            if !name.str().is_none_or(|n| seen.insert(n)) {
                let text = name.str().unwrap_or_default();
                cx.report(name, format!("`{text}` is set twice; only the last value counts"), "remove the earlier entry");
            }
        }
    }
}
