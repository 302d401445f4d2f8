//! `networkpolicy-namespace-unmatched`: reports a peer whose namespaceSelector matches no Namespace of the set.

use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    let namespaces = cx.all("Namespace");
    if namespaces.is_empty() {
        return;
    }
    for policy in cx.all("NetworkPolicy") {
        let rules = policy.items("spec.ingress").into_iter().map(|r| r.items("from"));
        for peer in rules.chain(policy.items("spec.egress").into_iter().map(|r| r.items("to"))).flatten() {
            let Some(selector) = peer.get("namespaceSelector").filter(|s| !labels::is_empty(s)) else { continue };
            let hit = namespaces.iter().any(|n| {
                let mut have = labels::labels(n, "metadata.labels");
                have.insert("kubernetes.io/metadata.name", &n.object.id.name);
                labels::matches(&selector, &have)
            });
            if !hit {
                cx.report(selector, "the selector matches no Namespace of the set", "compare the labels with those of the Namespace");
            }
        }
    }
}
