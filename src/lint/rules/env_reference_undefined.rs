//! `env-reference-undefined`: reports `$(NAME)` in a command, an argument or a variable of a container that has no
//! variable of that name.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::shell;
use crate::lint::shell::references;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        // Names that come from elsewhere are unknown here, and Services add their own.
        if !container.field.items("envFrom").is_empty() {
            continue;
        }
        let env = container.field.items("env");
        let names: Vec<&str> = env.iter().filter_map(|e| e.text("name")).collect();
        let mut texts = shell::words(&container.field);
        let script = texts.first().and_then(|w| w.str()).is_some_and(shell::is_shell)
            && texts.iter().any(|w| w.str().is_some_and(|t| t.starts_with('-') && t.ends_with('c')));
        if script {
            // In a script `$(name)` runs a command.
            texts.clear();
        }
        texts.extend(env.iter().filter_map(|e| e.get("value")));
        for word in texts {
            let Some(text) = word.str() else { continue };
            let Some(missing) = references(text).into_iter().find(|r| !names.contains(r)) else { continue };
            let service = missing.ends_with("_SERVICE_HOST") || missing.contains("_SERVICE_PORT") || missing.contains("_PORT_");
            if !service {
                let help = similar(missing, names.iter().copied()).map_or_else(
                    || "define it under env, or write $$( for the literal text".to_owned(),
                    |n| format!("did you mean `{n}`?"),
                );
                cx.report(word, format!("the container has no variable `{missing}`"), help);
            }
        }
    }
}
