//! `image-reference-invalid`: reports an image that is not a valid reference.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let Some(image) = container.field.get("image") else { continue };
        if let Some(text) = image.str().filter(|t| !t.is_empty() && !valid(t)) {
            cx.report(image, format!("`{text}` is not an image reference"), "write registry/name:tag, the name in lower case");
        }
    }
}

/// upstream: distribution/reference
fn valid(text: &str) -> bool {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(r, d)| (r, Some(d)));
    let hex = |d: &str| d.split_once(':').is_some_and(|(a, h)| !a.is_empty() && h.len() >= 32 && h.bytes().all(|b| b.is_ascii_hexdigit()));
    if digest.is_some_and(|d| !hex(d)) {
        return false;
    }
    let slash = rest.rfind('/').map_or(0, |i| i + 1);
    let (name, tag) = rest[slash..].split_once(':').map_or((rest, None), |(n, t)| (&rest[..slash + n.len()], Some(t)));
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let tagged = |t: &str| t.len() <= 128 && t.bytes().next().is_some_and(word) && t.bytes().all(|b| word(b) || b == b'.' || b == b'-');
    if tag.is_some_and(|t| !tagged(t)) {
        return false;
    }
    let (host, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) => {
            (Some(first), rest)
        }
        _ => (None, name),
    };
    let part = |p: &str| {
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = p.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
            && !["..", "._", "_.", "___", "-.", ".-", "_-", "-_"].iter().any(|s| p.contains(s))
    };
    let hosted = |h: &str| h.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    host.is_none_or(hosted) && path.split('/').all(part)
}
