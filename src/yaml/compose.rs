//! Walks a raw tree as go-yaml v2's decoder does: aliases, merge keys, types, limits. What is built is the caller's.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::go_syntax;
use super::parser::{NONE, NodeId, RawKind, RawNode, Tree};
use super::resolve::{LONG, Scalar, resolve};
use super::scanner::Fail;

/// A key after conversion to a string, with the node that holds it.
#[derive(Clone, Debug)]
pub(super) struct Key<'k> {
    pub(super) text: Cow<'k, [u8]>,
    /// [`NONE`] where there is no raw tree.
    pub(super) node: NodeId,
    pub(super) place: Place,
}

/// Of keys that were read without a raw tree.
pub(super) const NONE_NODE: NodeId = NONE;

/// First byte and end.
pub(super) type Place = (usize, usize);

/// Makes values of one kind.
pub(super) trait Build {
    /// What is made.
    type Out;
    fn scalar(&mut self, place: Place, scalar: Scalar, text: Cow<'_, [u8]>) -> Self::Out;
    fn sequence(&mut self, place: Place, items: Vec<Self::Out>) -> Self::Out;
    fn mapping(&mut self, place: Place, entries: Vec<(Key<'_>, Self::Out)>) -> Self::Out;
    /// Before the value of a key.
    fn enter_key(&mut self, _key: &Key<'_>) {}
    /// Before a list item.
    fn enter_item(&mut self, _index: usize) {}
    /// After what was entered.
    fn leave(&mut self) {}
}

/// Errors that Go finds only after the whole document was decoded, in the order it finds them.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// `yaml: unmarshal errors`, for strict decoding.
    pub(super) duplicates: Vec<String>,
    /// A key JSON cannot have.
    pub(super) key: Option<Fail>,
    /// A number JSON cannot have.
    pub(super) number: Option<Fail>,
    /// Deeper than encoding/json reads.
    pub(super) deep: bool,
}

struct Frame<'t, Out> {
    node: NodeId,
    next: NodeId,
    alias: NodeId,
    mapping: bool,
    /// Entries go to the mapping below instead of making a value.
    merge: bool,
    items: Vec<Out>,
    entries: Vec<(Key<'t>, Out)>,
    pending: Option<Key<'t>>,
    merges: Vec<NodeId>,
    seen: FxHashSet<Vec<u8>>,
}

struct Composer<'t, 'a, B: Build> {
    tree: &'t Tree<'a>,
    build: &'t mut B,
    stack: Vec<Frame<'t, B::Out>>,
    strict: bool,
    late: Late,
    aliases: FxHashSet<NodeId>,
    decoded: usize,
    aliased: usize,
    alias_depth: usize,
}

/// encoding/json's nesting limit.
const JSON_DEPTH: usize = 10_000;

/// Builds the value of a tree; `None` for an empty stream.
pub(super) fn compose<B: Build>(tree: &Tree<'_>, build: &mut B, strict: bool) -> Result<(Option<B::Out>, Late), Fail> {
    let mut composer = Composer {
        tree,
        build,
        stack: Vec::new(),
        strict,
        late: Late::default(),
        aliases: FxHashSet::default(),
        decoded: 1,
        aliased: 0,
        alias_depth: 0,
    };
    if tree.root == NONE {
        return Ok((None, composer.late));
    }
    let out = composer.run()?;
    Ok((Some(out), composer.late))
}

fn allowed_alias_ratio(decoded: usize) -> f64 {
    const LOW: usize = 400_000;
    const HIGH: usize = 4_000_000;
    match decoded {
        ..=LOW => 0.99,
        HIGH.. => 0.10,
        _ => 0.99 - 0.89 * ((decoded - LOW) as f64 / (HIGH - LOW) as f64),
    }
}

/// A key that is a boolean, as sigs.k8s.io/yaml turns it into a string.
pub(super) fn bool_key(b: bool) -> Cow<'static, [u8]> {
    Cow::Borrowed(if b { b"true" } else { b"false" })
}

fn want_map<T>(node: &RawNode<'_>) -> Result<T, Fail> {
    Err(Fail::plain("map merge requires map or sequence of maps as the value", Some(node.start)))
}

fn is_merge(node: &RawNode<'_>) -> bool {
    matches!(&node.kind, RawKind::Scalar(text, implicit) if **text == *b"<<" && (*implicit || node.tag.strip_prefix(LONG) == Some(b"merge")))
}

/// What a scalar node holds: its type and its text, decoded when it is `!!binary`.
pub(super) fn scalar<'n>(node: &'n RawNode<'_>) -> Result<(Scalar, Cow<'n, [u8]>), Fail> {
    let RawKind::Scalar(text, implicit) = &node.kind else { return Ok((Scalar::Null, Cow::Borrowed(b""))) };
    if node.tag.is_empty() && !implicit {
        return Ok((Scalar::Str, Cow::Borrowed(text)));
    }
    let fail = |message: String| Fail::plain(message, Some(node.start));
    let found = resolve(&node.tag, text).map_err(fail)?;
    if node.tag.strip_prefix(LONG) == Some(b"binary") {
        let packed: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
        let data = data_encoding::BASE64.decode(&packed).map_err(|_| fail("!!binary value contains invalid base64 data".to_owned()))?;
        return Ok((Scalar::Str, Cow::Owned(data)));
    }
    Ok((found, Cow::Borrowed(text)))
}

impl<'t, B: Build> Composer<'t, '_, B> {
    fn count(&mut self) -> Result<(), Fail> {
        self.decoded += 1;
        if self.alias_depth > 0 {
            self.aliased += 1;
        }
        if self.aliased > 100 && self.decoded > 1000 && self.aliased as f64 / self.decoded as f64 > allowed_alias_ratio(self.decoded) {
            return Err(Fail::plain("document contains excessive aliasing", None));
        }
        Ok(())
    }

    fn run(&mut self) -> Result<B::Out, Fail> {
        let mut value = self.visit(self.tree.root, false)?;
        loop {
            if let Some(out) = value.take() {
                let Some(frame) = self.stack.last_mut() else { return Ok(out) };
                self.build.leave();
                if frame.mapping {
                    let id = frame.next;
                    frame.next = self.tree.node(id).next;
                    let key = frame.pending.take().expect("a value follows its key");
                    self.add_entry(key, id, out)?;
                } else {
                    frame.items.push(out);
                }
            }
            value = self.step()?;
        }
    }

    fn add_entry(&mut self, key: Key<'t>, value_node: NodeId, out: B::Out) -> Result<(), Fail> {
        let strict = self.strict;
        let line = self.tree.node(value_node).line + 1;
        let typed = if strict { self.typed_key(&key)? } else { Vec::new() };
        let frame = self.stack.last_mut().expect("entries have a mapping");
        if strict && !frame.seen.insert(typed.clone()) {
            self.late.duplicates.push(format!("line {line}: key {} already set in map", String::from_utf8_lossy(&typed)));
            return Ok(());
        }
        frame.entries.push((key, out));
        Ok(())
    }

    /// The key as Go's `%#v` prints it, which also tells `1` and `"1"` apart.
    fn typed_key(&self, key: &Key<'_>) -> Result<Vec<u8>, Fail> {
        self.shown(key.node).map(String::into_bytes)
    }

    fn shown(&self, id: NodeId) -> Result<String, Fail> {
        go_syntax::value(self.tree, id, self.aliases.iter().copied().collect())
    }

    /// Goes on with the innermost open collection.
    fn step(&mut self) -> Result<Option<B::Out>, Fail> {
        let tree = self.tree;
        let frame = self.stack.last_mut().expect("the loop ends with the last frame");
        if let Some(id) = frame.merges.pop() {
            let target = match tree.node(id).kind {
                RawKind::Alias(_, target) => target,
                _ => id,
            };
            if !matches!(tree.node(target).kind, RawKind::Mapping) {
                return want_map(tree.node(id));
            }
            return self.visit(id, true);
        }
        if frame.next == NONE {
            return Ok(self.close());
        }
        let id = frame.next;
        if !frame.mapping {
            frame.next = tree.node(id).next;
            let index = frame.items.len();
            self.build.enter_item(index);
            return self.visit(id, false);
        }
        let key_node = tree.node(id);
        let value = key_node.next;
        if is_merge(key_node) {
            frame.next = if value == NONE { NONE } else { tree.node(value).next };
            if value == NONE {
                return Ok(None);
            }
            match tree.node(value).kind {
                RawKind::Sequence => frame.merges = tree.children(value).collect(),
                RawKind::Mapping | RawKind::Alias(..) => frame.merges.push(value),
                RawKind::Scalar(..) => return want_map(tree.node(value)),
            }
            return Ok(None);
        }
        let key = self.key(id, value)?;
        self.build.enter_key(&key);
        let frame = self.stack.last_mut().expect("seen above");
        frame.pending = Some(key);
        frame.next = value;
        self.visit(value, false)
    }

    fn key(&mut self, id: NodeId, value: NodeId) -> Result<Key<'t>, Fail> {
        self.count()?;
        let mut target = id;
        if let RawKind::Alias(_, to) = self.tree.node(id).kind {
            target = to;
            self.alias_depth += 1;
            let counted = self.count();
            self.alias_depth -= 1;
            counted?;
        }
        let tree = self.tree;
        let node = tree.node(target);
        if matches!(node.kind, RawKind::Sequence | RawKind::Mapping) {
            return Err(Fail::plain(format!("invalid map key: {}", self.shown(id)?), Some(node.start)));
        }
        let (found, text) = scalar(node)?;
        let text = match found {
            Scalar::Null | Scalar::Uint(_) => {
                if self.late.key.is_none() {
                    let kind = if found == Scalar::Null { "%!s(<nil>)" } else { "uint64" };
                    let message =
                        format!("unsupported map key of type: {kind}, key: {}, value: {}", self.shown(target)?, self.shown(value)?);
                    self.late.key = Some(Fail::plain(message, Some(node.start)));
                }
                Cow::Borrowed(&b""[..])
            }
            Scalar::Bool(b) => bool_key(b),
            Scalar::Int(i) => Cow::Owned(i.to_string().into_bytes()),
            Scalar::Float(f) => Cow::Owned(go_syntax::float_key(f).into_bytes()),
            Scalar::Timestamp | Scalar::Str => go_syntax::valid_cow(text),
        };
        Ok(Key { text, node: target, place: (node.start, node.end) })
    }

    fn visit(&mut self, id: NodeId, merge: bool) -> Result<Option<B::Out>, Fail> {
        self.count()?;
        let tree = self.tree;
        let mut alias = NONE;
        let mut target = id;
        if let RawKind::Alias(name, to) = tree.node(id).kind {
            if !self.aliases.insert(id) {
                return Err(Fail::contains_itself(name, tree.node(id).start));
            }
            self.alias_depth += 1;
            alias = id;
            target = to;
            self.count()?;
        }
        let node = tree.node(target);
        if matches!(node.kind, RawKind::Sequence | RawKind::Mapping) {
            let mapping = matches!(node.kind, RawKind::Mapping);
            self.stack.push(Frame {
                node: target,
                next: node.first,
                alias,
                mapping,
                merge,
                items: Vec::new(),
                entries: Vec::new(),
                pending: None,
                merges: Vec::new(),
                seen: FxHashSet::default(),
            });
            if self.stack.len() > JSON_DEPTH {
                self.late.deep = true;
            }
            return Ok(None);
        }
        let (found, text) = scalar(node)?;
        if let Scalar::Float(f) = found
            && !f.is_finite()
            && self.late.number.is_none()
        {
            let name = if f.is_nan() {
                "NaN"
            } else if f > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            self.late.number = Some(Fail::plain(format!("json: unsupported value: {name}"), Some(node.start)));
        }
        let text = if found == Scalar::Str { go_syntax::valid_cow(text) } else { text };
        let out = self.build.scalar((node.start, node.end), found, text);
        self.release(alias);
        Ok(Some(out))
    }

    fn release(&mut self, alias: NodeId) {
        if alias != NONE {
            self.aliases.remove(&alias);
            self.alias_depth -= 1;
        }
    }

    fn close(&mut self) -> Option<B::Out> {
        let frame = self.stack.pop().expect("a frame is open");
        self.release(frame.alias);
        let node = self.tree.node(frame.node);
        if !frame.mapping {
            return Some(self.build.sequence((node.start, node.end), frame.items));
        }
        if !frame.merge {
            return Some(self.build.mapping((node.start, node.end), frame.entries));
        }
        let strict = self.strict;
        for (key, out) in frame.entries {
            if strict {
                let value = self.tree.node(key.node).next;
                let line_of = if value == NONE { key.node } else { value };
                // The key was printed once already, without an error.
                let _ = self.add_entry(key, line_of, out);
            } else if let Some(below) = self.stack.last_mut() {
                below.entries.push((key, out));
            }
        }
        None
    }
}
