//! `chart-dependency-undeclared`: reports a chart in `charts/` that `Chart.yaml` does not declare.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(about)) = (cx.chart(), cx.about()) else { return };
    // Charts of the first version declare theirs in requirements.yaml.
    if chart.file("requirements.yaml").is_some() {
        return;
    }
    let declared = about.items("dependencies");
    for (_, child) in &chart.below {
        if !declared.iter().any(|d| d.text("name") == Some(child.name())) {
            cx.report(
                about.place("dependencies"),
                format!("Chart.yaml does not declare the chart `{}` of charts/", child.name()),
                "add it to dependencies",
            );
        }
    }
}
