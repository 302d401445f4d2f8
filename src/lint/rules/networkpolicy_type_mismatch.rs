//! `networkpolicy-type-mismatch`: reports rules of a network policy for a direction that `policyTypes` leaves
//! out.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for policy in cx.all("NetworkPolicy") {
        let Some(types) = policy.get("spec.policyTypes") else { continue };
        let named: Vec<&str> = types.list().iter().filter_map(Field::str).collect();
        for (rules, direction) in [("spec.ingress", "Ingress"), ("spec.egress", "Egress")] {
            if !policy.items(rules).is_empty() && !named.contains(&direction) {
                cx.report(
                    types,
                    format!("the policy has {direction} rules, but policyTypes lacks {direction}"),
                    format!("add {direction} to policyTypes"),
                );
            }
        }
    }
}
