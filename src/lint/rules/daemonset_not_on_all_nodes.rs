//! `daemonset-not-on-all-nodes`: reports a DaemonSet that does not reach all nodes of the set because of their
//! taints or size.

use crate::lint::cluster;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods().iter().filter(|p| p.is(&["DaemonSet"])) {
        // Nodes that the selector leaves out are left out on purpose.
        let wanted: Vec<_> = nodes.iter().filter(|n| cluster::selects(pod, n)).collect();
        let tainted = wanted.iter().filter(|n| cluster::untolerated(pod, n).is_some()).count();
        let small =
            wanted.iter().filter(|n| cluster::untolerated(pod, n).is_none() && cluster::fits(pod, n) < 1 && n.field.has("status")).count();
        let reached = wanted.len() - tainted - small;
        if tainted > 0 {
            let message =
                format!("the DaemonSet reaches {reached} of {} nodes: {tainted} have taints that it does not tolerate", nodes.len());
            cx.report(pod.spec.place("tolerations"), message, "add tolerations, when it belongs on these nodes");
        } else if small > 0 {
            let message = format!("the DaemonSet reaches {reached} of {} nodes: {small} are too small", nodes.len());
            cx.report(pod.spec.place("containers"), message, "lower the requests");
        }
    }
}
