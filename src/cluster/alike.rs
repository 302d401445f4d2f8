//! Pods of a template live alike: what their status says after a step is worked out for the first of them, and holds for all
//! that stood where it stood.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::Cluster;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::mould::Kind;
use crate::simulate::apiserver::mould::Texts;
use crate::simulate::apiserver::mould::kind_of;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::kubelet::observe::Manifest;
use crate::simulate::kubelet::pod_life::Place;
use crate::simulate::kubelet::pod_life::What;

/// A step in the life of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// It got a node.
    Bound,
    /// No node takes it, for this reason.
    Refused(String),
    /// Its node has seen it.
    Taken,
    /// It has a sandbox.
    Begun,
    /// This happened to containers.
    Moments(Vec<(Place, What)>),
}

/// Where a pod stands, and which step it makes when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Point {
    status: usize,
    spec: usize,
    generation: i64,
    step: Step,
    now: Nanos,
}

/// What follows.
#[derive(Clone, Debug)]
struct Known {
    /// These are there as long as their numbers are asked for.
    _from: (Shared, Shared),
    annotations: Labels,
    kind: Arc<Kind>,
    /// The status of the first, and the names of that pod.
    first: Shared,
    names: [String; 2],
    sidecars_left: bool,
}

/// What pods of a specification and generation have in common, as their node sees it.
#[derive(Clone, Debug)]
struct Common {
    /// It is there as long as its number is asked for.
    _spec: Shared,
    annotations: Labels,
    manifest: Arc<Manifest>,
}

/// What is known of steps, and of pods.
#[derive(Clone, Debug, Default)]
pub(super) struct Alike {
    steps: FxHashMap<Point, Known>,
    manifests: FxHashMap<(usize, i64), Common>,
    texts: Texts,
}

/// So many steps are remembered.
const MANY: usize = 4096;

impl Cluster {
    /// The status of a pod after a step, and whether nothing but sidecars runs then. `own` are words of the pod's own that the
    /// step adds; `work` works out what follows when that is not known, from what the pod is and these words.
    pub(super) fn after_step(
        &mut self,
        pod: &Arc<Object>,
        step: Step,
        own: Vec<String>,
        work: impl FnOnce(&mut Self, &Arc<Object>) -> (Value, bool),
    ) -> (Shared, bool) {
        self.know(pod);
        let spec = pod.spec.before_placed();
        let Some((kind, words)) = kind_of(&pod.status).filter(|_| pod.meta.controller().is_some() && !pod.meta.is_deleted()) else {
            let (status, sidecars_left) = work(self, pod);
            return (status.into(), sidecars_left);
        };
        let words: Vec<String> = words.iter().cloned().chain(own).collect();
        // What the scheduler and a node's first look write is the same for all templates.
        let of = if matches!(step, Step::Bound | Step::Refused(_) | Step::Taken) { 0 } else { spec.address() };
        let point = Point { status: kind, spec: of, generation: pod.meta.generation, step, now: self.now() };
        if let Some(known) = self.alike.steps.get(&point).filter(|known| known.annotations == pod.meta.annotations)
            && let Some(status) = known.kind.another(&known.first, &known.names.each_ref().map(String::as_str), words.clone())
        {
            let sidecars_left = known.sidecars_left;
            // Each test that lets pods of a template live says so.
            debug_assert_eq!((Value::clone(&status), sidecars_left), work(self, pod));
            return (status, sidecars_left);
        }
        let (status, sidecars_left) = work(self, pod);
        if self.alike.steps.len() >= MANY {
            self.alike.steps.clear();
        }
        let kind = Arc::new(Kind::default());
        let first = kind.first(status, words);
        let known = Known {
            _from: (pod.status.clone(), spec.clone()),
            annotations: pod.meta.annotations.clone(),
            kind,
            first: first.clone(),
            names: [pod.meta.name.clone(), uid_text(pod.meta.uid)],
            sidecars_left,
        };
        self.alike.steps.insert(point, known);
        (first, sidecars_left)
    }

    /// Lets a pod know what it has in common with others, when it was read from the state.
    pub(super) fn know(&mut self, pod: &Object) {
        if pod.kind == "Pod" && pod.meta.controller().is_some() {
            self.alike.texts.know(&pod.spec, &pod.status);
        }
    }

    /// What pods have in common with this one, as their node sees it.
    pub(super) fn manifest(&mut self, pod: &Object) -> Arc<Manifest> {
        let spec = pod.spec.before_placed();
        if pod.meta.is_deleted() || Shared::ptr_eq(spec, &pod.spec) {
            return Arc::new(Manifest::of(pod));
        }
        let key = (spec.address(), pod.meta.generation);
        if let Some(known) = self.alike.manifests.get(&key).filter(|known| known.annotations == pod.meta.annotations) {
            return Arc::clone(&known.manifest);
        }
        let manifest = Arc::new(Manifest::of(pod));
        if self.alike.manifests.len() >= MANY {
            self.alike.manifests.clear();
        }
        let common = Common { _spec: spec.clone(), annotations: pod.meta.annotations.clone(), manifest: Arc::clone(&manifest) };
        self.alike.manifests.insert(key, common);
        manifest
    }
}
