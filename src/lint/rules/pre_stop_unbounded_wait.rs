//! `pre-stop-unbounded-wait`: reports a preStop hook that loops without end.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for word in container.field.items("lifecycle.preStop.exec.command") {
            let text = word.str().unwrap_or("");
            let loops = text.split(|c: char| c.is_whitespace() || c == ';').any(|w| matches!(w, "while" | "until"));
            if loops && !text.contains("timeout") {
                cx.report(word, "the hook waits without a limit", "wrap the loop in `timeout`");
            }
        }
    }
}
