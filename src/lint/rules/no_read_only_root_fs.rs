//! `no-read-only-root-fs`: reports a container whose root file system is not read-only.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        if !container.field.is_true("securityContext.readOnlyRootFilesystem") {
            cx.report(
                container.field.place("securityContext.readOnlyRootFilesystem"),
                "the root file system is writable",
                "set readOnlyRootFilesystem: true and mount an emptyDir where files are written",
            );
        }
    }
}
