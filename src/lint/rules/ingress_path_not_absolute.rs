//! `ingress-path-not-absolute`: reports an Ingress path that does not start with `/`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress") {
        for rule in ingress.items("spec.rules").iter().flat_map(|r| r.items("http.paths")) {
            let Some(path) = rule.get("path") else { continue };
            if matches!(rule.text("pathType"), Some("Exact" | "Prefix")) && path.str().is_some_and(|p| !p.starts_with('/')) {
                cx.report(path, "the path does not start with `/`", "write it as an absolute path");
            }
        }
    }
}
