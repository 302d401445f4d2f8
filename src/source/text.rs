//! Texts, spans and the map from rendered text back to its templates.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::origin::{OriginId, Origins};

/// The number of a text in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// What follows the path of a template in the name of what it rendered.
pub const RENDERED: &str = " (rendered)";

/// A byte range `start..end` of one text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start: start as u32, end: end as u32 }
    }

    /// The range as `usize`, for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place in a text as people count: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

/// A text, of bytes that are decoded once somebody looks at them.
#[derive(Clone, Debug)]
pub struct Text {
    bytes: Option<Arc<[u8]>>,
    text: OnceLock<Arc<str>>,
}

impl Text {
    /// The text, which it goes on sharing.
    pub fn shared(&self) -> &Arc<str> {
        self.text.get_or_init(|| String::from_utf8_lossy(self.bytes.as_deref().unwrap_or_default()).into())
    }
}

impl<T: Into<Arc<str>>> From<T> for Text {
    fn from(text: T) -> Self {
        Self { bytes: None, text: OnceLock::from(text.into()) }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.shared()
    }
}

/// One text with its name and, when it was rendered, the map to what wrote it.
#[derive(Debug)]
pub struct SourceFile {
    /// The path as shown to users.
    pub name: String,
    /// The whole text; bytes that are not UTF-8 were replaced for display.
    pub text: Text,
    /// Present when the text was rendered from templates with tracing on.
    pub map: Option<Arc<SourceMap>>,
    line_starts: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// The byte offsets at which lines start; the first is 0.
    pub fn line_starts(&self) -> &[u32] {
        // Most texts of a run are never pointed at.
        self.line_starts.get_or_init(|| {
            let breaks = memchr::memchr_iter(b'\n', self.text.as_bytes()).map(|i| i as u32 + 1);
            std::iter::once(0).chain(breaks).collect()
        })
    }

    /// The line (from 0) that holds byte `offset`.
    pub fn line_index(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|&s| s as usize <= offset).saturating_sub(1)
    }

    /// The byte range of line `line` (from 0), without its line break.
    pub fn line_range(&self, line: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.line_starts().get(line)? as usize;
        let end = self.line_starts().get(line + 1).map_or(self.text.len(), |&e| e as usize);
        let text = &self.text[start..end];
        Some(start..start + text.trim_end_matches(['\n', '\r']).len())
    }

    /// Where `offset` is, as people count.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let offset = offset.min(self.text.len());
        let line = self.line_index(offset);
        let start = self.line_starts()[line] as usize;
        let column = self.text.as_bytes()[start..offset].iter().filter(|b| (**b & 0xC0) != 0x80).count();
        LineColumn { line: line as u32 + 1, column: column as u32 + 1 }
    }
}

/// All texts of a run. A `FileId` never changes its text, but an empty one may be supplied later.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// No texts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text and gives its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Text>) -> FileId {
        self.add_rendered(name, text, None)
    }

    /// Adds a text by its bytes; those that are not UTF-8 are replaced for display.
    pub fn add_bytes(&mut self, name: impl Into<String>, bytes: Arc<[u8]>) -> FileId {
        self.add_rendered(name, Text { bytes: Some(bytes), text: OnceLock::new() }, None)
    }

    /// Adds a text that was rendered, with the map to what wrote it.
    pub fn add_rendered(&mut self, name: impl Into<String>, text: impl Into<Text>, map: Option<Arc<SourceMap>>) -> FileId {
        self.files.push(SourceFile { name: name.into(), text: text.into(), map, line_starts: OnceLock::new() });
        FileId(self.files.len() as u32 - 1)
    }

    /// Gives a text that was left out because nothing pointed at it.
    pub fn supply(&mut self, id: FileId, text: impl Into<Text>) {
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            (file.text, file.line_starts) = (text.into(), OnceLock::new());
        }
    }

    /// The text with this number.
    ///
    /// # Panics
    /// When `id` is of another `Sources`: a bug of the caller.
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All texts in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u32), f))
    }

    /// The source text a span covers.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or("")
    }

    /// Where a span starts, as people count.
    pub fn start(&self, span: Span) -> LineColumn {
        self.get(span.file).line_column(span.start as usize)
    }
}

/// One call on the way to a rendered byte: the action that included or templated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The `include`, `template` or `tpl` action.
    pub span: Span,
    /// The frame below it, as an index into [`SourceMap::frames`].
    pub parent: Option<u32>,
}

/// A run of rendered bytes with one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First rendered byte.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The template action, or the literal text of the template, that wrote them.
    pub template: Span,
    /// Whether `template` is an action (`{{ … }}`) and not literal text.
    pub action: bool,
    /// The innermost include call, as an index into [`SourceMap::frames`].
    pub frame: Option<u32>,
    /// The values that supplied the bytes.
    pub origin: OriginId,
}

impl Segment {
    /// The part of the template that wrote rendered bytes `range`: exactly those bytes for literal text, all of an action.
    pub fn template_of(&self, range: std::ops::Range<u32>) -> Span {
        let literal = !self.action && self.template.end.saturating_sub(self.template.start) == self.end.saturating_sub(self.start);
        if !literal {
            return self.template;
        }
        let moved = |at: u32| self.template.start + at.clamp(self.start, self.end) - self.start;
        Span { file: self.template.file, start: moved(range.start), end: moved(range.end) }
    }
}

/// Which template action, through which includes, from which values wrote each byte of a rendered text.
#[derive(Debug, Default)]
pub struct SourceMap {
    /// In order of `start`, without overlap; gaps were written by the renderer itself.
    pub segments: Vec<Segment>,
    /// Include calls, shared by segments.
    pub frames: Vec<Frame>,
    /// What [`Segment::origin`] refers to; shared by all texts of one rendering.
    pub origins: Arc<Origins>,
}

impl SourceMap {
    /// The segment that holds byte `offset`.
    pub fn at(&self, offset: usize) -> Option<&Segment> {
        let i = self.segments.partition_point(|s| s.end as usize <= offset);
        self.segments.get(i).filter(|s| s.start as usize <= offset)
    }

    /// All segments that touch `range`.
    pub fn within(&self, range: std::ops::Range<usize>) -> &[Segment] {
        let from = self.segments.partition_point(|s| s.end as usize <= range.start);
        let to = self.segments.partition_point(|s| (s.start as usize) < range.end);
        &self.segments[from..to.max(from)]
    }

    /// The include calls around a segment, innermost first.
    pub fn trace(&self, segment: &Segment) -> Vec<Span> {
        let mut out = Vec::new();
        let mut next = segment.frame;
        while let Some(i) = next {
            let frame = self.frames[i as usize];
            out.push(frame.span);
            next = frame.parent;
        }
        out
    }

    /// The map of `range` of this text, moved to start at byte 0 (a document cut out of a rendered file).
    #[must_use]
    pub fn cut(&self, range: std::ops::Range<usize>) -> Self {
        let base = range.start as u32;
        let limit = range.end as u32;
        let cut = |s: &Segment| {
            let (start, end) = (s.start.max(base), s.end.min(limit));
            Segment { start: start - base, end: end - base, template: s.template_of(start..end), ..*s }
        };
        let segments = self.within(range).iter().map(cut).collect();
        Self { segments, frames: self.frames.clone(), origins: Arc::clone(&self.origins) }
    }
}
