//! Something that is kept for each object and read when that object's is needed: most commands need few.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use rayon::prelude::*;
use rustc_hash::FxBuildHasher;
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

/// What can be told of something without reading it.
pub(super) trait Told {
    /// Of a list its length, how often its parts were told together, and since when the oldest was told last.
    fn tally(&self) -> Option<[i64; 3]> {
        None
    }
}

#[derive(Clone, Debug)]
struct One<T> {
    /// A number that can be told without reading, such as a time.
    mark: i64,
    /// What else can be told so.
    tally: Option<[i64; 3]>,
    /// What was added to the list in its text, each part behind a comma.
    added: Vec<u8>,
    /// What the added parts say, as numbers that differ when that does, but for rare chances.
    says: Vec<u64>,
    /// Its line, and where in it its text begins; nothing once it has changed, or when all of it was added.
    text: Option<(Range<usize>, usize)>,
    value: OnceLock<Arc<T>>,
}

/// Whether a word that begins with a quote stands in a text. For texts as short as these a searcher takes longer to make than
/// to use.
fn stands_in(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.get(1) else { return memchr::memmem::find(text, word).is_some() };
    memchr::memchr_iter(*first, text).any(|at| at > 0 && text.get(at - 1..).is_some_and(|rest| rest.starts_with(word)))
}

impl<T> One<T> {
    /// A list with what was added to it.
    fn list(&self, text: &[u8]) -> Vec<u8> {
        match text.split_last() {
            // Without its end.
            Some((_, list)) => [list, &self.added, b"]"].concat(),
            None => [b"[", self.added.get(1..).unwrap_or_default(), b"]"].concat(),
        }
    }
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { bytes: Arc::default(), all: BTreeMap::new() }
    }
}

impl<T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + Told> Held<T> {
    /// What the lines at these places hold.
    pub(super) fn of(bytes: &Arc<Vec<u8>>, lines: &[Range<usize>]) -> Self {
        let one = |line: &Range<usize>| {
            let text = bytes.get(line.clone())?;
            let tab = memchr::memchr(b'\t', text)?;
            let mut words = std::str::from_utf8(text.get(..tab)?).ok()?.split(' ');
            let uid = words.next()?.parse().ok()?;
            let mark = words.next()?.parse().ok()?;
            let mut number = || words.next()?.parse().ok();
            let tally = number().and_then(|count| Some([count, number()?, number()?]));
            let text = Some((line.clone(), line.start + tab + 1));
            Some((uid, One { mark, tally, added: Vec::new(), says: Vec::new(), text, value: OnceLock::new() }))
        };
        Self { bytes: Arc::clone(bytes), all: lines.iter().filter_map(one).collect() }
    }

    /// Writes a line for each.
    pub(super) fn write(&self, out: &mut Encoded) {
        for (uid, one) in &self.all {
            // Writing to memory does not fail.
            let head = |new: &mut Vec<u8>, tally: Option<[i64; 3]>| {
                let _ = write!(new, "{uid} {}", one.mark);
                for number in tally.iter().flatten() {
                    let _ = write!(new, " {number}");
                }
                new.push(b'\t');
            };
            match &one.text {
                // With its line feed.
                Some((line, _)) if one.added.is_empty() => out.kept(line.start..line.end + 1),
                // Without the end of the list.
                Some((line, from)) => {
                    out.fresh(|new| head(new, one.tally));
                    out.kept(*from..line.end - 1);
                    out.fresh(|new| {
                        new.extend_from_slice(&one.added);
                        new.extend_from_slice(b"]\n");
                    });
                }
                None if !one.added.is_empty() => out.fresh(|new| {
                    head(new, one.tally);
                    new.extend_from_slice(&one.list(b""));
                    new.push(b'\n');
                }),
                None => out.fresh(|new| {
                    let tally = one.value.get().and_then(|value| value.tally());
                    head(new, tally);
                    drop(serde_json::to_writer(&mut *new, &one.value.get().map(|v| &**v)));
                    new.push(b'\n');
                }),
            }
        }
    }

    fn read<'a>(&'a self, one: &'a One<T>) -> &'a T {
        one.value.get_or_init(|| {
            let text = self.text(one);
            let read = if one.added.is_empty() { serde_json::from_slice(text) } else { serde_json::from_slice(&one.list(text)) };
            Arc::new(read.unwrap_or_default())
        })
    }

    /// What was read of something, without what was added.
    fn text(&self, one: &One<T>) -> &[u8] {
        one.text.as_ref().and_then(|(line, from)| self.bytes.get(*from..line.end)).unwrap_or_default()
    }

    /// Whether the list of an object holds a part that `is` tells, which its text shows by `word`.
    pub(super) fn holds(&self, uid: Uid, word: &[u8], is: impl FnOnce(&T) -> bool) -> bool {
        let Some(one) = self.all.get(&uid) else { return false };
        match one.value.get() {
            Some(value) => is(value),
            None => [self.text(one), &one.added].iter().any(|text| stands_in(text, word)),
        }
    }

    /// Adds a part that says something to the list of an object that nobody has read, when its tally allows that and no other part
    /// says the same; the tally is then that of the longer list. An object without a list gets one. Whether it was added.
    pub(super) fn add(
        &mut self,
        uid: Uid,
        mark: i64,
        says: &str,
        allows: impl FnOnce([i64; 3]) -> bool,
        part: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let tally = Some([0, 0, mark]);
        let new = || One { mark, tally, added: Vec::new(), says: Vec::new(), text: None, value: OnceLock::new() };
        let one = self.all.entry(uid).or_insert_with(new);
        let (None, Some(tally)) = (one.value.get(), &mut one.tally) else { return false };
        let text = one.text.as_ref().map(|(line, from)| self.bytes.get(*from..line.end).unwrap_or_default());
        let holds = |text: &[u8]| stands_in(text, &serde_json::to_vec(says).unwrap_or_default());
        let number = FxBuildHasher.hash_one(says);
        // A list that was read empty has no part that a comma could follow.
        if (text.is_some() && tally[0] == 0) || !allows(*tally) || one.says.contains(&number) || text.is_some_and(holds) {
            return false;
        }
        one.says.push(number);
        one.added.push(b',');
        part(&mut one.added);
        tally[0] += 1;
        tally[1] += 1;
        one.mark = one.mark.max(mark);
        true
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
        let one = self.all.entry(uid).or_insert_with(|| One {
            mark,
            tally: None,
            added: Vec::new(),
            says: Vec::new(),
            text: None,
            value: OnceLock::from(Arc::new(T::default())),
        });
        one.mark = one.mark.max(mark);
        (one.text, one.tally) = (None, None);
        one.added.clear();
        one.says.clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_stands_whole() {
        let text = br#"[["a","Stopping container main"],["b","Stopp"]]"#;
        for (word, stands) in [
            (r#""Stopping container main""#, true),
            (r#""Stopp""#, true),
            (r#""Stoppi""#, false),
            (r#""main""#, false),
            (r#""b""#, true),
            (r#""""#, false),
            ("\"", true),
        ] {
            assert_eq!(stands_in(text, word.as_bytes()), stands, "{word}");
            assert!(!stands_in(b"", word.as_bytes()));
        }
        assert!(stands_in(br#"["",1]"#, br#""""#));
    }
}
