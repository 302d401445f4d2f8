//! `networkpolicy-peer-and-or`: reports a namespaceSelector and a podSelector as two peers of one rule.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for policy in cx.all("NetworkPolicy") {
        for (rules, peers) in [("spec.ingress", "from"), ("spec.egress", "to")] {
            for rule in policy.items(rules) {
                for pair in rule.items(peers).windows(2) {
                    let only = |f: &Field, name: &str| {
                        f.get(name).is_some_and(|s| !labels::is_empty(&s)) && f.value.as_object().is_some_and(|m| m.len() == 1)
                    };
                    if only(&pair[0], "namespaceSelector") && only(&pair[1], "podSelector") {
                        let help = "drop the dash before podSelector when pods of those namespaces are meant";
                        cx.report(pair[1], "namespaceSelector and podSelector as two list items mean \"or\"", help);
                    }
                }
            }
        }
    }
}
