//! The objects by uid: found at once, and told in order of creation.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Object;
use super::Uid;

/// Objects by uid. They are looked up a hundred times as often as they come and go.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    known: FxHashMap<Uid, Arc<Object>>,
    order: BTreeSet<Uid>,
}

/// Uids in order. What is new comes last.
#[derive(Clone, Debug, Default)]
pub(super) struct Uids(Vec<Uid>);

impl Uids {
    /// Puts a uid in its place.
    pub(super) fn insert(&mut self, uid: Uid) {
        if self.0.last().is_none_or(|last| *last < uid) {
            self.0.push(uid);
        } else if let Err(place) = self.0.binary_search(&uid) {
            self.0.insert(place, uid);
        }
    }

    /// Takes a uid away.
    pub(super) fn remove(&mut self, uid: Uid) {
        if let Ok(place) = self.0.binary_search(&uid) {
            self.0.remove(place);
        }
    }

    /// All of them in order.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Uid> {
        self.0.iter()
    }
}

impl Objects {
    /// That with a uid.
    pub(super) fn get(&self, uid: Uid) -> Option<&Arc<Object>> {
        self.known.get(&uid)
    }

    /// Puts an object in the place of what had its uid.
    pub(super) fn insert(&mut self, object: Arc<Object>) {
        let uid = object.meta.uid;
        if self.known.insert(uid, object).is_none() {
            self.order.insert(uid);
        }
    }

    /// Takes an object away.
    pub(super) fn remove(&mut self, uid: Uid) -> Option<Arc<Object>> {
        self.order.remove(&uid);
        self.known.remove(&uid)
    }

    /// All of them in order of creation.
    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.order.iter().filter_map(|uid| self.known.get(uid))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}
