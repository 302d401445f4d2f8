//! What looks of controllers saw and left behind: the next look that sees the same has nothing to write.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::simulate::apiserver::ApiServer;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Uid;

/// What a look at an object sees.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    object: Arc<Object>,
    /// [`ApiServer::dependents_changed`] then.
    pub(super) dependents: u64,
    at: Nanos,
}

impl Seen {
    /// What is there now.
    pub(super) fn now(api: &ApiServer, object: &Arc<Object>) -> Self {
        Self { object: Arc::clone(object), dependents: api.dependents_changed(object.meta.uid), at: api.now }
    }
}

/// The last looks at objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Looks(FxHashMap<Uid, Seen>);

impl Looks {
    /// Whether the last look at an object saw, and left behind, just this.
    pub(super) fn knows(&self, seen: &Seen) -> bool {
        let same = |known: &Seen| Arc::ptr_eq(&known.object, &seen.object) && (known.dependents, known.at) == (seen.dependents, seen.at);
        self.0.get(&seen.object.meta.uid).is_some_and(same)
    }

    /// Keeps what a look saw beside the object, and the object as it left it.
    pub(super) fn keep(&mut self, object: &Arc<Object>, seen: Seen) {
        self.0.insert(object.meta.uid, Seen { object: Arc::clone(object), ..seen });
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&mut self, uid: Uid) {
        self.0.remove(&uid);
    }
}
