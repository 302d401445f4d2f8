//! `label-key-invalid`: reports a label or annotation key that is not a name with an optional prefix.

use crate::lint::context::Context;
use crate::lint::context::template_path;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let mut maps = vec!["metadata.labels".to_owned(), "metadata.annotations".to_owned()];
        if let Some(path) = template_path(object.object).filter(|p| !p.is_empty()) {
            maps.push(format!("{path}.metadata.labels"));
            maps.push(format!("{path}.metadata.annotations"));
        }
        for (key, value) in maps.iter().flat_map(|m| object.entries(m)) {
            if !valid(key) {
                cx.report(
                    value,
                    format!("`{key}` is not a valid key"),
                    "use `name` or `dns.prefix/name`, the name with at most 63 characters",
                );
            }
        }
    }
}

fn valid(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(p, n)| (Some(p), n));
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let named = edge(bytes.first())
        && edge(bytes.last())
        && bytes.len() <= 63
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    // Annotation prefixes are lower-cased before they are checked.
    named && prefix.is_none_or(|p| p.len() <= 253 && p.to_ascii_lowercase().split('.').all(part))
}

fn part(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}
