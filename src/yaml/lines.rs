//! A plain subset of YAML, read line by line.
//!
//! Nearly all manifests are written in it, every text in it decodes, and it is read many times faster than tokens are cut.
//! What it leaves out (tabs between tokens, tags, anchors, flow collections over several lines or in one another, keys that are
//! not words) is for the tokens. What was read goes to a [`Sink`].

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A key or a dash that nothing follows.
    Nothing,
    /// Without quotes, in one line.
    Plain,
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
        while !self.open.is_empty() {
            self.pop();
        }
        Some(self.sink)
    }

    /// Takes a line and what belongs to its scalar; the key when the line starts an entry of the root.
    #[allow(clippy::option_option)]
    pub(super) fn step(&mut self) -> Option<Option<&'a [u8]>> {
        let start = self.at;
        let line = self.take_line();
        let mut column = blanks(line);
        match line.get(column) {
            None => return Some(None),
            Some(b'#') => {
                self.sink.comment(start + column, start + line.len(), true);
                return Some(None);
            }
            Some(_) => {}
        }
        let mut first = true;
        while line[column] == b'-' && line.get(column + 1).is_none_or(|b| *b == b' ') {
            if first {
                self.item(column, start)?;
            } else {
                self.push(column, true, start + column)?;
            }
            first = false;
            self.last = start + column + 1;
            let next = column + 1 + blanks(&line[column + 1..]);
            if self.nothing(line, next, start, self.last) {
                return Some(None);
            }
            column = next;
        }
        let rest = &line[column..];
        let Some((key, length)) = key(rest)? else {
            // At the start of a line a scalar is the value that a key or a dash waits for, or out of place.
            if first {
                let open = self.open.last_mut()?;
                if column <= open.column || open.bare == NONE {
                    return None;
                }
                open.bare = NONE;
            }
            self.value(start + column, line.len() - column)?;
            return Some(None);
        };
        if first {
            self.entry(column, start)?;
        } else {
            self.push(column, false, start + column)?;
        }
        let at = start + column;
        let form = if key.len() + 1 < length { Form::Quoted } else { Form::Plain };
        self.sink.scalar(form, at, at + length - 1);
        self.last = at + length;
        let root = self.open.len() == 1;
        let next = column + length + blanks(&rest[length..]);
        if !self.nothing(line, next, start, at + length) {
            self.value(start + next, line.len() - next)?;
        }
        Some(root.then_some(key))
    }

    /// Whether a line ends at `next`, so that the value of what ends at `bare` may stand below.
    fn nothing(&mut self, line: &[u8], next: usize, start: usize, bare: usize) -> bool {
        match line.get(next) {
            None => {}
            Some(b'#') => self.sink.comment(start + next, start + line.len(), false),
            Some(_) => return false,
        }
        if let Some(open) = self.open.last_mut() {
            open.bare = bare;
        }
        true
    }

    fn peek_line(&self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())]
    }

    fn take_line(&mut self) -> &'a [u8] {
        let line = self.peek_line();
        self.at = (self.at + line.len() + 1).min(self.text.len());
        line
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
    fn value(&mut self, from: usize, length: usize) -> Option<()> {
        let text = &self.text[from..from + length];
        match *text.first()? {
            b'|' | b'>' => {
                let rest = &text[1..];
                let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
                (blanks(rest) == rest.len()).then_some(())?;
                self.block()?;
                self.scalar(Form::Block, from, self.at);
                Some(())
            }
            b'"' | b'\'' => {
                let (length, simple) = quoted(&self.text[from..])?;
                let end = from + length;
                // A line of dashes or dots would end the document.
                let broken = |line: &[u8]| line.starts_with(b"---") || line.starts_with(b"...");
                if !simple && self.text[from..end].split(|b| *b == b'\n').skip(1).any(broken) {
                    return None;
                }
                self.scalar(if simple { Form::Quoted } else { Form::Escaped }, from, end);
                if end >= self.at {
                    self.at = end;
                    let rest = self.take_line();
                    return self.ends(rest, end);
                }
                self.ends(&text[length..], end)
            }
            b'[' | b'{' => {
                let length = self.flow(text, from)?;
                self.ends(&text[length..], from + length)
            }
            _ => {
                starts_plain(text).then_some(())?;
                let (length, comment) = plain(text)?;
                if let Some(at) = comment {
                    self.scalar(Form::Plain, from, from + length);
                    self.sink.comment(from + at, from + text.len(), false);
                    return Some(());
                }
                let end = self.continued(from + length)?;
                let form = if end == from + length { Form::Plain } else { Form::Folded };
                self.scalar(form, from, end);
                Some(())
            }
        }
    }

    /// The further lines of a plain scalar; its end.
    fn continued(&mut self, mut end: usize) -> Option<usize> {
        let parent = self.open.last()?.column;
        loop {
            let before = self.at;
            let mut start = self.at;
            let mut line = self.take_line();
            let mut column = blanks(line);
            while column == line.len() && self.at < self.text.len() {
                start = self.at;
                line = self.take_line();
                column = blanks(line);
            }
            if column == line.len() || column <= parent {
                self.at = before;
                return Some(end);
            }
            if line[column] == b'#' {
                return None;
            }
            let (length, comment) = plain(&line[column..])?;
            end = start + column + length;
            // After a comment no line goes on.
            if let Some(at) = comment {
                self.sink.comment(start + column + at, start + line.len(), false);
                return Some(end);
            }
        }
    }

    /// The lines of a block scalar.
    fn block(&mut self) -> Option<()> {
        let parent = self.open.last()?.column;
        let mut indent = None;
        let mut longest = 0;
        while self.at < self.text.len() {
            let line = self.peek_line();
            let column = blanks(line);
            if line.get(column) == Some(&b'\t') && indent.is_none_or(|i| column < i) {
                return None;
            }
            if column < line.len() {
                match indent {
                    _ if column <= parent => return Some(()),
                    // Blank lines before the text may be longer than its indentation.
                    None if column < longest => return None,
                    None => indent = Some(column),
                    Some(indent) if column < indent => return None,
                    Some(_) => {}
                }
            } else {
                // Blanks that no line feed follows are not all of the text.
                if column > 0 && self.at + line.len() == self.text.len() {
                    return None;
                }
                longest = longest.max(column);
            }
            self.take_line();
        }
        Some(())
    }

    /// Only a comment may stand behind; `at` is where `rest` starts.
    fn ends(&mut self, rest: &[u8], at: usize) -> Option<()> {
        let blank = blanks(rest);
        if blank == rest.len() {
            return Some(());
        }
        if blank == 0 || rest[blank] != b'#' {
            return None;
        }
        self.sink.comment(at + blank, at + rest.len(), false);
        Some(())
    }

    /// `{}` or a flow sequence of words and quoted scalars that ends on its line; its length.
    fn flow(&mut self, text: &[u8], from: usize) -> Option<usize> {
        self.sink.open(text[0] == b'{', from);
        let mut at = 1;
        if text.starts_with(b"{}") || text.starts_with(b"[]") {
            at = 2;
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
                    b if b.is_ascii_alphanumeric() => (item.iter().position(|b| !is_word(*b))?, Form::Plain),
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
        b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'_' | b'$' | b'(' | b'^' | b'~' | b';' | 0x80.. => true,
        b'.' => !text[1..].get(..3).is_some_and(|t| t.eq_ignore_ascii_case(b"inf") || t.eq_ignore_ascii_case(b"nan")) && text.len() < 256,
        b'<' => next != b'<',
        b':' => next.is_ascii_alphanumeric(),
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
            if key.iter().any(|b| matches!(b, b'\\' | b'\'' | b'\t' | 0x80..)) {
                return None;
            }
            (key, length)
        }
        _ => {
            let length = text.iter().position(|b| !is_word(*b)).unwrap_or(text.len());
            (&text[..length], length)
        }
    };
    if text.get(length) != Some(&b':') || text.get(length + 1).is_some_and(|b| *b != b' ') {
        return Some(None);
    }
    let plain = matches!(text[0], b'a'..=b'z' | b'A'..=b'Z' | b'_');
    let null = key.eq_ignore_ascii_case(b"null");
    if length > MAX_KEY || (length == key.len() && (!plain || null)) {
        return None;
    }
    Some(Some((key, length + 1)))
}

/// The length of a quoted scalar, and whether its text is what stands between the quotes.
fn quoted(text: &[u8]) -> Option<(usize, bool)> {
    let quote = text[0];
    let mut at = 1;
    let mut simple = true;
    loop {
        match *text.get(at)? {
            b'\\' if quote == b'"' => {
                matches!(text.get(at + 1)?, b'\\' | b'"' | b'\'' | b' ' | b'0' | b'n' | b't' | b'r' | b'\n').then_some(())?;
                simple = false;
                at += 2;
            }
            b if b == quote && quote == b'\'' && text.get(at + 1) == Some(&quote) => {
                simple = false;
                at += 2;
            }
            b if b == quote => return Some((at + 1, simple)),
            b => {
                simple &= b != b'\n';
                at += 1;
            }
        }
    }
}

/// A line of a plain scalar: its length without the blanks at its end, and where a comment ends it.
fn plain(text: &[u8]) -> Option<(usize, Option<usize>)> {
    for i in memchr::memchr3_iter(b'\t', b':', b'#', text) {
        match text[i] {
            b'\t' => return None,
            b':' if text.get(i + 1).is_none_or(|b| *b == b' ') => return None,
            b'#' if i > 0 && text[i - 1] == b' ' => return Some((trimmed(&text[..i]), Some(i))),
            _ => {}
        }
    }
    Some((trimmed(text), None))
}

fn trimmed(text: &[u8]) -> usize {
    text.iter().rposition(|b| *b != b' ').map_or(0, |i| i + 1)
}
