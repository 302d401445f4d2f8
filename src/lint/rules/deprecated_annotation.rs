//! `deprecated-annotation`: reports an annotation that has become a field, or that nothing reads any more.

use crate::lint::context::Context;
use crate::lint::context::template_path;
use crate::lint::field::Field;

const OLD: &[(&str, &str)] = &[
    ("seccomp.security.alpha.kubernetes.io/pod", "securityContext.seccompProfile"),
    ("container.seccomp.security.alpha.kubernetes.io/", "securityContext.seccompProfile"),
    ("container.apparmor.security.beta.kubernetes.io/", "securityContext.appArmorProfile"),
    ("scheduler.alpha.kubernetes.io/critical-pod", "priorityClassName"),
    ("scheduler.alpha.kubernetes.io/tolerations", "spec.tolerations"),
    ("scheduler.alpha.kubernetes.io/affinity", "spec.affinity"),
    ("volume.beta.kubernetes.io/storage-class", "spec.storageClassName"),
    ("volume.alpha.kubernetes.io/storage-class", "spec.storageClassName"),
    ("volume.beta.kubernetes.io/mount-options", "spec.mountOptions"),
    ("service.alpha.kubernetes.io/tolerate-unready-endpoints", "spec.publishNotReadyAddresses"),
    ("service.beta.kubernetes.io/external-traffic", "spec.externalTrafficPolicy"),
    ("pod.beta.kubernetes.io/init-containers", "spec.initContainers"),
    ("pod.alpha.kubernetes.io/init-containers", "spec.initContainers"),
    ("pod.alpha.kubernetes.io/initialized", "nothing, it has no effect"),
    ("storageclass.beta.kubernetes.io/is-default-class", "storageclass.kubernetes.io/is-default-class"),
    ("security.alpha.kubernetes.io/sysctls", "securityContext.sysctls"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "securityContext.sysctls"),
];

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        annotations(cx, &object, "metadata.annotations");
        if let Some(path) = template_path(object.object).filter(|p| !p.is_empty()) {
            annotations(cx, &object, &format!("{path}.metadata.annotations"));
        }
        for claim in object.items("spec.volumeClaimTemplates") {
            annotations(cx, &claim, "metadata.annotations");
        }
    }
}

fn annotations(cx: &Context, field: &Field, path: &str) {
    for (key, value) in field.entries(path) {
        // AppArmor has its field since 1.30 only.
        if key.starts_with("container.apparmor") && cx.minor() < 30 {
            continue;
        }
        let old = OLD.iter().find(|(old, _)| if old.ends_with('/') { key.starts_with(old) } else { key == *old });
        if let Some((_, new)) = old {
            cx.report(value, format!("the annotation is deprecated: use {new}"), format!("use {new}"));
        }
    }
}
