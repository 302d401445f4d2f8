//! Text to trees with spans, for rules that look at what the user wrote.

use std::borrow::Cow;
use std::sync::Arc;

use super::compose::{Build, Key, Place, compose};
use super::lines::{blanks, is_marker, readable};
use super::node::{Comment, Document, Entry, Node, NodeKind, YamlError};
use super::outline::Outline;
use super::parser::{NONE, Parser, Tree};
use super::reader::Input;
use super::resolve::Scalar;
use super::scanner::{Fail, RawComment, Scanner};
use crate::source::{FileId, Span};

pub(super) struct Nodes {
    file: FileId,
    base: usize,
}

/// Deeper trees are errors: whoever walks a tree may do so with recursion.
const MAX_DEPTH: usize = 1000;

impl Nodes {
    /// Makes nodes of a text that stands at `base` of `file`.
    pub(super) fn new(file: FileId, base: usize) -> Self {
        Self { file, base }
    }

    fn span(&self, (start, end): Place) -> Span {
        Span::new(self.file, start + self.base, end + self.base)
    }

    fn node(&self, place: Place, kind: NodeKind) -> Arc<Node> {
        Arc::new(Node { span: self.span(place), kind })
    }
}

/// What a scalar is in a tree.
pub(super) fn kind_of(scalar: Scalar, text: impl FnOnce() -> String) -> NodeKind {
    match scalar {
        Scalar::Null => NodeKind::Null,
        Scalar::Bool(b) => NodeKind::Bool(b),
        Scalar::Int(i) => NodeKind::Int(i),
        Scalar::Uint(u) => NodeKind::Uint(u),
        Scalar::Float(f) => NodeKind::Float(f),
        Scalar::Timestamp | Scalar::Str => NodeKind::Str(text()),
    }
}

/// A text that nearly always is UTF-8.
fn string(text: Cow<'_, [u8]>) -> String {
    match text {
        Cow::Borrowed(b) => String::from_utf8_lossy(b).into_owned(),
        Cow::Owned(v) => String::from_utf8(v).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
    }
}

impl Build for Nodes {
    type Out = Arc<Node>;

    fn scalar(&mut self, place: Place, scalar: Scalar, text: Cow<'_, [u8]>) -> Arc<Node> {
        self.node(place, kind_of(scalar, || string(text)))
    }

    fn sequence(&mut self, place: Place, items: Vec<Arc<Node>>) -> Arc<Node> {
        self.node(place, NodeKind::Sequence(items))
    }

    fn mapping(&mut self, place: Place, entries: Vec<(Key<'_>, Arc<Node>)>) -> Arc<Node> {
        let entry = |(key, value): (Key<'_>, Arc<Node>)| Entry { key_span: self.span(key.place), key: string(key.text), value };
        self.node(place, NodeKind::Mapping(entries.into_iter().map(entry).collect()))
    }
}

/// How deep a raw tree is, children counted after their parents.
fn too_deep(tree: &Tree<'_>) -> bool {
    let mut stack = vec![(tree.root, 0)];
    while let Some((id, depth)) = stack.pop() {
        if id == NONE {
            continue;
        }
        if depth > MAX_DEPTH {
            return true;
        }
        let node = tree.node(id);
        stack.push((node.next, depth));
        stack.push((node.first, depth + 1));
    }
    false
}

/// All documents of a text. A document that is not YAML has an error; reading goes on at the next `---`.
pub fn parse(text: &str, file: FileId) -> Vec<Document> {
    let mut all = Vec::new();
    parse_each(text, file, &mut |document| all.push(document));
    all
}

/// As [`parse`], handing over each document as soon as it is whole.
pub fn parse_each(text: &str, file: FileId, sink: &mut dyn FnMut(Document)) {
    outline_each(text, file, &mut |parsed| sink(parsed.document()));
}

/// A document of a text.
#[derive(Debug)]
pub enum Parsed<'a> {
    /// In the plain subset; its tree is made when it is asked for.
    Outline(Outline<'a>),
    /// Any other.
    Document(Document),
}

impl Parsed<'_> {
    /// The document with its tree.
    pub fn document(self) -> Document {
        match self {
            Self::Outline(outline) => outline.document(),
            Self::Document(document) => document,
        }
    }
}

/// As [`parse_each`], without the trees of documents that are in the plain subset.
pub fn outline_each<'a>(text: &'a str, file: FileId, sink: &mut dyn FnMut(Parsed<'a>)) {
    outline_chunk(text, &Chunk { start: 0, end: text.len(), plain: is_plain(text) }, file, sink);
}

/// A part of a text that can be read by itself.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    start: usize,
    end: usize,
    plain: bool,
}

/// Cuts a text between documents into chunks of about `size` bytes; a text that only tokens tell apart is one chunk.
pub fn chunks(text: &str, size: usize) -> Vec<Chunk> {
    let plain = is_plain(text);
    let mut out = Vec::new();
    let mut start = 0;
    while plain && text.len() - start > size {
        let end = next_marker(text, start + size);
        out.push(Chunk { start, end, plain });
        start = end;
    }
    if start < text.len() || out.is_empty() {
        out.push(Chunk { start, end: text.len(), plain });
    }
    out
}

/// As [`outline_each`], for one of the [`chunks`] of a text.
pub fn outline_chunk<'a>(text: &'a str, chunk: &Chunk, file: FileId, sink: &mut dyn FnMut(Parsed<'a>)) {
    if !chunk.plain || text.is_empty() {
        return by_tokens(text, file, &mut |document| sink(Parsed::Document(document)));
    }
    let mut lines = Counted::default();
    let mut base = chunk.start;
    while base < chunk.end {
        if let Some(outline) = outline(text, base, file) {
            base = outline.span().end as usize;
            sink(Parsed::Outline(outline));
            continue;
        }
        let mut out = Held { last: None, sink: &mut |document| sink(Parsed::Document(document)) };
        let resume = parse_from(text, base, file, true, lines.before(text, base), &mut out);
        out.finish();
        let Some(resume) = resume else { return };
        base = resume;
    }
}

/// Any text.
pub(super) fn by_tokens(text: &str, file: FileId, sink: &mut dyn FnMut(Document)) {
    let mut lines = Counted::default();
    let mut base = 0;
    let mut out = Held { last: None, sink };
    while let Some(resume) = parse_from(text, base, file, false, lines.before(text, base), &mut out) {
        base = resume;
    }
    out.finish();
}

/// Whether the documents of a text are those between its lines that start with `---`, in characters that all mean themselves.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let starts = |mark: &str| text.starts_with(mark) || memchr::memmem::find(bytes, format!("\n{mark}").as_bytes()).is_some();
    readable(bytes) && !starts("...") && !starts("%")
}

/// The document at `base`, if it is in the subset.
fn outline(text: &str, base: usize, file: FileId) -> Option<Outline<'_>> {
    let start = first_after_marker(text, base);
    let body = text.get(start..)?;
    if start == base {
        let read = Outline::read(body, start, file)?;
        // What stands before the first document belongs to it.
        let root = read.root()?.span().start;
        return Some(read.starting(root));
    }
    let blank = blanks(body.as_bytes());
    let head = body.as_bytes().get(blank).filter(|b| **b != b'\n');
    if head.is_some_and(|b| blank == 0 || *b != b'#') {
        return None;
    }
    let read = Outline::read(body, start, file)?;
    Some(if head.is_some() { read.with_head() } else { read })
}

/// Counts lines, each once.
#[derive(Default)]
struct Counted {
    at: usize,
    lines: usize,
}

impl Counted {
    /// The lines before `at`, which never lies before what was asked for earlier.
    fn before(&mut self, text: &str, at: usize) -> usize {
        self.lines += memchr::memchr_iter(b'\n', &text.as_bytes()[self.at..at]).count();
        self.at = at;
        self.lines
    }
}

/// Documents on their way out; the last one waits for the comments behind it.
struct Held<'s> {
    last: Option<Document>,
    sink: &'s mut dyn FnMut(Document),
}

impl Held<'_> {
    fn push(&mut self, document: Document) {
        if let Some(whole) = self.last.replace(document) {
            (self.sink)(whole);
        }
    }

    fn finish(self) {
        if let Some(last) = self.last {
            (self.sink)(last);
        }
    }
}

/// Parses from `base` on; answers where to go on after an error, or, when it reads `one` document only, after that.
fn parse_from(text: &str, base: usize, file: FileId, one: bool, first_line: usize, out: &mut Held<'_>) -> Option<usize> {
    let bytes = text.as_bytes().get(base..)?;
    let input = if one { Input::readable(bytes) } else { Input::new(bytes) };
    let shift = base + input.shift;
    let mut parser = Parser::new(Scanner::new(&input, true));
    // Where the document being read begins.
    let mut from = base;
    loop {
        let parsed = parser.document();
        let comments = std::mem::take(&mut parser.scanner.comments);
        match parsed {
            Ok(tree) if tree.root == NONE => {
                keep_comments(comments, shift, file, out);
                return None;
            }
            Ok(tree) => {
                let start = (tree.start + shift).max(from);
                let end = document_end(text, start, parser.scanner.position() + shift);
                let mut builder = Nodes::new(file, shift);
                let built = if too_deep(&tree) {
                    Err(Fail::plain("exceeded max depth of 1000", Some(tree.start)))
                } else {
                    compose(&tree, &mut builder, false)
                };
                let (root, error) = match built {
                    Ok((root, late)) => match late.key {
                        Some(fail) => (None, Some(YamlError { message: fail.message, offset: fail.offset.map(|o| o + shift) })),
                        None => (root, None),
                    },
                    Err(fail) => (None, Some(error_of(fail, shift, first_line))),
                };
                let root = root.filter(|n| !(matches!(n.kind, NodeKind::Null) && n.span.start == n.span.end));
                from = end;
                let (mine, next): (Vec<RawComment>, Vec<RawComment>) = comments.into_iter().partition(|c| c.start + shift < end);
                parser.scanner.comments = next;
                out.push(Document {
                    span: Span::new(file, start, end),
                    root,
                    comments: mine.into_iter().map(|c| comment(c, shift, file)).collect(),
                    error,
                });
                if one && first_after_marker(text, end) > end && end > base {
                    return Some(end);
                }
            }
            Err(fail) => {
                let at = fail.offset.map_or(from, |o| o + shift).max(from).min(text.len());
                // The error may stand at the marker itself.
                let end = next_marker(text, at.saturating_sub(1).max(first_after_marker(text, from)));
                let comments = comments.into_iter().map(|c| comment(c, shift, file)).collect();
                let mut error = error_of(fail, shift, first_line);
                error.offset = error.offset.map(|o| on_text(text, from, o));
                out.push(Document { span: Span::new(file, from, end), root: None, comments, error: Some(error) });
                return (end < text.len() && end > base).then_some(end);
            }
        }
    }
}

/// What the text lacks at its end is told at its last word: there is nothing to see behind it.
fn on_text(text: &str, from: usize, at: usize) -> usize {
    if text.get(at..).is_some_and(|rest| !rest.trim().is_empty()) {
        return at;
    }
    let read = text.get(from..at.min(text.len())).unwrap_or("").trim_end();
    read.char_indices().next_back().map_or(at, |(i, _)| from + i)
}

/// Go's sentence, with the line counted from the start of the whole text.
fn error_of(fail: Fail, shift: usize, first_line: usize) -> YamlError {
    let mut message = fail.message;
    if first_line > 0
        && let Some((line, rest)) = message.strip_prefix("line ").and_then(|m| m.split_once(": "))
        && let Ok(line) = line.parse::<usize>()
    {
        message = format!("line {}: {rest}", line + first_line);
    }
    YamlError { message: format!("yaml: {message}"), offset: fail.offset.map(|o| o + shift) }
}

fn comment(c: RawComment, shift: usize, file: FileId) -> Comment {
    Comment { span: Span::new(file, c.start + shift, c.end + shift), own_line: c.own_line }
}

/// Comments after the last document belong to it.
fn keep_comments(comments: Vec<RawComment>, shift: usize, file: FileId, out: &mut Held<'_>) {
    if comments.is_empty() {
        return;
    }
    let comments: Vec<Comment> = comments.into_iter().map(|c| comment(c, shift, file)).collect();
    if let Some(last) = &mut out.last {
        last.span.end = last.span.end.max(comments.last().map_or(0, |c| c.span.end));
        last.comments.extend(comments);
    } else {
        let span = Span { file, start: comments[0].span.start, end: comments[comments.len() - 1].span.end };
        out.push(Document { span, root: None, comments, error: None });
    }
}

/// The end of a document: the next line that starts with `---` or `...`, or how far was read.
fn document_end(text: &str, start: usize, read: usize) -> usize {
    let read = read.min(text.len());
    let head = &text.as_bytes()[start.min(read)..read];
    let marker = head.ends_with(b"---") || head.ends_with(b"...");
    if marker { read - 3 } else { read }.max(start.min(text.len()))
}

/// Behind the `---` that stands at `from`, if one does.
fn first_after_marker(text: &str, from: usize) -> usize {
    if is_marker(&text.as_bytes()[from.min(text.len())..]) { from + 3 } else { from }
}

/// The next line that starts with `---`, from `at` on.
fn next_marker(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..).unwrap_or(b"");
    let lines = memchr::memmem::find_iter(rest, b"\n---").map(|i| at + i + 1);
    lines.into_iter().find(|i| bytes.get(i + 3).is_none_or(u8::is_ascii_whitespace)).unwrap_or(text.len())
}
