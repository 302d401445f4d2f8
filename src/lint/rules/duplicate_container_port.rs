//! `duplicate-container-port`: reports a port and protocol that containers of one pod declare twice.

use std::collections::BTreeSet;

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mut seen = BTreeSet::new();
        for port in pod.ports() {
            let Some(number) = port.get("containerPort") else { continue };
            let key = (number.scalar(), port.text("protocol").unwrap_or("TCP"), port.text("hostIP").unwrap_or(""));
            if !seen.insert(key) {
                let shown = number.scalar().unwrap_or_default();
                cx.report(number, format!("port {shown} is declared twice in this pod"), "let each container listen on its own port");
            }
        }
    }
}
