//! `host-network-dns-policy`: reports a pod on the host network with the DNS policy ClusterFirst.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods().iter().filter(|p| p.spec.is_true("hostNetwork")) {
        if matches!(pod.spec.text("dnsPolicy"), None | Some("ClusterFirst")) {
            cx.report(
                pod.spec.place("dnsPolicy"),
                "names of the cluster do not resolve on the host network",
                "set dnsPolicy: ClusterFirstWithHostNet",
            );
        }
    }
}
