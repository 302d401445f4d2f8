//! `service-target-port-not-exposed`: reports a numeric `targetPort` that is none of the ports the selected pods
//! declare.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let ports: Vec<_> = cx.selected_by(&service).iter().flat_map(|p| p.ports()).collect();
        let numbers: Vec<i64> = ports.iter().filter_map(|p| p.int("containerPort")).collect();
        if numbers.is_empty() {
            continue;
        }
        for port in service.items("spec.ports") {
            let target = port.get("targetPort").or_else(|| port.get("port"));
            let Some((place, number)) = target.and_then(|t| Some((t, t.value.as_i64()?))) else { continue };
            if !numbers.contains(&number) {
                cx.report(place, format!("no selected pod declares port {number}"), format!("the pods declare {numbers:?}"));
            }
        }
    }
}
