//! `service-selects-several-workloads`: reports a Service that selects the pods of several workloads with different
//! ports.

use std::collections::BTreeSet;

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for service in cx.all("Service") {
        let pods = cx.selected_by(&service);
        let lasting: Vec<_> = pods.into_iter().filter(|p| !p.is(&["Job", "CronJob"]) && !cx.is_hook(p.object) && !p.ports().is_empty()).collect();
        let ports: BTreeSet<BTreeSet<i64>> =
            lasting.iter().map(|p| p.ports().iter().filter_map(|f| f.int("containerPort")).collect()).collect();
        if lasting.len() > 1 && ports.len() > 1 {
            let names: Vec<String> = lasting.iter().map(|p| format!("{}/{}", p.kind(), p.object.id.name)).collect();
            cx.report(
                service.place("spec.selector"),
                format!("the Service selects the pods of {} workloads with different ports", names.len()),
                format!("{}: select the one that is meant by a further label", names.join(", ")),
            );
        }
    }
}
