//! `shell-syntax-without-shell`: reports words of a shell (`&&`, `|`, `>`, `;`, `$NAME`) in a command that no shell
//! runs.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::shell;

const WORDS: &[&str] = &["&&", "||", "|", ">", ">>", "<", "2>", "2>&1", ";", "&"];

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let mut commands: Vec<Vec<Field>> = Vec::new();
        let words = shell::words(&container.field);
        if container.field.has("command") {
            commands.push(words);
        } else {
            // The image's entry point may be a shell; the operators are still clear.
            commands.push(container.field.items("args"));
        }
        for path in [
            "livenessProbe.exec.command",
            "readinessProbe.exec.command",
            "startupProbe.exec.command",
            "lifecycle.postStart.exec.command",
            "lifecycle.preStop.exec.command",
        ] {
            commands.push(container.field.items(path));
        }
        for words in commands {
            let texts: Vec<&str> = words.iter().filter_map(|w| w.str()).collect();
            if texts.iter().any(|t| shell::is_shell(t)) || texts.len() < 2 {
                continue;
            }
            let variable = |t: &str| {
                t.strip_prefix('$')
                    .is_some_and(|n| n.len() > 1 && n.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'))
            };
            let wrong = words[1..].iter().find(|w| {
                w.str().is_some_and(|t| WORDS.contains(&t) || variable(t) || t.strip_prefix("${").is_some_and(|n| n.ends_with('}')))
            });
            if let Some(word) = wrong {
                let text = word.str().unwrap_or("");
                cx.report(
                    word,
                    format!("`{text}` has no meaning without a shell"),
                    "wrap the command: [sh, -c, \"…\"]; variables are written $(NAME) here",
                );
            }
        }
    }
}
