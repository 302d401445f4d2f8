//! Go's regular-expression syntax, checked with Go's error sentences and rewritten for the regex crate.
//!
//! Both engines come from RE2. What differs and is rewritten: `\d`, `\w`, `\s`, `\b` are ASCII in Go; `\Q…\E`; a `{` that
//! starts no repetition is a letter; `[` and `&&` have no meaning inside a class.

use super::Str;

/// The greatest repetition count.
const MAX_COUNT: u32 = 1000;
/// How deep groups may nest.
const MAX_DEPTH: usize = 1000;

/// The pattern for the regex crate, or Go's sentence.
pub fn translate(pattern: &[u8]) -> Result<String, String> {
    let Ok(text) = std::str::from_utf8(pattern) else {
        return Err(format!("error parsing regexp: invalid UTF-8: `{}`", Str::from(pattern)));
    };
    let mut t = Translator { rest: text, out: String::with_capacity(text.len() + 8), groups: Vec::new(), names: Vec::new() };
    t.run(text).map_err(|e| format!("error parsing regexp: {e}"))?;
    Ok(t.out)
}

/// Compiles a pattern in Go's syntax for texts; the error is Go's sentence.
pub fn compile(pattern: &str) -> Result<regex::Regex, String> {
    let translated = translate(pattern.as_bytes())?;
    let too_large = |_| format!("error parsing regexp: expression too large: `{pattern}`");
    regex::Regex::new(&translated).map_err(too_large)
}

/// As [`compile`], remembering what the thread compiled before: the same patterns come again and again.
pub fn compiled(pattern: &str) -> Result<std::rc::Rc<regex::Regex>, String> {
    type Known = rustc_hash::FxHashMap<String, std::rc::Rc<regex::Regex>>;
    /// More are forgotten.
    const MOST: usize = 256;
    thread_local! {
        static KNOWN: std::cell::RefCell<Known> = std::cell::RefCell::default();
    }
    if let Some(found) = KNOWN.with_borrow(|known| known.get(pattern).cloned()) {
        return Ok(found);
    }
    let made = std::rc::Rc::new(compile(pattern)?);
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(pattern.to_owned(), std::rc::Rc::clone(&made));
    });
    Ok(made)
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    /// Open groups.
    groups: Vec<()>,
    names: Vec<&'a str>,
}

/// Whether the last thing can be repeated.
#[derive(Clone, Copy, PartialEq)]
enum Last<'a> {
    Nothing,
    Atom,
    /// A repetition operator, with the text that starts at it.
    Repeat(&'a str),
}

fn perl_class(c: char) -> Option<(&'static str, bool)> {
    Some(match c {
        'd' => ("0-9", false),
        'D' => ("0-9", true),
        's' => (r"\t\n\f\r ", false),
        'S' => (r"\t\n\f\r ", true),
        'w' => ("0-9A-Za-z_", false),
        'W' => ("0-9A-Za-z_", true),
        _ => return None,
    })
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the start of a text and its counts.
fn repetition(s: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = s.find('}')?;
    let inner = s[1..end].split_once(',').map_or((&s[1..end], None), |(a, b)| (a, Some(b)));
    let number = |t: &str| -> Option<u32> {
        if t.is_empty() || !t.bytes().all(|b| b.is_ascii_digit()) || (t.len() > 1 && t.starts_with('0')) {
            return None;
        }
        Some(t.parse().unwrap_or(u32::MAX))
    };
    let low = number(inner.0)?;
    let high = match inner.1 {
        None => Some(low),
        Some("") => None,
        Some(t) => Some(number(t)?),
    };
    Some((end + 1, low, high))
}

impl<'a> Translator<'a> {
    fn run(&mut self, whole: &'a str) -> Result<(), String> {
        let mut last = Last::Nothing;
        while let Some(c) = self.rest.chars().next() {
            let here = self.rest;
            match c {
                '(' => {
                    if here.starts_with("(?") {
                        last = if self.flags(here)? { Last::Nothing } else { last };
                    } else {
                        self.take(1);
                        self.groups.push(());
                        last = Last::Nothing;
                    }
                    if self.groups.len() > MAX_DEPTH {
                        return Err(format!("expression nests too deeply: `{whole}`"));
                    }
                }
                ')' => {
                    if self.groups.pop().is_none() {
                        return Err(format!("unexpected ): `{whole}`"));
                    }
                    self.take(1);
                    last = Last::Atom;
                }
                '|' => {
                    self.take(1);
                    last = Last::Nothing;
                }
                '*' | '+' | '?' => last = self.repeat(here, 1, last)?,
                '{' => match repetition(here) {
                    Some((len, low, high)) => {
                        if low > MAX_COUNT || high.is_some_and(|h| h > MAX_COUNT || h < low) {
                            return Err(format!("invalid repeat count: `{}`", &here[..len]));
                        }
                        last = self.repeat(here, len, last)?;
                    }
                    None => {
                        self.rest = &here[1..];
                        self.out.push_str(r"\{");
                        last = Last::Atom;
                    }
                },
                '[' => {
                    self.class(here)?;
                    last = Last::Atom;
                }
                '\\' => last = self.escape(here, last)?,
                c => {
                    if c == '}' || c == ']' {
                        self.out.push('\\');
                    }
                    self.take(c.len_utf8());
                    last = Last::Atom;
                }
            }
        }
        if self.groups.is_empty() { Ok(()) } else { Err(format!("missing closing ): `{whole}`")) }
    }

    /// Copies bytes as they are.
    fn take(&mut self, n: usize) {
        self.out.push_str(&self.rest[..n]);
        self.rest = &self.rest[n..];
    }

    fn repeat(&mut self, here: &'a str, len: usize, last: Last<'a>) -> Result<Last<'a>, String> {
        let lazy = usize::from(here[len..].starts_with('?'));
        match last {
            Last::Nothing => return Err(format!("missing argument to repetition operator: `{}`", &here[..len])),
            Last::Repeat(start) => {
                let end = start.len() - here.len() + len + lazy;
                return Err(format!("invalid nested repetition operator: `{}`", &start[..end]));
            }
            Last::Atom => {}
        }
        self.take(len + lazy);
        Ok(Last::Repeat(here))
    }

    /// A `(?…` group; answers whether a group opened (flags alone open none).
    fn flags(&mut self, here: &'a str) -> Result<bool, String> {
        for lead in ["(?P<", "(?<"] {
            let Some(tail) = here.strip_prefix(lead) else { continue };
            if lead == "(?<" && (tail.starts_with('=') || tail.starts_with('!')) {
                return Err(format!("invalid or unsupported Perl syntax: `{}`", &here[..4]));
            }
            let Some(end) = tail.find('>') else {
                return Err(format!("invalid named capture: `{here}`"));
            };
            let (name, full) = (&tail[..end], &here[..=lead.len() + end]);
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(format!("invalid named capture: `{full}`"));
            }
            if self.names.contains(&name) {
                return Err(format!("duplicate capture group name: `{name}`"));
            }
            self.names.push(name);
            // Names may start with a digit in Go: they are numbered here, and looked up by position.
            self.out.push_str(&format!("(?P<n{}_{name}>", self.names.len()));
            self.rest = &tail[end + 1..];
            self.groups.push(());
            return Ok(true);
        }
        let mut negative = false;
        let mut seen = false;
        for (i, c) in here.char_indices().skip(2) {
            match c {
                'i' | 'm' | 's' | 'U' => seen = true,
                '-' if !negative => {
                    negative = true;
                    seen = false;
                }
                ':' | ')' if !negative || seen => {
                    if c == ')' && i == 2 {
                        // `(?)` changes nothing.
                        self.rest = &here[3..];
                        return Ok(false);
                    }
                    self.take(i + 1);
                    if c == ':' {
                        self.groups.push(());
                    }
                    return Ok(c == ':');
                }
                _ => {
                    return Err(format!("invalid or unsupported Perl syntax: `{}`", &here[..i + c.len_utf8()]));
                }
            }
        }
        Err(format!("missing closing ): `{here}`"))
    }

    fn escape(&mut self, here: &'a str, last: Last<'a>) -> Result<Last<'a>, String> {
        let Some(c) = here[1..].chars().next() else {
            return Err("trailing backslash at end of expression: ``".to_owned());
        };
        if c == 'Q' {
            let tail = &here[2..];
            let (literal, rest) = tail.split_once(r"\E").unwrap_or((tail, ""));
            self.out.push_str(&regex::escape(literal));
            self.rest = rest;
            return Ok(if literal.is_empty() { last } else { Last::Atom });
        }
        if c == 'E' {
            return Err(format!("invalid escape sequence: `{}`", &here[..2]));
        }
        if let Some((set, negated)) = perl_class(c) {
            self.out.push_str(if negated { "[^" } else { "[" });
            self.out.push_str(set);
            self.out.push(']');
            self.rest = &here[2..];
            return Ok(Last::Atom);
        }
        match c {
            'b' | 'B' => {
                self.out.push_str(if c == 'b' { r"(?-u:\b)" } else { r"(?-u:\B)" });
                self.rest = &here[2..];
            }
            'A' | 'z' => self.take(2),
            'p' | 'P' => {
                let len = unicode_class(here)?;
                self.take(len);
            }
            _ => {
                let (code, len) = literal_escape(here)?;
                push_literal(&mut self.out, code);
                self.rest = &here[len..];
            }
        }
        Ok(Last::Atom)
    }

    fn class(&mut self, here: &'a str) -> Result<(), String> {
        let missing = || format!("missing closing ]: `{here}`");
        let mut rest = &here[1..];
        self.out.push('[');
        if let Some(r) = rest.strip_prefix('^') {
            self.out.push('^');
            rest = r;
        }
        let mut first = true;
        loop {
            let Some(c) = rest.chars().next() else { return Err(missing()) };
            if c == ']' && !first {
                break;
            }
            first = false;
            if let Some(tail) = rest.strip_prefix("[:") {
                if let Some(end) = tail.find(":]") {
                    let full = &rest[..end + 4];
                    let name = tail[..end].trim_start_matches('^');
                    const NAMES: [&str; 14] = [
                        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
                        "xdigit",
                    ];
                    if !NAMES.contains(&name) {
                        return Err(format!("invalid character class range: `{full}`"));
                    }
                    self.out.push_str(full);
                    rest = &rest[full.len()..];
                    continue;
                }
            }
            if c == '\\' {
                if let Some((set, negated)) = rest[1..].chars().next().and_then(perl_class) {
                    if negated {
                        self.out.push_str("[^");
                        self.out.push_str(set);
                        self.out.push(']');
                    } else {
                        self.out.push_str(set);
                    }
                    rest = &rest[2..];
                    continue;
                }
                if rest[1..].starts_with(['p', 'P']) {
                    let len = unicode_class(rest)?;
                    self.out.push_str(&rest[..len]);
                    rest = &rest[len..];
                    continue;
                }
            }
            let range = rest;
            let (low, len) = class_char(rest).ok_or_else(missing)??;
            rest = &rest[len..];
            let mut high = low;
            if rest.starts_with('-') && rest.len() >= 2 && !rest[1..].starts_with(']') {
                let (code, len) = class_char(&rest[1..]).ok_or_else(missing)??;
                high = code;
                rest = &rest[1 + len..];
                if high < low {
                    return Err(format!("invalid character class range: `{}`", &range[..range.len() - rest.len()]));
                }
            }
            push_literal(&mut self.out, low);
            if high > low {
                self.out.push('-');
                push_literal(&mut self.out, high);
            }
        }
        self.out.push(']');
        self.rest = &rest[1..];
        Ok(())
    }
}

fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation() || (c.is_ascii() && !c.is_ascii_alphanumeric()) {
        out.push_str(&format!("\\x{{{:x}}}", c as u32));
    } else {
        out.push(c);
    }
}

fn class_char(s: &str) -> Option<Result<(char, usize), String>> {
    let c = s.chars().next()?;
    Some(if c == '\\' { literal_escape(s) } else { Ok((c, c.len_utf8())) })
}

/// The length of `\pN` or `\p{Name}`.
fn unicode_class(s: &str) -> Result<usize, String> {
    let invalid = |len: usize| format!("invalid character class range: `{}`", &s[..len]);
    let Some(c) = s[2..].chars().next() else { return Err(invalid(2)) };
    let len = if c == '{' {
        match s.find('}') {
            Some(end) => end + 1,
            None => return Err(format!("invalid character class range: `{s}`")),
        }
    } else {
        2 + c.len_utf8()
    };
    if regex::Regex::new(&s[..len]).is_err() {
        return Err(invalid(len));
    }
    Ok(len)
}

/// A rune that an escape stands for, and the escape's length.
fn literal_escape(s: &str) -> Result<(char, usize), String> {
    let Some(c) = s[1..].chars().next() else {
        return Err("trailing backslash at end of expression: ``".to_owned());
    };
    let invalid = |len: usize| format!("invalid escape sequence: `{}`", &s[..len.min(s.len())]);
    let code = match c {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '0'..='7' => {
            let digits: String = s[1..].chars().take(3).take_while(|c| ('0'..='7').contains(c)).collect();
            if c != '0' && digits.len() < 2 {
                return Err(invalid(2));
            }
            let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
            return char::from_u32(code).map(|c| (c, 1 + digits.len())).ok_or_else(|| invalid(2));
        }
        'x' => {
            if let Some(tail) = s[2..].strip_prefix('{') {
                let Some(end) = tail.find('}') else { return Err(invalid(s.len())) };
                let code = u32::from_str_radix(&tail[..end], 16).ok().and_then(char::from_u32);
                return code.map(|c| (c, end + 4)).ok_or_else(|| invalid(end + 4));
            }
            let code = s.get(2..4).and_then(|h| u32::from_str_radix(h, 16).ok());
            return code.and_then(char::from_u32).map(|c| (c, 4)).ok_or_else(|| invalid(3.min(s.len())));
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c as u32,
        c => return Err(invalid(1 + c.len_utf8())),
    };
    Ok((char::from_u32(code).unwrap_or(c), 1 + c.len_utf8()))
}
