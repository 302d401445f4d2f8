//! `instance-label-mismatch`: reports a workload whose label `app.kubernetes.io/instance` is not its name.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        let entries = Field::root(pod.object).entries("metadata.labels");
        let Some((_, label)) = entries.into_iter().find(|(k, _)| *k == "app.kubernetes.io/instance") else { continue };
        if label.str() != Some(&pod.object.id.name) {
            cx.report(label, format!("the instance `{}` is not the name", label.str().unwrap_or("")), "use the name of the workload");
        }
    }
}
