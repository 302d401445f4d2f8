//! `config-map-not-immutable`: reports a ConfigMap or Secret whose name carries a hash of its content but that may
//! be changed.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for object in cx.of(&["ConfigMap", "Secret"]) {
        if hashed(&object.object.id.name) && !object.is_true("immutable") {
            cx.report(object.place("immutable"), "the name carries a hash, but the object is not immutable", "set immutable: true");
        }
    }
}

/// Whether the last word of a name looks like a hash, as Kustomize and others append it.
fn hashed(name: &str) -> bool {
    let Some((_, last)) = name.rsplit_once('-') else { return false };
    let digits = last.bytes().filter(u8::is_ascii_digit).count();
    let letters = last.bytes().filter(u8::is_ascii_lowercase).count();
    (8..=64).contains(&last.len()) && digits + letters == last.len() && digits >= 2 && letters >= 2
}
