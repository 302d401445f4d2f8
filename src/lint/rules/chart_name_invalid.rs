//! `chart-name-invalid`: reports a missing name of the chart, or one with characters that paths and labels do not
//! allow.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    let name = about.text("name").unwrap_or("");
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() {
        cx.report(about.place("name"), "the chart has no name", "add one");
    } else if !name.bytes().all(valid) || name == "." || name == ".." {
        cx.report(about.place("name"), format!("the name `{name}` is not valid"), "use lower-case letters, digits and dashes");
    }
}
