//! `helm template` as a function: load, merge values, render, split, sort, print.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::archive::AS_FILES;
use super::capabilities::{Capabilities, HelmVersion, KubeVersion};
use super::chart::{Chart, File};
use super::chart_value::chart_value;
use super::dependency;
use super::engine;
use super::engine_ahead::Ahead;
use super::files::Files;
use super::hooks::{self, HookEvent, Manifest, Sorted};
use super::load;
use super::lookup::ClusterState;
use super::schema;
use super::strvals::quote;
use super::unpack::{Begun, is_template, large, unpack_ahead};
use super::values::{self, Logs, UserValues, ValuesReader};
use crate::source::{Origins, SharedText, SourceMap, Sources, World, all_cores};
use crate::value::{GoType, Kind, Map, Value};

/// Whose bytes to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// Helm v4.3.1.
    #[default]
    V4,
    /// Helm v3.22.0.
    V3,
}

/// The flags of `helm template`.
#[derive(Clone, Debug, Default)]
pub struct TemplateOptions {
    /// The release name, when one was given.
    pub name: Option<String>,
    /// The chart: a folder or an archive.
    pub chart: String,
    /// `--namespace`; empty for `default`.
    pub namespace: String,
    /// `-f`
    pub value_files: Vec<String>,
    /// `--set`
    pub set: Vec<String>,
    /// `--set-string`
    pub set_string: Vec<String>,
    /// `--set-json`
    pub set_json: Vec<String>,
    /// `--set-file`
    pub set_file: Vec<String>,
    /// `--set-literal`
    pub set_literal: Vec<String>,
    /// `-a`, already split at commas.
    pub api_versions: Vec<String>,
    /// `--kube-version`
    pub kube_version: Option<String>,
    /// `-s`
    pub show_only: Vec<String>,
    /// `--include-crds`
    pub include_crds: bool,
    /// `--skip-tests`
    pub skip_tests: bool,
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--is-upgrade`
    pub is_upgrade: bool,
    /// `--generate-name`
    pub generate_name: bool,
    /// `--name-template`
    pub name_template: Option<String>,
    /// `--output-dir`: files instead of stdout.
    pub output_dir: Option<String>,
    /// `--release-name`: the release's name in the output folder.
    pub release_name: bool,
    /// `--dry-run`, as given; `unset` without a value.
    pub dry_run: Option<String>,
    /// `--cluster-state`: manifests, or a folder of them, that `lookup` finds.
    pub cluster_state: Option<String>,
    /// `--validate`: ask a cluster, which kval does not.
    pub validate: bool,
    /// `--skip-schema-validation`
    pub skip_schema_validation: bool,
    /// `--debug`
    pub debug: bool,
    /// `--enable-dns`
    pub enable_dns: bool,
    /// Lint mode: `fail` and `required` do not stop.
    pub lint: bool,
    /// `--strict` of lint: a missing key is an error.
    pub strict: bool,
    /// Whether to map each rendered byte to its template and values.
    pub trace: bool,
    /// Whose bytes.
    pub compat: Compat,
    /// Whether the process ends with this rendering, which then leaves its memory to that end.
    pub once: bool,
    /// The chart, where it is an archive that is being unpacked already.
    pub begun: Option<Begun>,
    /// A template that fails does not stop the others: see [`TemplateOutput::failures`].
    pub keep_going: bool,
}

/// One rendered document.
#[derive(Clone, Debug)]
pub struct RenderedDocument {
    /// The template's full path, such as `chart/templates/a.yaml`.
    pub source: String,
    /// The text, as printed.
    pub text: SharedText,
    /// What wrote each byte of `text`, when tracing.
    pub map: Option<Arc<SourceMap>>,
    /// Whether it is a hook.
    pub hook: bool,
    /// Whether it comes from `crds/`, never templated.
    pub crd: bool,
}

/// What rendering gave.
#[derive(Debug, Default)]
pub struct TemplateOutput {
    /// What helm prints to stdout, part after part.
    pub stdout: Vec<SharedText>,
    /// What helm prints to stderr, line by line.
    pub stderr: Vec<String>,
    /// The documents, in the order printed, hooks last; not narrowed by `--show-only`, `--no-hooks` and `--skip-tests`.
    pub documents: Vec<RenderedDocument>,
    /// The notes of the chart.
    pub notes: String,
    /// Files to write under `--output-dir`: path and content.
    pub files: Vec<(String, String)>,
    /// The texts that spans refer to: templates and values files.
    pub sources: Sources,
    /// What failed where a failure stops nothing ([`TemplateOptions::keep_going`]).
    pub failures: Vec<Failure>,
}

/// A template that failed while others went on.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Helm's sentence, without `Error: `.
    pub message: String,
    /// Why.
    pub cause: Cause,
}

/// Why a template gave no documents.
#[derive(Clone, Debug)]
pub enum Cause {
    /// It could not be parsed or executed.
    Template(Box<engine::RenderError>),
    /// What it rendered is no YAML, or no object.
    Text(Broken),
    /// The archive is not one of a chart, for this reason, which Helm 4 keeps to itself.
    Archive(String),
    /// Nothing of what was asked for is there; these files are written all the same: path and content.
    Written(Vec<(String, String)>),
}

/// A rendered text that Helm cannot read.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The template's full path.
    pub source: String,
    /// All that it rendered.
    pub text: SharedText,
    /// What wrote each byte of it, when tracing.
    pub map: Option<Arc<SourceMap>>,
}

/// Why there is no rendering.
#[derive(Debug, Default)]
pub struct HelmError {
    /// Helm's sentence, without `Error: `.
    pub message: String,
    /// What helm printed to stderr before it.
    pub stderr: Vec<String>,
    /// What helm printed to stdout before it (with `--debug`, or which files it wrote).
    pub stdout: Vec<u8>,
    /// Where, when known: a span of [`HelmError::sources`].
    pub span: Option<crate::source::Span>,
    /// The texts that [`HelmError::span`] refers to.
    pub sources: Sources,
    /// The template error or the rendered text behind it.
    pub cause: Option<Box<Cause>>,
}

impl HelmError {
    /// A failure with only a sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

impl fmt::Display for HelmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HelmError {}

/// Go's `path.Clean`.
pub(crate) fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if out.last().is_some_and(|p| *p != "..") => {
                out.pop();
            }
            ".." if rooted => {}
            part => out.push(part),
        }
    }
    match (rooted, out.join("/")) {
        (true, text) => format!("/{text}"),
        (false, text) if text.is_empty() => ".".to_owned(),
        (false, text) => text,
    }
}

/// From how many bytes of templates on rendered files are read on other threads.
const MANY: usize = 128 * 1024;
/// From how many bytes on an archive is worth another thread.
const LARGE_ARCHIVE: usize = 32 * 1024;
/// How many bytes of rendered files are worth the call of another thread.
const BATCH: usize = 96 * 1024;

const DEBUG_HINT: &str = "\n\nUse --debug flag to render out invalid YAML";

/// What a run has gathered so far, for success and failure alike.
struct Run<'a> {
    options: &'a TemplateOptions,
    logs: Logs,
    sources: Sources,
    origins: Origins,
}

impl Run<'_> {
    fn fail(self, message: impl Into<String>) -> HelmError {
        let stderr = self.logs.lines();
        let mut message = message.into();
        if self.options.compat == Compat::V3 {
            message = in_v3_words(&message);
        }
        HelmError { message, stderr, sources: self.sources, ..HelmError::default() }
    }

    /// A failure of rendering: the chart was good enough for `--debug` to help.
    fn fail_rendering(self, message: &str, dump: &[u8]) -> HelmError {
        if self.options.debug {
            let mut stdout = dump.trim_ascii().to_vec();
            stdout.push(b'\n');
            return HelmError { stdout, ..self.fail(message) };
        }
        self.fail(format!("{message}{DEBUG_HINT}"))
    }
}

/// Whether `--dry-run` asks for a cluster; Helm's sentence when it says nothing that is known.
fn dry_run(options: &TemplateOptions, logs: &mut Logs) -> Result<bool, String> {
    let Some(text) = &options.dry_run else { return Ok(false) };
    if options.compat == Compat::V3 {
        return match text.as_str() {
            "unset" | "false" | "true" | "none" | "client" => Ok(false),
            "server" => Ok(true),
            _ => Err("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server".to_owned()),
        };
    }
    let invalid = |all: &str| Err(format!("invalid dry-run value ({}). Must be {all}", quote(text)));
    match text.as_str() {
        "unset" => {
            logs.push("WARN", "--dry-run is deprecated and should be replaced with '--dry-run=client'".to_owned());
            Ok(false)
        }
        "client" => Ok(false),
        "server" => Ok(true),
        "1" | "t" | "T" | "TRUE" | "true" | "True" => {
            let message = format!("boolean '--dry-run={text}' flag is deprecated and must be replaced with '--dry-run=client'");
            logs.push("WARN", message);
            Ok(false)
        }
        "none" | "0" | "f" | "F" | "FALSE" | "false" | "False" => invalid("\"server\" or \"client\""),
        _ => invalid("\"none\", \"server\", or \"client\""),
    }
}

/// The path of the chart that an argument names; on failure, Helm's sentence.
pub fn locate(world: &dyn World, chart: &str) -> Result<String, String> {
    let path = chart.trim();
    if world.kind(path).is_ok() {
        return Ok(path.to_owned());
    }
    Err(if path.starts_with(['/', '.']) {
        format!("path {} not found", quote(path))
    } else if path.contains("://") {
        format!("chart {} cannot be fetched: kval does not use the network", quote(path))
    } else if let Some((repository, _)) = path.split_once('/') {
        format!("repo {repository} not found")
    } else {
        format!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {path}")
    })
}

/// Helm 3's names of the same types; it reads one document of a values file and says so less.
fn in_v3_words(message: &str) -> String {
    [
        (" of type util.SimpleHead", " of type releaseutil.SimpleHead"),
        (" of type v2.", " of type chart."),
        (" of type []*v2.", " of type []*chart."),
        ("common.Values", "chartutil.Values"),
        ("common.Capabilities", "chartutil.Capabilities"),
        ("common.KubeVersion", "chartutil.KubeVersion"),
        ("common.VersionSet", "chartutil.VersionSet"),
        ("cannot unmarshal yaml document: ", ""),
        ("release name check failed: ", ""),
        ("an error occurred while checking", "An error occurred while checking"),
        ("to run 'helm dependency build' to", "to run `helm dependency build` to"),
        ("chart dependencies processing failed: ", ""),
    ]
    .iter()
    .fold(message.to_owned(), |text, (four, three)| text.replace(four, three))
}

/// Renders a chart as `helm template` does.
pub fn template(world: &dyn World, options: &TemplateOptions) -> Result<TemplateOutput, HelmError> {
    let mut run = Run {
        options,
        logs: Logs { compat: options.compat, debug: options.debug, ..Logs::default() },
        sources: Sources::new(),
        origins: Origins::new(),
    };
    let kube_version = match options.kube_version.as_deref().filter(|v| !v.is_empty()) {
        None => KubeVersion::default(),
        Some(text) => match KubeVersion::parse(text) {
            Ok(version) => version,
            Err(e) => return Err(run.fail(format!("invalid kube version '{text}': {e}"))),
        },
    };
    let server = match dry_run(options, &mut run.logs) {
        Ok(server) => server || options.validate,
        Err(e) => return Err(run.fail(e)),
    };
    run.logs.debug("Original chart version", &[("version", "")]);
    let name = match release_name(world, options) {
        Ok(name) => name,
        Err(e) => return Err(run.fail(e)),
    };
    let chart_path = match locate(world, &options.chart) {
        Ok(path) => path,
        Err(e) => return Err(run.fail(e)),
    };
    let full_path = load::absolute(world, &chart_path);
    run.logs.debug("Chart path", &[("path", &full_path)]);
    let mut ahead = None;
    let loaded = {
        let trace = options.trace.then_some((&mut run.sources, &mut run.origins));
        let mut reader = ValuesReader::new(trace, options.compat == Compat::V3);
        let user = UserValues {
            files: &options.value_files,
            json: &options.set_json,
            set: &options.set,
            string: &options.set_string,
            file: &options.set_file,
            literal: &options.set_literal,
        };
        values::merge_options(world, user, &mut reader).and_then(|user| {
            let mut unpacked = None;
            if options.compat == Compat::V4 {
                unpacked = unpack(world, &chart_path, options, &mut reader, &mut ahead).map_err(|e| e.0)?;
                load::known_version(world, &chart_path, unpacked.as_deref()).map_err(|e| e.0)?;
            }
            let files = unpacked.map_or_else(|| load::read_files(world, &chart_path, &mut reader, &mut run.logs), Ok);
            let files = files.map_err(|e| e.0)?;
            ahead = ahead.take().or_else(|| parse_ahead(&files, options.compat, options.once));
            let chart = load::load_read(files, &chart_path, &mut reader, &mut run.logs).map_err(|e| e.0)?;
            Ok((user, chart))
        })
    };
    let (user, mut chart) = match loaded {
        Ok(loaded) => loaded,
        Err(e) => {
            let unread = e == load::NO_ARCHIVE;
            let why = unread.then(|| load::read(world, &chart_path, &mut Logs::default()).err()).flatten();
            let cause = why.map(|why| Box::new(Cause::Archive(why.0)));
            return Err(HelmError { cause, ..run.fail(e) });
        }
    };
    if !matches!(chart.metadata.chart_type.as_str(), "" | "application") {
        return Err(run.fail(format!("{} charts are not installable", chart.metadata.chart_type)));
    }
    if chart.metadata.deprecated {
        run.logs.push("WARN", "this chart is deprecated".to_owned());
    }
    // Helm 4 can load charts of the third version and do no more with them.
    let third = options.compat == Compat::V4 && chart.metadata.api_version == "v3";
    if third {
        // It counts the charts that are there and reads as many wanted ones.
        if chart.dependencies.len() > chart.metadata.dependencies().count() {
            return Err(run.fail("an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: unsupported chart dependency type"));
        }
    }
    let missing = dependency::missing(&chart);
    if !missing.is_empty() {
        return Err(run.fail(format!(
            "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
            missing.join(", ")
        )));
    }
    if third {
        return Err(run.fail("invalid chart apiVersion"));
    }
    if server {
        let why = "kval does not ask clusters";
        if options.compat == Compat::V3 {
            return Err(run.fail(format!("Kubernetes cluster unreachable: {why}")));
        }
        let message = format!("cluster reachability check failed: kubernetes cluster unreachable: {why}");
        run.logs.push("ERROR", message.clone());
        return Err(run.fail(message));
    }
    if let Err(e) = valid_name(&name) {
        let message = format!("release name {}: {e}", quote(&name));
        run.logs.push_with("ERROR", "release name check failed", &[("error", &message)]);
        return Err(run.fail(format!("release name check failed: {message}")));
    }
    if let Err(e) = dependency::process(&mut chart, &user, &mut run.logs) {
        run.logs.push_with("ERROR", "chart dependencies processing failed", &[("error", &e)]);
        return Err(run.fail(format!("chart dependencies processing failed: {e}")));
    }
    let mut capabilities = Capabilities::new(kube_version, &options.api_versions);
    if options.compat == Compat::V3 {
        capabilities.helm = HelmVersion::v3();
        capabilities.kube_version.version.clone_from(&capabilities.kube_version.normalized);
    }
    let namespace = if options.namespace.is_empty() { "default" } else { &options.namespace };
    let release = ReleaseInfo { name: &name, namespace, is_upgrade: options.is_upgrade, revision: 1 };
    let values = match values::coalesce_values(&chart, &user, &mut run.logs) {
        Ok(values) => values,
        Err(e) => return Err(run.fail(e)),
    };
    let mut verdict = (!options.skip_schema_validation).then(|| schema::Verdict::begin(&chart, &values, options.once, &run.logs));
    let wanted = &chart.metadata.kube_version;
    let incompatible = !wanted.is_empty() && !dependency::compatible(wanted, &capabilities.kube_version.normalized);
    // Only what another thread works out may wait for its end.
    if let Some(verdict) = verdict.take_if(|verdict| incompatible || options.cluster_state.is_some() || !verdict.is_under_way())
        && let Err(e) = verdict.end(world, &mut run.logs)
    {
        return Err(run.fail(unfit(&e)));
    }
    let top = top_level(values, &release, &capabilities);
    if incompatible {
        let message =
            format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {}", capabilities.kube_version.version);
        return Err(run.fail_rendering(&message, b""));
    }
    let state = match options.cluster_state.as_deref().map(|path| ClusterState::read(world, path)).transpose() {
        Ok(state) => state,
        Err(e) => return Err(run.fail(format!("--cluster-state: {e}"))),
    };
    let find = state.map(|state| move |v: &str, kind: &str, space: &str, name: &str| Ok(state.find(v, kind, space, name)));
    let templates = templates(&chart, &top, &mut run.sources);
    let (rendered, cut) = render(
        &templates,
        &engine::Options {
            strict: options.strict,
            lint: options.lint,
            compat: if options.compat == Compat::V3 { 3 } else { 4 },
            trace: options.trace.then_some(&run.origins),
            lookup: find.as_ref().map(|f| f as engine::Lookup<'_>),
            once: options.once,
            keep_going: options.keep_going,
            ahead: ahead.as_deref(),
            ..engine::Options::new(world)
        },
    );
    // That values do not fit counts before all that came of rendering them.
    if let Some(Err(e)) = verdict.map(|verdict| verdict.end(world, &mut run.logs)) {
        return Err(run.fail(unfit(&e)));
    }
    if options.include_crds {
        chart.crds().iter().for_each(|(_, file)| _ = file.data());
    }
    // What templates looked at must have been there: a template may well fail because it was not.
    if let Err(e) = chart.all_read() {
        return Err(run.fail(e.0));
    }
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(e) => {
            let span = e.span;
            let failed = run.fail_rendering(&e.text, b"");
            return Err(HelmError { span, cause: Some(Box::new(Cause::Template(Box::new(e)))), ..failed });
        }
    };
    run.logs.said(&rendered.warnings);
    let output = compose(run, &chart, &name, rendered, cut);
    if options.once {
        std::mem::forget((chart, user, top, templates));
    }
    output
}

/// Renders; where there is much, files are cut into documents while the next ones are rendered.
#[allow(clippy::result_large_err)] // as the engine's own
fn render(templates: &[engine::Template], options: &engine::Options<'_>) -> (Result<engine::Output, engine::RenderError>, hooks::Cut) {
    if templates.iter().map(|t| t.text.len()).sum::<usize>() <= MANY {
        return (engine::render(templates, options), hooks::Cut::default());
    }
    let v3 = options.compat == 3;
    let cut = Mutex::new(hooks::Cut::default());
    all_cores();
    let rendered = rayon::in_place_scope(|scope| {
        let waiting: RefCell<(usize, Vec<(String, Arc<Vec<u8>>)>)> = RefCell::default();
        let finished = |path: &str, text: &Arc<Vec<u8>>| {
            let (size, mut batch) = waiting.take();
            batch.push((path.to_owned(), Arc::clone(text)));
            if size + text.len() < BATCH {
                waiting.replace((size + text.len(), batch));
                return;
            }
            let cut = &cut;
            scope.spawn(move |_| {
                for (path, text) in batch {
                    if let Ok(text) = std::str::from_utf8(&text) {
                        let parts = hooks::parts(text, v3);
                        cut.lock().unwrap_or_else(PoisonError::into_inner).insert(path, parts);
                    }
                }
            });
        };
        engine::render(templates, &engine::Options { finished: Some(&finished), ..*options })
    });
    (rendered, cut.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The files of a chart that is an archive. Those of a large one are unpacked while others are worked with: `ahead` then parses
/// the templates.
fn unpack(
    world: &dyn World,
    path: &str,
    options: &TemplateOptions,
    reader: &mut ValuesReader<'_>,
    ahead: &mut Option<Arc<Ahead>>,
) -> Result<Option<Vec<File>>, load::LoadError> {
    let top = path.trim_end_matches('/');
    // With origins the order counts in which files are read.
    let early = |file: &File| {
        if !options.trace {
            reader.read_early(&load::within(top, &file.name), file.data());
        }
    };
    let begun = options.begun.as_ref().filter(|_| options.once);
    if let Some((begun, unpacking)) = begun.and_then(|begun| Some((begun, begun.take(path, options.include_crds)?))) {
        let files = unpacking.files(&begun.packed, ahead.insert(Arc::clone(&begun.ahead)), early);
        return files.map(Some).map_err(|e| load::no_archive(world, path, e));
    }
    let Some(packed) = load::archive(world, path, large(options.include_crds))? else { return Ok(None) };
    let files = if options.once && packed.len() > LARGE_ARCHIVE {
        unpack_ahead(&packed, ahead.insert(Ahead::new(false, true)), early)
    } else {
        packed.files(AS_FILES)
    };
    files.map(Some).map_err(|e| load::no_archive(world, path, e))
}

/// Starts to parse the templates among the files of a chart, when they are many.
fn parse_ahead(files: &[File], compat: Compat, once: bool) -> Option<Arc<Ahead>> {
    let templates = || files.iter().filter(|f| is_template(&f.name)).map(File::data);
    if templates().map(|text| text.len()).sum::<usize>() <= MANY {
        return None;
    }
    let ahead = Ahead::new(compat == Compat::V3, once);
    templates().for_each(|text| ahead.add(text));
    ahead.start();
    Some(ahead)
}

/// Cuts, sorts and prints what was rendered.
/// `cut` has the documents of some files.
fn compose(
    mut run: Run<'_>,
    chart: &Chart,
    name: &str,
    rendered: engine::Output,
    mut cut: hooks::Cut,
) -> Result<TemplateOutput, HelmError> {
    let options = run.options;
    let notes_path = format!("{}/templates/NOTES.txt", chart.name());
    let mut notes = String::new();
    let mut texts: Vec<RenderedText> = Vec::new();
    let mut failures: Vec<Failure> =
        rendered.failures.into_iter().map(|e| Failure { message: e.text.clone(), cause: Cause::Template(Box::new(e)) }).collect();
    for (path, file) in rendered.files {
        let bytes = Arc::try_unwrap(file.text).unwrap_or_else(|shared| shared.to_vec());
        let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        if path.ends_with("NOTES.txt") {
            if path == notes_path {
                notes = text;
            }
        } else {
            texts.push((path, text.into(), file.map));
        }
    }
    let files = texts.iter().map(|(path, text, _)| (path.as_str(), text));
    let sorted = match hooks::sort_cut(files, options.compat == Compat::V3, &mut cut) {
        Ok(sorted) => sorted,
        Err(_) if options.keep_going => {
            failures.extend(set_broken_apart(&mut texts, options.compat));
            sort(&texts, options.compat).unwrap_or_default()
        }
        Err(e) => {
            let mut dump = String::new();
            for (path, text, _) in texts.iter().filter(|t| !t.1.trim().is_empty()) {
                dump.push_str(&format!("---\n# Source: {path}\n{text}\n"));
            }
            let broken = set_broken_apart(&mut texts, options.compat).into_iter().find(|f| f.message == e.0);
            let cause = broken.map(|f| Box::new(f.cause));
            return Err(HelmError { cause, ..run.fail_rendering(&e.0, dump.as_bytes()) });
        }
    };
    for text in &sorted.unknown_hooks {
        run.logs.push_with("INFO", "skipping unknown hooks", &[("hookTypes", text)]);
    }
    let tests: Vec<bool> = sorted.hooks.iter().map(|m| m.hook.as_ref().is_some_and(|h| h.events.contains(&HookEvent::Test))).collect();
    let documents = documents(chart, options, sorted, &texts);
    if options.once {
        std::mem::forget(texts);
    }
    let printed = print(options, name, &tests, &documents);
    let stdout = if options.show_only.is_empty() {
        printed.stdout
    } else {
        match show_only(&printed.stdout.iter().map(|part| &**part).collect::<String>(), &options.show_only, options.compat) {
            Ok(text) => vec![text.into()],
            Err(e) => {
                let cause = Some(Box::new(Cause::Written(printed.files)));
                return Err(HelmError { stdout: printed.wrote.into_bytes(), cause, ..run.fail(e) });
            }
        }
    };
    Ok(TemplateOutput { stdout, stderr: run.logs.lines(), documents, notes, files: printed.files, sources: run.sources, failures })
}

/// The path of a template, what it rendered, and what wrote each byte of that.
type RenderedText = (String, SharedText, Option<Arc<SourceMap>>);

fn sort(texts: &[RenderedText], compat: Compat) -> Result<Sorted, load::LoadError> {
    hooks::sort(texts.iter().map(|(path, text, _)| (path.as_str(), text)), compat == Compat::V3)
}

/// Takes the texts away that Helm cannot read.
fn set_broken_apart(texts: &mut Vec<RenderedText>, compat: Compat) -> Vec<Failure> {
    let mut failures = Vec::new();
    texts.retain(|text| match sort(std::slice::from_ref(text), compat) {
        Ok(_) => true,
        Err(e) => {
            let (source, text, map) = text.clone();
            failures.push(Failure { message: e.0, cause: Cause::Text(Broken { source, text, map }) });
            false
        }
    });
    failures
}

fn documents(chart: &Chart, options: &TemplateOptions, sorted: Sorted, texts: &[RenderedText]) -> Vec<RenderedDocument> {
    let map = |m: &Manifest| {
        let file = texts.iter().find(|t| t.0 == m.path)?;
        file.2.as_ref().map(|map| Arc::new(map.cut(m.range.clone())))
    };
    let mut out = Vec::new();
    if options.include_crds {
        for (path, file) in chart.crds() {
            let text = String::from_utf8_lossy(file.data()).into_owned();
            out.push(RenderedDocument { source: path, text: text.into(), map: None, hook: false, crd: true });
        }
    }
    for m in sorted.manifests.into_iter().chain(sorted.hooks) {
        let map = map(&m);
        out.push(RenderedDocument { source: m.path, text: m.text, map, hook: m.hook.is_some(), crd: false });
    }
    out
}

struct Printed {
    stdout: Vec<SharedText>,
    /// The lines that tell of files.
    wrote: String,
    files: Vec<(String, String)>,
}

/// `tests` tells of each hook whether it is a test.
fn print(options: &TemplateOptions, name: &str, tests: &[bool], documents: &[RenderedDocument]) -> Printed {
    let mut main: Vec<SharedText> = Vec::with_capacity(3 * documents.len() + 2);
    let mut after: Vec<SharedText> = Vec::new();
    let newline = SharedText::from("\n");
    let mut files: Vec<(String, String)> = Vec::new();
    let mut wrote = String::new();
    let mut tests = tests.iter();
    for document in documents {
        let test = document.hook && tests.next().copied().unwrap_or(false);
        if document.hook && (options.no_hooks || (options.skip_tests && test)) {
            continue;
        }
        let head = format!("---\n# Source: {}\n", document.source);
        match &options.output_dir {
            Some(folder) => {
                let folder = match (options.release_name, document.crd) {
                    (true, false) => clean_path(&format!("{folder}/{name}")),
                    _ => folder.clone(),
                };
                let path = format!("{folder}/{}", document.source);
                wrote.push_str(&format!("wrote {path}\n"));
                match files.iter_mut().find(|f| f.0 == path) {
                    Some(file) => file.1.extend([&head, &*document.text, "\n"]),
                    None => files.push((path, [&head, &*document.text, "\n"].concat())),
                }
            }
            None if document.hook => after.extend([head.into(), document.text.clone(), newline.clone()]),
            None => main.extend([head.into(), document.text.clone(), newline.clone()]),
        }
    }
    // White space at the end goes, and one line's end comes. What is printed starts with a separator, never with space.
    while let Some(last) = main.pop() {
        let kept = last.trim_end().len();
        if kept > 0 {
            main.push(last.cut(0..kept));
            break;
        }
    }
    if main.is_empty() {
        main.push(wrote.clone().into());
    }
    main.push(newline);
    main.append(&mut after);
    Printed { stdout: main, wrote, files }
}

/// Narrows what would be printed to the documents of some templates.
fn show_only(printed: &str, wanted: &[String], compat: Compat) -> Result<String, String> {
    let ranges = if compat == Compat::V3 { hooks::split_v3(printed) } else { hooks::split(printed) };
    let parts: Vec<&str> = ranges.into_iter().map(|r| &printed[r]).collect();
    let mut out = String::new();
    for pattern in wanted {
        let mut missing = true;
        for part in &parts {
            let Some(name) = source_of(part) else { continue };
            if super::ignore::glob_match(pattern, name).unwrap_or(false) {
                out.push_str(&format!("---\n{part}\n"));
                missing = false;
            }
        }
        if missing {
            return Err(format!("could not find template {pattern} in chart"));
        }
    }
    Ok(out)
}

/// The path after the chart's name in the first `# Source:` comment.
fn source_of(text: &str) -> Option<&str> {
    const MARK: &str = "# Source: ";
    let mut from = 0;
    while let Some(i) = text[from..].find(MARK) {
        let rest = &text[from + i + MARK.len()..];
        if let Some(slash) = rest.find('/').filter(|s| *s > 0) {
            let name = rest[slash + 1..].split('\n').next().unwrap_or("");
            if !name.is_empty() {
                return Some(name);
            }
        }
        from += i + MARK.len();
    }
    None
}

/// The name of the release: given, templated or the default.
fn release_name(world: &dyn World, options: &TemplateOptions) -> Result<String, String> {
    let template = options.name_template.as_deref().filter(|t| !t.is_empty());
    match (&options.name, template) {
        (Some(_), _) if options.generate_name => Err("cannot set --generate-name and also specify a name".to_owned()),
        (Some(_), Some(_)) => Err("cannot set --name-template and also specify a name".to_owned()),
        (Some(name), None) => Ok(name.clone()),
        (None, None) => Ok("release-name".to_owned()),
        (None, Some(text)) => {
            let mut sources = Sources::new();
            let template = engine::Template {
                name: "name-template".to_owned(),
                text: Arc::from(text.as_bytes()),
                file: sources.add("--name-template", text),
                base_path: String::new(),
                dot: Map::default().into(),
                partial_only: false,
            };
            let out = engine::render(&[template], &engine::Options::new(world)).map_err(|e| e.text)?;
            Ok(out.files.values().next().map_or_else(String::new, |f| String::from_utf8_lossy(&f.text).into_owned()))
        }
    }
}

/// Helm's rule for names of releases.
pub fn valid_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("no name provided");
    }
    let label = |label: &str| {
        let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        !label.is_empty()
            && label.bytes().all(|b| edge(b) || b == b'-')
            && label.bytes().next().is_some_and(edge)
            && label.bytes().last().is_some_and(edge)
    };
    if name.len() > 53 || !name.split('.').all(label) {
        return Err(
            "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53",
        );
    }
    Ok(())
}

/// What `.Release` tells.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseInfo<'a> {
    /// The release's name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Whether it is an upgrade and not an installation.
    pub is_upgrade: bool,
    /// Its revision; 0 where nothing is released, so that it is neither an installation nor an upgrade.
    pub revision: i64,
}

/// The top-level map of the root chart's templates, without what differs by chart. Values are held against the charts'
/// schemas unless `schema_world` is `None`; schemas may name files of that world.
pub fn render_values(
    chart: &Chart,
    user: &Map,
    release: &ReleaseInfo<'_>,
    capabilities: &Capabilities,
    schema_world: Option<&dyn World>,
    logs: &mut Logs,
) -> Result<Map, String> {
    let values = values::coalesce_values(chart, user, logs)?;
    if let Some(world) = schema_world {
        schema::validate_chart(chart, &values, world, logs).map_err(|e| unfit(&e))?;
    }
    Ok(top_level(values, release, capabilities))
}

/// What Helm says of values that do not fit their schemas.
fn unfit(why: &str) -> String {
    format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{why}")
}

fn top_level(values: Map, release: &ReleaseInfo<'_>, capabilities: &Capabilities) -> Map {
    let about = Map::default();
    about.insert("Name", release.name.into());
    about.insert("Namespace", release.namespace.into());
    about.insert("IsUpgrade", release.is_upgrade.into());
    about.insert("IsInstall", (!release.is_upgrade && release.revision > 0).into());
    about.insert("Revision", Value::int(release.revision));
    about.insert("Service", "Helm".into());
    let top = Map::default();
    top.insert("Release", about.into());
    top.insert("Capabilities", Value::object(capabilities.clone()));
    top.insert("Values", values.into());
    top
}

/// All templates of a chart and those below it, with the data each sees.
pub fn templates(chart: &Chart, top: &Map, sources: &mut Sources) -> Vec<engine::Template> {
    let mut out = Vec::new();
    let capabilities = top.get("Capabilities").unwrap_or_default();
    let v3 = match &capabilities.kind {
        Kind::Object(o) => o.as_any().downcast_ref().is_some_and(Capabilities::is_v3),
        _ => false,
    };
    collect(chart, chart.name(), top, (true, v3), sources, &mut out);
    out
}

/// Helm's type of `.` and of `.Values`.
pub(super) fn values_type(v3: bool) -> &'static str {
    if v3 { "chartutil.Values" } else { "common.Values" }
}

fn collect(
    chart: &Chart,
    path: &str,
    above: &Map,
    (root, v3): (bool, bool),
    sources: &mut Sources,
    out: &mut Vec<engine::Template>,
) -> Map {
    let named = || Map::typed(GoType::Any, Some(values_type(v3)), std::collections::BTreeMap::new());
    let dot = named();
    dot.insert("Chart", chart_value(chart, root, v3));
    dot.insert("Files", Value::object(Files::new(&chart.files)));
    for key in ["Release", "Capabilities"] {
        dot.insert(key, above.get(key).unwrap_or_default());
    }
    let given = above.get("Values").unwrap_or_default();
    let values = match given.as_map() {
        Some(map) if root => {
            let values = named();
            values.borrow_mut().extend(map.borrow().iter().map(|(k, v)| (k.clone(), v.clone())));
            Value::from(values).with_origin(given.origin)
        }
        // The very map the parent holds, so that both see each other's changes.
        Some(map) => map.get(chart.name()).filter(|v| v.as_map().is_some()).unwrap_or_else(|| named().into()),
        None => named().into(),
    };
    dot.insert("Values", values);
    let below = Map::default();
    dot.insert("Subcharts", below.clone().into());
    for child in &chart.dependencies {
        let inner = collect(child, &format!("{path}/charts/{}", child.name()), &dot, (false, v3), sources, out);
        below.insert(child.name(), inner.into());
    }
    for file in &chart.templates {
        let shown = if chart.path.is_empty() { file.name.clone() } else { format!("{}/{}", chart.path, file.name) };
        out.push(engine::Template {
            name: clean_path(&format!("{path}/{}", file.name)),
            text: Arc::clone(file.data()),
            file: sources.add_bytes(shown, Arc::clone(file.data())),
            base_path: format!("{path}/templates"),
            dot: dot.clone().into(),
            partial_only: chart.is_library(),
        });
    }
    dot
}
