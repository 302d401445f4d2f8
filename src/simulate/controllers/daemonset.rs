//! DaemonSets keep a pod on every node that should have one. upstream: pkg/controller/daemon

use std::cmp::Ordering;
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
use crate::simulate::apiserver::Change;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Operation;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::facts::node_name;
use crate::simulate::expand::add_daemon_tolerations;
use crate::simulate::scheduler::api::Node;
use crate::simulate::scheduler::api::Owner;
use crate::simulate::scheduler::api::Pod;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::selector::untolerated;

const REVISION_LABEL: &str = "controller-revision-hash";

/// A node and whether a pod should run there, and may stay.
struct Target {
    name: String,
    should_run: bool,
    may_stay: bool,
}

/// upstream: syncDaemonSet
pub fn sync_daemon_set(plane: &mut ControlPlane, uid: Uid) {
    let Some(set) = plane.api.get(uid).cloned() else { return };
    if set.meta.is_deleted() {
        return;
    }
    let Some((hash, history, current)) = construct_history(plane, &set) else { return };
    let targets = targets(plane, &set);
    let by_node = pods_by_node(plane, &set);
    let moved = manage(plane, &set, &targets, &by_node, &hash);
    // What was just asked for is to be seen first.
    if !moved && text(&set.spec, &["updateStrategy", "type"]) != "OnDelete" {
        let by_node = pods_by_node(plane, &set);
        rolling_update(plane, &set, &targets, by_node, &hash);
    }
    cleanup_history(plane, &set, &history, &current);
    update_status(plane, &set, &targets, &hash);
}

/// upstream: constructHistory
fn construct_history(plane: &mut ControlPlane, set: &Object) -> Option<(String, Vec<Arc<Object>>, Arc<Object>)> {
    let history = revisions::of(&plane.api, set);
    let data = hash::revision_data(template_of(set));
    let (matching, old): (Vec<_>, Vec<_>) = history.into_iter().partition(|r| *revisions::data(r) == data);
    let number = old.iter().map(|r| revisions::number(r)).max().unwrap_or(0) + 1;
    let current = match matching.last() {
        Some(found) if revisions::number(found) < number => revisions::renumber(&mut plane.api, found, number)?,
        Some(found) => Arc::clone(found),
        None => {
            let collisions = int(&set.status, &["collisionCount"]).map(|c| c as i32);
            let hash = hash::pod_template_hash(template_of(set), collisions);
            match plane.api.create(revisions::new(set, &hash, data, number)) {
                Ok(made) => made,
                Err(_) => {
                    let next = collisions.unwrap_or(0) + 1;
                    plane.api.edit(set.meta.uid, |s| drop(s.status_mut().insert("collisionCount".to_owned(), next.into())));
                    plane.enqueue(Controller::DaemonSet, set.meta.uid);
                    return None;
                }
            }
        }
    };
    let hash = current.meta.labels.get(REVISION_LABEL).cloned().unwrap_or_default();
    Some((hash, old, current))
}

/// Wakes the DaemonSets that a new or changed node concerns: those that miss a pod there, have one that must go, or have
/// pods in the wrong place. upstream: syncNodeUpdate
pub fn notify_node(plane: &mut ControlPlane, change: &Change) {
    let node = &change.object;
    let taints = |o: &Object| at(&o.spec, &["taints"]).clone();
    let same = |old: &Arc<Object>| old.meta.labels == node.meta.labels && taints(old) == taints(node);
    if change.operation == Operation::Deleted || change.old.as_ref().is_some_and(same) {
        return;
    }
    let sets: Vec<Arc<Object>> = plane.api.list("DaemonSet").cloned().collect();
    for set in sets {
        let here = |p: &Arc<Object>| p.kind == "Pod" && node_name(p) == node.meta.name;
        let scheduled = plane.api.dependents(set.meta.uid).any(here);
        let target = target(&judged(&set), node);
        let misplaced = set.count("numberMisscheduled") > 0;
        let wakes = if scheduled { !target.may_stay || misplaced } else { target.should_run };
        if wakes {
            plane.enqueue(Controller::DaemonSet, set.meta.uid);
        }
    }
}

/// The pod of a set as the scheduler would judge it.
fn judged(set: &Object) -> Pod {
    let mut pod = json!({"metadata": at(template_of(set), &["metadata"]), "spec": at(template_of(set), &["spec"])});
    pod["metadata"]["namespace"] = set.meta.namespace.as_str().into();
    add_daemon_tolerations(&mut pod);
    let source = Owner { kind: "DaemonSet".to_owned(), name: set.meta.name.clone() };
    Pod::new(&pod, source, 0)
}

/// upstream: NodeShouldRunDaemonPod
fn target(judged: &Pod, node: &Object) -> Target {
    let node = Node::new(&node.to_json());
    let fits = judged.may_use(&node) && (judged.node_name.is_empty() || judged.node_name == node.name);
    let free = |effects: &[&str]| untolerated(&node.taints, &judged.tolerations, effects).is_none();
    Target { should_run: fits && free(&["NoExecute", "NoSchedule"]), may_stay: fits && free(&["NoExecute"]), name: node.name }
}

fn targets(plane: &ControlPlane, set: &Object) -> Vec<Target> {
    let judged = judged(set);
    plane.api.list("Node").map(|node| target(&judged, node)).collect()
}

/// The node a pod is on or for. upstream: GetTargetNodeName
fn target_of(pod: &Object) -> String {
    let bound = node_name(pod);
    let terms = at(&pod.spec, &["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
    let wanted = terms.pointer("/nodeSelectorTerms/0/matchFields/0/values/0").and_then(Value::as_str);
    if bound.is_empty() { wanted.unwrap_or("").to_owned() } else { bound.to_owned() }
}

type ByNode = BTreeMap<String, Vec<Arc<Object>>>;

fn pods_by_node(plane: &mut ControlPlane, set: &Object) -> ByNode {
    let selector = selector_of(set);
    let mut out = ByNode::new();
    for pod in pods::claim(&mut plane.api, set, |pod| selector.matches(&pod.meta.labels)) {
        out.entry(target_of(&pod)).or_default().push(pod);
    }
    out
}

/// Bound pods first, then running ones, then older ones. upstream: podByCreationTimestampAndPhase
fn by_age(a: &Arc<Object>, b: &Arc<Object>) -> Ordering {
    let free = |p: &Object| node_name(p).is_empty();
    free(a).cmp(&free(b)).then(a.meta.created.cmp(&b.meta.created)).then_with(|| a.meta.name.cmp(&b.meta.name))
}

fn is_updated(pod: &Object, hash: &str) -> bool {
    pod.meta.labels.get(REVISION_LABEL).is_some_and(|l| l == hash)
}

fn min_ready(set: &Object) -> i64 {
    int(&set.spec, &["minReadySeconds"]).unwrap_or(0)
}

fn surge(set: &Object, desired: i64) -> i64 {
    scaled(at(&set.spec, &["updateStrategy", "rollingUpdate", "maxSurge"]), desired, true)
}

/// Whether pods were created or deleted. upstream: manage, podsShouldBeOnNode
fn manage(plane: &mut ControlPlane, set: &Object, targets: &[Target], by_node: &ByNode, hash: &str) -> bool {
    let allows_surge = surge(set, targets.len() as i64) > 0;
    let now = plane.api.now;
    let mut create: Vec<String> = Vec::new();
    let mut delete: Vec<Arc<Object>> = Vec::new();
    for target in targets {
        let Some(own) = by_node.get(&target.name) else {
            if target.should_run {
                create.push(target.name.clone());
            }
            continue;
        };
        let alive = own.iter().filter(|p| !p.meta.is_deleted());
        if !target.may_stay {
            delete.extend(alive.cloned());
            continue;
        }
        let (ended, mut running): (Vec<Arc<Object>>, Vec<Arc<Object>>) =
            alive.cloned().partition(|p| matches!(phase(p), "Failed" | "Succeeded"));
        for pod in ended {
            let failed = phase(&pod) == "Failed";
            if failed && plane.daemon_back_off(set.meta.uid, &target.name) {
                continue;
            }
            let (word, verb) = if failed { ("failed", "kill") } else { ("succeeded", "delete") };
            let message =
                format!("Found {word} daemon pod {}/{} on node {}, will try to {verb} it", pod.meta.namespace, pod.meta.name, target.name);
            plane.api.event(set, failed, if failed { "FailedDaemonPod" } else { "SucceededDaemonPod" }, message);
            delete.push(pod);
        }
        running.sort_by(by_age);
        if !allows_surge {
            delete.extend(running.into_iter().skip(1));
        } else if running.is_empty() {
            if target.should_run {
                create.push(target.name.clone());
            }
        } else if running.len() > 1 {
            let new = running.iter().find(|p| is_updated(p, hash));
            let old = running.iter().find(|p| !is_updated(p, hash));
            let kept = |p: &Arc<Object>| [new, old].into_iter().flatten().any(|k| k.meta.uid == p.meta.uid);
            delete.extend(running.iter().filter(|p| !kept(p)).cloned());
            if let (Some(new), Some(old)) = (new, old) {
                if !pods::is_ready(old) || pods::is_available(new, min_ready(set), now) {
                    delete.push(Arc::clone(old));
                }
            }
        }
    }
    // Pods for nodes that are gone. upstream: getUnscheduledPodsWithoutNode
    for (node, own) in by_node {
        if !targets.iter().any(|t| t.name == *node) {
            delete.extend(own.iter().filter(|p| node_name(p).is_empty() && !p.meta.is_deleted()).cloned());
        }
    }
    sync_nodes(plane, set, &create, &delete, hash)
}

/// upstream: syncNodes
fn sync_nodes(plane: &mut ControlPlane, set: &Object, create: &[String], delete: &[Arc<Object>], hash: &str) -> bool {
    for node in create {
        let mut template = template_of(set).clone();
        template["metadata"]["labels"][REVISION_LABEL] = hash.into();
        let mut pod = json!({"spec": template["spec"]});
        add_daemon_tolerations(&mut pod);
        template["spec"] = pod["spec"].take();
        let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let mut terms = list(&template, &["spec", "affinity", "nodeAffinity", required, "nodeSelectorTerms"]).to_vec();
        if terms.is_empty() {
            terms.push(json!({}));
        }
        for own in &mut terms {
            own["matchFields"] = term["matchFields"].clone();
        }
        template["spec"]["affinity"]["nodeAffinity"][required] = json!({"nodeSelectorTerms": terms});
        let pod = pods::from_template(set, &template);
        if pods::create(&mut plane.api, set, pod).is_err() {
            plane.enqueue_after(Controller::DaemonSet, set.meta.uid, 5 * SECOND);
            break;
        }
    }
    for pod in delete {
        plane.api.event(set, false, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name));
        plane.api.delete(pod.meta.uid, Propagation::Background);
    }
    !create.is_empty() || !delete.is_empty()
}

/// The new and the old pod of a node; `None` when there are several of either. upstream: findUpdatedPodsOnNode
type Pair = (Option<Arc<Object>>, Option<Arc<Object>>);

fn pair(own: &[Arc<Object>], hash: &str) -> Option<Pair> {
    let (new, old): (Vec<_>, Vec<_>) = own.iter().filter(|p| !p.meta.is_deleted()).cloned().partition(|p| is_updated(p, hash));
    (new.len() <= 1 && old.len() <= 1).then(|| (new.into_iter().next(), old.into_iter().next()))
}

/// upstream: rollingUpdate
fn rolling_update(plane: &mut ControlPlane, set: &Object, targets: &[Target], mut by_node: ByNode, hash: &str) {
    let desired = targets.iter().filter(|t| t.should_run).count() as i64;
    for target in targets.iter().filter(|t| t.should_run) {
        by_node.entry(target.name.clone()).or_default();
    }
    let max_surge = surge(set, desired);
    let rolling = at(&set.spec, &["updateStrategy", "rollingUpdate", "maxUnavailable"]);
    let mut max_unavailable = if rolling.is_null() { 1 } else { scaled(rolling, desired, true) };
    if max_unavailable == 0 && max_surge == 0 {
        max_unavailable = 1;
    }
    let now = plane.api.now;
    let available = |p: &Arc<Object>| pods::is_available(p, min_ready(set), now);
    let mut busy = 0;
    let mut at_once = Vec::new();
    let mut candidates = Vec::new();
    if max_surge == 0 {
        for own in by_node.values() {
            match pair(own, hash) {
                None | Some((None, None) | (Some(_), Some(_))) => busy += 1,
                Some((Some(new), None)) => busy += i64::from(!available(&new)),
                Some((None, Some(old))) if !available(&old) => {
                    at_once.push(old);
                    busy += 1;
                }
                Some((None, Some(_))) if busy >= max_unavailable => {}
                Some((None, Some(old))) => candidates.push(old),
            }
        }
        let left = usize::try_from(max_unavailable - busy).unwrap_or(0);
        at_once.extend(candidates.into_iter().take(left));
        sync_nodes(plane, set, &[], &at_once, hash);
        return;
    }
    let mut nodes = Vec::new();
    let mut nodes_at_once = Vec::new();
    for (node, own) in &by_node {
        let Some((new, old)) = pair(own, hash) else {
            busy += 1;
            continue;
        };
        match (new, old) {
            (_, None) => {}
            (None, Some(old)) if !targets.iter().any(|t| t.name == *node && t.should_run) => {
                if !available(&old) {
                    at_once.push(old);
                }
            }
            (None, Some(old)) if !available(&old) => nodes_at_once.push(node.clone()),
            (None, Some(_)) if busy >= max_surge => {}
            (None, Some(_)) => nodes.push(node.clone()),
            (Some(new), Some(_)) if !available(&new) => busy += 1,
            (Some(_), Some(old)) => at_once.push(old),
        }
    }
    let left = usize::try_from(max_surge - busy).unwrap_or(0);
    nodes_at_once.extend(nodes.into_iter().take(left));
    sync_nodes(plane, set, &nodes_at_once, &at_once, hash);
}

/// upstream: cleanupHistory
fn cleanup_history(plane: &mut ControlPlane, set: &Object, old: &[Arc<Object>], current: &Object) {
    let limit = int(&set.spec, &["revisionHistoryLimit"]).unwrap_or(10);
    let used: Vec<String> =
        plane.api.dependents(set.meta.uid).filter(|p| p.kind == "Pod").filter_map(|p| p.meta.labels.get(REVISION_LABEL).cloned()).collect();
    let live = |r: &Object| r.meta.uid == current.meta.uid || r.meta.labels.get(REVISION_LABEL).is_some_and(|h| used.contains(h));
    revisions::truncate(&mut plane.api, old, live, limit);
}

/// upstream: updateDaemonSetStatus
fn update_status(plane: &mut ControlPlane, set: &Object, targets: &[Target], hash: &str) {
    let by_node = pods_by_node(plane, set);
    let now: Nanos = plane.api.now;
    let (mut desired, mut current, mut misscheduled, mut ready, mut updated, mut available) = (0, 0, 0, 0, 0, 0);
    for target in targets {
        let own = by_node.get(&target.name);
        if !target.should_run {
            misscheduled += i64::from(own.is_some());
            continue;
        }
        desired += 1;
        let Some(pod) = own.and_then(|own| own.iter().min_by(|a, b| by_age(a, b))) else { continue };
        current += 1;
        ready += i64::from(pods::is_ready(pod));
        available += i64::from(pods::is_available(pod, min_ready(set), now));
        updated += i64::from(is_updated(pod, hash));
    }
    let mut status = json!({
        "desiredNumberScheduled": desired,
        "currentNumberScheduled": current,
        "numberMisscheduled": misscheduled,
        "numberReady": ready,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": desired - available,
        "observedGeneration": set.meta.generation,
    });
    if let Some(collisions) = int(&set.status, &["collisionCount"]) {
        status["collisionCount"] = collisions.into();
    }
    if set.status != status {
        plane.api.edit(set.meta.uid, |s| s.status = status.into());
    }
    if min_ready(set) > 0 && ready != available {
        // upstream does not count the time that has passed since.
        plane.enqueue_after(Controller::DaemonSet, set.meta.uid, min_ready(set) * SECOND);
    }
}
