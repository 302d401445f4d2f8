//! Errors of an expression, printed as upstream prints them: sentence, line and caret.
//! upstream: cel-go common/error.go, common/errors.go

/// Most errors that are printed.
const LIMIT: usize = 100;
/// Longest line that is shown.
const SNIPPET_LIMIT: usize = 16_384;

/// A place in an expression: line from one, column from zero, in code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    /// From one; minus one where there is no place.
    pub(super) line: i64,
    /// From zero; minus one where there is no place.
    pub(super) column: i64,
}

/// No place.
pub(super) const NOWHERE: Location = Location { line: -1, column: -1 };

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    /// Its place.
    pub(super) at: Location,
    /// The sentence.
    pub(super) message: String,
}

/// The errors of one expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Errors(pub Vec<Error>);

/// The text of an expression and where its lines start.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The code points.
    pub(super) chars: Vec<char>,
    lines: Vec<usize>,
}

impl Source {
    /// The source of a text.
    pub(super) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut lines = vec![0];
        lines.extend(chars.iter().enumerate().filter(|(_, c)| **c == '\n').map(|(i, _)| i + 1));
        Self { chars, lines }
    }

    /// The place of an offset.
    pub(super) fn location(&self, offset: usize) -> Location {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        Location { line: line as i64, column: (offset - self.lines[line - 1]) as i64 }
    }

    fn line(&self, line: i64) -> Option<String> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.lines.get(index)?;
        let end = self.lines.get(index + 1).map_or(self.chars.len(), |next| next - 1);
        Some(self.chars[start..end].iter().collect())
    }
}

/// Whether the character is marked with a wide dot (upstream: all of more than one byte).
fn wide(c: char) -> bool {
    c.len_utf8() > 1
}

impl Errors {
    /// Adds one.
    pub(super) fn add(&mut self, at: Location, message: impl Into<String>) {
        self.0.push(Error { at, message: message.into() });
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them with excerpts, in order of place.
    pub(super) fn print(&self, source: &Source) -> String {
        let mut sorted: Vec<&Error> = self.0.iter().collect();
        sorted.sort_by_key(|e| e.at);
        let mut out: Vec<String> = sorted.iter().take(LIMIT).map(|e| print_one(e, source)).collect();
        if self.0.len() > LIMIT {
            out.push(format!("{} more errors were truncated", self.0.len() - LIMIT));
        }
        out.join("\n")
    }
}

fn print_one(error: &Error, source: &Source) -> String {
    let mut out = format!("ERROR: <input>:{}:{}: {}", error.at.line, error.at.column + 1, error.message);
    let Some(line) = source.line(error.at.line) else { return out };
    if source.chars.is_empty() || line.len() > SNIPPET_LIMIT {
        return out;
    }
    let line = line.replace('\t', " ");
    out.push_str("\n | ");
    out.push_str(&line);
    out.push_str("\n | ");
    let column = usize::try_from(error.at.column).unwrap_or(0);
    let chars: Vec<char> = line.chars().collect();
    for c in chars.iter().take(column) {
        out.push(if wide(*c) { '．' } else { '.' });
    }
    out.push(if chars.get(column).is_some_and(|c| wide(*c)) { '＾' } else { '^' });
    out
}
