//! `storage-class-missing`: reports a StorageClass name that neither the set nor a PersistentVolume of it has, when
//! the set has storage classes or volumes at all.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let classes = cx.all("StorageClass");
    let volumes = cx.all("PersistentVolume");
    // Most sets leave the classes to the cluster.
    if classes.is_empty() && volumes.is_empty() {
        return;
    }
    let mut known: Vec<&str> = classes.iter().map(|c| c.object.id.name.as_str()).collect();
    known.extend(volumes.iter().filter_map(|v| v.text("spec.storageClassName")));
    let mut specs: Vec<Field> = cx.all("PersistentVolumeClaim").iter().filter_map(|c| c.get("spec")).collect();
    specs.extend(cx.all("StatefulSet").iter().flat_map(|s| s.items("spec.volumeClaimTemplates")).filter_map(|t| t.get("spec")));
    for spec in specs {
        let Some(class) = spec.get("storageClassName") else { continue };
        let Some(text) = class.str().filter(|t| !t.is_empty() && !known.contains(t)) else { continue };
        // A set that only has volumes says nothing about provisioned classes.
        if classes.is_empty() && similar(text, known.iter().copied()).is_none() {
            continue;
        }
        let help = similar(text, known.iter().copied())
            .map_or_else(|| format!("known are: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
        cx.report(class, format!("there is no StorageClass `{text}` in the set"), help);
    }
}
