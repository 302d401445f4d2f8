//! `pvc-unbindable`: reports a claim whose volumes are all bound to nodes that the set does not have, or whose
//! class has neither provisioner nor volume.

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let nodes = cluster::nodes(cx);
    if nodes.is_empty() {
        return;
    }
    let classes = cx.all("StorageClass");
    for claim in cx.all("PersistentVolumeClaim") {
        let class = claim.text("spec.storageClassName").unwrap_or("");
        let own = classes.iter().find(|c| c.object.id.name == class);
        let provisioned = own.is_some_and(|c| c.text("provisioner") != Some("kubernetes.io/no-provisioner"));
        if provisioned || class.is_empty() {
            continue;
        }
        let volumes: Vec<Field> =
            cx.all("PersistentVolume").into_iter().filter(|v| v.text("spec.storageClassName").unwrap_or("") == class).collect();
        let users: Vec<_> = cx
            .pods_beside(claim.object)
            .into_iter()
            .filter(|p| p.spec.items("volumes").iter().any(|v| v.text("persistentVolumeClaim.claimName") == Some(&claim.object.id.name)))
            .collect();
        let reachable = |v: &Field| match v.get("spec.nodeAffinity.required") {
            None => true,
            Some(required) => nodes.iter().any(|n| {
                cluster::selected_by(&required, n) && users.iter().all(|p| cluster::selects(p, n) && cluster::untolerated(p, n).is_none())
            }),
        };
        if volumes.is_empty() && own.is_some() {
            cx.report(
                claim.place("spec.storageClassName"),
                format!("the class `{class}` has neither a provisioner nor a volume"),
                "add a PersistentVolume",
            );
        } else if !volumes.is_empty() && !volumes.iter().any(reachable) {
            cx.report(
                claim.place("spec.storageClassName"),
                format!("the volumes of the class `{class}` are on no node that the pod could be on"),
                "mend the nodeAffinity of the volumes",
            );
        }
    }
}
