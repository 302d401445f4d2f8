//! `chart-app-version-not-string`: reports a version or appVersion that YAML reads as a number.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    for name in ["appVersion", "version"] {
        if let Some(field) = about.get(name).filter(|f| f.value.is_number() || f.value.is_boolean()) {
            cx.report(field, format!("the {name} is a number, not a string"), "quote it");
        }
    }
}
