//! What many pods of a template say of themselves differs in a few words: the rest of the text is there once.

use std::hash::Hasher;
use std::sync::Arc;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use rustc_hash::FxHasher;
use serde_json::Value;

use super::facts::Facts;
use super::shared::Shared;
use super::write::quote;

/// A text with gaps for words.
#[derive(Clone, Debug, Default)]
struct Mould {
    /// What stands before each gap, and which word goes there.
    pieces: Vec<(Vec<u8>, usize)>,
    /// What stands behind the last.
    end: Vec<u8>,
    /// What the text tells, but for the words.
    facts: Facts,
    /// Which of the words is the pod's address.
    address: Option<usize>,
}

/// What texts have in common that differ in a few words only.
#[derive(Debug, Default)]
pub struct Kind {
    mould: OnceLock<Option<Mould>>,
}

/// The kind of a text, and its own words.
#[derive(Clone, Debug)]
pub struct Cast {
    kind: Arc<Kind>,
    words: Arc<[String]>,
}

/// About so long is a word.
const WORD: usize = 64;

/// So many words of its own a text may have.
const MANY: usize = 24;

impl Mould {
    /// The mould of a value in which `words` stand as texts of their own; nothing when the value tells anything of them, or of
    /// `names`, in another way.
    fn of(value: &Value, words: &[String], names: &[&str]) -> Option<Self> {
        let alike = words.iter().enumerate().any(|(i, word)| words.iter().skip(i + 1).any(|other| other == word));
        if alike || words.iter().any(|w| w.is_empty()) {
            return None;
        }
        let text = serde_json::to_vec(value).ok()?;
        let mut found: Vec<(usize, usize, usize)> = Vec::new();
        for (i, word) in words.iter().enumerate() {
            let plain = word.bytes().all(|b| !matches!(b, b'"' | b'\\' | 0..0x20));
            for at in memchr::memmem::find_iter(&text, word) {
                let end = at + word.len();
                if !plain || at == 0 || text.get(at - 1) != Some(&b'"') || text.get(end) != Some(&b'"') {
                    return None;
                }
                found.push((at - 1, end + 1, i));
            }
        }
        if names.iter().any(|name| !name.is_empty() && memchr::memmem::find(&text, name.as_bytes()).is_some()) {
            return None;
        }
        found.sort_unstable();
        let mut out = Self { facts: Facts::of(value), ..Self::default() };
        let mut from = 0;
        for (start, end, word) in found {
            out.pieces.push((text.get(from..start)?.to_vec(), word));
            from = end;
        }
        out.end = text.get(from..)?.to_vec();
        out.address = words.iter().position(|word| *word == out.facts.address);
        (out.address.is_some() || out.facts.address.is_empty()).then_some(out)
    }

    /// The text with these words in its gaps, and what it tells.
    fn fill(&self, words: &[String]) -> (Vec<u8>, Facts) {
        let pieces: usize = self.pieces.iter().map(|(piece, _)| piece.len() + WORD).sum();
        let mut text = Vec::with_capacity(pieces + self.end.len());
        let word = |i: usize| words.get(i).map_or("", String::as_str);
        for (piece, i) in &self.pieces {
            text.extend_from_slice(piece);
            quote(word(*i), &mut text);
        }
        text.extend_from_slice(&self.end);
        let address = self.address.map_or_else(String::new, |i| word(i).to_owned());
        (text, Facts { address, ..self.facts.clone() })
    }
}

impl Kind {
    /// The first of a kind, with its words.
    pub fn first(self: &Arc<Self>, value: Value, words: Vec<String>) -> Shared {
        if words.len() > MANY { value.into() } else { Shared::cast_as(value, Cast { kind: Arc::clone(self), words: words.into() }) }
    }

    /// Another of the kind of `first`, with words of its own; nothing when `first` tells anything of its words, or of `names`,
    /// in sentences.
    pub fn another(self: &Arc<Self>, first: &Shared, names: &[&str], words: Vec<String>) -> Option<Shared> {
        let cast = first.cast()?;
        let mould = self.mould.get_or_init(|| Mould::of(first, &cast.words, names)).as_ref()?;
        if words.is_empty() && cast.words.is_empty() {
            return Some(first.clone());
        }
        let (text, facts) = mould.fill(&words);
        Some(Shared::of_mould(text, facts, Cast { kind: Arc::clone(self), words: words.into() }))
    }
}

/// What texts of one kind have in common, a number that no other kind has as long as this one is there, and the words of this
/// text; nothing for what is of no kind.
pub fn kind_of(value: &Shared) -> Option<(usize, &[String])> {
    value.cast().map(|cast| (Arc::as_ptr(&cast.kind).addr(), &*cast.words))
}

/// What was read as text, once of each: pods of a template that stand where others do have the same.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    specs: FxHashMap<u64, Vec<Shared>>,
    statuses: FxHashMap<u64, Vec<(Shared, Arc<Kind>)>>,
}

fn number(parts: (&[u8], &[u8])) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(parts.0);
    hasher.write(parts.1);
    hasher.finish()
}

impl Texts {
    /// Lets a pod's specification and status know what they have in common with others of the same text. A status with an
    /// address has words of its own, and is left alone.
    pub fn know(&mut self, spec: &Shared, status: &Shared) {
        if let Some(parts) = spec.unknown() {
            let known = self.specs.entry(number(parts)).or_default();
            match known.iter().find(|known| known.unknown() == Some(parts)) {
                Some(known) => spec.look_at(known),
                None => {
                    let first = spec.again();
                    spec.look_at(&first);
                    known.push(first);
                }
            }
        }
        if let Some(parts) = status.unknown()
            && status.facts().is_some_and(|facts| facts.address.is_empty())
        {
            let known = self.statuses.entry(number(parts)).or_default();
            let found = known.iter().find(|(known, _)| known.text() == status.text()).map(|(_, kind)| Arc::clone(kind));
            let kind = found.unwrap_or_else(|| {
                let kind = Arc::new(Kind::default());
                known.push((status.again(), Arc::clone(&kind)));
                kind
            });
            status.join(Cast { kind, words: Arc::default() });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mould_tells_what_its_value_told() {
        let value = |ip: &str, id: &str| json!({"a": [{"id": id}], "podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running"});
        let words = |ip: &str, id: &str| vec![ip.to_owned(), id.to_owned()];
        let kind = Arc::new(Kind::default());
        let first = kind.first(value("10.0.0.1", "x1"), words("10.0.0.1", "x1"));
        let other = kind.another(&first, &["pod-a"], words("10.0.0.12", "y\"")).expect("a mould");
        assert_eq!(other.facts().map(|f| (f.address.as_str(), f.phase.as_str())), Some(("10.0.0.12", "Running")));
        assert_eq!(kind_of(&other).map(|k| k.1), Some(words("10.0.0.12", "y\"").as_slice()));
        assert_eq!(kind_of(&other).map(|k| k.0), kind_of(&first).map(|k| k.0));
        assert_eq!(*other, value("10.0.0.12", "y\""));
        assert_eq!(kind_of(&Shared::from(value("10.0.0.1", "x1"))), None);
        // A sentence about a word, or about the pod, is its own.
        let told = |message: &str| Mould::of(&json!({"ip": "10.0.0.1", "message": message}), &["10.0.0.1".to_owned()], &["pod-a"]);
        assert!(told("fine").is_some());
        assert!(told("at 10.0.0.1").is_none());
        assert!(told("of pod-a").is_none());
        assert!(Mould::of(&json!({}), &words("same", "same"), &[]).is_none());
    }

    #[test]
    fn texts_that_say_the_same_know_it() {
        let mut texts = Texts::default();
        let read = |text: &str| Shared::from_text(text.into());
        let mut pod = |spec: &str, status: &str| {
            let (spec, status) = (read(spec), read(status));
            texts.know(&spec, &status);
            (spec.before_placed().address(), kind_of(&status).map(|(kind, words)| (kind, words.len())))
        };
        let one = pod(r#"{"a":1,"nodeName":"n-1","z":2}"#, r#"{"phase":"Pending"}"#);
        assert_eq!(pod(r#"{"a":1,"nodeName":"node-2","z":2}"#, r#"{"phase":"Pending"}"#), one);
        let other = pod(r#"{"a":2,"nodeName":"n-1","z":2}"#, r#"{"phase":"Running"}"#);
        assert!(other.0 != one.0 && other.1 != one.1 && other.1.is_some_and(|(_, words)| words == 0));
        // Without a node it is another one; an address is a word of its own.
        let unplaced = pod(r#"{"a":1,"z":2}"#, r#"{"phase":"Pending","podIP":"10.0.0.1"}"#);
        assert!(unplaced.0 != one.0 && unplaced.1.is_none());
        // One that gets its node stays among those of its text.
        let (a, b) = (read(r#"{"a":1,"z":2}"#), read(r#"{"a":1,"z":2}"#));
        texts.know(&a, &Shared::default());
        texts.know(&b, &Shared::default());
        let placed = |spec: &Shared, node: &str| spec.placed(node).map(|placed| placed.before_placed().address());
        assert_eq!(placed(&a, "n-1"), placed(&b, "n-2"));
        assert_eq!(placed(&a, "n-1"), Some(unplaced.0));
        // A change ends it.
        let mut changed = a.clone();
        changed.make_mut()["a"] = 3.into();
        assert_eq!(changed.before_placed().address(), changed.address());
    }
}
