//! A plain subset of YAML, read line by line.
//!
//! Nearly all manifests are written in it, every text in it decodes, and it is read many times faster than tokens are cut.
//! What it leaves out (tabs between tokens, tags, anchors, flow collections over several lines or in one another, keys that are
//! not words) is for the tokens. What was read goes to a [`Sink`].

use crate::source::near::{find, marks, marks_control};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A key or a dash that nothing follows.
    Nothing,
    /// Without quotes, in one line.
    Plain,
    /// As [`Form::Plain`], but it cannot be anything else than a text.
    Word,
    /// Without quotes, in several lines.
    Folded,
    /// Between quotes, the text as it stands.
    Quoted,
    /// In single or double quotes, with escapes or over several lines.
    Escaped,
    /// `|` and `>`.
    Block,
}

/// What takes the parts of a document in their order. All places are bytes of the text.
pub(super) trait Sink {
    /// A collection begins; `start` is its first key or dash.
    fn open(&mut self, _mapping: bool, _start: usize) {}
    /// The innermost collection ends behind its last token.
    fn close(&mut self, _end: usize) {}
    /// A key or value.
    fn scalar(&mut self, _form: Form, _start: usize, _end: usize) {}
    /// From `#` to the end of the line.
    fn comment(&mut self, _start: usize, _end: usize, _own_line: bool) {}
}

/// Nobody wants the parts.
impl Sink for () {}

/// No value is waited for.
const NONE: usize = usize::MAX;

/// An open block collection.
#[derive(Clone, Copy)]
struct Open {
    column: usize,
    sequence: bool,
    /// Behind the last key or dash when it has no value yet.
    bare: usize,
}

/// Deeper documents are left to the tokens.
const MAX_DEPTH: usize = 256;
/// go-yaml wants the `:` of a key within 1024 characters.
const MAX_KEY: usize = 512;

/// Whether go-yaml reads each character and takes none of them but the line feed for a line break.
// Bits are joined without branches, so that the compiler takes many bytes at once.
#[allow(clippy::needless_bitwise_bool)]
pub(super) fn readable(text: &[u8]) -> bool {
    let plain = |b: &u8| (b' '..0x7F).contains(b) | (*b == b'\n') | (*b == b'\t');
    let part = |part: &[u8]| {
        part.iter().fold(true, |all, b| all & plain(b))
            || std::str::from_utf8(part).is_ok_and(|text| {
                text.chars().all(|c| match c {
                    '\n' | '\t' | ' '..='~' => true,
                    '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => false,
                    c => c >= '\u{A0}',
                })
            })
    };
    let mut rest = text;
    while !rest.is_empty() {
        let mut at = rest.len().min(256);
        // Characters stay whole.
        while at < rest.len() && at > 0 && rest[at] & 0xC0 == 0x80 {
            at -= 1;
        }
        let (head, tail) = rest.split_at(at);
        if head.is_empty() || !part(head) {
            return false;
        }
        rest = tail;
    }
    true
}

/// The reader of one document, which must be [`readable`] and without its markers.
pub(super) struct Lines<'a, S> {
    text: &'a [u8],
    at: usize,
    open: Vec<Open>,
    /// Behind the last token.
    last: usize,
    pub(super) sink: S,
}

impl<'a, S: Sink> Lines<'a, S> {
    pub(super) fn new(text: &'a [u8], sink: S) -> Self {
        Self { text, at: 0, open: Vec::with_capacity(16), last: 0, sink }
    }

    /// Where reading goes on.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether all was read.
    pub(super) fn done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Whether there is anything but comments so far.
    pub(super) fn any(&self) -> bool {
        !self.open.is_empty()
    }

    /// Reads everything; `None` when the text is not in the subset.
    pub(super) fn all(mut self) -> Option<S> {
        while !self.done() {
            self.step()?;
        }
        Some(self.finished())
    }

    /// Reads up to the next line that starts with `---`; gives where that is.
    pub(super) fn document(mut self) -> Option<(S, usize)> {
        while !self.done() && !is_marker(&self.text[self.at..]) {
            self.step()?;
        }
        let end = self.at;
        Some((self.finished(), end))
    }

    fn finished(mut self) -> S {
        while !self.open.is_empty() {
            self.pop();
        }
        self.sink
    }

    /// Takes a line and what belongs to its scalar; the key when the line starts an entry of the root.
    #[allow(clippy::option_option)]
    pub(super) fn step(&mut self) -> Option<Option<&'a [u8]>> {
        let text = self.text;
        let start = self.at;
        let mut at = start + blanks(&text[start..]);
        match text.get(at) {
            None | Some(b'\n') => {
                self.at = self.behind(at);
                return Some(None);
            }
            Some(b'#') => {
                self.comment(at, true);
                return Some(None);
            }
            Some(_) => {}
        }
        let mut first = true;
        while text[at] == b'-' && ends_token(text.get(at + 1)) {
            if first {
                self.item(at - start, start)?;
            } else {
                self.push(at - start, true, at)?;
            }
            first = false;
            self.last = at + 1;
            let next = at + 1 + blanks(&text[at + 1..]);
            if self.nothing(next, self.last) {
                return Some(None);
            }
            at = next;
        }
        let column = at - start;
        let Some((key, length)) = key(&text[at..])? else {
            // At the start of a line a scalar is the value that a key or a dash waits for, or out of place.
            if first {
                let open = self.open.last_mut()?;
                if column <= open.column || open.bare == NONE {
                    return None;
                }
                open.bare = NONE;
            }
            self.value(at)?;
            return Some(None);
        };
        if first {
            self.entry(column, start)?;
        } else {
            self.push(column, false, at)?;
        }
        let form = if key.len() + 1 < length { Form::Quoted } else { form_of(key) };
        self.sink.scalar(form, at, at + length - 1);
        self.last = at + length;
        let root = self.open.len() == 1;
        let next = at + length + blanks(&text[at + length..]);
        if !self.nothing(next, at + length) {
            self.value(next)?;
        }
        Some(root.then_some(key))
    }

    /// Whether a line ends at `next`, so that the value of what ends at `bare` may stand below.
    fn nothing(&mut self, next: usize, bare: usize) -> bool {
        match self.text.get(next) {
            None | Some(b'\n') => self.at = self.behind(next),
            Some(b'#') => self.comment(next, false),
            Some(_) => return false,
        }
        if let Some(open) = self.open.last_mut() {
            open.bare = bare;
        }
        true
    }

    /// Takes the rest of a line from `#` on.
    fn comment(&mut self, at: usize, own_line: bool) {
        let end = line_end(self.text, at);
        self.sink.comment(at, end, own_line);
        self.at = self.behind(end);
    }

    /// Behind the line that ends at `end`.
    fn behind(&self, end: usize) -> usize {
        (end + 1).min(self.text.len())
    }

    fn push(&mut self, column: usize, sequence: bool, start: usize) -> Option<()> {
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        self.sink.open(!sequence, start);
        self.open.push(Open { column, sequence, bare: NONE });
        Some(())
    }

    /// Opens a collection as the value that the innermost one still waits for.
    fn fill(&mut self, column: usize, sequence: bool, line: usize) -> Option<()> {
        let open = self.open.last_mut()?;
        if open.bare == NONE {
            return None;
        }
        open.bare = NONE;
        self.push(column, sequence, line + column)
    }

    /// What nothing follows has no value.
    fn settle(&mut self) {
        if let Some(open) = self.open.last_mut()
            && open.bare != NONE
        {
            let at = std::mem::replace(&mut open.bare, NONE);
            self.sink.scalar(Form::Nothing, at, at);
        }
    }

    fn pop(&mut self) {
        self.settle();
        self.open.pop();
        self.sink.close(self.last);
    }

    /// Closes what ends before a line, never the root.
    fn close(&mut self) -> Option<()> {
        (self.open.len() > 1).then(|| self.pop())
    }

    /// Goes to the mapping of a key at `column` of the line at `line`.
    fn entry(&mut self, column: usize, line: usize) -> Option<()> {
        loop {
            let Some(open) = self.open.last() else { return self.push(column, false, line + column) };
            if column > open.column {
                return self.fill(column, false, line);
            }
            if column == open.column && !open.sequence {
                self.settle();
                return Some(());
            }
            self.close()?;
        }
    }

    /// Goes to the sequence of an item at `column` of the line at `line`.
    fn item(&mut self, column: usize, line: usize) -> Option<()> {
        loop {
            let open = self.open.last()?;
            if column > open.column || (column == open.column && !open.sequence) {
                return self.fill(column, true, line);
            }
            if column == open.column {
                self.settle();
                return Some(());
            }
            self.close()?;
        }
    }

    fn scalar(&mut self, form: Form, start: usize, end: usize) {
        self.sink.scalar(form, start, end);
        self.last = end;
    }

    /// A scalar with the lines it goes on in, or a flow collection of one line, from `from` to the end of its line and on.
    fn value(&mut self, from: usize) -> Option<()> {
        let text = self.text;
        match *text.get(from)? {
            b'|' | b'>' => {
                let end = line_end(text, from);
                let rest = &text[from + 1..end];
                let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
                (blanks(rest) == rest.len()).then_some(())?;
                self.at = self.behind(end);
                self.block()?;
                self.scalar(Form::Block, from, self.at);
                Some(())
            }
            b'"' | b'\'' => {
                let (length, simple) = quoted(&text[from..])?;
                self.scalar(if simple { Form::Quoted } else { Form::Escaped }, from, from + length);
                self.ends(from + length)
            }
            b'[' | b'{' => {
                let length = self.flow(&text[from..line_end(text, from)], from)?;
                self.ends(from + length)
            }
            _ => {
                let (end, stop) = plain(text, from)?;
                starts_plain(&text[from..stop]).then_some(())?;
                if text.get(stop) == Some(&b'#') {
                    self.scalar(form_of(&text[from..end]), from, end);
                    self.comment(stop, false);
                    return Some(());
                }
                self.at = self.behind(stop);
                let last = self.continued(end)?;
                let form = if last == end { form_of(&text[from..end]) } else { Form::Folded };
                self.scalar(form, from, last);
                Some(())
            }
        }
    }

    /// The further lines of a plain scalar that ends at `end` so far; its end.
    fn continued(&mut self, mut end: usize) -> Option<usize> {
        let text = self.text;
        let parent = self.open.last()?.column;
        loop {
            let mut start = self.at;
            let mut at = start + blanks(&text[start..]);
            while text.get(at) == Some(&b'\n') {
                start = at + 1;
                at = start + blanks(&text[start..]);
            }
            if at == text.len() || at - start <= parent {
                return Some(end);
            }
            // Nor behind one: what is there is out of place.
            if text[at] == b'#' {
                return Some(end);
            }
            let stop;
            (end, stop) = plain(text, at)?;
            // After a comment no line goes on.
            if text.get(stop) == Some(&b'#') {
                self.comment(stop, false);
                return Some(end);
            }
            self.at = self.behind(stop);
        }
    }

    /// The lines of a block scalar.
    fn block(&mut self) -> Option<()> {
        let text = self.text;
        let parent = self.open.last()?.column;
        let mut indent = None;
        let mut longest = 0;
        while self.at < text.len() {
            let column = blanks(&text[self.at..]);
            let at = self.at + column;
            match text.get(at) {
                // Blanks that no line feed follows are not all of the text.
                None => return None,
                Some(b'\n') => {
                    longest = longest.max(column);
                    self.at = at + 1;
                    continue;
                }
                Some(b'\t') if indent.is_none_or(|i| column < i) => return None,
                Some(_) => {}
            }
            match indent {
                _ if column <= parent => return Some(()),
                // Blank lines before the text may be longer than its indentation.
                None if column < longest => return None,
                None => indent = Some(column),
                Some(indent) if column < indent => return None,
                Some(_) => {}
            }
            self.at = self.behind(line_end(text, at));
        }
        Some(())
    }

    /// Only a comment may stand behind `at` in its line.
    fn ends(&mut self, at: usize) -> Option<()> {
        let next = at + blanks(&self.text[at..]);
        match self.text.get(next) {
            None | Some(b'\n') => self.at = self.behind(next),
            Some(b'#') if next > at => self.comment(next, false),
            Some(_) => return None,
        }
        Some(())
    }

    /// `{}` or a flow sequence of words and quoted scalars that ends on its line; its length.
    fn flow(&mut self, text: &[u8], from: usize) -> Option<usize> {
        self.sink.open(text[0] == b'{', from);
        let mut at = 1 + blanks(&text[1..]);
        if matches!((text[0], text.get(at)), (b'{', Some(b'}')) | (b'[', Some(b']'))) {
            at += 1;
        } else {
            (text[0] == b'[').then_some(())?;
            loop {
                at += blanks(&text[at..]);
                let item = &text[at..];
                let (length, form) = match *item.first()? {
                    b'"' | b'\'' => {
                        let (length, simple) = quoted(item)?;
                        (length, if simple { Form::Quoted } else { Form::Escaped })
                    }
                    b if b.is_ascii_alphanumeric() || b == b'_' => (item.iter().position(|b| !is_word(*b))?, Form::Plain),
                    _ => return None,
                };
                self.sink.scalar(form, from + at, from + at + length);
                at += length;
                at += blanks(&text[at..]);
                match *text.get(at)? {
                    b',' => at += 1,
                    b']' => break,
                    _ => return None,
                }
            }
            at += 1;
        }
        self.last = from + at;
        self.sink.close(self.last);
        Some(at)
    }
}

/// The line feed that ends the line of `at`, or the end of the text.
fn line_end(text: &[u8], at: usize) -> usize {
    find(text, at, |eight| marks(eight, b'\n'), |b| b == b'\n')
}

/// Whether a text starts with a line that begins a document.
pub(super) fn is_marker(text: &[u8]) -> bool {
    // Not a comparison of slices, which is a call: every line is asked.
    matches!(text, [b'-', b'-', b'-', rest @ ..] if rest.first().is_none_or(u8::is_ascii_whitespace))
}

/// Whether what follows ends a `-` or a `:`.
fn ends_token(next: Option<&u8>) -> bool {
    matches!(next, None | Some(b' ' | b'\n'))
}

/// The form of a plain scalar of one line. Numbers, booleans and points in time begin with few letters.
fn form_of(text: &[u8]) -> Form {
    match text[0] {
        b'.' | b'+' | b'-' | b'0'..=b'9' => Form::Plain,
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' if text.len() <= 5 => Form::Plain,
        _ => Form::Word,
    }
}

/// How many blanks a text starts with.
pub(super) fn blanks(text: &[u8]) -> usize {
    let mut n = 0;
    for eight in text.chunks_exact(8) {
        let other = u64::from_le_bytes([eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7]])
            ^ u64::from_ne_bytes([b' '; 8]);
        if other != 0 {
            return n + other.trailing_zeros() as usize / 8;
        }
        n += 8;
    }
    n + text[n..].iter().position(|b| *b != b' ').unwrap_or(text.len() - n)
}

static WORD: [bool; 256] = {
    let mut out = [false; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        out[b] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$');
        b += 1;
    }
    out
};

fn is_word(b: u8) -> bool {
    WORD[b as usize]
}

/// Whether a plain scalar, and nothing that has a meaning of its own, may start so.
fn starts_plain(text: &[u8]) -> bool {
    let next = text.get(1).copied().unwrap_or(b' ');
    match text[0] {
        // Numbers too long to be numbers are no matter for a line reader.
        b'0'..=b'9' => text.len() < 256,
        b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'_' | b'$' | b'(' | b'^' | b'~' | b';' | b'=' | b'\\' | 0x80.. => true,
        b'.' => !text[1..].get(..3).is_some_and(|t| t.eq_ignore_ascii_case(b"inf") || t.eq_ignore_ascii_case(b"nan")) && text.len() < 256,
        b'<' => next != b'<',
        b':' => next.is_ascii_alphanumeric() || next == b':',
        b'-' => next == b'-' || (text.len() < 256 && (next.is_ascii_alphanumeric() || matches!(next, b'/' | b'_'))),
        _ => false,
    }
}

/// The key that a text starts with and the length up to behind its colon; `Some(None)` when it does not start with one.
#[allow(clippy::option_option)]
fn key(text: &[u8]) -> Option<Option<(&[u8], usize)>> {
    let (key, length) = match text[0] {
        b'"' | b'\'' => {
            // One that goes on in further lines is no key.
            let Some((length, _)) = quoted(text) else { return Some(None) };
            let key = &text[1..length - 1];
            if key.contains(&b'\n') {
                return Some(None);
            }
            (key, length)
        }
        _ => {
            let length = text.iter().position(|b| !is_word(*b)).unwrap_or(text.len());
            (&text[..length], length)
        }
    };
    if text.get(length) != Some(&b':') || !ends_token(text.get(length + 1)) {
        return Some(None);
    }
    let quoted = length > key.len();
    if quoted && key.iter().any(|b| matches!(b, b'\\' | b'\'' | b'\t' | 0x80..)) {
        return None;
    }
    let plain = matches!(text[0], b'a'..=b'z' | b'A'..=b'Z' | b'_');
    let null = key.eq_ignore_ascii_case(b"null");
    if length > MAX_KEY || (!quoted && (!plain || null)) {
        return None;
    }
    Some(Some((key, length + 1)))
}

/// The length of a quoted scalar, and whether its text is what stands between the quotes. A line of dashes or dots ends the
/// document.
fn quoted(text: &[u8]) -> Option<(usize, bool)> {
    let quote = text[0];
    let mut at = 1;
    let mut simple = true;
    loop {
        let special = |eight| marks(eight, quote) | marks(eight, b'\\') | marks_control(eight);
        at = find(text, at, special, |b| b == quote || b == b'\\' || b < b' ');
        match *text.get(at)? {
            b'\\' if quote == b'"' => {
                matches!(text.get(at + 1)?, b'\\' | b'"' | b'\'' | b' ' | b'0' | b'n' | b't' | b'r' | b'\n').then_some(())?;
                simple = false;
                // A line feed is looked at by itself.
                at += if text[at + 1] == b'\n' { 1 } else { 2 };
            }
            b if b == quote && quote == b'\'' && text.get(at + 1) == Some(&quote) => {
                simple = false;
                at += 2;
            }
            b if b == quote => return Some((at + 1, simple)),
            b'\n' => {
                let line = &text[at + 1..];
                if line.starts_with(b"---") || line.starts_with(b"...") {
                    return None;
                }
                simple = false;
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// A line of a plain scalar that starts at `from`: the end without the blanks behind it, and the line feed or comment that
/// ends it.
fn plain(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let special = |eight| marks(eight, b':') | marks(eight, b'#') | marks_control(eight);
    let mut at = from;
    loop {
        at = find(text, at, special, |b| b == b':' || b == b'#' || b < b' ');
        match text.get(at) {
            None | Some(b'\n') => break,
            Some(b':') if ends_token(text.get(at + 1)) => return None,
            Some(b'#') if at > from && text[at - 1] == b' ' => break,
            Some(b':' | b'#') => at += 1,
            Some(_) => return None,
        }
    }
    Some((from + trimmed(&text[from..at]), at))
}

fn trimmed(text: &[u8]) -> usize {
    text.iter().rposition(|b| *b != b' ').map_or(0, |i| i + 1)
}
