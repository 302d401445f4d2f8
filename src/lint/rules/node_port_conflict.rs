//! `node-port-conflict`: reports a node port that two Services of the set claim.

use std::collections::BTreeSet;

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let mut seen = BTreeSet::new();
    for service in cx.all("Service") {
        for port in service.items("spec.ports") {
            let Some(node) = port.get("nodePort") else { continue };
            let Some(number) = node.value.as_i64().filter(|n| *n != 0) else { continue };
            if !seen.insert((number, port.text("protocol").unwrap_or("TCP"))) {
                cx.report(node, format!("node port {number} is claimed twice"), "choose another, or leave it out");
            }
        }
    }
}
