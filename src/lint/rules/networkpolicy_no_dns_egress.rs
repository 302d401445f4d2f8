//! `networkpolicy-no-dns-egress`: reports a network policy that limits outgoing traffic without allowing DNS.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for policy in cx.all("NetworkPolicy") {
        let rules = policy.items("spec.egress");
        if rules.is_empty() {
            continue;
        }
        let dns = |port: &Field| {
            let number = port.int("port");
            let end = port.int("endPort");
            let covers = match port.get("port") {
                None => true,
                Some(p) => p.str() == Some("dns") || number == Some(53) || number.zip(end).is_some_and(|(a, b)| (a..=b).contains(&53)),
            };
            covers && port.text("protocol") == Some("UDP")
        };
        let allowed = rules.iter().any(|r| r.items("ports").is_empty() && r.items("to").is_empty() || r.items("ports").iter().any(dns));
        // A rule without ports to pods of another namespace usually is the one for DNS.
        let open = rules.iter().any(|r| r.items("ports").is_empty() && r.items("to").iter().any(|p| p.has("namespaceSelector")));
        if !allowed && !open {
            cx.report(policy.place("spec.egress"), "no rule allows DNS (port 53, UDP)", "allow port 53 UDP and TCP");
        }
    }
}
