//! Tokens to trees, with go-yaml v2's grammar and errors. Trees are flat, so that no depth can exhaust the stack.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::scanner::{Fail, Mark, Scanner, Style, Token, TokenKind};

/// The index of a node in [`Tree::nodes`].
pub(super) type NodeId = u32;
/// No node.
pub(super) const NONE: NodeId = u32::MAX;

#[derive(Clone, Debug)]
pub(super) enum RawKind<'a> {
    /// Text and whether its type is open (plain, without tag).
    Scalar(Cow<'a, [u8]>, bool),
    Alias(&'a [u8], NodeId),
    Sequence,
    /// Children are keys and values in turn.
    Mapping,
}

#[derive(Clone, Debug)]
pub(super) struct RawNode<'a> {
    pub(super) kind: RawKind<'a>,
    /// The long form; empty for none.
    pub(super) tag: Cow<'static, [u8]>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// From 0.
    pub(super) line: u32,
    pub(super) first: NodeId,
    pub(super) next: NodeId,
}

/// The nodes of one document.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<RawNode<'a>>,
    /// [`NONE`] when the stream ended.
    pub(super) root: NodeId,
    /// First byte after its `---`, or of its content.
    pub(super) start: usize,
}

impl<'a> Tree<'a> {
    pub(super) fn node(&self, id: NodeId) -> &RawNode<'a> {
        &self.nodes[id as usize]
    }

    pub(super) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut next = self.node(id).first;
        std::iter::from_fn(move || {
            let id = next;
            (id != NONE).then(|| {
                next = self.node(id).next;
                id
            })
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequenceEntry,
    IndentlessEntry,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequenceEntry,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

enum Event<'a> {
    StreamStart,
    StreamEnd,
    DocumentStart(Mark),
    DocumentEnd,
    Alias(&'a [u8], Mark, Mark),
    Scalar { value: Cow<'a, [u8]>, implicit: bool, props: Props<'a>, start: Mark, end: Mark },
    Start { mapping: bool, props: Props<'a>, start: Mark },
    CollectionEnd(Mark),
}

#[derive(Default)]
struct Props<'a> {
    anchor: Option<&'a [u8]>,
    tag: Cow<'static, [u8]>,
}

pub(super) struct Parser<'a> {
    pub(super) scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    marks: Vec<Mark>,
    tags: Vec<(Vec<u8>, Vec<u8>)>,
    last_end: usize,
}

type Res<T> = Result<T, Fail>;

impl<'a> Parser<'a> {
    pub(super) fn new(scanner: Scanner<'a>) -> Self {
        Self { scanner, state: State::StreamStart, states: Vec::new(), marks: Vec::new(), tags: Vec::new(), last_end: 0 }
    }

    /// The next document; a tree without root at the end of the stream.
    pub(super) fn document(&mut self) -> Res<Tree<'a>> {
        let mut tree = Tree { nodes: Vec::new(), root: NONE, start: 0 };
        let mut anchors: FxHashMap<&'a [u8], NodeId> = FxHashMap::default();
        // Open collections and their last child.
        let mut open: Vec<(NodeId, NodeId)> = Vec::new();
        loop {
            let (id, opens) = match self.event()? {
                Event::StreamStart => continue,
                Event::StreamEnd => return Ok(tree),
                Event::DocumentStart(mark) => {
                    tree.start = mark.pos;
                    continue;
                }
                Event::DocumentEnd => return Ok(tree),
                Event::CollectionEnd(mark) => {
                    if let Some((id, _)) = open.pop() {
                        let end = mark.pos.min(self.last_end).max(tree.nodes[id as usize].start);
                        tree.nodes[id as usize].end = end;
                    }
                    continue;
                }
                Event::Alias(name, start, end) => {
                    let Some(target) = anchors.get(name) else {
                        let message = format!("unknown anchor '{}' referenced", String::from_utf8_lossy(name));
                        return Err(Fail::plain(message, Some(start.pos)));
                    };
                    (tree.push(RawKind::Alias(name, *target), Cow::Borrowed(b""), start, end), false)
                }
                Event::Scalar { value, implicit, props, start, end } => {
                    let id = tree.push(RawKind::Scalar(value, implicit), props.tag, start, end);
                    if let Some(anchor) = props.anchor {
                        anchors.insert(anchor, id);
                    }
                    (id, false)
                }
                Event::Start { mapping, props, start } => {
                    let kind = if mapping { RawKind::Mapping } else { RawKind::Sequence };
                    let id = tree.push(kind, props.tag, start, start);
                    if let Some(anchor) = props.anchor {
                        anchors.insert(anchor, id);
                    }
                    (id, true)
                }
            };
            match open.last_mut() {
                None => tree.root = id,
                Some((parent, NONE)) => {
                    tree.nodes[*parent as usize].first = id;
                    open.last_mut().expect("matched above").1 = id;
                }
                Some((_, last)) => {
                    tree.nodes[*last as usize].next = id;
                    *last = id;
                }
            }
            if opens {
                open.push((id, NONE));
            }
        }
    }

    fn take(&mut self) -> Res<Token<'a>> {
        let token = self.scanner.next()?;
        if !matches!(token.kind, TokenKind::BlockEnd | TokenKind::StreamEnd | TokenKind::DocumentStart) {
            self.last_end = token.end.pos;
        }
        Ok(token)
    }

    fn pop(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn error<T>(problem: &str, at: Mark) -> Res<T> {
        Err(Fail::parser(problem, at, Mark::default()))
    }

    fn event(&mut self) -> Res<Event<'a>> {
        match self.state {
            State::StreamStart => {
                self.take()?;
                self.state = State::ImplicitDocumentStart;
                Ok(Event::StreamStart)
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => {
                let token = self.scanner.peek()?;
                if matches!(
                    token.kind,
                    TokenKind::Version(..)
                        | TokenKind::TagDirective(_)
                        | TokenKind::DocumentStart
                        | TokenKind::DocumentEnd
                        | TokenKind::StreamEnd
                ) {
                    let mark = token.start;
                    self.pop();
                    return Ok(Self::empty(mark));
                }
                self.node(true, false)
            }
            State::DocumentEnd => {
                if matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
                    self.take()?;
                }
                self.tags.clear();
                self.state = State::DocumentStart;
                Ok(Event::DocumentEnd)
            }
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirst | State::BlockSequenceEntry => self.block_sequence_entry(),
            State::IndentlessEntry => self.indentless_entry(),
            State::BlockMappingFirst | State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst | State::FlowSequenceEntry => self.flow_sequence_entry(),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                let mark = self.scanner.peek()?.start;
                self.state = State::FlowSequenceEntry;
                Ok(Event::CollectionEnd(mark))
            }
            State::FlowMappingFirst | State::FlowMappingKey => self.flow_mapping_key(),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok(Event::StreamEnd),
        }
    }

    fn empty(mark: Mark) -> Event<'a> {
        Event::Scalar { value: Cow::Borrowed(b""), implicit: true, props: Props::default(), start: mark, end: mark }
    }

    fn document_start(&mut self, implicit: bool) -> Res<Event<'a>> {
        if !implicit {
            while matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
                self.take()?;
            }
        }
        let token = self.scanner.peek()?;
        let start = token.start;
        match token.kind {
            TokenKind::StreamEnd => {
                self.take()?;
                self.state = State::End;
                Ok(Event::StreamEnd)
            }
            TokenKind::Version(..) | TokenKind::TagDirective(_) | TokenKind::DocumentStart => self.explicit_document(),
            _ if implicit => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                Ok(Event::DocumentStart(start))
            }
            _ => self.explicit_document(),
        }
    }

    fn explicit_document(&mut self) -> Res<Event<'a>> {
        self.directives()?;
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::DocumentStart) {
            return Self::error("did not find expected <document start>", token.start);
        }
        let end = self.take()?.end;
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok(Event::DocumentStart(end))
    }

    fn directives(&mut self) -> Res<()> {
        let mut version = false;
        while matches!(self.scanner.peek()?.kind, TokenKind::Version(..) | TokenKind::TagDirective(_)) {
            let token = self.take()?;
            match token.kind {
                TokenKind::Version(major, minor) => {
                    if version {
                        return Self::error("found duplicate %YAML directive", token.start);
                    }
                    if (major, minor) != (1, 1) {
                        return Self::error("found incompatible YAML document", token.start);
                    }
                    version = true;
                }
                TokenKind::TagDirective(pair) => {
                    if self.tags.iter().any(|(handle, _)| *handle == pair.0) {
                        return Self::error("found duplicate %TAG directive", token.start);
                    }
                    self.tags.push(*pair);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn resolve_tag(&self, handle: &[u8], suffix: &[u8]) -> Option<Cow<'static, [u8]>> {
        if handle.is_empty() {
            return Some(Cow::Owned(suffix.to_vec()));
        }
        let prefix: &[u8] = match self.tags.iter().find(|(h, _)| h == handle) {
            Some((_, prefix)) => prefix,
            None if handle == b"!" => b"!",
            None if handle == b"!!" => b"tag:yaml.org,2002:",
            None => return None,
        };
        let tag = [prefix, suffix].concat();
        (!tag.is_empty()).then_some(Cow::Owned(tag))
    }

    fn node(&mut self, block: bool, indentless: bool) -> Res<Event<'a>> {
        let first = self.scanner.peek()?;
        let start = first.start;
        let mut end = first.start;
        if let TokenKind::Alias(name) = first.kind {
            let token = self.take()?;
            self.pop();
            return Ok(Event::Alias(name, token.start, token.end));
        }
        let mut anchor = None;
        let mut tag: Option<(Box<(Vec<u8>, Vec<u8>)>, Mark)> = None;
        loop {
            let kind = &self.scanner.peek()?.kind;
            if !(matches!(kind, TokenKind::Anchor(_)) && anchor.is_none() || matches!(kind, TokenKind::Tag(_)) && tag.is_none()) {
                break;
            }
            let token = self.take()?;
            end = token.end;
            match token.kind {
                TokenKind::Anchor(name) => anchor = Some(name),
                TokenKind::Tag(pair) => tag = Some((pair, token.start)),
                _ => {}
            }
        }
        let tag = match tag {
            None => Cow::Borrowed(b"" as &[u8]),
            Some((pair, mark)) => match self.resolve_tag(&pair.0, &pair.1) {
                Some(tag) => tag,
                None => return Err(Fail::parser("found undefined tag handle", mark, start)),
            },
        };
        let implicit = tag.is_empty();
        let token = self.scanner.peek()?;
        let token_start = token.start;
        let (state, mapping) = match &token.kind {
            TokenKind::BlockEntry if indentless => (State::IndentlessEntry, false),
            TokenKind::Scalar(..) => {
                let token = self.take()?;
                let TokenKind::Scalar(value, style) = token.kind else {
                    return Self::error("did not find expected node content", token_start);
                };
                let implicit = (implicit && style == Style::Plain) || *tag == *b"!";
                self.pop();
                return Ok(Event::Scalar { value, implicit, props: Props { anchor, tag }, start, end: token.end });
            }
            TokenKind::FlowSequenceStart => (State::FlowSequenceFirst, false),
            TokenKind::FlowMappingStart => (State::FlowMappingFirst, true),
            TokenKind::BlockSequenceStart if block => (State::BlockSequenceFirst, false),
            TokenKind::BlockMappingStart if block => (State::BlockMappingFirst, true),
            _ if anchor.is_some() || !implicit => {
                self.pop();
                return Ok(Event::Scalar { value: Cow::Borrowed(b""), implicit, props: Props { anchor, tag }, start, end });
            }
            _ => return Err(Fail::parser("did not find expected node content", token_start, start)),
        };
        self.state = state;
        Ok(Event::Start { mapping, props: Props { anchor, tag }, start })
    }

    /// Takes the token that opens a collection when this is its first entry.
    fn open(&mut self, first: State) -> Res<bool> {
        if self.state != first {
            return Ok(false);
        }
        let token = self.take()?;
        self.marks.push(token.start);
        Ok(true)
    }

    fn close(&mut self) -> Res<Event<'a>> {
        self.pop();
        self.marks.pop();
        let token = self.take()?;
        Ok(Event::CollectionEnd(token.end))
    }

    fn unexpected(&mut self, problem: &str) -> Res<Event<'a>> {
        let context = self.marks.pop().unwrap_or_default();
        Err(Fail::parser(problem, self.scanner.peek()?.start, context))
    }

    fn block_sequence_entry(&mut self) -> Res<Event<'a>> {
        self.open(State::BlockSequenceFirst)?;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry => {
                let mark = self.take()?.end;
                if matches!(self.scanner.peek()?.kind, TokenKind::BlockEntry | TokenKind::BlockEnd) {
                    self.state = State::BlockSequenceEntry;
                    return Ok(Self::empty(mark));
                }
                self.states.push(State::BlockSequenceEntry);
                self.node(true, false)
            }
            TokenKind::BlockEnd => self.close(),
            _ => self.unexpected("did not find expected '-' indicator"),
        }
    }

    fn indentless_entry(&mut self) -> Res<Event<'a>> {
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::BlockEntry) {
            let mark = token.start;
            self.pop();
            return Ok(Event::CollectionEnd(mark));
        }
        let mark = self.take()?.end;
        if matches!(self.scanner.peek()?.kind, TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd) {
            self.state = State::IndentlessEntry;
            return Ok(Self::empty(mark));
        }
        self.states.push(State::IndentlessEntry);
        self.node(true, false)
    }

    fn block_mapping_key(&mut self) -> Res<Event<'a>> {
        self.open(State::BlockMappingFirst)?;
        match self.scanner.peek()?.kind {
            TokenKind::Key => self.block_mapping_part(State::BlockMappingValue),
            TokenKind::BlockEnd => self.close(),
            _ => self.unexpected("did not find expected key"),
        }
    }

    /// After `?` or `:`.
    fn block_mapping_part(&mut self, then: State) -> Res<Event<'a>> {
        let mark = self.take()?.end;
        if matches!(self.scanner.peek()?.kind, TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd) {
            self.state = then;
            return Ok(Self::empty(mark));
        }
        self.states.push(then);
        self.node(true, true)
    }

    fn block_mapping_value(&mut self) -> Res<Event<'a>> {
        let token = self.scanner.peek()?;
        if matches!(token.kind, TokenKind::Value) {
            return self.block_mapping_part(State::BlockMappingKey);
        }
        let mark = token.start;
        self.state = State::BlockMappingKey;
        Ok(Self::empty(mark))
    }

    fn flow_sequence_entry(&mut self) -> Res<Event<'a>> {
        let first = self.open(State::FlowSequenceFirst)?;
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowSequenceEnd) {
            if !first {
                if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry) {
                    return self.unexpected("did not find expected ',' or ']'");
                }
                self.take()?;
            }
            match self.scanner.peek()?.kind {
                TokenKind::Key => {
                    self.state = State::FlowPairKey;
                    let token = self.take()?;
                    return Ok(Event::Start { mapping: true, props: Props::default(), start: token.start });
                }
                TokenKind::FlowSequenceEnd => {}
                _ => {
                    self.states.push(State::FlowSequenceEntry);
                    return self.node(false, false);
                }
            }
        }
        self.close()
    }

    fn flow_pair_key(&mut self) -> Res<Event<'a>> {
        if !matches!(self.scanner.peek()?.kind, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
            self.states.push(State::FlowPairValue);
            return self.node(false, false);
        }
        let mark = self.take()?.end;
        self.state = State::FlowPairValue;
        Ok(Self::empty(mark))
    }

    fn flow_pair_value(&mut self) -> Res<Event<'a>> {
        let token = self.scanner.peek()?;
        // go-yaml places the empty value at the ':'.
        let mark = token.start;
        if matches!(token.kind, TokenKind::Value) {
            self.take()?;
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowPairEnd;
        Ok(Self::empty(mark))
    }

    fn flow_mapping_key(&mut self) -> Res<Event<'a>> {
        let first = self.open(State::FlowMappingFirst)?;
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowMappingEnd) {
            if !first {
                if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry) {
                    return self.unexpected("did not find expected ',' or '}'");
                }
                self.take()?;
            }
            match self.scanner.peek()?.kind {
                TokenKind::Key => {
                    self.take()?;
                    let token = self.scanner.peek()?;
                    if matches!(token.kind, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                        let mark = token.start;
                        self.state = State::FlowMappingValue;
                        return Ok(Self::empty(mark));
                    }
                    self.states.push(State::FlowMappingValue);
                    return self.node(false, false);
                }
                TokenKind::FlowMappingEnd => {}
                _ => {
                    self.states.push(State::FlowMappingEmptyValue);
                    return self.node(false, false);
                }
            }
        }
        self.close()
    }

    fn flow_mapping_value(&mut self, empty: bool) -> Res<Event<'a>> {
        if !empty && matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.take()?;
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false);
            }
        }
        let mark = self.scanner.peek()?.start;
        self.state = State::FlowMappingKey;
        Ok(Self::empty(mark))
    }
}

impl<'a> Tree<'a> {
    fn push(&mut self, kind: RawKind<'a>, tag: Cow<'static, [u8]>, start: Mark, end: Mark) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(RawNode { kind, tag, start: start.pos, end: end.pos.max(start.pos), line: start.line, first: NONE, next: NONE });
        id
    }
}
