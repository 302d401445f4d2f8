//! Applies fixes to the texts the user wrote, and proves each by running all phases again before it counts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::config::absolute;
use super::inputs::Inputs;
use super::run::{Checks, Outcome, run};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::diagnostic::Fingerprint;
use crate::diagnostic::Fix;
use crate::diagnostic::Severity;
use crate::diagnostic::fingerprint;
use crate::helm::TemplateOptions;
use crate::lint;
use crate::source::DirEntry;
use crate::source::FileKind;
use crate::source::Sources;
use crate::source::World;
use crate::source::WorldError;

/// Fixes may make room for others (an entry of a map that a fix made); after so many rounds it is enough.
const MOST_ROUNDS: usize = 20;

/// Which fixes are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixes {
    /// Those that need no thought.
    Safe,
    /// All.
    All,
}

/// What was mended.
#[derive(Debug)]
pub struct Fixed {
    /// Old and new text by path as shown to users.
    pub files: BTreeMap<String, (String, String)>,
    /// How many findings are gone.
    pub count: usize,
    /// How many fixes were tried and did not hold.
    pub refused: usize,
    /// The run over the new texts.
    pub outcome: Outcome,
}

/// A world with some texts changed.
struct Overlay<'w> {
    base: &'w dyn World,
    texts: BTreeMap<String, Vec<u8>>,
}

impl Overlay<'_> {
    fn key(&self, path: &str) -> String {
        absolute(&self.base.current_dir(), &self.base.real_path(path))
    }
}

impl World for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, WorldError> {
        match self.texts.get(&self.key(path)) {
            Some(text) => Ok(text.clone()),
            None => self.base.read(path),
        }
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, WorldError> {
        self.base.read_dir(path)
    }

    fn kind(&self, path: &str) -> Result<FileKind, WorldError> {
        self.base.kind(path)
    }

    fn real_path(&self, path: &str) -> String {
        self.base.real_path(path)
    }

    fn stdin(&self) -> Result<Vec<u8>, WorldError> {
        self.base.stdin()
    }

    fn now(&self) -> i128 {
        self.base.now()
    }

    fn seed(&self) -> u64 {
        self.base.seed()
    }

    fn time_zone(&self) -> String {
        self.base.time_zone()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.base.env(name)
    }

    fn current_dir(&self) -> String {
        self.base.current_dir()
    }
}

/// A fix that may be applied in a round.
struct Candidate<'o> {
    id: Fingerprint,
    sources: &'o Sources,
    edits: &'o [Edit],
}

type Texts = BTreeMap<String, (String, String)>;

/// Runs all phases, applies what can be mended, and runs them again until nothing more can be.
///
/// # Errors
/// When a manifest cannot be read.
pub fn fix(world: &dyn World, inputs: &Inputs, template: &TemplateOptions, checks: &Checks, which: Fixes) -> Result<Fixed, WorldError> {
    let mut texts = Texts::new();
    let mut refused: BTreeSet<Fingerprint> = BTreeSet::new();
    // Errors count in a proof, whichever rules were asked for.
    let asked = &checks.select;
    let proof = Checks { select: with_errors(asked), ..checks.clone() };
    let checks = &proof;
    let mut outcome = run(world, inputs, template, checks)?;
    let mut count = 0;
    for _ in 0..MOST_ROUNDS {
        let chosen = choose(world, &outcome, asked, &refused, which);
        if chosen.is_empty() {
            break;
        }
        let attempt = |candidates: &[Candidate<'_>], texts: &Texts| -> Result<Option<(Texts, Outcome)>, WorldError> {
            let changed = apply(candidates, texts);
            let mut overlay = Overlay { base: world, texts: BTreeMap::new() };
            overlay.texts = changed.iter().map(|(path, (_, new))| (overlay.key(path), new.clone().into_bytes())).collect();
            let after = run(&overlay, inputs, template, checks)?;
            Ok(holds(candidates, &outcome, &after).then_some((changed, after)))
        };
        if let Some((changed, after)) = attempt(&chosen, &texts)? {
            count += chosen.len();
            (texts, outcome) = (changed, after);
            continue;
        }
        // One of them does not hold: which?
        let (good, bad) = sort_out(&chosen, &|some| attempt(some, &texts).is_ok_and(|done| done.is_some()));
        refused.extend(bad.iter().map(|i| chosen[*i].id.clone()));
        let good: Vec<Candidate<'_>> = chosen.into_iter().enumerate().filter(|(i, _)| good.contains(i)).map(|(_, c)| c).collect();
        match if good.is_empty() { None } else { attempt(&good, &texts)? } {
            Some((changed, after)) => {
                count += good.len();
                (texts, outcome) = (changed, after);
            }
            // Each holds alone and all do not: the next round has to go on without them.
            None => refused.extend(good.iter().map(|c| c.id.clone())),
        }
    }
    texts.retain(|_, (old, new)| old != new);
    for unit in &mut outcome.units {
        unit.findings.retain(|finding| wanted(asked, finding));
    }
    Ok(Fixed { files: texts, count, refused: refused.len(), outcome })
}

/// Rules that tell of what no phase after them would get to see.
const BROKEN: &[&str] =
    &["yaml-syntax", "no-kubernetes-object", "duplicate-key", "hook-unknown", "undefined-template", "unknown-template-function"];

/// The codes that were asked for and those of what breaks: a chart that does not render, an object that is refused. None
/// where all were asked for.
fn with_errors(asked: &[String]) -> Vec<String> {
    if asked.is_empty() {
        return Vec::new();
    }
    let breaks = lint::verdicts().chain(BROKEN.iter().copied()).map(str::to_owned);
    asked.iter().cloned().chain(breaks).collect()
}

fn wanted(asked: &[String], finding: &Diagnostic) -> bool {
    asked.is_empty() || finding.severity == Severity::Bug || asked.iter().any(|code| code == finding.code)
}

/// The numbers of the candidates that hold and of those that do not, found by halving.
fn sort_out(all: &[Candidate<'_>], holds: &dyn Fn(&[Candidate<'_>]) -> bool) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let (mut good, mut bad) = (BTreeSet::new(), BTreeSet::new());
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut next = Some(0..all.len());
    while let Some(range) = next.take().or_else(|| ranges.pop()) {
        if holds(&all[range.clone()]) {
            good.extend(range);
        } else if range.len() == 1 {
            bad.extend(range);
        } else {
            let middle = usize::midpoint(range.start, range.end);
            ranges.push(middle..range.end);
            ranges.push(range.start..middle);
        }
    }
    (good, bad)
}

/// Fixes of a round that do not touch each other.
fn choose<'o>(
    world: &dyn World,
    outcome: &'o Outcome,
    asked: &[String],
    refused: &BTreeSet<Fingerprint>,
    which: Fixes,
) -> Vec<Candidate<'o>> {
    let mut taken: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
    let mut out: Vec<Candidate<'o>> = Vec::new();
    for unit in &outcome.units {
        for finding in unit.findings.iter().filter(|finding| wanted(asked, finding)) {
            let Some(fix) = finding.fixes.iter().find(|f| f.safe || which == Fixes::All) else { continue };
            let id = fingerprint(&unit.sources, finding);
            if refused.contains(&id) || !writable(world, &unit.sources, fix) {
                continue;
            }
            let free = |edit: &Edit| {
                let spans = taken.get(unit.sources.get(edit.span.file).name.as_str()).map_or(&[][..], Vec::as_slice);
                spans.iter().all(|(start, end)| edit.span.end < *start || *end < edit.span.start)
            };
            if !fix.edits.iter().all(free) {
                continue;
            }
            for edit in &fix.edits {
                taken.entry(&unit.sources.get(edit.span.file).name).or_default().push((edit.span.start, edit.span.end));
            }
            out.push(Candidate { id, sources: &unit.sources, edits: &fix.edits });
        }
    }
    out
}

/// Whether all edits are of files that can be written: not of archives, not of standard input.
fn writable(world: &dyn World, sources: &Sources, fix: &Fix) -> bool {
    fix.edits.iter().all(|edit| world.kind(&sources.get(edit.span.file).name).is_ok_and(|kind| kind == FileKind::File))
}

fn apply(candidates: &[Candidate<'_>], texts: &Texts) -> Texts {
    let mut edits: BTreeMap<&str, (&Sources, Vec<&Edit>)> = BTreeMap::new();
    for candidate in candidates {
        for edit in candidate.edits {
            edits.entry(&candidate.sources.get(edit.span.file).name).or_insert((candidate.sources, Vec::new())).1.push(edit);
        }
    }
    let mut out = texts.clone();
    for (path, (sources, mut edits)) in edits {
        edits.sort_by_key(|e| std::cmp::Reverse(e.span));
        let Some(first) = edits.first() else { continue };
        let old = sources.get(first.span.file).text.to_string();
        let mut new = old.clone();
        for edit in edits {
            new.replace_range(edit.span.range(), &edit.text);
        }
        out.entry(path.to_owned()).and_modify(|(_, known)| known.clone_from(&new)).or_insert((old, new));
    }
    out
}

fn counted(outcome: &Outcome, counts: &dyn Fn(&Diagnostic) -> bool) -> BTreeMap<Fingerprint, usize> {
    let mut out = BTreeMap::new();
    for unit in &outcome.units {
        for finding in unit.findings.iter().filter(|f| counts(f)) {
            *out.entry(fingerprint(&unit.sources, finding)).or_default() += 1;
        }
    }
    out
}

/// Whether the findings are gone and nothing broke.
fn holds(candidates: &[Candidate<'_>], before: &Outcome, after: &Outcome) -> bool {
    let (old, new) = (counted(before, &|_| true), counted(after, &|_| true));
    let gone = candidates.iter().all(|c| new.get(&c.id) < old.get(&c.id));
    let breaks = |f: &Diagnostic| f.severity >= Severity::Error;
    // A fix may move an object to another namespace; its errors go with it.
    let by_field = |counts: BTreeMap<Fingerprint, usize>| {
        let mut out: BTreeMap<(String, String, String), usize> = BTreeMap::new();
        counts.into_iter().for_each(|(id, n)| *out.entry((id.code, id.file, id.field)).or_default() += n);
        out
    };
    let errors = by_field(counted(before, &breaks));
    gone && by_field(counted(after, &breaks)).iter().all(|(id, n)| errors.get(id).is_some_and(|known| n <= known))
}
