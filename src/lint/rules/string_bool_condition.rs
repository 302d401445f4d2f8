//! `string-bool-condition`: reports a value that is the text "false" (or "no") and is used as a
//! condition.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::values::Usage;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let Some(object) = chart.values.as_ref().and_then(|v| v.object.as_ref()) else { return };
    let paths: BTreeSet<&Vec<String>> =
        reads.found.iter().filter(|r| r.chart == 0 && r.usage == Usage::Condition).map(|r| &r.path).collect();
    for path in paths {
        let field = path.iter().try_fold(Field::root(object), |f, name| f.get_key(name));
        let Some(field) = field else { continue };
        if let Some(text @ ("false" | "False" | "no")) = field.str() {
            cx.report(field, format!("the text {text:?} counts as true in a condition"), "remove the quotes");
        }
    }
}
