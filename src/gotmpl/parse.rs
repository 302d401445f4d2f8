//! The parser: items to trees, with Go's error texts. upstream: text/template/parse/parse.go

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::lex::{Item, ItemKind, Lexer};
use super::number;
use super::skim::skim;
use super::tree::{Arg, ArgKind, Body, Branch, Command, Node, NodeKind, Pipe, Slice, Tree};
use crate::source::FileId;
use crate::value::Str;
use crate::value::stacked;
use crate::value::{quote, unquote};

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Go's whole text: `template: NAME:LINE: MESSAGE`.
    pub text: String,
    /// The sentence alone.
    pub message: String,
    /// Byte offset of the item that was read last.
    pub offset: usize,
}

/// Nested parentheses and control structures beyond this are refused.
const MAX_DEPTH: usize = 10_000;

/// Parses `text`; the trees it defines, the text itself (under `name`) last.
///
/// # Errors
/// Go's parse errors.
pub fn parse(
    name: &Str,
    text: &Arc<[u8]>,
    file: Option<FileId>,
    has_function: &dyn Fn(&[u8]) -> bool,
) -> Result<Vec<Arc<Tree>>, ParseError> {
    parse_with(&mut Seen::default(), false, name, text, file, has_function)
}

/// Like [`parse`]; what was `seen` in texts before, with the same functions, is shared with them. Positions in a shared
/// pipeline are those of its first place: see [`Node::shift`].
///
/// # Errors
/// Go's parse errors.
pub fn parse_sharing(
    seen: &mut Seen,
    name: &Str,
    text: &Arc<[u8]>,
    file: Option<FileId>,
    has_function: &dyn Fn(&[u8]) -> bool,
) -> Result<Vec<Arc<Tree>>, ParseError> {
    parse_with(seen, true, name, text, file, has_function)
}

fn parse_with(
    seen: &mut Seen,
    share: bool,
    name: &Str,
    text: &Arc<[u8]>,
    file: Option<FileId>,
    has_function: &dyn Fn(&[u8]) -> bool,
) -> Result<Vec<Arc<Tree>>, ParseError> {
    let mut parser = Parser::new(seen, share, name, text, file, Lexer::new(text), has_function);
    let root = parser.file()?;
    parser.add(name.clone(), Body::Read(root))?;
    Ok(parser.trees)
}

/// The nodes of a body that was passed over (see [`skim`]) and begins at `start`. What was `seen` in texts before is shared.
///
/// # Panics
/// When it does not parse: a bug of [`skim`].
pub(super) fn parse_body(seen: &mut Seen, text: &Arc<[u8]>, start: usize) -> Vec<Node> {
    let name = Str::from("");
    let mut parser = Parser::new(seen, true, &name, text, None, Lexer::at(text, start), &|_| true);
    match parser.item_list() {
        Ok((nodes, _)) => nodes,
        Err(wrong) => unreachable!("what was passed over is wrong: {}", wrong.text),
    }
}

fn eof() -> Item {
    Item { kind: ItemKind::Eof, pos: 0, end: 0 }
}

type Parsed<T> = Result<T, ParseError>;

/// What belongs to one tree while it is parsed.
struct Scope {
    vars: Vec<Str>,
    ranges: usize,
    parens: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { vars: vec![Str::from("$")], ranges: 0, parens: 0 }
    }
}

/// What ends a list of nodes.
enum Stop {
    End,
    /// `else`, with the position of what follows.
    Else,
}

enum Step {
    Node(Node),
    Stop(Stop),
}

/// What was seen in texts: templates of a chart repeat many actions, and more words.
#[derive(Default)]
pub struct Seen {
    actions: FxHashMap<Slice, Rc<Action>>,
    /// Texts that occur again and again share their memory.
    names: FxHashSet<Str>,
    /// The functions that are known.
    functions: FxHashSet<Str>,
}

impl Seen {
    /// With room for what a large chart repeats.
    pub fn for_many() -> Self {
        const MANY: usize = 448;
        let mut seen = Self::default();
        seen.actions.reserve(MANY);
        seen.names.reserve(MANY);
        seen.functions.reserve(MANY / 8);
        seen
    }
}

/// An action up to its right delimiter.
struct Action {
    kind: ActionKind,
    /// Where it stands.
    start: usize,
    /// The variables that it uses.
    uses: Box<[Str]>,
}

enum ActionKind {
    Pipe(Arc<Pipe>),
    Control(ItemKind, Arc<Pipe>),
    /// The name, what it is given, and where the name stands.
    Template(Str, Option<Arc<Pipe>>, usize),
    Else,
    End,
}

impl ActionKind {
    fn pipe(&self) -> Option<&Pipe> {
        match self {
            Self::Pipe(pipe) | Self::Control(_, pipe) => Some(pipe),
            Self::Template(_, pipe, _) => pipe.as_deref(),
            Self::Else | Self::End => None,
        }
    }
}

struct Parser<'a> {
    name: &'a Str,
    text: &'a Arc<[u8]>,
    file: Option<FileId>,
    has_function: &'a dyn Fn(&[u8]) -> bool,
    lexer: Lexer<'a>,
    tokens: [Item; 3],
    peeked: usize,
    trees: Vec<Arc<Tree>>,
    scope: Scope,
    seen: &'a mut Seen,
    /// Whether actions are shared.
    share: bool,
    /// Where the first right delimiter behind the start of the action stands, when that may be shared.
    end: Option<usize>,
    /// The variables that the action uses.
    uses: Vec<Str>,
    /// Whether it declares some within parentheses.
    nested: bool,
    /// What is gathered for lists that are not whole yet, the outer ones first: a list gets its memory when its length is known.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    args: Vec<Arg>,
    chain: Vec<Str>,
    /// Where the action starts that is read.
    action: Option<usize>,
    nesting: usize,
}

/// Texts up to this length are looked up among those that were there before.
const SHORT: usize = 32;

impl<'a> Parser<'a> {
    fn new(
        seen: &'a mut Seen,
        share: bool,
        name: &'a Str,
        text: &'a Arc<[u8]>,
        file: Option<FileId>,
        lexer: Lexer<'a>,
        has_function: &'a dyn Fn(&[u8]) -> bool,
    ) -> Self {
        Self {
            name,
            text,
            file,
            has_function,
            lexer,
            tokens: [eof(), eof(), eof()],
            peeked: 0,
            trees: Vec::new(),
            scope: Scope::default(),
            seen,
            share,
            end: None,
            uses: Vec::new(),
            nested: false,
            nodes: Vec::new(),
            commands: Vec::new(),
            args: Vec::new(),
            chain: Vec::new(),
            action: None,
            nesting: 0,
        }
    }

    fn named(&mut self, text: &'a [u8]) -> Str {
        if text.len() > SHORT {
            return Str::from(text);
        }
        if let Some(known) = self.seen.names.get(text) {
            return known.clone();
        }
        let name = Str::from(text);
        self.seen.names.insert(name.clone());
        name
    }

    fn next(&mut self) -> Item {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.next_item();
        }
        self.tokens[self.peeked]
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    fn peek(&mut self) -> Item {
        if self.peeked == 0 {
            self.peeked = 1;
            self.tokens[0] = self.lexer.next_item();
        }
        self.tokens[self.peeked - 1]
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let token = self.next();
            if token.kind != ItemKind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn slice(&self, item: &Item) -> &'a [u8] {
        self.text.get(item.pos..item.end).unwrap_or(b"")
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let message = message.into();
        let token = &self.tokens[0];
        Err(ParseError { text: format!("template: {}:{}: {message}", self.name, self.line(token.pos)), message, offset: token.pos })
    }

    /// The line of a byte, from 1.
    fn line(&self, pos: usize) -> usize {
        1 + memchr::memchr_iter(b'\n', self.text.get(..pos).unwrap_or_default()).count()
    }

    fn show(&self, item: &Item) -> String {
        let text = self.slice(item);
        match item.kind {
            ItemKind::Eof => "EOF".to_owned(),
            ItemKind::Error => self.lexer.failure().to_owned(),
            k if k.is_keyword() => format!("<{}>", String::from_utf8_lossy(text)),
            _ if text.len() > 10 => {
                let mut end = 0;
                for _ in 0..10 {
                    end += super::lex::decode(&text[end..]).1;
                }
                format!("{}...", quote(&text[..end]))
            }
            _ => quote(text),
        }
    }

    fn unexpected<T>(&self, item: &Item, context: &str) -> Parsed<T> {
        if item.kind == ItemKind::Error {
            let mut message = self.lexer.failure().to_owned();
            let line = self.action.map(|start| self.line(start)).filter(|line| *line != self.line(item.pos));
            if let Some(line) = line {
                let extra = format!(" in action started at {}:{line}", self.name);
                message.push_str(if message.ends_with(" action") { &extra[" in action".len()..] } else { &extra });
            }
            return self.error(message);
        }
        self.error(format!("unexpected {} in {context}", self.show(item)))
    }

    fn expect(&mut self, kinds: &[ItemKind], context: &str) -> Parsed<Item> {
        let token = self.next_non_space();
        if kinds.contains(&token.kind) { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn add(&mut self, name: Str, body: Body) -> Parsed<()> {
        let tree = Tree::new(name, self.name.clone(), Arc::clone(self.text), self.file, body);
        match self.trees.iter().position(|t| t.name == tree.name) {
            None => self.trees.push(Arc::new(tree)),
            Some(i) if self.trees[i].is_empty() => {
                self.trees.remove(i);
                self.trees.push(Arc::new(tree));
            }
            Some(_) if tree.is_empty() => {}
            Some(_) => return self.error(format!("template: multiple definition of template {}", quote(tree.name.as_bytes()))),
        }
        Ok(())
    }

    fn file(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            let token = self.peek();
            match token.kind {
                ItemKind::Eof => return Ok(nodes),
                ItemKind::LeftDelim if self.lexer.at_define() => {
                    self.next();
                    self.next_non_space();
                    self.definition()?;
                    continue;
                }
                _ => {}
            }
            match self.text_or_action()? {
                Step::Node(n) => nodes.push(n),
                Step::Stop(stop) => return self.error(format!("unexpected {}", stop_name(&stop))),
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::take(&mut self.scope);
        let action = self.action.take();
        let token = self.expect(&[ItemKind::String, ItemKind::RawString], CONTEXT)?;
        let name = self.unquoted(&token)?;
        self.expect(&[ItemKind::RightDelim], CONTEXT)?;
        let body = match self.pass_over() {
            Some(body) => body,
            None => {
                let (root, stop) = self.item_list()?;
                if !matches!(stop, Stop::End) {
                    return self.error(format!("unexpected {} in {CONTEXT}", stop_name(&stop)));
                }
                Body::Read(root)
            }
        };
        self.add(name, body)?;
        self.scope = outer;
        self.action = action;
        Ok(())
    }

    /// Passes over the body that comes next, and the action that ends it, when that may be parsed later.
    fn pass_over(&mut self) -> Option<Body> {
        let start = self.lexer.place();
        let (known, has_function) = (&mut self.seen.functions, self.has_function);
        let mut knows = |name: &[u8]| known.contains(name) || has_function(name) && known.insert(Str::from(name));
        let ended = self.share.then(|| skim(self.text, start, &mut knows))??;
        self.tokens[0] = self.lexer.pass_to(ended.inside, ended.close);
        Some(Body::Unread(start))
    }

    fn unquoted(&mut self, token: &Item) -> Parsed<Str> {
        match unquote(self.slice(token)) {
            Some(Cow::Borrowed(text)) => Ok(self.named(text)),
            Some(Cow::Owned(text)) => Ok(text.into()),
            None => self.error("invalid syntax"),
        }
    }

    fn item_list(&mut self) -> Parsed<(Vec<Node>, Stop)> {
        self.nesting += 1;
        if self.nesting > MAX_DEPTH {
            return self.error("max nesting depth exceeded");
        }
        let start = self.nodes.len();
        while self.peek_non_space().kind != ItemKind::Eof {
            match self.text_or_action()? {
                Step::Node(n) => self.nodes.push(n),
                Step::Stop(stop) => {
                    self.nesting -= 1;
                    return Ok((self.nodes.split_off(start), stop));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Step> {
        let token = self.next_non_space();
        match token.kind {
            ItemKind::Text => Ok(Step::Node(Node {
                pos: token.pos,
                span: (token.pos, token.end),
                shift: 0,
                kind: NodeKind::Text(Slice::new(self.text, token.pos, token.end)),
            })),
            ItemKind::LeftDelim => {
                self.action = Some(token.pos);
                let step = self.action(token.pos);
                if step.is_ok() {
                    self.action = None;
                }
                step
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    /// The end of the action whose right delimiter was read last.
    fn action_end(&self) -> usize {
        self.tokens[0].end
    }

    fn action(&mut self, start: usize) -> Parsed<Step> {
        stacked(|| self.action_inner(start))
    }

    fn action_inner(&mut self, start: usize) -> Parsed<Step> {
        if let Some(known) = self.known(start) {
            return self.repeated(start, &known);
        }
        let token = self.next_non_space();
        let node = |pos: usize, end: usize, kind: NodeKind| Ok(Step::Node(Node { pos, span: (start, end), shift: 0, kind }));
        match token.kind {
            ItemKind::Block => {
                const CONTEXT: &str = "block clause";
                let token = self.next_non_space();
                let name = self.template_name(&token, CONTEXT)?;
                let pipe = Arc::new(self.pipeline(CONTEXT, ItemKind::RightDelim)?);
                let end = self.action_end();
                let outer = std::mem::take(&mut self.scope);
                let action = self.action.take();
                let (root, stop) = self.item_list()?;
                if !matches!(stop, Stop::End) {
                    return self.error(format!("unexpected {} in {CONTEXT}", stop_name(&stop)));
                }
                self.add(name.clone(), Body::Read(root))?;
                self.scope = outer;
                self.action = action;
                node(token.pos, end, NodeKind::Template(name, Some(pipe)))
            }
            ItemKind::Break | ItemKind::Continue => {
                let (kind, word) =
                    if token.kind == ItemKind::Break { (NodeKind::Break, "break") } else { (NodeKind::Continue, "continue") };
                let end = self.next_non_space();
                if end.kind != ItemKind::RightDelim {
                    return self.unexpected(&end, &format!("{{{{{word}}}}}"));
                }
                if self.scope.ranges == 0 {
                    return self.error(format!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                node(token.pos, end.end, kind)
            }
            ItemKind::Else => {
                let peek = self.peek_non_space();
                if !matches!(peek.kind, ItemKind::If | ItemKind::With) {
                    self.expect(&[ItemKind::RightDelim], "else")?;
                    self.keep(start, || ActionKind::Else);
                }
                Ok(Step::Stop(Stop::Else))
            }
            ItemKind::End => {
                self.expect(&[ItemKind::RightDelim], "end")?;
                self.keep(start, || ActionKind::End);
                Ok(Step::Stop(Stop::End))
            }
            ItemKind::If => Ok(Step::Node(self.control(ItemKind::If, start)?)),
            ItemKind::Range => Ok(Step::Node(self.control(ItemKind::Range, start)?)),
            ItemKind::With => Ok(Step::Node(self.control(ItemKind::With, start)?)),
            ItemKind::Template => {
                const CONTEXT: &str = "template clause";
                let token = self.next_non_space();
                let name = self.template_name(&token, CONTEXT)?;
                let mut pipe = None;
                if self.next_non_space().kind != ItemKind::RightDelim {
                    self.backup();
                    pipe = Some(Arc::new(self.pipeline(CONTEXT, ItemKind::RightDelim)?));
                }
                self.keep(start, || ActionKind::Template(name.clone(), pipe.clone(), token.pos));
                node(token.pos, self.action_end(), NodeKind::Template(name, pipe))
            }
            _ => {
                self.backup();
                let token = self.peek();
                let pipe = Arc::new(self.pipeline("command", ItemKind::RightDelim)?);
                self.keep(start, || ActionKind::Pipe(Arc::clone(&pipe)));
                node(token.pos, self.action_end(), NodeKind::Action(pipe))
            }
        }
    }

    /// The same action as the one whose left delimiter was read last, when it was seen before and its variables are known here.
    fn known(&mut self, start: usize) -> Option<Rc<Action>> {
        self.end = None;
        if !self.share || self.peeked > 0 {
            return None;
        }
        self.uses.clear();
        self.nested = false;
        let end = self.lexer.first_end()?;
        self.end = Some(end);
        let known = self.seen.actions.get(self.text.get(start..end + 2)?)?;
        let declared = known.kind.pipe().map_or(&[][..], |pipe| &pipe.decl);
        let here = |name: &Str| self.scope.vars.contains(name) || declared.iter().any(|(_, own)| own == name);
        known.uses.iter().all(here).then(|| Rc::clone(known))
    }

    /// Remembers the action that was read, which starts at `start`.
    fn keep(&mut self, start: usize, kind: impl FnOnce() -> ActionKind) {
        // Another right delimiter inside may be part of a text.
        if self.end.is_some_and(|end| end + 2 == self.action_end()) && !self.nested {
            let action = Action { kind: kind(), start, uses: self.uses.as_slice().into() };
            self.seen.actions.insert(Slice::new(self.text, start, self.action_end()), Rc::new(action));
        }
    }

    /// An action that was seen before.
    fn repeated(&mut self, start: usize, known: &Action) -> Parsed<Step> {
        if let Some(end) = self.end.take() {
            self.tokens[0] = self.lexer.pass_action(end);
        }
        let vars = self.scope.vars.len();
        if let Some(pipe) = known.kind.pipe() {
            self.scope.vars.extend(pipe.decl.iter().map(|(_, name)| name.clone()));
        }
        let shift = start as isize - known.start as isize;
        let here = |pos: usize| pos.wrapping_add_signed(shift);
        let span = (start, self.action_end());
        let node = |pos: usize, kind: NodeKind| Ok(Step::Node(Node { pos: here(pos), span, shift, kind }));
        match &known.kind {
            ActionKind::Pipe(pipe) => node(pipe.pos, NodeKind::Action(Arc::clone(pipe))),
            ActionKind::Template(name, pipe, pos) => node(*pos, NodeKind::Template(name.clone(), pipe.clone())),
            ActionKind::Control(kind, pipe) => Ok(Step::Node(self.controlled(*kind, span, shift, Arc::clone(pipe), vars)?)),
            ActionKind::Else => Ok(Step::Stop(Stop::Else)),
            ActionKind::End => Ok(Step::Stop(Stop::End)),
        }
    }

    fn template_name(&mut self, token: &Item, context: &str) -> Parsed<Str> {
        match token.kind {
            ItemKind::String | ItemKind::RawString => self.unquoted(token),
            _ => self.unexpected(token, context),
        }
    }

    fn control(&mut self, kind: ItemKind, start: usize) -> Parsed<Node> {
        stacked(|| self.control_inner(kind, start))
    }

    fn control_inner(&mut self, kind: ItemKind, start: usize) -> Parsed<Node> {
        let context = match kind {
            ItemKind::If => "if",
            ItemKind::With => "with",
            _ => "range",
        };
        let vars = self.scope.vars.len();
        let pipe = Arc::new(self.pipeline(context, ItemKind::RightDelim)?);
        self.keep(start, || ActionKind::Control(kind, Arc::clone(&pipe)));
        self.controlled(kind, (start, self.action_end()), 0, pipe, vars)
    }

    /// A control structure whose action was read; before it there were so many variables.
    fn controlled(&mut self, kind: ItemKind, span: (usize, usize), shift: isize, pipe: Arc<Pipe>, vars: usize) -> Parsed<Node> {
        let is_range = kind == ItemKind::Range;
        if is_range {
            self.scope.ranges += 1;
        }
        let (list, stop) = self.item_list()?;
        if is_range {
            self.scope.ranges -= 1;
        }
        let mut other = None;
        if let Stop::Else = stop {
            let start = self.tokens[0].pos;
            if !is_range && self.peek().kind == kind {
                self.next();
                self.nesting += 1;
                if self.nesting > MAX_DEPTH {
                    return self.error("max nesting depth exceeded");
                }
                // It is no action of its own.
                self.end = None;
                other = Some(vec![self.control(kind, start)?]);
                self.nesting -= 1;
            } else {
                let (nodes, stop) = self.item_list()?;
                if !matches!(stop, Stop::End) {
                    return self.error(format!("expected end; found {}", stop_name(&stop)));
                }
                other = Some(nodes);
            }
        }
        self.scope.vars.truncate(vars);
        let pos = pipe.pos.wrapping_add_signed(shift);
        let branch = Box::new(Branch { pipe, list, other });
        let kind = match kind {
            ItemKind::If => NodeKind::If(branch),
            ItemKind::With => NodeKind::With(branch),
            _ => NodeKind::Range(branch),
        };
        Ok(Node { pos, span, shift, kind })
    }

    fn pipeline(&mut self, context: &str, end: ItemKind) -> Parsed<Pipe> {
        let token = self.peek_non_space();
        let mut pipe = Pipe { pos: token.pos, assign: false, decl: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        self.nested |= end == ItemKind::RightParen && !pipe.decl.is_empty();
        let start = self.commands.len();
        loop {
            let token = self.next_non_space();
            match token.kind {
                k if k == end => {
                    pipe.commands = self.commands.split_off(start);
                    self.check(&pipe, context)?;
                    return Ok(pipe);
                }
                ItemKind::Bool
                | ItemKind::CharConstant
                | ItemKind::Complex
                | ItemKind::Dot
                | ItemKind::Field
                | ItemKind::Identifier
                | ItemKind::Number
                | ItemKind::Nil
                | ItemKind::RawString
                | ItemKind::String
                | ItemKind::Variable
                | ItemKind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let v = self.peek_non_space();
            if v.kind != ItemKind::Variable {
                return Ok(());
            }
            self.next();
            let after = self.peek();
            let next = self.peek_non_space();
            let name = self.named(self.slice(&v));
            if matches!(next.kind, ItemKind::Assign | ItemKind::Declare) {
                pipe.assign = next.kind == ItemKind::Assign;
                self.next_non_space();
                pipe.decl.push((v.pos, name.clone()));
                self.scope.vars.push(name);
            } else if next.kind == ItemKind::Char && self.slice(&next) == b"," {
                self.next_non_space();
                pipe.decl.push((v.pos, name.clone()));
                self.scope.vars.push(name);
                if context == "range" && pipe.decl.len() < 2 {
                    match self.peek_non_space().kind {
                        ItemKind::Variable | ItemKind::RightDelim | ItemKind::RightParen => continue,
                        _ => return self.error("range can only initialize variables"),
                    }
                }
                return self.error(format!("too many declarations in {context}"));
            } else if after.kind == ItemKind::Space {
                self.tokens[1] = after;
                self.tokens[2] = v;
                self.peeked = 3;
            } else {
                self.tokens[1] = v;
                self.peeked = 2;
            }
            return Ok(());
        }
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (i, c) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(c.args[0].kind, ArgKind::Bool(_) | ArgKind::Dot | ArgKind::Nil | ArgKind::Number(_) | ArgKind::Str { .. }) {
                return self.error(format!("non executable command in pipeline stage {}", i + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let pos = self.peek_non_space().pos;
        let start = self.args.len();
        loop {
            self.peek_non_space();
            if let Some(arg) = self.operand()? {
                self.args.push(arg);
            }
            let token = self.next();
            match token.kind {
                ItemKind::Space => continue,
                ItemKind::RightDelim | ItemKind::RightParen => self.backup(),
                ItemKind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        let args = self.args.split_off(start);
        if args.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { pos, args })
    }

    fn operand(&mut self) -> Parsed<Option<Arg>> {
        let Some(arg) = self.term()? else { return Ok(None) };
        if self.peek().kind != ItemKind::Field {
            return Ok(Some(arg));
        }
        let pos = self.peek().pos;
        let own = match &arg.kind {
            ArgKind::Field(names) | ArgKind::Variable(names) => names.first().cloned(),
            _ => None,
        };
        self.chain.clear();
        self.chain.extend(own);
        while self.peek().kind == ItemKind::Field {
            let token = self.next();
            let name = self.named(&self.slice(&token)[1..]);
            self.chain.push(name);
        }
        let fields = self.chain.clone();
        let kind = match arg.kind {
            ArgKind::Field(_) => ArgKind::Field(fields),
            ArgKind::Variable(_) => ArgKind::Variable(fields),
            ArgKind::Bool(_) | ArgKind::Str { .. } | ArgKind::Number(_) | ArgKind::Nil | ArgKind::Dot => {
                let mut text = Vec::new();
                arg.write(&mut text);
                return self.error(format!("unexpected . after term {}", quote(&text)));
            }
            kind => ArgKind::Chain(Box::new(Arg { pos: arg.pos, kind }), fields),
        };
        Ok(Some(Arg { pos, kind }))
    }

    fn term(&mut self) -> Parsed<Option<Arg>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            ItemKind::Identifier => {
                let name = self.slice(&token);
                if let Some(known) = self.seen.functions.get(name) {
                    ArgKind::Identifier(known.clone())
                } else if (self.has_function)(name) {
                    let known = Str::from(name);
                    self.seen.functions.insert(known.clone());
                    ArgKind::Identifier(known)
                } else {
                    return self.error(format!("function {} not defined", quote(name)));
                }
            }
            ItemKind::Dot => ArgKind::Dot,
            ItemKind::Nil => ArgKind::Nil,
            ItemKind::Variable => {
                let name = self.slice(&token);
                match self.scope.vars.iter().find(|known| known.as_bytes() == name) {
                    Some(known) => {
                        if self.share && !self.uses.contains(known) {
                            self.uses.push(known.clone());
                        }
                        ArgKind::Variable(vec![known.clone()])
                    }
                    None => return self.error(format!("undefined variable {}", quote(name))),
                }
            }
            ItemKind::Field => ArgKind::Field(vec![self.named(&self.slice(&token)[1..])]),
            ItemKind::Bool => ArgKind::Bool(self.slice(&token) == b"true"),
            ItemKind::CharConstant | ItemKind::Complex | ItemKind::Number => {
                match number::parse(&String::from_utf8_lossy(self.slice(&token)), token.kind) {
                    Ok(n) => ArgKind::Number(Box::new(n)),
                    Err(message) => return self.error(message),
                }
            }
            ItemKind::LeftParen => {
                if self.scope.parens >= MAX_DEPTH {
                    return self.error("max expression depth exceeded");
                }
                self.scope.parens += 1;
                let pipe = stacked(|| self.pipeline("parenthesized pipeline", ItemKind::RightParen))?;
                self.scope.parens -= 1;
                return Ok(Some(Arg { pos: pipe.pos, kind: ArgKind::Pipe(Box::new(pipe)) }));
            }
            ItemKind::String | ItemKind::RawString => {
                let value = self.unquoted(&token)?;
                ArgKind::Str { quoted: Slice::new(self.text, token.pos, token.end), text: value }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Arg { pos: token.pos, kind }))
    }
}

fn stop_name(stop: &Stop) -> &'static str {
    match stop {
        Stop::End => "{{end}}",
        Stop::Else => "{{else}}",
    }
}
