//! `duplicate-container-name`: reports two containers of one pod with the same name, init containers included.

use std::collections::BTreeMap;

use crate::lint::context::Container;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for pod in cx.pods() {
        // Init containers are read first, but the later definition in the file is the one to point at.
        let mut seen: BTreeMap<&str, &Container> = BTreeMap::new();
        for container in &pod.containers {
            let Some(first) = seen.insert(container.name, container).filter(|_| !container.name.is_empty()) else { continue };
            let (a, b) = (first.field.place("name"), container.field.place("name"));
            let place = if a.span().start > b.span().start { a } else { b };
            cx.report(place, format!("two containers are named `{}`", container.name), "give each container of the pod its own name");
        }
    }
}
