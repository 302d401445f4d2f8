//! Something that is kept for each object and read when that object's is needed: most commands need few.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state::Encoded;
use crate::simulate::apiserver::Uid;

/// So many are worth the help of other threads.
const MANY: usize = 200;

/// What is kept, by object.
#[derive(Clone, Debug)]
pub(super) struct Held<T> {
    bytes: Arc<Vec<u8>>,
    all: BTreeMap<Uid, One<T>>,
}

#[derive(Clone, Debug)]
struct One<T> {
    /// A number that can be told without reading, such as a time.
    mark: i64,
    /// Its line, and where in it its text begins; nothing once it has changed.
    text: Option<(Range<usize>, usize)>,
    value: OnceLock<Arc<T>>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { bytes: Arc::default(), all: BTreeMap::new() }
    }
}

impl<T: Clone + Default + Serialize + DeserializeOwned + Send + Sync> Held<T> {
    /// What the lines at these places hold.
    pub(super) fn of(bytes: &Arc<Vec<u8>>, lines: &[Range<usize>]) -> Self {
        let one = |line: &Range<usize>| {
            let text = bytes.get(line.clone())?;
            let tab = memchr::memchr(b'\t', text)?;
            let (uid, mark) = std::str::from_utf8(text.get(..tab)?).ok()?.split_once(' ')?;
            let held = One { mark: mark.parse().ok()?, text: Some((line.clone(), line.start + tab + 1)), value: OnceLock::new() };
            Some((uid.parse().ok()?, held))
        };
        Self { bytes: Arc::clone(bytes), all: lines.iter().filter_map(one).collect() }
    }

    /// Writes a line for each.
    pub(super) fn write(&self, out: &mut Encoded) {
        for (uid, one) in &self.all {
            match &one.text {
                // With its line feed.
                Some((line, _)) => out.kept(line.start..line.end + 1),
                None => out.fresh(|new| {
                    new.extend_from_slice(format!("{uid} {}\t", one.mark).as_bytes());
                    // Writing to memory does not fail.
                    drop(serde_json::to_writer(&mut *new, &one.value.get().map(|v| &**v)));
                    new.push(b'\n');
                }),
            }
        }
    }

    fn read<'a>(&'a self, one: &'a One<T>) -> &'a T {
        one.value.get_or_init(|| {
            let text = one.text.as_ref().and_then(|(line, from)| self.bytes.get(*from..line.end));
            Arc::new(text.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default())
        })
    }

    /// That of an object.
    pub(super) fn get(&self, uid: Uid) -> Option<&T> {
        Some(self.read(self.all.get(&uid)?))
    }

    /// That of an object, to change it; made when there is none.
    pub(super) fn change(&mut self, uid: Uid, mark: i64) -> &mut T {
        if let Some(one) = self.all.get(&uid) {
            self.read(one);
        }
        let one = self.all.entry(uid).or_insert_with(|| One { mark, text: None, value: OnceLock::from(Arc::new(T::default())) });
        one.mark = one.mark.max(mark);
        one.text = None;
        Arc::make_mut(one.value.get_mut().expect("it was read or made just now"))
    }

    /// Forgets that of an object.
    pub(super) fn remove(&mut self, uid: Uid) {
        self.all.remove(&uid);
    }

    /// Keeps those whose mark is at least this.
    pub(super) fn retain(&mut self, least: i64) {
        self.all.retain(|_, one| one.mark >= least);
    }

    /// All of them, by object.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        if self.all.values().filter(|one| one.value.get().is_none()).count() > MANY {
            let unread: Vec<&One<T>> = self.all.values().collect();
            unread.par_iter().for_each(|one| {
                self.read(one);
            });
        }
        self.all.values().map(|one| self.read(one))
    }
}
