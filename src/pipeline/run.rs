//! The phases in their order, for each chart by itself and for all plain manifests together.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::baseline::Accepted;
use super::config::{Configs, Settings, Variant};
use super::failure;
use super::inputs::{Inputs, STDIN, discover};
use super::judge;
use super::predict;
use super::stream;
use super::surroundings;
use super::variants;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::FailOn;
use crate::diagnostic::Severity;
use crate::helm;
use crate::helm::Compat;
use crate::helm::TemplateOptions;
use crate::helm::values::Logs;
use crate::kube;
use crate::kube::Object;
use crate::kube::Surroundings;
use crate::kube::ValidateOptions;
use crate::lint;
use crate::simulate::piece::Piece;
use crate::source::FileId;
use crate::source::RENDERED;
use crate::source::Sources;
use crate::source::Span;
use crate::source::World;
use crate::source::WorldError;
use crate::yaml;
use crate::yaml::Document;

const INVALID_YAML: &str = "yaml-syntax";
const NOT_AN_OBJECT: &str = "no-kubernetes-object";
/// How Helm begins to tell of a `fail` or `required`.
pub(super) const REFUSED: &str = "execution error at";
const INTERNAL_ERROR: &str = "internal-error";

/// What happens after rendering.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// The API server's version, such as `1.33`; the newest known when absent.
    pub kube_version: Option<String>,
    /// More than one version to check against; `kube_version` is the newest of them. Empty for one.
    pub kube_versions: Vec<String>,
    /// Charts, manifests and directories with the objects that these replace.
    pub against: Vec<String>,
    /// Values files that the charts of `against` are rendered with, instead of those of the new ones.
    pub against_values: Vec<String>,
    /// As `against_values`, single values.
    pub against_set: Vec<String>,
    /// Whether rules judge what the API server admits.
    pub judge: bool,
    /// When not empty, only findings with these codes.
    pub select: Vec<String>,
    /// Findings with these codes are dropped.
    pub ignore: Vec<String>,
    /// The rules of the profile that was asked for, before the lists above.
    pub profile: Option<lint::Options>,
    /// Settings of rules by `rule-id.setting`.
    pub params: BTreeMap<String, Vec<String>>,
    /// Objects outside the input that exist.
    pub assume: Vec<lint::Assumed>,
    /// The objects of the cluster that all is meant for; empty when it is not known.
    pub cluster: Arc<Vec<Piece>>,
    /// Files and directories with definitions of custom resources.
    pub crds: Vec<String>,
    /// Where JSON schemas of kinds are: directories, or paths with `{{ .ResourceKind }}` and its like.
    pub schema_locations: Vec<String>,
    /// The Pod Security level of namespaces that state none.
    pub pod_security: Option<String>,
    /// Whether a kind without a schema fails the run.
    pub fail_on_unchecked: bool,
    /// Kinds, or versions and kinds such as `v1/Secret`, that are not judged.
    pub skip: Vec<String>,
    /// Kinds, or versions and kinds, that are refused.
    pub reject: Vec<String>,
    /// Whether unknown and repeated fields are warnings, as with `fieldValidation=Warn`.
    pub lenient: bool,
    /// Whether only what is said about plain manifests is wanted: a document is forgotten when it was judged.
    pub forget_objects: bool,
    /// Whether plain manifests are wanted as pieces for a prediction: of pods nothing else stays.
    pub pieces: bool,
    /// A team's own rules, besides those of the configuration.
    pub custom: Vec<lint::CustomRule>,
    /// Whether charts are checked with the values of their `ci/` folder and the variants of the configuration too.
    pub matrix: bool,
    /// What configuration files say; all of the above wins over them.
    pub configs: Configs,
    /// Counts the charts that are done, for those who wait.
    pub done: Option<Arc<AtomicUsize>>,
}

impl Checks {
    /// What is in force for a path: the configuration files, and the command line over them.
    pub fn settings(&self, path: &str) -> Settings {
        let mut out = self.configs.settings(path);
        if let Some(profile) = &self.profile {
            out.rules.enable.clone_from(&profile.enable);
            out.rules.only.clone_from(&profile.only);
            out.rules.severities.clone_from(&profile.severities);
        }
        if !self.select.is_empty() {
            out.select.clone_from(&self.select);
            out.rules.disable.clear();
        }
        // Whether a comment silences anything shows only when everything runs.
        if out.select.iter().any(|c| c == lint::UNUSED_IGNORE) {
            out.rules.only.clear();
        } else if !out.select.is_empty() {
            out.rules.only.clone_from(&out.select);
        }
        out.rules.disable.extend(self.ignore.iter().cloned());
        out.rules.params.extend(self.params.iter().map(|(k, v)| (k.clone(), v.clone())));
        out.rules.assume.extend(self.assume.iter().cloned());
        out.rules.custom.extend(self.custom.iter().cloned());
        if self.kube_version.is_some() {
            out.kube_version.clone_from(&self.kube_version);
        }
        let version = out.kube_version.clone().unwrap_or_else(|| ValidateOptions::default().kube_version);
        out.rules.minor = version.split('.').nth(1).and_then(|m| m.parse().ok());
        out
    }

    /// Whether a list of kinds names an object's.
    fn names(list: &[String], object: &Object) -> bool {
        let id = &object.id;
        list.iter().any(|kind| *kind == id.kind || kind.rsplit_once('/') == Some((id.api_version.as_str(), id.kind.as_str())))
    }

    /// Whether an object is not judged.
    pub(super) fn skips(&self, object: &Object) -> bool {
        Self::names(&self.skip, object)
    }

    /// Whether the newest version alone is asked.
    pub(super) fn at_newest(&self) -> bool {
        let newest = ValidateOptions::default().kube_version;
        let asked = self.kube_version.as_deref().unwrap_or(&newest);
        self.kube_versions.len() < 2 && kube::schema::minor(asked) == kube::schema::minor(&newest)
    }

    /// Whether outlines tell what the server says of most objects.
    fn is_quick(&self) -> bool {
        self.at_newest() && self.reject.is_empty()
    }

    /// These, with the version that settings give.
    fn of(&self, settings: &Settings) -> Self {
        Self { kube_version: settings.kube_version.clone(), ..self.clone() }
    }
}

/// The options of rendering, for the version that settings give.
fn of_version(template: &TemplateOptions, settings: &Settings) -> TemplateOptions {
    let kube_version = template.kube_version.clone().or_else(|| settings.kube_version.clone());
    TemplateOptions { kube_version, ..template.clone() }
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Charts rendered.
    pub charts: usize,
    /// Manifest files read.
    pub files: usize,
    /// Objects judged.
    pub objects: usize,
}

/// One chart, or all plain manifests together: rules across objects see a unit and nothing else.
#[derive(Debug, Default)]
pub struct Unit {
    /// All texts that findings and objects point at.
    pub sources: Sources,
    /// Sorted by file, place and code.
    pub findings: Vec<Diagnostic>,
    /// The objects, in the order of their documents.
    pub objects: Vec<Object>,
    /// All objects for a prediction with their places, where they were asked for; not all of them are in `objects`.
    pub pieces: Vec<(Piece, Span)>,
    /// Objects of kinds that are not judged.
    pub skipped: Vec<Object>,
    /// Documents without anything in them.
    pub empty: Vec<Span>,
    /// The documents they were read from.
    pub documents: Vec<(FileId, Document)>,
    /// What was told of documents while they were read.
    quick: Quick,
    /// From which severity on its findings fail the run, where a configuration file says so.
    pub fail_on: Option<FailOn>,
    /// What a chart was rendered with.
    pub(super) given: Given,
    /// Manifest files in it.
    pub(super) files: usize,
}

/// What a run gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The charts in the order they were named, then the plain manifests.
    pub units: Vec<Unit>,
    /// What was looked at.
    pub counts: Counts,
    /// What a baseline did, where there is one.
    pub accepted: Option<Accepted>,
    /// Why nothing was looked at, where that is as it should be.
    pub note: Option<String>,
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

pub(super) fn bug(what: &str, panic: &(dyn Any + Send)) -> Diagnostic {
    Diagnostic::new(INTERNAL_ERROR, Severity::Bug, format!("kval failed on {what}: {}", panic_text(panic)))
        .help("this is a defect of kval; please report it with the input that showed it")
}

/// Runs all phases over all inputs. Charts are independent and use all cores; the outcome does not depend on that.
///
/// # Errors
/// When a manifest that was named cannot be read. What is wrong with the user's input is a finding.
pub fn run(world: &dyn World, inputs: &Inputs, template: &TemplateOptions, checks: &Checks) -> Result<Outcome, WorldError> {
    let paths = manifests_of(inputs, &|path| checks.configs.settings(path).excluded);
    // Rules, and what is replaced, are about whole objects.
    let whole = checks.judge || !(checks.forget_objects || checks.pieces) || !checks.against.is_empty();
    let manifests = if whole { read(world, &paths, checks.judge && checks.is_quick())? } else { Unit::default() };
    let old = replaced(world, template, checks)?;
    let common = surroundings::common(world, checks)?;
    let charts: Vec<(&String, Settings)> = inputs.charts.iter().map(|chart| (chart, checks.settings(chart))).collect();
    let charts: Vec<_> = charts.into_iter().filter(|(_, settings)| !settings.excluded).collect();
    let jobs: Vec<(&String, &Settings, Vec<Variant>)> =
        charts.iter().map(|(chart, settings)| (*chart, settings, variants::of(world, chart, settings, checks))).collect();
    let each: Vec<(&String, &Settings, &Variant)> =
        jobs.iter().flat_map(|(chart, settings, all)| all.iter().map(|variant| (*chart, *settings, variant))).collect();
    let mut units: Vec<Unit> = each
        .par_iter()
        .map(|(chart, settings, variant)| {
            let (checks, template) = (checks.of(settings), variants::template(&of_version(template, settings), variant));
            let guarded = catch_unwind(AssertUnwindSafe(|| {
                let mut unit = render(world, chart, &template, checks.is_quick() && old.is_empty());
                unit.given = given(world, chart, &template, &checks, settings, &unit.sources);
                let around = |objects: &[Object]| surroundings::of_unit(world, &common, objects, Some(chart), &checks);
                examine(unit, source(world, chart, &checks), &checks, settings, &old, &around)
            }));
            if let Some(done) = &checks.done {
                done.fetch_add(1, Ordering::Relaxed);
            }
            guarded.unwrap_or_else(|panic| Unit { findings: vec![bug(&format!("chart {chart}"), &*panic)], ..Unit::default() })
        })
        .collect();
    let mut first = 0;
    let mut objects = 0;
    for (_, _, all) in &jobs {
        objects += units[first].objects.len();
        if all.len() > 1 {
            variants::merge(all, &mut units[first..first + all.len()]);
        }
        first += all.len();
    }
    if manifests.files > 0 {
        let first = manifests.sources.iter().next().map_or(".", |(_, file)| file.name.as_str());
        let settings = checks.settings(if first == STDIN_NAME { "." } else { first });
        let checks = checks.of(&settings);
        let around = |objects: &[Object]| surroundings::of_unit(world, &common, objects, None, &checks);
        units.push(examine(manifests, None, &checks, &settings, &old, &around));
        objects += units.last().map_or(0, |unit| unit.objects.len());
    }
    if !whole && !paths.is_empty() {
        let settings = checks.settings(if paths[0].0 == STDIN { "." } else { paths[0].0 });
        let checks = checks.of(&settings);
        let around = |common: &Surroundings, objects: &[Object]| surroundings::of_unit(world, common, objects, None, &checks);
        let (unit, refused, around, count) = stream::judged(world, &paths, &checks, &common, &around)?;
        let fill = |sources: &mut Sources, findings: &[Diagnostic]| stream::fill(world, &paths, sources, findings);
        units.push(conclude(unit, None, (&checks, &settings), (&old, &around), &refused, &fill));
        objects += count;
    }
    let counts = Counts { charts: charts.len(), files: units.iter().map(|u| u.files).sum(), objects };
    Ok(Outcome { units, counts, accepted: None, note: None })
}

/// Renders and decodes one chart without any check: its texts, documents and objects, or the finding that stopped it.
pub fn load(world: &dyn World, template: &TemplateOptions) -> Unit {
    let mut unit = render(world, &template.chart, template, false);
    for (file, document) in &unit.documents {
        unit.objects.extend(kube::objects(*file, document));
    }
    unit
}

/// The objects that a file or directory of manifests shows to exist.
///
/// # Errors
/// When it cannot be read.
pub fn known(world: &dyn World, path: &str) -> Result<Vec<lint::Assumed>, WorldError> {
    let manifests = read(world, &manifests_of(&discover(world, &[path.to_owned()])?, &|_| false), false)?;
    let objects = manifests.documents.iter().flat_map(|(file, document)| kube::objects(*file, document));
    Ok(objects.map(|o| lint::Assumed::object(&o.id.kind, &o.id.namespace, &o.id.name)).collect())
}

/// The objects that the new ones replace, by what tells them apart.
pub(super) type Replaced = BTreeMap<kube::Identity, Object>;

/// Reads what `--against` names. A chart that does not render replaces nothing.
fn replaced(world: &dyn World, template: &TemplateOptions, checks: &Checks) -> Result<Replaced, WorldError> {
    let inputs = discover(world, &checks.against)?;
    let manifests = read(world, &manifests_of(&inputs, &|_| false), false)?;
    let others = !(checks.against_values.is_empty() && checks.against_set.is_empty());
    let template = &if others {
        TemplateOptions { value_files: checks.against_values.clone(), set: checks.against_set.clone(), ..template.clone() }
    } else {
        template.clone()
    };
    let charts = inputs.charts.iter().map(|chart| render(world, chart, template, false));
    let documents = std::iter::once(manifests).chain(charts).flat_map(|unit| unit.documents);
    let objects = documents.flat_map(|(file, document)| kube::objects(file, &document));
    Ok(objects.map(|object| (kube::identity(&object), object)).collect())
}

/// What the API server of each version says about an object; what not all of them say names the versions.
fn verdicts(object: &Object, checks: &Checks, old: &Replaced) -> Vec<Diagnostic> {
    if Checks::names(&checks.reject, object) {
        let id = &object.id;
        let finding = Diagnostic::new("rejected-kind", Severity::Error, format!("prohibited resource kind {}", id.kind));
        return vec![finding.at(object.place(&kube::field::Path::new("kind"))).on(id.clone(), "kind")];
    }
    let old = old.get(&kube::identity(object));
    let of = |kube_version: String| {
        // Where rules judge, one of them speaks about old APIs.
        let options = ValidateOptions { kube_version, warnings: !checks.judge, lenient: checks.lenient };
        let mut found = match old {
            Some(old) => kube::validate_update(object, old, &options),
            None => kube::validate(object, &options),
        };
        if !checks.judge {
            found.extend(kube::warnings(object, &options.kube_version));
        }
        found
    };
    if checks.kube_versions.len() < 2 {
        return of(checks.kube_version.clone().unwrap_or_else(|| ValidateOptions::default().kube_version));
    }
    let mut said: Vec<(Diagnostic, Vec<&str>)> = Vec::new();
    for version in &checks.kube_versions {
        for finding in of(version.clone()) {
            match said.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, versions)) => versions.push(version),
                None => said.push((finding, vec![version])),
            }
        }
    }
    let all = checks.kube_versions.len();
    let named = |(mut finding, versions): (Diagnostic, Vec<&str>)| {
        if versions.len() < all {
            finding.message = format!("{} (Kubernetes {})", finding.message, ranges(&versions, &checks.kube_versions));
        }
        finding
    };
    said.into_iter().map(named).collect()
}

/// [`verdicts`], with a defect of kval as a finding.
pub(super) fn guarded(object: &Object, checks: &Checks, old: &Replaced) -> Vec<Diagnostic> {
    let verdict = catch_unwind(AssertUnwindSafe(|| verdicts(object, checks, old)));
    verdict.unwrap_or_else(|panic| vec![bug(&format!("{} {}", object.id.kind, object.id.name), &*panic).at(object.node.span)])
}

/// Why a document holds no object at all.
pub(super) fn unreadable(file: FileId, document: &Document) -> Vec<Diagnostic> {
    if let Some(error) = &document.error {
        let at = error.offset.unwrap_or(document.span.start as usize);
        return vec![Diagnostic::new(INVALID_YAML, Severity::Error, error.message.clone()).at(Span::new(file, at, at + 1))];
    }
    let Some(root) = document.root.as_ref().filter(|r| !matches!(r.kind, yaml::NodeKind::Mapping(_))) else { return Vec::new() };
    let message = "this document is not a Kubernetes object: it is not a mapping";
    vec![Diagnostic::new(NOT_AN_OBJECT, Severity::Error, message).at(root.span)]
}

/// Versions as ranges of neighbours among all: `1.25 to 1.27, 1.30`.
fn ranges(versions: &[&str], all: &[String]) -> String {
    let place = |version: &str| all.iter().position(|v| v == version).unwrap_or(usize::MAX);
    let mut out: Vec<(&str, &str)> = Vec::new();
    for version in versions {
        match out.last_mut() {
            Some((_, last)) if place(last).checked_add(1) == Some(place(version)) => *last = version,
            _ => out.push((version, version)),
        }
    }
    let shown = |(first, last): (&str, &str)| if first == last { first.to_owned() } else { format!("{first} to {last}") };
    out.into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// What an outline tells of a document before its tree is made. Documents are known by the places of their roots.
#[derive(Debug, Default)]
struct Quick {
    /// Those that the newest server takes without a word.
    sound: BTreeSet<Span>,
    /// Definitions without what cannot be wrong in them.
    essential: BTreeMap<Span, Document>,
}

impl Quick {
    fn look(&mut self, outline: &yaml::Outline<'_>) {
        let Some(root) = outline.root() else { return };
        // A defect is told of the object when it is judged as a whole.
        if catch_unwind(AssertUnwindSafe(|| kube::is_sound(outline))).unwrap_or(false) {
            self.sound.insert(root.span());
        } else if let Ok(Some(document)) = catch_unwind(AssertUnwindSafe(|| kube::essential(outline))) {
            self.essential.insert(root.span(), document);
        }
    }

    /// Whether the newest server has nothing to say about an object.
    fn is_silent(&self, object: &Object, checks: &Checks) -> bool {
        let place = object.node.span;
        self.sound.contains(&place)
            || self.essential.get(&place).is_some_and(|document| {
                let objects = kube::light_objects(object.file, document);
                objects.iter().all(|object| guarded(object, checks, &Replaced::new()).is_empty())
            })
    }
}

/// The documents of a text; where `quick` says so, with what is told of them early.
fn parsed(text: &str, file: FileId, quick: bool) -> std::thread::Result<(Vec<Document>, Quick)> {
    catch_unwind(AssertUnwindSafe(|| {
        let (mut documents, mut told) = (Vec::new(), Quick::default());
        yaml::outline_each(text, file, &mut |parsed| {
            if let (true, yaml::Parsed::Outline(outline)) = (quick, &parsed) {
                told.look(outline);
            }
            documents.push(parsed.document());
        });
        (documents, told)
    }))
}

/// Adds a text and its documents to a unit.
fn add(unit: &mut Unit, file: FileId, quick: bool) {
    let text = std::sync::Arc::clone(unit.sources.get(file).text.shared());
    took(unit, file, parsed(&text, file, quick));
}

/// Takes what parsing a text gave.
fn took(unit: &mut Unit, file: FileId, parsed: std::thread::Result<(Vec<Document>, Quick)>) {
    match parsed {
        Ok((documents, mut quick)) => {
            unit.documents.extend(documents.into_iter().map(|d| (file, d)));
            unit.quick.sound.append(&mut quick.sound);
            unit.quick.essential.append(&mut quick.essential);
        }
        Err(panic) => unit.findings.push(bug(&unit.sources.get(file).name, &*panic).at(Span::new(file, 0, 0))),
    }
}

/// What standard input is called.
pub(super) const STDIN_NAME: &str = "<stdin>";

/// The paths of plain manifests, and whether they were named, without those found in directories that are excluded.
fn manifests_of<'i>(inputs: &'i Inputs, excluded: &dyn Fn(&str) -> bool) -> Vec<(&'i str, bool)> {
    let named = inputs.named.iter().map(|path| (path.as_str(), true));
    let found = inputs.found.iter().filter(|path| !excluded(path)).map(|path| (path.as_str(), false));
    named.chain(found).collect()
}

/// A path as reports show it.
pub(super) fn shown(path: &str) -> &str {
    if path == STDIN { STDIN_NAME } else { path }
}

/// The text behind a path; bytes that are not UTF-8 are replaced.
pub(super) fn text_of(world: &dyn World, path: &str) -> Result<String, WorldError> {
    let bytes = if path == STDIN { world.stdin()? } else { world.read(path)? };
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Whether a document says that it is a Kubernetes object.
pub(super) fn is_object(document: &Document) -> bool {
    document.root.as_ref().is_some_and(|r| r.get("apiVersion").is_some() && r.get("kind").is_some())
}

/// Whether a text that holds no whole object was meant to be a manifest: one that is not YAML must not be passed over.
pub(super) fn looks_like_manifest(text: &str) -> bool {
    let has = |key: &str| {
        text.lines().any(|l| l.trim_start().trim_start_matches('"').strip_prefix(key).is_some_and(|r| r.starts_with([':', '"'])))
    };
    has("apiVersion") && has("kind")
}

/// What is said of a file in which no object is.
pub(super) fn no_object(file: FileId) -> Diagnostic {
    let message = "no Kubernetes object is in this file: it was not checked";
    Diagnostic::new(NOT_AN_OBJECT, Severity::Info, message).at(Span::new(file, 0, 0))
}

/// Reads plain manifests.
fn read(world: &dyn World, paths: &[(&str, bool)], quick: bool) -> Result<Unit, WorldError> {
    let texts: Vec<(&str, String)> =
        paths.par_iter().map(|(path, _)| Ok((shown(path), text_of(world, path)?))).collect::<Result<_, WorldError>>()?;
    let mut unit = Unit::default();
    let files: Vec<FileId> = texts.into_iter().map(|(name, text)| unit.sources.add(name, text)).collect();
    let parsed: Vec<_> = files
        .par_iter()
        .map(|file| {
            let text = std::sync::Arc::clone(unit.sources.get(*file).text.shared());
            parsed(&text, *file, quick)
        })
        .collect();
    for (((_, named), file), parsed) in paths.iter().zip(files).zip(parsed) {
        let before = unit.documents.len();
        took(&mut unit, file, parsed);
        // Trees hold other YAML too: values, workflows, compose files.
        let meant = unit.documents[before..].iter().any(|(_, d)| is_object(d)) || looks_like_manifest(&unit.sources.get(file).text);
        if *named || meant {
            unit.files += 1;
        } else {
            unit.documents.truncate(before);
        }
    }
    Ok(unit)
}

/// Renders a chart, with the map from its text to templates and values.
fn render(world: &dyn World, chart: &str, template: &TemplateOptions, quick: bool) -> Unit {
    let options = TemplateOptions { chart: chart.to_owned(), trace: true, output_dir: None, ..template.clone() };
    match helm::template(world, &options) {
        Ok(rendered) => {
            let mut unit = Unit { sources: rendered.sources, ..Unit::default() };
            for document in rendered.documents {
                let name = format!("{}{RENDERED}", document.source);
                let file = unit.sources.add_rendered(name, &*document.text, document.map);
                add(&mut unit, file, quick);
            }
            // Values that the chart refuses are nobody's: what else they break follows from that.
            let refused = rendered.failures.iter().any(|failed| failed.message.starts_with(REFUSED));
            let told = |failed: &helm::release::Failure| !(refused && matches!(failed.cause, helm::release::Cause::Text(_)));
            for failed in rendered.failures.into_iter().filter(told) {
                let (finding, text) = failure::one(&mut unit.sources, failed);
                unit.findings.push(finding);
                // Rules about broken YAML look at it too.
                text.into_iter().for_each(|file| add(&mut unit, file, quick));
            }
            unit
        }
        Err(mut error) => {
            let finding = failure::whole(chart, &mut error);
            Unit { sources: error.sources, findings: vec![finding], ..Unit::default() }
        }
    }
}

/// A chart's path and files.
type ChartFiles<'a> = Option<(&'a str, Vec<(String, Vec<u8>)>)>;

/// The files of a chart, when rules look at them. What cannot be read is told by rendering.
fn source<'a>(world: &dyn World, chart: &'a str, checks: &Checks) -> ChartFiles<'a> {
    let files = checks.judge.then(|| helm::load::read(world, chart, &mut Logs::default()).ok())??;
    Some((chart, files))
}

/// What a chart was rendered with, as rules look at it.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The values files of the user that were read, their first documents.
    pub(super) supplied: Vec<std::sync::Arc<yaml::Node>>,
    /// The API versions that the user named.
    pub(super) api_versions: Vec<String>,
    /// What the other Helm renders, where a rule compares the two.
    pub(super) other: Option<lint::OtherHelm>,
}

fn given(world: &dyn World, chart: &str, template: &TemplateOptions, checks: &Checks, settings: &Settings, sources: &Sources) -> Given {
    if !checks.judge {
        return Given::default();
    }
    let files = sources.iter().filter(|(_, f)| f.map.is_none() && template.value_files.contains(&f.name));
    let compares = lint::runs("helm-versions-differ", &settings.rules);
    Given {
        supplied: files.filter_map(|(id, file)| yaml::parse(&file.text, id).into_iter().next()?.root).collect(),
        api_versions: template.api_versions.clone(),
        other: compares.then(|| as_other_helm(world, chart, template)),
    }
}

/// The chart as the other major version of Helm renders it.
fn as_other_helm(world: &dyn World, chart: &str, template: &TemplateOptions) -> lint::OtherHelm {
    let (compat, major) = match template.compat {
        Compat::V3 => (Compat::V4, 4),
        Compat::V4 => (Compat::V3, 3),
    };
    let chart = chart.to_owned();
    let options = TemplateOptions { chart, compat, trace: false, keep_going: false, output_dir: None, ..template.clone() };
    let rendered = helm::template(world, &options);
    let first = |message: String| message.split("\n\nUse --debug flag").next().unwrap_or_default().to_owned();
    lint::OtherHelm { major, rendered: rendered.map(|r| r.documents).map_err(|e| first(e.message)) }
}

/// Decodes, validates and judges the documents of a unit; `around` gives what is known beside its objects.
fn examine(
    mut unit: Unit,
    files: ChartFiles<'_>,
    checks: &Checks,
    settings: &Settings,
    old: &Replaced,
    around: &dyn Fn(&[Object]) -> Surroundings,
) -> Unit {
    let mut findings = std::mem::take(&mut unit.findings);
    let mut silent = BTreeSet::new();
    let decoded: Vec<Vec<Object>> = unit.documents.par_iter().map(|(file, document)| kube::objects(*file, document)).collect();
    for ((file, document), objects) in unit.documents.iter().zip(decoded) {
        let unreadable = unreadable(*file, document);
        if !unreadable.is_empty() {
            // The rules about broken YAML say more than the parser does.
            if !checks.judge {
                findings.extend(unreadable);
            }
            continue;
        }
        if document.root.is_none() {
            unit.empty.push(document.span);
        }
        for object in objects {
            if checks.skips(&object) {
                unit.skipped.push(object);
                continue;
            }
            // Neither apiVersion nor kind: the rule about it says that once.
            if checks.judge && object.id.api_version.is_empty() && object.id.kind.is_empty() {
                silent.insert(unit.objects.len());
            }
            unit.objects.push(object);
        }
    }
    let quick = checks.is_quick() && old.is_empty();
    let alone: Vec<Vec<Diagnostic>> = unit
        .objects
        .par_iter()
        .enumerate()
        .map(|(i, object)| {
            if silent.contains(&i) || quick && unit.quick.is_silent(object, checks) {
                return Vec::new();
            }
            guarded(object, checks, old)
        })
        .collect();
    let is_refused = |found: &[Diagnostic]| found.iter().any(|f| f.severity >= Severity::Error);
    let refused: BTreeSet<usize> = alone.iter().enumerate().filter(|(_, found)| is_refused(found)).map(|(i, _)| i).collect();
    findings.extend(alone.into_iter().flatten());
    unit.findings = findings;
    let around = around(&unit.objects);
    conclude(unit, files, (checks, settings), (old, &around), &refused, &|_, _| {})
}

/// What the objects together are told, and what rules say; without what is ignored. `refused` are the places of objects
/// that the server does not take; `fill` supplies texts that findings point at.
fn conclude(
    mut unit: Unit,
    files: ChartFiles<'_>,
    (checks, settings): (&Checks, &Settings),
    (old, around): (&Replaced, &Surroundings),
    refused: &BTreeSet<usize>,
    fill: &dyn Fn(&mut Sources, &[Diagnostic]),
) -> Unit {
    let mut findings = std::mem::take(&mut unit.findings);
    let chart = files.map(|(path, files)| lint::ChartSource::read(&mut unit.sources, path, files));
    // The rules look at the same objects and need no verdict.
    let (together, found) = rayon::join(
        || {
            catch_unwind(AssertUnwindSafe(|| {
                kube::validate_together(&unit.objects, around, refused, &|identity: &kube::Identity| old.get(identity))
            }))
        },
        || judge::rules(&unit, chart.as_ref(), checks, settings),
    );
    findings.extend(together.unwrap_or_else(|panic| vec![bug("the objects together", &*panic)]));
    fill(&mut unit.sources, &findings);
    if checks.judge && !checks.cluster.is_empty() {
        let predicted = catch_unwind(AssertUnwindSafe(|| predict::findings(&unit.objects, &checks.cluster, refused, &settings.rules)));
        findings.extend(predicted.unwrap_or_else(|panic| vec![bug("the prediction", &*panic)]));
    }
    let mut findings = judge::judge(&unit, (findings, found), chart.as_ref(), checks, settings);
    sort(&unit.sources, &mut findings);
    unit.findings = findings;
    unit.fail_on = settings.fail_on;
    unit
}

/// Sorts by file name, place and code, and drops what was said twice.
fn sort(sources: &Sources, findings: &mut Vec<Diagnostic>) {
    findings.sort_by(|a, b| {
        let name = |f: &Diagnostic| f.span.map_or("", |s| sources.get(s.file).name.as_str());
        (name(a), a.span, a.code, &a.field, &a.message).cmp(&(name(b), b.span, b.code, &b.field, &b.message))
    });
    findings.dedup_by(|a, b| a.code == b.code && a.span == b.span && a.message == b.message && a.field == b.field);
}
