//! Where a value came from: a key of a values file, a `--set` argument, or several of these.

use super::text::Span;

/// The number of an [`Origin`] in [`Origins`]; 0 is "unknown", so that values cost nothing when tracing is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(pub u32);

impl OriginId {
    /// Unknown.
    pub const NONE: Self = Self(0);

    /// Whether anything is known.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// A part of a string and where that part came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// First byte of the string.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The template action that wrote this part, where a template did (`include`, `tpl`).
    pub template: Option<Span>,
    /// Whether `template` is an action and not literal text.
    pub action: bool,
    /// The innermost include call around the part, as an index into the frames of the rendering.
    pub frame: Option<u32>,
    /// The value that supplied it.
    pub origin: OriginId,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A key of a values file (the chart's `values.yaml` or one given with `-f`).
    Key {
        /// The scalar or collection.
        value: Span,
        /// Its key; equal to `value` for list items.
        key: Span,
        /// The path from the top of that file, such as `image.tag`.
        path: String,
    },
    /// A command-line argument.
    Argument {
        /// Such as `--set`.
        flag: &'static str,
        /// The argument as given.
        text: String,
        /// The path it sets, such as `image.tag`.
        path: String,
    },
    /// Moved text: each part has its own origin.
    Pieces(Vec<Piece>),
    /// Computed from these.
    Derived(Vec<OriginId>),
}

/// All origins of one rendering.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    list: Vec<Origin>,
}

impl Origins {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets all but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Adds one.
    pub fn add(&mut self, origin: Origin) -> OriginId {
        self.list.push(origin);
        OriginId(self.list.len() as u32)
    }

    /// The origin with this number; `None` for [`OriginId::NONE`].
    pub fn get(&self, id: OriginId) -> Option<&Origin> {
        self.list.get((id.0 as usize).checked_sub(1)?)
    }

    /// "Computed from `from`", without unknown ones and without doubles; unknown when nothing is left.
    pub fn derived(&mut self, from: impl IntoIterator<Item = OriginId>) -> OriginId {
        let mut ids: Vec<OriginId> = Vec::new();
        for id in from {
            let known = match self.get(id) {
                None => continue,
                Some(Origin::Derived(list)) => list.clone(),
                Some(Origin::Pieces(pieces)) => pieces.iter().map(|p| p.origin).collect(),
                Some(_) => vec![id],
            };
            for id in known {
                if id.is_some() && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        match ids.as_slice() {
            [] => OriginId::NONE,
            _ => self.add(Origin::Derived(ids)),
        }
    }

    /// The keys and arguments behind an origin, in order, without doubles; `exact` is false where they were computed with.
    pub fn leaves(&self, id: OriginId) -> (Vec<&Origin>, bool) {
        let mut out = Vec::new();
        let mut exact = true;
        self.collect(id, &mut out, &mut exact, 0);
        (out, exact)
    }

    fn collect<'a>(&'a self, id: OriginId, out: &mut Vec<&'a Origin>, exact: &mut bool, depth: usize) {
        if depth > 64 {
            return;
        }
        match self.get(id) {
            None => {}
            Some(Origin::Pieces(pieces)) => pieces.iter().for_each(|p| self.collect(p.origin, out, exact, depth + 1)),
            Some(Origin::Derived(list)) => {
                *exact = false;
                list.iter().for_each(|id| self.collect(*id, out, exact, depth + 1));
            }
            Some(leaf) => {
                if !out.contains(&leaf) {
                    out.push(leaf);
                }
            }
        }
    }
}
