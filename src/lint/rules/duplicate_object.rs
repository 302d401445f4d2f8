//! `duplicate-object`: reports an object that occurs twice in the set.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::lint::context::group;
use crate::lint::context::namespace;

pub(super) fn check(cx: &Context) {
    let mut seen = BTreeSet::new();
    for object in cx.objects() {
        let id = &object.object.id;
        if id.kind.is_empty() || id.name.is_empty() {
            continue;
        }
        if !seen.insert((group(object.object), &id.kind, namespace(object.object), &id.name)) {
            cx.report(object.place("metadata.name"), format!("{} `{}` is defined twice", id.kind, id.name), "remove or rename one of them");
        }
    }
}
