//! How long a container or a pod is given to stop.

/// The least time a container is given when nothing says how long.
const MINIMUM_SECONDS: i64 = 2;

/// Why a container is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillReason {
    /// Its liveness probe failed.
    LivenessProbe,
    /// Its startup probe failed.
    StartupProbe,
    /// Anything else.
    Unknown,
}

/// The grace period of a container in seconds: `deletion` of the pod's metadata, `spec` of its
/// `terminationGracePeriodSeconds`, `probe` of the probe that failed. upstream: setTerminationGracePeriod
pub fn container(deletion: Option<i64>, spec: Option<i64>, probe: Option<i64>, reason: KillReason) -> i64 {
    match (deletion, spec) {
        (Some(deletion), _) => deletion,
        (None, Some(spec)) if reason == KillReason::Unknown => spec,
        (None, Some(spec)) => probe.unwrap_or(spec),
        (None, None) => MINIMUM_SECONDS,
    }
}

/// How long the runtime waits before it kills a container without preStop hook.
pub fn stop_timeout(grace: i64) -> i64 {
    grace.max(MINIMUM_SECONDS)
}

/// The grace period of a pod and whether it changed: `current` is the one in force (0 for none), `forced` that of an
/// eviction. upstream: calculateEffectiveGracePeriod
pub fn pod(current: i64, deletion: Option<i64>, spec: Option<i64>, forced: Option<i64>) -> (i64, bool) {
    let mut grace = current;
    let mut overridden = false;
    for wish in [deletion, forced].into_iter().flatten() {
        if grace == 0 || wish < grace {
            (grace, overridden) = (wish, true);
        }
    }
    if !overridden && grace == 0 {
        grace = spec.unwrap_or(0);
    }
    let grace = grace.max(1);
    (grace, current != 0 && current != grace)
}
