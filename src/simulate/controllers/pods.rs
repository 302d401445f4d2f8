//! What controllers ask of pods, and which they delete first. upstream: pkg/controller/controller_utils.go, pkg/api/v1/pod

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::phase;
use super::template_of;
use crate::simulate::apiserver::ApiError;
use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::apiserver::facts::ready_since;
use crate::simulate::apiserver::facts::restarts;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::words;

/// Whether a pod is ready.
pub fn is_ready(pod: &Object) -> bool {
    ready_since(pod).is_some()
}

/// Whether a pod has been ready for long enough.
pub fn is_available(pod: &Object, min_ready_seconds: i64, now: Nanos) -> bool {
    ready_since(pod).is_some_and(|since| is_long_enough(since, min_ready_seconds, now))
}

/// Whether what has been ready since then has been so for long enough.
pub fn is_long_enough(since: Nanos, min_ready_seconds: i64, now: Nanos) -> bool {
    min_ready_seconds == 0 || since + min_ready_seconds * SECOND <= now
}

/// How long until a ready pod has been ready for long enough.
pub fn wait_for_availability<'a>(pods: impl Iterator<Item = &'a Arc<Object>>, min_ready_seconds: i64, now: Nanos) -> Option<Nanos> {
    let left = |p: &Arc<Object>| ready_since(p).map(|since| since + min_ready_seconds * SECOND - now).filter(|left| *left > 0);
    pods.filter_map(left).min()
}

/// Whether a pod counts: neither finished nor on its way out.
pub fn is_active(pod: &Object) -> bool {
    !matches!(phase(pod), "Succeeded" | "Failed") && !pod.meta.is_deleted()
}

/// Adopts matching orphans. upstream: PodControllerRefManager.ClaimPods
pub fn adopt(api: &mut ApiServer, owner: &Object, mut selects: impl FnMut(&Object) -> bool) {
    if owner.meta.is_deleted() {
        return;
    }
    let mut orphans = Vec::new();
    for pod in api.lone_in("Pod", &owner.meta.namespace) {
        // Finished pods are nobody's to adopt.
        let finished = owner.kind != "Job" && matches!(phase(pod), "Succeeded" | "Failed");
        if !pod.meta.is_deleted() && !finished && selects(pod) {
            orphans.push(pod.meta.uid);
        }
    }
    for uid in orphans {
        let reference = owner.as_controller();
        api.edit(uid, |p| p.meta.owners.push(reference));
    }
}

/// Lets pods go that a workload selects no longer; one that is going away itself keeps them.
/// upstream: PodControllerRefManager.ReleasePod
pub fn release(api: &mut ApiServer, owner: &Object, pods: Vec<Uid>) {
    for uid in pods {
        if !owner.meta.is_deleted() {
            api.edit(uid, |p| p.meta.owners.retain(|o| o.uid != owner.meta.uid));
        }
    }
}

/// The pods that name a workload as the one that manages them, in order of creation.
pub fn owned(api: &ApiServer, owner: Uid) -> impl Iterator<Item = &Arc<Object>> {
    api.dependents(owner).filter(move |pod| pod.kind == "Pod" && pod.meta.controller().is_some_and(|o| o.uid == owner))
}

/// The pods that a workload controls, in order of creation, once it has adopted and released what it should.
pub fn claim(api: &mut ApiServer, owner: &Object, selects: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
    adopt(api, owner, &selects);
    let (own, others): (Vec<&Arc<Object>>, Vec<_>) = owned(api, owner.meta.uid).partition(|pod| selects(pod));
    let own = own.into_iter().cloned().collect();
    let others = others.into_iter().map(|pod| pod.meta.uid).collect();
    release(api, owner, others);
    own
}

/// A pod of a template, not created yet. upstream: GetPodFromTemplate
pub fn from_template(owner: &Object, template: &Value) -> Object {
    let mut pod = Object::new("v1", "Pod", &owner.meta.namespace, "");
    pod.meta.generate_name = format!("{}-", owner.meta.name);
    pod.meta.labels = strings(template, &["metadata", "labels"]);
    pod.meta.annotations = strings(template, &["metadata", "annotations"]);
    pod.meta.finalizers = words(template, &["metadata", "finalizers"]);
    pod.meta.owners = vec![owner.as_controller()];
    pod.spec = at(template, &["spec"]).clone().into();
    pod
}

/// The pods of ReplicaSets' templates, not created yet: asked for at every turn, and they seldom change.
#[derive(Clone, Debug, Default)]
pub(super) struct Moulds(FxHashMap<Uid, (Shared, Object)>);

impl Moulds {
    /// So many answers are kept.
    const MANY: usize = 4096;

    /// That of a set.
    pub(super) fn of(&mut self, set: &Object) -> Object {
        if let Some((_, pod)) = self.0.get(&set.meta.uid).filter(|(spec, _)| Shared::ptr_eq(spec, &set.spec)) {
            return pod.clone();
        }
        let pod = from_template(set, template_of(set));
        if self.0.len() >= Self::MANY {
            self.0.clear();
        }
        self.0.insert(set.meta.uid, (set.spec.clone(), pod.clone()));
        pod
    }
}

/// Creates a pod for a workload; a refusal is told as an event.
pub fn create(api: &mut ApiServer, owner: &Object, pod: Object) -> Result<Arc<Object>, ApiError> {
    let made = api.create(pod);
    match &made {
        Ok(pod) => api.event(owner, false, "SuccessfulCreate", format!("Created pod: {}", pod.meta.name)),
        Err(error) => api.event(owner, true, "FailedCreate", format!("Error creating: {}", error.message)),
    }
    made
}

/// Times that differ by less than a power of two of their age count as equal. upstream: logarithmicRankDiff
fn rank_of_age(since: Nanos, now: Nanos) -> i64 {
    if now > since { ((now - since) as f64).log2() as i64 } else { -1 }
}

/// Which of two pods goes first when a ReplicaSet shrinks; `ranks` count the siblings on their nodes.
/// upstream: ActivePodsWithRanks.Less
pub fn deletion_order(a: &Object, b: &Object, ranks: (usize, usize), now: Nanos) -> Ordering {
    let unassigned = |p: &Object| node_name(p).is_empty();
    let ordinal = |p: &Object| match phase(p) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let cost =
        |p: &Object| p.meta.annotations.get("controller.kubernetes.io/pod-deletion-cost").and_then(|c| c.parse::<i32>().ok()).unwrap_or(0);
    let (ready_a, ready_b) = (ready_since(a), ready_since(b));
    let by_age = |x: Nanos, y: Nanos| rank_of_age(x, now).cmp(&rank_of_age(y, now)).then(a.meta.uid.cmp(&b.meta.uid));
    unassigned(b)
        .cmp(&unassigned(a))
        .then(ordinal(a).cmp(&ordinal(b)))
        .then(ready_a.is_some().cmp(&ready_b.is_some()))
        .then(cost(a).cmp(&cost(b)))
        .then(ranks.1.cmp(&ranks.0))
        .then_with(|| match (ready_a, ready_b) {
            (Some(x), Some(y)) if x != y => by_age(x, y),
            _ => restarts(b)
                .cmp(&restarts(a))
                .then_with(|| if a.meta.created == b.meta.created { Ordering::Equal } else { by_age(a.meta.created, b.meta.created) }),
        })
}
