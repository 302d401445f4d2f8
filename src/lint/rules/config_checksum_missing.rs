//! `config-checksum-missing`: reports a workload that uses a ConfigMap or Secret of its own chart without an
//! annotation that changes with it.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    for pod in cx.pods().iter().filter(|p| p.is(&["Deployment", "StatefulSet", "DaemonSet"])) {
        let template = Field::root(pod.object).get("spec.template");
        let Some(template) = template else { continue };
        let sums = template.entries("metadata.annotations").iter().any(|(k, _)| {
            ["checksum", "sha", "hash", "reload", "rollme", "config-version"].iter().any(|w| k.to_ascii_lowercase().contains(w))
        });
        let reloads = Field::root(pod.object).entries("metadata.annotations").iter().any(|(k, _)| k.contains("reload"));
        if sums || reloads {
            continue;
        }
        let mut used: Vec<(&str, &str)> = Vec::new();
        for volume in pod.spec.items("volumes") {
            used.extend(volume.text("configMap.name").map(|n| ("ConfigMap", n)));
            used.extend(volume.text("secret.secretName").map(|n| ("Secret", n)));
        }
        for container in &pod.containers {
            for source in container.field.items("envFrom") {
                used.extend(source.text("configMapRef.name").map(|n| ("ConfigMap", n)));
                used.extend(source.text("secretRef.name").map(|n| ("Secret", n)));
            }
            for variable in container.field.items("env") {
                used.extend(variable.text("valueFrom.configMapKeyRef.name").map(|n| ("ConfigMap", n)));
                used.extend(variable.text("valueFrom.secretKeyRef.name").map(|n| ("Secret", n)));
            }
        }
        let own = used.into_iter().find(|(kind, name)| cx.find(kind, pod.object, name).is_some_and(|o| !o.is_true("immutable")));
        if let Some((kind, name)) = own {
            let message = format!("the pod template has no checksum of the {kind} `{name}`");
            cx.report(
                template.place("metadata.annotations"),
                message,
                "add an annotation checksum/config with the sha256sum of the rendered file",
            );
        }
    }
}
