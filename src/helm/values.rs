//! Values: what the user gives, merged with what charts bring, as each chart of the tree sees it.

use super::chart::Chart;
use super::json;
use super::release::Compat;
use super::strvals::{Mode, mark, parse_as, quote};
use crate::source::{FileId, Origin, Origins, Sources, World};
use crate::value::{Kind, List, Map, Str, Value};
use crate::yaml;

/// The deepest nesting that is copied or merged.
const MAX_DEPTH: usize = 10_000;

/// A line of Helm's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Such as `INFO`; empty when the message is the whole line.
    pub level: &'static str,
    /// The sentence.
    pub message: String,
    /// What follows the sentence: keys and values.
    pub attributes: Vec<(String, String)>,
}

impl std::fmt::Display for LogLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.level.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "level={} msg={}", self.level, log_text(&self.message))?;
        self.attributes.iter().try_for_each(|(k, v)| write!(f, " {k}={}", log_text(v)))
    }
}

/// Quotes as slog's text handler does, where it does.
fn log_text(text: &str) -> String {
    let plain = |c: char| super::strvals::is_print(c) && !matches!(c, ' ' | '"' | '=');
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quote(text) }
}

impl LogLine {
    /// As Helm 3 prints it, with the place in its source; `None` for what it does not tell.
    fn v3(&self) -> Option<String> {
        let value = |key: &str| self.attributes.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str());
        let message = self.message.as_str();
        let starts = |text: &str| message.starts_with(text);
        Some(match self.level {
            "" => message.to_owned(),
            "DEBUG" | "ERROR" => return None,
            _ if message == "this chart is deprecated" => "WARNING: This chart is deprecated".to_owned(),
            _ if message == "skipping unknown hooks" => {
                format!("manifest_sorter.go:199: info: skipping unknown hook: {}", quote(value("hookTypes")))
            }
            _ if starts("found symbolic link") => format!(
                "walk.go:75: found symbolic link in path: {} resolves to {}. Contents of linked file included and used",
                value("path"),
                value("resolved")
            ),
            _ if message == "returned non-bool value" && !value("tag").is_empty() => {
                format!("dependencies.go:95: Warning: Tag '{}' for chart {} returned non-bool value", value("tag"), value("chart"))
            }
            _ if message == "returned non-bool value" => {
                let (path, chart) = (value("path"), value("chart"));
                format!("dependencies.go:64: Warning: Condition path '{path}' for chart {chart} returned non-bool value")
            }
            _ if message == "ImportValues missing table" => {
                format!("dependencies.go:287: Warning: ImportValues missing table: {}", value("error"))
            }
            _ if message == "ImportValues missing table from chart" => {
                let (chart, error) = (value("chart"), value("error"));
                format!("dependencies.go:270: Warning: ImportValues missing table from chart {chart}: {error}")
            }
            _ if starts("unresolved URN") => {
                format!("jsonschema.go:192: WARNING: unresolved URN reference ignored; using permissive schema: {}", value("urn"))
            }
            _ if starts("Warning: Dependencies are") => format!("load.go:120: {message}"),
            _ if starts("Warning: Dependency locking") => format!("load.go:138: {message}"),
            _ if starts("warning: skipping globals because destination") => format!("coalesce.go:138: {message}"),
            _ if starts("warning: skipping globals because source") => format!("coalesce.go:145: {message}"),
            _ if starts("Conflict: ") => format!("coalesce.go:161: {message}"),
            _ if starts("key ") => format!("coalesce.go:175: {message}"),
            _ if starts("warning: skipped value") => format!("coalesce.go:237: {message}"),
            _ if starts("warning: cannot overwrite") => format!("coalesce.go:316: {message}"),
            _ if starts("warning: destination for") => format!("coalesce.go:319: {message}"),
            _ if starts("--dry-run") || starts("boolean '--dry-run") => return None,
            _ => message.to_owned(),
        })
    }
}

/// What Helm logs.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// In order.
    pub list: Vec<LogLine>,
    /// Whose words, and whose rules where values are merged.
    pub compat: Compat,
    /// Whether lines are kept that only `--debug` shows: some hold whole files.
    pub debug: bool,
}

impl Logs {
    /// Without lines, for somebody who takes part in the same.
    pub(super) fn alike(&self) -> Self {
        Self { list: Vec::new(), ..*self }
    }

    /// Adds a line.
    pub fn push(&mut self, level: &'static str, message: String) {
        self.list.push(LogLine { level, message, attributes: Vec::new() });
    }

    /// Adds a line with keys and values.
    pub fn push_with(&mut self, level: &'static str, message: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.list.push(LogLine { level, message: message.to_owned(), attributes });
    }

    /// Adds a warning about one thing, unless it was said before.
    pub(crate) fn warn_once(&mut self, message: &str, key: &str, value: &str) {
        let said = |l: &LogLine| l.message == message && l.attributes.iter().any(|(_, v)| v == value);
        if !self.list.iter().any(said) {
            self.push_with("WARN", message, &[(key, value)]);
        }
    }

    /// Adds whole lines.
    pub(crate) fn said(&mut self, lines: &[String]) {
        lines.iter().for_each(|line| self.push("", line.clone()));
    }

    /// Adds a line that only `--debug` shows.
    pub fn debug(&mut self, message: &str, attributes: &[(&str, &str)]) {
        if self.debug {
            self.push_with("DEBUG", message, attributes);
        }
    }

    /// The lines as printed.
    pub fn lines(&self) -> Vec<String> {
        if self.compat == Compat::V3 {
            return self.list.iter().filter_map(LogLine::v3).collect();
        }
        self.list.iter().map(ToString::to_string).collect()
    }

    /// What goes through Go's `log` package.
    fn print(&mut self, text: String) {
        self.push("INFO", text);
    }
}

/// Turns values files into values, with origins when tracing.
#[derive(Default)]
pub struct ValuesReader<'a> {
    /// Where texts and origins go; `None` when not tracing.
    pub trace: Option<(&'a mut Sources, &'a mut Origins)>,
    /// Only the first document of a file counts, as in Helm 3.
    pub first_only: bool,
    /// The files that were decoded before their turn, by their paths.
    early: Vec<(String, Result<Map, String>)>,
}

impl<'a> ValuesReader<'a> {
    /// A reader; see its fields.
    pub fn new(trace: Option<(&'a mut Sources, &'a mut Origins)>, first_only: bool) -> Self {
        Self { trace, first_only, early: Vec::new() }
    }

    /// Decodes a values file whose turn comes later: [`ValuesReader::read`] gives what came of it.
    pub(super) fn read_early(&mut self, path: &str, data: &[u8]) {
        let read = self.decode(path, data);
        self.early.push((path.to_owned(), read));
    }

    /// Decodes a values file, one or more documents merged.
    pub fn read(&mut self, path: &str, data: &[u8]) -> Result<Map, String> {
        match self.early.iter().position(|(known, _)| known == path) {
            Some(known) => self.early.remove(known).1,
            None => self.decode(path, data),
        }
    }

    fn decode(&mut self, path: &str, data: &[u8]) -> Result<Map, String> {
        match &mut self.trace {
            None if self.first_only => first_document(yaml::decode(data)),
            None => yaml::decode_values(data).map_err(|e| e.message),
            Some((sources, origins)) => {
                let file: FileId = sources.add(path, String::from_utf8_lossy(data).into_owned());
                if self.first_only {
                    return first_document(yaml::decode_traced(data, file, origins));
                }
                yaml::decode_values_traced(data, file, origins).map_err(|e| e.message)
            }
        }
    }
}

/// A document as a map of values; Go's sentence when it is none.
fn first_document(decoded: Result<Value, yaml::YamlError>) -> Result<Map, String> {
    let value = decoded.map_err(|e| e.message)?;
    let kind = match value.kind {
        Kind::Map(map) => return Ok(map),
        Kind::Nil => return Ok(Map::default()),
        Kind::List(_) => "array",
        Kind::Bool(_) => "bool",
        Kind::Str(_) => "string",
        _ => "number",
    };
    let prefix = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
    Err(format!("{prefix} {kind} into Go value of type map[string]interface {{}}"))
}

/// The flags that give values.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct UserValues<'a> {
    pub files: &'a [String],
    pub json: &'a [String],
    pub set: &'a [String],
    pub string: &'a [String],
    pub file: &'a [String],
    pub literal: &'a [String],
}

/// Reads and merges all values the user gives, in Helm's fixed order: files, then the flags by kind.
pub fn merge_options(world: &dyn World, user: UserValues<'_>, reader: &mut ValuesReader<'_>) -> Result<Map, String> {
    let mut base = Map::default();
    for path in user.files {
        let data = read_file(world, path)?;
        let map = reader.read(path, &data).map_err(|e| format!("failed to parse {path}: {e}"))?;
        base = merge_maps(&base, &map, 0);
    }
    for text in user.json {
        let trimmed = text.trim();
        // Helm 3 takes pairs only.
        if trimmed.starts_with('{') && !reader.first_only {
            let value = match json::prefix(trimmed) {
                Ok((value, end)) if trimmed[end..].trim().is_empty() => value,
                _ => return Err(format!("failed parsing --set-json data JSON: {text}")),
            };
            let value = match &mut reader.trace {
                Some((_, origins)) => {
                    let origin = Origin::Argument { flag: "--set-json", text: text.clone(), path: String::new() };
                    mark(value, origins.add(origin), 0)
                }
                None => value,
            };
            if let Some(map) = value.as_map() {
                base = merge_maps(&base, map, 0);
            }
        } else {
            let origins = reader.trace.as_mut().map(|(_, o)| &mut **o);
            parse_as(Mode::Json, text, &base, &|_| Ok(Vec::new()), origins, reader.first_only)
                .map_err(|_| format!("failed parsing --set-json data {text}"))?;
        }
    }
    let read = |path: &str| read_file(world, path);
    for (mode, texts) in [(Mode::Set, user.set), (Mode::String, user.string), (Mode::File, user.file), (Mode::Literal, user.literal)] {
        for text in texts {
            let origins = reader.trace.as_mut().map(|(_, o)| &mut **o);
            parse_as(mode, text, &base, &read, origins, reader.first_only)
                .map_err(|e| format!("failed parsing {} data: {e}", mode.flag()))?;
        }
    }
    Ok(base)
}

fn read_file(world: &dyn World, path: &str) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        return world.stdin().map_err(|e| e.message);
    }
    if path.starts_with("http://") || path.starts_with("https://") || path.starts_with("oci://") {
        return Err(format!("{path} cannot be read: kval does not use the network"));
    }
    world.read(path).map_err(|e| e.message)
}

/// A new map with the entries of both; `b` wins, maps are merged.
pub fn merge_maps(a: &Map, b: &Map, depth: usize) -> Map {
    let out = Map::new(a.borrow().clone());
    for (key, value) in b.borrow().iter() {
        let merged = match (value.as_map(), out.get(key.as_bytes())) {
            (Some(from), Some(old)) if depth < MAX_DEPTH => match old.as_map() {
                Some(into) => Value::from(merge_maps(into, from, depth + 1)).with_origin(value.origin),
                None => value.clone(),
            },
            _ => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}

/// A copy that shares no map.
pub fn deep_copy(value: &Value) -> Value {
    match &value.kind {
        Kind::Map(map) => Value::from(copy_map(map)).with_origin(value.origin),
        Kind::List(list) => Value::from(List::new(list.elem(), list.items().iter().map(deep_copy).collect())).with_origin(value.origin),
        _ => value.clone(),
    }
}

/// A copy of a map that shares no map.
pub fn copy_map(map: &Map) -> Map {
    let mut entries = map.borrow().clone();
    for value in entries.values_mut() {
        if matches!(value.kind, Kind::Map(_) | Kind::List(_)) {
            *value = deep_copy(value);
        }
    }
    Map::new(entries)
}

fn snapshot(map: &Map) -> Vec<(Str, Value)> {
    map.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

/// The values of a chart and all below it; a user's null removes a key.
pub fn coalesce_values(chart: &Chart, values: &Map, logs: &mut Logs) -> Result<Map, String> {
    let values = copy_map(values);
    coalesce(chart, &values, "", false, logs)?;
    Ok(values)
}

/// The same, but nulls are kept.
pub fn merge_values(chart: &Chart, values: &Map, logs: &mut Logs) -> Result<Map, String> {
    let values = copy_map(values);
    coalesce(chart, &values, "", true, logs)?;
    Ok(values)
}

fn coalesce(chart: &Chart, dest: &Map, prefix: &str, merge: bool, logs: &mut Logs) -> Result<(), String> {
    coalesce_own(chart, dest, prefix, merge, logs);
    let prefix = join(prefix, chart.name());
    for child in &chart.dependencies {
        let inner = match dest.get(child.name()) {
            None => {
                let inner = Map::default();
                dest.insert(child.name(), inner.clone().into());
                inner
            }
            Some(value) => match value.as_map() {
                Some(map) => map.clone(),
                None => return Err(format!("type mismatch on {}: {}", child.name(), percent_t(&value))),
            },
        };
        coalesce_globals(&inner, dest, &prefix, logs);
        coalesce(child, &inner, &prefix, merge, logs)?;
    }
    Ok(())
}

/// Go's `%t` of a value.
fn percent_t(value: &Value) -> String {
    match &value.kind {
        Kind::Bool(b) => b.to_string(),
        Kind::Nil => "%!t(<nil>)".to_owned(),
        Kind::List(list) => format!("[{}]", list.items().iter().map(percent_t).collect::<Vec<_>>().join(" ")),
        Kind::Map(map) => {
            let entries: Vec<String> = map.borrow().iter().map(|(k, v)| format!("%!t(string={k}):{}", percent_t(v))).collect();
            format!("map[{}]", entries.join(" "))
        }
        _ => format!("%!t({}={})", value.go_type_name().unwrap_or_default(), percent_v(value)),
    }
}

/// Go's `%v` of a plain value.
pub(crate) fn percent_v(value: &Value) -> String {
    match &value.kind {
        Kind::Nil => "<nil>".to_owned(),
        Kind::Bool(b) => b.to_string(),
        Kind::Int(_, i) => i.to_string(),
        Kind::Uint(_, u) => u.to_string(),
        Kind::Float(f) => float_v(*f),
        Kind::Complex(re, im) => format!("({}+{}i)", float_v(*re), float_v(*im)),
        Kind::Str(s) => s.to_string(),
        Kind::List(list) => format!("[{}]", list.items().iter().map(percent_v).collect::<Vec<_>>().join(" ")),
        Kind::Map(map) => {
            let entries: Vec<String> = map.borrow().iter().map(|(k, v)| format!("{k}:{}", percent_v(v))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Kind::Object(o) => o.print(),
    }
}

/// Go's `%v` of a float: the exponent form from 1e21 on.
fn float_v(f: f64) -> String {
    if f.is_infinite() {
        return if f > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f == 0.0 {
        return if f.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    let text = format!("{f:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let significant = digits.bytes().filter(u8::is_ascii_digit).count() as i32;
    // `%v` is `%g` with the shortest digits: the exponent form where it is larger than the digits and than 20.
    if exponent < -4 || exponent >= significant.max(21) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{f}")
}

fn coalesce_own(chart: &Chart, dest: &Map, prefix: &str, merge: bool, logs: &mut Logs) {
    let Some(own) = &chart.values else { return };
    let prefix = join(prefix, chart.name());
    for (key, default) in own.borrow().iter() {
        let default = deep_copy(default);
        let Some(given) = dest.get(key.as_bytes()) else {
            if !merge && logs.compat == Compat::V4 {
                if default.is_nil() {
                    continue;
                }
                if let Some(map) = default.as_map() {
                    clean_nils(map, 0);
                }
            }
            dest.insert(key.clone(), default);
            continue;
        };
        let name = || key.to_string();
        if given.is_nil() && !merge {
            dest.remove(key.as_bytes());
        } else if let Some(into) = given.as_map() {
            match default.as_map() {
                None if !default.is_nil() => {
                    logs.print(format!("warning: skipped value for {prefix}.{}: Not a table.", name()));
                }
                None => {}
                Some(from) => {
                    let merge = merge || chart.dependencies.iter().any(|c| c.name().as_bytes() == key.as_bytes());
                    if !merge && logs.compat == Compat::V4 {
                        clean_nils(from, 0);
                    }
                    coalesce_tables(into, from, &join(&prefix, &name()), merge, logs, 0);
                }
            }
        }
    }
}

fn clean_nils(map: &Map, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    map.borrow_mut().retain(|_, v| !v.is_nil());
    for inner in map.borrow().values().filter_map(Value::as_map) {
        clean_nils(inner, depth + 1);
    }
}

/// Puts into `dest` what it lacks of `src`; with `merge` nulls are kept.
pub fn coalesce_tables(dest: &Map, src: &Map, prefix: &str, merge: bool, logs: &mut Logs, depth: usize) {
    if depth > MAX_DEPTH || dest.same(src) {
        return;
    }
    let nil: Vec<Str> = dest.borrow().iter().filter(|(_, v)| v.is_nil()).map(|(k, _)| k.clone()).collect();
    // Of those, the keys that have a value in `src`.
    let mut known = Vec::new();
    for key in nil {
        if src.get(key.as_bytes()).is_some_and(|v| !v.is_nil()) {
            known.push(key.clone());
        }
        src.insert(key, Value::NIL);
    }
    for (key, value) in src.borrow().iter() {
        let full = || join(prefix, &key.to_string());
        let Some(old) = dest.get(key.as_bytes()) else {
            dest.insert(key.clone(), value.clone());
            continue;
        };
        if !merge && old.is_nil() && known.contains(key) {
            dest.remove(key.as_bytes());
        } else if let Some(from) = value.as_map() {
            match old.as_map() {
                Some(into) => coalesce_tables(into, from, &full(), merge, logs, depth + 1),
                None => {
                    logs.print(format!("warning: cannot overwrite table with non table for {} ({})", full(), percent_v(value)));
                }
            }
        } else if old.as_map().is_some() && !value.is_nil() {
            logs.print(format!("warning: destination for {} is a table. Ignoring non-table value ({})", full(), percent_v(value)));
        }
    }
}

fn coalesce_globals(dest: &Map, src: &Map, prefix: &str, logs: &mut Logs) {
    let table = |map: &Map, what: &str, logs: &mut Logs| match map.get("global") {
        None => Some(Map::default()),
        Some(value) => {
            let table = value.as_map().cloned();
            if table.is_none() {
                logs.print(format!("warning: skipping globals because {what} global is not a table."));
            }
            table
        }
    };
    let Some(into) = table(dest, "destination", logs) else { return };
    let Some(from) = table(src, "source", logs) else { return };
    let origin = dest.get("global").map(|v| v.origin).unwrap_or_default();
    for (key, value) in snapshot(&from) {
        let old = into.get(key.as_bytes());
        if let Some(map) = value.as_map() {
            let copy = Map::new(map.borrow().clone());
            if let Some(old) = old {
                let Some(old) = old.as_map() else {
                    logs.print(format!("Conflict: cannot merge map onto non-map for {}. Skipping.", quote(&key.to_string())));
                    continue;
                };
                coalesce_tables(&copy, old, &join(prefix, &key.to_string()), true, logs, 0);
            }
            into.insert(key, Value::from(copy).with_origin(value.origin));
        } else if old.is_some_and(|v| v.as_map().is_some()) {
            logs.print(format!("key {key} is table. Skipping"));
        } else {
            into.insert(key, value);
        }
    }
    dest.insert("global", Value::from(into).with_origin(origin));
}

/// The table at a path of dots.
pub fn table(values: &Map, path: &str) -> Result<Map, String> {
    let mut map = values.clone();
    for name in path.split('.') {
        map = match map.get(name) {
            Some(value) if value.as_map().is_some() => value.as_map().cloned().unwrap_or_default(),
            _ => return Err(format!("{} is not a table", quote(name))),
        };
    }
    Ok(map)
}

/// The value at a path of dots, when it is there and not a table.
pub fn path_value(values: &Map, path: &str) -> Option<Value> {
    let map = match path.rsplit_once('.') {
        Some((parent, _)) => table(values, parent).ok()?,
        None => values.clone(),
    };
    let key = path.rsplit('.').next().unwrap_or(path);
    map.get(key).filter(|v| v.as_map().is_none())
}
