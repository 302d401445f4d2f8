//! Where rendered bytes come from: pieces of the output, and how they move through the functions that only move text.

use std::borrow::Cow;

use crate::source::Frame as MapFrame;
use crate::source::{FileId, Origin, OriginId, Origins, Piece, Span};
use crate::value::{Kind, Value, print_value};

/// The file of a text given to `tpl`: spans of it are places in a string, and [`Tracer::in_string`] turns them into those
/// of the string's own pieces.
pub const STRING: FileId = FileId(u32::MAX);

/// What a rendering knows about origins.
#[derive(Debug, Default)]
pub struct Tracer {
    /// All origins.
    pub origins: Origins,
    /// All include calls.
    pub frames: Vec<MapFrame>,
    current: Option<u32>,
}

impl Tracer {
    /// Starting from the origins of the values.
    pub fn new(origins: Origins) -> Self {
        Self { origins, frames: Vec::new(), current: None }
    }

    pub(super) fn enter(&mut self, span: Option<Span>) -> Option<u32> {
        let before = self.current;
        if let Some(span) = span.filter(|s| s.file != STRING) {
            self.frames.push(MapFrame { span, parent: before });
            self.current = Some(self.frames.len() as u32 - 1);
        }
        before
    }

    pub(super) fn leave(&mut self, before: Option<u32>) {
        self.current = before;
    }

    /// The origin of a text that was put together from pieces.
    pub fn pieces(&mut self, pieces: Vec<Piece>) -> OriginId {
        if pieces.is_empty() { OriginId::NONE } else { self.origins.add(Origin::Pieces(pieces)) }
    }

    /// The origin of `value`, which was read from the bytes `part` that stand at `at` in a text of origin `whole`:
    /// exact where the bytes were only moved.
    pub fn part(&mut self, whole: OriginId, part: &[u8], at: usize, value: &Value) -> OriginId {
        let Some(Origin::Pieces(all)) = self.origins.get(whole) else {
            return self.origins.derived([whole]);
        };
        let (from, to) = (at as u32, (at + part.len()) as u32);
        let inside = |p: &&Piece| p.start < to && p.end > from;
        let cut = |p: &Piece| Piece { start: p.start.max(from) - from, end: p.end.min(to) - from, ..*p };
        let pieces: Vec<Piece> = all.iter().filter(inside).map(cut).collect();
        let moved = text_of(&value.clone().with_origin(whole)).and_then(|text| align(part, &pieces, &text));
        match moved {
            Some(moved) => self.pieces(moved),
            None => self.origins.derived(pieces.into_iter().map(|p| p.origin)),
        }
    }

    /// Pieces that a template in a string of origin `whole` wrote: its own words have the origin of their bytes, and what
    /// its actions wrote without naming a value has that of the action's bytes.
    pub fn in_string(&mut self, pieces: Vec<Piece>, whole: OriginId) -> Vec<Piece> {
        let mut out = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let Some(span) = piece.template.filter(|t| t.file == STRING) else {
                out.push(piece);
                continue;
            };
            let piece = Piece { template: None, ..piece };
            let source = match self.origins.get(whole) {
                Some(Origin::Pieces(source)) => source,
                _ if piece.origin.is_some() => {
                    out.push(piece);
                    continue;
                }
                _ => {
                    out.push(Piece { origin: whole, ..piece });
                    continue;
                }
            };
            let around = source.iter().filter(|q| q.start < span.end && q.end > span.start);
            if !piece.action && piece.end - piece.start == span.end - span.start {
                let moved = |at: u32| at.clamp(span.start, span.end) - span.start + piece.start;
                out.extend(around.map(|q| Piece { start: moved(q.start), end: moved(q.end), ..*q }));
                continue;
            }
            let own = piece.origin;
            let ids: Vec<OriginId> = around.map(|q| q.origin).collect();
            let origin = if own.is_some() { own } else { self.origins.derived(ids) };
            out.push(Piece { origin, ..piece });
        }
        out
    }

    /// The origin of a function's result.
    pub(super) fn called(&mut self, name: &str, args: &[Value], result: &Value) -> OriginId {
        if result.origin.is_some() {
            return result.origin;
        }
        if let Kind::Str(text) = &result.kind {
            if let Some(pieces) = self.moved(name, args, text.as_bytes()) {
                return self.pieces(pieces);
            }
        } else if name == "default" || name == "coalesce" || name == "ternary" || name == "required" {
            return OriginId::NONE;
        }
        let mut ids = Vec::new();
        args.iter().for_each(|a| collect(a, &mut ids, 0));
        self.origins.derived(ids)
    }

    /// The pieces of a string argument; one piece for a value with a single origin.
    fn pieces_of(&self, v: &Value) -> Option<Vec<Piece>> {
        let end = text_of(v)?.len() as u32;
        match self.origins.get(v.origin) {
            Some(Origin::Pieces(p)) => Some(p.clone()),
            _ => Some(vec![Piece { start: 0, end, template: None, action: false, frame: None, origin: v.origin }]),
        }
    }

    /// The pieces of the result of a function that only moves text.
    fn moved(&self, name: &str, args: &[Value], result: &[u8]) -> Option<Vec<Piece>> {
        match name {
            "indent" | "nindent" | "trim" | "trimAll" | "trimall" | "trimSuffix" | "trimPrefix" | "quote" | "squote" | "toString"
            | "default" | "required" | "trunc" | "nospace" | "upper" | "lower" => {
                let source = args.iter().rev().find(|a| text_of(a).is_some_and(|s| !s.is_empty()))?;
                align(&text_of(source)?, &self.pieces_of(source)?, result)
            }
            "print" | "printf" | "cat" | "join" | "println" | "replace" => {
                let parts: Vec<&Value> = match (name, args.last().map(|a| &a.kind)) {
                    ("join", Some(Kind::List(list))) => list.items().iter().collect(),
                    ("printf" | "replace", _) => args.iter().skip(if name == "printf" { 1 } else { 2 }).collect(),
                    _ => args.iter().collect(),
                };
                let mut at = 0;
                let mut out = Vec::new();
                for part in parts.into_iter().filter(|p| p.origin.is_some()) {
                    let Some(text) = text_of(part) else { continue };
                    let Some(found) = find(&result[at..], &text) else { continue };
                    for piece in self.pieces_of(part)? {
                        let shift = (at + found) as u32;
                        out.push(Piece { start: piece.start + shift, end: piece.end + shift, ..piece });
                    }
                    at += found + text.len();
                }
                (!out.is_empty()).then_some(out)
            }
            "toJson" | "toRawJson" | "toPrettyJson" | "mustToJson" | "mustToRawJson" | "mustToPrettyJson" | "toYamlPretty" | "toToml" => {
                let mut scan = Scan { tracer: self, text: result, at: 0, out: Vec::new() };
                scan.value(args.first()?, 0);
                (!scan.out.is_empty()).then_some(scan.out)
            }
            _ => None,
        }
    }
}

/// Finds the scalars of a value in a text that spells it out in order.
struct Scan<'a> {
    tracer: &'a Tracer,
    text: &'a [u8],
    at: usize,
    out: Vec<Piece>,
}

/// A scalar stands at most so far behind its key or the item before it; a text that follows later is another one.
const NEAR: usize = 256;

impl Scan<'_> {
    fn value(&mut self, v: &Value, depth: usize) {
        if depth > 64 {
            return;
        }
        match &v.kind {
            Kind::List(list) => list.items().iter().for_each(|item| self.value(item, depth + 1)),
            Kind::Map(map) => {
                for (key, item) in map.borrow().iter() {
                    if let Some(found) = find(&self.text[self.at..], key.as_bytes()) {
                        self.at += found + key.as_bytes().len();
                    }
                    self.value(item, depth + 1);
                }
            }
            _ => self.scalar(v),
        }
    }

    fn scalar(&mut self, v: &Value) {
        let Some(text) = text_of(v) else { return };
        let window = &self.text[self.at..(self.at + text.len() + NEAR).min(self.text.len())];
        let Some(found) = find(window, &text) else { return };
        let shift = (self.at + found) as u32;
        if v.origin.is_some() {
            for piece in self.tracer.pieces_of(v).unwrap_or_default() {
                self.out.push(Piece { start: piece.start + shift, end: piece.end + shift, ..piece });
            }
        }
        self.at += found + text.len();
    }
}

/// The text of a scalar as `%v` prints it; numbers keep their origin when they become text.
fn text_of(v: &Value) -> Option<Cow<'_, [u8]>> {
    match &v.kind {
        Kind::Str(s) => Some(Cow::Borrowed(s.as_bytes())),
        Kind::Bool(_) | Kind::Int(..) | Kind::Uint(..) | Kind::Float(_) if v.origin.is_some() => print_value(v).ok().map(Cow::Owned),
        _ => None,
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() || needle.len() > hay.len() {
        return None;
    }
    memchr::memmem::find(hay, needle)
}

/// The origins in a value, of a collection the first few levels.
fn collect(v: &Value, ids: &mut Vec<OriginId>, depth: usize) {
    if v.origin.is_some() {
        ids.push(v.origin);
        return;
    }
    if depth > 16 || ids.len() > 64 {
        return;
    }
    match &v.kind {
        Kind::List(l) => l.items().iter().for_each(|i| collect(i, ids, depth + 1)),
        Kind::Map(m) => m.borrow().values().for_each(|i| collect(i, ids, depth + 1)),
        _ => {}
    }
}

/// Walks `source` and `result` together: bytes of the result that are not the next ones of the source were added
/// (indentation, quotes), bytes of the source that do not come were cut off.
fn align(source: &[u8], pieces: &[Piece], result: &[u8]) -> Option<Vec<Piece>> {
    let mut s = 0;
    // How often the start may be looked for further on.
    let mut tries = 16;
    let mut map: Vec<Option<usize>> = Vec::with_capacity(result.len());
    for &b in result {
        if s < source.len() && source[s].eq_ignore_ascii_case(&b) {
            map.push(Some(s));
            s += 1;
            tries = 0;
            continue;
        }
        // The beginning of the source may have been cut off.
        let skip = if tries > 0 && !matches!(b, b' ' | b'\n' | b'"' | b'\'') {
            tries -= 1;
            source[s..].iter().position(|c| c.eq_ignore_ascii_case(&b))
        } else {
            None
        };
        map.push(skip.map(|n| s + n));
        if let Some(n) = skip {
            s += n + 1;
            tries = 0;
        }
    }
    let mut out: Vec<Piece> = Vec::new();
    let mut p = 0;
    for (i, at) in map.iter().enumerate() {
        let Some(at) = at else { continue };
        while p < pieces.len() && pieces[p].end as usize <= *at {
            p += 1;
        }
        let Some(piece) = pieces.get(p).filter(|q| q.start as usize <= *at) else { continue };
        match out.last_mut() {
            Some(last) if last.end == i as u32 && same(last, piece) => last.end += 1,
            _ => out.push(Piece { start: i as u32, end: i as u32 + 1, ..*piece }),
        }
    }
    (!out.is_empty()).then_some(out)
}

fn same(a: &Piece, b: &Piece) -> bool {
    a.template == b.template && a.action == b.action && a.frame == b.frame && a.origin == b.origin
}

/// Output with, when tracing is on, where it came from.
#[derive(Debug, Default)]
pub struct Out {
    /// The bytes.
    pub text: Vec<u8>,
    /// In order; gaps are unknown.
    pub pieces: Vec<Piece>,
}

impl Out {
    pub(super) fn literal(&mut self, text: &[u8], template: Option<Span>, tracer: Option<&Tracer>) {
        if let Some(t) = tracer {
            self.push(text.len(), template, false, OriginId::NONE, t);
        }
        self.text.extend_from_slice(text);
    }

    pub(super) fn action(&mut self, text: &[u8], template: Option<Span>, origin: OriginId, tracer: Option<&Tracer>) {
        if let Some(t) = tracer {
            self.trace_action(text.len(), template, origin, t);
        }
        self.text.extend_from_slice(text);
    }

    fn trace_action(&mut self, len: usize, template: Option<Span>, origin: OriginId, t: &Tracer) {
        let Some(Origin::Pieces(pieces)) = t.origins.get(origin) else {
            self.push(len, template, true, origin, t);
            return;
        };
        let base = self.text.len() as u32;
        let mut at = 0;
        for piece in pieces {
            let (start, end) = (piece.start.min(len as u32), piece.end.min(len as u32));
            if start > at {
                self.piece(base + at, base + start, template, true, t.current, OriginId::NONE);
            }
            match piece.template {
                Some(_) => self.piece(base + start, base + end, piece.template, piece.action, piece.frame, piece.origin),
                None => self.piece(base + start, base + end, template, true, t.current, piece.origin),
            }
            at = end.max(at);
        }
        self.piece(base + at, base + len as u32, template, true, t.current, OriginId::NONE);
    }

    fn push(&mut self, len: usize, template: Option<Span>, action: bool, origin: OriginId, t: &Tracer) {
        let start = self.text.len() as u32;
        self.piece(start, start + len as u32, template, action, t.current, origin);
    }

    fn piece(&mut self, start: u32, end: u32, template: Option<Span>, action: bool, frame: Option<u32>, origin: OriginId) {
        if start < end {
            self.pieces.push(Piece { start, end, template, action, frame, origin });
        }
    }

    /// Deletes every `needle` from the text.
    pub fn delete(&mut self, needle: &[u8]) {
        if let Some(first) = find(&self.text, needle) {
            // One pass over the rest: the needle is rare, its first place decides whether there is work at all.
            let mut cuts = vec![first];
            let mut at = first + needle.len();
            while let Some(next) = find(&self.text[at..], needle) {
                cuts.push(at + next);
                at += next + needle.len();
            }
            let mut text = Vec::with_capacity(self.text.len());
            let mut from = 0;
            for cut in &cuts {
                text.extend_from_slice(&self.text[from..*cut]);
                from = cut + needle.len();
            }
            text.extend_from_slice(&self.text[from..]);
            self.text = text;
            let n = needle.len() as u32;
            let moved = |p: u32| {
                let before = cuts.partition_point(|c| (*c as u32) < p) as u32;
                let inside = before.checked_sub(1).map_or(0, |i| (cuts[i as usize] as u32 + n).saturating_sub(p));
                p + inside - before * n
            };
            for p in &mut self.pieces {
                (p.start, p.end) = (moved(p.start), moved(p.end));
            }
            self.pieces.retain(|p| p.start < p.end);
        }
    }
}
