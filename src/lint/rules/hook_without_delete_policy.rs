//! `hook-without-delete-policy`: reports a hook without `helm.sh/hook-delete-policy`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    if cx.chart().is_none() {
        return;
    }
    for object in cx.objects() {
        let annotations = object.entries("metadata.annotations");
        let hook = annotations.iter().find(|(k, v)| *k == "helm.sh/hook" && v.str().is_some_and(|t| !t.contains("test")));
        if let Some((_, hook)) = hook.filter(|_| !annotations.iter().any(|(k, _)| *k == "helm.sh/hook-delete-policy")) {
            cx.report(
                hook,
                "the hook has no helm.sh/hook-delete-policy",
                "add before-hook-creation, or hook-succeeded to clean up at once",
            );
        }
    }
}
