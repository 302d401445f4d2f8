//! `servicemonitor-port-missing`: reports an endpoint of a ServiceMonitor whose port is not the name of a port of
//! the Services it selects.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::labels;

pub(super) fn check(cx: &Context) {
    for monitor in cx.all("ServiceMonitor") {
        let Some(selector) = monitor.get("spec.selector").filter(|s| !labels::is_empty(s)) else { continue };
        let services = cx.all("Service");
        let chosen: Vec<&Field> = services.iter().filter(|s| labels::matches(&selector, &labels::labels(s, "metadata.labels"))).collect();
        if chosen.is_empty() {
            continue;
        }
        let ports: Vec<Field> = chosen.iter().flat_map(|s| s.items("spec.ports")).collect();
        let names: Vec<&str> = ports.iter().filter_map(|p| p.text("name")).collect();
        for endpoint in monitor.items("spec.endpoints") {
            let Some(port) = endpoint.get("port") else { continue };
            let Some(text) = port.str().filter(|t| !names.contains(t)) else { continue };
            let help = similar(text, names.iter().copied())
                .map_or_else(|| format!("the ports are named: {}", names.join(", ")), |n| format!("did you mean `{n}`?"));
            cx.report(port, format!("the selected Services have no port named `{text}`"), help);
        }
    }
}
