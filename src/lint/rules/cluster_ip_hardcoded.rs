//! `cluster-ip-hardcoded`: reports a fixed cluster IP.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Service"]) {
        if let Some(found) = object.get("spec.clusterIP").filter(|f| f.str().is_some_and(|t| !t.is_empty() && t != "None")) {
            cx.report(found, "the cluster IP is fixed", "leave it to the cluster");
        }
    }
}
