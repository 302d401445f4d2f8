//! Text to trees with spans, for rules that look at what the user wrote.

use std::borrow::Cow;
use std::sync::Arc;

use super::compose::{Build, Key, compose};
use super::node::{Comment, Document, Entry, Node, NodeKind, YamlError};
use super::parser::{NONE, Parser, RawNode, Tree};
use super::reader::Input;
use super::resolve::Scalar;
use super::scanner::{Fail, RawComment, Scanner};
use crate::source::{FileId, Span};

struct Nodes {
    file: FileId,
    base: usize,
    /// Above zero below a node that is too deep to be kept.
    depth: usize,
}

/// Deeper trees are errors: whoever walks a tree may do so with recursion.
const MAX_DEPTH: usize = 1000;

impl Nodes {
    fn node(&self, node: &RawNode<'_>, kind: NodeKind) -> Arc<Node> {
        Arc::new(Node { span: Span::new(self.file, node.start + self.base, node.end + self.base), kind })
    }
}

impl Build for Nodes {
    type Out = Arc<Node>;

    fn scalar(&mut self, node: &RawNode<'_>, scalar: Scalar, text: Cow<'_, [u8]>) -> Arc<Node> {
        let kind = match scalar {
            Scalar::Null => NodeKind::Null,
            Scalar::Bool(b) => NodeKind::Bool(b),
            Scalar::Int(i) => NodeKind::Int(i),
            Scalar::Uint(u) => NodeKind::Uint(u),
            Scalar::Float(f) => NodeKind::Float(f),
            Scalar::Timestamp | Scalar::Str => NodeKind::Str(String::from_utf8_lossy(&text).into_owned()),
        };
        self.node(node, kind)
    }

    fn sequence(&mut self, node: &RawNode<'_>, items: Vec<Arc<Node>>) -> Arc<Node> {
        self.node(node, NodeKind::Sequence(items))
    }

    fn mapping(&mut self, tree: &Tree<'_>, node: &RawNode<'_>, entries: Vec<(Key, Arc<Node>)>) -> Arc<Node> {
        let entries = entries
            .into_iter()
            .map(|(key, value)| {
                let raw = tree.node(key.node);
                let key_span = Span::new(self.file, raw.start + self.base, raw.end + self.base);
                Entry { key: String::from_utf8_lossy(&key.text).into_owned(), key_span, value }
            })
            .collect();
        self.node(node, NodeKind::Mapping(entries))
    }

    fn enter_key(&mut self, _: &Tree<'_>, _: &Key) {
        self.depth += 1;
    }

    fn enter_item(&mut self, _: usize) {
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
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
    let mut out = Held { last: None, sink };
    let mut base = 0;
    while let Some(resume) = parse_from(text, base, file, &mut out) {
        base = resume;
    }
    if let Some(last) = out.last {
        (out.sink)(last);
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
}

/// Parses from `base` on; answers where to go on after an error.
fn parse_from(text: &str, base: usize, file: FileId, out: &mut Held<'_>) -> Option<usize> {
    let bytes = text.as_bytes().get(base..)?;
    let first_line = bytes_lines(&text.as_bytes()[..base]);
    let input = Input::new(bytes);
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
                let mut builder = Nodes { file, base: shift, depth: 0 };
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

fn bytes_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| **b == b'\n').count()
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

/// The line after the `---` that stands at `from`, if one does.
fn first_after_marker(text: &str, from: usize) -> usize {
    if text.as_bytes()[from.min(text.len())..].starts_with(b"---") { from + 3 } else { from }
}

/// The next line that starts with `---`, from `at` on.
fn next_marker(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut i = at;
    while let Some(n) = bytes.get(i..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
        i += n + 1;
        let rest = &bytes[i..];
        if rest.starts_with(b"---") && rest.get(3).is_none_or(u8::is_ascii_whitespace) {
            return i;
        }
    }
    text.len()
}
