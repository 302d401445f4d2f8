//! `label-value-invalid`: reports a label value that is longer than 63 characters or has forbidden characters.

use crate::lint::context::Context;
use crate::lint::context::template_path;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let mut maps = vec!["metadata.labels".to_owned()];
        if let Some(path) = template_path(object.object).filter(|p| !p.is_empty()) {
            maps.push(format!("{path}.metadata.labels"));
        }
        for (_, value) in maps.iter().flat_map(|m| object.entries(m)) {
            let Some(text) = value.str() else { continue };
            if text.len() > 63 {
                cx.report(value, format!("the label value has {} characters; 63 are allowed", text.len()), "shorten it");
            } else if !valid(text) {
                cx.report(
                    value,
                    format!("`{text}` is not a valid label value"),
                    "use letters, digits, `-`, `_` and `.`, and start and end with a letter or digit",
                );
            }
        }
    }
}

fn valid(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
