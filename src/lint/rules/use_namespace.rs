//! `use-namespace`: reports an object that names no namespace, or `default`, outside of a chart.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_some() {
        return;
    }
    for object in cx.objects().filter(|o| cx.namespaced(o.object)) {
        match object.text("metadata.namespace") {
            Some("default") => {
                cx.report(object.place("metadata.namespace"), "the object is in the namespace default", "give it a namespace of its own");
            }
            None | Some("") => {
                cx.report(object.place("metadata.namespace"), "the object names no namespace", "name the namespace it belongs to");
            }
            _ => {}
        }
    }
}
