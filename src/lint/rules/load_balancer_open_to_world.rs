//! `load-balancer-open-to-world`: reports a balancer that everybody may reach.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service").into_iter().filter(|s| s.text("spec.type") == Some("LoadBalancer")) {
        let internal = service.entries("metadata.annotations").iter().any(|(key, value)| {
            let text = value.scalar().unwrap_or_default().to_ascii_lowercase();
            key.contains("load-balancer") && (key.contains("internal") || text == "internal" || text == "true" && key.contains("private"))
        });
        if !internal && service.items("spec.loadBalancerSourceRanges").is_empty() {
            cx.report(service.place("spec.loadBalancerSourceRanges"), "everybody may reach the balancer", "set loadBalancerSourceRanges");
        }
    }
}
