//! `suspicious-memory-unit`: reports an amount of memory or storage below one mebibyte.

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
                let unit = amount::suffix(&text);
                if matches!(unit, "" | "m") && amount::milli(&text).is_some_and(|v| v > 0 && v < 1024 * 1024 * 1000) {
                    let help =
                        text.strip_suffix('m').map_or_else(|| format!("did you mean `{text}Mi`?"), |n| format!("did you mean `{n}Mi`?"));
                    cx.report(found, format!("`{text}` is less than a mebibyte of {name}"), help);
                }
            }
        }
    }
}
