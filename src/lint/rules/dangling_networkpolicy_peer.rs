//! `dangling-networkpolicy-peer`: reports a peer of a network policy that matches no pod of the set.

use crate::lint::context::Context;
use crate::lint::labels;
use crate::lint::outside;

pub(super) fn check(cx: &Context) {
    for policy in cx.all("NetworkPolicy") {
        let rules = policy.items("spec.ingress").into_iter().map(|r| r.items("from"));
        for peer in rules.chain(policy.items("spec.egress").into_iter().map(|r| r.items("to"))).flatten() {
            let Some(selector) = peer.get("podSelector").filter(|s| !labels::is_empty(s) && !peer.has("namespaceSelector")) else {
                continue;
            };
            let beside = cx.pods_beside(policy.object);
            if beside.iter().any(|p| labels::matches(&selector, &p.labels)) || outside::pods(cx, policy.object) {
                continue;
            }
            let wanted = labels::labels(&selector, "matchLabels");
            // A label of its own is for clients to carry, which are elsewhere.
            if cx.chart().is_some() && wanted.len() == 1 && wanted.values().all(|v| *v == "true") {
                continue;
            }
            let nearest = labels::nearest(&wanted, beside.iter().map(|p| &p.labels));
            let place = nearest.map_or(selector, |l| labels::culprit(&selector, "matchLabels", l));
            cx.report(place, "the peer matches no pod of the set", "select labels that a pod template of this namespace carries");
        }
    }
}
