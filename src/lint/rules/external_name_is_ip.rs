//! `external-name-is-ip`: reports an ExternalName that is an address.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["Service"]) {
        if let Some(found) = object.get("spec.externalName").filter(|f| f.str().is_some_and(|t| t.parse::<std::net::IpAddr>().is_ok())) {
            cx.report(found, "an external name must be a DNS name", "use a Service without selector and an EndpointSlice");
        }
    }
}
