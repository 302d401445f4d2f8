//! `command-single-string`: reports a command whose only word has spaces.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let words = container.field.items("command");
        let [only] = words.as_slice() else { continue };
        if only.str().is_some_and(|t| t.trim().contains(char::is_whitespace)) {
            cx.report(only, "no program has this name: the words are not split", "make each word an item, or run `sh -c`");
        }
    }
}
