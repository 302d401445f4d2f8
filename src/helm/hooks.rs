//! Cutting rendered files into documents, and telling hooks from the rest.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::chart::Decoder;
use super::load::LoadError;
use super::order;
use crate::source::SharedText;
use crate::source::Span;
use crate::source::all_cores;
use crate::value::{Kind, Value};
use crate::yaml;
use crate::yaml::{Entry, Node, NodeKind};

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    /// By the name in the annotation.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }

    /// The name in the annotation.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }
}

/// What a document's annotations say of it as a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook {
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Its place among the hooks of an event.
    pub weight: i64,
    /// `helm.sh/hook-delete-policy`
    pub delete_policies: Vec<String>,
    /// `helm.sh/hook-output-log-policy`
    pub output_log_policies: Vec<String>,
}

/// The part of an object that sorting needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.annotations`
    pub annotations: Vec<(String, String)>,
}

/// A document of a rendered file.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file's full path.
    pub path: String,
    /// The text, a part of the file's.
    pub text: SharedText,
    /// Where the text stands in the file.
    pub range: Range<usize>,
    /// Its head.
    pub head: Head,
    /// Present for a hook.
    pub hook: Option<Hook>,
}

/// Hooks and the rest, each in the order of installation.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    /// Hooks.
    pub hooks: Vec<Manifest>,
    /// The rest.
    pub manifests: Vec<Manifest>,
    /// The `helm.sh/hook` texts of dropped documents with unknown events.
    pub unknown_hooks: Vec<String>,
}

/// Where the documents of a rendered file stand: cut at every line that starts with `---`, blank ones left out.
pub fn split(text: &str) -> Vec<Range<usize>> {
    let start = text.len() - text.trim_start().len();
    let mut out = Vec::new();
    let mut push = |from: usize, to: usize| {
        let part = &text[from..to];
        let from = to - part.trim_start().len();
        if from < to {
            out.push(from..to);
        }
    };
    let mut from = start;
    let mut line = start;
    loop {
        if text[line..].starts_with("---") {
            push(from, line);
            from = line + 3 + text[line + 3..].bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
        }
        match memchr::memmem::find(&text.as_bytes()[line..], b"\n---") {
            Some(i) => line += i + 1,
            None => break,
        }
    }
    push(from, text.len());
    out
}

/// The same as Helm 3 does it: white space around documents goes, and a mark right behind a mark belongs to a document.
///
/// upstream: pkg/releaseutil/manifest.go
pub fn split_v3(text: &str) -> Vec<Range<usize>> {
    let blank = |c: &u8| matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0c);
    let behind = |at: usize| at + text.as_bytes()[at..].iter().take_while(|c| blank(c)).count();
    let mut out: Vec<Range<usize>> = Vec::new();
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len().max(start);
    let mut push = |from: usize, to: usize| {
        let part = &text[from..to];
        let from = from + part.len() - part.trim_start().len();
        let to = to - (part.len() - part.trim_end().len());
        if from < to {
            out.push(from..to);
        }
    };
    let mut from = if text[start..end].starts_with("---") { behind(start + 3).min(end) } else { start };
    while let Some(at) = memchr::memmem::find(&text.as_bytes()[from..end], b"\n---").map(|i| from + i) {
        push(from, at);
        from = behind(at + 4).min(end);
    }
    push(from, end);
    out
}

/// The entries of a document that tell what it is, in lower case.
const HEAD: [&str; 3] = ["apiversion", "kind", "metadata"];

/// What of the metadata tells it.
const METADATA: [&str; 2] = ["name", "annotations"];

/// Reads the head of a document as Helm does.
pub fn head(text: &str) -> Result<Head, LoadError> {
    let mut out = Head::default();
    // The rest of a document is only read where it might not decode.
    let short = yaml::skim(text.as_bytes(), &HEAD.map(|key| (key, if key == "metadata" { &METADATA[..] } else { &[] })));
    let value = yaml::decode(short.as_deref().unwrap_or(text.as_bytes())).map_err(|e| LoadError(e.message))?;
    let head_only = |left: usize, key: &str| left != 4 || HEAD.contains(&key.to_lowercase().as_str());
    let node = tree_of(&value, 4, &head_only);
    let mut d = Decoder::default();
    let mut annotations = None;
    d.object(&node, "SimpleHead", "util.SimpleHead", |d, key, node| match key {
        "apiversion" => d.string(node, &mut out.api_version),
        "kind" => d.string(node, &mut out.kind),
        "metadata" => {
            let full = "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";
            d.object(node, "", full, |d, key, node| match key {
                "name" => d.string(node, &mut out.name),
                "annotations" => d.string_map(node, &mut annotations),
                _ => {}
            });
        }
        _ => {}
    });
    d.finish()?;
    out.annotations = annotations.unwrap_or_default();
    Ok(out)
}

/// A value as a tree, `depth` levels of it: below, only the kind is kept. `wanted` picks keys by what depth is left.
pub(crate) fn tree_of(value: &Value, depth: usize, wanted: &dyn Fn(usize, &str) -> bool) -> Node {
    let kind = match &value.kind {
        Kind::Bool(b) => NodeKind::Bool(*b),
        Kind::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => NodeKind::Int(*f as i64),
        Kind::Float(f) => NodeKind::Float(*f),
        Kind::Str(s) => NodeKind::Str(s.to_string()),
        Kind::List(list) if depth > 0 => NodeKind::Sequence(list.items().iter().map(|v| Arc::new(tree_of(v, depth - 1, wanted))).collect()),
        Kind::List(_) => NodeKind::Sequence(Vec::new()),
        Kind::Map(map) if depth > 0 => {
            let entries = map.borrow();
            let entries = entries.iter().filter(|(k, _)| wanted(depth, &k.to_str())).map(|(k, v)| Entry {
                key: k.to_string(),
                key_span: Span::default(),
                value: Arc::new(tree_of(v, depth - 1, wanted)),
            });
            NodeKind::Mapping(entries.collect())
        }
        Kind::Map(_) => NodeKind::Mapping(Vec::new()),
        _ => NodeKind::Null,
    };
    Node { span: Span::default(), kind }
}

fn annotation<'a>(head: &'a Head, key: &str) -> Option<&'a str> {
    head.annotations.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}

fn list(head: &Head, key: &str) -> Vec<String> {
    annotation(head, key).map_or_else(Vec::new, |text| text.split(',').map(|p| p.trim().to_lowercase()).collect())
}

/// Go's `strconv.Atoi`, 0 when it fails.
fn weight(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// From how many bytes on documents are read on all cores.
const MANY: usize = 128 * 1024;

/// A document of a rendered file: where it stands and what it says it is.
#[derive(Debug)]
pub struct Part {
    range: Range<usize>,
    head: Result<Head, LoadError>,
}

/// The documents of files by their path.
pub type Cut = BTreeMap<String, Vec<Part>>;

/// The documents of a rendered file. `v3` cuts as Helm 3 does.
pub fn parts(text: &str, v3: bool) -> Vec<Part> {
    let ranges = if v3 { split_v3(text) } else { split(text) };
    ranges.into_iter().map(|range| Part { head: head(&text[range.clone()]), range }).collect()
}

/// Splits and sorts rendered files, given in order of their paths; on failure, Helm's sentence.
/// `v3` cuts as Helm 3 does.
pub fn sort<'a>(files: impl IntoIterator<Item = (&'a str, &'a SharedText)>, v3: bool) -> Result<Sorted, LoadError> {
    sort_cut(files, v3, &mut Cut::default())
}

/// Like [`sort`]; files that were cut before are in `cut`, which loses them.
pub fn sort_cut<'a>(files: impl IntoIterator<Item = (&'a str, &'a SharedText)>, v3: bool, cut: &mut Cut) -> Result<Sorted, LoadError> {
    let mut files_left: Vec<(&str, &SharedText)> = Vec::new();
    let mut known: Vec<Option<Vec<Part>>> = Vec::new();
    for (path, text) in files {
        let base = path.rsplit('/').next().unwrap_or(path);
        if base.starts_with('_') || text.trim().is_empty() {
            continue;
        }
        known.push(cut.remove(path));
        files_left.push((path, text));
    }
    // Reading is most of the work where a chart renders much; for little text, other threads cost more than they bring.
    let read = |(known, (_, text)): (Option<Vec<Part>>, &(&str, &SharedText))| known.unwrap_or_else(|| parts(text, v3));
    let total: usize = files_left.iter().zip(&known).filter(|(_, k)| k.is_none()).map(|((_, text), _)| text.len()).sum();
    let cut: Vec<Vec<Part>> = if total > MANY {
        all_cores();
        known.into_par_iter().zip(&files_left).map(read).collect()
    } else {
        known.into_iter().zip(&files_left).map(read).collect()
    };
    let mut out = Sorted::default();
    let parts = files_left.into_iter().zip(cut).flat_map(|(file, parts)| parts.into_iter().map(move |part| (file, part)));
    for ((path, text), Part { range, head }) in parts {
        let head = head.map_err(|e| LoadError(format!("YAML parse error on {path}: {e}")))?;
        let mut manifest = Manifest { path: path.to_owned(), text: text.cut(range.clone()), range, head, hook: None };
        let Some(events) = annotation(&manifest.head, "helm.sh/hook") else {
            out.manifests.push(manifest);
            continue;
        };
        let Some(known) = events.split(',').map(|e| HookEvent::parse(&e.trim().to_lowercase())).collect() else {
            out.unknown_hooks.push(events.to_owned());
            continue;
        };
        manifest.hook = Some(Hook {
            events: known,
            weight: annotation(&manifest.head, "helm.sh/hook-weight").map_or(0, weight),
            delete_policies: list(&manifest.head, "helm.sh/hook-delete-policy"),
            output_log_policies: list(&manifest.head, "helm.sh/hook-output-log-policy"),
        });
        out.hooks.push(manifest);
    }
    let install = if v3 { order::INSTALL_V3 } else { order::INSTALL };
    order::sort_by_kind(&mut out.hooks, install, |m| m.head.kind.clone());
    order::sort_by_kind(&mut out.manifests, install, |m| m.head.kind.clone());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn documents_are_cut_at_every_line_of_three_dashes() {
        assert_eq!(texts("a: 1\n---\nb: 2\n"), ["a: 1\n", "b: 2\n"]);
        assert_eq!(texts("\n---apiVersion: v1\n--- # c\nx"), ["apiVersion: v1\n", "# c\nx"]);
        assert_eq!(texts("---\n----\nk: v\n"), ["-\nk: v\n"]);
        assert_eq!(texts("  a: 1\n  ---\n"), ["a: 1\n  ---\n"]);
        assert_eq!(texts(" \n"), Vec::<&str>::new());
    }
}
