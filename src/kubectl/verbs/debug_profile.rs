//! What the profiles of `kubectl debug` make of a pod. upstream: kubectl/pkg/cmd/debug/profiles.go

use serde_json::{Value, json};

use super::super::flags::Flags;
use super::change::map_mut;

/// What is debugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A pod that runs.
    Ephemeral,
    /// A copy of a pod.
    Copy,
    /// A node.
    Node,
}

/// The profiles, by name.
pub(super) const PROFILES: [&str; 6] = ["legacy", "general", "baseline", "restricted", "netadmin", "sysadmin"];

/// Makes of a pod and its container of that name what a profile asks for.
pub(super) fn apply(profile: &str, style: Style, pod: &mut Value, name: &str, flags: &Flags) {
    match (profile, style) {
        ("legacy", Style::Copy) => without(pod, "labels"),
        ("legacy", _) => {}
        (_, Style::Copy) => {
            kept(pod, flags);
            if let Some(spec) = pod["spec"].as_object_mut() {
                spec.entry("shareProcessNamespace").or_insert_with(|| true.into());
            }
        }
        _ => {}
    }
    let clears = matches!(profile, "baseline" | "restricted") || profile == "general" && style == Style::Node;
    if let Some(container) = container_mut(pod, name) {
        if clears && let Some(fields) = container.as_object_mut() {
            fields.remove("securityContext");
        }
        match profile {
            "general" if style != Style::Node => add(container, &["SYS_PTRACE"]),
            "netadmin" => add(container, &["NET_ADMIN", "NET_RAW"]),
            "sysadmin" => container["securityContext"]["privileged"] = true.into(),
            "restricted" => {
                container["securityContext"] = json!({
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "runAsNonRoot": true,
                    "seccompProfile": {"type": "RuntimeDefault"},
                });
            }
            _ => {}
        }
    }
    if style != Style::Node {
        return;
    }
    if matches!(profile, "legacy" | "general" | "sysadmin") {
        pod["spec"]["volumes"] = json!([{"hostPath": {"path": "/"}, "name": "host-root"}]);
        if let Some(container) = container_mut(pod, name) {
            container["volumeMounts"] = json!([{"mountPath": "/host", "name": "host-root"}]);
        }
    }
    if matches!(profile, "legacy" | "general" | "netadmin" | "sysadmin") {
        for field in ["hostIPC", "hostNetwork", "hostPID"] {
            pod["spec"][field] = true.into();
        }
    }
}

/// A container of any list of a pod.
pub(super) fn container_mut<'a>(pod: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let spec = pod["spec"].as_object_mut()?;
    let lists = spec.iter_mut().filter(|(k, _)| matches!(k.as_str(), "initContainers" | "containers" | "ephemeralContainers"));
    lists.filter_map(|(_, l)| l.as_array_mut()).flatten().find(|c| c["name"] == name)
}

fn add(container: &mut Value, names: &[&str]) {
    if let Some(capabilities) = map_mut(container, &["securityContext", "capabilities"]) {
        let list = capabilities.entry("add").or_insert_with(|| json!([]));
        list.as_array_mut().into_iter().for_each(|l| l.extend(names.iter().map(|n| Value::from(*n))));
    }
}

fn without(pod: &mut Value, field: &str) {
    if let Some(meta) = pod["metadata"].as_object_mut() {
        meta.remove(field);
    }
}

/// A copy keeps what the command line says. upstream: KeepFlags
fn kept(pod: &mut Value, flags: &Flags) {
    for (flag, field) in [("keep-labels", "labels"), ("keep-annotations", "annotations")] {
        if !flags.on(flag) {
            without(pod, field);
        }
    }
    let Some(spec) = pod["spec"].as_object_mut() else { return };
    if flags.off("keep-init-containers") {
        spec.remove("initContainers");
    }
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        for (flag, field) in [("keep-liveness", "livenessProbe"), ("keep-readiness", "readinessProbe"), ("keep-startup", "startupProbe")] {
            if !flags.on(flag) {
                container.remove(field);
            }
        }
    }
}
