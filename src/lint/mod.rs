//! Judges objects and documents beyond what the API server checks: one rule per file, one page per rule.
//!
//! [`check`] runs every rule that is on; [`page`] and [`rules()`] tell about them. [`suppress()`] silences a finding by a
//! comment `# kval:ignore rule-id reason` (in a template `{{/* kval:ignore rule-id reason */}}`) on its line or above it,
//! and by the ignore annotations of kube-linter, kube-score and polaris.

mod actions;
mod amount;
mod apis;
mod assume;
pub mod chart;
mod cluster;
mod context;
mod cron;
mod custom;
mod field;
mod fix;
mod graph;
mod hooks;
mod labels;
mod needs;
mod old_branch;
mod outside;
mod plain_secrets;
mod probes;
mod profiles;
mod quota;
mod rules;
mod shell;
mod suppress;
mod texts;
mod values;
mod verdicts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::similar;
use crate::helm::RenderedDocument;
use crate::kube::Object;
use crate::source::FileId;
use crate::source::Sources;
use crate::yaml::Document;
use crate::yaml::Node;

pub use assume::Assumed;
pub use chart::ChartSource;
pub use custom::{CustomRule, examples};
pub use fix::{fix, fixable};
pub use graph::{Reference, references};
pub use old_branch::judge_old_branch;
pub use profiles::PROFILES;
pub use profiles::profile;
pub use suppress::Suppressed;
pub use suppress::UNUSED_IGNORE;
pub use suppress::suppress;

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// All texts.
    pub sources: &'a Sources,
    /// All objects of the set; rules across objects see these and nothing else.
    pub objects: &'a [Object],
    /// The documents the objects were read from, with comments, and those that could not be parsed.
    pub documents: &'a [(FileId, Document)],
    /// The chart the objects were rendered from, when they were.
    pub chart: Option<&'a ChartSource>,
    /// The values files that the user gave, their first documents.
    pub supplied: &'a [Arc<Node>],
    /// What the other Helm renders, where a rule that compares the two runs.
    pub other: Option<&'a OtherHelm>,
    /// The API versions that the user names besides those that Helm knows.
    pub api_versions: &'a [String],
    /// What to run.
    pub options: &'a Options,
}

/// A chart as rendered by the other major version of Helm.
#[derive(Clone, Debug)]
pub struct OtherHelm {
    /// Which one: 3 or 4.
    pub major: u8,
    /// The documents, or why there are none.
    pub rendered: Result<Vec<RenderedDocument>, String>,
}

/// Which rules run, and for which cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Rules to run besides those that are on by default.
    pub enable: Vec<String>,
    /// Rules not to run.
    pub disable: Vec<String>,
    /// When not empty, run these rules and no others.
    pub only: Vec<String>,
    /// Other severities than the pages give.
    pub severities: Vec<(String, Severity)>,
    /// The Kubernetes minor version (35 for 1.35) the set is meant for; the newest known when absent.
    pub minor: Option<u32>,
    /// A team's own rules, which all run.
    pub custom: Vec<CustomRule>,
    /// Objects outside the input that exist.
    pub assume: Vec<Assumed>,
    /// Settings of rules by `rule-id.setting`, such as `untrusted-registry.allowed`.
    pub params: BTreeMap<String, Vec<String>>,
}

/// What is known about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id, such as `dangling-service`.
    pub id: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// Whether it runs without being asked for.
    pub on: bool,
    /// The kinds it looks at, as its page says.
    pub kinds: &'static str,
    /// Checks of other tools that find the same, such as `kube-linter/latest-tag`.
    pub same_as: Vec<&'static str>,
    /// Its first sentence.
    pub summary: &'static str,
}

/// All rules, in the order of the registry.
pub fn rules() -> &'static [Rule] {
    &rules::RULES
}

/// The page of a rule or of a verdict, in Markdown.
pub fn page(id: &str) -> Option<&'static str> {
    let verdict = || verdicts::ALL.iter().find(|(code, _)| *code == id).map(|(_, page)| *page);
    rules::ALL.iter().find(|e| e.id == id).map(|e| e.page).or_else(verdict)
}

/// The codes of findings that are no rules: what the phases before and after judging say.
pub fn verdicts() -> impl Iterator<Item = &'static str> {
    verdicts::ALL.iter().map(|(code, _)| *code)
}

/// Runs every rule that is on and gives the findings in order of their place. What the user asked to ignore is among
/// them: [`suppress()`] drops it, once for the findings of all phases.
pub fn check(input: &Input) -> Vec<Diagnostic> {
    let index = Arc::new(context::Index::new(input));
    let all: Vec<_> = rules::ALL.iter().zip(rules()).filter(|(_, rule)| selected(rule, input.options)).collect();
    let one = |(entry, rule): &(&rules::Entry, &Rule)| {
        let severity = input.options.severities.iter().rfind(|(id, _)| id == rule.id).map_or(rule.severity, |(_, s)| *s);
        let cx = context::Context::new(input, Arc::clone(&index), (rule.id, severity));
        (entry.check)(&cx);
        cx.take()
    };
    let mut out: Vec<Diagnostic> = all.par_iter().map(one).collect::<Vec<_>>().into_iter().flatten().collect();
    // Of a team's own rules all run, but where some are chosen by name.
    let only = &input.options.only;
    let chosen = |rule: &&CustomRule| only.is_empty() || only.iter().any(|id| id == rule.id);
    out.extend(input.options.custom.iter().filter(chosen).flat_map(|rule| rule.check(input)));
    out.sort_by(|a, b| (a.span, a.code, &a.field, &a.message).cmp(&(b.span, b.code, &b.field, &b.message)));
    out.dedup();
    out
}

/// The ids of rules and verdicts that a pattern names: an id, `prefix*`, or another tool's id such as
/// `kube-linter/latest-tag`.
///
/// # Errors
/// A sentence for the user when it names none.
pub fn named(pattern: &str) -> Result<Vec<String>, String> {
    let known = || rules().iter().map(|r| r.id).chain(verdicts());
    let owned = |ids: &mut dyn Iterator<Item = &'static str>| ids.map(str::to_owned).collect::<Vec<_>>();
    let out = match pattern.strip_suffix('*') {
        Some(prefix) if pattern.contains('/') => {
            owned(&mut rules().iter().filter(|r| r.same_as.iter().any(|s| s.starts_with(prefix))).map(|r| r.id))
        }
        Some(prefix) => owned(&mut known().filter(|id| id.starts_with(prefix))),
        None if pattern.contains('/') => owned(&mut rules().iter().filter(|r| r.same_as.contains(&pattern)).map(|r| r.id)),
        None => owned(&mut known().filter(|id| *id == pattern)),
    };
    if out.is_empty() {
        let advice = similar(pattern, known()).map_or_else(|| "`kval explain` lists all".to_owned(), |n| format!("did you mean `{n}`?"));
        return Err(format!("there is no rule `{pattern}`; {advice}"));
    }
    Ok(out)
}

/// The names of a rule's settings, by its page.
pub fn params(id: &str) -> Vec<&'static str> {
    let options = page(id).and_then(|p| p.split_once("## Options\n")).map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or(rest));
    options.lines().filter_map(|l| l.strip_prefix('`')?.split_once("`:")).map(|(name, _)| name).collect()
}

/// Whether a rule would run.
pub fn runs(id: &str, options: &Options) -> bool {
    rules().iter().any(|rule| rule.id == id && selected(rule, options))
}

fn selected(rule: &Rule, options: &Options) -> bool {
    let named = |list: &[String]| list.iter().any(|id| id == rule.id);
    let on = if options.only.is_empty() { rule.on || named(&options.enable) } else { named(&options.only) };
    on && !named(&options.disable)
}
