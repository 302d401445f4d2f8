//! The template functions that need the engine (`include`, `tpl`, `required`, `fail`, `lookup`) and the methods of
//! `.Values`. upstream: pkg/engine/engine.go, pkg/chart/common/values.go

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::engine::Options;
use super::engine_trace::{read_back, reads_back};
use crate::gotmpl;
use crate::gotmpl::Functions;
use crate::gotmpl::tree::Tree;
use crate::gotmpl::{ExecError, Host, Out, Runtime, Scope, Signature};
use crate::source::OriginId;
use crate::value::{GoType, Kind, Map, Str, Value, quote};
use crate::yaml;

/// Calls of one name nested deeper than this are refused.
const MAX_NESTED: usize = 1000;

/// `tpl` reads so many bytes of a template in a step.
const PARSED_A_STEP: usize = 4;

/// Marks around the message of `fail` and `required`.
pub(super) const WARN_START: &str = "HELM_ERR_START";
/// See [`WARN_START`].
pub(super) const WARN_END: &str = "HELM_ERR_END";

/// The engine's own functions and what they remember during a rendering.
pub(super) struct Engine<'a> {
    options: &'a Options<'a>,
    functions: Functions,
    included: RefCell<BTreeMap<Str, usize>>,
    parsed: RefCell<FxHashMap<Str, Vec<Arc<Tree>>>>,
    parsed_bytes: Cell<usize>,
    pub(super) warnings: RefCell<Vec<String>>,
}

const STRING: GoType = GoType::String;
const ANY: GoType = GoType::Any;

fn signature(name: &str, trace: bool) -> Option<Signature> {
    const fn of(params: &'static [GoType], result: GoType) -> Option<Signature> {
        Some(Signature { params, variadic: false, result })
    }
    match name {
        "include" | "tpl" => of(&[STRING, ANY], STRING),
        "required" => of(&[STRING, ANY], ANY),
        "fail" | "getHostByName" => of(&[STRING], STRING),
        "lookup" => of(&[STRING, STRING, STRING, STRING], GoType::ANY_MAP),
        "toYaml" | "mustToYaml" if trace => of(&[ANY], STRING),
        "fromYaml" | "fromJson" if trace => of(&[STRING], GoType::ANY_MAP),
        "fromYamlArray" | "fromJsonArray" if trace => of(&[STRING], GoType::ANY_SLICE),
        "mustFromJson" if trace => of(&[STRING], ANY),
        _ => None,
    }
}

/// Whether templates may name this function: one of `table`, of the language or of the engine.
pub(super) fn knows(table: Functions, name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| table.get(name).is_some() || gotmpl::is_builtin(name) || signature(name, false).is_some())
}

fn text(v: Option<&Value>) -> Str {
    v.and_then(Value::as_str).cloned().unwrap_or_else(|| Str::from(""))
}

impl<'a> Engine<'a> {
    pub(super) fn new(options: &'a Options<'a>, functions: Functions) -> Self {
        Self {
            options,
            functions,
            included: RefCell::default(),
            parsed: RefCell::default(),
            parsed_bytes: Cell::new(0),
            warnings: RefCell::default(),
        }
    }

    fn warn(&self, message: impl FnOnce(bool) -> String) {
        self.warnings.borrow_mut().push(message(self.options.compat == 3));
    }

    fn include(&self, runtime: &mut Runtime<'_>, name: &Str, data: &Value) -> gotmpl::Result<Value> {
        {
            let mut included = self.included.borrow_mut();
            let count = included.entry(name.clone()).or_insert(0);
            if *count > MAX_NESTED {
                return Err(ExecError::plain(format!(
                    "rendering template has a nested reference name: {name}: unable to execute template"
                )));
            }
            *count += 1;
        }
        let mut out = Out::default();
        let result = runtime.execute(name.as_bytes(), super::engine::ROOT, data, &mut out);
        if let Some(count) = self.included.borrow_mut().get_mut(name) {
            *count = count.saturating_sub(1);
        }
        result?;
        Ok(finish(runtime, out))
    }

    /// `origin` is where the template's text came from.
    fn tpl(&self, runtime: &mut Runtime<'_>, source: &Str, origin: OriginId, data: &Value) -> gotmpl::Result<Value> {
        let shown = || quote(source.as_bytes());
        let trees = self.parse(runtime, source).map_err(|e| {
            let cause = ExecError { prefix: e.text, message: e.message, ..ExecError::default() };
            ExecError::wrap(format!("cannot parse template {}: ", shown()), Box::new(cause))
        })?;
        let inner = Scope::inside(&runtime.scope);
        let outer = std::mem::replace(&mut runtime.scope, Rc::clone(&inner));
        let mut result = Ok(());
        let mut out = Out::default();
        if let Some((main, defined)) = trees.split_last() {
            defined.iter().for_each(|tree| inner.add(tree));
            inner.add_always(main);
            if runtime.depth > MAX_NESTED * 4 {
                result = Err(ExecError::plain("tpl is nested too deeply"));
            } else {
                result = runtime.execute_tree(main, data, &mut out);
            }
        }
        runtime.scope = outer;
        result.map_err(|e| ExecError::wrap(format!("error during tpl function execution for {}: ", shown()), e))?;
        out.delete(b"<no value>");
        // The template's own words were only moved; one without actions is moved as a whole.
        if runtime.tracer.is_some() && out.text == source.as_bytes() {
            return Ok(Value::from(source.clone()).with_origin(origin));
        }
        if let Some(tracer) = runtime.tracer.as_mut() {
            out.pieces = tracer.in_string(out.pieces, origin);
        }
        Ok(finish(runtime, out))
    }

    fn parse(&self, runtime: &mut Runtime<'_>, source: &Str) -> Result<Vec<Arc<Tree>>, gotmpl::ParseError> {
        // Paid for whether or not it was kept, so that a rendering ends at the same place on any thread.
        runtime.steps = runtime.steps.saturating_sub((source.len() / PARSED_A_STEP) as u64);
        if let Some(trees) = self.parsed.borrow().get(source.as_bytes()) {
            return Ok(trees.clone());
        }
        let file = self.options.trace.map(|_| gotmpl::STRING);
        let name = Str::from(super::engine::ROOT);
        let trees = gotmpl::parse(&name, &Arc::from(source.as_bytes()), file, &|name| knows(self.functions, name))?;
        // What a chart generates in a loop is not worth keeping.
        self.parsed_bytes.set(self.parsed_bytes.get() + source.len());
        if self.parsed_bytes.get() < 16 << 20 {
            self.parsed.borrow_mut().insert(source.clone(), trees.clone());
        }
        Ok(trees)
    }

    fn required(&self, message: &Str, value: &Value) -> gotmpl::Result<Value> {
        let word = match &value.kind {
            Kind::Nil => "value",
            Kind::Str(s) if s.is_empty() => "values",
            _ => return Ok(value.clone()),
        };
        if !self.options.lint {
            return Err(ExecError::plain(format!("{WARN_START}{message}{WARN_END}")));
        }
        self.warn(|old| {
            if old {
                return format!("[INFO] Missing required value: {message}");
            }
            format!("level=WARN msg=\"missing required {word}\" message={}", slog_text(&message.to_str()))
        });
        Ok("".into())
    }

    fn fail(&self, message: &Str) -> gotmpl::Result<Value> {
        if !self.options.lint {
            return Err(ExecError::plain(format!("{WARN_START}{message}{WARN_END}")));
        }
        self.warn(|old| {
            if old {
                return format!("[INFO] Fail: {message}");
            }
            format!("level=INFO msg=\"funcMap fail\" message={}", slog_text(&message.to_str()))
        });
        Ok("".into())
    }
}

/// A value as slog's text handler writes it.
fn slog_text(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '='));
    if plain { text.to_owned() } else { quote(text.as_bytes()) }
}

/// The text a template wrote, with its pieces when tracing is on.
fn finish(runtime: &mut Runtime<'_>, out: Out) -> Value {
    let value = Value::from(Str::from(out.text));
    match runtime.tracer.as_mut() {
        Some(tracer) => {
            let origin = tracer.pieces(out.pieces);
            value.with_origin(origin)
        }
        None => value,
    }
}

impl Host for Engine<'_> {
    fn signature(&self, name: &str) -> Option<Signature> {
        signature(name, self.options.trace.is_some())
    }

    fn call(&self, runtime: &mut Runtime<'_>, name: &str, args: &[Value]) -> gotmpl::Result<Value> {
        let first = text(args.first());
        match name {
            "include" => self.include(runtime, &first, &args[1]),
            "tpl" => self.tpl(runtime, &first, args.first().map_or(OriginId::NONE, |v| v.origin), &args[1]),
            "required" => self.required(&first, &args[1]),
            "fail" => self.fail(&first),
            "lookup" => match self.options.lookup {
                Some(lookup) if !self.options.lint => {
                    let part = |i: usize| text(args.get(i)).to_str().into_owned();
                    lookup(&part(0), &part(1), &part(2), &part(3)).map_err(ExecError::plain)
                }
                _ => Ok(Map::default().into()),
            },
            "toYaml" | "mustToYaml" => {
                let (mut out, pieces) = match yaml::to_yaml_traced(&args[0]) {
                    Ok(written) => written,
                    Err(e) if name == "mustToYaml" => return Err(ExecError::plain(e)),
                    Err(_) => return Ok("".into()),
                };
                if out.last() == Some(&b'\n') {
                    out.pop();
                }
                let value = Value::from(Str::from(out));
                let origin = runtime.tracer.as_mut().map(|t| t.pieces(pieces)).unwrap_or_default();
                Ok(value.with_origin(origin))
            }
            name if reads_back(name) => {
                let Some(native) = self.functions.get(name) else { return Ok(Value::NIL) };
                let decoded = (native.call)(&mut runtime.env(), args).map_err(ExecError::plain)?;
                Ok(match runtime.tracer.as_mut() {
                    Some(tracer) => read_back(tracer, &args[0], decoded),
                    None => decoded,
                })
            }
            _ => Ok("".into()),
        }
    }

    fn method(&self, receiver: &Value, name: &str) -> Option<Signature> {
        receiver.as_map().filter(|m| matches!(m.name(), Some("common.Values" | "chartutil.Values")))?;
        let (params, result): (&'static [GoType], GoType) = match name {
            "YAML" => (&[], STRING),
            "AsMap" => (&[], GoType::ANY_MAP),
            "Table" => (&[STRING], ANY),
            "PathValue" => (&[STRING], ANY),
            _ => return None,
        };
        Some(Signature { params, variadic: false, result })
    }

    fn call_method(&self, receiver: &Value, name: &str, args: &[Value]) -> Result<Value, String> {
        let Some(map) = receiver.as_map() else { return Err(format!("no method {name}")) };
        match name {
            "YAML" => yaml::to_yaml(receiver).map(|t| Str::from(t).into()),
            "AsMap" => Ok(Map::new(map.borrow().clone()).into()),
            "Table" => table(map, &text(args.first()).to_str()).map(Value::from),
            _ => path_value(map, &text(args.first()).to_str()),
        }
    }
}

fn table(of: &Map, path: &str) -> Result<Map, String> {
    let mut map = of.clone();
    for name in path.split('.') {
        let next = map.get(name).and_then(|v| v.as_map().cloned());
        map = next.ok_or_else(|| format!("{} is not a table", quote(name.as_bytes())))?;
    }
    Ok(Map::typed(GoType::Any, of.name(), map.borrow().clone()))
}

fn path_value(map: &Map, path: &str) -> Result<Value, String> {
    if path.is_empty() {
        return Err("YAML path cannot be empty".to_owned());
    }
    let (parent, key) = path.rsplit_once('.').map_or((None, path), |(parent, key)| (Some(parent), key));
    let found = match parent {
        Some(parent) => table(map, parent).ok().and_then(|m| m.get(key)),
        None => map.get(key),
    };
    found.filter(|v| v.as_map().is_none()).ok_or_else(|| format!("{} is not a value", quote(key.as_bytes())))
}
