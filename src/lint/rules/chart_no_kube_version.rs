//! `chart-no-kube-version`: reports a chart without `kubeVersion`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    if about.text("kubeVersion").unwrap_or("").is_empty() {
        cx.report(about.place("kubeVersion"), "the chart has no kubeVersion", "add the range of versions it is tested with");
    }
}
