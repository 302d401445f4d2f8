//! Drops findings that the user asked to ignore: by comment, or by another tool's annotation.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Input;
use super::context;
use super::rules;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::resolve;
use crate::kube::Object;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;
use crate::yaml::Comment;

/// One `# kval:ignore` comment.
#[derive(Clone, Debug)]
pub(super) struct Ignore<'a> {
    /// The ids it names.
    pub(super) ids: Vec<&'a str>,
    /// The comment.
    pub(super) span: Span,
    /// The line (from 0) it silences.
    pub(super) line: usize,
}

/// All ignore comments of what is judged: of manifests, of the chart's templates, of its values and `Chart.yaml`.
pub(super) fn comments<'a>(input: &Input<'a>) -> Vec<(FileId, Ignore<'a>)> {
    let mut out = Vec::new();
    for (file, document) in input.documents {
        collect(input.sources, *file, &document.comments, &mut out);
    }
    let Some(chart) = input.chart else { return out };
    for file in [&chart.metadata, &chart.values, &chart.lock].into_iter().flatten() {
        collect(input.sources, file.file, &file.comments, &mut out);
    }
    for template in &chart.templates {
        let source = input.sources.get(template.file);
        let alone = |line: usize| {
            let text = source.line_range(line).map_or("", |r| source.text[r].trim());
            text.starts_with('#')
                || text.starts_with("{{") && text.ends_with("}}") && text.contains("/*") && text.matches("{{").count() == 1
        };
        for (at, word) in source.text.match_indices("kval:ignore") {
            let mut line = source.line_index(at);
            let Some(range) = source.line_range(line) else { continue };
            let rest = source.text[at + word.len()..range.end].trim_start();
            let Some(ids) = rest.split_whitespace().next() else { continue };
            while alone(line) {
                line += 1;
            }
            let ids = ids.split(',').filter(|id| !id.is_empty()).collect();
            out.push((template.file, Ignore { ids, span: Span::new(template.file, at, range.end), line }));
        }
    }
    out
}

fn collect<'a>(sources: &'a Sources, file: FileId, comments: &[Comment], out: &mut Vec<(FileId, Ignore<'a>)>) {
    let source = sources.get(file);
    let own: Vec<usize> = comments.iter().filter(|c| c.own_line).map(|c| source.line_index(c.span.start as usize)).collect();
    for comment in comments {
        let text = sources.slice(comment.span).trim_start_matches('#').trim_start();
        let Some(rest) = text.strip_prefix("kval:ignore") else { continue };
        let Some(ids) = rest.split_whitespace().next() else { continue };
        let mut line = source.line_index(comment.span.start as usize);
        // A comment of its own speaks about the next line that is not a comment.
        while own.contains(&line) {
            line += 1;
        }
        let ids = ids.split(',').filter(|id| !id.is_empty()).collect();
        out.push((file, Ignore { ids, span: comment.span, line }));
    }
}

/// The checks of other tools that an object's annotations switch off, as `tool/check`.
fn annotated(object: &Object) -> Vec<String> {
    // Those of the pods count too: kube-score and polaris look at them.
    let below = context::template_path(object).filter(|path| !path.is_empty()).map(|path| format!("/{}", path.replace('.', "/")));
    let of = |at: &str| object.value.pointer(&format!("{at}/metadata/annotations")).and_then(|a| a.as_object());
    let annotations = of("").into_iter().chain(below.as_deref().and_then(of)).flatten();
    let mut out = Vec::new();
    for (key, value) in annotations {
        if let Some(check) = key.strip_prefix("ignore-check.kube-linter.io/") {
            out.push(format!("kube-linter/{check}"));
        } else if key == "kube-linter.io/ignore-all" {
            out.push("kube-linter/*".to_owned());
        } else if key == "polaris.fairwinds.com/exempt" {
            if value.as_str() == Some("true") {
                out.push("polaris/*".to_owned());
            }
        } else if let Some(check) = key.strip_prefix("polaris.fairwinds.com/").and_then(|k| k.strip_suffix("-exempt")) {
            if value.as_str() == Some("true") {
                out.push(format!("polaris/{check}"));
            }
        } else if key == "kube-score/ignore" {
            // A star ignores all of its checks.
            out.extend(value.as_str().unwrap_or("").split(',').map(|c| format!("kube-score/{}", c.trim())));
        }
    }
    out
}

/// The code of findings about comments that silence nothing.
pub const UNUSED_IGNORE: &str = "unused-ignore";

/// What is left of the findings, and the ignore comments that silenced none of them.
#[derive(Clone, Debug, Default)]
pub struct Suppressed {
    /// The findings that nothing silences.
    pub kept: Vec<Diagnostic>,
    /// A finding per id of a comment that silenced nothing.
    pub unused: Vec<Diagnostic>,
}

/// Drops the findings that a comment on their line, a comment above it, or an annotation of their object silences. The
/// line is the one of the text that was judged or the one of the template that wrote it.
///
/// The findings may be of any phase: their codes are compared with the ids in the comments.
pub fn suppress(input: &Input, found: Vec<Diagnostic>) -> Suppressed {
    let sources = input.sources;
    let ignores = comments(input);
    let mut lines: BTreeMap<(FileId, usize), Vec<(usize, &str)>> = BTreeMap::new();
    for (number, (file, ignore)) in ignores.iter().enumerate() {
        lines.entry((*file, ignore.line)).or_default().extend(ignore.ids.iter().map(|id| (number, *id)));
    }
    let mut silent: BTreeMap<(FileId, &str, &str, &str), Vec<String>> = BTreeMap::new();
    for object in input.objects {
        let checks = annotated(object);
        if !checks.is_empty() {
            silent.insert((object.file, &object.id.kind, &object.id.namespace, &object.id.name), checks);
        }
    }
    let mut used: BTreeSet<(usize, &str)> = BTreeSet::new();
    let mut kept = Vec::new();
    for finding in found {
        let Some(span) = finding.span else {
            kept.push(finding);
            continue;
        };
        let origin = resolve(sources, span).template;
        let mut ignored = false;
        for place in [Some(span), origin].into_iter().flatten() {
            let line = sources.get(place.file).line_index(place.start as usize);
            for (number, id) in lines.get(&(place.file, line)).map_or(&[][..], Vec::as_slice) {
                if *id == finding.code || alias(id, finding.code) {
                    used.insert((*number, *id));
                    ignored = true;
                }
            }
        }
        if !ignored && !silenced(&silent, span, &finding) {
            kept.push(finding);
        }
    }
    let mut unused = Vec::new();
    for (number, (file, ignore)) in ignores.iter().enumerate() {
        // The template of a rendered comment tells.
        if sources.get(*file).map.is_some() {
            continue;
        }
        // Of a rule that did not run nothing is known.
        let ran = |id: &str| rules::RULES.iter().find(|r| r.id == id).is_none_or(|r| super::selected(r, input.options));
        for id in ignore.ids.iter().filter(|id| !used.contains(&(number, **id)) && super::page(id).is_some() && ran(id)) {
            let message = format!("nothing here is found by `{id}`");
            unused.push(Diagnostic::new(UNUSED_IGNORE, Severity::Warning, message).at(ignore.span).help("remove the comment"));
        }
    }
    Suppressed { kept, unused }
}

/// Whether `name` is another tool's id, such as `kube-linter/latest-tag`, of a rule.
fn alias(name: &str, code: &str) -> bool {
    name.contains('/') && rules::RULES.iter().any(|r| r.id == code && r.same_as.contains(&name))
}

/// Whether an annotation of the finding's object switches it off.
fn silenced(silent: &BTreeMap<(FileId, &str, &str, &str), Vec<String>>, span: Span, finding: &Diagnostic) -> bool {
    let checks = finding.object.as_ref().and_then(|o| silent.get(&(span.file, o.kind.as_str(), o.namespace.as_str(), o.name.as_str())));
    let Some(checks) = checks else { return false };
    let same_as = rules::RULES.iter().find(|r| r.id == finding.code).map_or(&[][..], |r| &r.same_as);
    same_as.iter().any(|name| {
        let tool = name.split('/').next().unwrap_or("");
        checks.iter().any(|c| c == name || c.strip_suffix("/*") == Some(tool))
    })
}
