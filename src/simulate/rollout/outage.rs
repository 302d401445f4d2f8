//! What becomes of nodes while a change rolls out: kubelets fall silent and come back, nodes are tainted or cordoned, and
//! pods leave as the control plane makes them. upstream: pkg/controller/nodelifecycle, pkg/controller/tainteviction
//!
//! Told in the scenario's `nodes`, as phrases separated by commas: `lost at 60s`, `back at 10m`, `cordoned at 20s`,
//! `uncordoned at 1m`, `tainted key=value:NoExecute at 30s`, `untainted key:NoExecute at 90s`. A lost node does not report
//! any more; its containers go on, unseen.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::cluster::Cluster;
use super::node::Task;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::cluster::parse_taint;
use crate::simulate::kubelet::status::time;
use crate::simulate::nodes::lifecycle;
use crate::simulate::nodes::taint_eviction::Stay;
use crate::simulate::nodes::taint_eviction::stay;
use crate::simulate::scheduler::api::Node;
use crate::simulate::scheduler::api::Toleration;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// Once all that was told has happened, pods that tolerate a lost node for the usual five minutes are watched leaving.
const AFTERMATH: Nanos = 480 * SECOND;

/// What happens to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Its kubelet falls silent.
    Lost,
    /// Its kubelet reports again.
    Back,
    /// It takes new pods, or not.
    Cordon(bool),
    /// It gets a taint.
    Taint(Value),
    /// It loses a taint: key and effect.
    Untaint(String, String),
    /// The control plane's taints for its condition, and no other of theirs.
    Condition(Vec<(String, String)>),
    /// The control plane's view of it: status and reason.
    Ready(String, String),
}

/// The phrases of a scenario's line; `Err` is the one that is not understood.
pub(super) fn parse(phrases: &str) -> Result<Vec<(Nanos, Act)>, String> {
    let mut out = Vec::new();
    for phrase in phrases.split([',', ';']).map(str::trim).filter(|p| !p.is_empty()) {
        let wrong = || phrase.to_owned();
        let (what, when) = phrase.rsplit_once(" at ").ok_or_else(wrong)?;
        let when = Duration::parse(when.trim()).map_err(|_| wrong())?.0;
        let act = match what.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["lost"] => Act::Lost,
            ["back"] => Act::Back,
            ["cordoned"] => Act::Cordon(true),
            ["uncordoned"] => Act::Cordon(false),
            ["tainted", taint] => Act::Taint(parse_taint(taint).ok_or_else(wrong)?),
            ["untainted", taint] => {
                let (key, effect) = taint.rsplit_once(':').ok_or_else(wrong)?;
                Act::Untaint(key.split('=').next().unwrap_or(key).to_owned(), effect.to_owned())
            }
            _ => return Err(wrong()),
        };
        out.push((when, act));
    }
    Ok(out)
}

/// Whether a taint is the control plane's word for a node's condition.
fn of_condition(key: &str) -> bool {
    matches!(key, "node.kubernetes.io/unreachable" | "node.kubernetes.io/not-ready")
}

/// What a pod tolerates, with what admission adds. upstream: plugin/pkg/admission/defaulttolerationseconds
fn tolerations_of(pod: &Object) -> Vec<Toleration> {
    let mut out: Vec<Toleration> = list(&pod.spec, &["tolerations"]).iter().map(Toleration::new).collect();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covers =
            |t: &Value| matches!(text(t, &["effect"]), "" | "NoExecute") && (text(t, &["key"]) == key || text(t, &["key"]).is_empty());
        if !list(&pod.spec, &["tolerations"]).iter().any(covers) {
            let added = json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            out.push(Toleration::new(&added));
        }
    }
    out
}

/// Gives a node other taints; none is no field.
fn set_taints(node: &mut Object, taints: Vec<Value>) {
    let spec = node.spec_mut();
    if !spec.is_object() {
        *spec = json!({});
    }
    spec["taints"] = taints.into();
}

impl Cluster {
    /// What the scenario tells of nodes is due from now on.
    pub(super) fn begin_outages(&mut self) {
        let names: Vec<String> = self.nodes.nodes.iter().map(|n| n.node.name.clone()).collect();
        let told: Vec<(usize, Nanos, Act)> = names
            .iter()
            .enumerate()
            .flat_map(|(i, name)| self.scenario.node(name).into_iter().map(move |(when, act)| (i, when, act)))
            .collect();
        let Some(last) = told.iter().map(|t| t.1).max() else { return };
        self.busy_until = self.busy_until.max(self.plane.api.now + last + AFTERMATH);
        let lost = told.iter().any(|t| t.2 == Act::Lost);
        for (node, when, act) in told.iter().cloned() {
            self.act_later(when, node, act);
        }
        if lost {
            for (node, when, act) in self.judged(&told) {
                self.act_later(when, node, act);
            }
        }
    }

    fn act_later(&mut self, when: Nanos, node: usize, act: Act) {
        self.acts.push((node, act));
        self.later(when, 0, Task::Node(self.acts.len() - 1));
    }

    /// What the control plane makes of silent nodes.
    fn judged(&self, told: &[(usize, Nanos, Act)]) -> Vec<(usize, Nanos, Act)> {
        let horizon = self.horizon / 1_000_000;
        let plan = |(i, info): (usize, &crate::simulate::scheduler::snapshot::NodeInfo)| {
            let mut turns: Vec<(i64, bool)> = told
                .iter()
                .filter(|t| t.0 == i)
                .filter_map(|(_, when, act)| match act {
                    Act::Lost => Some((when / 1_000_000, false)),
                    Act::Back => Some((when / 1_000_000, true)),
                    _ => None,
                })
                .collect();
            turns.sort_unstable();
            let mut reports = Vec::new();
            let mut since = Some(0);
            for (when, reporting) in turns {
                match (since, reporting) {
                    (Some(from), false) => {
                        reports.push((from, when));
                        since = None;
                    }
                    (None, true) => since = Some(when),
                    _ => {}
                }
            }
            reports.extend(since.map(|from| (from, i64::MAX)));
            let node = &info.node;
            lifecycle::NodePlan {
                name: node.name.clone(),
                labels: node.labels.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
                taints: node.taints.clone(),
                unschedulable: node.unschedulable,
                reports,
            }
        };
        let scenario = lifecycle::Scenario {
            watch_nodes: true,
            nodes: self.nodes.nodes.iter().enumerate().map(plan).collect(),
            horizon,
            ..lifecycle::Scenario::default()
        };
        let place: BTreeMap<&str, usize> = self.nodes.nodes.iter().enumerate().map(|(i, n)| (n.node.name.as_str(), i)).collect();
        let mut out = Vec::new();
        for row in lifecycle::run(&scenario) {
            let Some(node) = place.get(row.name.as_str()).copied().filter(|_| row.at > 0) else { continue };
            let act = match row.what {
                "taints" => {
                    let pairs = row.value.split(',').filter_map(|t| t.rsplit_once(':'));
                    Act::Condition(pairs.filter(|(k, _)| of_condition(k)).map(|(k, e)| (k.to_owned(), e.to_owned())).collect())
                }
                "node-ready" => {
                    let (status, reason) = row.value.split_once(' ').unwrap_or((&row.value, ""));
                    Act::Ready(status.to_owned(), reason.to_owned())
                }
                _ => continue,
            };
            out.push((node, row.at * 1_000_000, act));
        }
        out
    }

    /// Something happens to a node.
    pub(super) fn act(&mut self, number: usize) {
        let Some((node, act)) = self.acts.get(number).cloned() else { return };
        let name = self.nodes.nodes[node].node.name.clone();
        let Some(object) = self.plane.api.find("Node", "", &name).cloned() else { return };
        let uid = object.meta.uid;
        let mut taints: Vec<Value> = list(&object.spec, &["taints"]).to_vec();
        let own = format!("Node/{name}");
        match act {
            Act::Lost => {
                self.lost.insert(node);
                self.step(own, "its kubelet does not report any more".to_owned());
                return;
            }
            Act::Back => {
                self.lost.remove(&node);
                self.step(own, "its kubelet reports again".to_owned());
                self.catch_up(node);
                return;
            }
            Act::Ready(status, reason) => {
                self.step(own, format!("NodeReady is {status}: {reason}"));
                self.set_node_ready(&object, node, &status, &reason);
                return;
            }
            Act::Cordon(closed) => {
                self.step(own, if closed { "cordoned" } else { "uncordoned" }.to_owned());
                taints.retain(|t| text(t, &["key"]) != "node.kubernetes.io/unschedulable");
                if closed {
                    taints.push(json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}));
                }
                self.plane.api.edit(uid, |o| {
                    set_taints(o, taints);
                    o.spec_mut()["unschedulable"] = closed.into();
                });
            }
            Act::Taint(taint) => {
                self.step(own, format!("tainted {}:{}", text(&taint, &["key"]), text(&taint, &["effect"])));
                taints.retain(|t| text(t, &["key"]) != text(&taint, &["key"]) || text(t, &["effect"]) != text(&taint, &["effect"]));
                taints.push(taint);
                self.plane.api.edit(uid, |o| set_taints(o, taints));
            }
            Act::Untaint(key, effect) => {
                self.step(own, format!("untainted {key}:{effect}"));
                taints.retain(|t| text(t, &["key"]) != key || text(t, &["effect"]) != effect);
                self.plane.api.edit(uid, |o| set_taints(o, taints));
            }
            Act::Condition(pairs) => {
                taints.retain(|t| !of_condition(text(t, &["key"])));
                taints.extend(pairs.iter().map(|(key, effect)| json!({"key": key, "effect": effect})));
                let shown: Vec<String> = pairs.iter().map(|(key, effect)| format!("{key}:{effect}")).collect();
                let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
                self.step(own, format!("taints of its condition: {shown}"));
                self.plane.api.edit(uid, |o| set_taints(o, taints));
            }
        }
        let Some(object) = self.plane.api.get(uid).cloned() else { return };
        self.nodes.set_node(node, Node::new(&object.to_json()));
        self.freed = true;
        let here: Vec<Uid> = self.placed.iter().filter(|(_, p)| p.node == node).map(|(uid, _)| *uid).collect();
        here.into_iter().for_each(|pod| self.judge_stay(pod, node));
    }

    /// Whether a pod may stay on its node, and how long. upstream: processPodOnNode
    pub(super) fn judge_stay(&mut self, uid: Uid, node: usize) {
        let taints = self.nodes.nodes[node].node.taints.clone();
        if !taints.iter().any(|t| t.effect == "NoExecute") && !self.evictions.contains_key(&uid) {
            return;
        }
        let Some(pod) = self.plane.api.get(uid).cloned().filter(|p| !p.meta.is_deleted()) else { return };
        let tolerations = tolerations_of(&pod);
        match stay(&taints, &tolerations) {
            Stay::Forever => {
                if self.evictions.remove(&uid).is_some() {
                    let message = format!("Cancelling deletion of Pod {}/{}", pod.meta.namespace, pod.meta.name);
                    self.step(format!("Pod/{}", pod.meta.name), format!("TaintManagerEviction: {message}"));
                    self.tell(&pod, false, "TaintManagerEviction", message, "taint-eviction-controller");
                }
            }
            Stay::Leaves => self.evict(&pod),
            // A deletion that waits is not put off.
            Stay::Seconds(seconds) if !self.evictions.contains_key(&uid) => {
                let wait = seconds * SECOND;
                self.evictions.insert(uid, self.plane.api.now + wait);
                self.later(wait, uid, Task::Evict);
            }
            Stay::Seconds(_) => {}
        }
    }

    /// The time that a pod tolerates its node's taints is over.
    pub(super) fn eviction_due(&mut self, pod: &Arc<Object>) {
        if self.evictions.get(&pod.meta.uid) == Some(&self.plane.api.now) {
            self.evict(pod);
        }
    }

    fn evict(&mut self, pod: &Arc<Object>) {
        self.evictions.remove(&pod.meta.uid);
        let message = format!("Marking for deletion Pod {}/{}", pod.meta.namespace, pod.meta.name);
        self.step(format!("Pod/{}", pod.meta.name), format!("TaintManagerEviction: {message}"));
        self.tell(pod, false, "TaintManagerEviction", message, "taint-eviction-controller");
        self.plane.api.delete(pod.meta.uid, Propagation::Background);
    }

    /// The control plane's view of a node, and of its pods. upstream: MarkPodsNotReady
    fn set_node_ready(&mut self, object: &Object, node: usize, status: &str, reason: &str) {
        let now = time(self.plane.api.now);
        let condition = json!({"type": "Ready", "status": status, "reason": reason, "lastTransitionTime": now});
        self.plane.api.edit(object.meta.uid, |o| {
            let mut all: Vec<Value> = list(&o.status, &["conditions"]).iter().filter(|c| text(c, &["type"]) != "Ready").cloned().collect();
            all.push(condition);
            o.status_mut().insert("conditions".to_owned(), all.into());
        });
        if status == "True" {
            return;
        }
        let here: Vec<Uid> = self.placed.iter().filter(|(_, p)| p.node == node).map(|(uid, _)| *uid).collect();
        for uid in here {
            self.plane.api.edit(uid, |pod| {
                let mut all: Vec<Value> = list(&pod.status, &["conditions"]).to_vec();
                for condition in all.iter_mut().filter(|c| text(c, &["type"]) == "Ready" && at(c, &["status"]) == "True") {
                    condition["status"] = "False".into();
                    condition["lastTransitionTime"] = now.clone();
                }
                pod.status_mut().insert("conditions".to_owned(), all.into());
            });
        }
    }

    /// A node reports again: what its containers did meanwhile shows, and pods that were deleted stop.
    fn catch_up(&mut self, node: usize) {
        let here: Vec<Uid> = self.placed.iter().filter(|(_, p)| p.node == node).map(|(uid, _)| *uid).collect();
        for uid in here {
            let Some(pod) = self.plane.api.get(uid).cloned() else { continue };
            if pod.meta.is_deleted() {
                self.stop(&pod);
            } else {
                self.report(uid);
            }
        }
        self.retry_volumes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases() {
        let taint = json!({"key": "gpu", "value": "", "effect": "NoExecute"});
        let told = parse("lost at 60s, back at 10m; tainted gpu:NoExecute at 1s, untainted gpu:NoExecute at 2s, cordoned at 0s");
        let untaint = Act::Untaint("gpu".to_owned(), "NoExecute".to_owned());
        let expected = [(60, Act::Lost), (600, Act::Back), (1, Act::Taint(taint)), (2, untaint), (0, Act::Cordon(true))];
        assert_eq!(told, Ok(expected.into_iter().map(|(t, act)| (t * SECOND, act)).collect()));
        for wrong in ["lost", "gone at 5s", "tainted gpu at 3s", "lost at noon"] {
            assert_eq!(parse(wrong), Err(wrong.to_owned()));
        }
    }
}
