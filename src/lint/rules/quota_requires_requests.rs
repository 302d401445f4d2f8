//! `quota-requires-requests`: reports a container without a request (or limit) that a ResourceQuota of its
//! namespace counts, when no LimitRange gives a default.

use crate::lint::context::Context;
use crate::lint::context::Role;
use crate::lint::quota;

pub(super) fn check(cx: &Context) {
    for (quota, name, _) in quota::limits(cx) {
        let (list, resource) = match name.split_once('.') {
            Some((list @ ("requests" | "limits"), resource)) => (list, resource),
            None if matches!(name, "cpu" | "memory") => ("requests", name),
            _ => continue,
        };
        if !matches!(resource, "cpu" | "memory") {
            continue;
        }
        let given = quota::defaults(cx, quota.object, list, resource);
        for pod in cx.pods_beside(quota.object) {
            for container in pod.containers.iter().filter(|c| c.role != Role::Ephemeral) {
                let own = container.field.get(&format!("resources.{list}")).is_some_and(|l| l.has(resource));
                // A limit is a request as well.
                let limit = list == "requests" && container.field.get("resources.limits").is_some_and(|l| l.has(resource));
                if !own && !limit && !given {
                    let what = list.trim_end_matches('s');
                    let message = format!("the container has no {resource} {what}, which the quota `{}` asks for", quota.object.id.name);
                    cx.report(
                        container.field.place(&format!("resources.{list}.{resource}")),
                        message,
                        "set it, or add a LimitRange with defaults",
                    );
                }
            }
        }
    }
}
