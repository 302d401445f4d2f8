//! `named-target-port-missing`: reports a Service port whose `targetPort` is a name that no selected pod
//! declares.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let pods = cx.selected_by(&service);
        if pods.is_empty() {
            continue;
        }
        let names: Vec<&str> = pods.iter().flat_map(|p| p.ports()).filter_map(|p| p.text("name")).collect();
        for port in service.items("spec.ports") {
            let Some(target) = port.get("targetPort") else { continue };
            let Some(name) = target.str() else { continue };
            if name.parse::<u16>().is_ok() || names.contains(&name) {
                continue;
            }
            let help = similar(name, names.iter().copied())
                .map_or_else(|| "name a port that the pods declare, or its number".to_owned(), |n| format!("did you mean `{n}`?"));
            cx.report(target, format!("no selected pod has a port named `{name}`"), help);
        }
    }
}
