//! `dangling-networkpolicy`: reports a network policy that selects no pod of the set.

use crate::lint::context::Context;
use crate::lint::labels;
use crate::lint::outside;

pub(super) fn check(cx: &Context) {
    for policy in cx.all("NetworkPolicy") {
        let Some(selector) = policy.get("spec.podSelector").filter(|s| !labels::is_empty(s)) else { continue };
        let beside = cx.pods_beside(policy.object);
        if beside.iter().any(|p| labels::matches(&selector, &p.labels)) || outside::pods(cx, policy.object) {
            continue;
        }
        let wanted = labels::labels(&selector, "matchLabels");
        let nearest = labels::nearest(&wanted, beside.iter().map(|p| &p.labels));
        let place = nearest.map_or(selector, |l| labels::culprit(&selector, "matchLabels", l));
        cx.report(place, "the policy selects no pod of the set", "select labels that a pod template of this namespace carries");
    }
}
