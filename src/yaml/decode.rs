//! Text to values as Helm's stack decodes: YAML through JSON, so that every number is a `float64`.

use std::borrow::Cow;
use std::fmt::Write;

use rayon::prelude::*;

use super::compose::{Build, Key, Late, Place, compose};
use super::lines::readable;
use super::node::YamlError;
use super::outline::{build_root, cells};
use super::parser::Parser;
use super::reader::Input;
use super::resolve::Scalar;
use super::scanner::{Fail, Scanner};
use crate::source::{FileId, Origin, Origins, Span};
use crate::value::{Kind, List, Map, Str, Value};

/// Makes values; with origins when a trace is given.
struct Values<'o> {
    trace: Option<Trace<'o>>,
    /// Whether a number was met that JSON cannot have.
    infinite: bool,
}

struct Trace<'o> {
    file: FileId,
    origins: &'o mut Origins,
    offsets: &'o Offsets<'o>,
    shift: usize,
    path: String,
    /// The length of the path before each step, and where the step's key stands.
    steps: Vec<(usize, Option<Span>)>,
}

/// Where the bytes of a document stand in its file.
#[derive(Debug, Default)]
struct Offsets<'a> {
    /// Where the document starts in the text without the carriage returns below.
    base: usize,
    /// Carriage returns that were dropped before parsing, as offsets in the file.
    dropped: &'a [usize],
}

impl Offsets<'_> {
    fn map(&self, offset: usize) -> usize {
        let at = offset + self.base;
        // The k-th dropped byte stood at `dropped[k] - k` in the shorter text.
        let mut low = 0;
        let mut high = self.dropped.len();
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.dropped[middle] - middle <= at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        at + low
    }
}

/// Longer paths are cut: they only explain.
const MAX_PATH: usize = 2048;

impl Values<'_> {
    fn finish(&mut self, value: Value, place: Place) -> Value {
        let Some(trace) = &mut self.trace else { return value };
        let span = trace.span(place);
        let key = trace.steps.last().and_then(|s| s.1).unwrap_or(span);
        let origin = trace.origins.add(Origin::Key { value: span, key, path: trace.path.clone() });
        value.with_origin(origin)
    }
}

impl Trace<'_> {
    fn span(&self, (start, end): Place) -> Span {
        Span::new(self.file, self.offsets.map(start + self.shift), self.offsets.map(end + self.shift))
    }
}

/// The value of a scalar, numbers as `float64`.
fn plain_value(scalar: Scalar, text: &[u8]) -> Value {
    match scalar {
        Scalar::Null => Value::NIL,
        Scalar::Bool(b) => b.into(),
        Scalar::Int(i) => (i as f64).into(),
        Scalar::Uint(u) => (u as f64).into(),
        Scalar::Float(f) => f.into(),
        Scalar::Timestamp | Scalar::Str => Kind::Str(text.into()).into(),
    }
}

impl Build for Values<'_> {
    type Out = Value;

    fn scalar(&mut self, place: Place, scalar: Scalar, text: Cow<'_, [u8]>) -> Value {
        self.infinite |= matches!(scalar, Scalar::Float(f) if !f.is_finite());
        self.finish(plain_value(scalar, &text), place)
    }

    fn sequence(&mut self, place: Place, items: Vec<Value>) -> Value {
        self.finish(List::any(items).into(), place)
    }

    fn mapping(&mut self, place: Place, entries: Vec<(Key<'_>, Value)>) -> Value {
        let map = Map::new(entries.into_iter().map(|(k, v)| (Str::from(&*k.text), v)).collect());
        self.finish(map.into(), place)
    }

    fn enter_key(&mut self, key: &Key<'_>) {
        if let Some(trace) = &mut self.trace {
            let length = trace.path.len();
            let span = trace.span(key.place);
            if length < MAX_PATH {
                if length > 0 {
                    trace.path.push('.');
                }
                trace.path.push_str(&String::from_utf8_lossy(&key.text));
            }
            trace.steps.push((length, Some(span)));
        }
    }

    fn enter_item(&mut self, index: usize) {
        if let Some(trace) = &mut self.trace {
            let length = trace.path.len();
            if length < MAX_PATH {
                let _ = write!(trace.path, "[{index}]");
            }
            trace.steps.push((length, None));
        }
    }

    fn leave(&mut self) {
        if let Some(trace) = &mut self.trace
            && let Some((length, _)) = trace.steps.pop()
        {
            trace.path.truncate(length);
        }
    }
}

fn yaml_error(fail: &Fail, prefix: &str, shift: usize) -> YamlError {
    YamlError { message: format!("{prefix}{}", fail.message), offset: fail.offset.map(|o| o + shift) }
}

/// The first error that was left for after decoding, as sigs.k8s.io/yaml meets it.
fn late_error(late: &Late, prefix: &str, shift: usize) -> Option<YamlError> {
    if !late.duplicates.is_empty() {
        let message = format!("{prefix}yaml: unmarshal errors:\n  {}", late.duplicates.join("\n  "));
        return Some(YamlError { message, offset: None });
    }
    late.key.as_ref().or(late.number.as_ref()).map(|fail| yaml_error(fail, prefix, shift))
}

const TO_JSON: &str = "error converting YAML to JSON: ";
const FROM_JSON: &str = "error unmarshaling JSON: while decoding JSON: ";

/// A text in the plain subset; `None` for any other.
fn decode_lines(text: &[u8], trace: Option<(FileId, &mut Origins, &Offsets<'_>)>) -> Option<Value> {
    let body = text.strip_prefix(b"---\n").unwrap_or(text);
    let shift = text.len() - body.len();
    let body = std::str::from_utf8(body).ok().filter(|body| readable(body.as_bytes()))?;
    let cells = cells(body)?;
    let before = trace.as_ref().map_or(0, |(_, origins, _)| origins.len());
    let mut trace = trace;
    let lent = trace.as_mut().map(|(file, origins, offsets)| Trace {
        file: *file,
        origins,
        offsets,
        shift,
        path: String::new(),
        steps: Vec::new(),
    });
    let mut values = Values { trace: lent, infinite: false };
    let value = build_root(body, &cells, &mut values);
    let infinite = values.infinite;
    if infinite && let Some((_, origins, _)) = trace {
        origins.truncate(before);
    }
    value.filter(|_| !infinite)
}

fn decode_with(text: &[u8], strict: bool, mut trace: Option<(FileId, &mut Origins, &Offsets<'_>)>) -> Result<Value, YamlError> {
    if !strict && let Some(value) = decode_lines(text, trace.as_mut().map(|(file, origins, offsets)| (*file, &mut **origins, *offsets))) {
        return Ok(value);
    }
    let prefix = if strict { "" } else { TO_JSON };
    let input = Input::new(text);
    let shift = input.shift;
    let fail = |f: Fail| yaml_error(&f, &format!("{prefix}yaml: "), shift);
    let tree = Parser::new(Scanner::new(&input, false)).document().map_err(fail)?;
    let trace = trace.map(|(file, origins, offsets)| Trace { file, origins, offsets, shift, path: String::new(), steps: Vec::new() });
    let (value, late) = compose(&tree, &mut Values { trace, infinite: false }, strict).map_err(fail)?;
    if let Some(e) = late_error(&late, prefix, shift) {
        return Err(e);
    }
    if late.deep && !strict {
        return Err(YamlError { message: format!("{FROM_JSON}exceeded max depth"), offset: None });
    }
    Ok(value.unwrap_or_default())
}

/// The first document as `yaml.Unmarshal` of sigs.k8s.io/yaml decodes it into an empty interface.
pub fn decode(text: &[u8]) -> Result<Value, YamlError> {
    decode_with(text, false, None)
}

/// Like [`decode`], but as `YAMLToJSONStrict`: keys that occur twice are errors.
pub fn decode_strict(text: &[u8]) -> Result<Value, YamlError> {
    decode_with(text, true, None)
}

/// Like [`decode`]; every value knows where in `file` it stands.
pub fn decode_traced(text: &[u8], file: FileId, origins: &mut Origins) -> Result<Value, YamlError> {
    decode_with(text, false, Some((file, origins, &Offsets::default())))
}

/// One document as apimachinery's `YAMLReader` cuts it.
struct Cut<'a> {
    text: Cow<'a, [u8]>,
    base: usize,
}

/// Why no document starts at the line `---` and `rest`, at this place of the text.
fn bad_separator(rest: &[u8], at: usize) -> Option<YamlError> {
    let rest = String::from_utf8_lossy(rest);
    let rest = rest.trim();
    (!rest.is_empty() && !rest.starts_with('#')).then(|| {
        let message = format!("error reading yaml document: invalid Yaml document separator: {rest}");
        YamlError { message, offset: Some(at) }
    })
}

/// Cuts at lines that start with `---`; the error is that of the first bad separator, met after the documents before it. Also
/// tells which bytes are left out of the documents.
fn cut(text: &[u8]) -> (Vec<Cut<'_>>, Vec<usize>, Option<YamlError>) {
    if memchr::memchr(b'\r', text).is_some() {
        return cut_lines(text);
    }
    let mut out = Vec::new();
    let mut begin = 0;
    let first = text.starts_with(b"---").then_some(0);
    for at in first.into_iter().chain(memchr::memmem::find_iter(text, b"\n---").map(|newline| newline + 1)) {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        if let Some(error) = bad_separator(&text[at + 3..end], at) {
            return (out, Vec::new(), Some(error));
        }
        // One at the start of a document belongs to it.
        if at > begin {
            out.push(Cut { text: text[begin..at].into(), base: begin });
            begin = end + 1;
        }
    }
    match text.get(begin..) {
        None | Some([]) => {}
        Some(last) if last.ends_with(b"\n") => out.push(Cut { text: last.into(), base: begin }),
        Some(last) => out.push(Cut { text: [last, b"\n"].concat().into(), base: begin }),
    }
    (out, Vec::new(), None)
}

/// As [`cut`], of a text where lines may end with a carriage return, which is left out.
fn cut_lines(text: &[u8]) -> (Vec<Cut<'_>>, Vec<usize>, Option<YamlError>) {
    let mut out = Vec::new();
    let mut dropped = Vec::new();
    let mut buffer = Vec::new();
    let (mut base, mut short, mut at) = (0, 0, 0);
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |i| at + i);
        let mut line = &text[at..end];
        let carriage = line.last() == Some(&b'\r') && end < text.len();
        if carriage {
            line = &line[..line.len() - 1];
            dropped.push(end - 1);
        }
        let start = short;
        short += line.len() + 1;
        let line_at = at;
        at = end + 1;
        if let Some(rest) = line.strip_prefix(b"---") {
            if let Some(error) = bad_separator(rest, line_at) {
                return (out, dropped, Some(error));
            }
            if !buffer.is_empty() {
                out.push(Cut { text: std::mem::take(&mut buffer).into(), base });
                continue;
            }
        }
        if buffer.is_empty() {
            base = start;
        }
        buffer.extend_from_slice(line);
        buffer.push(b'\n');
    }
    if !buffer.is_empty() {
        out.push(Cut { text: buffer.into(), base });
    }
    (out, dropped, None)
}

fn decode_cuts(text: &[u8], mut trace: Option<(FileId, &mut Origins)>, values: bool) -> Result<Vec<Value>, YamlError> {
    let (cuts, dropped, error) = cut(text);
    let mut offsets = Offsets { base: 0, dropped: &dropped };
    let mut out = Vec::new();
    for document in cuts {
        offsets.base = document.base;
        out.push(decode_cut(&document, &offsets, trace.as_mut().map(|(file, origins)| (*file, &mut **origins)), values)?);
    }
    error.map_or(Ok(out), Err)
}

fn decode_cut(document: &Cut<'_>, offsets: &Offsets<'_>, trace: Option<(FileId, &mut Origins)>, values: bool) -> Result<Value, YamlError> {
    let place = |mut e: YamlError| {
        if values {
            e.message = format!("cannot unmarshal yaml document: {}", e.message);
        }
        e.offset = e.offset.map(|o| offsets.map(o));
        e
    };
    let value = decode_with(&document.text, false, trace.map(|(file, origins)| (file, origins, offsets))).map_err(place)?;
    let kind = match value.kind {
        Kind::Map(_) | Kind::Nil => None,
        _ if !values => None,
        Kind::List(_) => Some("array"),
        Kind::Bool(_) => Some("bool"),
        Kind::Str(_) => Some("string"),
        _ => Some("number"),
    };
    if let Some(kind) = kind {
        let message = format!("{FROM_JSON}json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}");
        return Err(place(YamlError { message, offset: Some(0) }));
    }
    Ok(value)
}

/// So many documents are worth the help of other threads.
const MANY: usize = 16;

/// What `make` makes of each of all documents, cut and decoded as [`decode_documents`] does it, maybe on several threads.
///
/// # Errors
///
/// What is wrong with the first document that is no YAML.
pub fn decode_documents_as<T: Send>(text: &[u8], make: impl Fn(&Value) -> T + Sync) -> Result<Vec<T>, YamlError> {
    let (cuts, dropped, error) = cut(text);
    let one = |document: &Cut<'_>| {
        decode_cut(document, &Offsets { base: document.base, dropped: &dropped }, None, false).map(|value| make(&value))
    };
    let all: Vec<Result<T, YamlError>> =
        if cuts.len() > MANY { cuts.par_iter().map(one).collect() } else { cuts.iter().map(one).collect() };
    let all = all.into_iter().collect::<Result<Vec<T>, YamlError>>()?;
    error.map_or(Ok(all), Err)
}

/// All documents, cut as apimachinery's `YAMLReader` cuts and decoded as [`decode`] does.
pub fn decode_documents(text: &[u8]) -> Result<Vec<Value>, YamlError> {
    decode_cuts(text, None, false)
}

/// Like [`decode_documents`]; every value knows where in `file` it stands.
pub fn decode_documents_traced(text: &[u8], file: FileId, origins: &mut Origins) -> Result<Vec<Value>, YamlError> {
    decode_cuts(text, Some((file, origins)), false)
}

/// A values file as Helm's loader reads it: all its documents, later ones merged over earlier ones.
pub fn decode_values(text: &[u8]) -> Result<Map, YamlError> {
    Ok(merged(decode_cuts(text, None, true)?))
}

/// Like [`decode_values`]; every value knows where in `file` it stands.
pub fn decode_values_traced(text: &[u8], file: FileId, origins: &mut Origins) -> Result<Map, YamlError> {
    Ok(merged(decode_cuts(text, Some((file, origins)), true)?))
}

fn merged(documents: Vec<Value>) -> Map {
    let values = Map::default();
    for document in documents {
        if let Kind::Map(map) = document.kind {
            merge(&values, &map);
        }
    }
    values
}

/// Merges `from` into `into`, without recursion: documents may be deep.
fn merge(into: &Map, from: &Map) {
    let mut work = vec![(into.clone(), from.clone())];
    while let Some((into, from)) = work.pop() {
        for (key, value) in from.borrow().iter() {
            if let (Kind::Map(new), Some(Value { kind: Kind::Map(old), .. })) = (&value.kind, into.borrow().get(key)) {
                work.push((old.clone(), new.clone()));
                continue;
            }
            into.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_as_its_lines_are() {
        const PIECES: [&str; 10] = ["---", "\n", "-", "a: 1\n", " ", "#c", "--- #c\n", "--- x\n", "\n---\n", "\n----"];
        let shown = |(cuts, dropped, error): (Vec<Cut<'_>>, Vec<usize>, Option<YamlError>)| {
            let cuts: Vec<_> = cuts.into_iter().map(|cut| (cut.text.into_owned(), cut.base)).collect();
            (cuts, dropped, error.map(|e| (e.message, e.offset)))
        };
        for number in 0..100_000 {
            let text: String = (0..5).map(|place| PIECES[number / 10_usize.pow(place) % 10]).collect();
            assert_eq!(shown(cut(text.as_bytes())), shown(cut_lines(text.as_bytes())), "{text:?}");
        }
        assert_eq!(shown(cut(b"")), shown(cut_lines(b"")));
    }
}
