//! The finding: what every phase says about the user's input. It knows spans and their origins and renders nothing.

mod fingerprint;
mod similar;

use crate::source::Origin;
use crate::source::{SourceMap, Sources, Span};

pub use fingerprint::{Fingerprint, fingerprint};
pub use similar::similar;

/// How bad a finding is, from least to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Hurts, but works.
    Warning,
    /// Breaks.
    Error,
    /// A defect of kval itself.
    Bug,
}

impl Severity {
    /// The severity a report or configuration names; `None` for `bug` and for other words.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error].into_iter().find(|s| s.name() == name)
    }

    /// The lower-case word used in reports and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Bug => "bug",
        }
    }
}

/// From which severity on findings fail a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// No finding does.
    Never,
    /// This one and worse.
    From(Severity),
}

impl FailOn {
    /// Whether a finding of this severity fails the run.
    pub fn fails(self, severity: Severity) -> bool {
        matches!(self, Self::From(limit) if severity >= limit)
    }

    /// The word of the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::From(severity) => severity.name(),
        }
    }
}

/// A further place that explains a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// The object a finding is about, as users name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Empty when the object names none.
    pub namespace: String,
    /// Empty when the object has none.
    pub name: String,
}

/// A change of source text that would remove the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// A set of edits that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an instruction.
    pub title: String,
    /// Whether it can be applied without thought.
    pub safe: bool,
    /// The edits, none overlapping.
    pub edits: Vec<Edit>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The rule's id, such as `port-out-of-range`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The sentence; where upstream has one, upstream's own. Never contains a location.
    pub message: String,
    /// The place, in the text that was judged (often a rendered one).
    pub span: Option<Span>,
    /// The object it is about.
    pub object: Option<ObjectRef>,
    /// The field, in the API server's spelling, such as `spec.ports[0].port`; empty for none.
    pub field: String,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// What to do about it, in our words; empty for none.
    pub help: String,
    /// Changes that would remove it.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// A finding with a code, a severity and a sentence; the rest is filled by the methods below.
    pub fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            span: None,
            object: None,
            field: String::new(),
            labels: Vec::new(),
            help: String::new(),
            fixes: Vec::new(),
        }
    }

    /// With its place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// With the object and the field it is about.
    #[must_use]
    pub fn on(mut self, object: ObjectRef, field: impl Into<String>) -> Self {
        self.object = Some(object);
        self.field = field.into();
        self
    }

    /// With a further place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Where a span really comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The template action (or literal template text) that wrote it; `None` when the text was not rendered.
    pub template: Option<Span>,
    /// The include calls around it, innermost first.
    pub trace: Vec<Span>,
    /// The values keys and arguments behind it.
    pub origins: Vec<Origin>,
    /// Whether the origins supplied the text itself (moved, not computed with).
    pub exact: bool,
}

/// Resolves a span of a rendered text to its template and values; an empty answer for a text that was not rendered.
pub fn resolve(sources: &Sources, span: Span) -> Resolved {
    let file = sources.get(span.file);
    let Some(map) = &file.map else { return Resolved::default() };
    let range = span.range();
    let line = file.text.get(range.clone()).and_then(|text| text.find('\n')).map_or(range.end, |at| range.start + at);
    // A block that several actions wrote is where it begins: no single action or value supplied it.
    if line < range.end && several_actions(map, &file.text, &range) {
        let head = map.within(range.start..line.max(range.start + 1)).first().map(|s| (s.end as usize).min(line));
        return resolve_in(map, range.start..head.unwrap_or(line));
    }
    resolve_in(map, range)
}

/// White space around the text (of `nindent`) counts for nothing.
fn several_actions(map: &SourceMap, text: &str, range: &std::ops::Range<usize>) -> bool {
    let blank = |s: &&crate::source::Segment| text.get(s.start as usize..s.end as usize).is_some_and(|t| t.trim().is_empty());
    let mut actions = map.within(range.clone()).iter().filter(|s| s.action && !blank(s)).map(|s| s.template);
    actions.next().is_some_and(|first| actions.any(|other| other != first))
}

/// As [`resolve`], for a range of the text that `map` belongs to.
///
/// The action with the most bytes of the range wins over literal text, for a scalar such as `{{ .Values.name }}-web`
/// is best explained by its action.
pub fn resolve_in(map: &SourceMap, range: std::ops::Range<usize>) -> Resolved {
    let end = range.end.max(range.start + 1);
    let touched = map.within(range.start..end);
    let width = |s: &crate::source::Segment| (s.end.min(end as u32)).saturating_sub(s.start.max(range.start as u32));
    let Some(best) = touched.iter().rev().max_by_key(|s| (s.action, width(s))) else {
        // A gap was written by the renderer itself; the nearest segment before it explains it best.
        let before = map.segments.partition_point(|s| s.end as usize <= range.start);
        let near = before.checked_sub(1).and_then(|i| map.segments.get(i)).or_else(|| map.segments.first());
        return near.map_or_else(Resolved::default, |s| Resolved {
            template: Some(s.template),
            trace: map.trace(s),
            ..Resolved::default()
        });
    };
    let mut origins: Vec<Origin> = Vec::new();
    let mut exact = true;
    for segment in touched.iter().filter(|s| s.action) {
        let (leaves, moved) = map.origins.leaves(segment.origin);
        exact &= moved;
        for leaf in leaves {
            if !origins.contains(leaf) {
                origins.push(leaf.clone());
            }
        }
    }
    exact &= !origins.is_empty();
    let template = best.template_of(range.start as u32..end as u32);
    Resolved { template: Some(template), trace: map.trace(best), origins, exact }
}
