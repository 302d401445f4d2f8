//! `chart-icon-invalid`: reports an icon that is no address.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(icon) = cx.about().and_then(|a| a.get("icon")) else { return };
    let Some(text) = icon.str().filter(|t| !t.is_empty()) else { return };
    if !is_address(text) {
        cx.report(icon, format!("the icon `{text}` is no address"), "write an address such as https://example.com/icon.png");
    }
}

/// Whether a text is an absolute address. upstream: govalidator.IsRequestURL
fn is_address(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(s, _)| s);
    let named = scheme.is_some_and(|s| {
        !s.is_empty()
            && s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    named && !text.contains(char::is_whitespace)
}
