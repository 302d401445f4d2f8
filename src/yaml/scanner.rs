//! Text to tokens, as go-yaml v2 cuts them: same tokens, same errors, with byte offsets beside lines and columns.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::reader::Input;

/// A place in the text. Lines, columns and `index` count characters from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) pos: usize,
    pub(super) index: usize,
    pub(super) line: u32,
    pub(super) column: i32,
}

/// Why scanning or parsing stopped.
#[derive(Clone, Debug)]
pub(super) struct Fail {
    /// Go's sentence, with the line, without `yaml: `.
    pub(super) message: String,
    /// Where.
    pub(super) offset: Option<usize>,
}

impl Fail {
    fn scanner(problem: &str, at: Mark, context: Mark) -> Self {
        let line = if at.line != 0 { at.line + 1 } else { context.line };
        Self { message: with_line(line, problem), offset: Some(at.pos) }
    }

    /// go-yaml prints a parser error's line counted from 0.
    pub(super) fn parser(problem: &str, at: Mark, context: Mark) -> Self {
        let line = if at.line != 0 { at.line } else { context.line };
        Self { message: with_line(line, problem), offset: Some(at.pos) }
    }

    pub(super) fn plain(message: impl Into<String>, offset: Option<usize>) -> Self {
        Self { message: message.into(), offset }
    }

    pub(super) fn contains_itself(anchor: &[u8], at: usize) -> Self {
        Self::plain(format!("anchor '{}' value contains itself", String::from_utf8_lossy(anchor)), Some(at))
    }
}

fn with_line(line: u32, problem: &str) -> String {
    if line == 0 { problem.to_owned() } else { format!("line {line}: {problem}") }
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Block,
}

#[derive(Clone, Debug)]
pub(super) enum TokenKind<'a> {
    StreamStart,
    StreamEnd,
    Version(u32, u32),
    TagDirective(Box<(Vec<u8>, Vec<u8>)>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a [u8]),
    Anchor(&'a [u8]),
    Tag(Box<(Vec<u8>, Vec<u8>)>),
    Scalar(Cow<'a, [u8]>, Style),
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token: usize,
    mark: Mark,
}

/// A comment's bytes and whether it stands alone on its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawComment {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) own_line: bool,
}

const MAX_DEPTH: usize = 10_000;
const MAX_SIMPLE_KEY: usize = 1024;

pub(super) struct Scanner<'a> {
    src: &'a [u8],
    reader_error: Option<Fail>,
    /// Set when a byte past the readable text was asked for.
    over: Cell<bool>,
    mark: Mark,
    tokens: VecDeque<Token<'a>>,
    tokens_parsed: usize,
    available: bool,
    started: bool,
    indent: i32,
    indents: Vec<i32>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    keys_by_token: FxHashMap<usize, usize>,
    pub(super) comments: Vec<RawComment>,
    keep_comments: bool,
}

type Res<T> = Result<T, Fail>;

fn is_blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

fn is_alpha(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

fn width(b: u8) -> usize {
    match b {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(input: &'a Input<'_>, keep_comments: bool) -> Self {
        Self::over(&input.text, input.error.clone(), keep_comments)
    }

    fn over(src: &'a [u8], reader_error: Option<Fail>, keep_comments: bool) -> Self {
        Self {
            src,
            reader_error,
            over: Cell::new(false),
            mark: Mark::default(),
            tokens: VecDeque::new(),
            tokens_parsed: 0,
            available: false,
            started: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: false,
            simple_keys: Vec::new(),
            keys_by_token: FxHashMap::default(),
            comments: Vec::new(),
            keep_comments,
        }
    }

    /// The text of the quoted or block scalar that starts at `start` and ends with `text`.
    pub(super) fn scalar_at(text: &'a [u8], start: usize) -> Option<Cow<'a, [u8]>> {
        let mut scanner = Self::over(text, None, false);
        scanner.simple_keys.push(SimpleKey::default());
        // No line starts here: there is a key or a dash before.
        scanner.mark = Mark { pos: start, index: start, line: 0, column: 1 };
        match scanner.at(0) {
            b'|' => scanner.block_scalar(true),
            b'>' => scanner.block_scalar(false),
            quote => scanner.quoted(quote == b'\''),
        }
        .ok()?;
        match scanner.tokens.pop_front()?.kind {
            TokenKind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// How far the text was read.
    pub(super) fn position(&self) -> usize {
        self.mark.pos
    }

    fn at(&self, i: usize) -> u8 {
        if let Some(b) = self.src.get(self.mark.pos + i) {
            *b
        } else {
            self.over.set(true);
            0
        }
    }

    fn is_end(&self) -> bool {
        self.at(0) == 0
    }

    fn break_width(&self, i: usize) -> usize {
        match self.at(i) {
            b'\r' if self.at(i + 1) == b'\n' => 2,
            b'\r' | b'\n' => 1,
            0xC2 if self.at(i + 1) == 0x85 => 2,
            0xE2 if self.at(i + 1) == 0x80 && matches!(self.at(i + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    fn is_break(&self, i: usize) -> bool {
        self.break_width(i) != 0
    }

    fn is_breakz(&self, i: usize) -> bool {
        self.at(i) == 0 || self.is_break(i)
    }

    fn is_blankz(&self, i: usize) -> bool {
        let b = self.at(i);
        if b > b' ' && b < 0x80 {
            return false;
        }
        is_blank(b) || self.is_breakz(i)
    }

    fn skip(&mut self) {
        if let Some(b) = self.src.get(self.mark.pos) {
            self.mark.pos = (self.mark.pos + width(*b)).min(self.src.len());
        }
        self.mark.index += 1;
        self.mark.column += 1;
    }

    fn skip_line(&mut self) {
        let w = self.break_width(0);
        if w == 0 {
            return;
        }
        self.mark.index += if w == 2 && self.at(0) == b'\r' { 2 } else { 1 };
        self.mark.column = 0;
        self.mark.line += 1;
        self.mark.pos += w;
    }

    fn read(&mut self, out: &mut Vec<u8>) {
        let start = self.mark.pos;
        self.skip();
        out.extend_from_slice(&self.src[start..self.mark.pos]);
    }

    fn read_line(&mut self, out: &mut Vec<u8>) {
        let w = self.break_width(0);
        if w == 3 {
            out.extend_from_slice(&self.src[self.mark.pos..self.mark.pos + 3]);
        } else if w > 0 {
            out.push(b'\n');
        }
        self.skip_line();
    }

    /// The error, unless the text could not be read that far.
    fn fail(&self, problem: &str, context: Mark) -> Fail {
        Fail::scanner(problem, self.mark, context)
    }

    /// Goes to the next break or the end.
    fn skip_text(&mut self) {
        loop {
            let rest = &self.src[self.mark.pos..];
            let plain = rest.iter().position(|b| !(b' '..0x7F).contains(b)).unwrap_or(rest.len());
            self.mark.pos += plain;
            self.mark.index += plain;
            self.mark.column += plain as i32;
            if self.is_breakz(0) {
                return;
            }
            self.skip();
        }
    }

    fn comment(&mut self) {
        let start = self.mark.pos;
        self.skip_text();
        if self.keep_comments {
            let line = self.src[..start].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
            let own_line = self.src[line..start].iter().all(|b| is_blank(*b) || *b == b'\r');
            self.comments.push(RawComment { start, end: self.mark.pos, own_line });
        }
    }

    /// The next token without taking it.
    pub(super) fn peek(&mut self) -> Res<&Token<'a>> {
        if !self.available {
            let fetched = self.fetch_more();
            if self.over.get()
                && let Some(e) = &self.reader_error
            {
                return Err(e.clone());
            }
            fetched?;
        }
        self.tokens.front().ok_or_else(|| Fail::plain("attempted to go past the end of stream; corrupted value?", None))
    }

    /// Takes the token that [`Self::peek`] showed.
    pub(super) fn next(&mut self) -> Res<Token<'a>> {
        self.peek()?;
        self.available = false;
        self.tokens_parsed += 1;
        self.tokens.pop_front().ok_or_else(|| Fail::plain("attempted to go past the end of stream; corrupted value?", None))
    }

    fn fetch_more(&mut self) -> Res<()> {
        loop {
            if !self.tokens.is_empty() {
                let Some(&i) = self.keys_by_token.get(&self.tokens_parsed) else { break };
                if i >= self.simple_keys.len() || !self.key_is_valid(i)? {
                    break;
                }
            }
            self.fetch_next()?;
        }
        self.available = true;
        Ok(())
    }

    fn push(&mut self, kind: TokenKind<'a>, start: Mark, end: Mark) {
        self.tokens.push_back(Token { kind, start, end });
    }

    fn fetch_next(&mut self) -> Res<()> {
        if !self.started {
            self.started = true;
            self.simple_keys.push(SimpleKey::default());
            self.simple_key_allowed = true;
            self.push(TokenKind::StreamStart, self.mark, self.mark);
            return Ok(());
        }
        self.skip_to_token();
        self.unroll_indent(self.mark.column);
        let b = self.at(0);
        if b == 0 {
            return self.stream_end();
        }
        if self.mark.column == 0 {
            if b == b'%' {
                return self.directive();
            }
            if b == b'-' && self.at(1) == b'-' && self.at(2) == b'-' && self.is_blankz(3) {
                return self.document_indicator(TokenKind::DocumentStart);
            }
            if b == b'.' && self.at(1) == b'.' && self.at(2) == b'.' && self.is_blankz(3) {
                return self.document_indicator(TokenKind::DocumentEnd);
            }
        }
        let flow = self.flow_level > 0;
        match b {
            b'[' => self.flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.flow_start(TokenKind::FlowMappingStart),
            b']' => self.flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.indicator(TokenKind::FlowEntry);
                Ok(())
            }
            b'-' if self.is_blankz(1) => self.block_entry(),
            b'?' if flow || self.is_blankz(1) => self.key(),
            b':' if flow || self.is_blankz(1) => self.value(),
            b'*' => self.anchor(true),
            b'&' => self.anchor(false),
            b'!' => self.tag(),
            b'|' if !flow => self.block_scalar(true),
            b'>' if !flow => self.block_scalar(false),
            b'\'' => self.quoted(true),
            b'"' => self.quoted(false),
            _ => {
                let never = matches!(
                    b,
                    b'-' | b'?'
                        | b':'
                        | b','
                        | b'['
                        | b']'
                        | b'{'
                        | b'}'
                        | b'#'
                        | b'&'
                        | b'*'
                        | b'!'
                        | b'|'
                        | b'>'
                        | b'\''
                        | b'"'
                        | b'%'
                        | b'@'
                        | b'`'
                ) || self.is_blankz(0);
                if !never || (b == b'-' && !is_blank(self.at(1))) || (!flow && matches!(b, b'?' | b':') && !self.is_blankz(1)) {
                    self.plain()
                } else {
                    Err(self.fail("found character that cannot start any token", self.mark))
                }
            }
        }
    }

    fn key_is_valid(&mut self, i: usize) -> Res<bool> {
        let key = self.simple_keys[i];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + MAX_SIMPLE_KEY < self.mark.index {
            if key.required {
                return Err(self.fail("could not find expected ':'", key.mark));
            }
            self.simple_keys[i].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Res<()> {
        let required = self.flow_level == 0 && self.indent == self.mark.column;
        if self.simple_key_allowed {
            let token = self.tokens_parsed + self.tokens.len();
            self.remove_simple_key()?;
            let i = self.simple_keys.len() - 1;
            self.simple_keys[i] = SimpleKey { possible: true, required, token, mark: self.mark };
            self.keys_by_token.insert(token, i);
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Res<()> {
        let i = self.simple_keys.len() - 1;
        let key = self.simple_keys[i];
        if key.possible {
            if key.required {
                return Err(self.fail("could not find expected ':'", key.mark));
            }
            self.simple_keys[i].possible = false;
            self.keys_by_token.remove(&key.token);
        }
        Ok(())
    }

    /// Where the token with this number stands among those not taken yet; the end when it is gone already.
    fn slot(&self, token: usize) -> usize {
        token.checked_sub(self.tokens_parsed).filter(|at| *at <= self.tokens.len()).unwrap_or(self.tokens.len())
    }

    fn roll_indent(&mut self, column: i32, number: Option<usize>, kind: TokenKind<'a>, mark: Mark) -> Res<()> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(self.fail("exceeded max depth of 10000", self.simple_keys.last().map_or(self.mark, |k| k.mark)));
        }
        let at = number.map_or(self.tokens.len(), |n| self.slot(n));
        self.tokens.insert(at, Token { kind, start: mark, end: mark });
        Ok(())
    }

    fn unroll_indent(&mut self, column: i32) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn stream_end(&mut self) -> Res<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.mark, self.mark);
        Ok(())
    }

    fn indicator(&mut self, kind: TokenKind<'a>) {
        let start = self.mark;
        self.skip();
        self.push(kind, start, self.mark);
    }

    fn document_indicator(&mut self, kind: TokenKind<'a>) -> Res<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        self.skip();
        self.skip();
        self.push(kind, start, self.mark);
        Ok(())
    }

    fn flow_start(&mut self, kind: TokenKind<'a>) -> Res<()> {
        self.save_simple_key()?;
        let token = self.tokens_parsed + self.tokens.len();
        self.simple_keys.push(SimpleKey { possible: false, required: false, token, mark: self.mark });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.fail("exceeded max depth of 10000", self.mark));
        }
        self.simple_key_allowed = true;
        self.indicator(kind);
        Ok(())
    }

    fn flow_end(&mut self, kind: TokenKind<'a>) -> Res<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.keys_by_token.remove(&key.token);
            }
        }
        self.simple_key_allowed = false;
        self.indicator(kind);
        Ok(())
    }

    fn block_entry(&mut self) -> Res<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fail("block sequence entries are not allowed in this context", self.mark));
            }
            self.roll_indent(self.mark.column, None, TokenKind::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Res<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.fail("mapping keys are not allowed in this context", self.mark));
            }
            self.roll_indent(self.mark.column, None, TokenKind::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.indicator(TokenKind::Key);
        Ok(())
    }

    fn value(&mut self) -> Res<()> {
        let last = self.simple_keys.len() - 1;
        if self.key_is_valid(last)? {
            let key = self.simple_keys[last];
            let at = self.slot(key.token);
            self.tokens.insert(at, Token { kind: TokenKind::Key, start: key.mark, end: key.mark });
            self.roll_indent(key.mark.column, Some(key.token), TokenKind::BlockMappingStart, key.mark)?;
            self.simple_keys[last].possible = false;
            self.keys_by_token.remove(&key.token);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.fail("mapping values are not allowed in this context", self.mark));
                }
                self.roll_indent(self.mark.column, None, TokenKind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.indicator(TokenKind::Value);
        Ok(())
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.mark.pos == 0 && self.src.starts_with(b"\xEF\xBB\xBF") {
                self.skip();
            }
            while self.at(0) == b' ' || ((self.flow_level > 0 || !self.simple_key_allowed) && self.at(0) == b'\t') {
                self.skip();
            }
            if self.at(0) == b'#' {
                self.comment();
            }
            if !self.is_break(0) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn skip_blanks(&mut self) {
        while is_blank(self.at(0)) {
            self.skip();
        }
    }

    fn directive(&mut self) -> Res<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let from = self.mark.pos;
        while is_alpha(self.at(0)) {
            self.skip();
        }
        let name = &self.src[from..self.mark.pos];
        if name.is_empty() {
            return Err(self.fail("could not find expected directive name", start));
        }
        if !self.is_blankz(0) {
            return Err(self.fail("found unexpected non-alphabetical character", start));
        }
        let kind = match name {
            b"YAML" => {
                self.skip_blanks();
                let major = self.version_number(start)?;
                if self.at(0) != b'.' {
                    return Err(self.fail("did not find expected digit or '.' character", start));
                }
                self.skip();
                let minor = self.version_number(start)?;
                TokenKind::Version(major, minor)
            }
            b"TAG" => {
                self.skip_blanks();
                let handle = self.tag_handle(true, start)?;
                if !is_blank(self.at(0)) {
                    return Err(self.fail("did not find expected whitespace", start));
                }
                self.skip_blanks();
                let prefix = self.tag_uri(&[], start)?;
                if !self.is_blankz(0) {
                    return Err(self.fail("did not find expected whitespace or line break", start));
                }
                TokenKind::TagDirective(Box::new((handle, prefix)))
            }
            _ => return Err(self.fail("found unknown directive name", start)),
        };
        let end = self.mark;
        self.end_of_line(start)?;
        self.push(kind, start, end);
        Ok(())
    }

    /// Blanks, a comment, and the line break after a directive or a block scalar's header.
    fn end_of_line(&mut self, start: Mark) -> Res<()> {
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.comment();
        }
        if !self.is_breakz(0) {
            return Err(self.fail("did not find expected comment or line break", start));
        }
        self.skip_line();
        Ok(())
    }

    fn version_number(&mut self, start: Mark) -> Res<u32> {
        let (mut value, mut length) = (0, 0);
        while self.at(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.fail("found extremely long version number", start));
            }
            value = value * 10 + u32::from(self.at(0) - b'0');
            self.skip();
        }
        if length == 0 {
            return Err(self.fail("did not find expected version number", start));
        }
        Ok(value)
    }

    fn anchor(&mut self, alias: bool) -> Res<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip();
        let from = self.mark.pos;
        while is_alpha(self.at(0)) {
            self.skip();
        }
        let name = &self.src[from..self.mark.pos];
        if name.is_empty() || !(self.is_blankz(0) || matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`')) {
            return Err(self.fail("did not find expected alphabetic or numeric character", start));
        }
        self.push(if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) }, start, self.mark);
        Ok(())
    }

    fn tag(&mut self) -> Res<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let (handle, suffix) = if self.at(1) == b'<' {
            self.skip();
            self.skip();
            let suffix = self.tag_uri(&[], start)?;
            if self.at(0) != b'>' {
                return Err(self.fail("did not find the expected '>'", start));
            }
            self.skip();
            (Vec::new(), suffix)
        } else {
            let handle = self.tag_handle(false, start)?;
            if handle.len() > 1 && handle.last() == Some(&b'!') {
                let suffix = self.tag_uri(&[], start)?;
                (handle, suffix)
            } else {
                let suffix = self.tag_uri(&handle, start)?;
                if suffix.is_empty() { (suffix, b"!".to_vec()) } else { (b"!".to_vec(), suffix) }
            }
        };
        if !self.is_blankz(0) {
            return Err(self.fail("did not find expected whitespace or line break", start));
        }
        self.push(TokenKind::Tag(Box::new((handle, suffix))), start, self.mark);
        Ok(())
    }

    fn tag_handle(&mut self, directive: bool, start: Mark) -> Res<Vec<u8>> {
        if self.at(0) != b'!' {
            return Err(self.fail("did not find expected '!'", start));
        }
        let mut s = Vec::new();
        self.read(&mut s);
        while is_alpha(self.at(0)) {
            self.read(&mut s);
        }
        if self.at(0) == b'!' {
            self.read(&mut s);
        } else if directive && s != b"!" {
            return Err(self.fail("did not find expected '!'", start));
        }
        Ok(s)
    }

    fn tag_uri(&mut self, head: &[u8], start: Mark) -> Res<Vec<u8>> {
        let mut found = !head.is_empty();
        let mut s = head.get(1..).unwrap_or_default().to_vec();
        loop {
            let b = self.at(0);
            if b == b'%' {
                self.uri_escapes(start, &mut s)?;
            } else if is_alpha(b) || (b != 0 && b";/?:@&=+$,.!~*'()[]".contains(&b)) {
                self.read(&mut s);
            } else {
                break;
            }
            found = true;
        }
        if found { Ok(s) } else { Err(self.fail("did not find expected tag URI", start)) }
    }

    fn uri_escapes(&mut self, start: Mark, s: &mut Vec<u8>) -> Res<()> {
        let mut left = 0;
        let mut first = true;
        while first || left > 0 {
            let Some(octet) = (self.at(0) == b'%').then(|| self.hex(1, 2)).flatten() else {
                return Err(self.fail("did not find URI escaped octet", start));
            };
            let octet = octet as u8;
            if first {
                left = match octet {
                    0..0x80 => 1,
                    0xC0..0xE0 => 2,
                    0xE0..0xF0 => 3,
                    0xF0..0xF8 => 4,
                    _ => return Err(self.fail("found an incorrect leading UTF-8 octet", start)),
                };
                first = false;
            } else if octet & 0xC0 != 0x80 {
                return Err(self.fail("found an incorrect trailing UTF-8 octet", start));
            }
            s.push(octet);
            self.skip();
            self.skip();
            self.skip();
            left -= 1;
        }
        Ok(())
    }

    fn hex(&self, from: usize, length: usize) -> Option<u32> {
        (0..length).try_fold(0u32, |v, k| Some((v << 4) | char::from(self.at(from + k)).to_digit(16)?))
    }

    fn block_scalar(&mut self, literal: bool) -> Res<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let start = self.mark;
        self.skip();
        let mut chomping = 0;
        let mut increment = 0;
        let zero = "found an indentation indicator equal to 0";
        if matches!(self.at(0), b'+' | b'-') {
            chomping = if self.at(0) == b'+' { 1 } else { -1 };
            self.skip();
            if self.at(0).is_ascii_digit() {
                if self.at(0) == b'0' {
                    return Err(self.fail(zero, start));
                }
                increment = i32::from(self.at(0) - b'0');
                self.skip();
            }
        } else if self.at(0).is_ascii_digit() {
            if self.at(0) == b'0' {
                return Err(self.fail(zero, start));
            }
            increment = i32::from(self.at(0) - b'0');
            self.skip();
            if matches!(self.at(0), b'+' | b'-') {
                chomping = if self.at(0) == b'+' { 1 } else { -1 };
                self.skip();
            }
        }
        self.end_of_line(start)?;
        let mut end = self.mark;
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut s: Vec<u8> = Vec::new();
        let mut leading_break: Vec<u8> = Vec::new();
        let mut trailing: Vec<u8> = Vec::new();
        self.block_breaks(&mut indent, &mut trailing, start, &mut end)?;
        let mut leading_blank = false;
        while self.mark.column == indent && !self.is_end() {
            let trailing_blank = is_blank(self.at(0));
            if !literal && !leading_blank && !trailing_blank && leading_break.first() == Some(&b'\n') {
                if trailing.is_empty() {
                    s.push(b' ');
                }
            } else {
                s.extend_from_slice(&leading_break);
            }
            leading_break.clear();
            s.append(&mut trailing);
            leading_blank = trailing_blank;
            let from = self.mark.pos;
            self.skip_text();
            s.extend_from_slice(&self.src[from..self.mark.pos]);
            self.read_line(&mut leading_break);
            self.block_breaks(&mut indent, &mut trailing, start, &mut end)?;
        }
        if chomping != -1 {
            s.append(&mut leading_break);
        }
        if chomping == 1 {
            s.append(&mut trailing);
        }
        self.push(TokenKind::Scalar(Cow::Owned(s), Style::Block), start, end);
        Ok(())
    }

    fn block_breaks(&mut self, indent: &mut i32, breaks: &mut Vec<u8>, start: Mark, end: &mut Mark) -> Res<()> {
        *end = self.mark;
        let mut max_indent = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.at(0) == b' ' {
                self.skip();
            }
            max_indent = max_indent.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.at(0) == b'\t' {
                return Err(self.fail("found a tab character where an indentation space is expected", start));
            }
            if !self.is_break(0) {
                break;
            }
            self.read_line(breaks);
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = max_indent.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    fn at_document_indicator(&self) -> bool {
        self.mark.column == 0
            && ((self.at(0) == b'-' && self.at(1) == b'-' && self.at(2) == b'-')
                || (self.at(0) == b'.' && self.at(1) == b'.' && self.at(2) == b'.'))
            && self.is_blankz(3)
    }

    /// A quoted scalar without escapes and breaks, which needs no copy.
    fn quoted_simple(&mut self, single: bool) -> Option<&'a [u8]> {
        let quote = if single { b'\'' } else { b'"' };
        let from = self.mark.pos + 1;
        let rest = &self.src[from..];
        let length = rest.iter().position(|b| *b == quote || *b == b'\\' || *b < b' ' || *b >= 0x80)?;
        if rest[length] != quote || (single && rest.get(length + 1) == Some(&quote)) {
            return None;
        }
        self.mark.pos = from + length + 1;
        self.mark.index += length + 2;
        self.mark.column += length as i32 + 2;
        Some(&rest[..length])
    }

    fn quoted(&mut self, single: bool) -> Res<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let style = if single { Style::SingleQuoted } else { Style::DoubleQuoted };
        if let Some(text) = self.quoted_simple(single) {
            self.push(TokenKind::Scalar(Cow::Borrowed(text), style), start, self.mark);
            return Ok(());
        }
        self.skip();
        let mut s = Vec::new();
        let mut leading_break = Vec::new();
        let mut trailing = Vec::new();
        let mut blanks = Vec::new();
        let quote = if single { b'\'' } else { b'"' };
        loop {
            if self.at_document_indicator() {
                return Err(self.fail("found unexpected document indicator", start));
            }
            if self.is_end() {
                return Err(self.fail("found unexpected end of stream", start));
            }
            let mut leading_blanks = false;
            while !self.is_blankz(0) {
                let b = self.at(0);
                if single && b == quote && self.at(1) == quote {
                    s.push(quote);
                    self.skip();
                    self.skip();
                } else if b == quote {
                    break;
                } else if !single && b == b'\\' && self.is_break(1) {
                    self.skip();
                    self.skip_line();
                    leading_blanks = true;
                    break;
                } else if !single && b == b'\\' {
                    self.escape(start, &mut s)?;
                } else {
                    self.read(&mut s);
                }
            }
            if self.at(0) == quote {
                break;
            }
            while is_blank(self.at(0)) || self.is_break(0) {
                if is_blank(self.at(0)) {
                    if leading_blanks {
                        self.skip();
                    } else {
                        self.read(&mut blanks);
                    }
                } else if leading_blanks {
                    self.read_line(&mut trailing);
                } else {
                    blanks.clear();
                    self.read_line(&mut leading_break);
                    leading_blanks = true;
                }
            }
            if leading_blanks {
                fold(&mut s, &mut leading_break, &mut trailing);
            } else {
                s.append(&mut blanks);
            }
        }
        self.skip();
        self.push(TokenKind::Scalar(Cow::Owned(s), style), start, self.mark);
        Ok(())
    }

    fn escape(&mut self, start: Mark, s: &mut Vec<u8>) -> Res<()> {
        let mut length = 0;
        match self.at(1) {
            b'0' => s.push(0),
            b'a' => s.push(0x07),
            b'b' => s.push(0x08),
            b't' | b'\t' => s.push(b'\t'),
            b'n' => s.push(b'\n'),
            b'v' => s.push(0x0B),
            b'f' => s.push(0x0C),
            b'r' => s.push(b'\r'),
            b'e' => s.push(0x1B),
            c @ (b' ' | b'"' | b'\'' | b'\\') => s.push(c),
            b'N' => s.extend_from_slice("\u{85}".as_bytes()),
            b'_' => s.extend_from_slice("\u{A0}".as_bytes()),
            b'L' => s.extend_from_slice("\u{2028}".as_bytes()),
            b'P' => s.extend_from_slice("\u{2029}".as_bytes()),
            b'x' => length = 2,
            b'u' => length = 4,
            b'U' => length = 8,
            _ => return Err(self.fail("found unknown escape character", start)),
        }
        self.skip();
        self.skip();
        if length > 0 {
            let Some(value) = self.hex(0, length) else {
                return Err(self.fail("did not find expected hexdecimal number", start));
            };
            let Some(c) = char::from_u32(value) else {
                return Err(self.fail("found invalid Unicode character escape code", start));
            };
            s.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            for _ in 0..length {
                self.skip();
            }
        }
        Ok(())
    }

    fn plain(&mut self) -> Res<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let mut end = self.mark;
        let indent = self.indent + 1;
        let flow = self.flow_level > 0;
        // The text so far is `src[from..end]` after what `folded` holds.
        let mut folded: Option<Vec<u8>> = None;
        let mut from = self.mark.pos;
        let mut leading_break = Vec::new();
        let mut trailing = Vec::new();
        let mut leading_blanks = false;
        loop {
            if self.at_document_indicator() || self.at(0) == b'#' {
                break;
            }
            while !self.is_blankz(0) {
                let b = self.at(0);
                if (b == b':' && self.is_blankz(1)) || (flow && matches!(b, b',' | b'?' | b'[' | b']' | b'{' | b'}')) {
                    break;
                }
                if leading_blanks {
                    let s = folded.get_or_insert_default();
                    s.extend_from_slice(&self.src[from..end.pos]);
                    fold(s, &mut leading_break, &mut trailing);
                    from = self.mark.pos;
                    leading_blanks = false;
                }
                self.skip();
                end = self.mark;
            }
            if !(is_blank(self.at(0)) || self.is_break(0)) {
                break;
            }
            while is_blank(self.at(0)) || self.is_break(0) {
                if is_blank(self.at(0)) {
                    if leading_blanks && self.mark.column < indent && self.at(0) == b'\t' {
                        return Err(self.fail("found a tab character that violates indentation", start));
                    }
                    self.skip();
                } else if leading_blanks {
                    self.read_line(&mut trailing);
                } else {
                    self.read_line(&mut leading_break);
                    leading_blanks = true;
                }
            }
            if !flow && self.mark.column < indent {
                break;
            }
        }
        let text = match folded {
            None => Cow::Borrowed(&self.src[from..end.pos]),
            Some(mut s) => {
                s.extend_from_slice(&self.src[from..end.pos]);
                Cow::Owned(s)
            }
        };
        self.push(TokenKind::Scalar(text, Style::Plain), start, end);
        if leading_blanks {
            self.simple_key_allowed = true;
        }
        Ok(())
    }
}

/// Joins two lines: one break becomes a blank, further ones stay.
fn fold(s: &mut Vec<u8>, leading_break: &mut Vec<u8>, trailing: &mut Vec<u8>) {
    if leading_break.first() == Some(&b'\n') {
        if trailing.is_empty() {
            s.push(b' ');
        }
    } else {
        s.append(leading_break);
    }
    s.append(trailing);
    leading_break.clear();
}
