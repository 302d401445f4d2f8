//! `service-protocol-mismatch`: reports a port of a Service whose protocol is not the one of the container port it
//! targets.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let pods = cx.selected_by(&service);
        for port in service.items("spec.ports") {
            let want = port.text("protocol").unwrap_or("TCP");
            let target = port.get("targetPort").or_else(|| port.get("port"));
            let Some(target) = target else { continue };
            let aimed = |p: &Field| match target.str() {
                Some(name) => p.text("name") == Some(name),
                None => p.int("containerPort").is_some() && p.int("containerPort") == target.value.as_i64(),
            };
            let ports: Vec<Field> = pods.iter().flat_map(|p| p.ports()).filter(aimed).collect();
            let of = |p: &Field| p.text("protocol").unwrap_or("TCP").to_owned();
            if let Some(first) = ports.first().filter(|_| !ports.iter().any(|p| of(p) == want)) {
                cx.report(
                    port.place("protocol"),
                    format!("the protocol is {want}, but the container port is {}", of(first)),
                    "use the same protocol in both",
                );
            }
        }
    }
}
