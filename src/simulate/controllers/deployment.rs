//! Deployments roll their ReplicaSets over. upstream: pkg/controller/deployment

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::conditions;
use super::deployment_status::calculate_status;
use super::deployment_status::is_complete;
use super::deployment_status::requeue_stuck;
use super::deployment_status::set_status;
use super::deployment_status::sync_rollout_status;
use super::hash;
use super::scaled;
use super::seen::Seen;
use super::template_of;
use crate::simulate::apiserver::Count;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
const HASH_LABEL: &str = "pod-template-hash";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A ReplicaSet as it is now.
pub(super) type Set = Arc<Object>;

fn is_rolling(deployment: &Object) -> bool {
    text(&deployment.spec, &["strategy", "type"]) != "Recreate"
}

/// Surge and unavailability in pods; never both zero. upstream: ResolveFenceposts
fn fenceposts(deployment: &Object) -> (i64, i64) {
    let rolling = |field: &str| at(&deployment.spec, &["strategy", "rollingUpdate", field]);
    let surge = scaled(rolling("maxSurge"), deployment.replicas(), true);
    let unavailable = scaled(rolling("maxUnavailable"), deployment.replicas(), false);
    (surge, if surge == 0 && unavailable == 0 { 1 } else { unavailable })
}

/// How many pods more than wanted there may be.
pub fn max_surge(deployment: &Object) -> i64 {
    if is_rolling(deployment) { fenceposts(deployment).0 } else { 0 }
}

/// How many pods less than wanted may be available.
pub fn max_unavailable(deployment: &Object) -> i64 {
    if !is_rolling(deployment) || deployment.replicas() == 0 { 0 } else { fenceposts(deployment).1.min(deployment.replicas()) }
}

/// The replicas of several sets.
pub(super) fn total<'a>(sets: impl IntoIterator<Item = &'a Set>) -> i64 {
    sets.into_iter().map(|s| s.replicas()).sum()
}

/// A number of several sets' status.
pub(super) fn count<'a>(sets: impl IntoIterator<Item = &'a Set>, count: Count) -> i64 {
    sets.into_iter().map(|s| s.counted(count)).sum()
}

fn by_creation(a: &Set, b: &Set) -> Ordering {
    a.meta.created.cmp(&b.meta.created).then_with(|| a.meta.name.cmp(&b.meta.name))
}

/// A template without the label that the controller adds. upstream: EqualIgnoreHash
fn same_template(a: &Value, b: &Value) -> bool {
    fn bare<'a>(value: &'a Value, out: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        value.as_object().into_iter().flatten().filter(move |(key, _)| *key != out)
    }
    let (x, y) = (&a["metadata"], &b["metadata"]);
    let (own, other) = (&x["labels"], &y["labels"]);
    a["spec"] == b["spec"]
        && own.is_object() == other.is_object()
        && bare(own, HASH_LABEL).eq(bare(other, HASH_LABEL))
        && bare(x, "labels").eq(bare(y, "labels"))
}

/// What a Deployment's specification asks for, as far as every look needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    paused: bool,
    rolling: bool,
    min_ready: i64,
    pub(super) replicas: i64,
    pub(super) max_unavailable: i64,
    pub(super) progress_deadline: bool,
}

impl Wishes {
    pub(super) fn of(deployment: &Object) -> Self {
        Self {
            paused: at(&deployment.spec, &["paused"]) == true,
            rolling: is_rolling(deployment),
            min_ready: int(&deployment.spec, &["minReadySeconds"]).unwrap_or(0),
            replicas: deployment.replicas(),
            max_unavailable: max_unavailable(deployment),
            progress_deadline: has_progress_deadline(deployment),
        }
    }
}

/// The wishes of specifications: asked at every turn, and they seldom change.
#[derive(Clone, Debug, Default)]
pub(super) struct AllWishes(FxHashMap<usize, (Shared, Wishes)>);

impl AllWishes {
    /// So many answers are kept.
    const MANY: usize = 4096;

    /// Those of a Deployment.
    pub(super) fn of(&mut self, deployment: &Object) -> Wishes {
        let key = deployment.spec.address();
        if let Some((_, known)) = self.0.get(&key) {
            return *known;
        }
        let new = Wishes::of(deployment);
        if self.0.len() >= Self::MANY {
            self.0.clear();
        }
        // The specification is there as long as its number is asked for.
        self.0.insert(key, (deployment.spec.clone(), new));
        new
    }
}

/// The sets that a Deployment controls, oldest first; matching orphans are adopted.
fn replica_sets(plane: &mut ControlPlane, deployment: &Object) -> Vec<Set> {
    let selection = plane.selections.of(deployment);
    let selector = &selection.pods;
    if !deployment.meta.is_deleted() {
        let orphan = |s: &&Set| !s.meta.is_deleted() && selector.matches(&s.meta.labels);
        let orphans: Vec<Uid> = plane.api.lone_in("ReplicaSet", &deployment.meta.namespace).filter(orphan).map(|s| s.meta.uid).collect();
        for uid in orphans {
            let owner = deployment.as_controller();
            plane.api.edit(uid, |s| s.meta.owners.push(owner));
        }
    }
    let own = |s: &&Set| s.kind == "ReplicaSet" && s.meta.controller().is_some_and(|o| o.uid == deployment.meta.uid);
    let mut sets: Vec<Set> = plane.api.dependents(deployment.meta.uid).filter(own).cloned().collect();
    let (keep, release): (Vec<Set>, Vec<Set>) = sets.drain(..).partition(|s| selector.matches(&s.meta.labels));
    for set in release {
        plane.api.edit(set.meta.uid, |s| s.meta.owners.retain(|o| o.uid != deployment.meta.uid));
    }
    sets = keep;
    sets.sort_by(by_creation);
    sets
}

/// The sets of a Deployment: the one of its template, and the others.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    pub(super) new: Option<Set>,
    pub(super) old: Vec<Set>,
}

impl Sets {
    pub(super) fn all(&self) -> impl Iterator<Item = &Set> {
        self.old.iter().chain(&self.new)
    }

    /// The sets as they are after changes.
    fn refresh(&mut self, plane: &ControlPlane) {
        let fresh = |s: &Set| plane.api.get(s.meta.uid).cloned();
        self.new = self.new.as_ref().and_then(fresh);
        self.old = self.old.iter().filter_map(fresh).collect();
    }
}

/// upstream: syncDeployment
pub fn sync_deployment(plane: &mut ControlPlane, uid: Uid) {
    let Some(deployment) = plane.api.get(uid).cloned() else { return };
    let version = plane.api.counters().version;
    let seen = Seen::now(&plane.api, &deployment);
    let alone = plane.api.lone_in("ReplicaSet", &deployment.meta.namespace).next().is_none();
    if alone && plane.looks.knows(&seen) {
        if cfg!(debug_assertions) {
            reconcile(plane, &deployment);
            assert_eq!(plane.api.counters().version, version, "{} had been looked at", deployment.meta.name);
        }
        requeue_stuck(plane, &deployment);
        return;
    }
    let Some(sets) = reconcile(plane, &deployment) else { return };
    // What became complete by this look may have sets to clean up.
    let kept = history_limit(&deployment).is_none_or(|limit| sets as i64 <= limit);
    if kept && plane.api.counters().version <= version + 1 && plane.api.dependents_changed(uid) == seen.dependents {
        if let Some(deployment) = plane.api.get(uid) {
            plane.looks.keep(deployment, seen);
        }
    }
}

/// Looks at a Deployment; how many sets it has when they roll over.
fn reconcile(plane: &mut ControlPlane, deployment: &Arc<Object>) -> Option<usize> {
    let uid = deployment.meta.uid;
    let version = plane.api.counters().version;
    let sets = replica_sets(plane, deployment);
    if deployment.meta.is_deleted() {
        let sets = find(&mut plane.templates, deployment, &sets);
        let status = calculate_status(plane, &sets, deployment);
        set_status(plane, uid, status);
        return None;
    }
    let wishes = plane.wishes.of(deployment);
    if wishes.progress_deadline {
        check_paused_conditions(plane, deployment, wishes.paused);
    }
    if wishes.paused {
        sync(plane, uid, &sets);
        return None;
    }
    let found = sets_and_revision(plane, uid, &sets, false);
    if found.as_ref().is_some_and(|found| is_scaling_event(plane, uid, found)) {
        sync(plane, uid, &sets);
    } else if wishes.rolling {
        // What was found is so as long as nothing was written.
        let found = found.filter(|found| found.new.is_some() && plane.api.counters().version == version);
        rollout_rolling(plane, uid, &sets, found);
        return Some(sets.len());
    } else {
        rollout_recreate(plane, uid, &sets);
    }
    None
}

pub(super) fn has_progress_deadline(deployment: &Object) -> bool {
    int(&deployment.spec, &["progressDeadlineSeconds"]).is_some_and(|s| s != i64::from(i32::MAX))
}

/// upstream: checkPausedConditions
fn check_paused_conditions(plane: &mut ControlPlane, deployment: &Object, paused: bool) {
    let reason = conditions::find(deployment.status.tally().conditions(), "Progressing").map_or("", |c| text(c, &["reason"]));
    let (reason, message) = match (paused, reason) {
        (_, "ProgressDeadlineExceeded") => return,
        (true, "DeploymentPaused") => return,
        (true, _) => ("DeploymentPaused", "Deployment is paused"),
        (false, "DeploymentPaused") => ("DeploymentResumed", "Deployment is resumed"),
        (false, _) => return,
    };
    let condition = conditions::new(plane.api.now, "Progressing", "Unknown", reason, message);
    plane.api.edit(deployment.meta.uid, |d| conditions::add(&mut d.status, condition));
}

/// Which specifications of sets hold the template of which of Deployments: asked at every turn, and they seldom change.
#[derive(Clone, Debug, Default)]
pub(super) struct Templates(FxHashMap<(usize, usize), (Shared, Shared, bool)>);

impl Templates {
    /// So many answers are kept.
    const MANY: usize = 4096;

    fn same(&mut self, set: &Object, deployment: &Object) -> bool {
        let key = (set.spec.address(), deployment.spec.address());
        if let Some((.., same)) = self.0.get(&key) {
            return *same;
        }
        let same = same_template(template_of(set), template_of(deployment));
        if self.0.len() >= Self::MANY {
            self.0.clear();
        }
        // Both are there as long as their numbers are asked for.
        self.0.insert(key, (set.spec.clone(), deployment.spec.clone(), same));
        same
    }
}

fn find(templates: &mut Templates, deployment: &Object, sets: &[Set]) -> Sets {
    let new = sets.iter().find(|s| templates.same(s, deployment)).cloned();
    let old = sets.iter().filter(|s| new.as_ref().is_none_or(|n| n.meta.uid != s.meta.uid)).cloned().collect();
    Sets { new, old }
}

fn revision(set: &Object) -> i64 {
    set.meta.annotations.get(REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

fn set_replicas_annotations(set: &mut Object, deployment: &Object) {
    let desired = deployment.replicas();
    set.meta.annotations.insert(DESIRED_REPLICAS.to_owned(), desired.to_string());
    set.meta.annotations.insert(MAX_REPLICAS.to_owned(), (desired + max_surge(deployment)).to_string());
}

/// The annotations of the new set; borrowed when they are as they should be. upstream: SetNewReplicaSetAnnotations
fn new_annotations<'a>(deployment: &Object, set: &'a Object, new_revision: i64) -> Cow<'a, Labels> {
    let skip = [LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, "deprecated.deployment.rollback.to"];
    let mut out = Cow::Borrowed(&set.meta.annotations);
    for (key, value) in deployment.meta.annotations.iter().filter(|(k, _)| !skip.contains(&k.as_str())) {
        if out.get(key) != Some(value) {
            out.to_mut().insert(key.clone(), value.clone());
        }
    }
    let old = set.meta.annotations.get(REVISION);
    let number = match old {
        Some(text) => match text.parse::<i64>() {
            Ok(n) => n,
            Err(_) if text.is_empty() => 0,
            Err(_) => return out,
        },
        None => 0,
    };
    if number >= new_revision {
        return out;
    }
    let all = out.to_mut();
    all.insert(REVISION.to_owned(), new_revision.to_string());
    if let Some(old) = old {
        let history = all.entry(REVISION_HISTORY.to_owned()).or_default();
        if history.is_empty() {
            history.clone_from(old);
        } else {
            let mut parts: Vec<&str> = history.split(',').collect();
            let mut length = history.len() + old.len() + 1;
            while length > 2000 && !parts.is_empty() {
                length -= parts.remove(0).len() + 1;
            }
            parts.push(old);
            *history = parts.join(",");
        }
    }
    out
}

/// upstream: getAllReplicaSetsAndSyncRevision
fn sets_and_revision(plane: &mut ControlPlane, uid: Uid, sets: &[Set], create: bool) -> Option<Sets> {
    let deployment = Arc::clone(plane.api.get(uid)?);
    let current: Vec<Set> = sets.iter().filter_map(|s| plane.api.get(s.meta.uid).cloned()).collect();
    let mut found = find(&mut plane.templates, &deployment, &current);
    let new_revision = found.old.iter().map(|s| revision(s)).max().unwrap_or(0) + 1;
    if let Some(new) = &found.new {
        let Wishes { min_ready, progress_deadline, .. } = plane.wishes.of(&deployment);
        let annotations = new_annotations(&deployment, new, new_revision);
        let is_as_long = int(&new.spec, &["minReadySeconds"]).unwrap_or(0) == min_ready;
        if !is_as_long || matches!(annotations, Cow::Owned(_)) {
            let mut changed = Object::clone(new);
            changed.meta.annotations = annotations.into_owned();
            if !is_as_long {
                changed.spec_mut()["minReadySeconds"] = min_ready.into();
            }
            found.new = plane.api.update(changed);
            return Some(found);
        }
        let revision = annotations.get(REVISION).cloned().unwrap_or_default();
        let condition =
            (progress_deadline && conditions::find(deployment.status.tally().conditions(), "Progressing").is_none()).then(|| {
                conditions::new(
                    plane.api.now,
                    "Progressing",
                    "True",
                    "FoundNewReplicaSet",
                    &format!("Found new replica set \"{}\"", new.meta.name),
                )
            });
        if condition.is_some() || deployment.meta.annotations.get(REVISION) != Some(&revision) {
            plane.api.edit(uid, |d| {
                d.meta.annotations.insert(REVISION.to_owned(), revision);
                if let Some(condition) = condition {
                    conditions::add(&mut d.status, condition);
                }
            });
        }
        return Some(found);
    }
    if !create {
        return Some(found);
    }
    found.new = Some(create_new(plane, &deployment, &found, new_revision)?);
    Some(found)
}

/// Creates the set of the present template; `None` ends this reconciliation.
fn create_new(plane: &mut ControlPlane, deployment: &Arc<Object>, sets: &Sets, new_revision: i64) -> Option<Set> {
    let uid = deployment.meta.uid;
    let collisions = deployment.status.tally().given(Count::Collisions).map(|c| c as i32);
    let template = template_of(deployment);
    let hash = hash::pod_template_hash(template, collisions);
    let mut new = Object::new("apps/v1", "ReplicaSet", &deployment.meta.namespace, &replica_set_name(&deployment.meta.name, &hash));
    let mut template = template.clone();
    template["metadata"]["labels"][HASH_LABEL] = hash.as_str().into();
    let mut selector = at(&deployment.spec, &["selector"]).clone();
    selector["matchLabels"][HASH_LABEL] = hash.as_str().into();
    new.meta.labels = strings(&template, &["metadata", "labels"]);
    new.meta.owners = vec![deployment.as_controller()];
    let mut spec = json!({"replicas": 0, "selector": selector, "template": template});
    if let Some(seconds) = int(&deployment.spec, &["minReadySeconds"]).filter(|s| *s != 0) {
        spec["minReadySeconds"] = seconds.into();
    }
    new.spec = spec.into();
    let replicas = new_replicas(deployment, total(&sets.old), 0);
    new.spec_mut()["replicas"] = replicas.into();
    new.meta.annotations = new_annotations(deployment, &new, new_revision).into_owned();
    set_replicas_annotations(&mut new, deployment);
    let made = match plane.api.create(new.clone()) {
        Ok(made) => made,
        Err(error) if error.code == 409 => {
            // The hash is another template's: the next try counts one collision more.
            plane.api.edit(uid, |d| drop(d.status_mut().insert("collisionCount".to_owned(), (collisions.unwrap_or(0) + 1).into())));
            plane.enqueue(super::Controller::Deployment, uid);
            return None;
        }
        Err(error) => {
            let message = format!("Failed to create new replica set \"{}\": {}", new.meta.name, error.message);
            if has_progress_deadline(deployment) {
                let condition = conditions::new(plane.api.now, "Progressing", "False", "ReplicaSetCreateError", &message);
                plane.api.edit(uid, |d| conditions::add(&mut d.status, condition));
            }
            plane.api.event(deployment, true, "ReplicaSetCreateError", message);
            return None;
        }
    };
    if replicas > 0 {
        scaling_event(plane, deployment, &made.meta.name, 0, replicas);
    }
    let condition = has_progress_deadline(deployment).then(|| {
        let message = format!("Created new replica set \"{}\"", made.meta.name);
        conditions::new(plane.api.now, "Progressing", "True", "NewReplicaSetCreated", &message)
    });
    plane.api.edit(uid, |d| {
        d.meta.annotations.insert(REVISION.to_owned(), new_revision.to_string());
        if let Some(condition) = condition {
            conditions::add(&mut d.status, condition);
        }
    });
    Some(made)
}

fn replica_set_name(deployment: &str, hash: &str) -> String {
    let room = 253_usize.saturating_sub(1 + hash.len());
    format!("{}-{hash}", deployment.get(..room).unwrap_or(deployment))
}

/// How many replicas the new set may have beside `others`. upstream: NewRSNewReplicas
fn new_replicas(deployment: &Object, others: i64, new: i64) -> i64 {
    if !is_rolling(deployment) {
        return deployment.replicas();
    }
    let surge = scaled(at(&deployment.spec, &["strategy", "rollingUpdate", "maxSurge"]), deployment.replicas(), true);
    let room = deployment.replicas() + surge - others - new;
    if room <= 0 { new } else { new + room.min(deployment.replicas() - new) }
}

fn scaling_event(plane: &mut ControlPlane, deployment: &Object, set: &str, from: i64, to: i64) {
    let way = if from < to { "up" } else { "down" };
    plane.api.event(deployment, false, "ScalingReplicaSet", format!("Scaled {way} replica set {set} from {from} to {to}"));
}

/// Scales a set; whether its size changed. upstream: scaleReplicaSet
fn scale_set(plane: &mut ControlPlane, set: &Set, size: i64, deployment: &Object) -> bool {
    let Some(set) = plane.api.get(set.meta.uid).cloned() else { return false };
    let from = set.replicas();
    let mut changed = Object::clone(&set);
    if from != size {
        changed.spec_mut()["replicas"] = size.into();
    }
    set_replicas_annotations(&mut changed, deployment);
    plane.api.update(changed);
    if from != size {
        scaling_event(plane, deployment, &set.meta.name, from, size);
    }
    from != size
}

/// upstream: isScalingEvent
fn is_scaling_event(plane: &ControlPlane, uid: Uid, found: &Sets) -> bool {
    let Some(deployment) = plane.api.get(uid) else { return false };
    let desired = |s: &Set| s.meta.annotations.get(DESIRED_REPLICAS).and_then(|d| d.parse::<i64>().ok());
    found.all().filter(|s| s.replicas() > 0).any(|s| desired(s).is_some_and(|d| d != deployment.replicas()))
}

/// upstream: sync
fn sync(plane: &mut ControlPlane, uid: Uid, sets: &[Set]) {
    let Some(mut found) = sets_and_revision(plane, uid, sets, false) else { return };
    scale(plane, uid, &found);
    if let Some(deployment) = plane.api.get(uid).cloned().filter(|d| at(&d.spec, &["paused"]) == true) {
        cleanup(plane, &found.old, &deployment);
    }
    found.refresh(plane);
    let Some(deployment) = plane.api.get(uid).cloned() else { return };
    let status = calculate_status(plane, &found, &deployment);
    set_status(plane, uid, status);
}

/// upstream: scale
fn scale(plane: &mut ControlPlane, uid: Uid, sets: &Sets) {
    let Some(deployment) = plane.api.get(uid).cloned() else { return };
    let wanted = deployment.replicas();
    let active: Vec<Set> = sets.all().filter(|s| s.replicas() > 0).cloned().collect();
    let one = match active.as_slice() {
        [] => sets.new.clone().or_else(|| sets.old.last().cloned()),
        [one] => Some(Arc::clone(one)),
        _ => None,
    };
    if let Some(set) = one {
        if set.replicas() != wanted {
            scale_set(plane, &set, wanted, &deployment);
        }
        return;
    }
    if active.is_empty() {
        return;
    }
    let saturated = sets.new.as_ref().is_some_and(|new| {
        new.replicas() == wanted
            && new.meta.annotations.get(DESIRED_REPLICAS).and_then(|d| d.parse().ok()) == Some(wanted)
            && new.counted(Count::Available) == wanted
    });
    if saturated {
        for old in sets.old.iter().filter(|s| s.replicas() > 0) {
            scale_set(plane, old, 0, &deployment);
        }
        return;
    }
    if is_rolling(&deployment) {
        proportionally(plane, &deployment, active);
    }
}

/// Several sets share the change of size. upstream: scale, GetReplicaSetProportion
fn proportionally(plane: &mut ControlPlane, deployment: &Object, mut sets: Vec<Set>) {
    let wanted = deployment.replicas();
    let allowed = if wanted > 0 { wanted + max_surge(deployment) } else { 0 };
    let to_add = allowed - total(&sets);
    // The larger first; among equals the newer grows and the older shrinks first.
    match to_add.cmp(&0) {
        Ordering::Greater => sets.sort_by(|a, b| b.replicas().cmp(&a.replicas()).then_with(|| by_creation(b, a))),
        Ordering::Less => sets.sort_by(|a, b| b.replicas().cmp(&a.replicas()).then_with(|| by_creation(a, b))),
        Ordering::Equal => {}
    }
    let mut added = 0;
    let mut sizes = Vec::new();
    for set in &sets {
        let size = set.replicas();
        let mut share = 0;
        if to_add != 0 && to_add != added {
            let fraction = fraction(set, deployment);
            let left = to_add - added;
            share = if to_add > 0 { fraction.min(left) } else { fraction.max(left) };
        }
        added += share;
        sizes.push(size + share);
    }
    if let Some(first) = sizes.first_mut().filter(|_| to_add != 0) {
        *first = (*first + to_add - added).max(0);
    }
    for (set, size) in sets.iter().zip(sizes) {
        scale_set(plane, set, size, deployment);
    }
}

/// upstream: getReplicaSetFraction
fn fraction(set: &Object, deployment: &Object) -> i64 {
    let size = set.replicas();
    if deployment.replicas() == 0 {
        return -size;
    }
    let max = deployment.replicas() + max_surge(deployment);
    let before = set.meta.annotations.get(MAX_REPLICAS).and_then(|m| m.parse::<i64>().ok()).filter(|m| *m > 0);
    let before = before.unwrap_or_else(|| deployment.counted(Count::Replicas));
    if before == 0 {
        return 0;
    }
    let exact = (size * max) as f64 / before as f64;
    (exact + if exact < 0.0 { -0.5 } else { 0.5 }) as i64 - size
}

/// How many old sets stay; nothing when all do.
fn history_limit(deployment: &Object) -> Option<i64> {
    int(&deployment.spec, &["revisionHistoryLimit"]).filter(|l| *l != i64::from(i32::MAX))
}

/// upstream: cleanupDeployment
fn cleanup(plane: &mut ControlPlane, old: &[Set], deployment: &Object) {
    let Some(limit) = history_limit(deployment) else { return };
    let mut cleanable: Vec<Set> = old.iter().filter_map(|s| plane.api.get(s.meta.uid).cloned()).filter(|s| !s.meta.is_deleted()).collect();
    let surplus = cleanable.len() as i64 - limit;
    if surplus <= 0 {
        return;
    }
    cleanable.sort_by(|a, b| revision(a).cmp(&revision(b)).then_with(|| by_creation(a, b)));
    for set in cleanable.iter().take(surplus as usize) {
        let busy = set.counted(Count::Replicas) != 0 || set.replicas() != 0 || set.meta.generation > set.counted(Count::ObservedGeneration);
        if !busy {
            plane.api.delete(set.meta.uid, Propagation::Background);
        }
    }
}

/// upstream: rolloutRolling
fn rollout_rolling(plane: &mut ControlPlane, uid: Uid, sets: &[Set], found: Option<Sets>) {
    let Some(mut found) = found.or_else(|| sets_and_revision(plane, uid, sets, true)) else { return };
    let Some(deployment) = plane.api.get(uid).cloned() else { return };
    if !reconcile_new_replica_set(plane, &found, &deployment) && !reconcile_old_replica_sets(plane, &found, &deployment) {
        if is_complete(&deployment, deployment.status.tally()) {
            cleanup(plane, &found.old, &deployment);
        }
    }
    found.refresh(plane);
    sync_rollout_status(plane, uid, &found);
}

fn reconcile_new_replica_set(plane: &mut ControlPlane, sets: &Sets, deployment: &Object) -> bool {
    let Some(new) = &sets.new else { return false };
    let (size, wanted) = (new.replicas(), deployment.replicas());
    match size.cmp(&wanted) {
        Ordering::Equal => false,
        Ordering::Greater => scale_set(plane, new, wanted, deployment),
        Ordering::Less => {
            let target = new_replicas(deployment, total(&sets.old), size);
            target != size && scale_set(plane, new, target, deployment)
        }
    }
}

fn reconcile_old_replica_sets(plane: &mut ControlPlane, sets: &Sets, deployment: &Object) -> bool {
    let Some(new) = &sets.new else { return false };
    let mut old: Vec<Set> = sets.old.iter().filter(|s| s.replicas() > 0).cloned().collect();
    if old.is_empty() {
        return false;
    }
    let min_available = deployment.replicas() - max_unavailable(deployment);
    let new_unavailable = new.replicas() - new.counted(Count::Available);
    let most = total(&old) + new.replicas() - min_available - new_unavailable;
    if most <= 0 {
        return false;
    }
    // upstream: cleanupUnhealthyReplicas
    let mut cleaned = 0;
    for set in &mut old {
        let unhealthy = set.replicas() - set.counted(Count::Available);
        let cut = unhealthy.min(most - cleaned);
        if cut <= 0 || set.replicas() == 0 {
            continue;
        }
        scale_set(plane, set, set.replicas() - cut, deployment);
        cleaned += cut;
        if let Some(fresh) = plane.api.get(set.meta.uid) {
            *set = Arc::clone(fresh);
        }
    }
    // upstream: scaleDownOldReplicaSetsForRollingUpdate
    let available = count(&old, Count::Available) + new.counted(Count::Available);
    let mut left = available - min_available;
    let mut scaled_down = 0;
    for set in &old {
        let cut = set.replicas().min(left);
        if cut <= 0 {
            continue;
        }
        scale_set(plane, set, set.replicas() - cut, deployment);
        left -= cut;
        scaled_down += cut;
    }
    cleaned + scaled_down > 0
}

/// upstream: rolloutRecreate
fn rollout_recreate(plane: &mut ControlPlane, uid: Uid, sets: &[Set]) {
    let Some(mut found) = sets_and_revision(plane, uid, sets, false) else { return };
    let Some(deployment) = plane.api.get(uid).cloned() else { return };
    let mut scaled_down = false;
    for set in found.old.iter().filter(|s| s.replicas() > 0) {
        scaled_down |= scale_set(plane, set, 0, &deployment);
    }
    if !scaled_down && !old_pods_running(plane, &found) {
        if found.new.is_none() {
            let Some(again) = sets_and_revision(plane, uid, sets, true) else { return };
            found = again;
        }
        if let Some(new) = found.new.clone() {
            if new.replicas() != deployment.replicas() {
                scale_set(plane, &new, deployment.replicas(), &deployment);
            }
        }
        if let Some(deployment) = plane.api.get(uid).cloned().filter(|d| is_complete(d, d.status.tally())) {
            cleanup(plane, &found.old, &deployment);
        }
    }
    found.refresh(plane);
    sync_rollout_status(plane, uid, &found);
}

fn old_pods_running(plane: &ControlPlane, sets: &Sets) -> bool {
    let running = |s: &Set| {
        let mut pods = plane.api.dependents(s.meta.uid).filter(|p| p.kind == "Pod");
        pods.any(|p| !matches!(super::phase(p), "Failed" | "Succeeded"))
    };
    count(&sets.old, Count::Replicas) > 0 || sets.old.iter().any(running)
}
