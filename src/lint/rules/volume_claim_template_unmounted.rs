//! `volume-claim-template-unmounted`: reports a volume claim template that no container mounts.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let mounts: Vec<_> =
            pod.containers.iter().flat_map(|c| ["volumeMounts", "volumeDevices"].map(|l| c.field.items(l))).flatten().collect();
        for claim in Field::root(pod.object).items("spec.volumeClaimTemplates") {
            let Some(name) = claim.get("metadata.name") else { continue };
            if name.str().is_some_and(|n| !mounts.iter().any(|m| m.text("name") == Some(n))) {
                let shown = name.scalar().unwrap_or_default();
                cx.report(name, format!("no container mounts the claim `{shown}`"), "mount it or remove it");
            }
        }
    }
}
