//! Reads chosen entries of a document without decoding the rest.
//!
//! Sorting rendered manifests needs three entries of each document; the rest only has to be valid. [`skim`] walks the lines of
//! documents written in a plain subset of YAML, of which every text decodes, and gives up on anything else: the caller then
//! decodes the whole. What the subset leaves out (tabs between tokens, tags, anchors, flow collections over several lines,
//! continued scalars, keys that are not words) is rare in manifests.

/// An open block collection: its column, whether it is a sequence, and whether its last entry has no value yet.
#[derive(Clone, Copy)]
struct Open {
    column: usize,
    sequence: bool,
    bare: bool,
}

/// Deeper documents are decoded.
const MAX_DEPTH: usize = 256;
/// go-yaml wants the `:` of a key within 1024 characters.
const MAX_KEY: usize = 512;

/// The lines of the top-level entries whose key is among `wanted`, whatever its letters' case, in their order; `{}` when there
/// are none.
///
/// `None` when the text is not in the subset; it may be valid all the same.
pub fn skim(text: &[u8], wanted: &[&str]) -> Option<Vec<u8>> {
    if !readable(text) {
        return None;
    }
    let mut lines = Lines { text, at: 0, open: Vec::new() };
    let mut out = Vec::new();
    let mut keep_from = None;
    while lines.at < text.len() {
        let start = lines.at;
        let Some(key) = lines.step()? else { continue };
        if let Some(from) = keep_from.take() {
            out.extend_from_slice(&text[from..start]);
        }
        if wanted.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(key)) {
            keep_from = Some(start);
        }
    }
    if let Some(from) = keep_from {
        out.extend_from_slice(&text[from..]);
    }
    // A document of comments alone is null, not a mapping.
    if lines.open.is_empty() {
        return None;
    }
    if out.is_empty() {
        out.extend_from_slice(b"{}");
    }
    Some(out)
}

/// Whether go-yaml reads each character and takes none of them but the line feed for a line break.
// Bits are joined without branches, so that the compiler takes many bytes at once.
#[allow(clippy::needless_bitwise_bool)]
fn readable(text: &[u8]) -> bool {
    let plain = |b: &u8| (b' '..0x7F).contains(b) | (*b == b'\n') | (*b == b'\t');
    if text.chunks(256).all(|part| part.iter().fold(true, |all, b| all & plain(b))) {
        return true;
    }
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|c| match c {
            '\n' | '\t' | ' '..='~' => true,
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => false,
            c => c >= '\u{A0}',
        })
    })
}

struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<Open>,
}

impl<'a> Lines<'a> {
    /// Takes a line and what belongs to its scalar; the key when the line starts an entry of the root.
    #[allow(clippy::option_option)]
    fn step(&mut self) -> Option<Option<&'a [u8]>> {
        let start = self.at;
        let line = self.take_line();
        let mut column = blanks(line);
        if matches!(line.get(column), None | Some(b'#')) {
            return Some(None);
        }
        let mut first = true;
        while line[column] == b'-' && line.get(column + 1).is_none_or(|b| *b == b' ') {
            if first {
                self.item(column)?;
            } else {
                self.push(column, true)?;
            }
            first = false;
            let next = column + 1 + blanks(&line[column + 1..]);
            if matches!(line.get(next), None | Some(b'#')) {
                self.open.last_mut()?.bare = true;
                return Some(None);
            }
            self.open.last_mut()?.bare = false;
            column = next;
        }
        let rest = &line[column..];
        let Some((key, length)) = key(rest)? else {
            // At the start of a line a scalar is the value that a key or a dash waits for, or out of place.
            let open = self.open.last_mut()?;
            if first && !(column > open.column && std::mem::take(&mut open.bare)) {
                return None;
            }
            self.value(start + column, line.len() - column)?;
            return Some(None);
        };
        if first {
            self.entry(column)?;
        } else {
            self.push(column, false)?;
        }
        let value = &rest[length..];
        let value = &value[blanks(value)..];
        let bare = matches!(value.first(), None | Some(b'#'));
        self.open.last_mut()?.bare = bare;
        let root = self.open.len() == 1;
        if !bare {
            self.value(start + line.len() - value.len(), value.len())?;
        }
        Some(root.then_some(key))
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

    fn push(&mut self, column: usize, sequence: bool) -> Option<()> {
        (self.open.len() < MAX_DEPTH).then(|| self.open.push(Open { column, sequence, bare: false }))
    }

    /// Opens a collection as the value that the innermost one still waits for.
    fn fill(&mut self, column: usize, sequence: bool) -> Option<()> {
        let open = self.open.last_mut()?;
        if !std::mem::take(&mut open.bare) {
            return None;
        }
        self.push(column, sequence)
    }

    /// Closes what ends before a line at `column`, never the root.
    fn close(&mut self) -> Option<()> {
        (self.open.len() > 1).then(|| self.open.pop())?.map(|_| ())
    }

    /// Goes to the mapping of a key at `column`.
    fn entry(&mut self, column: usize) -> Option<()> {
        loop {
            let Some(open) = self.open.last() else { return self.push(column, false) };
            if column > open.column {
                return self.fill(column, false);
            }
            if column == open.column && !open.sequence {
                return Some(());
            }
            self.close()?;
        }
    }

    /// Goes to the sequence of an item at `column`.
    fn item(&mut self, column: usize) -> Option<()> {
        loop {
            let open = self.open.last()?;
            if column > open.column || (column == open.column && !open.sequence) {
                return self.fill(column, true);
            }
            if column == open.column {
                return Some(());
            }
            self.close()?;
        }
    }

    /// A scalar with the lines it goes on in, or a flow collection of one line, from `from` to the end of its line and on.
    fn value(&mut self, from: usize, length: usize) -> Option<()> {
        let text = &self.text[from..from + length];
        match *text.first()? {
            b'|' | b'>' => {
                let rest = &text[1..];
                let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
                (blanks(rest) == rest.len()).then_some(())?;
                self.block()
            }
            b'"' | b'\'' => {
                let length = quoted(&self.text[from..])?;
                // A line of dashes or dots would end the document.
                let broken = |line: &[u8]| line.starts_with(b"---") || line.starts_with(b"...");
                if self.text[from..from + length].split(|b| *b == b'\n').skip(1).any(broken) {
                    return None;
                }
                if from + length >= self.at {
                    self.at = from + length;
                    return ends(self.take_line());
                }
                ends(&text[length..])
            }
            b'[' | b'{' => ends(&text[flow(text)?..]),
            _ => {
                starts_plain(text).then_some(())?;
                if plain(text)? {
                    self.continued()?;
                }
                Some(())
            }
        }
    }

    /// The further lines of a plain scalar.
    fn continued(&mut self) -> Option<()> {
        let parent = self.open.last()?.column;
        loop {
            let before = self.at;
            let mut line = self.take_line();
            while blanks(line) == line.len() && self.at < self.text.len() {
                line = self.take_line();
            }
            let column = blanks(line);
            if column == line.len() || column <= parent {
                self.at = before;
                return Some(());
            }
            if line[column] == b'#' {
                return None;
            }
            // After a comment no line goes on.
            if !plain(&line[column..])? {
                return Some(());
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
                longest = longest.max(column);
            }
            self.take_line();
        }
        Some(())
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().position(|b| *b != b' ').unwrap_or(text.len())
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b'$')
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
            let Some(length) = quoted(text) else { return Some(None) };
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

/// Only a comment may stand behind.
fn ends(rest: &[u8]) -> Option<()> {
    let blank = blanks(rest);
    (blank == rest.len() || (blank > 0 && rest[blank] == b'#')).then_some(())
}

/// The length of a quoted scalar.
fn quoted(text: &[u8]) -> Option<usize> {
    let quote = text[0];
    let mut at = 1;
    loop {
        match *text.get(at)? {
            b'\\' if quote == b'"' => {
                matches!(text.get(at + 1)?, b'\\' | b'"' | b'\'' | b' ' | b'0' | b'n' | b't' | b'r' | b'\n').then_some(())?;
                at += 2;
            }
            b if b == quote && quote == b'\'' && text.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The length of `{}` or of a flow sequence of words and quoted scalars that ends on its line.
fn flow(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"{}") || text.starts_with(b"[]") {
        return Some(2);
    }
    let mut at = 1;
    (text[0] == b'[').then_some(())?;
    loop {
        at += blanks(&text[at..]);
        let item = &text[at..];
        at += match *item.first()? {
            b'"' | b'\'' => quoted(item)?,
            b if b.is_ascii_alphanumeric() => item.iter().position(|b| !is_word(*b))?,
            _ => return None,
        };
        at += blanks(&text[at..]);
        match *text.get(at)? {
            b',' => at += 1,
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// A line of a plain scalar; `false` when a comment ends it there.
fn plain(text: &[u8]) -> Option<bool> {
    for i in memchr::memchr3_iter(b'\t', b':', b'#', text) {
        match text[i] {
            b'\t' => return None,
            b':' if text.get(i + 1).is_none_or(|b| *b == b' ') => return None,
            b'#' if i > 0 && text[i - 1] == b' ' => return Some(false),
            _ => {}
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::skim;
    use crate::value::Value;
    use crate::yaml::decode;

    fn head(text: &str) -> Option<String> {
        skim(text.as_bytes(), &["kind", "metadata"]).map(|t| String::from_utf8(t).unwrap())
    }

    #[test]
    fn the_wanted_entries_are_kept_with_their_lines() {
        assert_eq!(
            head("a: 1\n# c\nkind: X\nspec:\n- b: |\n    x: [\n\n  c:\n    d: 'e''s'\nmetadata:\n  name: n\n").unwrap(),
            "kind: X\nmetadata:\n  name: n\n"
        );
        assert_eq!(head("a: [x, \"y\"]\nb: {}\n").unwrap(), "{}");
        assert_eq!(head("# nothing\n"), None);
    }

    /// Texts that go-yaml refuses, or reads otherwise than line by line.
    #[test]
    fn what_might_not_decode_is_left_alone() {
        for text in [
            "a: b: c\n",
            "a: 'x\n",
            "a: \"\\q\"\n",
            "a: 1\n b: 2\n",
            "a:\n    b: 1\n  c: 2\n",
            "a: @x\n",
            "a: .inf\n",
            "a: .NaN\n",
            "a: <<\n",
            "a: :\n",
            "null: 1\n",
            "~: 1\n",
            "a: &x 1\n",
            "a: *x\n",
            "a: !t 1\n",
            "- a\n",
            "a\n",
            "a:\n- b\n c: 1\n",
            "a: |\n    x\n  y\n",
            "a: |2\n  x\n",
            "a: x\n- b\n",
            "a: {b: 1\n",
            "a:\tb\n",
            "a: |\n\tx\n",
            "\u{feff}a: 1\n",
            "a: b\r\n",
            "1: a\n",
            "a: [x: y]\n",
            "a: x\n  y: z\n",
            "a: x\n  y #\n  z\n",
            "a: x\n  # c\n  y\n",
            "a: 'x\n---\n'\n",
            "a: 'x\n  y' z\n",
            "a:\n  x\n b: c\n",
            "...\n",
            "%YAML 1.1\n",
            "a: |\n     \n   x\n",
        ] {
            assert_eq!(head(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_taken_decodes_and_keeps_its_values() {
        for text in [
            "kind: A\nmetadata:\n    name: x # c\n    labels:\n      - - a\n        - b\n      - c: d\n        e:\n        - f\n      -\n        g: h\n  \nz: 1\n",
            "kind: |-\n  A\n\n  # not a comment\nmetadata:\n  a: >+\n\n\n  b: \"\"\n",
            "  kind: A\n  metadata: {}\n",
            "kind: a b\n  .c\n\n   - d # e\n\nmetadata:\n  a: 'x\n\n y''\n  '\n  b: \"\\\"c \\\n   d\" # e\n  c:\n    e\n    f\n  d:\n  - g\n    h\n  e: .spec\n  f: --x\n  g: :80\n",
            "metadata:\n- a:\n  - b\n  c: 1\n-\n- x\nkind: ~\n",
        ] {
            let short = head(text).expect(text);
            let pick = |v: &Value, k: &str| format!("{:?}", v.as_map().unwrap().get(k).map(|v| crate::value::json::to_json(&v)));
            let (whole, short) = (decode(text.as_bytes()).unwrap(), decode(short.as_bytes()).unwrap());
            for k in ["kind", "metadata"] {
                assert_eq!(pick(&whole, k), pick(&short, k), "{text:?}");
            }
        }
    }
}
