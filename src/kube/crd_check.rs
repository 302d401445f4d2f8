//! The rules (`x-kubernetes-validations`) of a CRD object: what is wrong with them, whether they compile, what they may
//! cost. upstream: apiextensions-apiserver pkg/apis/apiextensions/validation

use serde_json::Value;

use super::check::Cause;
use super::crd_errors;
use super::crd_errors::{cause, invalid};
use super::crd_rules::rule_env;
use super::crd_schema::{additional, decl, flag, items, prune_default, word};
use super::decode::quote;
use super::field::{At, Path, Place as _};
use crate::cel::decl::Decl;
use crate::cel::{Env, Type, compile};

/// The most one expression may cost.
const EXPRESSION_LIMIT: u64 = 10_000_000;
/// The most all expressions of a schema may cost.
const SCHEMA_LIMIT: u64 = 100_000_000;
/// The largest request, for estimates of how often a rule may run.
const MAX_REQUEST: u64 = 3 * 1024 * 1024;

#[derive(Default)]
struct Total {
    cost: u64,
    expensive: Vec<(Path, u64)>,
}

impl Total {
    fn add(&mut self, path: &Path, cost: u64) {
        self.cost = self.cost.saturating_add(cost);
        if cost < SCHEMA_LIMIT / 100 {
            return;
        }
        self.expensive.push((path.clone(), cost));
        self.expensive.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        self.expensive.truncate(4);
    }
}

/// What the defaults of a structural schema are refused for. upstream: defaulting.ValidateDefaults
pub(crate) fn defaults(schema: &Value, at: &At<'_>) -> Vec<Cause> {
    let mut out = Vec::new();
    defaults_below(schema, at, true, false, &mut out);
    out
}

/// What the rules of a structural schema are refused for; rules at or above one of the errors `found` so far are left out.
pub(crate) fn rules(schema: &Value, at: &At<'_>, found: &[Cause]) -> Vec<Cause> {
    let mut walk = Walk { found, errors: Vec::new(), total: Total::default() };
    let place = Place { root: true, cardinality: Some(1), uncorrelated: None, in_scope: false, undeclared: false };
    walk.schema(schema, at, &place);
    let mut out = walk.errors;
    if walk.total.cost > SCHEMA_LIMIT {
        for (path, _) in &walk.total.expensive {
            let sentence = "Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            out.push(cause("FieldValueForbidden", Some(path), sentence.to_owned()));
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        out.push(cause("FieldValueForbidden", Some(&at.path()), cost_sentence(what, walk.total.cost, SCHEMA_LIMIT)));
    }
    out
}

fn defaults_below(schema: &Value, at: &At<'_>, root: bool, meta: bool, out: &mut Vec<Cause>) {
    let (mut default, mut below, mut properties) = (None, None, None);
    for (key, value) in schema.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("default", value) if !value.is_null() => default = Some(value),
            ("items", _) => below = items(schema),
            ("properties", Value::Object(all)) => properties = Some(all),
            _ => {}
        }
    }
    if default.is_none() && below.is_none() && properties.is_none() {
        return;
    }
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        let embedded = root || flag(schema, "x-kubernetes-embedded-resource");
        let meta = meta && !embedded;
        if let Some(default) = default {
            one_default(default, schema, &at.child("default").path(), embedded, meta, out);
        }
        if let Some(items) = below {
            defaults_below(items, &at.child("items"), false, meta, out);
        }
        for (key, prop) in properties.into_iter().flatten() {
            let meta = meta || embedded && ["metadata", "apiVersion", "kind"].contains(&key.as_str());
            defaults_below(prop, &at.entry("properties", key), false, meta, out);
        }
    });
}

/// A default must be pruned and valid itself.
fn one_default(default: &Value, schema: &Value, at: &Path, embedded: bool, meta: bool, out: &mut Vec<Cause>) {
    let before = out.len();
    if !meta {
        let mut pruned = default.clone();
        if !prune_default(&mut pruned, schema, embedded).is_empty() {
            out.push(invalid(Some(at), Some(default), "must not have unknown fields"));
        }
        let wrong = out.len();
        super::custom_resource::embedded(default, schema, Some(at), embedded, out);
        if out.len() > wrong {
            return;
        }
    }
    let found = super::crd_openapi::validate(default, schema, None, Some(at.clone()));
    let valid = found.is_empty();
    out.extend(found);
    if valid
        && out.len() == before
        && let Some(rules) = super::crd_rules::Rules::new(schema, false)
    {
        out.extend(rules.run_at(default, at));
    }
}

/// What holds at the place of a schema.
#[derive(Clone, Copy)]
struct Place<'p> {
    root: bool,
    /// How often the value can occur.
    cardinality: Option<u64>,
    /// Where values lose their predecessors.
    uncorrelated: Option<&'p At<'p>>,
    /// Whether there are rules here or above.
    in_scope: bool,
    /// Whether it has no type that expressions know.
    undeclared: bool,
}

struct Walk<'f> {
    found: &'f [Cause],
    errors: Vec<Cause>,
    total: Total,
}

fn cost_sentence(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let shown = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "Forbidden: {what} exceeds budget by factor of {shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}

/// A rule as the server prints it: the Go struct in JSON.
fn shown_rule(rule: &Value) -> String {
    let text = |key: &str| {
        let json = Value::String(word(rule, key).to_owned()).to_string();
        json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
    };
    let reason = rule.get("reason").and_then(Value::as_str).map_or("null".to_owned(), quote);
    let optional = rule.get("optionalOldSelf").and_then(Value::as_bool).map_or("null".to_owned(), |b| b.to_string());
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{reason},\"FieldPath\":{},\"OptionalOldSelf\":{optional}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        text("fieldPath"),
    )
}

/// How many of a container's parts there can be; `None` without bound.
fn most_parts(schema: &Value) -> Option<u64> {
    let number = |key: &str| schema.get(key).and_then(Value::as_u64);
    match word(schema, "type") {
        "object" if additional(schema).is_some() => number("maxProperties"),
        "array" => number("maxItems"),
        _ => Some(1),
    }
}

impl Walk<'_> {
    fn schema(&mut self, schema: &Value, at: &At<'_>, place: &Place<'_>) {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
            let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let typed = matches!(word(schema, "type"), "object" | "array" | "string" | "integer" | "number" | "boolean")
                || flag(schema, "x-kubernetes-int-or-string");
            let in_scope = place.in_scope || !rules.is_empty();
            let cardinality = place.cardinality.and_then(|c| Some(c.saturating_mul(most_parts(schema)?)));
            let undeclared = in_scope && (place.undeclared || !typed);
            let below = Place { root: false, cardinality, in_scope, undeclared, ..*place };
            if let Some(extra) = additional(schema) {
                self.schema(extra, &at.child("additionalProperties"), &below);
            }
            for (key, prop) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                self.schema(prop, &at.entry("properties", key), &below);
            }
            if let Some(items) = items(schema) {
                let keyed = word(schema, "x-kubernetes-list-type") == "map";
                let in_list = Place { uncorrelated: place.uncorrelated.or((!keyed).then_some(at)), ..below };
                self.schema(items, &at.child("items"), &in_list);
            }
            if rules.is_empty() {
                return;
            }
            let path = at.path();
            if self.found.iter().any(|c| c.path.0.starts_with(&path.0)) {
                return;
            }
            let at = crd_errors::below(&path, "x-kubernetes-validations");
            let embedded = flag(schema, "x-kubernetes-embedded-resource");
            let Some(decl) = decl(schema, place.root || embedded).filter(|_| !undeclared) else {
                let why = "internal error: failed to construct type information for x-kubernetes-validations rules: \
                           unable to convert structural schema to CEL declarations";
                self.errors.push(cause("InternalError", Some(&at), format!("Internal error: {why}")));
                return;
            };
            // Environments are large: the rules of a schema share them.
            let mut envs: [Option<Env>; 2] = [None, None];
            for (i, rule) in rules.iter().enumerate() {
                let optional = flag(rule, "optionalOldSelf");
                let env = envs[usize::from(optional)].get_or_insert_with(|| rule_env(&decl, optional));
                self.rule(rule, &at.index(i), (&decl, env), place.cardinality, place.uncorrelated);
            }
        });
    }

    fn rule(&mut self, rule: &Value, path: &Path, (decl, env): (&Decl, &Env), cardinality: Option<u64>, uncorrelated: Option<&At<'_>>) {
        let at = path.child("rule");
        let variable = |_: &str| Some(decl);
        let refuse =
            |detail: &str, at: &Path| cause("FieldValueInvalid", Some(at), format!("Invalid value: {}: {detail}", shown_rule(rule)));
        let mut uses_old = false;
        match compile(word(rule, "rule"), env) {
            Err(e) => self.errors.push(refuse(&format!("compilation failed: {e}"), &at)),
            Ok(program) if program.result != Type::Bool => {
                self.errors.push(refuse("cel expression must evaluate to a bool", &at));
            }
            Ok(program) => {
                uses_old = program.names("oldSelf");
                if let Some(e) = program.unplannable() {
                    self.errors.push(refuse(&format!("program instantiation failed: {e}"), &at));
                    return self.old_self(rule, path, uses_old, uncorrelated);
                }
                let count = cardinality.unwrap_or(MAX_REQUEST / (decl.min_size + 1));
                let cost = program.estimate(&variable).max.saturating_mul(count);
                if cost > EXPRESSION_LIMIT {
                    let sentence = cost_sentence("estimated rule cost", cost, EXPRESSION_LIMIT);
                    self.errors.push(cause("FieldValueForbidden", Some(&at), sentence));
                }
                self.total.add(&at, cost);
                let message = word(rule, "messageExpression");
                if !message.is_empty() {
                    let at = path.child("messageExpression");
                    match compile(message, env) {
                        Err(e) => self.errors.push(refuse(&format!("messageExpression compilation failed: {e}"), &at)),
                        Ok(program) if program.result != Type::Str => {
                            self.errors.push(refuse("messageExpression must evaluate to a string", &at));
                        }
                        Ok(program) if program.unplannable().is_some() => {
                            let e = program.unplannable().unwrap_or_default();
                            self.errors.push(refuse(&format!("messageExpression instantiation failed: {e}"), &at));
                        }
                        Ok(program) => {
                            let cost = program.estimate(&variable).max;
                            if cost > EXPRESSION_LIMIT {
                                let sentence = cost_sentence("estimated messageExpression cost", cost, EXPRESSION_LIMIT);
                                self.errors.push(cause("FieldValueForbidden", Some(&at), sentence));
                            }
                            self.total.add(&at, cost);
                        }
                    }
                }
            }
        }
        self.old_self(rule, path, uses_old, uncorrelated);
    }

    /// What is wrong with how a rule uses the old value.
    fn old_self(&mut self, rule: &Value, path: &Path, uses_old: bool, uncorrelated: Option<&At<'_>>) {
        let at = path.child("rule");
        let optional = rule.get("optionalOldSelf").and_then(Value::as_bool);
        if uses_old {
            if let Some(list) = uncorrelated {
                let text = Value::String(word(rule, "rule").to_owned());
                let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {}", list.path());
                self.errors.push(invalid(Some(&at), Some(&text), &detail));
            }
        } else if let Some(optional) = optional {
            let at = path.child("optionalOldSelf");
            self.errors.push(invalid(Some(&at), Some(&Value::Bool(optional)), "may not be set if oldSelf is not used in rule"));
        }
    }
}
