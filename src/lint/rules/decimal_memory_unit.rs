//! `decimal-memory-unit`: reports memory or storage in decimal units (`M`, `G`).

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let containers = cx.containers().map(|(_, c)| c.field);
    let claims = cx.all("PersistentVolumeClaim").into_iter().filter_map(|c| c.get("spec"));
    let templates = cx.all("StatefulSet").into_iter().flat_map(|s| s.items("spec.volumeClaimTemplates")).filter_map(|c| c.get("spec"));
    for field in containers.chain(claims).chain(templates) {
        for list in ["requests", "limits"] {
            for name in ["memory", "storage", "ephemeral-storage"] {
                let Some(found) = field.get(&format!("resources.{list}.{name}")) else { continue };
                let text = found.scalar().unwrap_or_default();
                if matches!(amount::suffix(&text), "k" | "M" | "G" | "T") {
                    cx.report(found, format!("`{text}` is a decimal unit"), format!("write `{text}i`"));
                }
            }
        }
    }
}
