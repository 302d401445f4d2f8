//! `kval lint` and `kval validate`: find the input, run the phases, print the report.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use clap::ArgMatches;

use super::args::{string, strings};
use super::error::Error;
use super::output::Output;
use super::simulate::pieces;
use super::world::{RealWorld, append, write_atomically};
use super::{BUG, CLEAN, FINDINGS, options, scope, watch};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::FailOn;
use crate::diagnostic::Severity;
use crate::helm::TemplateOptions;
use crate::helm::lint::Flags;
use crate::helm::lint::report as report_as_helm;
use crate::kube::difflib;
use crate::pipeline;
use crate::pipeline::{Baseline, Checks, Configs, Fixes, Inputs, Outcome, Unit};
use crate::report;
use crate::report::Format;
use crate::report::Section;
use crate::report::kubeconform;
use crate::simulate::answer;
use crate::simulate::answer::Answer;
use crate::source::World;

/// `kval lint`.
pub(super) fn lint(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    if super::args::on(matches, "watch") {
        let mut paths = strings(matches, "paths");
        if paths.is_empty() {
            paths.push(".".to_owned());
        }
        // A wrong command line is told at once; what is wrong later may be mended while watching.
        for path in &paths {
            RealWorld::new(None, None).kind(path)?;
        }
        paths.extend(strings(matches, "values"));
        watch::forever(&paths, |output| {
            once(matches, false, output).unwrap_or_else(|error| {
                output.stderr.push_str(&error.to_string());
                error.code
            })
        });
    }
    once(matches, true, output)
}

/// One run; `last` tells that the process ends with it.
fn once(matches: &ArgMatches, last: bool, output: &mut Output) -> Result<u8, Error> {
    let mut template = options::template(matches)?;
    template.strict = super::args::on(matches, "strict");
    template.keep_going = true;
    let world = options::world(matches)?;
    if strings(matches, "format") == ["helm"] {
        return as_helm(matches, &world, &template, output);
    }
    // A values file that is not there is no defect of the chart.
    for file in template.value_files.iter().filter(|f| *f != "-" && !f.contains("://")) {
        world.kind(file)?;
    }
    if super::args::on(matches, "fix") || super::args::on(matches, "diff") {
        return mend(matches, &world, &template, output);
    }
    let outcome = examine(matches, &world, &template, &["."], true)?;
    let code = print(matches, &outcome, None, output);
    if last {
        // Taking all trees apart one by one takes longer than the end of the process does.
        std::mem::forget(outcome);
    }
    code
}

/// `kval lint --fix` and `--diff`: applies what can be mended and tells of the rest.
fn mend(matches: &ArgMatches, world: &RealWorld, template: &TemplateOptions, output: &mut Output) -> Result<u8, Error> {
    let which = if super::args::on(matches, "unsafe") { Fixes::All } else { Fixes::Safe };
    let Prepared { inputs, checks, empty } = prepare(matches, world, &["."], true)?;
    let mut fixed = pipeline::fix(world, &inputs, template, &checks, which)?;
    refuse_empty(&empty, &fixed.outcome)?;
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    let (count, files) = (fixed.count, fixed.files.len());
    let done = format!("{count} finding{} in {files} file{}", plural(count), plural(files));
    let refused = match fixed.refused {
        0 => String::new(),
        n => format!("; {n} fix{} did not stand the proof", if n == 1 { "" } else { "es" }),
    };
    if super::args::on(matches, "diff") {
        for (path, (old, new)) in &fixed.files {
            output.stdout.extend_from_slice(format!("--- {path}\n+++ {path}\n{}", diff(old, new)).as_bytes());
        }
        output.note(&format!("would fix {done}{refused}"));
        return Ok(if fixed.files.is_empty() { CLEAN } else { FINDINGS });
    }
    for (path, (_, new)) in &fixed.files {
        write_atomically(path, new.as_bytes())?;
    }
    output.note(&format!("fixed {done}{refused}"));
    baseline(matches, world, &checks, &mut fixed.outcome)?;
    print(matches, &fixed.outcome, None, output)
}

/// The difference of two texts, each line with its break.
fn diff(old: &str, new: &str) -> String {
    match (old.strip_suffix('\n'), new.strip_suffix('\n')) {
        (Some(old), Some(new)) if old != new => difflib::unified(old, new),
        _ => difflib::unified(old, new),
    }
}

/// `kval lint --format helm`: what `helm lint` prints, to the byte.
fn as_helm(matches: &ArgMatches, world: &RealWorld, template: &TemplateOptions, output: &mut Output) -> Result<u8, Error> {
    let paths = strings(matches, "paths");
    if paths.is_empty() {
        return Err(Error::helm("\"helm lint\" requires at least 1 argument\n\nUsage:  helm lint PATH [flags]"));
    }
    let on = |name| super::args::on(matches, name);
    let flags = Flags { strict: on("strict"), with_subcharts: on("with-subcharts"), quiet: on("quiet") };
    let report = report_as_helm(world, &paths, template, flags).map_err(|e| Error::helm(e.message))?;
    output.stdout.extend_from_slice(report.stdout.as_bytes());
    report.stderr.iter().for_each(|line| output.note(line));
    match report.failure {
        Some(failure) => Err(Error::helm(failure)),
        None => Ok(CLEAN),
    }
}

/// `kval validate`.
pub(super) fn validate(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let template = TemplateOptions { kube_version: options::checks(matches, false)?.kube_version, ..TemplateOptions::default() };
    let mut outcome = examine(matches, &world, &template, &[], false)?;
    if super::args::on(matches, "exit-on-error") {
        until_failure(&mut outcome);
    }
    if shows_defaults(matches) {
        super::defaults::print(&outcome, color(matches), output);
    }
    let code = print(matches, &outcome, None, output)?;
    let is_kubeconform = strings(matches, "format").iter().any(|f| kubeconform::FORMATS.contains(&f.as_str()));
    if super::args::on(matches, "summary") && !is_kubeconform {
        output.note(&super::defaults::summary(&outcome));
    }
    Ok(code)
}

/// Keeps what was found up to the first object that is refused.
fn until_failure(outcome: &mut Outcome) {
    let mut failed = false;
    for unit in &mut outcome.units {
        let is_error = |f: &Diagnostic| f.severity >= Severity::Error;
        let first = unit.findings.iter().position(is_error).filter(|_| !failed);
        let kept = match first {
            _ if failed => 0,
            None => unit.findings.len(),
            Some(i) => {
                let of = |f: &Diagnostic| (f.span.map(|s| s.file), f.object.clone());
                let same = of(&unit.findings[i]);
                i + 1 + unit.findings[i + 1..].iter().take_while(|f| same.1.is_some() && of(f) == same).count()
            }
        };
        unit.findings.truncate(kept);
        failed |= first.is_some();
    }
}

fn shows_defaults(matches: &ArgMatches) -> bool {
    super::args::on(matches, "show-defaults")
}

/// The input behind the paths on the command line, and what is done with it.
struct Prepared {
    inputs: Inputs,
    checks: Checks,
    /// What to say where there is nothing to look at, and whether that is an error.
    empty: Result<String, String>,
}

fn prepare(matches: &ArgMatches, world: &RealWorld, default: &[&str], judge: bool) -> Result<Prepared, Error> {
    let mut paths = strings(matches, "paths");
    let since = scope::since(matches, &mut paths);
    if paths.is_empty() {
        paths = default.iter().map(|p| (*p).to_owned()).collect();
    }
    if paths.is_empty() {
        return Err(Error::unusable("name a chart, a manifest or a directory, or - for standard input"));
    }
    let mut found = pipeline::discover(world, &paths)?;
    leave_out(matches, &mut found)?;
    let nothing = found.is_empty();
    let scope = scope::narrow(matches, world, since.as_deref(), found)?;
    let mut inputs = scope.inputs;
    let why = format!("nothing to check: no Kubernetes object in {}", paths.join(", "));
    let empty = scope.narrowed.filter(|_| !nothing && inputs.is_empty()).ok_or(why);
    let mut checks = options::checks(matches, judge)?;
    if !scope.versions.is_empty() {
        checks.params.insert("chart-version-not-bumped.base".to_owned(), scope.versions);
    }
    let formats = strings(matches, "format");
    let is_kubeconform = formats.iter().any(|f| kubeconform::FORMATS.contains(&f.as_str()));
    let summed = super::args::on(matches, "summary");
    // Only `kval validate` wants nothing but findings, and not all reports of it.
    let wants_objects =
        is_kubeconform || summed || formats.iter().any(|f| matches!(f.as_str(), "html" | "junit")) || shows_defaults(matches);
    checks.forget_objects = super::args::has_switch(matches, "show-defaults") && !wants_objects;
    // kubeconform takes every file for a manifest, and a kind without schema for an error.
    if is_kubeconform {
        inputs.named.append(&mut inputs.found);
        checks.fail_on_unchecked |= !shown(matches).skip_missing;
    }
    let named = [&inputs.charts, &inputs.named, &inputs.found].into_iter().flatten().map(String::as_str);
    checks.configs = Configs::read(world, &options::config(matches), named)?;
    if let Some(state) = string(matches, "cluster-state") {
        checks.assume = pipeline::known(world, &state)?;
    }
    let mut clusters = if judge { strings(matches, "cluster") } else { Vec::new() };
    if judge && clusters.is_empty() {
        clusters.extend(checks.configs.settings(".").cluster);
    }
    if !clusters.is_empty() {
        checks.cluster = Arc::new(pieces(world, &clusters)?);
    }
    Ok(Prepared { inputs, checks, empty })
}

/// Drops the files whose paths match what the user wants left out.
fn leave_out(matches: &ArgMatches, inputs: &mut Inputs) -> Result<(), Error> {
    for pattern in strings(matches, "ignore-filename-pattern") {
        let pattern = regex::Regex::new(&pattern).map_err(|why| Error::unusable(format!("--ignore-filename-pattern: {why}")))?;
        for list in [&mut inputs.charts, &mut inputs.named, &mut inputs.found] {
            list.retain(|path| !pattern.is_match(path));
        }
    }
    Ok(())
}

/// A gate that looked at nothing must not be green, but where nothing else was asked for.
fn refuse_empty(empty: &Result<String, String>, outcome: &Outcome) -> Result<(), Error> {
    match empty {
        Err(why) if outcome.counts.objects == 0 && outcome.counts.charts == 0 && outcome.units.iter().all(|u| u.findings.is_empty()) => {
            Err(Error::unusable(why.clone()))
        }
        _ => Ok(()),
    }
}

/// Finds the input behind the paths on the command line and runs the phases over it.
pub(super) fn examine(
    matches: &ArgMatches,
    world: &RealWorld,
    template: &TemplateOptions,
    default: &[&str],
    judge: bool,
) -> Result<Outcome, Error> {
    run(matches, world, template, prepare(matches, world, default, judge)?)
}

/// As [`examine`], of plain manifests only what predictions read.
pub(super) fn examine_pieces(matches: &ArgMatches, world: &RealWorld, template: &TemplateOptions) -> Result<Outcome, Error> {
    let mut prepared = prepare(matches, world, &["."], false)?;
    prepared.checks.pieces = true;
    run(matches, world, template, prepared)
}

fn run(matches: &ArgMatches, world: &RealWorld, template: &TemplateOptions, prepared: Prepared) -> Result<Outcome, Error> {
    let Prepared { inputs, mut checks, empty } = prepared;
    let _old = super::against::checkout(&mut checks.against, &strings(matches, "paths"))?;
    let done = Arc::new(AtomicUsize::new(0));
    checks.done = Some(Arc::clone(&done));
    let progress = watch::Progress::start(done, inputs.charts.len());
    let outcome = pipeline::run(world, &inputs, template, &checks);
    drop(progress);
    let mut outcome = outcome?;
    refuse_empty(&empty, &outcome)?;
    outcome.note = empty.ok();
    baseline(matches, world, &checks, &mut outcome)?;
    Ok(outcome)
}

/// Takes out what the baseline accepts, where there is one.
fn baseline(matches: &ArgMatches, world: &RealWorld, checks: &Checks, outcome: &mut Outcome) -> Result<(), Error> {
    // A baseline that is written anew accepts everything.
    if string(matches, "write-baseline").is_some() {
        return Ok(());
    }
    let Some(path) = string(matches, "baseline").or_else(|| checks.configs.settings(".").baseline) else { return Ok(()) };
    let bytes = world.read(&path)?;
    let known = Baseline::parse(&String::from_utf8_lossy(&bytes)).map_err(|why| Error::unusable(format!("{path}: {why}")))?;
    outcome.accepted = Some(known.apply(outcome, &world.current_dir(), &path));
    Ok(())
}

/// Whether standard output takes colours.
pub(super) fn color(matches: &ArgMatches) -> bool {
    match string(matches, "color").as_deref() {
        Some("always") => true,
        Some("never") => false,
        _ => std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && std::io::stdout().is_terminal(),
    }
}

fn section(unit: &Unit) -> Section<'_> {
    let Unit { sources, findings, objects, skipped, empty, .. } = unit;
    Section { sources, findings, objects, skipped, empty }
}

/// What a report in one of kubeconform's shapes shows.
fn shown(matches: &ArgMatches) -> kubeconform::Shown {
    let on = |name| super::args::on(matches, name);
    kubeconform::Shown {
        verbose: on("verbose"),
        summary: on("summary"),
        skip_missing: on("ignore-missing-schemas"),
        until_failure: on("exit-on-error"),
    }
}

/// The formats asked for, and the files they go to, in their order.
pub(super) fn formats(matches: &ArgMatches) -> Result<(Vec<String>, Vec<String>), Error> {
    let mut formats = strings(matches, "format");
    if formats.is_empty() {
        formats.push("text".to_owned());
    }
    let files = strings(matches, "output");
    if files.len() > formats.len() {
        return Err(Error::unusable("there are more --output than --format"));
    }
    Ok((formats, files))
}

/// Prints the findings in every format asked for and gives the exit code. An answer of a simulation comes before them,
/// under its name.
pub(super) fn print(matches: &ArgMatches, outcome: &Outcome, extra: Option<(&str, &Answer)>, output: &mut Output) -> Result<u8, Error> {
    if let Some(path) = string(matches, "write-baseline") {
        let found = Baseline::of(outcome, &RealWorld::new(None, None).current_dir(), &path);
        write_atomically(&path, found.print().as_bytes())?;
        output.note(&format!("{path} accepts {} findings from now on", found.len()));
        return Ok(CLEAN);
    }
    let (formats, files) = formats(matches)?;
    let sections: Vec<Section<'_>> = outcome.units.iter().map(section).collect();
    let named: Vec<(&str, serde_json::Value)> = extra.iter().map(|(name, answer)| (*name, answer.json.clone())).collect();
    let mut said = false;
    for (i, format) in formats.iter().enumerate() {
        let file = files.get(i).map_or("-", String::as_str);
        let find = |format| report::render(format, &sections, outcome.counts, &named);
        let text = match (format.as_str(), extra) {
            (name, _) if kubeconform::FORMATS.contains(&name) => kubeconform::render(name, &sections, shown(matches)),
            ("helm", _) => return Err(Error::unusable("--format helm: only `kval lint` prints it, and only alone")),
            (page @ ("markdown" | "html" | "svg"), Some((name, answer))) => {
                let mut whole = answer.clone();
                let findings = find(Format::Concise);
                if !findings.is_empty() {
                    whole.heading("Findings");
                    whole.lines(findings.lines().map(str::to_owned).collect());
                }
                match page {
                    "markdown" => answer::markdown(&whole),
                    "html" => answer::html(&whole, &format!("kval: {name}")),
                    _ => answer::svg(answer).ok_or_else(|| Error::unusable("--format svg: this answer has no picture"))?.to_owned(),
                }
            }
            (name, _) if name != "text" && Format::named(name).is_some() => find(Format::named(name).unwrap_or(Format::Concise)),
            _ => {
                said |= file == "-";
                let before = extra.map(|(_, answer)| answer::text(answer) + "\n").unwrap_or_default();
                before + &find(Format::Text { color: file == "-" && color(matches) })
            }
        };
        // The page of a job on GitHub shows what is appended to this file.
        let summary = std::env::var("GITHUB_STEP_SUMMARY").ok().filter(|path| format == "github" && !path.is_empty());
        if let Some(path) = summary {
            append(&path, find(Format::Markdown).as_bytes())?;
        }
        match file {
            "-" => output.stdout.extend_from_slice(text.as_bytes()),
            file => write_atomically(file, text.as_bytes())?,
        }
    }
    if !said {
        output.note(&report::summary(&sections, outcome.counts));
    }
    if let Some(note) = &outcome.note {
        output.note(note);
    }
    if let Some(accepted) = outcome.accepted {
        let gone = if accepted.gone == 0 { String::new() } else { format!("; {} of it are gone: write it anew", accepted.gone) };
        output.note(&format!("the baseline left out {} findings{gone}", accepted.left_out));
    }
    Ok(exit(outcome, options::fail_on(matches)))
}

/// The exit code; a limit on the command line wins over those of configuration files.
fn exit(outcome: &Outcome, fail_on: Option<FailOn>) -> u8 {
    let mut code = CLEAN;
    for unit in &outcome.units {
        let limit = fail_on.or(unit.fail_on).unwrap_or(FailOn::From(Severity::Error));
        for finding in &unit.findings {
            match finding.severity {
                Severity::Bug => return BUG,
                severity if limit.fails(severity) => code = FINDINGS,
                _ => {}
            }
        }
    }
    code
}
