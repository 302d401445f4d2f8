//! `removed-api`: reports an apiVersion that the target version of Kubernetes no longer serves.

use crate::lint::apis::REMOVED;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let id = &object.object.id;
        let entry = REMOVED.iter().find(|(version, kind, _, _)| *version == id.api_version && *kind == id.kind);
        let Some((version, kind, removed, instead)) = entry.filter(|(_, _, removed, _)| cx.minor() >= *removed) else { continue };
        let help = if instead.is_empty() { "there is no replacement".to_owned() } else { format!("use {instead}") };
        cx.report(object.place("apiVersion"), format!("{version} {kind} is not served since Kubernetes 1.{removed}"), help);
    }
}
