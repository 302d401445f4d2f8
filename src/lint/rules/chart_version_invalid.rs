//! `chart-version-invalid`: reports a version of the chart that is no semantic version.

use crate::helm::dependency::valid_version;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(version) = cx.about().and_then(|a| a.get("version")) else { return };
    let Some(text) = version.scalar().filter(|t| !t.is_empty()) else { return };
    if !valid_version(&text) {
        cx.report(version, format!("the version `{text}` is no semantic version"), "write MAJOR.MINOR.PATCH, such as 1.4.2");
    }
}
