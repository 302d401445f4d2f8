//! `pod-security-violation`: reports a pod that violates the Pod Security Standard which its own Namespace of the
//! set enforces.

use crate::kube::pod_security::BASELINE_CAPABILITIES;
use crate::kube::pod_security::RESTRICTED_VOLUMES;
use crate::lint::context::Context;
use crate::lint::context::Pod;
use crate::lint::field::Place;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for namespace in cx.all("Namespace") {
        let labels = labels::labels(&namespace, "metadata.labels");
        let Some(level) = labels.get("pod-security.kubernetes.io/enforce").copied().filter(|l| *l != "privileged") else { continue };
        for pod in cx.pods().iter().filter(|p| p.object.id.namespace == namespace.object.id.name) {
            let report = |place: Place, why: &str| {
                cx.report(
                    place,
                    format!("the pod violates the {level} standard that its namespace enforces: {why}"),
                    "mend the pod, or choose another namespace",
                );
            };
            baseline(pod, &report);
            if level == "restricted" {
                restricted(pod, &report);
            }
        }
    }
}

fn baseline(pod: &Pod, report: &dyn Fn(Place, &str)) {
    for name in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod.spec.is_true(name) {
            report(pod.spec.place(name), &format!("{name} is true"));
        }
    }
    for volume in pod.spec.items("volumes") {
        if let Some(path) = volume.get("hostPath") {
            report(Place::from(path), "hostPath volumes");
        }
    }
    if pod.spec.text("securityContext.seccompProfile.type") == Some("Unconfined") {
        report(pod.spec.place("securityContext.seccompProfile.type"), "seccomp is unconfined");
    }
    for container in &pod.containers {
        let context = |name: &str| container.field.get(&format!("securityContext.{name}"));
        if let Some(field) = context("privileged").filter(|f| f.value.as_bool() == Some(true)) {
            report(Place::from(field), "the container is privileged");
        }
        for port in container.field.items("ports") {
            if let Some(host) = port.get("hostPort").filter(|h| h.value.as_i64() != Some(0)) {
                report(Place::from(host), "a host port");
            }
        }
        for added in container.field.items("securityContext.capabilities.add") {
            if added.str().is_some_and(|c| !BASELINE_CAPABILITIES.contains(&c)) {
                report(Place::from(added), "an added capability");
            }
        }
        if let Some(field) = context("procMount").filter(|f| f.str() != Some("Default")) {
            report(Place::from(field), "procMount is not Default");
        }
        if let Some(field) = context("seccompProfile.type").filter(|f| f.str() == Some("Unconfined")) {
            report(Place::from(field), "seccomp is unconfined");
        }
    }
}

fn restricted(pod: &Pod, report: &dyn Fn(Place, &str)) {
    let of_pod = |name: &str| pod.spec.get(&format!("securityContext.{name}"));
    for volume in pod.spec.items("volumes") {
        let kinds = volume.value.as_object().into_iter().flat_map(|m| m.keys());
        if let Some(kind) = kinds.into_iter().find(|k| !RESTRICTED_VOLUMES.contains(&k.as_str()) && !matches!(k.as_str(), "name" | "hostPath")) {
            report(volume.place(kind), "the type of a volume");
        }
    }
    for container in &pod.containers {
        let of = |name: &str| container.field.get(&format!("securityContext.{name}"));
        if of("allowPrivilegeEscalation").and_then(|f| f.value.as_bool()) != Some(false) {
            report(container.field.place("securityContext.allowPrivilegeEscalation"), "allowPrivilegeEscalation is not false");
        }
        let drops = container.field.items("securityContext.capabilities.drop").iter().any(|c| c.str() == Some("ALL"));
        if !drops {
            report(container.field.place("securityContext.capabilities.drop"), "not all capabilities are dropped");
        }
        for added in container.field.items("securityContext.capabilities.add") {
            if added.str() != Some("NET_BIND_SERVICE") && added.str().is_some_and(|c| BASELINE_CAPABILITIES.contains(&c)) {
                report(Place::from(added), "an added capability");
            }
        }
        let non_root = of("runAsNonRoot").or_else(|| of_pod("runAsNonRoot")).and_then(|f| f.value.as_bool());
        if non_root != Some(true) {
            report(container.field.place("securityContext.runAsNonRoot"), "runAsNonRoot is not true");
        }
        if let Some(user) = of("runAsUser").filter(|u| u.value.as_i64() == Some(0)) {
            report(Place::from(user), "the user is root");
        }
        let seccomp = of("seccompProfile.type").or_else(|| of_pod("seccompProfile.type"));
        if !seccomp.is_some_and(|s| matches!(s.str(), Some("RuntimeDefault" | "Localhost" | "Unconfined"))) {
            report(container.field.place("securityContext.seccompProfile"), "no seccomp profile");
        }
    }
}
