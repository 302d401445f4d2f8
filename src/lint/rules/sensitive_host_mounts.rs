//! `sensitive-host-mounts`: reports a hostPath volume of a directory that runs the node.

use crate::lint::context::Context;

/// Directories that matter as a whole, and those that matter with all below them: a device, a kernel setting or the socket
/// directory of a plugin is what a pod of a node is there for.
const EXACT: &[&str] = &["/", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/usr", "/root", "/var", "/var/lib", "/var/lib/kubelet", "/home"];
const BELOW: &[&str] = &["/etc/kubernetes", "/var/lib/etcd", "/boot", "/root"];

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            let Some(path) = volume.get("hostPath.path") else { continue };
            let Some(text) = path.str().map(|t| if t.len() > 1 { t.trim_end_matches('/') } else { t }) else { continue };
            let below = |d: &str| text.strip_prefix(d).is_some_and(|r| r.is_empty() || r.starts_with('/'));
            if EXACT.contains(&text) || text.is_empty() || BELOW.iter().any(|d| below(d)) {
                cx.report(path, format!("`{text}` of the node is open to this pod"), "mount only the directory that is needed, read-only");
            }
        }
    }
}
