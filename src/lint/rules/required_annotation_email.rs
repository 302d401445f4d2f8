//! `required-annotation-email`: reports a workload without a required annotation, `email` unless configured
//! otherwise.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let wanted: Vec<&str> = match cx.param("annotations") {
        [] => vec!["email"],
        list => list.iter().map(String::as_str).collect(),
    };
    for pod in cx.pods() {
        let object = Field::root(pod.object);
        let have = object.entries("metadata.annotations");
        for name in
            wanted.iter().filter(|w| !have.iter().any(|(k, v)| k == *w && v.str().is_some_and(|t| *w != &"email" || t.contains('@'))))
        {
            cx.report(object.place("metadata.annotations"), format!("the workload has no annotation `{name}`"), "add it");
        }
    }
}
