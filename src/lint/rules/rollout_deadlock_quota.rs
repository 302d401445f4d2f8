//! `rollout-deadlock-quota`: reports a Deployment that fits its ResourceQuota, but not with the extra pod of a
//! rolling update that must not take a pod away first.

use crate::lint::cluster;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::quota;

pub(super) fn check(cx: &Context) {
    for (quota, name, hard) in quota::limits(cx) {
        let pods: Vec<_> = cx.pods_beside(quota.object).into_iter().filter(|p| quota::lasting(p)).collect();
        let steady: i128 = pods.iter().map(|p| quota::of(p, name) * i128::from(p.replicas())).sum();
        for pod in pods.iter().filter(|p| p.is(&["Deployment"])) {
            let object = Field::root(pod.object);
            let (away, _) = cluster::rolling(&object, pod.replicas());
            let one = quota::of(pod, name);
            if steady <= hard && steady + one > hard && one > 0 && away == 0 && object.text("spec.strategy.type") != Some("Recreate") {
                let message = format!(
                    "the quota `{}` has no room for one more pod ({name}), and none may go first: the update never ends",
                    quota.object.id.name
                );
                cx.report(object.place("spec.strategy.rollingUpdate.maxUnavailable"), message, "use maxUnavailable: 1");
            }
        }
    }
}
