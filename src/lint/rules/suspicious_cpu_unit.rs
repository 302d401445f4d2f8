//! `suspicious-cpu-unit`: reports an amount of CPU of 64 cores and more without `m`, or with a unit of memory.

use crate::lint::amount;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        for list in ["requests", "limits"] {
            let Some(found) = container.field.get(&format!("resources.{list}.cpu")) else { continue };
            let text = found.scalar().unwrap_or_default();
            let unit = amount::suffix(&text);
            if matches!(unit, "Ki" | "Mi" | "Gi" | "Ti" | "M" | "G" | "T") {
                cx.report(found, format!("`{text}` is an amount of memory, not of CPU"), "write cores (`2`) or thousandths (`500m`)");
            } else if unit != "m" && amount::milli(&text).is_some_and(|v| v >= 64_000) {
                cx.report(found, format!("`{text}` cores fit on few nodes"), format!("did you mean `{text}m`?"));
            }
        }
    }
}
