//! `ingress-tls-host-mismatch`: reports a TLS host that is no host of the rules.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        let rules = ingress.items("spec.rules");
        let hosts: Vec<&str> = rules.iter().filter_map(|r| r.text("host")).collect();
        for host in ingress.items("spec.tls").iter().flat_map(|t| t.items("hosts")) {
            let Some(text) = host.str().filter(|t| !hosts.is_empty() && !hosts.iter().any(|h| covers(t, h))) else { continue };
            let help = similar(text, hosts.iter().copied())
                .map_or_else(|| format!("the rules serve {}", hosts.join(", ")), |h| format!("did you mean `{h}`?"));
            cx.report(host, format!("no rule serves `{text}`"), help);
        }
    }
}

fn covers(certificate: &str, host: &str) -> bool {
    certificate == host || certificate.strip_prefix("*.").is_some_and(|domain| host.split_once('.').is_some_and(|(_, rest)| rest == domain))
}
