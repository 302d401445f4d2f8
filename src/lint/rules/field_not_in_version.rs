//! `field-not-in-version`: reports a field of a pod that the target version does not know or ignores.

use crate::lint::apis;
use crate::lint::context::Context;
use crate::lint::field::Field;

/// Fields of containers and the minor version that knows them first.
const CONTAINER: &[(&str, u32)] = &[
    ("restartPolicy", 28),
    ("restartPolicyRules", 34),
    ("resizePolicy", 27),
    ("livenessProbe.grpc", 24),
    ("readinessProbe.grpc", 24),
    ("startupProbe.grpc", 24),
    ("lifecycle.preStop.sleep", 29),
    ("lifecycle.postStart.sleep", 29),
    ("lifecycle.stopSignal", 33),
    ("securityContext.appArmorProfile", 30),
    ("startupProbe", 18),
];

/// Fields of a pod's spec.
const POD: &[(&str, u32)] = &[
    ("hostUsers", 25),
    ("schedulingGates", 26),
    ("securityContext.appArmorProfile", 30),
    ("securityContext.supplementalGroupsPolicy", 31),
    ("resourceClaims", 26),
    ("resources", 32),
    ("os", 23),
    ("topologySpreadConstraints", 18),
];

pub(super) fn check(cx: &Context) {
    let late = |field: Option<Field>, since: u32| {
        if let Some(field) = field.filter(|_| cx.minor() < since) {
            cx.report(
                field,
                format!("the field is known from Kubernetes 1.{since} on, not by 1.{}", cx.minor()),
                "do without it, or raise the target version",
            );
        }
    };
    for pod in cx.pods() {
        for container in &pod.containers {
            CONTAINER.iter().for_each(|(path, since)| late(container.field.get(path), *since));
        }
        POD.iter().for_each(|(path, since)| late(pod.spec.get(path), *since));
        for constraint in pod.spec.items("topologySpreadConstraints") {
            [("minDomains", 25), ("matchLabelKeys", 27), ("nodeAffinityPolicy", 26), ("nodeTaintsPolicy", 26)]
                .iter()
                .for_each(|(path, since)| late(constraint.get(path), *since));
        }
    }
    for (kind, path, since) in apis::LATE_FIELDS {
        for object in cx.all(kind) {
            late(object.get(path), *since);
        }
    }
}
