//! `csr-approval`: reports the right to approve certificates.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for role in cx.of(&["Role", "ClusterRole"]) {
        for rule in role.items("rules") {
            let verbs = rule.items("verbs");
            if !verbs.iter().filter_map(Field::str).any(|v| matches!(v, "update" | "patch" | "*")) {
                continue;
            }
            for resource in rule.items("resources") {
                if matches!(resource.str(), Some("certificatesigningrequests/approval")) {
                    cx.report(resource, "certificates may be approved", "leave it to the certificate controller");
                }
            }
        }
    }
}
