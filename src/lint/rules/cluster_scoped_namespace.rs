//! `cluster-scoped-namespace`: reports a namespace on an object that belongs to the whole cluster.

use crate::lint::context::CLUSTER_SCOPED;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(CLUSTER_SCOPED) {
        if let Some(namespace) = object.get("metadata.namespace") {
            let kind = object.object.id.kind.as_str();
            let article = if kind.starts_with(['A', 'E', 'I', 'O']) { "an" } else { "a" };
            cx.report(namespace, format!("{article} {kind} belongs to no namespace"), "remove metadata.namespace");
        }
    }
}
