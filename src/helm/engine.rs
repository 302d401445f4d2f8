//! Helm's template engine: all templates of all charts in one namespace, parsed and executed in Helm's order, with
//! `include`, `tpl`, `required`, `fail` and `lookup`, and errors worded as Helm words them. upstream: pkg/engine/engine.go

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use super::engine_ahead::{Ahead, Trees};
use super::engine_beside::Beside;
use super::engine_error::{exec_error, parse_error};
use super::engine_functions::{Engine, knows};
use crate::gotmpl;
use crate::gotmpl::tree::Tree;
use crate::gotmpl::{Functions, Seen};
use crate::gotmpl::{MissingKey, Out, Runtime, Scope, Tracer};
use crate::source::FileId;
use crate::source::Origins;
use crate::source::Piece;
use crate::source::Segment;
use crate::source::SourceMap;
use crate::source::Span;
use crate::source::World;
use crate::source::all_cores;
use crate::sprig;
use crate::value::{GoType, Map, Str, Value, noticing};

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
    /// Bytes of output of all files, and of any text or list on the way there.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 40_000_000, output: 128 << 20 }
    }
}

/// Answers `lookup`: API version, kind, namespace, name.
pub type Lookup<'a> = &'a dyn Fn(&str, &str, &str, &str) -> Result<Value, String>;

/// Takes a file's path and bytes.
pub type Finished<'a> = &'a dyn Fn(&str, &Arc<Vec<u8>>);

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
    /// Whether the process ends with this rendering, which then leaves its memory to that end.
    pub once: bool,
    /// Is told of each file as soon as it is rendered.
    pub finished: Option<Finished<'a>>,
    /// A file that fails does not stop the others: see [`Output::failures`].
    pub keep_going: bool,
    /// Texts that are parsed already, or soon.
    pub ahead: Option<&'a Ahead>,
}

impl<'a> Options<'a> {
    /// Helm 4's own behaviour without a cluster.
    pub fn new(world: &'a dyn World) -> Self {
        Self {
            strict: false,
            lint: false,
            compat: 4,
            trace: None,
            world,
            lookup: None,
            limits: Limits::default(),
            once: false,
            finished: None,
            keep_going: false,
            ahead: None,
        }
    }
}

/// A rendered file.
#[derive(Debug)]
pub struct Rendered {
    /// Its bytes.
    pub text: Arc<Vec<u8>>,
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
    /// The files that failed where a failure stops nothing.
    pub failures: Vec<RenderError>,
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
    /// What `fail` and `required` said in lint mode before it.
    pub warnings: Vec<String>,
    /// The values key whose absence caused it.
    pub missing: Option<AbsentKey>,
}

/// A key that a template needs and that is absent or null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsentKey {
    /// Its path from the start of the chain in the template, such as `Values.image.tag`.
    pub path: String,
    /// Where the map that lacks it is defined; known when tracing is on.
    pub parent: Option<Span>,
    /// The keys that map has, for a suggestion.
    pub siblings: Vec<String>,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for RenderError {}

/// Renders all templates; partials are only parsed.
///
/// # Errors
/// The first parse or execution error, worded as Helm words it.
// One error ends a rendering: its size does not matter.
#[allow(clippy::result_large_err)]
pub fn render(templates: &[Template], options: &Options<'_>) -> Result<Output, RenderError> {
    let mut by_name: BTreeMap<&str, &Template> = BTreeMap::new();
    for t in templates.iter().filter(|t| !t.partial_only || base(&t.name).starts_with('_')) {
        by_name.insert(&t.name, t);
    }
    let mut order: Vec<&Template> = by_name.into_values().collect();
    // They are sorted by name already.
    order.reverse();
    order.sort_by_cached_key(|t| std::cmp::Reverse(t.name.bytes().filter(|b| *b == b'/').count()));

    let v3 = options.compat == 3;
    let table = functions(v3);
    let host = Engine::new(options, table);
    let mut defined: Vec<Arc<Tree>> = Vec::new();
    let mut failures: Vec<RenderError> = Vec::new();
    let mut unparsed: Vec<&str> = Vec::new();
    for (t, trees) in order.iter().zip(parse(&order, table, options.ahead)) {
        match trees {
            Ok(trees) => defined.extend(trees),
            Err(e) => {
                let error = parse_error(&t.name, t.file, &e);
                if !options.keep_going {
                    return Err(error);
                }
                unparsed.push(&t.name);
                failures.push(error);
            }
        }
    }
    let size = order.iter().map(|t| t.text.len()).sum();
    order.retain(|t| !base(&t.name).starts_with('_') && !unparsed.contains(&t.name.as_str()));

    let scope = Rc::new(Scope::default());
    let mut runtime = runtime(&host, table, options, Rc::clone(&scope));
    let mut execute = |beside: Option<&Beside<'_>>| {
        defined.iter().for_each(|tree| scope.add(tree));
        execute_all(&order, options, &mut runtime, beside, &mut |error| {
            if !options.keep_going {
                return Err(error);
            }
            // Where a file does not parse, what it defines is missing everywhere.
            if unparsed.is_empty() || !error.message.contains("no template ") {
                failures.push(error);
            }
            Ok(())
        })
    };
    let outs = match Beside::new(&order, size, &defined, table, options) {
        None => execute(None),
        Some(beside) => rayon::in_place_scope(|threads| {
            (1..rayon::current_num_threads()).for_each(|_| threads.spawn(|_| beside.work()));
            let outs = execute(Some(&beside));
            beside.stop();
            outs
        }),
    };
    let outs = match outs {
        Ok(outs) => outs,
        Err(error) => return Err(RenderError { warnings: host.warnings.take(), ..error }),
    };

    let tracer = runtime.tracer.take();
    let shared = tracer.map(|t| (t.frames, Arc::new(t.origins)));
    let files = outs
        .into_iter()
        .map(|(name, text, pieces)| {
            let map = shared.as_ref().map(|(frames, origins)| {
                Arc::new(SourceMap { segments: segments(&pieces), frames: frames.clone(), origins: Arc::clone(origins) })
            });
            (name, Rendered { text, map })
        })
        .collect();
    if options.once {
        std::mem::forget((runtime.scope, runtime.seen, defined));
    }
    Ok(Output { files, warnings: host.warnings.take(), failures })
}

/// What a rendering begins with.
pub(super) fn runtime<'h>(host: &'h Engine<'h>, functions: Functions, options: &Options<'h>, scope: Rc<Scope>) -> Runtime<'h> {
    Runtime {
        host,
        functions,
        missing: if options.strict { MissingKey::Error } else { MissingKey::Zero },
        scope,
        world: options.world,
        random: stream(options.world.seed(), 0),
        steps: options.limits.steps,
        max_output: options.limits.output,
        tracer: options.trace.map(|origins| Tracer::new(origins.clone())),
        depth: 0,
        seen: Seen::default(),
    }
}

/// The random stream of a file: each has its own, so that what one takes is nothing to the others.
pub(super) fn stream(seed: u64, file: usize) -> Box<dyn FnMut(&mut [u8])> {
    let mut rng = None;
    // Few files ask.
    Box::new(move |buffer| {
        let rng = rng.get_or_insert_with(|| {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            rng.set_stream(file as u64);
            rng
        });
        rng.fill_bytes(buffer);
    })
}

/// Sets which file of a chart is rendered.
pub(super) fn name_template(dot: &Map, name: &str, base_path: &str, compat: u8) {
    let entries = [("Name", name), ("BasePath", base_path)];
    let entries = entries.into_iter().map(|(k, v)| (Str::from(k), Value::from(v))).collect();
    dot.insert("Template", Map::typed(GoType::Any, Some(super::release::values_type(compat == 3)), entries).into());
}

/// A file's name, what it printed, and what wrote that.
type Printed = (String, Arc<Vec<u8>>, Vec<Piece>);

/// Renders all files, one after the other, or takes what others rendered `beside` this. `fail` is told of each that fails, and
/// answers whether that ends the rendering.
#[allow(clippy::result_large_err)] // as of the whole
fn execute_all(
    order: &[&Template],
    options: &Options<'_>,
    runtime: &mut Runtime<'_>,
    mut beside: Option<&Beside<'_>>,
    fail: &mut dyn FnMut(RenderError) -> Result<(), RenderError>,
) -> Result<Vec<Printed>, RenderError> {
    let mut outs = Vec::with_capacity(order.len());
    for (i, t) in order.iter().enumerate() {
        if let Some(dot) = t.dot.as_map() {
            name_template(dot, &t.name, &t.base_path, options.compat);
        }
        let done = beside.filter(|beside| !beside.is_mine(i)).and_then(|beside| beside.wait(i, runtime.steps, runtime.max_output));
        let (text, pieces) = if let Some(done) = done {
            runtime.steps -= done.steps;
            (Arc::clone(&done.text), Vec::new())
        } else {
            runtime.random = stream(options.world.seed(), i);
            // Most templates print about as much as they hold.
            let mut out = Out { text: Vec::with_capacity(t.text.len()), pieces: Vec::new() };
            let (rendered, changed) = noticing(|| runtime.execute(t.name.as_bytes(), ROOT, &t.dot, &mut out));
            if let Err(e) = rendered {
                fail(exec_error(&t.name, &e, options.compat, options.trace))?;
                continue;
            }
            if changed {
                // The others do not see that.
                beside.take().into_iter().for_each(Beside::stop);
            }
            out.delete(b"<no value>");
            (Arc::new(out.text), out.pieces)
        };
        runtime.max_output = runtime.max_output.saturating_sub(text.len());
        if let Some(finished) = options.finished {
            finished(&t.name, &text);
        }
        outs.push((t.name.clone(), text, pieces));
    }
    Ok(outs)
}

/// The functions of Helm 4, or of Helm 3, that need no engine.
pub(super) const fn functions(v3: bool) -> Functions {
    if v3 { sprig::functions().without(SINCE_V4) } else { sprig::functions() }
}

/// Functions that Helm 3 does not have.
const SINCE_V4: &[&str] = &[
    "mustToToml",
    "mustToYaml",
    "mustToDuration",
    "durationSeconds",
    "durationMilliseconds",
    "durationMicroseconds",
    "durationNanoseconds",
    "durationMinutes",
    "durationHours",
    "durationDays",
    "durationWeeks",
    "durationRoundTo",
    "durationTruncateTo",
];

/// From how many bytes on templates are parsed on all cores; for less, other threads cost more than they bring.
const MANY: usize = 128 * 1024;

/// The trees of each template, or why it does not parse.
fn parse(order: &[&Template], table: Functions, ahead: Option<&Ahead>) -> Vec<Result<Trees, gotmpl::ParseError>> {
    // The data of a template is this thread's own.
    let texts = order.iter().map(|t| (Str::from(t.name.as_str()), &t.text, t.file));
    let texts: Vec<(Str, &Arc<[u8]>, FileId, Option<Trees>)> = match ahead {
        None => texts.map(|(name, text, file)| (name, text, file, None)).collect(),
        Some(ahead) => {
            ahead.work();
            texts
                .map(|(name, text, file)| {
                    let trees = ahead.take(&name, text, file);
                    (name, text, file, trees)
                })
                .collect()
        }
    };
    let one = |seen: &mut Seen, (name, text, file, trees): (Str, &Arc<[u8]>, FileId, Option<Trees>)| match trees {
        Some(trees) => Ok(trees),
        None => gotmpl::parse_sharing(seen, &name, text, Some(file), &|name| knows(table, name)),
    };
    let total: usize = texts.iter().filter(|t| t.3.is_none()).map(|t| t.1.len()).sum();
    if total <= MANY {
        let mut seen = Seen::default();
        return texts.into_iter().map(|text| one(&mut seen, text)).collect();
    }
    all_cores();
    texts.into_par_iter().map_init(Seen::default, one).collect()
}

/// The name of the template that all others are associated with.
pub(super) const ROOT: &str = "gotpl";

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn segments(pieces: &[Piece]) -> Vec<Segment> {
    let segment = |p: &Piece| {
        p.template.map(|template| Segment { start: p.start, end: p.end, template, action: p.action, frame: p.frame, origin: p.origin })
    };
    pieces.iter().filter_map(segment).collect()
}
