//! Tokens of an expression, with the lexical errors upstream's generated lexer reports.
//! upstream: cel-go parser/gen/CEL.g4

use super::error::{Errors, Source};

/// A kind of token; the numbers are those of upstream's grammar, which order lists of expected tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub(super) enum Tok {
    Eof = 0,
    Equals = 1,
    NotEquals,
    In,
    Less,
    LessEquals,
    GreaterEquals,
    Greater,
    And,
    Or,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    LParen,
    RParen,
    Dot,
    Comma,
    Minus,
    Exclam,
    Question,
    Colon,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    Float = 31,
    Int,
    Uint,
    Str,
    Bytes,
    Ident,
    EscIdent,
}

/// How a kind of token is named in errors.
pub(super) fn display(tok: u32) -> &'static str {
    const NAMES: [&str; 38] = [
        "<EOF>",
        "'=='",
        "'!='",
        "'in'",
        "'<'",
        "'<='",
        "'>='",
        "'>'",
        "'&&'",
        "'||'",
        "'['",
        "']'",
        "'{'",
        "'}'",
        "'('",
        "')'",
        "'.'",
        "','",
        "'-'",
        "'!'",
        "'?'",
        "':'",
        "'+'",
        "'*'",
        "'/'",
        "'%'",
        "'true'",
        "'false'",
        "'null'",
        "WHITESPACE",
        "COMMENT",
        "NUM_FLOAT",
        "NUM_INT",
        "NUM_UINT",
        "STRING",
        "BYTES",
        "IDENTIFIER",
        "ESC_IDENTIFIER",
    ];
    NAMES.get(tok as usize).copied().unwrap_or("")
}

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Its kind.
    pub(super) tok: Tok,
    /// Offset in code points.
    pub(super) at: usize,
    /// End offset.
    pub(super) end: usize,
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
}

/// All tokens, ended by [`Tok::Eof`].
pub(super) fn lex(source: &Source, errors: &mut Errors) -> Vec<Token> {
    let mut lexer = Lexer { chars: &source.chars, at: 0 };
    let mut out = Vec::new();
    loop {
        lexer.skip_hidden();
        let start = lexer.at;
        if start >= lexer.chars.len() {
            break;
        }
        match lexer.token() {
            Ok((tok, end)) => {
                lexer.at = end;
                out.push(Token { tok, at: start, end });
            }
            Err(failed) => {
                let end = (failed + 1).min(lexer.chars.len());
                let text: String = lexer.chars[start..end].iter().collect();
                errors.add(source.location(start), format!("Syntax error: token recognition error at: '{}'", escape_space(&text)));
                lexer.at = end;
            }
        }
    }
    let end = source.chars.len();
    out.push(Token { tok: Tok::Eof, at: end, end });
    out
}

/// Line breaks and tabs as escapes.
pub(super) fn escape_space(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

impl Lexer<'_> {
    fn peek(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    fn skip_hidden(&mut self) {
        loop {
            match self.peek(self.at) {
                Some('\t' | ' ' | '\r' | '\n' | '\u{c}') => self.at += 1,
                Some('/') if self.peek(self.at + 1) == Some('/') => {
                    while self.peek(self.at).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.peek(at).is_some_and(|c| c.is_ascii_digit()) {
            at += 1;
        }
        at
    }

    /// The kind and end of the token here, or where it failed.
    fn token(&self) -> Result<(Tok, usize), usize> {
        let at = self.at;
        let c = self.chars[at];
        let next = self.peek(at + 1);
        let pair = |second: char, long: Tok, short: Option<Tok>| match (next == Some(second), short) {
            (true, _) => Ok((long, at + 2)),
            (false, Some(short)) => Ok((short, at + 1)),
            (false, None) => Err(at + 1),
        };
        match c {
            '=' => pair('=', Tok::Equals, None),
            '!' => pair('=', Tok::NotEquals, Some(Tok::Exclam)),
            '<' => pair('=', Tok::LessEquals, Some(Tok::Less)),
            '>' => pair('=', Tok::GreaterEquals, Some(Tok::Greater)),
            '&' => pair('&', Tok::And, None),
            '|' => pair('|', Tok::Or, None),
            '[' => Ok((Tok::LBracket, at + 1)),
            ']' => Ok((Tok::RBracket, at + 1)),
            '{' => Ok((Tok::LBrace, at + 1)),
            '}' => Ok((Tok::RBrace, at + 1)),
            '(' => Ok((Tok::LParen, at + 1)),
            ')' => Ok((Tok::RParen, at + 1)),
            ',' => Ok((Tok::Comma, at + 1)),
            '-' => Ok((Tok::Minus, at + 1)),
            '?' => Ok((Tok::Question, at + 1)),
            ':' => Ok((Tok::Colon, at + 1)),
            '+' => Ok((Tok::Plus, at + 1)),
            '*' => Ok((Tok::Star, at + 1)),
            '/' => Ok((Tok::Slash, at + 1)),
            '%' => Ok((Tok::Percent, at + 1)),
            '.' if next.is_some_and(|c| c.is_ascii_digit()) => Ok((Tok::Float, self.exponent(self.digits(at + 1)))),
            '.' => Ok((Tok::Dot, at + 1)),
            '0'..='9' => Ok(self.number()),
            '"' | '\'' => self.string(at, false).map(|end| (Tok::Str, end)),
            '`' => self.escaped_name(),
            'a'..='z' | 'A'..='Z' | '_' => Ok(self.word()),
            _ => Err(at),
        }
    }

    /// The end of an exponent at `at`, or `at`.
    fn exponent(&self, at: usize) -> usize {
        if !matches!(self.peek(at), Some('e' | 'E')) {
            return at;
        }
        let digits = at + 1 + usize::from(matches!(self.peek(at + 1), Some('+' | '-')));
        let end = self.digits(digits);
        if end > digits { end } else { at }
    }

    fn number(&self) -> (Tok, usize) {
        let at = self.at;
        if self.chars[at] == '0' && self.peek(at + 1) == Some('x') && self.peek(at + 2).is_some_and(|c| c.is_ascii_hexdigit()) {
            let mut end = at + 2;
            while self.peek(end).is_some_and(|c| c.is_ascii_hexdigit()) {
                end += 1;
            }
            return if matches!(self.peek(end), Some('u' | 'U')) { (Tok::Uint, end + 1) } else { (Tok::Int, end) };
        }
        let whole = self.digits(at);
        let mut end = whole;
        if self.peek(end) == Some('.') && self.peek(end + 1).is_some_and(|c| c.is_ascii_digit()) {
            end = self.digits(end + 1);
        }
        end = self.exponent(end);
        if end > whole {
            return (Tok::Float, end);
        }
        if matches!(self.peek(whole), Some('u' | 'U')) { (Tok::Uint, whole + 1) } else { (Tok::Int, whole) }
    }

    fn word(&self) -> (Tok, usize) {
        let at = self.at;
        // A prefix of a string: at most one b and one r, in this order.
        let mut quote = at;
        let mut bytes = false;
        let mut raw = false;
        if matches!(self.peek(quote), Some('b' | 'B')) {
            (bytes, quote) = (true, quote + 1);
        }
        if matches!(self.peek(quote), Some('r' | 'R')) {
            (raw, quote) = (true, quote + 1);
        }
        if quote > at && matches!(self.peek(quote), Some('"' | '\'')) {
            if let Ok(end) = self.string(quote, raw) {
                return (if bytes { Tok::Bytes } else { Tok::Str }, end);
            }
        }
        let mut end = at;
        while self.peek(end).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            end += 1;
        }
        let text: String = self.chars[at..end].iter().collect();
        let tok = match text.as_str() {
            "in" => Tok::In,
            "true" => Tok::True,
            "false" => Tok::False,
            "null" => Tok::Null,
            _ => Tok::Ident,
        };
        (tok, end)
    }

    fn escaped_name(&self) -> Result<(Tok, usize), usize> {
        let start = self.at + 1;
        let mut end = start;
        while self.peek(end).is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' ')) {
            end += 1;
        }
        if end > start && self.peek(end) == Some('`') { Ok((Tok::EscIdent, end + 1)) } else { Err(end) }
    }

    /// The end of the string whose quote is at `at`, or where it fails.
    fn string(&self, at: usize, raw: bool) -> Result<usize, usize> {
        let quote = self.chars[at];
        let triple = self.peek(at + 1) == Some(quote) && self.peek(at + 2) == Some(quote);
        if triple {
            if let Some(end) = self.triple(at + 3, quote, raw) {
                return Ok(end);
            }
        }
        let mut i = at + 1;
        loop {
            match self.peek(i) {
                Some(c) if c == quote => return Ok(i + 1),
                None | Some('\n' | '\r') => return Err(i),
                Some('\\') if !raw => i = self.escape(i)?,
                Some(_) => i += 1,
            }
        }
    }

    fn triple(&self, mut i: usize, quote: char, raw: bool) -> Option<usize> {
        loop {
            match self.peek(i)? {
                c if c == quote && self.peek(i + 1) == Some(quote) && self.peek(i + 2) == Some(quote) => return Some(i + 3),
                '\\' if !raw => i = self.escape(i).ok()?,
                _ => i += 1,
            }
        }
    }

    /// The end of the escape at `at`, or where it fails.
    fn escape(&self, at: usize) -> Result<usize, usize> {
        let run = |count: usize, ok: fn(char) -> bool| {
            for i in at + 2..at + 2 + count {
                if !self.peek(i).is_some_and(ok) {
                    return Err(i);
                }
            }
            Ok(at + 2 + count)
        };
        match self.peek(at + 1) {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => Ok(at + 2),
            Some('0'..='3') => run(2, |c| matches!(c, '0'..='7')),
            Some('x' | 'X') => run(2, |c| c.is_ascii_hexdigit()),
            Some('u') => run(4, |c| c.is_ascii_hexdigit()),
            Some('U') => run(8, |c| c.is_ascii_hexdigit()),
            _ => Err(at + 1),
        }
    }
}

/// The text a string or bytes token stands for, as bytes; the error is upstream's sentence.
pub(super) fn unquote(token: &str, bytes: bool) -> Result<Vec<u8>, &'static str> {
    let body = if bytes { &token[1..] } else { token };
    let raw = body.starts_with(['r', 'R']);
    let body = if raw { &body[1..] } else { body };
    // Line ends are one character in a literal.
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let long = body.len() >= 6 && (body.starts_with("\"\"\"") || body.starts_with("'''"));
    let inner = if long { &body[3..body.len() - 3] } else { &body[1..body.len() - 1] };
    if raw || !inner.contains('\\') {
        return Ok(inner.as_bytes().to_vec());
    }
    let mut out = Vec::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let mut push = |c: char| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        if c != '\\' {
            push(c);
            continue;
        }
        let kind = chars.next().ok_or("unable to unescape string, found '\\' as last character")?;
        let mut number = |count: usize, radix: u32, first: u32| {
            (0..count).try_fold(first, |v, _| Some(v * radix + chars.next()?.to_digit(radix)?)).ok_or("unable to unescape string")
        };
        match kind {
            'a' => push('\u{7}'),
            'b' => push('\u{8}'),
            'f' => push('\u{c}'),
            'n' => push('\n'),
            'r' => push('\r'),
            't' => push('\t'),
            'v' => push('\u{b}'),
            'x' | 'X' | '0'..='3' => {
                let v = match kind {
                    'x' | 'X' => number(2, 16, 0)?,
                    digit => number(2, 8, digit as u32 - '0' as u32)?,
                };
                if bytes {
                    out.push(v as u8);
                } else {
                    push(char::from(v as u8));
                }
            }
            'u' | 'U' if bytes => return Err("unable to unescape string"),
            'u' | 'U' => {
                let v = number(if kind == 'u' { 4 } else { 8 }, 16, 0)?;
                push(char::from_u32(v).ok_or("invalid unicode code point")?);
            }
            other => push(other),
        }
    }
    Ok(out)
}
