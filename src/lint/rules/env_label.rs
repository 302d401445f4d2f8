//! `env-label`: reports a Deployment without the label `env`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("Deployment") {
        if !object.has("metadata.labels.env") {
            cx.report(object.place("metadata.labels.env"), "the Deployment has no label `env`", "add it");
        }
    }
}
