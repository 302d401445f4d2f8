//! `sudo-in-command`: reports `sudo` in a command.

use crate::lint::context::Context;
use crate::lint::shell;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for word in shell::words(&container.field) {
            let runs = word
                .str()
                .is_some_and(|t| t.split(|c: char| c.is_whitespace() || ";&|".contains(c)).any(|w| w.rsplit('/').next() == Some("sudo")));
            if runs {
                cx.report(word, "the command runs sudo", "run the container as the user that is needed");
            }
        }
    }
}
