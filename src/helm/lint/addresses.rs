//! What passes as an address of mail or of the web.
//!
//! upstream: github.com/asaskevich/govalidator

use std::sync::LazyLock;

use regex::Regex;

use crate::sprig::urls;

/// Other than ASCII, what addresses may hold.
const BEYOND: &str = r"\u{00A0}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFEF}";

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let atom = format!(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{BEYOND}]+");
    let blank = r"(?:(?:[\x20\x09]*\x0d\x0a)?[\x20\x09]+)?";
    let inside = format!(r"(?:[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x21\x23-\x5b\x5d-\x7e{BEYOND}]|\([\x01-\x09\x0b\x0c\x0d-\x7f]|[{BEYOND}])");
    let quoted = format!(r"\x22(?:{blank}{inside})*{blank}\x22");
    let label = |first: &str, more: &str| format!("(?:[{first}{BEYOND}]|[{first}{BEYOND}][{more}{BEYOND}]*[{first}{BEYOND}])");
    let domain = label("a-zA-Z0-9", r"a-zA-Z0-9\-._~");
    let last = label("a-zA-Z", r"a-zA-Z0-9\-_~");
    Regex::new(&format!(r"^(?:{atom}(?:\.{atom})*|{quoted})@(?:{domain}\.)+{last}\.?$")).ok()
});

static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let octet = r"(?:[0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])";
    let ipv4 = format!(
        r"(?:[1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3]|24[0-9]|25[0-5])(?:\.{octet}){{2}}\.(?:[0-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
    );
    let subdomain = r"(?:www\.|[a-zA-Z0-9]+(?:[-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+)";
    let word = r"a-zA-Z\u{00a1}-\u{ffff}";
    let host = format!(
        r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9\-_]+)?[a-zA-Z0-9](?:[-.][a-zA-Z0-9]+)*|{subdomain}?)?(?:[{word}0-9]+-?-?)*[{word}0-9]+(?:\.[{word}]+)?"
    );
    let ipv6 = r"\[[0-9a-fA-F:.%a-zA-Z]+\]";
    Regex::new(&format!(
        r"^(?:(?:ftp|tcp|udp|wss?|https?)://)?(?:\S+(?::\S*)?@)?(?:{ipv4}|{ipv6}|{host})\.?(?::[0-9]{{1,5}})?(?:[/?#]\S*)?$"
    ))
    .ok()
});

/// Whether a text is an address of mail.
pub(super) fn is_email(text: &str) -> bool {
    EMAIL.as_ref().is_some_and(|r| r.is_match(text))
}

/// Whether a text looks like a web address, with or without a scheme.
pub(super) fn is_url(text: &str) -> bool {
    if text.chars().count() >= 2083 || text.len() <= 3 || text.starts_with('.') {
        return false;
    }
    let whole = if text.contains(':') && !text.contains("://") { format!("http://{text}") } else { text.to_owned() };
    let Ok(url) = urls::parse(&whole) else { return false };
    if url.host().starts_with('.') {
        return false;
    }
    if url.host().is_empty() && !url.path().is_empty() && !url.path().contains(&b'.') {
        return false;
    }
    // A bracketed host is judged by how addresses are read, not by how they are spelled.
    let address = url.hostname().split('%').next().unwrap_or_default();
    if url.host().starts_with('[') && address.parse::<std::net::Ipv6Addr>().is_err() {
        return false;
    }
    URL.as_ref().is_some_and(|r| r.is_match(text))
}

/// Whether a text could be the address in a request: absolute, or a path of a server.
pub(super) fn is_request_url(text: &str) -> bool {
    // A `#` is no fragment in a request: it stays part of the path.
    if text.is_empty() {
        return false;
    }
    let Ok(url) = urls::parse(&text.replace('#', "%23")) else { return false };
    !url.scheme().is_empty()
}
