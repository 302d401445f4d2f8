//! `deprecated-kind`: reports a kind that is deprecated as a whole: Endpoints, ComponentStatus, PodSecurityPolicy,
//! ReplicationController.

use crate::lint::context::Context;

const OLD: &[(&str, &str, u32, &str)] = &[
    ("v1", "Endpoints", 33, "EndpointSlice"),
    ("v1", "ComponentStatus", 19, "the health endpoints of the components"),
    ("policy/v1beta1", "PodSecurityPolicy", 21, "Pod Security admission"),
    ("extensions/v1beta1", "PodSecurityPolicy", 11, "Pod Security admission"),
    ("v1", "ReplicationController", 0, "Deployment"),
];

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let id = &object.object.id;
        let old = OLD.iter().find(|(version, kind, since, _)| *version == id.api_version && *kind == id.kind && cx.minor() >= *since);
        if let Some((_, kind, _, instead)) = old {
            cx.report(object.place("kind"), format!("{kind} is deprecated: use {instead}"), format!("use {instead}"));
        }
    }
}
