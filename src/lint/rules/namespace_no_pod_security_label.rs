//! `namespace-no-pod-security-label`: reports a Namespace without the label `pod-security.kubernetes.io/enforce`.

use crate::lint::context::Context;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for namespace in cx.all("Namespace") {
        if !labels::labels(&namespace, "metadata.labels").contains_key("pod-security.kubernetes.io/enforce") {
            cx.report(
                namespace.place("metadata.labels"),
                "the Namespace enforces no Pod Security Standard",
                "add the label pod-security.kubernetes.io/enforce",
            );
        }
    }
}
