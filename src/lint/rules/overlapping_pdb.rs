//! `overlapping-pdb`: reports a pod that more than one disruption budget selects.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::lint::context::namespace;

pub(super) fn check(cx: &Context) {
    let mut seen = BTreeSet::new();
    for pod in cx.pods() {
        for budget in cx.budgets_of(pod).iter().skip(1) {
            if seen.insert((namespace(budget.object), &budget.object.id.name)) {
                cx.report(budget.place("spec.selector"), "another budget selects the same pods", "leave one budget per pod");
            }
        }
    }
}
