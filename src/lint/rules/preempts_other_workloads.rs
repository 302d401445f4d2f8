//! `preempts-other-workloads`: reports a workload of high priority for which the nodes of the set have room only
//! when pods of lower priority go.

use crate::lint::amount;
use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::context::Pod;

fn priority(cx: &Context, pod: &Pod) -> i64 {
    let named = pod.spec.text("priorityClassName").and_then(|n| cx.find_anywhere("PriorityClass", n));
    let class = named.or_else(|| cx.all("PriorityClass").into_iter().find(|c| c.is_true("globalDefault")));
    pod.spec.int("priority").or_else(|| class?.int("value")).unwrap_or(0)
}

fn count(pod: &Pod) -> i128 {
    if pod.is(&["Pod"]) { 1 } else { i128::from(pod.replicas()) }
}

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    let lasting: Vec<&Pod> = cx.pods().iter().filter(|p| !p.is(&["CronJob", "DaemonSet"])).collect();
    for pod in &lasting {
        let own = priority(cx, pod);
        let lower: Vec<&&Pod> = lasting.iter().filter(|p| priority(cx, p) < own).collect();
        if lower.is_empty() || pod.spec.text("preemptionPolicy") == Some("Never") || cluster::blocked(pod, &nodes).is_some() {
            continue;
        }
        let free: Vec<_> = cluster::eligible(pod, &nodes);
        let victim = cluster::requests(pod).into_keys().find_map(|resource| {
            let room: i128 =
                free.iter().filter_map(|n| n.field.get("status.allocatable")?.key(resource).and_then(|f| amount::of(&f))).sum();
            let of = |p: &Pod| cluster::requests(p).get(resource).copied().unwrap_or(0) * count(p);
            let all: i128 = lasting.iter().map(|p| of(p)).sum();
            let higher: i128 = lasting.iter().filter(|p| priority(cx, p) >= own).map(|p| of(p)).sum();
            (all > room && higher <= room).then(|| lower.iter().max_by_key(|p| of(p)).copied())?
        });
        if let Some(victim) = victim {
            let message = format!("there is no room for all: the pod drives away pods of {}/{}", victim.kind(), victim.object.id.name);
            cx.report(pod.spec.place("priorityClassName"), message, "add nodes, or use preemptionPolicy: Never");
        }
    }
}
