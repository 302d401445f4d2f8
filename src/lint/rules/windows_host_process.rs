//! `windows-host-process`: reports a Windows HostProcess pod.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let pods = cx.pods().iter().map(|p| &p.spec);
    for field in pods.chain(cx.containers().map(|(_, c)| &c.field)) {
        if let Some(on) = field.get("securityContext.windowsOptions.hostProcess").filter(|f| f.value.as_bool() == Some(true)) {
            cx.report(on, "the container is a process of its host", "remove hostProcess");
        }
    }
}
