//! StatefulSets keep pods with names and claims, one after the other. upstream: pkg/controller/statefulset

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::Controller;
use super::hash;
use super::phase;
use super::pods;
use super::revisions;
use super::scaled;
use super::selector_of;
use super::template_of;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Owner;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;

const REVISION_LABEL: &str = "controller-revision-hash";
/// More ordinals than this are not looked at.
const MAX_REPLICAS: i64 = 20_000;

/// A place of a set: its pod, or the one that should be there.
#[derive(Clone, Debug)]
struct Replica {
    pod: Arc<Object>,
    created: bool,
}

/// One reconciliation.
struct Sync<'a> {
    plane: &'a mut ControlPlane,
    set: Arc<Object>,
    current: Arc<Object>,
    update: Arc<Object>,
    now: Nanos,
    min_ready: i64,
}

/// upstream: StatefulSetController.sync
pub fn sync_stateful_set(plane: &mut ControlPlane, uid: Uid) {
    let Some(set) = plane.api.get(uid).cloned() else { return };
    let selector = selector_of(&set);
    let pods: Vec<Arc<Object>> = pods::claim(&mut plane.api, &set, |pod| selector.matches(&pod.meta.labels))
        .into_iter()
        .filter(|p| ordinal(&set, p).is_some())
        .collect();
    let history = revisions::of(&plane.api, &set);
    let collisions = int(&set.status, &["collisionCount"]).unwrap_or(0) as i32;
    let Some((current, update)) = current_and_update(plane, &set, &history, collisions) else { return };
    let min_ready = int(&set.spec, &["minReadySeconds"]).unwrap_or(0);
    let now = plane.api.now;
    let mut sync = Sync { plane, set, current, update, now, min_ready };
    let mut status = sync.run(&pods);
    sync.complete(&mut status);
    let Sync { plane, set, current, update, .. } = sync;
    status["collisionCount"] = collisions.into();
    let differs = [
        "observedGeneration",
        "replicas",
        "currentReplicas",
        "readyReplicas",
        "updatedReplicas",
        "currentRevision",
        "availableReplicas",
        "updateRevision",
    ];
    if differs.iter().any(|f| set.status.get(*f) != status.get(*f)) {
        plane.api.edit(uid, |o| o.status = status.clone().into());
    }
    let history = revisions::of(&plane.api, &set);
    let live = |r: &Object| {
        r.meta.name == current.meta.name || r.meta.name == update.meta.name || pods.iter().any(|p| revision_of(p) == r.meta.name)
    };
    revisions::truncate(&mut plane.api, &history, live, int(&set.spec, &["revisionHistoryLimit"]).unwrap_or(10));
    if min_ready > 0 && status["readyReplicas"] != status["availableReplicas"] {
        let wait = pods::wait_for_availability(pods.iter(), min_ready, now).unwrap_or(min_ready * SECOND);
        plane.enqueue_after(Controller::StatefulSet, uid, wait);
    }
}

/// upstream: getStatefulSetRevisions
fn current_and_update(
    plane: &mut ControlPlane,
    set: &Object,
    history: &[Arc<Object>],
    collisions: i32,
) -> Option<(Arc<Object>, Arc<Object>)> {
    let data = hash::revision_data(template_of(set));
    let next = history.last().map_or(1, |r| revisions::number(r) + 1);
    let equal = history.iter().rev().find(|r| *revisions::data(r) == data);
    let update = match (equal, history.last()) {
        (Some(equal), Some(last)) if equal.meta.uid == last.meta.uid => Arc::clone(last),
        (Some(equal), _) => revisions::renumber(&mut plane.api, equal, next)?,
        (None, _) => {
            let hash = hash::revision_hash(&data, collisions);
            match plane.api.create(revisions::new(set, &hash, data, next)) {
                Ok(made) => made,
                Err(_) => {
                    plane.api.edit(set.meta.uid, |s| drop(s.status_mut().insert("collisionCount".to_owned(), (collisions + 1).into())));
                    plane.enqueue(Controller::StatefulSet, set.meta.uid);
                    return None;
                }
            }
        }
    };
    let named = text(&set.status, &["currentRevision"]);
    let current = history.iter().find(|r| r.meta.name == named).map_or_else(|| Arc::clone(&update), Arc::clone);
    Some((current, update))
}

fn start(set: &Object) -> i64 {
    int(&set.spec, &["ordinals", "start"]).unwrap_or(0)
}

/// The ordinal of one of the set's pods.
fn ordinal(set: &Object, pod: &Object) -> Option<i64> {
    let (parent, number) = pod.meta.name.rsplit_once('-')?;
    number.parse().ok().filter(|_| parent == set.meta.name)
}

fn revision_of(pod: &Object) -> &str {
    pod.meta.labels.get(REVISION_LABEL).map_or("", String::as_str)
}

fn is_rolling(set: &Object) -> bool {
    text(&set.spec, &["updateStrategy", "type"]) != "OnDelete"
}

impl Sync<'_> {
    fn ready(&self, pod: &Object) -> bool {
        phase(pod) == "Running" && pods::is_ready(pod)
    }

    fn available(&self, pod: &Object) -> bool {
        self.ready(pod) && pods::is_available(pod, self.min_ready, self.now)
    }

    fn unavailable(&self, replica: &Replica) -> bool {
        !self.available(&replica.pod) || replica.pod.meta.is_deleted()
    }

    /// upstream: updateStatus
    fn status<'a>(&self, pods: impl Iterator<Item = &'a Arc<Object>> + Clone) -> Value {
        let count = |f: &dyn Fn(&Object) -> bool| pods.clone().filter(|p| f(p)).count();
        let created = |p: &Object| !phase(p).is_empty();
        let of = |p: &Object, revision: &Object| created(p) && !p.meta.is_deleted() && revision_of(p) == revision.meta.name;
        json!({
            "observedGeneration": self.set.meta.generation,
            "currentRevision": self.current.meta.name,
            "updateRevision": self.update.meta.name,
            "replicas": count(&created),
            "readyReplicas": count(&|p| self.ready(p)),
            "availableReplicas": count(&|p| self.available(p)),
            "currentReplicas": count(&|p| of(p, &self.current)),
            "updatedReplicas": count(&|p| of(p, &self.update)),
        })
    }

    /// upstream: updateStatefulSet
    fn run(&mut self, pods: &[Arc<Object>]) -> Value {
        let set = Arc::clone(&self.set);
        let (first, size) = (start(&set), set.replicas().clamp(0, MAX_REPLICAS));
        let mut by_ordinal: BTreeMap<i64, Arc<Object>> = pods.iter().filter_map(|p| Some((ordinal(&set, p)?, Arc::clone(p)))).collect();
        let mut replicas: Vec<Replica> = Vec::new();
        for i in first..first + size {
            replicas.push(match by_ordinal.remove(&i) {
                Some(pod) => Replica { pod, created: true },
                None => Replica { pod: Arc::new(self.new_pod(i)), created: false },
            });
        }
        // Highest first.
        let condemned: Vec<Replica> = by_ordinal.into_values().rev().map(|pod| Replica { pod, created: true }).collect();
        let first_unavailable =
            replicas.iter().chain(condemned.iter().rev()).find(|r| self.unavailable(r)).map(|r| r.pod.meta.name.clone());
        let seen: Vec<Arc<Object>> = replicas.iter().chain(&condemned).filter(|r| r.created).map(|r| Arc::clone(&r.pod)).collect();
        let mut status = self.status(seen.iter());
        if set.meta.is_deleted() {
            return status;
        }
        let monotonic = text(&set.spec, &["podManagementPolicy"]) != "Parallel";
        for replica in &replicas {
            if self.process_replica(replica, monotonic) {
                return status;
            }
        }
        for replica in &condemned {
            self.own_claims(&replica.pod, true);
        }
        for replica in &condemned {
            let pod = &replica.pod;
            if pod.meta.is_deleted() {
                if monotonic {
                    return status;
                }
                continue;
            }
            let is_first = first_unavailable.as_ref() == Some(&pod.meta.name);
            if monotonic && !is_first && !self.available(pod) {
                return status;
            }
            self.delete(pod);
            if monotonic {
                return status;
            }
        }
        if is_rolling(&set) {
            self.roll(&replicas, &mut status);
        }
        status
    }

    /// Whether the reconciliation ends here. upstream: processReplica
    fn process_replica(&mut self, replica: &Replica, monotonic: bool) -> bool {
        let pod = &replica.pod;
        if replica.created && matches!(phase(pod), "Failed" | "Succeeded") {
            if !pod.meta.is_deleted() {
                self.delete(pod);
            }
            return monotonic;
        }
        if !replica.created {
            self.create(pod);
            return monotonic;
        }
        if monotonic && (pod.meta.is_deleted() || !self.available(pod)) {
            return true;
        }
        self.own_claims(pod, false);
        false
    }

    fn delete(&mut self, pod: &Object) {
        let message = format!("Delete Pod {} in StatefulSet {} successful", pod.meta.name, self.set.meta.name);
        self.plane.api.event(&self.set, false, "SuccessfulDelete", message);
        self.plane.api.delete(pod.meta.uid, Propagation::Background);
    }

    fn create(&mut self, pod: &Object) {
        for template in list(&self.set.spec, &["volumeClaimTemplates"]) {
            let name = format!("{}-{}", text(template, &["metadata", "name"]), pod.meta.name);
            if self.plane.api.find("PersistentVolumeClaim", &self.set.meta.namespace, &name).is_some() {
                continue;
            }
            let mut claim = Object::new("v1", "PersistentVolumeClaim", &self.set.meta.namespace, &name);
            claim.meta.labels = strings(template, &["metadata", "labels"]);
            claim.meta.labels.extend(strings(&self.set.spec, &["selector", "matchLabels"]));
            claim.spec = at(template, &["spec"]).clone().into();
            claim.status = json!({"phase": "Pending"}).into();
            let how = self.plane.api.create(claim).map_or_else(|e| format!("failed error: {}", e.message), |_| "success".to_owned());
            let message = format!("Create Claim {name} Pod {} in StatefulSet {} {how}", pod.meta.name, self.set.meta.name);
            self.plane.api.event(&self.set, how != "success", if how == "success" { "SuccessfulCreate" } else { "FailedCreate" }, message);
        }
        match self.plane.api.create(pod.clone()) {
            Ok(made) => {
                let message = format!("Create Pod {} in StatefulSet {} successful", made.meta.name, self.set.meta.name);
                self.plane.api.event(&self.set, false, "SuccessfulCreate", message);
                self.own_claims(&made, false);
            }
            Err(error) => {
                let message = format!("Create Pod {} in StatefulSet {} failed error: {}", pod.meta.name, self.set.meta.name, error.message);
                self.plane.api.event(&self.set, true, "FailedCreate", message);
                self.plane.enqueue_after(Controller::StatefulSet, self.set.meta.uid, 5 * SECOND);
            }
        }
    }

    /// Lets the claims of a pod go with the set or with the pod, as the retention policy says.
    /// upstream: updateClaimOwnerRefForSetAndPod
    fn own_claims(&mut self, pod: &Object, condemned: bool) {
        let policy = |field: &str| text(&self.set.spec, &["persistentVolumeClaimRetentionPolicy", field]) == "Delete";
        let (scaled, deleted) = (policy("whenScaled"), policy("whenDeleted"));
        if !scaled && !deleted {
            return;
        }
        let mut wanted: Vec<Owner> = Vec::new();
        if deleted && !(scaled && condemned) {
            wanted.push(self.set.as_controller());
        }
        if scaled && condemned {
            wanted.push(pod.as_controller());
        }
        for template in list(&self.set.spec, &["volumeClaimTemplates"]) {
            let name = format!("{}-{}", text(template, &["metadata", "name"]), pod.meta.name);
            let Some(claim) = self.plane.api.find("PersistentVolumeClaim", &self.set.meta.namespace, &name) else { continue };
            let uid = claim.meta.uid;
            self.plane.api.edit(uid, |c| c.meta.owners.clone_from(&wanted));
        }
    }

    /// upstream: newVersionedStatefulSetPod
    fn new_pod(&self, ordinal: i64) -> Object {
        let rolling = at(&self.set.spec, &["updateStrategy", "rollingUpdate"]);
        let old = if rolling.is_null() {
            is_rolling(&self.set) && ordinal < start(&self.set) + self.set.count("currentReplicas")
        } else {
            ordinal < start(&self.set) + int(rolling, &["partition"]).unwrap_or(0)
        };
        let revision = if old { &self.current } else { &self.update };
        let template = revisions::template(revision);
        let mut pod = pods::from_template(&self.set, &template);
        pod.meta.generate_name.clear();
        pod.meta.name = format!("{}-{ordinal}", self.set.meta.name);
        let labels = [
            ("statefulset.kubernetes.io/pod-name", pod.meta.name.clone()),
            ("apps.kubernetes.io/pod-index", ordinal.to_string()),
            (REVISION_LABEL, revision.meta.name.clone()),
        ];
        pod.meta.labels.extend(labels.map(|(k, v)| (k.to_owned(), v)));
        let name = pod.meta.name.clone();
        let spec = pod.spec_mut();
        if spec.is_object() {
            spec["hostname"] = name.as_str().into();
            spec["subdomain"] = text(&self.set.spec, &["serviceName"]).into();
            let templates = list(&self.set.spec, &["volumeClaimTemplates"]);
            let names: Vec<&str> = templates.iter().map(|t| text(t, &["metadata", "name"])).collect();
            let volume = |n: &&str| json!({"name": n, "persistentVolumeClaim": {"claimName": format!("{n}-{name}")}});
            let mut volumes: Vec<Value> = names.iter().map(volume).collect();
            volumes.extend(list(spec, &["volumes"]).iter().filter(|v| !names.contains(&text(v, &["name"]))).cloned());
            if !volumes.is_empty() {
                spec["volumes"] = volumes.into();
            }
        }
        pod
    }

    /// Deletes pods of another revision, the highest first.
    fn roll(&mut self, replicas: &[Replica], status: &mut Value) {
        let rolling = at(&self.set.spec, &["updateStrategy", "rollingUpdate"]).clone();
        let lowest = int(&rolling, &["partition"]).unwrap_or(0).max(0) as usize;
        let update = self.update.meta.name.clone();
        let outdated = |r: &Replica| revision_of(&r.pod) != update && !r.pod.meta.is_deleted();
        if !self.plane.gates.max_unavailable_stateful_set {
            for replica in replicas.iter().skip(lowest).rev() {
                if outdated(replica) {
                    self.delete(&replica.pod);
                    status["currentReplicas"] = (int(status, &["currentReplicas"]).unwrap_or(0) - 1).into();
                    return;
                }
                if self.unavailable(replica) {
                    return;
                }
            }
            return;
        }
        // upstream: updateStatefulSetAfterInvariantEstablished
        let allowed = match at(&rolling, &["maxUnavailable"]) {
            Value::Null => 1,
            value => scaled(value, self.set.replicas(), false).max(1),
        };
        let unavailable = replicas.iter().filter(|r| self.unavailable(r)).count() as i64;
        let mut left = allowed - unavailable;
        for replica in replicas.iter().skip(lowest).rev() {
            if left <= 0 {
                return;
            }
            if outdated(replica) {
                self.delete(&replica.pod);
                left -= 1;
                status["currentReplicas"] = (int(status, &["currentReplicas"]).unwrap_or(0) - 1).into();
            }
        }
    }

    /// upstream: completeRollingUpdate
    fn complete(&self, status: &mut Value) {
        let all = ["updatedReplicas", "readyReplicas", "replicas"].iter().all(|f| int(status, &[f]) == Some(self.set.replicas()));
        if is_rolling(&self.set) && all {
            status["currentReplicas"] = status["updatedReplicas"].clone();
            status["currentRevision"] = status["updateRevision"].clone();
        }
    }
}
