//! Pages of the findings that no rule makes: verdicts of rendering, of the API server's path and of the prediction.

macro_rules! verdicts {
    ($($id:literal,)*) => {
        /// Codes and pages, in order.
        pub(super) static ALL: &[(&str, &str)] = &[$(($id, include_str!(concat!("../../rules/", $id, ".md")))),*];
    };
}

verdicts! {
    "admission-denied",
    "admission-warning",
    "duplicate-field",
    "duplicate-value",
    "forbidden-field",
    "internal-error",
    "invalid-value",
    "missing-required-field",
    "render-error",
    "rollout-degraded",
    "rollout-stuck",
    "server-warning",
    "unchecked-kind",
    "unknown-field",
    "unknown-kind",
    "unschedulable-devices",
    "unschedulable-pod",
    "unsupported-value",
    "wrong-type",
}
