//! `git-repo-volume`: reports a gitRepo volume.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        for volume in pod.spec.items("volumes") {
            if let Some(source) = volume.get("gitRepo") {
                cx.report(source, "gitRepo volumes are deprecated and run git as root", "clone in an init container into an emptyDir");
            }
        }
    }
}
