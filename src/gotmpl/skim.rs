//! Passes over the body of a definition that the parser would take, without making its tree: a chart calls few of those that
//! its libraries define. Whatever is unusual is left to the parser, which has the last word on all that is wrong.

use super::lex::{self, ItemKind};
use crate::value::unquote;

/// Where the action stands that ends a body.
pub(super) struct Ended {
    /// Behind its left delimiter.
    pub(super) inside: usize,
    /// Its right delimiter.
    pub(super) close: usize,
}

/// Passes over the body that begins at `start` of `text`; nothing when the parser has to look at it. `has_function` tells
/// which functions there are.
pub(super) fn skim(text: &[u8], start: usize, has_function: &mut dyn FnMut(&[u8]) -> bool) -> Option<Ended> {
    Skim { text, at: start, vars: Vec::new(), blocks: Vec::new(), ranges: 0, parens: 0, content: false, ended: None, has_function }.body()
}

/// Blocks within one another, and parentheses; what has more is left to the parser.
const MAX_DEPTH: usize = 100;

struct Skim<'a, 'f> {
    text: &'a [u8],
    /// What is read up to here.
    at: usize,
    /// The variables that are declared, but for `$`.
    vars: Vec<&'a [u8]>,
    /// The blocks that are open, the outer ones first.
    blocks: Vec<Block>,
    /// How many of them are a `range`, before its `else`.
    ranges: usize,
    parens: usize,
    /// Whether there was anything but blanks and comments.
    content: bool,
    /// Where the right delimiter of the action stands that ends the body, once it is read.
    ended: Option<usize>,
    has_function: &'f mut dyn FnMut(&[u8]) -> bool,
}

struct Block {
    kind: ItemKind,
    /// How many variables there were before.
    vars: usize,
    /// Whether its last `else` was read.
    last: bool,
}

/// What may stand behind the stages of a pipeline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Close {
    Delim,
    Paren,
}

impl<'a> Skim<'a, '_> {
    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn body(mut self) -> Option<Ended> {
        loop {
            let left = lex::find_left(self.rest())?;
            self.content = self.content || self.rest().iter().take(left).any(u8::is_ascii_graphic);
            self.at += left + 2;
            let inside = self.at;
            if lex::left_trim(self.rest()) {
                self.at += 2;
            }
            if self.rest().starts_with(b"/*") {
                self.comment()?;
                continue;
            }
            self.action()?;
            if let Some(close) = self.ended {
                return self.content.then_some(Ended { inside, close });
            }
        }
    }

    fn comment(&mut self) -> Option<()> {
        self.at += 2;
        self.at += memchr::memmem::find(self.rest(), b"*/")? + 2;
        let blank = self.byte().is_some_and(lex::is_blank);
        self.at += usize::from(blank);
        if blank == self.rest().starts_with(b"-") { self.closed() } else { None }
    }

    /// An action behind its left delimiter.
    fn action(&mut self) -> Option<()> {
        self.blanks();
        let start = self.at;
        let keyword = match self.byte() {
            Some(b'a'..=b'z') => Some(self.word()?).filter(|kind| !is_operand(*kind)),
            _ => None,
        };
        match keyword {
            Some(ItemKind::End) => return self.end(),
            Some(ItemKind::Else) => self.otherwise()?,
            Some(kind @ (ItemKind::If | ItemKind::With | ItemKind::Range)) => {
                self.blocks.push(Block { kind, vars: self.vars.len(), last: false });
                self.ranges += usize::from(kind == ItemKind::Range);
                self.pipeline(Close::Delim, kind == ItemKind::Range)?;
                if self.blocks.len() > MAX_DEPTH {
                    return None;
                }
            }
            Some(ItemKind::Template) => {
                self.blanks();
                self.string()?;
                if self.blanks() && !self.is_closed() {
                    self.pipeline(Close::Delim, false)?;
                } else {
                    self.closed()?;
                }
            }
            Some(ItemKind::Break | ItemKind::Continue) if self.ranges > 0 => {
                self.blanks();
                self.closed()?;
            }
            Some(_) => return None,
            None => {
                self.at = start;
                self.pipeline(Close::Delim, false)?;
            }
        }
        self.content = true;
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        self.blanks();
        let close = self.at + usize::from(self.byte() == Some(b'-'));
        self.closed()?;
        let Some(block) = self.blocks.pop() else {
            self.ended = Some(close);
            return Some(());
        };
        self.ranges -= usize::from(block.kind == ItemKind::Range && !block.last);
        self.vars.truncate(block.vars);
        Some(())
    }

    fn otherwise(&mut self) -> Option<()> {
        self.blanks();
        let kind = match self.byte() {
            Some(b'a'..=b'z') => Some(self.word()?),
            _ => None,
        };
        let block = self.blocks.last_mut().filter(|block| !block.last)?;
        match kind {
            None => {
                block.last = true;
                self.ranges -= usize::from(block.kind == ItemKind::Range);
                self.closed()
            }
            Some(kind) if kind == block.kind && kind != ItemKind::Range => self.pipeline(Close::Delim, false),
            Some(_) => None,
        }
    }

    /// A pipeline up to what closes it, with its declarations.
    fn pipeline(&mut self, close: Close, is_range: bool) -> Option<()> {
        self.declarations(is_range)?;
        let mut first = true;
        loop {
            self.command(first)?;
            first = false;
            match self.byte() {
                Some(b'|') => self.at += 1,
                Some(b')') if close == Close::Paren => {
                    self.at += 1;
                    return Some(());
                }
                _ if close == Close::Delim => return self.closed(),
                _ => return None,
            }
        }
    }

    fn declarations(&mut self, is_range: bool) -> Option<()> {
        let mut more = is_range;
        loop {
            self.blanks();
            let start = self.at;
            if self.byte() != Some(b'$') {
                return Some(());
            }
            let name = self.variable()?;
            self.blanks();
            match self.rest() {
                [b':', b'=', ..] => self.at += 2,
                [b'=', ..] => self.at += 1,
                [b',', ..] if more => {
                    self.at += 1;
                    self.vars.push(name);
                    self.blanks();
                    more = false;
                    if self.byte() != Some(b'$') {
                        return None;
                    }
                    continue;
                }
                [b':' | b',', ..] => return None,
                _ => {
                    self.at = start;
                    return Some(());
                }
            }
            self.vars.push(name);
            return Some(());
        }
    }

    /// An operand and its arguments, with the blanks behind them; only the `first` stage of a pipeline may be a constant.
    fn command(&mut self, first: bool) -> Option<()> {
        self.blanks();
        if !self.operand()? && !first {
            return None;
        }
        while self.blanks() && !matches!(self.byte()?, b'|' | b')') && !self.is_closed() {
            self.operand()?;
        }
        Some(())
    }

    /// An operand; whether it is no constant: such a one can be called, and may have fields.
    fn operand(&mut self) -> Option<bool> {
        let start = self.at;
        let can_call = match self.byte()? {
            b'.' => self.field()?,
            b'$' => {
                let name = self.variable()?;
                (name == b"$" || self.vars.contains(&name)).then_some(true)?
            }
            b'"' | b'`' => {
                self.string()?;
                false
            }
            b'(' => {
                self.at += 1;
                self.parens += 1;
                if self.parens > MAX_DEPTH {
                    return None;
                }
                self.pipeline(Close::Paren, false)?;
                self.parens -= 1;
                true
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                false
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => match self.word()? {
                ItemKind::Identifier => {
                    let name = self.text.get(start..self.at)?;
                    (self.has_function)(name).then_some(true)?
                }
                kind => is_operand(kind).then_some(false)?,
            },
            _ => return None,
        };
        while self.byte() == Some(b'.') {
            if !can_call || !self.field()? {
                return None;
            }
        }
        Some(can_call)
    }

    /// A dot and the name behind it, where there is one: whether it is. Before a digit it is part of a number.
    fn field(&mut self) -> Option<bool> {
        self.at += 1;
        match self.byte() {
            Some(b'0'..=b'9') => None,
            _ if lex::terminates(self.rest()) => Some(false),
            _ => self.name().map(|()| true),
        }
    }

    fn variable(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        self.at += 1;
        if !lex::terminates(self.rest()) {
            self.name()?;
        }
        self.text.get(start..self.at)
    }

    /// A string between its marks.
    fn string(&mut self) -> Option<()> {
        let start = self.at;
        let mark = self.byte().filter(|mark| matches!(mark, b'"' | b'`'))?;
        self.at += 1;
        if mark == b'`' {
            self.at += memchr::memchr(b'`', self.rest())? + 1;
            return Some(());
        }
        let mut plain = true;
        loop {
            self.at += memchr::memchr3(b'\\', b'\n', b'"', self.rest())? + 1;
            match self.text.get(self.at - 1) {
                Some(b'"') if plain => return Some(()),
                Some(b'"') => return unquote(self.text.get(start..self.at)?).map(drop),
                Some(b'\\') if self.byte().is_some_and(|next| next.is_ascii_graphic()) => {
                    plain = false;
                    self.at += 1;
                }
                _ => return None,
            }
        }
    }

    /// A plain decimal number.
    fn number(&mut self) -> Option<()> {
        const DIGITS: usize = 18;
        self.at += usize::from(self.byte() == Some(b'-'));
        let digits = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        let plain = match self.rest() {
            [b'0', ..] => digits == 1,
            _ => (1..=DIGITS).contains(&digits),
        };
        self.at += digits;
        let ends = matches!(self.rest(), [b' ' | b'\t' | b'\r' | b'\n' | b'|' | b')', ..] | [b'}', b'}', ..]);
        (plain && ends).then_some(())
    }

    fn word(&mut self) -> Option<ItemKind> {
        let start = self.at;
        self.name()?;
        self.text.get(start..self.at).map(lex::word)
    }

    fn name(&mut self) -> Option<()> {
        self.at += self.rest().iter().take_while(|b| lex::is_name(**b)).count();
        lex::terminates(self.rest()).then_some(())
    }

    /// Passes over blanks; whether there are some.
    fn blanks(&mut self) -> bool {
        let count = lex::blanks(self.rest());
        self.at += count;
        count > 0
    }

    /// Whether the right delimiter comes next, or its `-` behind a blank.
    fn is_closed(&self) -> bool {
        match self.rest() {
            [b'}', b'}', ..] => true,
            [b'-', b'}', b'}', ..] => self.at.checked_sub(1).and_then(|before| self.text.get(before)).is_some_and(|b| lex::is_blank(*b)),
            _ => false,
        }
    }

    /// Passes over the right delimiter.
    fn closed(&mut self) -> Option<()> {
        let trims = self.byte() == Some(b'-');
        if !self.is_closed() {
            return None;
        }
        self.at += 2 + usize::from(trims);
        if trims {
            self.blanks();
        }
        Some(())
    }
}

/// Whether a word is an operand and no function.
fn is_operand(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Identifier | ItemKind::Bool | ItemKind::Nil)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the body is passed over, up to the end that belongs to it.
    fn check(body: &str, passed: bool) {
        let text = format!("{body}{{{{- end }}}} behind {{{{ end }}}}");
        let ended = skim(text.as_bytes(), 0, &mut |name| name != b"unknown");
        let place = body.len() + 2;
        assert_eq!(ended.map(|ended| (ended.inside, ended.close)), passed.then_some((place, place + 6)), "{body}");
    }

    #[test]
    fn bodies_that_are_passed_over() {
        for body in [
            "text",
            "{{ . }}",
            "{{- .Values.a.b | default \"x\\n}}\" | quote -}}",
            "{{/* {{ end }} */}}{{ $ }}",
            "{{ $x := 1 }}{{ $x = (.a | int).b }}{{ $x.y }}",
            "{{if .a}}a{{else if (eq .b -1)}}{{ $y := 2 }}{{ $y }}{{else}}{{ end }}",
            "{{ range $i, $v := .list }}{{ if $i }}{{ break }}{{ end }}{{ $v }}{{ else }}none{{ end }}",
            "{{ with $x := `raw }}` }}{{ template \"t\" $x }}{{ else with .b }}{{ template `u` }}{{ end }}",
            "{{ printf \"%s\" (include \"a\" (dict \"k\" true \"n\" nil)) }}",
        ] {
            check(body, true);
        }
    }

    #[test]
    fn bodies_that_are_left_to_the_parser() {
        for body in [
            "",
            " \n{{- /* nothing */ -}} ",
            "{{ }}",
            "{{ .a | }}",
            "{{ .a | .b | \"c\" }}",
            "{{ $x }}",
            "{{ if $x := 1 }}{{ end }}{{ $x }}",
            "{{ unknown }}",
            "{{ break }}",
            "{{ range .a }}{{ else }}{{ continue }}{{ end }}",
            "{{ range $a, .b }}{{ end }}",
            "{{ if .a }}{{ else }}{{ else }}{{ end }}",
            "{{ with .a }}{{ else if .b }}{{ end }}",
            "{{ if .a }}{{ if .b }}",
            "{{ (.a }}",
            "{{ .a) }}",
            "{{ \"a\".b }}",
            "{{ \"\\q\" }}",
            "{{ \"a }}",
            "{{ 'a' }}",
            "{{ 1.5 }}",
            "{{ 08 }}",
            "{{ .é }}",
            "{{ .a.b-c }}",
            "{{ .a.5 }}",
            "{{ /* not first */ }}",
            "{{ define \"inner\" }}{{ end }}",
            "{{ block \"inner\" . }}{{ end }}",
        ] {
            check(body, false);
        }
    }
}
