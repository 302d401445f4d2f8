//! `chart-dependency-condition-undefined`: reports the condition of a dependency that no values file defines.

use crate::lint::context::Context;
use serde_json::Value;

fn at<'v>(values: Option<&'v Value>, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(values?, |value, name| value.get(name))
}

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(about)) = (cx.chart(), cx.about()) else { return };
    let values = chart.values.as_ref().and_then(|v| v.object.as_ref()).map(|o| &o.value);
    for dependency in about.items("dependencies") {
        let Some(condition) = dependency.get("condition") else { continue };
        let Some(text) = condition.str().filter(|t| !t.trim().is_empty()) else { continue };
        let called = dependency.text("alias").or_else(|| dependency.text("name")).unwrap_or("");
        let child = chart.below.iter().find(|(_, c)| Some(c.name()) == dependency.text("name"));
        let own = child.and_then(|(_, c)| c.values.as_ref()?.object.as_ref()).map(|o| &o.value);
        let defined = |path: &str| {
            let inner = path.strip_prefix(called).and_then(|p| p.strip_prefix('.'));
            at(values, path).is_some() || inner.is_some_and(|p| at(own, p).is_some())
        };
        // A dependency that is not there cannot be looked into.
        if child.is_some() && !text.split(',').any(|p| defined(p.trim())) {
            cx.report(condition, format!("there is no value `{text}`"), "define it in values.yaml");
        }
    }
}
