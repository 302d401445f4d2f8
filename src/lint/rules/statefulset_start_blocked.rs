//! `statefulset-start-blocked`: reports a StatefulSet that starts its pods in order and whose first pod can never
//! start on the nodes of the set.

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    for pod in cx.pods().iter().filter(|p| p.is(&["StatefulSet"])) {
        let object = Field::root(pod.object);
        if object.text("spec.podManagementPolicy") == Some("Parallel") || pod.replicas() < 1 {
            continue;
        }
        if let Some(blocked) = cluster::blocked(pod, &nodes) {
            let (place, why) = blocked.parts();
            cx.report(
                place,
                format!("none of the {} pods ever starts: the first one cannot ({why})", pod.replicas()),
                "let the first pod start, or use podManagementPolicy: Parallel",
            );
            continue;
        }
        let classes = cx.all("StorageClass");
        for claim in object.items("spec.volumeClaimTemplates").into_iter().filter(|_| !nodes.is_empty()) {
            let Some(class) = claim.get("spec.storageClassName") else { continue };
            let static_class = classes
                .iter()
                .any(|c| Some(c.object.id.name.as_str()) == class.str() && c.text("provisioner") == Some("kubernetes.io/no-provisioner"));
            let volumes = cx.all("PersistentVolume").iter().any(|v| v.text("spec.storageClassName") == class.str());
            if static_class && !volumes {
                cx.report(
                    class,
                    "the claim of the first pod has no volume, so no pod ever starts",
                    "add PersistentVolumes, or use a class with a provisioner",
                );
            }
        }
    }
}
