//! Reads one configuration file; every key is known, and what is wrong is told with its place.

use std::ops::Range;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, Variant, absolute, parent};
use crate::diagnostic::FailOn;
use crate::diagnostic::Severity;
use crate::diagnostic::similar;
use crate::lint;
use crate::lint::Assumed;
use crate::simulate::cluster::parse_argument;
use crate::source::Sources;
use crate::source::World;

/// What a file, or one of its overrides, says about rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) profile: Option<String>,
    pub(super) select: Option<Vec<String>>,
    pub(super) enable: Vec<String>,
    pub(super) ignore: Vec<String>,
    pub(super) assume: Vec<Assumed>,
    pub(super) rules: Vec<RulePart>,
}

/// What is said about one rule.
#[derive(Clone, Debug)]
pub(super) struct RulePart {
    pub(super) ids: Vec<String>,
    pub(super) severity: Option<Severity>,
    pub(super) off: bool,
    /// Where the rule is silent.
    pub(super) exclude: Option<Globs>,
    pub(super) params: Vec<(String, Vec<String>)>,
}

/// Paths as in a `.gitignore`, from the directory of the file.
#[derive(Clone, Debug)]
pub(super) struct Globs(Gitignore);

impl Globs {
    /// Whether an absolute path, or a directory above it, is meant.
    pub(super) fn matches(&self, path: &str) -> bool {
        Path::new(path).starts_with(self.0.path()) && self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// A configuration file.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) path: String,
    pub(super) root: bool,
    pub(super) kube_version: Option<String>,
    pub(super) fail_on: Option<FailOn>,
    pub(super) baseline: Option<String>,
    /// The cluster that all is meant for.
    pub(super) cluster: Option<String>,
    pub(super) custom: Vec<String>,
    pub(super) rules: Vec<lint::CustomRule>,
    pub(super) exclude: Option<Globs>,
    pub(super) variants: Vec<Variant>,
    pub(super) part: Part,
    pub(super) overrides: Vec<(Globs, Part)>,
}

type Failed = (Range<usize>, String);
type Entry<'t, 'i> = (&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

const PART: &[&str] = &["profile", "select", "enable", "ignore", "assume", "rules"];
const TOP: &[&str] = &["root", "kube-version", "fail-on", "baseline", "cluster", "custom-rules", "exclude", "variants", "overrides"];

impl Layer {
    /// Reads a file.
    pub(super) fn read(world: &dyn World, path: &str, current: &str) -> Result<Self, ConfigError> {
        let shown = path.strip_prefix(&format!("{}/", current.trim_end_matches('/'))).unwrap_or(path).to_owned();
        let whole = |message: String| ConfigError { path: shown.clone(), line: 0, column: 0, excerpt: String::new(), width: 0, message };
        let bytes = world.read(path).map_err(|e| whole(e.message))?;
        let text = String::from_utf8(bytes).map_err(|_| whole("the file is not UTF-8".to_owned()))?;
        let full = absolute(current, path);
        let parsed = parse(&text, &shown, parent(&full).unwrap_or("/"));
        let mut layer = parsed.map_err(|(at, message)| placed(&shown, &text, &at, message))?;
        layer.rules = super::custom_rules(world, &layer.custom)?;
        Ok(layer)
    }
}

fn placed(path: &str, text: &str, at: &Range<usize>, message: String) -> ConfigError {
    let mut sources = Sources::new();
    let file = sources.add(path, text);
    let file = sources.get(file);
    let start = file.line_column(at.start);
    let line = file.line_range(file.line_index(at.start.min(text.len()))).unwrap_or(0..0);
    let width = text.get(at.start..at.end.min(line.end.max(at.start))).map_or(1, |t| t.chars().count());
    ConfigError { path: path.to_owned(), line: start.line, column: start.column, excerpt: text[line].to_owned(), width, message }
}

fn parse(text: &str, path: &str, directory: &str) -> Result<Layer, Failed> {
    let table = DeTable::parse(text).map_err(|e| (e.span().unwrap_or(0..0), e.message().to_owned()))?;
    let mut layer = Layer {
        path: path.to_owned(),
        root: false,
        kube_version: None,
        fail_on: None,
        baseline: None,
        cluster: None,
        custom: Vec::new(),
        rules: Vec::new(),
        exclude: None,
        variants: Vec::new(),
        part: Part::default(),
        overrides: Vec::new(),
    };
    for (key, value) in sorted(table.get_ref()) {
        match key.get_ref().as_ref() {
            "root" => layer.root = value.get_ref().as_bool().ok_or_else(|| wrong(value, "true or false"))?,
            "kube-version" => {
                let version = text_of(value)?;
                if !crate::kube::schema::versions().iter().any(|v| crate::kube::schema::minor(v) == crate::kube::schema::minor(&version)) {
                    return Err((value.span(), format!("kval does not know Kubernetes `{version}`")));
                }
                layer.kube_version = Some(version.trim_start_matches('v').to_owned());
            }
            "fail-on" => {
                let word = text_of(value)?;
                let severity = Severity::named(&word);
                if severity.is_none() && word != "never" {
                    return Err(one_of(value, &word, &["info", "warning", "error", "never"]));
                }
                layer.fail_on = Some(severity.map_or(FailOn::Never, FailOn::From));
            }
            "baseline" => layer.baseline = Some(below(directory, &text_of(value)?)),
            "cluster" => {
                let name = text_of(value)?;
                layer.cluster = Some(if parse_argument(&name).is_ok() { name } else { below(directory, &name) });
            }
            "custom-rules" => layer.custom = texts(value)?.iter().map(|t| below(directory, t)).collect(),
            "exclude" => layer.exclude = Some(globs(value, directory)?),
            "variants" => layer.variants = tables(value)?.into_iter().map(|t| variant(t, directory)).collect::<Result<_, _>>()?,
            "overrides" => {
                for table in tables(value)? {
                    layer.overrides.push(override_of(table, directory)?);
                }
            }
            name if PART.contains(&name) => part((key, value), &mut layer.part, directory)?,
            name => return Err(unknown(key, name, TOP.iter().chain(PART).copied())),
        }
    }
    Ok(layer)
}

/// A path of the file as the program is to open it.
fn below(directory: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { super::join(directory, path) }
}

/// Entries in the order they stand in.
fn sorted<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

fn unknown<'k>(key: &Spanned<std::borrow::Cow<'_, str>>, name: &str, known: impl Iterator<Item = &'k str> + Clone) -> Failed {
    let advice = match similar(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is: {}", known.collect::<Vec<_>>().join(", ")),
    };
    (key.span(), format!("unknown key `{name}`; {advice}"))
}

fn one_of(value: &Spanned<DeValue<'_>>, word: &str, known: &[&str]) -> Failed {
    let advice = match similar(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is: {}", known.join(", ")),
    };
    (value.span(), format!("`{word}` is not known here; {advice}"))
}

fn wrong(value: &Spanned<DeValue<'_>>, want: &str) -> Failed {
    (value.span(), format!("this is to be {want}, and is of type {}", value.get_ref().type_str()))
}

fn text_of(value: &Spanned<DeValue<'_>>) -> Result<String, Failed> {
    value.get_ref().as_str().map(str::to_owned).ok_or_else(|| wrong(value, "a string"))
}

/// A list of strings; one string stands for a list of it.
fn texts(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Failed> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(text_of).collect(),
        DeValue::String(text) => Ok(vec![text.to_string()]),
        _ => Err(wrong(value, "a list of strings")),
    }
}

fn tables<'t, 'i>(value: &'t Spanned<DeValue<'i>>) -> Result<Vec<&'t Spanned<DeValue<'i>>>, Failed> {
    let items = value.get_ref().as_array().ok_or_else(|| wrong(value, "a list of tables"))?;
    items.iter().map(|item| if item.get_ref().is_table() { Ok(item) } else { Err(wrong(item, "a table")) }).collect()
}

fn globs(value: &Spanned<DeValue<'_>>, directory: &str) -> Result<Globs, Failed> {
    let mut builder = GitignoreBuilder::new(directory);
    for pattern in texts(value)? {
        builder.add_line(None, &pattern).map_err(|e| (value.span(), format!("`{pattern}` is not a path pattern: {e}")))?;
    }
    builder.build().map(Globs).map_err(|e| (value.span(), e.to_string()))
}

/// The rules that patterns name.
fn ids(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Failed> {
    let mut out = Vec::new();
    let items = value.get_ref().as_array();
    for (i, pattern) in texts(value)?.iter().enumerate() {
        let span = items.and_then(|a| a.get(i)).map_or_else(|| value.span(), Spanned::span);
        out.extend(lint::named(pattern).map_err(|message| (span, message))?);
    }
    Ok(out)
}

fn part((key, value): Entry<'_, '_>, part: &mut Part, directory: &str) -> Result<(), Failed> {
    match key.get_ref().as_ref() {
        "profile" => {
            let name = text_of(value)?;
            if lint::profile(&name).is_none() {
                return Err(one_of(value, &name, lint::PROFILES));
            }
            part.profile = Some(name);
        }
        "select" => part.select = Some(ids(value)?),
        "enable" => part.enable = ids(value)?,
        "ignore" => part.ignore = ids(value)?,
        "assume" => {
            part.assume = texts(value)?.iter().map(|t| Assumed::parse(t).map_err(|e| (value.span(), e))).collect::<Result<_, _>>()?;
        }
        _ => {
            let table = value.get_ref().as_table().ok_or_else(|| wrong(value, "a table of rules"))?;
            part.rules = sorted(table).into_iter().map(|entry| rule(entry, directory)).collect::<Result<_, _>>()?;
        }
    }
    Ok(())
}

/// Reads a severity, or `off`.
fn severity(value: &Spanned<DeValue<'_>>, rule: &mut RulePart) -> Result<(), Failed> {
    let word = text_of(value)?;
    rule.severity = Severity::named(&word);
    rule.off = word == "off";
    match rule.severity {
        Some(_) => Ok(()),
        None if rule.off => Ok(()),
        None => Err(one_of(value, &word, &["off", "info", "warning", "error"])),
    }
}

fn rule((key, value): Entry<'_, '_>, directory: &str) -> Result<RulePart, Failed> {
    let ids = lint::named(key.get_ref()).map_err(|message| (key.span(), message))?;
    let mut out = RulePart { ids, severity: None, off: false, exclude: None, params: Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        severity(value, &mut out)?;
        return Ok(out);
    };
    for (key, value) in sorted(table) {
        match key.get_ref().as_ref() {
            "severity" => severity(value, &mut out)?,
            "exclude" => out.exclude = Some(globs(value, directory)?),
            name => {
                let known: Vec<&str> = out.ids.iter().flat_map(|id| lint::params(id)).collect();
                if !known.contains(&name) {
                    return Err(unknown(key, name, ["severity", "exclude"].into_iter().chain(known)));
                }
                out.params.push((name.to_owned(), texts(value)?));
            }
        }
    }
    Ok(out)
}

fn override_of(value: &Spanned<DeValue<'_>>, directory: &str) -> Result<(Globs, Part), Failed> {
    let table = value.get_ref().as_table().ok_or_else(|| wrong(value, "a table"))?;
    let mut paths = None;
    let mut said = Part::default();
    for (key, value) in sorted(table) {
        match key.get_ref().as_ref() {
            "paths" => paths = Some(globs(value, directory)?),
            name if PART.contains(&name) => part((key, value), &mut said, directory)?,
            name => return Err(unknown(key, name, std::iter::once("paths").chain(PART.iter().copied()))),
        }
    }
    let paths = paths.ok_or_else(|| (value.span(), "an override needs `paths`".to_owned()))?;
    Ok((paths, said))
}

fn variant(value: &Spanned<DeValue<'_>>, directory: &str) -> Result<Variant, Failed> {
    let table = value.get_ref().as_table().ok_or_else(|| wrong(value, "a table"))?;
    let mut out = Variant::default();
    for (key, value) in sorted(table) {
        match key.get_ref().as_ref() {
            "name" => out.name = text_of(value)?,
            "values" => out.values = texts(value)?.iter().map(|t| below(directory, t)).collect(),
            "set" => out.set = texts(value)?,
            name => return Err(unknown(key, name, ["name", "values", "set"].into_iter())),
        }
    }
    if out.name.is_empty() {
        return Err((value.span(), "a variant needs a `name`".to_owned()));
    }
    Ok(out)
}
