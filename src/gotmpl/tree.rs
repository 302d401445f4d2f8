//! The parsed template: nodes with byte positions, printed back as Go prints them in error contexts.
//! upstream: text/template/parse/node.go

use std::sync::{Arc, OnceLock};

use super::parse::{Seen, parse_body};
use crate::source::FileId;
use crate::value::Str;

/// A named template: its nodes and the text they were parsed from.
#[derive(Debug)]
pub struct Tree {
    /// The name it is called by.
    pub name: Str,
    /// The name of the text it was parsed from.
    pub parse_name: Str,
    /// That text.
    pub text: Arc<[u8]>,
    /// The text's number, when it is a file.
    pub file: Option<FileId>,
    /// The nodes, once somebody asks for them.
    root: OnceLock<Vec<Node>>,
    /// Where the body begins, for those that are parsed then.
    start: usize,
}

/// The body of a template.
pub(super) enum Body {
    Read(Vec<Node>),
    /// One that begins there, and is known to be sound.
    Unread(usize),
}

impl Tree {
    pub(super) fn new(name: Str, parse_name: Str, text: Arc<[u8]>, file: Option<FileId>, body: Body) -> Self {
        let (root, start) = match body {
            Body::Read(nodes) => (nodes.into(), 0),
            Body::Unread(start) => (OnceLock::new(), start),
        };
        Self { name, parse_name, text, file, root, start }
    }

    /// The nodes.
    pub fn root(&self) -> &[Node] {
        self.root_sharing(&mut Seen::default())
    }

    /// The nodes; when they are parsed now, what was `seen` in texts before is shared with them.
    pub(super) fn root_sharing(&self, seen: &mut Seen) -> &[Node] {
        self.root.get_or_init(|| parse_body(seen, &self.text, self.start))
    }

    /// Whether there is nothing but space and comments.
    pub fn is_empty(&self) -> bool {
        // No other body is left unread.
        self.root.get().is_some_and(|nodes| is_empty(nodes))
    }
}

/// A part of a template's text, which it shares; compares as its bytes.
#[derive(Clone)]
pub struct Slice {
    text: Arc<[u8]>,
    start: u32,
    end: u32,
}

impl Slice {
    /// The bytes `start..end` of `text`; none when there are no such bytes.
    pub fn new(text: &Arc<[u8]>, start: usize, end: usize) -> Self {
        let (start, end) = if text.get(start..end).is_some() { (start as u32, end as u32) } else { (0, 0) };
        Self { text: Arc::clone(text), start, end }
    }
}

impl std::ops::Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[self.start as usize..self.end as usize]
    }
}

impl std::borrow::Borrow<[u8]> for Slice {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl std::hash::Hash for Slice {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl PartialEq for Slice {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Slice {}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&String::from_utf8_lossy(self), f)
    }
}

/// A part of a template: text or an action.
#[derive(Debug)]
pub struct Node {
    /// Byte offset.
    pub pos: usize,
    /// The bytes from `{{` to `}}` (for a control structure: of its opening action), or the text itself.
    pub span: (usize, usize),
    /// How much further on than the pipeline's own positions say it stands: a pipeline that was there before is shared.
    pub shift: isize,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum NodeKind {
    Text(Slice),
    Action(Arc<Pipe>),
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template(Str, Option<Arc<Pipe>>),
    Break,
    Continue,
}

/// A control structure.
#[derive(Debug)]
pub struct Branch {
    /// The condition or the collection.
    pub pipe: Arc<Pipe>,
    /// The body.
    pub list: Vec<Node>,
    /// After `else`.
    pub other: Option<Vec<Node>>,
}

/// A pipeline.
#[derive(Debug)]
pub struct Pipe {
    /// Byte offset.
    pub pos: usize,
    /// Whether the variables exist already (`=`).
    pub assign: bool,
    /// Variables declared or assigned.
    pub decl: Vec<(usize, Str)>,
    /// Commands, at least one.
    pub commands: Vec<Command>,
}

/// A command: a word and its arguments.
#[derive(Debug)]
pub struct Command {
    /// Byte offset.
    pub pos: usize,
    /// The word and its arguments, at least one.
    pub args: Vec<Arg>,
}

/// An operand.
#[derive(Debug)]
pub struct Arg {
    /// Byte offset.
    pub pos: usize,
    /// What it is.
    pub kind: ArgKind,
}

/// What an operand is.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum ArgKind {
    Bool(bool),
    Dot,
    Nil,
    Number(Box<Number>),
    Str {
        quoted: Slice,
        text: Str,
    },
    Identifier(Str),
    Field(Vec<Str>),
    /// The first name carries its `$`.
    Variable(Vec<Str>),
    Chain(Box<Arg>, Vec<Str>),
    Pipe(Box<Pipe>),
}

/// A number constant under all types that can hold it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Number {
    /// As `int64`.
    pub int: Option<i64>,
    /// As `uint64`.
    pub uint: Option<u64>,
    /// As `float64`.
    pub float: Option<f64>,
    /// As `complex128`.
    pub complex: Option<(f64, f64)>,
    /// As written.
    pub text: String,
}

/// Something an error can point at.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum At<'t> {
    Node(&'t Node),
    List(usize),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Arg(&'t Arg),
}

impl At<'_> {
    /// Its byte offset, inside an action that stands so much further on than its pipeline says ([`Node::shift`]).
    pub fn pos(self, shift: isize) -> usize {
        let inside = |pos: usize| pos.wrapping_add_signed(shift);
        match self {
            Self::Node(n) => n.pos,
            Self::List(pos) => pos,
            Self::Pipe(n) => inside(n.pos),
            Self::Command(n) => inside(n.pos),
            Self::Arg(n) => inside(n.pos),
        }
    }

    /// Its source, normalised.
    pub fn print(self) -> String {
        let mut out = Vec::new();
        match self {
            Self::Node(n) => n.write(&mut out),
            Self::List(_) => {}
            Self::Pipe(n) => n.write(&mut out),
            Self::Command(n) => n.write(&mut out),
            Self::Arg(n) => n.write(&mut out),
        }
        String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
    }
}

fn write_list(nodes: &[Node], out: &mut Vec<u8>) {
    for n in nodes {
        n.write(out);
    }
}

impl Branch {
    fn write(&self, word: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(word.as_bytes());
        out.push(b' ');
        self.pipe.write(out);
        out.extend_from_slice(b"}}");
        write_list(&self.list, out);
        if let Some(other) = &self.other {
            out.extend_from_slice(b"{{else}}");
            write_list(other, out);
        }
        out.extend_from_slice(b"{{end}}");
    }
}

impl Node {
    /// Prints its source, normalised.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.kind {
            NodeKind::Text(text) => out.extend_from_slice(text),
            NodeKind::Action(pipe) => {
                out.extend_from_slice(b"{{");
                pipe.write(out);
                out.extend_from_slice(b"}}");
            }
            NodeKind::If(b) => b.write("if", out),
            NodeKind::With(b) => b.write("with", out),
            NodeKind::Range(b) => b.write("range", out),
            NodeKind::Template(name, pipe) => {
                out.extend_from_slice(b"{{template ");
                out.extend_from_slice(crate::value::quote(name.as_bytes()).as_bytes());
                if let Some(pipe) = pipe {
                    out.push(b' ');
                    pipe.write(out);
                }
                out.extend_from_slice(b"}}");
            }
            NodeKind::Break => out.extend_from_slice(b"{{break}}"),
            NodeKind::Continue => out.extend_from_slice(b"{{continue}}"),
        }
    }
}

impl Pipe {
    /// Prints its source, normalised.
    pub fn write(&self, out: &mut Vec<u8>) {
        if !self.decl.is_empty() {
            for (i, (_, name)) in self.decl.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(name.as_bytes());
            }
            out.extend_from_slice(if self.assign { b" = " } else { b" := " });
        }
        for (i, c) in self.commands.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b" | ");
            }
            c.write(out);
        }
    }
}

impl Command {
    /// Prints its source, normalised.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (i, arg) in self.args.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            arg.write_nested(out);
        }
    }
}

impl Arg {
    fn write_nested(&self, out: &mut Vec<u8>) {
        let nested = matches!(self.kind, ArgKind::Pipe(_));
        if nested {
            out.push(b'(');
        }
        self.write(out);
        if nested {
            out.push(b')');
        }
    }

    /// Prints its source, normalised.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.kind {
            ArgKind::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
            ArgKind::Dot => out.push(b'.'),
            ArgKind::Nil => out.extend_from_slice(b"nil"),
            ArgKind::Number(n) => out.extend_from_slice(n.text.as_bytes()),
            ArgKind::Str { quoted, .. } => out.extend_from_slice(quoted),
            ArgKind::Identifier(name) => out.extend_from_slice(name.as_bytes()),
            ArgKind::Field(names) => write_fields(names, out),
            ArgKind::Variable(names) => {
                out.extend_from_slice(names[0].as_bytes());
                write_fields(&names[1..], out);
            }
            ArgKind::Chain(inner, names) => {
                inner.write_nested(out);
                write_fields(names, out);
            }
            ArgKind::Pipe(pipe) => pipe.write(out),
        }
    }
}

fn write_fields(names: &[Str], out: &mut Vec<u8>) {
    for name in names {
        out.push(b'.');
        out.extend_from_slice(name.as_bytes());
    }
}

/// Whether there is nothing but space and comments.
fn is_empty(nodes: &[Node]) -> bool {
    nodes.iter().all(|n| match &n.kind {
        NodeKind::Text(text) => {
            !text.iter().any(u8::is_ascii_graphic)
                && String::from_utf8_lossy(text).trim_matches(|c: char| c.is_whitespace() && c != '\u{1c}' && c != '\u{1d}').is_empty()
        }
        _ => false,
    })
}
