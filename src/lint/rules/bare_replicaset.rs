//! `bare-replicaset`: reports a ReplicaSet or ReplicationController that is used directly.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["ReplicaSet", "ReplicationController"]) {
        if !object.has("metadata.ownerReferences") {
            cx.report(object.place("kind"), "changes of the template reach no running pod", "use a Deployment");
        }
    }
}
