//! Runs the rules over a unit with what is in force for each of its files, and drops what is ignored.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::config::Settings;
use super::failure::RENDER_ERROR;
use super::predict::PREDICTED;
use super::run::{Checks, REFUSED, STDIN_NAME, Unit, bug};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::resolve;
use crate::lint;
use crate::lint::ChartSource;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;

/// Different settings of a unit's files, and which files have them.
struct Groups<'s> {
    all: Vec<(std::borrow::Cow<'s, Settings>, Vec<FileId>)>,
}

impl<'s> Groups<'s> {
    /// The first group is of the unit itself and of all findings without a place.
    fn new(sources: &Sources, checks: &Checks, settings: &'s Settings) -> Self {
        let mut all = vec![(std::borrow::Cow::Borrowed(settings), Vec::new())];
        if checks.configs.is_empty() {
            return Self { all };
        }
        for (id, file) in sources.iter().filter(|(_, f)| f.map.is_none() && f.name != STDIN_NAME) {
            let own = checks.settings(&file.name);
            match all.iter_mut().find(|(known, _)| known.rules == own.rules && known.select == own.select) {
                Some((_, files)) => files.push(id),
                None => all.push((std::borrow::Cow::Owned(own), vec![id])),
            }
        }
        Self { all }
    }

    fn number(&self, sources: &Sources, finding: &Diagnostic) -> usize {
        if self.all.len() < 2 {
            return 0;
        }
        let file = finding.span.map(|span| resolve(sources, span).template.unwrap_or(span).file);
        file.and_then(|file| self.all.iter().position(|(_, files)| files.contains(&file))).unwrap_or(0)
    }
}

/// Gives a rendering that failed as a whole the place in the chart that stopped it; `false` for a library chart, which is
/// not there to be rendered.
fn place(chart: &ChartSource, finding: &mut Diagnostic) -> bool {
    if chart.is_library() {
        return false;
    }
    let about = |key: &str| chart.about().and_then(|about| Some(about.node.get(key)?.key_span));
    let values = || chart.values.as_ref().map(|v| Span::new(v.file, 0, 0));
    let named = [("kubeVersion", "kubeVersion"), ("dependenc", "dependencies"), ("chart type", "type"), ("apiVersion", "apiVersion")];
    let of_key = || named.iter().find(|(word, _)| finding.message.contains(word)).and_then(|(_, key)| about(key));
    let of_values = || finding.message.contains("values").then(values).flatten();
    finding.span = of_schema(chart, &finding.message).or_else(of_values).or_else(of_key).or_else(|| chart.start());
    true
}

/// The key of `values.yaml` that its schema speaks about, or the nearest one around it.
fn of_schema(chart: &ChartSource, message: &str) -> Option<Span> {
    let (pointer, said) = message.split_once("- at '")?.1.split_once("': ")?;
    let missing = said.strip_prefix("missing property '").and_then(|rest| rest.split('\'').next());
    let mut node = &chart.values.as_ref()?.object.as_ref()?.node;
    let mut place = None;
    for step in pointer.split('/').filter(|s| !s.is_empty()).chain(missing) {
        let Some(entry) = node.get(&step.replace("~1", "/").replace("~0", "~")) else { break };
        place = Some(entry.key_span);
        node = &entry.value;
    }
    place
}

fn input<'a>(unit: &'a Unit, chart: Option<&'a ChartSource>, options: &'a lint::Options) -> lint::Input<'a> {
    lint::Input {
        sources: &unit.sources,
        objects: &unit.objects,
        documents: &unit.documents,
        chart,
        supplied: &unit.given.supplied,
        other: unit.given.other.as_ref(),
        api_versions: &unit.given.api_versions,
        options,
    }
}

/// Whether a finding is about what a template wrote from values: a field that is missing, or one that an action wrote.
fn of_absent_value(sources: &Sources, finding: &Diagnostic) -> bool {
    let Some((span, map)) = finding.span.and_then(|span| Some((span, sources.get(span.file).map.as_ref()?))) else { return false };
    match finding.code {
        "missing-required-field" | "rendered-null" | "empty-required-string" => true,
        "image-reference-invalid"
        | "invalid-value"
        | "unsupported-value"
        | "placeholder-left"
        | "object-name-invalid"
        | "label-value-invalid" => map.within(span.range()).iter().any(|s| s.action),
        _ => false,
    }
}

/// What the rules find, each file's by what is in force for it.
pub(super) fn rules(unit: &Unit, chart: Option<&ChartSource>, checks: &Checks, settings: &Settings) -> Vec<Diagnostic> {
    if !checks.judge {
        return Vec::new();
    }
    let groups = Groups::new(&unit.sources, checks, settings);
    let mut out = Vec::new();
    for (number, (settings, _)) in groups.all.iter().enumerate() {
        let found = catch_unwind(AssertUnwindSafe(|| lint::check(&input(unit, chart, &settings.rules))));
        let found = found.unwrap_or_else(|panic| vec![bug("the rules", &*panic)]);
        out.extend(found.into_iter().filter(|f| groups.number(&unit.sources, f) == number));
    }
    out
}

/// Joins the findings of the phases before with those of the rules, without what is ignored.
pub(super) fn judge(
    unit: &Unit,
    (mut findings, found): (Vec<Diagnostic>, Vec<Diagnostic>),
    chart: Option<&ChartSource>,
    checks: &Checks,
    settings: &Settings,
) -> Vec<Diagnostic> {
    let sources = &unit.sources;
    let groups = Groups::new(sources, checks, settings);
    let input = |options| input(unit, chart, options);
    if let Some(chart) = chart {
        findings.retain_mut(|finding| finding.code != RENDER_ERROR || finding.span.is_some() || place(chart, finding));
    }
    // What other objects miss may be what did not render.
    let partial = findings.iter().any(|f| f.code == RENDER_ERROR);
    let of_objects = |code: &str| !code.starts_with("chart-") && (code.contains("missing") || code.contains("dangling"));
    // Where the cluster is known, the scheduler itself has spoken.
    let spoken = !checks.cluster.is_empty();
    let sure = |f: &Diagnostic| !(partial && of_objects(f.code) || spoken && PREDICTED.contains(&f.code));
    findings.extend(found.into_iter().filter(sure));
    // Where the chart asks for values first, what their absence makes of objects is nobody's.
    if findings.iter().any(|f| f.code == RENDER_ERROR && f.message.starts_with(REFUSED)) {
        findings.retain(|f| !of_absent_value(sources, f));
    }
    findings.retain_mut(|finding| lint::judge_old_branch(&input(&settings.rules), finding));
    // Of a kind that is served no longer, that is all there is to say.
    let gone: Vec<Span> = findings.iter().filter(|f| f.code == "removed-api").filter_map(|f| f.span).collect();
    findings.retain(|f| f.code != "unknown-kind" || !f.span.is_some_and(|span| gone.contains(&span)));
    let told = lint::suppress(&input(&settings.rules), findings);
    let mut findings = told.kept;
    if checks.judge {
        findings.extend(told.unused);
    }
    findings.retain_mut(|finding| {
        if finding.severity == Severity::Bug {
            return true;
        }
        let settings = &groups.all[groups.number(sources, finding)].0;
        let named = |list: &[String]| list.iter().any(|code| code == finding.code);
        if !(settings.select.is_empty() || named(&settings.select)) || named(&settings.rules.disable) {
            return false;
        }
        if let Some((_, severity)) = settings.rules.severities.iter().rfind(|(id, _)| id == finding.code) {
            finding.severity = *severity;
        }
        finding.fixes.extend(lint::fix(&input(&settings.rules), finding));
        true
    });
    findings
}
