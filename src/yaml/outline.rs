//! A document read line by line: where its keys and values stand, and nothing copied until somebody asks.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use super::compose::{Build, Key, NONE_NODE, bool_key};
use super::lines::{Form, Lines, Sink, blanks};
use super::node::{Comment, Document, Node, NodeKind};
use super::resolve::{Scalar, resolve};
use super::scanner::{RawComment, Scanner};
use super::tree::{Nodes, kind_of};
use crate::source::{FileId, Span};

/// A key or value, before the keys and values in it.
#[derive(Clone, Copy, Debug)]
struct Cell {
    start: u32,
    end: u32,
    /// The cell behind all that is in this one.
    next: u32,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Scalar(Form),
    Sequence,
    /// Keys and values in turn.
    Mapping,
}

/// The cells of a document's text, its root first.
#[derive(Debug, Default)]
pub(super) struct Cells {
    all: Vec<Cell>,
    open: Vec<u32>,
    comments: Vec<RawComment>,
    /// Whether nobody wants the comments.
    no_comments: bool,
}

impl Cells {
    #[inline]
    fn push(&mut self, start: usize, end: usize, what: What) {
        let next = self.all.len() as u32 + 1;
        self.all.push(Cell { start: start as u32, end: end as u32, next, what });
    }
}

impl Sink for Cells {
    fn open(&mut self, mapping: bool, start: usize) {
        self.open.push(self.all.len() as u32);
        self.push(start, start, if mapping { What::Mapping } else { What::Sequence });
    }

    fn close(&mut self, end: usize) {
        let next = self.all.len() as u32;
        if let Some(cell) = self.open.pop().and_then(|i| self.all.get_mut(i as usize)) {
            (cell.end, cell.next) = (end as u32, next);
        }
    }

    #[inline]
    fn scalar(&mut self, form: Form, start: usize, end: usize) {
        self.push(start, end, What::Scalar(form));
    }

    fn comment(&mut self, start: usize, end: usize, own_line: bool) {
        if !self.no_comments {
            self.comments.push(RawComment { start, end, own_line });
        }
    }
}

/// Reads a text without document markers that is [`readable`](super::lines::readable), but for its comments; `None` when it is
/// not in the subset.
pub(super) fn cells(text: &str) -> Option<Cells> {
    lines(text, true)?.all()
}

/// The reader of a text that is [`readable`](super::lines::readable); `None` for one that is too long.
fn lines(text: &str, no_comments: bool) -> Option<Lines<'_, Cells>> {
    u32::try_from(text.len()).ok()?;
    let mut all = SPARE.take();
    // Most lines hold a key and a value; of what stands behind the document nothing is known.
    all.reserve((text.len() / 24).min(FIRST) + 8);
    Some(Lines::new(text.as_bytes(), Cells { all, open: Vec::new(), comments: Vec::new(), no_comments }))
}

/// How many cells a document gets at once.
const FIRST: usize = 1 << 12;

thread_local! {
    /// The cells of the last document that this thread read, to be used again.
    static SPARE: RefCell<Vec<Cell>> = const { RefCell::new(Vec::new()) };
}

/// More cells are not kept.
const MAX_SPARE: usize = 1 << 16;

impl Drop for Cells {
    fn drop(&mut self) {
        let mut all = std::mem::take(&mut self.all);
        if all.capacity() <= MAX_SPARE {
            all.clear();
            SPARE.set(all);
        }
    }
}

/// A document of the plain subset, before its tree is made.
#[derive(Debug)]
pub struct Outline<'a> {
    text: &'a str,
    /// Where `text` starts in the file.
    base: usize,
    file: FileId,
    span: Span,
    cells: Cells,
}

impl<'a> Outline<'a> {
    /// Reads `text`, which stands at `base` of `file`, up to the next document.
    pub(super) fn read(text: &'a str, base: usize, file: FileId) -> Option<Self> {
        let (cells, end) = lines(text, false)?.document()?;
        Some(Self { text: text.get(..end)?, base, file, span: Span::new(file, base, base + end), cells })
    }

    /// With another start of its place.
    pub(super) fn starting(mut self, start: u32) -> Self {
        self.span.start = start;
        self
    }

    /// The first comment stands behind the `---`.
    pub(super) fn with_head(mut self) -> Self {
        if let Some(first) = self.cells.comments.first_mut() {
            first.own_line = false;
        }
        self
    }

    /// The place of the document, from after its `---`.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The root; `None` for a document of comments.
    pub fn root(&self) -> Option<Part<'_>> {
        (!self.cells.all.is_empty()).then_some(Part { of: self, at: 0 })
    }

    /// The places of its comments.
    pub fn comments(&self) -> impl Iterator<Item = Span> {
        self.cells.comments.iter().map(|c| Span::new(self.file, c.start + self.base, c.end + self.base))
    }

    /// The document with its tree.
    pub fn document(&self) -> Document {
        self.with_root(self.root().map(Part::node))
    }

    /// The document with another tree than its own.
    pub fn with_root(&self, root: Option<Arc<Node>>) -> Document {
        let comment = |c: &RawComment| Comment { span: Span::new(self.file, c.start + self.base, c.end + self.base), own_line: c.own_line };
        Document { span: self.span, root, comments: self.cells.comments.iter().map(comment).collect(), error: None }
    }
}

/// The text of a cell that stands there as it is: that of nearly all.
#[inline]
fn plain_text(text: &str, cell: Cell) -> Option<&str> {
    let (start, end) = (cell.start as usize, cell.end as usize);
    match cell.what {
        What::Scalar(Form::Word) => text.get(start..end),
        What::Scalar(Form::Quoted) => text.get(start + 1..end - 1),
        _ => None,
    }
}

/// A key's or value's text, as it was before escapes and folding.
fn text_of(text: &str, cell: Cell, form: Form) -> Cow<'_, str> {
    let (start, end) = (cell.start as usize, cell.end as usize);
    let raw = text.get(start..end).unwrap_or("");
    match form {
        Form::Nothing => Cow::Borrowed(""),
        Form::Plain | Form::Word => Cow::Borrowed(raw),
        Form::Quoted => Cow::Borrowed(raw.get(1..raw.len().saturating_sub(1)).unwrap_or("")),
        Form::Folded => Cow::Owned(folded(raw)),
        Form::Escaped | Form::Block => {
            if form == Form::Block
                && let Some(read) = literal(raw)
            {
                return Cow::Owned(read);
            }
            let read = Scanner::scalar_at(&text.as_bytes()[..end], start).unwrap_or(Cow::Borrowed(b""));
            match read {
                Cow::Borrowed(b) => String::from_utf8_lossy(b),
                Cow::Owned(v) => Cow::Owned(String::from_utf8(v).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())),
            }
        }
    }
}

/// The lines behind a `|`, without their indentation; `None` for blanks alone and for what is folded.
fn literal(raw: &str) -> Option<String> {
    let (head, body) = raw.strip_prefix('|')?.split_once('\n')?;
    let mut out = String::with_capacity(body.len());
    let mut indent = None;
    let mut breaks = 0;
    for line in body.split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let column = blanks(content.as_bytes());
        if column == content.len() && indent.is_none_or(|indent| column <= indent) {
            breaks += 1;
            continue;
        }
        out.extend(std::iter::repeat_n('\n', breaks));
        out.push_str(content.get(*indent.get_or_insert(column)..)?);
        breaks = line.len() - content.len();
    }
    indent?;
    let kept = match head.as_bytes().first() {
        Some(b'-') => 0,
        Some(b'+') => breaks,
        _ => breaks.min(1),
    };
    out.extend(std::iter::repeat_n('\n', kept));
    Some(out)
}

/// Joins the lines of a plain scalar: one break becomes a blank, of several the first is dropped.
fn folded(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut breaks = 0;
    for line in raw.split('\n') {
        let line = line.trim_matches(' ');
        if !line.is_empty() {
            match breaks {
                0 => {}
                1 => out.push(' '),
                n => out.extend(std::iter::repeat_n('\n', n - 1)),
            }
            out.push_str(line);
            breaks = 0;
        }
        breaks += 1;
    }
    out
}

/// What a scalar is.
fn scalar_of(text: &str, cell: Cell, form: Form) -> (Scalar, Cow<'_, str>) {
    let value = text_of(text, cell, form);
    let found = match form {
        Form::Nothing => Scalar::Null,
        Form::Plain => resolve(b"", value.as_bytes()).unwrap_or(Scalar::Str),
        // Blanks and breaks are in no number or word.
        Form::Word | Form::Folded | Form::Quoted | Form::Escaped | Form::Block => Scalar::Str,
    };
    (found, value)
}

/// Makes the value of a cell. Nothing in it needs an error: that is what the subset is for.
pub(super) fn build<B: Build>(text: &str, cells: &Cells, at: usize, build: &mut B) -> B::Out {
    let cell = cells.all[at];
    let place = (cell.start as usize, cell.end as usize);
    let mut i = at + 1;
    let end = cell.next as usize;
    match cell.what {
        What::Scalar(form) => {
            let (found, value) = scalar_of(text, cell, form);
            build.scalar(place, found, bytes(value))
        }
        What::Sequence => {
            let mut items = Vec::new();
            while i < end {
                build.enter_item(items.len());
                items.push(self::build(text, cells, i, build));
                build.leave();
                i = cells.all[i].next as usize;
            }
            build.sequence(place, items)
        }
        What::Mapping => {
            let mut entries = Vec::new();
            while i + 1 < end {
                let key = cells.all[i];
                let key = Key { text: bytes(key_of(text, key)), node: NONE_NODE, place: (key.start as usize, key.end as usize) };
                build.enter_key(&key);
                let value = self::build(text, cells, i + 1, build);
                build.leave();
                entries.push((key, value));
                i = cells.all[i + 1].next as usize;
            }
            build.mapping(place, entries)
        }
    }
}

/// The root of a text's cells.
pub(super) fn build_root<B: Build>(text: &str, cells: &Cells, build: &mut B) -> Option<B::Out> {
    (!cells.all.is_empty()).then(|| self::build(text, cells, 0, build))
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(s) => Cow::Borrowed(s.as_bytes()),
        Cow::Owned(s) => Cow::Owned(s.into_bytes()),
    }
}

/// A key as sigs.k8s.io/yaml turns it into a string; in the subset keys are texts and booleans.
fn key_of(text: &str, cell: Cell) -> Cow<'_, str> {
    if let Some(plain) = plain_text(text, cell) {
        return Cow::Borrowed(plain);
    }
    let What::Scalar(form) = cell.what else { return Cow::Borrowed("") };
    let (found, value) = scalar_of(text, cell, form);
    match found {
        Scalar::Bool(b) => String::from_utf8_lossy(match bool_key(b) {
            Cow::Borrowed(b) => b,
            Cow::Owned(_) => b"",
        }),
        _ => value,
    }
}

/// A value of an outline.
#[derive(Clone, Copy, Debug)]
pub struct Part<'o> {
    of: &'o Outline<'o>,
    at: usize,
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A mapping.
    Mapping,
    /// A sequence.
    Sequence,
    /// A text.
    Text,
    /// Any other scalar.
    Other,
}

impl<'o> Part<'o> {
    fn cell(self) -> Cell {
        self.of.cells.all[self.at]
    }

    /// What it is.
    pub fn kind(self) -> PartKind {
        match self.cell().what {
            What::Mapping => PartKind::Mapping,
            What::Sequence => PartKind::Sequence,
            What::Scalar(Form::Word | Form::Folded | Form::Quoted | Form::Escaped | Form::Block) => PartKind::Text,
            What::Scalar(form) => match scalar_of(self.of.text, self.cell(), form).0 {
                Scalar::Str | Scalar::Timestamp => PartKind::Text,
                _ => PartKind::Other,
            },
        }
    }

    /// The value of a scalar that is a text.
    pub fn text(self) -> Option<Cow<'o, str>> {
        if let Some(plain) = plain_text(self.of.text, self.cell()) {
            return Some(Cow::Borrowed(plain));
        }
        let What::Scalar(form) = self.cell().what else { return None };
        let (found, value) = scalar_of(self.of.text, self.cell(), form);
        matches!(found, Scalar::Str | Scalar::Timestamp).then_some(value)
    }

    /// The value of a scalar.
    pub fn scalar(self) -> Option<NodeKind> {
        let What::Scalar(form) = self.cell().what else { return None };
        let (found, value) = scalar_of(self.of.text, self.cell(), form);
        Some(kind_of(found, || value.into_owned()))
    }

    /// The entries of a mapping, in order; those that occur twice stay twice.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'o, str>, Part<'o>)> {
        let cell = self.cell();
        let end = if cell.what == What::Mapping { cell.next as usize } else { 0 };
        let mut i = self.at + 1;
        std::iter::from_fn(move || {
            (i + 1 < end).then(|| {
                let entry = (key_of(self.of.text, self.of.cells.all[i]), Part { of: self.of, at: i + 1 });
                i = self.of.cells.all[i + 1].next as usize;
                entry
            })
        })
    }

    /// The place of the key before a value of a mapping.
    pub fn key_span(self) -> Span {
        let Some(key) = self.at.checked_sub(1).map(|i| self.of.cells.all[i]) else { return self.span() };
        Span::new(self.of.file, key.start as usize + self.of.base, key.end as usize + self.of.base)
    }

    /// Its place.
    pub fn span(self) -> Span {
        let cell = self.cell();
        Span::new(self.of.file, cell.start as usize + self.of.base, cell.end as usize + self.of.base)
    }

    /// The last value of a key.
    pub fn get(self, key: &str) -> Option<Part<'o>> {
        self.entries().filter(|(k, _)| k == key).last().map(|(_, value)| value)
    }

    /// The items of a sequence.
    pub fn items(self) -> impl Iterator<Item = Part<'o>> {
        let cell = self.cell();
        let end = if cell.what == What::Sequence { cell.next as usize } else { 0 };
        let mut i = self.at + 1;
        std::iter::from_fn(move || {
            (i < end).then(|| {
                let item = Part { of: self.of, at: i };
                i = self.of.cells.all[i].next as usize;
                item
            })
        })
    }

    /// Its JSON value, as [`Node::to_json`] makes it, without the entries and items that `leaves_out` names: it is given the
    /// keys above and the key itself, `*` for items of lists.
    pub fn json(self, leaves_out: &dyn Fn(&[Cow<'o, str>], Self) -> bool) -> serde_json::Value {
        self.json_below(&mut Vec::new(), leaves_out)
    }

    fn json_below(self, path: &mut Vec<Cow<'o, str>>, leaves_out: &dyn Fn(&[Cow<'o, str>], Self) -> bool) -> serde_json::Value {
        let mut under = |key: Cow<'o, str>, value: Self| {
            path.push(key);
            let found = (!leaves_out(path, value)).then(|| value.json_below(path, leaves_out));
            Some((path.pop().unwrap_or_default(), found?))
        };
        match self.cell().what {
            What::Mapping => {
                serde_json::Value::Object(self.entries().filter_map(|(k, v)| under(k, v)).map(|(k, v)| (k.into_owned(), v)).collect())
            }
            What::Sequence => self.items().filter_map(|item| under(Cow::Borrowed("*"), item)).map(|(_, v)| v).collect(),
            What::Scalar(form) => match scalar_of(self.of.text, self.cell(), form) {
                (Scalar::Str | Scalar::Timestamp, text) => text.into_owned().into(),
                _ => self.node().to_json(),
            },
        }
    }

    /// Its tree.
    pub fn node(self) -> Arc<Node> {
        build(self.of.text, &self.of.cells, self.at, &mut Nodes::new(self.of.file, self.of.base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_as_tokens_are_cut() {
        let mut taken = 0;
        for head in ["|", "|-", "|+", "| ", "|-  "] {
            for body in [
                "  a\n  b\n",
                "\n\n  a\n\n   b\n  \n\n",
                "  a",
                "  a\n     \n  b\n   \n",
                "  a\n \n\n  # b\n",
                "  \ta\n\n  \u{e9}: |\n",
                "\n \n",
            ] {
                let raw = format!("{head}\n{body}");
                // What is no block at all is not asked about.
                let Some(expected) = Scanner::scalar_at(raw.as_bytes(), 0) else { continue };
                if let Some(read) = literal(&raw) {
                    assert_eq!(read.as_bytes(), &*expected, "{raw:?}");
                    taken += 1;
                }
            }
        }
        assert!(taken >= 25, "{taken}");
    }
}
