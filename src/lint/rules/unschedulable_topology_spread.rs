//! `unschedulable-topology-spread`: reports a spread constraint with DoNotSchedule that the nodes of the set cannot
//! meet.

use std::collections::BTreeSet;

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    for pod in cx.pods() {
        let free = cluster::eligible(pod, &nodes);
        for constraint in pod.spec.items("topologySpreadConstraints") {
            let Some(key) = constraint.text("topologyKey") else { continue };
            if constraint.text("whenUnsatisfiable").unwrap_or("DoNotSchedule") != "DoNotSchedule" {
                continue;
            }
            let domains: BTreeSet<&str> = free.iter().filter_map(|n| n.labels.get(key).copied()).collect();
            if domains.is_empty() {
                cx.report(
                    constraint.place("topologyKey"),
                    format!("no node has the label `{key}`"),
                    "use ScheduleAnyway, or label the nodes",
                );
                continue;
            }
            let own = constraint.get("labelSelector").is_some_and(|s| labels::matches(&s, &pod.labels));
            let skew = constraint.int("maxSkew").unwrap_or(1);
            let wanted = constraint.int("minDomains").unwrap_or(1);
            // Below minDomains the emptiest domain counts as empty, so each takes maxSkew pods at most.
            if own && wanted > domains.len() as i64 && pod.replicas() > skew * domains.len() as i64 {
                let message = format!("minDomains is {wanted}, but there are {} domains of `{key}`", domains.len());
                cx.report(constraint.place("minDomains"), message, "lower minDomains, or use ScheduleAnyway");
            }
        }
    }
}
