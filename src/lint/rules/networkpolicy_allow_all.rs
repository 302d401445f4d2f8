//! `networkpolicy-allow-all`: reports a rule of a network policy that allows everything.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for policy in cx.all("NetworkPolicy") {
        for (rules, peers) in [("spec.ingress", "from"), ("spec.egress", "to")] {
            for rule in policy.items(rules) {
                let listed = rule.items(peers);
                let world = listed.iter().any(|p| matches!(p.text("ipBlock.cidr"), Some("0.0.0.0/0" | "::/0")) && !p.has("ipBlock.except"));
                if (listed.is_empty() || world) && rule.items("ports").is_empty() {
                    cx.report(rule, "the rule allows all traffic", "name the peers or ports that are needed");
                }
            }
        }
    }
}
