//! ConfigMaps and Secrets that pods cannot start without.

use super::context::Context;
use super::context::Pod;
use super::field::Field;
use super::outside;
use crate::diagnostic::similar;

/// How a pod names objects of a kind.
pub(super) struct Words {
    /// `Secret`
    pub(super) kind: &'static str,
    /// `secretKeyRef`
    pub(super) key_ref: &'static str,
    /// `secretRef`
    pub(super) reference: &'static str,
    /// `secret`
    pub(super) volume: &'static str,
    /// `secretName`
    pub(super) volume_name: &'static str,
}

/// The names of the objects a pod needs; optional references are left out.
fn needed<'a>(pod: &Pod<'a>, words: &Words) -> Vec<Field<'a>> {
    let wanted = |reference: &Field| !reference.is_true("optional");
    let named = |field: &Field<'a>, path: &str, name: &str| field.get(path).filter(wanted).and_then(|r| r.get(name));
    let mut out = Vec::new();
    for container in &pod.containers {
        let key_ref = format!("valueFrom.{}", words.key_ref);
        out.extend(container.field.items("env").iter().filter_map(|e| named(e, &key_ref, "name")));
        out.extend(container.field.items("envFrom").iter().filter_map(|e| named(e, words.reference, "name")));
    }
    for volume in pod.spec.items("volumes") {
        out.extend(named(&volume, words.volume, words.volume_name));
        out.extend(volume.items("projected.sources").iter().filter_map(|s| named(s, words.volume, "name")));
    }
    out
}

/// Reports what pods need and the set does not have, but for what `made` knows to appear by itself.
pub(super) fn missing(cx: &Context, words: &Words, made: &dyn Fn(&str) -> bool) {
    let kind = words.kind;
    for pod in cx.pods() {
        for name in needed(pod, words) {
            let Some(text) = name.str() else { continue };
            if cx.find(kind, pod.object, text).is_none() && !made(text) && !outside::brought(cx, kind, pod.object, text) {
                let help = similar(text, cx.names(kind, pod.object))
                    .map_or_else(|| "add it to the set, or mark the reference as optional".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report(name, format!("the {kind} `{text}` is not in the set"), help);
            }
        }
    }
}
