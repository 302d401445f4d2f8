//! `scc-deny-privileged-container`: reports SecurityContextConstraints of OpenShift that allow privileged
//! containers.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.all("SecurityContextConstraints") {
        if object.is_true("allowPrivilegedContainer") {
            cx.report(object.place("allowPrivilegedContainer"), "the constraints allow privileged containers", "set it to false");
        }
    }
}
