//! `quota-exceeded`: reports a workload with which its namespace exceeds a ResourceQuota of the set.

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::quota;

pub(super) fn check(cx: &Context) {
    for (quota, name, hard) in quota::limits(cx) {
        let mut used = 0;
        for pod in cx.pods_beside(quota.object).into_iter().filter(|p| quota::lasting(p)) {
            used += quota::of(pod, name) * i128::from(pod.replicas());
            if used > hard {
                let what = quota::shown(name, used);
                let message = format!(
                    "{name} of the namespace comes to {what}, which exceeds the quota `{}` of {}",
                    quota.object.id.name,
                    quota::shown(name, hard)
                );
                cx.report(Field::root(pod.object).place("spec.replicas"), message, "raise the quota, or ask for less");
                break;
            }
        }
    }
}
