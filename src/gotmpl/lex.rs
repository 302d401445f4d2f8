//! The scanner: template text to items. upstream: text/template/parse/lex.go

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl ItemKind {
    pub(super) fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// An item of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) pos: usize,
    pub(super) end: usize,
}

/// The scanner's state.
pub(super) struct Lexer<'a> {
    input: &'a [u8],
    pos: usize,
    start: usize,
    at_eof: bool,
    parens: i32,
    inside: bool,
    /// The text of the one [`ItemKind::Error`].
    failure: Option<String>,
}

/// The first rune and its width; U+FFFD of width 1 for bytes that are not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else { return ('\u{fffd}', 0) };
    if first < 0x80 {
        return (first as char, 1);
    }
    let want = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return ('\u{fffd}', 1),
    };
    bytes.get(..want).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next()).map_or(('\u{fffd}', 1), |c| (c, want))
}

fn is_alphanumeric(c: Option<char>) -> bool {
    c.is_some_and(|c| c == '_' || crate::value::is_letter(c) || crate::value::is_digit(c))
}

pub(super) fn left_trim(s: &[u8]) -> bool {
    matches!(s, [b'-', blank, ..] if is_blank(*blank))
}

/// Where the next action starts.
pub(super) fn find_left(text: &[u8]) -> Option<usize> {
    static LEFT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"{{"));
    LEFT.find(text)
}

pub(super) fn is_blank(b: u8) -> bool {
    class(b) & BLANK != 0
}

/// Whether what follows ends a word.
pub(super) fn terminates(rest: &[u8]) -> bool {
    match rest {
        [b'}', next, ..] => *next == b'}',
        [b, ..] => class(*b) & (BLANK | MARK) != 0,
        [] => true,
    }
}

pub(super) fn is_name(b: u8) -> bool {
    class(b) & NAME != 0
}

pub(super) fn blanks(s: &[u8]) -> usize {
    s.iter().take_while(|b| is_blank(**b)).count()
}

/// Bytes of names of ASCII.
const NAME: u8 = 1;
const BLANK: u8 = 2;
/// What ends a word, but for blanks and the right delimiter.
const MARK: u8 = 4;

/// What each byte is: to look it up is one step.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut b = 0;
    while b < 128 {
        classes[b] = match b as u8 {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => NAME,
            b' ' | b'\t' | b'\r' | b'\n' => BLANK,
            b'.' | b',' | b'|' | b':' | b')' | b'(' => MARK,
            _ => 0,
        };
        b += 1;
    }
    classes
};

fn class(b: u8) -> u8 {
    CLASSES[usize::from(b)]
}

/// What an identifier is.
pub(super) fn word(text: &[u8]) -> ItemKind {
    // Most are no keywords, which the first letter and the length tell.
    let (keyword, kind): (&[u8], _) = match (text.first(), text.len()) {
        (Some(b'b'), 5) if text.ends_with(b"ock") => (b"block", ItemKind::Block),
        (Some(b'b'), 5) => (b"break", ItemKind::Break),
        (Some(b'c'), 8) => (b"continue", ItemKind::Continue),
        (Some(b'd'), 6) => (b"define", ItemKind::Define),
        (Some(b'e'), 4) => (b"else", ItemKind::Else),
        (Some(b'e'), 3) => (b"end", ItemKind::End),
        (Some(b'i'), 2) => (b"if", ItemKind::If),
        (Some(b'n'), 3) => (b"nil", ItemKind::Nil),
        (Some(b'r'), 5) => (b"range", ItemKind::Range),
        (Some(b't'), 8) => (b"template", ItemKind::Template),
        (Some(b'w'), 4) => (b"with", ItemKind::With),
        (Some(b't'), 4) => (b"true", ItemKind::Bool),
        (Some(b'f'), 5) => (b"false", ItemKind::Bool),
        _ => return ItemKind::Identifier,
    };
    if text == keyword { kind } else { ItemKind::Identifier }
}

fn unicode_name(c: Option<char>) -> String {
    // Go prints -1 at the end of the text as a code point.
    let Some(c) = c else { return "U+FFFFFFFFFFFFFFFF".to_owned() };
    let printed = if crate::value::is_print(c) { format!(" '{c}'") } else { String::new() };
    format!("U+{:04X}{printed}", c as u32)
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, pos: 0, start: 0, at_eof: false, parens: 0, inside: false, failure: None }
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.pos..).unwrap_or(b"")
    }

    fn next(&mut self) -> Option<char> {
        if self.pos >= self.input.len() {
            self.at_eof = true;
            return None;
        }
        let (c, w) = decode(self.rest());
        self.pos += w;
        Some(c)
    }

    fn peek(&mut self) -> Option<char> {
        if self.pos >= self.input.len() {
            self.at_eof = true;
            return None;
        }
        Some(decode(self.rest()).0)
    }

    fn backup(&mut self) {
        if self.at_eof || self.pos == 0 {
            return;
        }
        let mut w = 1;
        let before = if self.input[self.pos - 1].is_ascii() { 1 } else { 4.min(self.pos) };
        for n in 2..=before {
            if decode(&self.input[self.pos - n..self.pos]).1 == n {
                w = n;
                break;
            }
        }
        self.pos -= w;
    }

    fn item(&mut self, kind: ItemKind) -> Item {
        let item = Item { kind, pos: self.start, end: self.pos };
        self.start = self.pos;
        item
    }

    fn ignore(&mut self) {
        self.start = self.pos;
    }

    fn accept(&mut self, valid: &str) -> bool {
        if self.next().is_some_and(|c| valid.contains(c)) {
            return true;
        }
        self.backup();
        false
    }

    fn accept_run(&mut self, valid: &str) {
        while self.next().is_some_and(|c| valid.contains(c)) {}
        self.backup();
    }

    fn error(&mut self, message: impl Into<String>) -> Item {
        self.failure = Some(message.into());
        Item { kind: ItemKind::Error, pos: self.start, end: self.start }
    }

    /// Why the text has no more items.
    pub(super) fn failure(&self) -> &str {
        self.failure.as_deref().unwrap_or_default()
    }

    /// Reads on to the first character that does not belong to a name, and gives it.
    fn after_name(&mut self) -> Option<char> {
        loop {
            self.pos += self.rest().iter().take_while(|b| is_name(**b)).count();
            let c = self.peek();
            match c {
                Some(other) if !other.is_ascii() && is_alphanumeric(c) => self.pos += other.len_utf8(),
                _ => return c,
            }
        }
    }

    /// The next item; after an error only the end.
    pub(super) fn next_item(&mut self) -> Item {
        if self.failure.is_some() {
            return Item { kind: ItemKind::Eof, pos: self.start, end: self.start };
        }
        if self.inside { self.inside_action() } else { self.text() }
    }

    fn text(&mut self) -> Item {
        loop {
            let Some(x) = find_left(self.rest()) else {
                self.pos = self.input.len();
                if self.pos > self.start {
                    return self.item(ItemKind::Text);
                }
                return self.item(ItemKind::Eof);
            };
            if x > 0 {
                self.pos += x;
                let mut trim = 0;
                if left_trim(&self.input[self.pos + 2..]) {
                    let text = &self.input[self.start..self.pos];
                    trim = text.iter().rev().take_while(|b| is_blank(**b)).count();
                }
                self.pos -= trim;
                let item = self.item(ItemKind::Text);
                self.pos += trim;
                self.ignore();
                if item.end > item.pos {
                    return item;
                }
            }
            // The left delimiter.
            self.pos += 2;
            let after = if left_trim(self.rest()) { 2 } else { 0 };
            if self.rest()[after..].starts_with(b"/*") {
                self.pos += after;
                self.ignore();
                if let Some(error) = self.comment() {
                    return error;
                }
                continue;
            }
            let item = self.item(ItemKind::LeftDelim);
            self.inside = true;
            self.pos += after;
            self.ignore();
            self.parens = 0;
            return item;
        }
    }

    /// Behind a left delimiter: whether the word `define` comes next.
    pub(super) fn at_define(&self) -> bool {
        let rest = self.rest();
        let word = rest.get(blanks(rest)..).unwrap_or_default();
        word.strip_prefix(b"define").is_some_and(terminates)
    }

    /// Behind a left delimiter: where the first right delimiter stands, or what looks like one.
    pub(super) fn first_end(&self) -> Option<usize> {
        let mut at = self.pos;
        loop {
            at += memchr::memchr(b'}', self.input.get(at..)?)?;
            if self.input.get(at + 1) == Some(&b'}') {
                return Some(at);
            }
            at += 1;
        }
    }

    /// In front of the text at `pos`, outside of actions.
    pub(super) fn at(input: &'a [u8], pos: usize) -> Self {
        Self { pos, start: pos, ..Self::new(input) }
    }

    /// What is read up to here.
    pub(super) fn place(&self) -> usize {
        self.pos
    }

    /// Goes on behind the left delimiter before `inside`, with an action that is known to be whole: see [`Self::pass_action`].
    pub(super) fn pass_to(&mut self, inside: usize, end: usize) -> Item {
        self.pos = inside;
        self.pass_action(end)
    }

    /// Behind a left delimiter: passes over an action that is known to be whole and to end with the right delimiter at `end`,
    /// which it gives.
    pub(super) fn pass_action(&mut self, end: usize) -> Item {
        let trim = matches!(&self.input[self.pos..end], [.., blank, b'-'] if is_blank(*blank));
        (self.start, self.pos) = (end, end);
        self.leave_action(trim)
    }

    fn comment(&mut self) -> Option<Item> {
        self.pos += 2;
        let Some(x) = memchr::memmem::find(self.rest(), b"*/") else { return Some(self.error("unclosed comment")) };
        self.pos += x + 2;
        let (delim, trim) = self.at_right_delim();
        if !delim {
            return Some(self.error("comment ends before closing delimiter"));
        }
        self.pos += if trim { 4 } else { 2 };
        if trim {
            self.pos += blanks(self.rest());
        }
        self.ignore();
        None
    }

    fn at_right_delim(&self) -> (bool, bool) {
        match self.rest() {
            [b'}', b'}', ..] => (true, false),
            [blank, b'-', b'}', b'}', ..] if is_blank(*blank) => (true, true),
            _ => (false, false),
        }
    }

    fn right_delim(&mut self) -> Item {
        let (_, trim) = self.at_right_delim();
        if trim {
            self.pos += 2;
            self.ignore();
        }
        self.leave_action(trim)
    }

    /// The right delimiter, which comes next; with `trim`, blanks behind it are passed over.
    fn leave_action(&mut self, trim: bool) -> Item {
        self.pos += 2;
        let item = self.item(ItemKind::RightDelim);
        if trim {
            self.pos += blanks(self.rest());
            self.ignore();
        }
        self.inside = false;
        item
    }

    fn inside_action(&mut self) -> Item {
        if self.at_right_delim().0 {
            if self.parens == 0 {
                return self.right_delim();
            }
            return self.error("unclosed left paren");
        }
        match self.rest().first() {
            Some(blank) if is_blank(*blank) => return self.space(),
            // A digit starts a number.
            Some(b) if is_name(*b) && !b.is_ascii_digit() => return self.identifier(),
            _ => {}
        }
        let Some(c) = self.next() else { return self.error("unclosed action") };
        match c {
            '=' => self.item(ItemKind::Assign),
            ':' => {
                if self.next() == Some('=') {
                    self.item(ItemKind::Declare)
                } else {
                    self.error("expected :=")
                }
            }
            '|' => self.item(ItemKind::Pipe),
            '"' => self.quoted('"', ItemKind::String, "unterminated quoted string"),
            '`' => {
                let Some(length) = memchr::memchr(b'`', self.rest()) else { return self.error("unterminated raw quoted string") };
                self.pos += length + 1;
                self.item(ItemKind::RawString)
            }
            '$' => {
                if self.at_terminator() {
                    return self.item(ItemKind::Variable);
                }
                self.field_or_variable(ItemKind::Variable)
            }
            '\'' => self.quoted('\'', ItemKind::CharConstant, "unterminated character constant"),
            '.' if self.pos < self.input.len() && !self.input[self.pos].is_ascii_digit() => self.field_or_variable(ItemKind::Field),
            '.' | '+' | '-' | '0'..='9' => {
                self.backup();
                self.number()
            }
            '(' => {
                self.parens += 1;
                self.item(ItemKind::LeftParen)
            }
            ')' => {
                self.parens -= 1;
                if self.parens < 0 {
                    return self.error("unexpected right paren");
                }
                self.item(ItemKind::RightParen)
            }
            _ if is_alphanumeric(Some(c)) => {
                self.backup();
                self.identifier()
            }
            ' '..='~' => self.item(ItemKind::Char),
            _ => self.error(format!("unrecognized character in action: {}", unicode_name(Some(c)))),
        }
    }

    fn space(&mut self) -> Item {
        let count = blanks(self.rest());
        self.pos += count;
        // A blank before `-}}` belongs to that.
        if let [_, b'-', b'}', b'}', ..] = &self.input[self.pos - 1..] {
            self.pos -= 1;
            if count == 1 {
                return self.right_delim();
            }
        }
        self.item(ItemKind::Space)
    }

    fn identifier(&mut self) -> Item {
        let c = self.after_name();
        if !self.at_terminator() {
            return self.error(format!("bad character {}", unicode_name(c)));
        }
        let kind = word(&self.input[self.start..self.pos]);
        self.item(kind)
    }

    fn field_or_variable(&mut self, kind: ItemKind) -> Item {
        if self.at_terminator() {
            return self.item(if kind == ItemKind::Variable { kind } else { ItemKind::Dot });
        }
        let c = self.after_name();
        if !self.at_terminator() {
            return self.error(format!("bad character {}", unicode_name(c)));
        }
        self.item(kind)
    }

    fn at_terminator(&mut self) -> bool {
        self.at_eof |= self.rest().is_empty();
        terminates(self.rest())
    }

    fn quoted(&mut self, end: char, kind: ItemKind, message: &str) -> Item {
        loop {
            self.pos += memchr::memchr3(b'\\', b'\n', end as u8, self.rest()).unwrap_or(self.rest().len());
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return self.error(message);
                    }
                }
                None | Some('\n') => return self.error(message),
                Some(c) if c == end => return self.item(kind),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Item {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.input[self.pos - 1] != b'i' {
                return self.bad_number();
            }
            return self.item(ItemKind::Complex);
        }
        self.item(ItemKind::Number)
    }

    fn bad_number(&mut self) -> Item {
        let text = crate::value::quote(&self.input[self.start..self.pos]);
        self.error(format!("bad number syntax: {text}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if digits.len() == 11 && self.accept("eE") {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        if digits.len() == 23 && self.accept("pP") {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if is_alphanumeric(self.peek()) {
            self.next();
            return false;
        }
        true
    }
}
