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

/// Objects in order of creation. What is new comes last.
#[derive(Clone, Debug, Default)]
pub(super) struct InOrder {
    all: Vec<(Uid, Arc<Object>)>,
    /// How often one was put in or taken away.
    changes: u64,
}

impl InOrder {
    /// Puts an object in its place.
    pub(super) fn put(&mut self, object: &Arc<Object>) {
        self.changes += 1;
        let uid = object.meta.uid;
        if self.all.last().is_none_or(|(last, _)| *last < uid) {
            self.all.push((uid, Arc::clone(object)));
            return;
        }
        match self.all.binary_search_by_key(&uid, |(known, _)| *known) {
            Ok(place) => self.all[place].1 = Arc::clone(object),
            Err(place) => self.all.insert(place, (uid, Arc::clone(object))),
        }
    }

    /// Takes an object away.
    pub(super) fn remove(&mut self, uid: Uid) {
        self.changes += 1;
        if let Ok(place) = self.all.binary_search_by_key(&uid, |(known, _)| *known) {
            self.all.remove(place);
        }
    }

    /// All of them in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.all.iter().map(|(_, object)| object)
    }

    /// Differs when one was put in or taken away in between.
    pub(super) fn changes(&self) -> u64 {
        self.changes
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
