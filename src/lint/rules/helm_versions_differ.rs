//! `helm-versions-differ`: reports a template that Helm 3 and Helm 4 render differently.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::source::FileId;
use crate::source::RENDERED;
use crate::source::Span;

const HELP: &str = "render with --helm-compat 3 and --helm-compat 4 to see both";

pub(super) fn check(cx: &Context) {
    let (Some(other), Some(chart)) = (cx.input.other, cx.chart()) else { return };
    let major = other.major;
    let documents = match &other.rendered {
        Ok(documents) => documents,
        Err(message) => {
            cx.report_file(chart, "", format!("Helm {major} does not render this chart: {message}"), HELP);
            return;
        }
    };
    let mut theirs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for document in documents.iter().filter(|d| !d.crd) {
        theirs.entry(&document.source).or_default().push(&document.text);
    }
    let mut seen: BTreeSet<FileId> = BTreeSet::new();
    let mut ours: BTreeMap<&str, Vec<FileId>> = BTreeMap::new();
    for (file, _) in cx.input.documents {
        let text = cx.input.sources.get(*file);
        if let Some(source) = text.name.strip_suffix(RENDERED).filter(|_| text.map.is_some() && seen.insert(*file)) {
            ours.entry(source).or_default().push(*file);
        }
    }
    for (source, files) in &ours {
        let their = theirs.remove(source).unwrap_or_default();
        for (i, file) in files.iter().enumerate() {
            compare(cx, major, *file, their.get(i).copied());
        }
        if let (Some(last), true) = (files.last(), their.len() > files.len()) {
            let more = their.len() - files.len();
            cx.report_span(Span::new(*last, 0, 0), format!("Helm {major} renders {more} more of {source}"), HELP);
        }
    }
    for source in theirs.keys() {
        cx.report_file(chart, "", format!("Helm {major} renders {source}, which is empty here"), HELP);
    }
}

/// White space around documents always differs and means nothing.
fn compare(cx: &Context, major: u8, file: FileId, other: Option<&str>) {
    let text = &cx.input.sources.get(file).text;
    let Some(other) = other else {
        cx.report_span(Span::new(file, 0, 0), format!("Helm {major} does not render this"), HELP);
        return;
    };
    let lead = text.len() - text.trim_start().len();
    let mut at = lead;
    let mut theirs = other.trim().lines();
    for line in text.trim().lines() {
        let their = theirs.next();
        if their != Some(line) {
            let indent = line.len() - line.trim_start().len();
            let shown = their.map_or_else(|| "nothing".to_owned(), |l| format!("`{}`", l.trim()));
            cx.report_span(Span::new(file, at + indent, at + line.len()), format!("Helm {major} renders {shown} here"), HELP);
            return;
        }
        at += line.len() + 1;
    }
    if let Some(line) = theirs.next() {
        let end = text.trim_end().len();
        cx.report_span(Span::new(file, end, end), format!("Helm {major} renders more after this: `{}`", line.trim()), HELP);
    }
}
