//! `ingress-no-path-type`: reports an Ingress path without `pathType`.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for ingress in cx.all("Ingress").into_iter().filter(|i| i.object.id.api_version == "networking.k8s.io/v1") {
        for path in ingress.items("spec.rules").iter().flat_map(|r| r.items("http.paths")) {
            if !path.has("pathType") {
                cx.report(path.place("pathType"), "the path has no pathType", "set pathType: Prefix or Exact");
            }
        }
    }
}
