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
pub(super) struct InOrder(Vec<(Uid, Arc<Object>)>);

impl InOrder {
    /// Puts an object in its place.
    pub(super) fn put(&mut self, object: &Arc<Object>) {
        let uid = object.meta.uid;
        if self.0.last().is_none_or(|(last, _)| *last < uid) {
            self.0.push((uid, Arc::clone(object)));
            return;
        }
        match self.0.binary_search_by_key(&uid, |(known, _)| *known) {
            Ok(place) => self.0[place].1 = Arc::clone(object),
            Err(place) => self.0.insert(place, (uid, Arc::clone(object))),
        }
    }

    /// Takes an object away.
    pub(super) fn remove(&mut self, uid: Uid) {
        if let Ok(place) = self.0.binary_search_by_key(&uid, |(known, _)| *known) {
            self.0.remove(place);
        }
    }

    /// All of them in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.0.iter().map(|(_, object)| object)
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
