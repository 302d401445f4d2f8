//! Containers added to a pod that runs: what the server takes, and what the kubelet does with them. upstream:
//! pkg/registry/core/pod.podEphemeralContainersStrategy, pkg/kubelet/kuberuntime

// A refusal is told once, at the end of a command.
#![allow(clippy::result_large_err)]

use std::sync::Arc;

use serde_json::Value;

use super::Cluster;
use super::fields;
use super::kubelet::Kubelet;
use super::kubelet::Task;
use super::present;
use super::server::Refusal;
use super::server::Write;
use crate::kube;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Shared;
use crate::simulate::kubelet::behaviour;
use crate::simulate::kubelet::observe;
use crate::simulate::kubelet::pod_life::What;
use crate::simulate::kubelet::prober::Event;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// The list of them in a pod's specification.
const FIELD: &str = "ephemeralContainers";
/// From a failed pull of an image to the report that it is backing off.
const PULL_TRIES: Nanos = 2 * SECOND;
/// How long a program runs that nobody speaks to, when nobody tells.
const RUN_TIME: Nanos = 5 * SECOND;

impl Cluster {
    /// Answers a request to the endpoint `ephemeralcontainers` of a pod: nothing else of `sent` counts.
    pub(super) fn put_ephemeral(&mut self, sent: &Value, old: &Arc<Object>, write: &Write<'_>) -> Result<Value, Refusal> {
        let before = present::object(old);
        let mut after = before.clone();
        after["spec"][FIELD] = at(sent, &["spec", FIELD]).clone();
        let verdict = kube::admit_ephemeral_containers(&after, &before);
        if verdict.rejected {
            return Err(self.invalid(old, &verdict));
        }
        let mut stored = Object::clone(old);
        stored.spec = after["spec"].take().into();
        if write.dry_run {
            return Ok(present::object(&stored));
        }
        let updated = self.plane.api.update(stored);
        let after = updated.map_or_else(|| before.clone(), |o| present::object(&o));
        fields::note_update(self.managers.change(old.meta.uid, 0), write.manager, write.subresource, Some(&before), &after);
        self.settle();
        Ok(self.get(&old.kind, &old.meta.namespace, &old.meta.name).unwrap_or(after))
    }

    /// Containers that were added to a pod on a node are started there.
    pub(super) fn start_added(&mut self, pod: &Arc<Object>, old: Option<&Arc<Object>>) {
        if old.is_some_and(|old| Shared::ptr_eq(&old.spec, &pod.spec)) {
            return;
        }
        let all = list(pod.spec.before_placed(), &[FIELD]);
        if all.is_empty() {
            return;
        }
        let known = |name: &str| old.is_some_and(|o| list(&o.spec, &[FIELD]).iter().any(|c| text(c, &["name"]) == name));
        for (i, _) in all.iter().enumerate().filter(|(_, c)| !known(text(c, &["name"]))) {
            self.start_ephemeral(pod, i);
        }
    }

    /// The life of one of them begins.
    pub(super) fn start_ephemeral(&mut self, pod: &Arc<Object>, index: usize) {
        let (uid, now) = (pod.meta.uid, self.now());
        let Some(container) = list(&pod.spec, &[FIELD]).get(index) else { return };
        match self.nodes.kubelet {
            Kubelet::Absent => return,
            Kubelet::Instant => return self.ephemeral_moment(pod, index, Some(What::Event(Event::Start(1)))),
            Kubelet::Timed => {}
        }
        let observed = observe::observed_of(pod);
        self.report(pod, &observed);
        let told = behaviour::of(&pod.meta.annotations, container);
        let pull = self.pull_of(pod, container);
        let mut add = |at: Nanos, what: Option<What>| self.nodes.add(at, uid, Task::Ephemeral(index, what));
        let begin = now + SECOND;
        if told.image_missing {
            add(begin, None);
            add(begin, Some(What::PullFailed));
            return add(begin + PULL_TRIES, Some(What::PullBackOff));
        }
        if pull > 0 {
            add(begin, None);
        }
        add(begin + pull, Some(What::Event(Event::Start(1))));
        // Who has somebody to speak to goes on.
        let alone = (at(container, &["stdin"]) != true).then_some((RUN_TIME, 0));
        if let Some((after, code)) = told.exit.or(alone) {
            add((begin + pull).saturating_add(after), Some(What::Event(Event::Exit(code))));
        }
    }

    /// Something happens to one of them; nothing means that its image is asked for.
    pub(super) fn ephemeral_moment(&mut self, pod: &Arc<Object>, index: usize, what: Option<What>) {
        let Some(container) = list(&pod.spec, &[FIELD]).get(index) else { return };
        let field = format!("spec.{FIELD}{{{}}}", text(container, &["name"]));
        let Some(what) = what else { return self.tell_pull(pod, container, &field) };
        if self.nodes.kubelet == Kubelet::Timed {
            self.tell_moment(pod, container, &field, what);
        }
        let mut observed = observe::observed_of(pod);
        observe::happen(&mut observed, pod, container, what, self.now());
        self.report(pod, &observed);
    }
}
