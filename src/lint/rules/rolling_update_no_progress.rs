//! `rolling-update-no-progress`: reports a rolling update that may neither add nor remove a pod.

use crate::lint::amount;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for object in cx.all("Deployment") {
        let Some(update) = object.get("spec.strategy.rollingUpdate") else { continue };
        let (Some(surge), Some(unavailable)) = (update.get("maxSurge"), update.get("maxUnavailable")) else { continue };
        let zero = |f: &Field| amount::scaled(f, 100, true) == Some(0);
        if zero(&surge) && zero(&unavailable) {
            cx.report(unavailable, "maxSurge and maxUnavailable are both 0", "allow one of them");
        }
    }
}
