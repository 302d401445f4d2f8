//! `crd-in-templates`: reports a CustomResourceDefinition in `templates/` of a chart that also makes objects of
//! that kind.

use crate::lint::context::Context;
use crate::lint::context::group;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    for definition in cx.all("CustomResourceDefinition") {
        let kind = definition.text("spec.names.kind").unwrap_or("");
        // Objects of hooks are made after everything else.
        let made = cx
            .objects()
            .find(|o| o.object.id.kind == kind && group(o.object) == definition.text("spec.group").unwrap_or("") && !cx.is_hook(o.object));
        if made.is_some() && !cx.is_hook(definition.object) {
            cx.report(
                definition.place("kind"),
                format!("the chart also makes a {kind}, in the same step"),
                "move the definition to crds/, or into a chart of its own",
            );
        }
    }
}
