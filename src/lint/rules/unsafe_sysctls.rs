//! `unsafe-sysctls`: reports a sysctl outside the safe list.

use crate::lint::context::Context;

/// The sysctls that are separated per pod and cannot harm the node.
const SAFE: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for sysctl in pod.spec.items("securityContext.sysctls") {
            let Some(name) = sysctl.get("name") else { continue };
            if let Some(text) = name.str().filter(|t| !SAFE.contains(&t.replace('/', ".").as_str())) {
                cx.report(name, format!("the sysctl {text} is not on the safe list"), "remove it, or set it on the node");
            }
        }
    }
}
