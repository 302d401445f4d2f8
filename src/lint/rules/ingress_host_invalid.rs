//! `ingress-host-invalid`: reports an Ingress host that is not a DNS name.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        for rule in ingress.items("spec.rules") {
            let Some(host) = rule.get("host") else { continue };
            let Some(text) = host.str().filter(|t| !t.is_empty()) else { continue };
            let name = text.strip_prefix("*.").unwrap_or(text);
            if name.len() > 253 || !name.split('.').all(part) || text.parse::<std::net::IpAddr>().is_ok() {
                cx.report(host, format!("`{text}` is not a host name"), "use a lower-case DNS name without scheme, port or path");
            }
        }
    }
}

fn part(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}
