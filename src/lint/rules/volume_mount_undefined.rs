//! `volume-mount-undefined`: reports a volume mount whose name is no volume of the pod.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let volumes = pod.spec.items("volumes");
        let claims = Field::root(pod.object).items("spec.volumeClaimTemplates");
        let mut names: Vec<&str> = volumes.iter().filter_map(|v| v.text("name")).collect();
        names.extend(claims.iter().filter_map(|c| c.text("metadata.name")));
        for container in &pod.containers {
            for list in ["volumeMounts", "volumeDevices"] {
                for mount in container.field.items(list) {
                    let Some(name) = mount.get("name") else { continue };
                    let Some(text) = name.str().filter(|t| !names.contains(t)) else { continue };
                    let help = similar(text, names.iter().copied())
                        .map_or_else(|| "add it to spec.volumes".to_owned(), |n| format!("did you mean `{n}`?"));
                    cx.report(name, format!("the pod has no volume `{text}`"), help);
                }
            }
        }
    }
}
