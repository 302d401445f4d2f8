//! `x-kubernetes-validations`: compiling the rules of a schema and running them over values.
//! upstream: apiextensions-apiserver pkg/apiserver/schema/cel

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::Cause;
use super::crd_correlation::{Correlation, keyed};
use super::crd_errors::{below, cause, invalid};
use super::crd_formats;
use super::crd_schema::{additional, decl, flag, items, property, word};
use super::field::Path;
use crate::cel::decl::{Decl, escape};
use crate::cel::{CALL_LIMIT, Env, Fail, Host, Program, Type, Val, compile};

/// What all rules of one object may cost together.
pub(crate) const BUDGET: i64 = 10_000_000;
/// Longest message an expression may give.
const MESSAGE_LIMIT: usize = 5 * 1024;
/// The name of the type of `self`; upstream appends a number that differs every time.
pub(crate) const SELF_TYPE: &str = "selfType1";

/// The environment of rules at a value of a declared type.
pub(crate) fn rule_env(decl: &Decl, optional_old: bool) -> Env {
    let mut env = Env::default();
    decl.register(SELF_TYPE, &mut env);
    let t = decl.cel_type(SELF_TYPE);
    let old = if optional_old { Type::optional(t.clone()) } else { t.clone() };
    env.with("self", t).with("oldSelf", old)
}

struct Rule<'s> {
    stated: &'s Value,
    program: Result<Option<Program>, String>,
    message: Option<Program>,
    field: Option<Path>,
    uses_old: bool,
}

/// The rules of a schema and of the schemas below it.
pub(crate) struct Rules<'s> {
    schema: &'s Value,
    /// The declared type of the value.
    decl: Option<Decl>,
    own: Vec<Rule<'s>>,
    properties: BTreeMap<&'s str, Rules<'s>>,
    additional: Option<Box<Rules<'s>>>,
    items: Option<Box<Rules<'s>>>,
    all_of: Vec<Rules<'s>>,
}

fn validations(schema: &Value) -> &[Value] {
    schema.get("x-kubernetes-validations").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl<'s> Rules<'s> {
    /// The rules of a schema; `None` when there are none at or below it.
    pub(crate) fn new(schema: &'s Value, root: bool) -> Option<Self> {
        Self::build(schema, schema, root)
    }

    /// The rules `source` states about values of `schema`.
    fn build(source: &'s Value, schema: &'s Value, root: bool) -> Option<Self> {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || Self::build_here(source, schema, root))
    }

    fn build_here(source: &'s Value, schema: &'s Value, root: bool) -> Option<Self> {
        let embedded = |s: &Value| flag(s, "x-kubernetes-embedded-resource");
        let mut properties = BTreeMap::new();
        for (key, prop) in source.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let Some(node) = property(schema, key) else { continue };
            // Most have none, and then their types need not be known.
            let Some(rules) = Self::build(prop, node, embedded(node)) else { continue };
            if escape(key).is_none() || decl(node, embedded(node)).is_some() {
                properties.insert(key.as_str(), rules);
            }
        }
        let pair = |get: fn(&Value) -> Option<&Value>| {
            let (part, node) = (get(source)?, get(schema)?);
            Self::build(part, node, embedded(node)).map(Box::new)
        };
        let additional = pair(additional);
        let items = pair(items);
        let parts = source.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let all_of: Vec<Self> = parts.filter_map(|part| Self::build(part, schema, root)).collect();
        let stated = validations(source);
        if stated.is_empty() && properties.is_empty() && additional.is_none() && items.is_none() && all_of.is_empty() {
            return None;
        }
        let decl = (!stated.is_empty()).then(|| decl(schema, root)).flatten();
        let mut envs = [None, None];
        let rules: Vec<Rule<'s>> = match &decl {
            Some(decl) => stated.iter().map(|rule| compile_rule(rule, decl, schema, &mut envs)).collect(),
            None => Vec::new(),
        };
        Some(Self { schema, decl, own: rules, properties, additional, items, all_of })
    }

    /// Runs the rules; the second result is what is left of the budget, negative when rules were skipped.
    pub(crate) fn run<'v>(
        &self,
        value: &'v Value,
        old: Option<&'v Value>,
        correlation: Option<Correlation<'v>>,
        warnings: &mut Vec<String>,
    ) -> Vec<Cause> {
        let mut run = Run { causes: Vec::new(), warnings, budget: BUDGET };
        let ratchet = Ratchet { current: correlation, parent: None };
        // A run out of budget ends early; what was found until then stands.
        let _ = run.rules(self, value, old, ratchet, None);
        run.causes
    }

    /// Runs the rules over a value without a past at a path.
    pub(crate) fn run_at(&self, value: &Value, path: &Path) -> Vec<Cause> {
        let mut warnings = Vec::new();
        let mut run = Run { causes: Vec::new(), warnings: &mut warnings, budget: BUDGET };
        let _ = run.rules(self, value, None, Ratchet { current: None, parent: None }, Some(path));
        run.causes
    }
}

/// `envs` are the environments with a plain and with an optional `oldSelf`, each made when a rule needs it.
fn compile_rule<'s>(rule: &'s Value, decl: &Decl, schema: &Value, envs: &mut [Option<Env>; 2]) -> Rule<'s> {
    let text = word(rule, "rule");
    let optional = flag(rule, "optionalOldSelf");
    let env = envs[usize::from(optional)].get_or_insert_with(|| rule_env(decl, optional));
    let mut out = Rule { stated: rule, program: Ok(None), message: None, field: None, uses_old: false };
    if text.trim().is_empty() {
        return out;
    }
    out.program = match compile(text, env) {
        Ok(program) if program.result == Type::Bool => {
            out.uses_old = program.names("oldSelf");
            match program.unplannable() {
                None => Ok(Some(program)),
                Some(e) => Err(format!("program instantiation failed: {e}")),
            }
        }
        Ok(_) => Err("cel expression must evaluate to a bool".to_owned()),
        Err(e) => Err(format!("compilation failed: {e}")),
    };
    let message = word(rule, "messageExpression");
    if !message.is_empty() {
        out.message = compile(message, env).ok().filter(|p| p.result == Type::Str && p.unplannable().is_none());
    }
    let field = word(rule, "fieldPath");
    if !field.is_empty() {
        out.field = field_path(field, schema).ok();
    }
    out
}

/// Reads the path of `fieldPath`; the error is upstream's. upstream: ValidFieldPath
pub(crate) fn field_path(text: &str, schema: &Value) -> Result<Path, String> {
    let mut path: Option<Path> = None;
    let mut schema = schema;
    let mut rest = text;
    let invalid = || "does not refer to a valid field".to_owned();
    let end = || "unexpected end of JSON path".to_owned();
    while !rest.is_empty() {
        let name = if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return Err(end());
            }
            let length = if after.starts_with(['.', '[', ']']) { 1 } else { after.find(['.', '[', ']']).unwrap_or(after.len()) };
            rest = &after[length..];
            after[..length].to_owned()
        } else if let Some(after) = rest.strip_prefix('[') {
            if after.is_empty() {
                return Err(end());
            }
            if !after.starts_with('\'') {
                let length = after.find(['.', '[', ']']).unwrap_or(after.len()).max(1);
                return Err(format!("expected single quoted string but got {}", &after[..length]));
            }
            let mut close = None;
            let bytes = after.as_bytes();
            for i in 1..bytes.len() {
                if bytes[i] == b'\'' && bytes[i - 1] != b'\\' {
                    close = Some(i);
                    break;
                }
            }
            let Some(close) = close else { return Err(format!("expected single quoted string but got {after}")) };
            let name = unescape_quoted(&after[1..close])?;
            rest = &after[close + 1..];
            rest = match rest.strip_prefix(']') {
                Some(after) => after,
                None if rest.is_empty() => return Err(end()),
                None => {
                    let length = rest.find(['.', '[', ']']).unwrap_or(rest.len()).max(1);
                    return Err(format!("expected ] but got {}", &rest[..length]));
                }
            };
            name
        } else {
            let length = rest.find(['.', '[', ']']).unwrap_or(rest.len()).max(1);
            return Err(format!("expected [ or . but got: {}", &rest[..length]));
        };
        if schema.get("properties").is_some() {
            path = Some(path.map_or_else(|| Path::new(&name), |p| below(&p, &name)));
            schema = property(schema, &name).ok_or_else(invalid)?;
        } else if let Some(extra) = schema.get("additionalProperties") {
            path = Some(path.unwrap_or_default().key(&name));
            schema = extra;
        } else {
            return Err(invalid());
        }
    }
    Ok(path.unwrap_or_default())
}

fn unescape_quoted(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('v') => out.push('\u{b}'),
            Some(c @ ('\'' | '\\')) => out.push(c),
            Some(other) => return Err(format!("invalid string literal: invalid escape char \\{other}")),
            None => out.push('\\'),
        }
    }
    Ok(out)
}

#[derive(Clone, Copy)]
struct Ratchet<'a> {
    current: Option<Correlation<'a>>,
    parent: Option<Correlation<'a>>,
}

impl Ratchet<'_> {
    fn forgives(&self) -> bool {
        self.current.or(self.parent).is_some_and(|c| c.unchanged())
    }
    fn key(self, key: &str) -> Self {
        match self.current {
            None => self,
            Some(_) if self.parent.is_none() && matches!(key, "apiVersion" | "kind") => Self { current: None, parent: None },
            Some(current) => Self { current: current.key(key), parent: Some(current) },
        }
    }
    fn index(self, i: usize) -> Self {
        match self.current {
            None => self,
            Some(current) => Self { current: current.index(i), parent: Some(current) },
        }
    }
}

/// The budget is used up.
struct Spent;

struct Run<'w> {
    causes: Vec<Cause>,
    warnings: &'w mut Vec<String>,
    budget: i64,
}

fn default_message(rule: &Value) -> String {
    match word(rule, "message") {
        "" => format!("failed rule: {}", word(rule, "rule").trim()),
        message => message.trim().to_owned(),
    }
}

/// The rule in errors: its message or itself.
fn rule_text(rule: &Value) -> &str {
    match word(rule, "message") {
        "" => word(rule, "rule").trim(),
        message => message.trim(),
    }
}

impl Run<'_> {
    fn rules<'v>(
        &mut self,
        rules: &Rules<'_>,
        value: &'v Value,
        old: Option<&'v Value>,
        ratchet: Ratchet<'v>,
        path: Option<&Path>,
    ) -> Result<(), Spent> {
        if value.is_null() {
            return Ok(());
        }
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
            self.expressions(rules, value, old, ratchet, path)?;
            for part in &rules.all_of {
                self.rules(part, value, old, Ratchet { current: None, parent: ratchet.parent }, path)?;
            }
            match value {
                Value::Array(list) => {
                    let Some(below) = &rules.items else { return Ok(()) };
                    for (i, item) in list.iter().enumerate() {
                        let at = path.cloned().unwrap_or_default().index(i);
                        let before = old.and_then(|o| keyed(o, item, rules.schema));
                        self.rules(below, item, before, ratchet.index(i), Some(&at))?;
                    }
                }
                Value::Object(map) => {
                    for (key, v) in map {
                        let before = old.and_then(|o| o.get(key));
                        if let Some(below) = &rules.additional {
                            let at = path.cloned().unwrap_or_default().key(key);
                            self.rules(below, v, before, ratchet.key(key), Some(&at))?;
                        }
                        if let Some(below_rules) = rules.properties.get(key.as_str()) {
                            let at = path.map_or_else(|| Path::new(key), |p| below(p, key));
                            self.rules(below_rules, v, before, ratchet.key(key), Some(&at))?;
                        }
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn expressions<'v>(
        &mut self,
        rules: &Rules<'_>,
        value: &'v Value,
        old: Option<&'v Value>,
        ratchet: Ratchet<'v>,
        path: Option<&Path>,
    ) -> Result<(), Spent> {
        let Some(decl) = &rules.decl else { return Ok(()) };
        if rules.own.is_empty() {
            return Ok(());
        }
        let kind = Value::String(word(rules.schema, "type").to_owned());
        let old = old.filter(|o| !o.is_null());
        if self.budget <= 0 {
            self.out_of_budget(path, &kind);
            return Err(Spent);
        }
        for rule in &rules.own {
            let program = match &rule.program {
                Ok(Some(program)) => program,
                Ok(None) => continue,
                Err(e) => {
                    self.causes.push(invalid(path, Some(&kind), &format!("rule compile error: {e}")));
                    continue;
                }
            };
            let optional = flag(rule.stated, "optionalOldSelf");
            if rule.uses_old && old.is_none() && !optional {
                continue;
            }
            let variable = |optional: bool| {
                move |name: &str| match name {
                    "self" => Some(Val::of(value, decl)),
                    "oldSelf" if optional => Some(match old {
                        Some(old) => Val::of(old, decl).map(Val::some),
                        None => Ok(Val::Optional(None)),
                    }),
                    "oldSelf" => old.map(|old| Val::of(old, decl)),
                    _ => None,
                }
            };
            let host = Host { variable: &variable(optional), format: &crd_formats::named, limit: CALL_LIMIT };
            let (out, cost) = program.run(&host);
            if cost as i64 > self.budget {
                self.out_of_budget(path, &kind);
                return Err(Spent);
            }
            self.budget -= cost as i64;
            let passed = match out {
                Ok(Val::Bool(passed)) => passed,
                Ok(_) => false,
                Err(fail) => {
                    let text = rule_text(rule.stated);
                    let e = fail.text();
                    let detail = if matches!(fail, Fail::Cost) {
                        format!("'{e}': no further validation rules will be run due to call cost exceeds limit for rule: {text}")
                    } else if e.starts_with("no such overload") {
                        format!("'{e}': call arguments did not match a supported operator, function or macro signature for rule: {text}")
                    } else {
                        format!("{e} evaluating rule: {text}")
                    };
                    self.causes.push(invalid(path, Some(&kind), &detail));
                    if matches!(fail, Fail::Cost) {
                        return Err(Spent);
                    }
                    continue;
                }
            };
            if passed {
                continue;
            }
            let at = match (&rule.field, path) {
                (Some(field), Some(path)) => Some(Path(path.0.iter().chain(&field.0).cloned().collect())),
                (Some(field), None) => Some(field.clone()),
                (None, path) => path.cloned(),
            };
            let mut detail = None;
            if let Some(message) = &rule.message {
                let host = Host { variable: &variable(false), format: &crd_formats::named, limit: CALL_LIMIT };
                match self.message(message, &host, word(rule.stated, "messageExpression")) {
                    Ok(text) => detail = text,
                    Err(sentence) => {
                        self.causes.push(invalid(at.as_ref(), Some(&kind), &sentence));
                        return Err(Spent);
                    }
                }
            }
            let detail = detail.unwrap_or_else(|| default_message(rule.stated));
            let shown = (!matches!(word(rules.schema, "type"), "object" | "array")).then_some(value);
            let found = with_reason(at.as_ref(), shown, &detail, word(rule.stated, "reason"));
            if !rule.uses_old && ratchet.forgives() {
                self.warnings.push(format!("{}: {}", found.field, found.message));
            } else {
                self.causes.push(found);
            }
        }
        Ok(())
    }

    fn out_of_budget(&mut self, path: Option<&Path>, kind: &Value) {
        let detail = "validation failed due to running out of cost budget, no further validation rules will be run";
        self.causes.push(invalid(path, Some(kind), detail));
    }

    /// The text of a message expression, none when it gives no fit text; the error ends the run.
    fn message(&mut self, program: &Program, host: &Host<'_, '_>, text: &str) -> Result<Option<String>, String> {
        let (out, cost) = program.run(host);
        if cost as i64 > self.budget {
            return Err(
                "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run".to_owned()
            );
        }
        self.budget -= cost as i64;
        match out {
            Ok(Val::Str(message)) => {
                let message = message.trim();
                let fit = !message.is_empty() && !message.contains('\n') && message.len() <= MESSAGE_LIMIT;
                Ok(fit.then(|| message.to_owned()))
            }
            Err(Fail::Cost) => Err(format!(
                "no further validation rules will be run due to call cost exceeds limit for messageExpression: {}",
                super::decode::quote(text)
            )),
            _ => Ok(None),
        }
    }
}

fn with_reason(path: Option<&Path>, value: Option<&Value>, detail: &str, reason: &str) -> Cause {
    match reason {
        "FieldValueForbidden" => cause("FieldValueForbidden", path, format!("Forbidden: {detail}")),
        "FieldValueRequired" => cause("FieldValueRequired", path, format!("Required value: {detail}")),
        "FieldValueDuplicate" => {
            let shown = value.map_or_else(String::new, |v| format!(": {}", super::crd_errors::shown(v)));
            cause("FieldValueDuplicate", path, format!("Duplicate value{shown}"))
        }
        _ => invalid(path, value, detail),
    }
}
