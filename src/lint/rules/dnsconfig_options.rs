//! `dnsconfig-options`: reports a pod without its own DNS options.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        if !pod.spec.has("dnsConfig") {
            cx.report(pod.spec.place("dnsConfig"), "the default ndots of 5 is used", "set dnsConfig.options ndots to 2");
        }
    }
}
