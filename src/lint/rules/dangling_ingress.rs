//! `dangling-ingress`: reports an Ingress backend whose Service is not in the set.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        let rules = ingress.items("spec.rules");
        let paths = rules.iter().flat_map(|r| r.items("http.paths")).filter_map(|p| p.get("backend"));
        for backend in paths.chain(ingress.get("spec.defaultBackend")) {
            let Some(name) = backend.get("service.name").or_else(|| backend.get("serviceName")) else { continue };
            let Some(text) = name.str().filter(|n| cx.find("Service", ingress.object, n).is_none()) else { continue };
            let help = similar(text, cx.names("Service", ingress.object))
                .map_or_else(|| "add the Service".to_owned(), |n| format!("did you mean `{n}`?"));
            cx.report(name, format!("the Service `{text}` is not in the set"), help);
        }
    }
}
