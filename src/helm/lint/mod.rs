//! What `helm lint` says of a chart: its `Chart.yaml`, values, templates, dependencies and CRDs.
//!
//! upstream: pkg/chart/v2/lint, pkg/action/lint.go

mod addresses;
mod chartfile;
mod deprecated;
mod documents;
mod templates;

use super::archive;
use super::capabilities::KubeVersion;
use super::chart::Chart;
use super::load;
use super::load::LoadError;
use super::release::{HelmError, TemplateOptions};
use super::schema;
use super::values;
use super::values::{Logs, UserValues, ValuesReader};
use crate::source::{DirEntry, FileKind, MemoryWorld, World, WorldError};
use crate::value::{Kind, Map};
use crate::yaml;

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Info,
    /// Against convention.
    Warning,
    /// The chart will not install.
    Error,
}

/// One message about a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The rule of ours that says the same, such as `chart-missing-icon`.
    pub id: &'static str,
    /// How bad it is.
    pub level: Level,
    /// The file as Helm names it: from the chart's top, the chart's own path, or empty.
    pub path: String,
    /// Helm's sentence.
    pub text: String,
}

impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        };
        write!(f, "[{level}] {}: {}", self.path, self.text)
    }
}

/// What the messages depend on besides the chart.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `--namespace`; empty for `default`.
    pub namespace: String,
    /// `--kube-version`
    pub kube_version: Option<KubeVersion>,
    /// `--skip-schema-validation`
    pub skip_schema_validation: bool,
}

/// Gathers messages.
struct Linter<'a> {
    world: &'a dyn World,
    /// The chart's folder as an absolute path.
    directory: String,
    settings: &'a Settings,
    messages: Vec<Message>,
}

impl Linter<'_> {
    /// Adds what a rule said; whether it was content.
    fn rule(&mut self, id: &'static str, level: Level, path: &str, verdict: Result<(), String>) -> bool {
        match verdict {
            Ok(()) => true,
            Err(text) => {
                self.messages.push(Message { id, level, path: path.to_owned(), text });
                false
            }
        }
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.directory.trim_end_matches('/'))
    }

    /// Loads the chart; each time, Helm logs what there is to log.
    fn load(&self, logs: &mut Logs) -> Result<Chart, String> {
        load::load_with(self.world, &self.directory, &mut ValuesReader::default(), logs).map_err(|LoadError(e)| e)
    }
}

/// All messages about the chart at `path`, a folder or an archive, in Helm's order. `user` are the values of the flags;
/// what Helm would log goes to `logs`.
///
/// # Errors
/// Where there is no chart to judge; Helm's sentence.
pub fn run(world: &dyn World, path: &str, user: &Map, settings: &Settings, logs: &mut Logs) -> Result<Vec<Message>, String> {
    let archive = path.ends_with(".tgz") || path.ends_with(".tar.gz");
    let unpacked = if archive { Some(Unpacked::new(world, path)?) } else { None };
    let (world, path): (&dyn World, &str) = match &unpacked {
        Some(unpacked) => (unpacked, &unpacked.directory),
        None => (world, path),
    };
    let chart_yaml = super::release::clean_path(&format!("{path}/Chart.yaml"));
    if let Err(e) = world.kind(&chart_yaml) {
        return Err(format!("unable to check Chart.yaml file in chart: {}", e.message));
    }
    let mut linter = Linter { world, directory: load::absolute(world, path), settings, messages: Vec::new() };
    chartfile::check(&mut linter);
    check_values(&mut linter, user, logs);
    templates::check(&mut linter, user, logs);
    check_dependencies(&mut linter, logs);
    check_crds(&mut linter, logs);
    Ok(linter.messages)
}

fn check_values(linter: &mut Linter<'_>, user: &Map, logs: &mut Logs) {
    let name = "values.yaml";
    let path = linter.file(name);
    if linter.world.kind(&path).is_err() {
        linter.rule("values-file-missing", Level::Info, name, Err("file does not exist".to_owned()));
        return;
    }
    let verdict = values_verdict(linter, &path, user, logs);
    linter.rule("values-schema-violation", Level::Error, name, verdict);
}

fn values_verdict(linter: &Linter<'_>, path: &str, user: &Map, logs: &mut Logs) -> Result<(), String> {
    let unreadable = |e| format!("unable to parse YAML: {e}");
    let data = linter.world.read(path).map_err(|e| unreadable(e.message))?;
    // Unlike the loader, this reads the first document only.
    let own = yaml::decode(&data).map_err(|e| unreadable(e.message))?;
    let own = match &own.kind {
        Kind::Map(map) => map.clone(),
        Kind::Nil => Map::default(),
        other => {
            let kind = match other {
                Kind::Bool(_) => "bool",
                Kind::Str(_) => "string",
                Kind::List(_) => "array",
                _ => "number",
            };
            let e = format!("json: cannot unmarshal {kind} into Go value of type common.Values");
            return Err(unreadable(format!("error unmarshaling JSON: while decoding JSON: {e}")));
        }
    };
    let merged = Map::default();
    values::coalesce_tables(&merged, user, "", false, logs, 0);
    values::coalesce_tables(&merged, &own, "", false, logs, 0);
    match linter.world.read(&linter.file("values.schema.json")) {
        Ok(schema) if !schema.is_empty() && !linter.settings.skip_schema_validation => {
            schema::validate(&merged, &schema, linter.world, logs)
        }
        _ => Ok(()),
    }
}

fn check_dependencies(linter: &mut Linter<'_>, logs: &mut Logs) {
    let chart = match linter.load(logs) {
        Ok(chart) => chart,
        Err(e) => {
            linter.rule("render-error", Level::Error, "", Err(format!("unable to load chart\n\t{e}")));
            return;
        }
    };
    let directory = linter.directory.clone();
    let list = |names: Vec<&str>, what: &str| if names.is_empty() { Ok(()) } else { Err(format!("{what}: {}", names.join(","))) };
    let wanted: Vec<&str> = chart.metadata.dependencies().map(|d| d.name.as_str()).collect();
    let there: Vec<&str> = chart.dependencies.iter().map(Chart::name).collect();
    let undeclared = there.iter().filter(|n| !wanted.contains(n)).copied().collect();
    linter.rule("chart-dependency-undeclared", Level::Error, &directory, list(undeclared, "chart metadata is missing these dependencies"));
    let mut seen: Vec<&str> = Vec::new();
    let mut doubles: Vec<&str> = Vec::new();
    for dependency in chart.metadata.dependencies() {
        let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if seen.contains(&key.as_str()) {
            doubles.push(key);
        }
        seen.push(key);
    }
    linter.rule("chart-dependency-duplicate", Level::Error, &directory, list(doubles, "multiple dependencies with name or alias"));
    let missing = wanted.iter().filter(|n| !there.contains(n)).copied().collect();
    let verdict = list(missing, "chart directory is missing these dependencies");
    linter.rule("chart-dependency-missing", Level::Warning, &directory, verdict);
}

fn check_crds(linter: &mut Linter<'_>, logs: &mut Logs) {
    let folder = "crds/";
    let verdict = match linter.world.kind(&linter.file("crds")) {
        Err(e) if e.not_found => return,
        Err(e) => Err(e.message),
        Ok(FileKind::Directory) => Ok(()),
        Ok(_) => Err("not a directory".to_owned()),
    };
    if !linter.rule("crd-directory-wrong-kind", Level::Error, folder, verdict) {
        return;
    }
    let chart = match linter.load(logs).and_then(|chart| chart.read_all().map(|()| chart).map_err(|e| e.0)) {
        Ok(chart) => chart,
        Err(e) => {
            linter.rule("crd-directory-wrong-kind", Level::Error, folder, Err(e));
            return;
        }
    };
    for (_, file) in chart.crds() {
        for document in documents::read(file.data()) {
            let head = match document {
                Ok(head) => head,
                Err(e) => {
                    linter.rule("yaml-syntax", Level::Error, &file.name, Err(format!("unable to parse YAML: {e}")));
                    return;
                }
            };
            let Some(head) = head else { continue };
            let must = |holds: bool, text: &str| if holds { Ok(()) } else { Err(text.to_owned()) };
            let group = must(head.api_version.starts_with("apiextensions.k8s.io"), "apiVersion is not in 'apiextensions.k8s.io'");
            linter.rule("crd-directory-wrong-kind", Level::Error, &file.name, group);
            let kind = must(head.kind == "CustomResourceDefinition", "object kind is not 'CustomResourceDefinition'");
            linter.rule("crd-directory-wrong-kind", Level::Error, &file.name, kind);
        }
    }
}

/// An archive as the folder Helm would unpack it to.
struct Unpacked<'a> {
    below: &'a dyn World,
    files: MemoryWorld,
    directory: String,
}

impl<'a> Unpacked<'a> {
    fn new(below: &'a dyn World, path: &str) -> Result<Self, String> {
        let bytes = below.read(path).map_err(|e| format!("unable to open tarball: {}", e.message))?;
        let failed = |e: String| format!("unable to extract tarball: {e}");
        let files = archive::unpack(&bytes).map_err(|LoadError(e)| failed(e))?;
        let mut metadata = super::chart::Metadata::default();
        for (_, data) in files.iter().filter(|f| f.0 == "Chart.yaml") {
            let read = load::node(data).and_then(|node| node.map_or(Ok(()), |node| metadata.decode(&node)));
            read.map_err(|LoadError(e)| failed(format!("cannot load Chart.yaml: {e}")))?;
        }
        let quoted = super::strvals::quote(&metadata.name);
        match metadata.name.as_str() {
            "" => return Err(failed("chart name not specified".to_owned())),
            "." | ".." => return Err(failed(format!("chart name {quoted} is not allowed"))),
            name if name.contains('/') => return Err(failed(format!("chart name {quoted} must not contain path separators"))),
            _ => {}
        }
        // Helm makes a folder with a random number.
        let directory = format!("/tmp/helm-lint0/{}", metadata.name);
        let mut memory = MemoryWorld::default();
        memory.files.extend(files.into_iter().map(|(name, data)| (format!("{directory}/{name}"), data)));
        Ok(Self { below, files: memory, directory })
    }

    fn inside(&self, path: &str) -> bool {
        path.strip_prefix(&self.directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl World for Unpacked<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, WorldError> {
        if self.inside(path) { self.files.read(path) } else { self.below.read(path) }
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, WorldError> {
        if self.inside(path) { self.files.read_dir(path) } else { self.below.read_dir(path) }
    }

    fn kind(&self, path: &str) -> Result<FileKind, WorldError> {
        if self.inside(path) { self.files.kind(path) } else { self.below.kind(path) }
    }

    fn stdin(&self) -> Result<Vec<u8>, WorldError> {
        self.below.stdin()
    }

    fn now(&self) -> i128 {
        self.below.now()
    }

    fn seed(&self) -> u64 {
        self.below.seed()
    }

    fn time_zone(&self) -> String {
        self.below.time_zone()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.below.env(name)
    }

    fn current_dir(&self) -> String {
        self.below.current_dir()
    }
}

/// The flags of `helm lint` that shape its report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags {
    /// `--strict`: warnings fail too.
    pub strict: bool,
    /// `--with-subcharts`
    pub with_subcharts: bool,
    /// `--quiet`
    pub quiet: bool,
}

/// What `helm lint` prints.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// To stdout.
    pub stdout: String,
    /// To stderr, line by line, before the summary of a failure.
    pub stderr: Vec<String>,
    /// The sentence of a failure.
    pub failure: Option<String>,
}

/// `helm lint` as a function.
///
/// # Errors
/// Where nothing can be judged: broken flags or values.
pub fn report(world: &dyn World, paths: &[String], options: &TemplateOptions, flags: Flags) -> Result<Report, HelmError> {
    let kube_version = match options.kube_version.as_deref().filter(|v| !v.is_empty()) {
        None => None,
        Some(text) => Some(KubeVersion::parse(text).map_err(|e| HelmError::new(format!("invalid kube version '{text}': {e}")))?),
    };
    let mut paths = paths.to_vec();
    if flags.with_subcharts {
        let below: Vec<String> = paths.iter().flat_map(|p| subcharts(world, p)).collect();
        paths.extend(below);
    }
    let user = UserValues {
        files: &options.value_files,
        json: &options.set_json,
        set: &options.set,
        string: &options.set_string,
        file: &options.set_file,
        literal: &options.set_literal,
    };
    let user = values::merge_options(world, user, &mut ValuesReader::default()).map_err(HelmError::new)?;
    let settings = Settings { namespace: options.namespace.clone(), kube_version, skip_schema_validation: options.skip_schema_validation };
    let limit = if flags.strict { Level::Warning } else { Level::Error };
    let mut logs = Logs { debug: options.debug, ..Logs::default() };
    let mut out = Report::default();
    let (mut failed, mut told) = (0, false);
    for path in &paths {
        let result = run(world, path, &user, &settings, &mut logs);
        let messages = result.as_deref().unwrap_or_default();
        let bad = result.is_err() || messages.iter().any(|m| m.level > Level::Info);
        told |= bad;
        if flags.quiet && !bad {
            continue;
        }
        out.stdout.push_str(&format!("==> Linting {path}\n"));
        if let Err(e) = &result {
            out.stdout.push_str(&format!("Error {e}\n"));
        }
        for message in messages.iter().filter(|m| !flags.quiet || m.level > Level::Info) {
            out.stdout.push_str(&format!("{message}\n"));
        }
        if result.is_err() || messages.iter().any(|m| m.level >= limit) {
            failed += 1;
        }
        out.stdout.push('\n');
    }
    out.stderr = logs.lines();
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed > 0 {
        out.failure = Some(summary);
    } else if !flags.quiet || told {
        out.stdout.push_str(&format!("{summary}\n"));
    }
    Ok(out)
}

/// The charts below a chart's `charts` folder, at any depth.
fn subcharts(world: &dyn World, path: &str) -> Vec<String> {
    let mut out = Vec::new();
    walk(world, &super::release::clean_path(&format!("{path}/charts")), 0, &mut out);
    out
}

fn walk(world: &dyn World, folder: &str, depth: usize, out: &mut Vec<String>) {
    for entry in world.read_dir(folder).unwrap_or_default() {
        let path = format!("{folder}/{}", entry.name);
        if entry.name == "Chart.yaml" {
            out.push(folder.to_owned());
        } else if path.ends_with(".tgz") || path.ends_with(".tar.gz") {
            out.push(path.clone());
        }
        if entry.kind == FileKind::Directory && !entry.link && depth < 64 {
            walk(world, &path, depth + 1, out);
        }
    }
}
