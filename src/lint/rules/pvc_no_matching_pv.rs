//! `pvc-no-matching-pv`: reports a claim of a class without provisioner that no PersistentVolume of the set
//! satisfies.

use crate::lint::amount;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

/// What a claim wants, in the order in which binding looks at it.
const WANTS: &[(&str, fn(&Field, &Field) -> bool)] = &[
    ("spec.volumeMode", |claim, volume| {
        claim.text("spec.volumeMode").unwrap_or("Filesystem") == volume.text("spec.volumeMode").unwrap_or("Filesystem")
    }),
    ("spec.accessModes", |claim, volume| {
        let have = volume.items("spec.accessModes");
        claim.items("spec.accessModes").iter().all(|m| have.iter().any(|h| h.value == m.value))
    }),
    ("spec.selector", |claim, volume| {
        let own = labels::labels(volume, "metadata.labels");
        claim.get("spec.selector").is_none_or(|s| labels::matches(&s, &own))
    }),
    ("spec.resources.requests.storage", |claim, volume| {
        let want = claim.get("spec.resources.requests.storage").and_then(|f| amount::of(&f));
        let have = volume.get("spec.capacity.storage").and_then(|f| amount::of(&f));
        want.is_none() || have.is_none() || have >= want
    }),
];

pub(super) fn check(cx: &Context) {
    let volumes = cx.all("PersistentVolume");
    for claim in cx.all("PersistentVolumeClaim") {
        let class = claim.text("spec.storageClassName").unwrap_or("");
        let made = cx
            .all("StorageClass")
            .iter()
            .any(|c| c.object.id.name == class && c.text("provisioner") != Some("kubernetes.io/no-provisioner"));
        if made
            || volumes.is_empty()
            || claim.has("spec.volumeName") && volumes.iter().all(|v| Some(v.object.id.name.as_str()) != claim.text("spec.volumeName"))
        {
            continue;
        }
        // Without a class the default class of the cluster decides.
        if !claim.has("spec.storageClassName") {
            continue;
        }
        let of_class: Vec<&Field> = volumes.iter().filter(|v| v.text("spec.storageClassName").unwrap_or("") == class).collect();
        if of_class.is_empty() {
            if class.is_empty() {
                cx.report(
                    claim.place("spec.storageClassName"),
                    "no PersistentVolume of the set has no class",
                    "add one, or name a class with a provisioner",
                );
            }
            continue;
        }
        if of_class.iter().any(|v| WANTS.iter().all(|(_, fits)| fits(&claim, v))) {
            continue;
        }
        // The condition that fails on the volume that fits best.
        let best = of_class.iter().max_by_key(|v| WANTS.iter().filter(|(_, fits)| fits(&claim, v)).count());
        let failing = best.and_then(|v| WANTS.iter().find(|(_, fits)| !fits(&claim, v)));
        let Some((path, _)) = failing else { continue };
        let why: Vec<String> = of_class
            .iter()
            .map(|v| {
                let bad: Vec<&str> =
                    WANTS.iter().filter(|(_, fits)| !fits(&claim, v)).map(|(p, _)| p.trim_start_matches("spec.")).collect();
                format!("{}: {}", v.object.id.name, bad.join(", "))
            })
            .collect();
        let what = match *path {
            "spec.resources.requests.storage" => claim.get(path).and_then(|f| f.scalar()).unwrap_or_default(),
            other => format!("the wanted {}", other.trim_start_matches("spec.")),
        };
        cx.report(
            claim.place(path),
            format!("no PersistentVolume of the class `{class}` has {what}"),
            format!("what does not fit: {}", why.join("; ")),
        );
    }
}
