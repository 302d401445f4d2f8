//! `required-label-owner`: reports a workload without a required label, `owner` unless configured otherwise.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let wanted: Vec<&str> = match cx.param("labels") {
        [] => vec!["owner"],
        list => list.iter().map(String::as_str).collect(),
    };
    for pod in cx.pods() {
        let object = Field::root(pod.object);
        let have = object.entries("metadata.labels");
        for label in wanted.iter().filter(|w| !have.iter().any(|(k, _)| k == *w)) {
            cx.report(object.place("metadata.labels"), format!("the workload has no label `{label}`"), "add it");
        }
    }
}
