//! `chart-creates-namespace`: reports a chart that makes the namespace its own objects live in.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    for namespace in cx.all("Namespace") {
        let name = namespace.object.id.name.as_str();
        let lived_in = cx.objects().any(|o| o.object.id.namespace == name);
        // The release lands in the namespace `default` here, as with `helm template`.
        if name == "default" || lived_in {
            cx.report(
                namespace.place("kind"),
                format!("the chart makes the namespace `{name}` that its objects live in"),
                "leave it to --create-namespace",
            );
        }
    }
}
