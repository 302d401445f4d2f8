//! `chart-dependency-missing`: reports a dependency that `charts/` does not hold.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(about)) = (cx.chart(), cx.about()) else { return };
    for dependency in about.items("dependencies") {
        let Some(name) = dependency.get("name") else { continue };
        let text = name.str().unwrap_or("");
        if !chart.below.iter().any(|(_, c)| c.name() == text) {
            cx.report(name, format!("the dependency `{text}` is not in charts/"), "run `helm dependency build`");
        }
    }
}
