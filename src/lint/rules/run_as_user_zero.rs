//! `run-as-user-zero`: reports `runAsUser: 0`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let pods = cx.pods().iter().map(|p| &p.spec);
    for field in pods.chain(cx.containers().map(|(_, c)| &c.field)) {
        if let Some(user) = field.get("securityContext.runAsUser").filter(|f| f.value.as_i64() == Some(0)) {
            cx.report(user, "the container runs as root", "name a user other than 0");
        }
    }
}
