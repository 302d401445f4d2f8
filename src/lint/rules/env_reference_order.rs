//! `env-reference-order`: reports a variable that refers to one defined later in the list.

use crate::lint::context::Context;
use crate::lint::shell::references;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let env = container.field.items("env");
        for (index, entry) in env.iter().enumerate() {
            let Some(value) = entry.get("value") else { continue };
            let earlier = |name: &str| env[..index].iter().any(|e| e.text("name") == Some(name));
            let later = |name: &str| env[index + 1..].iter().any(|e| e.text("name") == Some(name));
            let wrong = references(value.str().unwrap_or("")).into_iter().find(|r| !earlier(r) && later(r));
            if let Some(name) = wrong {
                cx.report(value, format!("`{name}` is defined later in the list"), format!("move `{name}` up"));
            }
        }
    }
}
