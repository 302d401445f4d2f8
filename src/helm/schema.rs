//! `values.schema.json`: whether values fit, in the sentences Helm prints.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use super::chart::Chart;
use super::json::Json;
use super::jsonschema::{Compiler, read};
use super::values::{LogLine, Logs};
use crate::source::{World, all_cores};
use crate::value::{Kind, Map, Parcel, Value};

/// The address Helm gives a chart's schema.
const ADDRESS: &str = "file:///values.schema.json";

/// Checks the values of a chart and of all below it. Schemas that a schema names by a file's path are read from `world`.
pub fn validate_chart(chart: &Chart, values: &Map, world: &dyn World, logs: &mut Logs) -> Result<(), String> {
    judge(&questions(chart, values, false), &mut Compiler::new(Some(world)), logs)
}

/// Checks values against one schema.
pub fn validate(values: &Map, schema: &[u8], world: &dyn World, logs: &mut Logs) -> Result<(), String> {
    validate_one(&plain(&values.clone().into(), 0), schema, &mut Compiler::new(Some(world)), logs)
}

/// What has to be known of a chart and its values to check them, apart from both.
enum Question {
    /// A chart of this name has a schema.
    Schema { chart: String, schema: Arc<[u8]>, values: Instance },
    /// A chart of this name has so many dependencies.
    Dependencies { chart: String, count: usize },
    /// The values of a chart are none, in this sentence.
    NoValues(String),
}

/// Values that are held against a schema, which any thread may do.
enum Instance {
    Plain(Result<Json, String>),
    /// To be made plain by the thread that needs them.
    Packed(Parcel),
}

fn questions(chart: &Chart, values: &Map, packed: bool) -> Vec<Question> {
    let mut out = Vec::new();
    ask(chart, values, packed, &mut out);
    out
}

fn ask(chart: &Chart, values: &Map, packed: bool, out: &mut Vec<Question>) {
    if let Some(schema) = &chart.schema {
        let values = Value::from(values.clone());
        let parcel = if packed { Parcel::pack(&values) } else { None };
        let values = parcel.map_or_else(|| Instance::Plain(plain(&values, 0)), Instance::Packed);
        out.push(Question::Schema { chart: chart.name().to_owned(), schema: Arc::clone(schema), values });
    }
    out.push(Question::Dependencies { chart: chart.name().to_owned(), count: chart.dependencies.len() });
    for child in &chart.dependencies {
        let Some(value) = values.get(child.name()).filter(|v| !v.is_nil()) else { continue };
        match &value.kind {
            Kind::Map(map) => ask(child, map, packed, out),
            _ => out.push(Question::NoValues(format!(
                "{}:\ninvalid type for values: expected object (map), got {}\n",
                child.name(),
                value.go_type_name().unwrap_or_default()
            ))),
        }
    }
}

fn judge(questions: &[Question], compiler: &mut Compiler<'_>, logs: &mut Logs) -> Result<(), String> {
    let mut out = String::new();
    for question in questions {
        match question {
            Question::Schema { chart, schema, values } => {
                logs.debug("chart name", &[("chart-name", chart)]);
                let verdict = match values {
                    Instance::Plain(values) => validate_one(values, schema, compiler, logs),
                    Instance::Packed(parcel) => validate_one(&plain(&parcel.unpack(), 0), schema, compiler, logs),
                };
                if let Err(e) = verdict {
                    out.push_str(&format!("{chart}:\n{e}"));
                }
            }
            Question::Dependencies { chart, count } => {
                logs.debug("number of dependencies in the chart", &[("chart", chart), ("dependencies", &count.to_string())]);
            }
            Question::NoValues(sentence) => out.push_str(sentence),
        }
    }
    if out.is_empty() { Ok(()) } else { Err(out) }
}

fn validate_one(values: &Result<Json, String>, schema: &[u8], compiler: &mut Compiler<'_>, logs: &mut Logs) -> Result<(), String> {
    let text = String::from_utf8_lossy(schema);
    let document = read(&text)?;
    logs.debug("unmarshalled JSON schema", &[("schema", &text)]);
    let verdict = compiler.validate(ADDRESS, document, values.as_ref().map_err(Clone::clone)?);
    for urn in compiler.unresolved() {
        logs.warn_once("unresolved URN reference ignored; using permissive schema", "urn", urn);
    }
    verdict?.map_err(|report| {
        // What tells that it is about the chart's schema is of no use to anyone.
        let about = format!("jsonschema validation failed with '{ADDRESS}#'\n");
        format!("{}\n", report.strip_prefix(&about).unwrap_or(&report))
    })
}

/// The bytes of the schemas of a chart and of all below it.
fn size(chart: &Chart) -> usize {
    chart.schema.as_ref().map_or(0, |schema| schema.len()) + chart.dependencies.iter().map(size).sum::<usize>()
}

/// From how many bytes on schemas are worth another thread.
const LARGE: usize = 16 * 1024;

/// The check of a chart's values, which may go on on another thread while the chart is rendered.
pub(super) struct Verdict {
    questions: Arc<Vec<Question>>,
    /// Whether the process ends soon, which then leaves its memory to that end.
    once: bool,
    /// Where in the logs its lines belong.
    line: usize,
    /// What the other thread has found; nothing where a schema names files, which only this thread may read.
    found: Option<Receiver<Option<Found>>>,
}

/// Lines for the logs, and Helm's sentence when the values do not fit.
type Found = (Vec<LogLine>, Result<(), String>);

impl Verdict {
    /// Begins to check the values of a chart and of all below it; `once` is as in [`super::TemplateOptions`]. Only a thread that
    /// alone gives others work to do may ask for their help: it waits for one of them.
    pub(super) fn begin(chart: &Chart, values: &Map, once: bool, logs: &Logs) -> Self {
        let elsewhere = once && size(chart) >= LARGE && {
            all_cores();
            rayon::current_num_threads() > 1
        };
        let questions = Arc::new(questions(chart, values, elsewhere));
        let mut out = Self { questions, once, line: logs.list.len(), found: None };
        if !elsewhere {
            return out;
        }
        let (tell, found) = channel();
        let (questions, own) = (Arc::clone(&out.questions), logs.alike());
        // What fails here fails again on the thread that waits.
        rayon::spawn(move || drop(catch_unwind(AssertUnwindSafe(|| tell.send(alone(&questions, own))))));
        out.found = Some(found);
        out
    }

    /// Whether another thread is at it.
    pub(super) fn is_under_way(&self) -> bool {
        self.found.is_some()
    }

    /// Ends the check. Schemas that a schema names by a file's path are read from `world`.
    pub(super) fn end(self, world: &dyn World, logs: &mut Logs) -> Result<(), String> {
        let (lines, verdict) = self.found.and_then(|found| found.recv().ok().flatten()).unwrap_or_else(|| {
            let mut own = logs.alike();
            let mut compiler = Compiler::new(Some(world));
            let verdict = judge(&self.questions, &mut compiler, &mut own);
            if self.once {
                std::mem::forget((compiler, Arc::clone(&self.questions)));
            }
            (own.list, verdict)
        });
        logs.list.splice(self.line..self.line, lines);
        verdict
    }
}

fn alone(questions: &[Question], mut logs: Logs) -> Option<Found> {
    let mut compiler = Compiler::new(None);
    let verdict = judge(questions, &mut compiler, &mut logs);
    let found = (!compiler.misses_files()).then_some((logs.list, verdict));
    // Only a process that ends soon asks another thread.
    std::mem::forget(compiler);
    found
}

/// The deepest values that are looked at.
const MAX_DEPTH: usize = 10_000;

fn plain(value: &Value, depth: usize) -> Result<Json, String> {
    if depth > MAX_DEPTH {
        return Err("unable to validate schema: values are nested too deep".to_owned());
    }
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        Ok(match &value.kind {
            Kind::Nil => Json::Null,
            Kind::Bool(b) => Json::Bool(*b),
            Kind::Int(_, i) => Json::Number(i.to_string()),
            Kind::Uint(_, u) => Json::Number(u.to_string()),
            Kind::Float(f) if f.is_finite() => Json::Number(crate::value::float_text(*f)),
            Kind::Str(s) => Json::Str(s.to_string()),
            Kind::List(list) => Json::List(list.items().iter().map(|v| plain(v, depth + 1)).collect::<Result<_, _>>()?),
            Kind::Map(map) if map.name().is_none() => {
                let entries: Result<_, String> = map.borrow().iter().map(|(k, v)| Ok((k.to_string(), plain(v, depth + 1)?))).collect();
                Json::Map(entries?)
            }
            _ => Json::Foreign(value.go_type_name().unwrap_or_default()),
        })
    })
}
