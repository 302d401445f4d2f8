//! `cluster-scoped-namespace`: reports a namespace on an object that belongs to the whole cluster.

use crate::lint::context::CLUSTER_SCOPED;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(CLUSTER_SCOPED) {
        if let Some(namespace) = object.get("metadata.namespace") {
            cx.report(namespace, format!("a {} belongs to no namespace", object.object.id.kind), "remove metadata.namespace");
        }
    }
}
