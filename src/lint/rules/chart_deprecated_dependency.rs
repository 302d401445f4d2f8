//! `chart-deprecated-dependency`: reports a dependency that is marked as deprecated.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(about)) = (cx.chart(), cx.about()) else { return };
    for dependency in about.items("dependencies") {
        let Some(name) = dependency.get("name") else { continue };
        let child = chart.below.iter().find(|(_, c)| Some(c.name()) == name.str());
        let deprecated =
            child.and_then(|(_, c)| c.about()).is_some_and(|o| o.value.get("deprecated") == Some(&serde_json::Value::Bool(true)));
        if deprecated {
            cx.report(name, format!("the chart `{}` is deprecated", name.str().unwrap_or("")), "replace it");
        }
    }
}
