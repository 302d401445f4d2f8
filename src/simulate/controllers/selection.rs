//! Which pods workloads select.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use rustc_hash::FxHashMap;
use serde_json::json;

use super::template_of;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Shared;
use crate::simulate::apiserver::Texts;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::selector::Selector;

/// The pods a workload selects.
pub fn selector_of(workload: &Object) -> Selector {
    let selector = at(&workload.spec, &["selector"]);
    if matches!(workload.kind.as_str(), "ReplicationController" | "Service") {
        Selector::new(&json!({"matchLabels": selector}))
    } else {
        Selector::new(selector)
    }
}

/// What a specification selects.
#[derive(Debug)]
pub(super) struct Selection {
    /// The pods that are meant.
    pub(super) pods: Selector,
    /// The labels of its template, which may be more; nothing when they are the same.
    pub(super) labels: Option<Selector>,
    /// The ports of a Service in JSON, when they are the same at all pods and somebody has asked.
    pub(super) ports: OnceLock<String>,
    /// Which texts of pods are meant, as far as that was asked: the same pods are looked at again and again.
    known: Mutex<FxHashMap<usize, (Arc<Texts>, bool)>>,
}

impl Selection {
    /// So many answers are kept.
    const MANY: usize = 256;

    /// Says of each pod whether it is meant.
    pub(super) fn selects(&self) -> impl FnMut(&Object) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        move |pod| {
            let texts = &pod.meta.texts;
            let key = Arc::as_ptr(texts).addr();
            if let Some((_, is)) = known.get(&key) {
                return *is;
            }
            let is = self.pods.matches(&texts.labels);
            if known.len() >= Self::MANY {
                known.clear();
            }
            // The texts are there as long as their number is asked for.
            known.insert(key, (Arc::clone(texts), is));
            is
        }
    }
}

/// The selections of specifications: asked at every turn, and they seldom change.
#[derive(Clone, Debug, Default)]
pub(super) struct Selections(FxHashMap<usize, (Shared, Arc<Selection>)>);

impl Selections {
    /// So many answers are kept.
    const MANY: usize = 4096;

    /// That of a workload.
    pub(super) fn of(&mut self, workload: &Object) -> Arc<Selection> {
        let key = workload.spec.address();
        if let Some((_, known)) = self.0.get(&key) {
            return Arc::clone(known);
        }
        let pods = selector_of(workload);
        let labels = Selector::from_labels(&strings(template_of(workload), &["metadata", "labels"]));
        let new = Arc::new(Selection { labels: (labels != pods).then_some(labels), pods, ports: OnceLock::new(), known: Mutex::default() });
        if self.0.len() >= Self::MANY {
            self.0.clear();
        }
        // The specification is there as long as its number is asked for.
        self.0.insert(key, (workload.spec.clone(), Arc::clone(&new)));
        new
    }
}
