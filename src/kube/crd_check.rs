//! The rules (`x-kubernetes-validations`) of a CRD object: what is wrong with them, whether they compile, what they may
//! cost. upstream: apiextensions-apiserver pkg/apis/apiextensions/validation

use serde_json::Value;

use super::check::Cause;
use super::crd_errors::{below, cause, invalid};
use super::crd_rules::{field_path, rule_env};
use super::crd_schema::{additional, decl, flag, items, word};
use super::decode::quote;
use super::field::Path;
use crate::cel::decl::Decl;
use crate::cel::{Type, compile};

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

struct Walk {
    schema_errors: Vec<Cause>,
    rule_errors: Vec<Cause>,
    default_errors: Vec<Cause>,
    total: Total,
}

/// What the rules of a CRD object are refused for.
pub(crate) fn check(crd: &Value) -> Vec<Cause> {
    let versions = crd["spec"]["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let schema_of = |v: &Value| v["schema"]["openAPIV3Schema"].clone();
    // With the same schema everywhere, the server keeps one for all versions, and names that.
    let shared = versions.windows(2).all(|w| schema_of(&w[0]) == schema_of(&w[1]));
    let mut out = Vec::new();
    let schemas = versions.iter().enumerate().take(if shared { 1 } else { usize::MAX });
    for (i, version) in schemas {
        let schema = &version["schema"]["openAPIV3Schema"];
        if !schema.is_object() {
            continue;
        }
        let spec = Path::new("spec");
        let root = if shared { spec.child("validation") } else { spec.child("versions").index(i).child("schema") };
        let root = root.child("openAPIV3Schema");
        let mut walk = Walk { schema_errors: Vec::new(), rule_errors: Vec::new(), default_errors: Vec::new(), total: Total::default() };
        walk.schema(schema, &root, true, Some(1), None);
        out.append(&mut walk.schema_errors);
        out.append(&mut walk.rule_errors);
        out.append(&mut walk.default_errors);
        if walk.total.cost > SCHEMA_LIMIT {
            for (path, _) in &walk.total.expensive {
                let sentence = "Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
                out.push(cause("FieldValueForbidden", Some(path), sentence.to_owned()));
            }
            let sentence = cost_sentence(
                "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
                walk.total.cost,
                SCHEMA_LIMIT,
            );
            out.push(cause("FieldValueForbidden", Some(&root), sentence));
        }
    }
    out
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

impl Walk {
    /// `cardinality` is how often the value can occur; `uncorrelated` the list whose items have no predecessors.
    fn schema(&mut self, schema: &Value, path: &Path, root: bool, cardinality: Option<u64>, uncorrelated: Option<&Path>) {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
            let below_count = cardinality.and_then(|c| Some(c.saturating_mul(most_parts(schema)?)));
            let errors_before = self.schema_errors.len();
            self.default(schema, path);
            let properties = schema.get("properties").and_then(Value::as_object);
            for (key, prop) in properties.into_iter().flatten() {
                let at = path.child("properties").key(key);
                self.schema(prop, &at, false, below_count, uncorrelated);
            }
            if let Some(extra) = additional(schema) {
                self.schema(extra, &path.child("additionalProperties"), false, below_count, uncorrelated);
            }
            if let Some(items) = items(schema) {
                let keyed = word(schema, "x-kubernetes-list-type") == "map";
                let uncorrelated = uncorrelated.or(if keyed { None } else { Some(path) });
                self.schema(items, &path.child("items"), false, below_count, uncorrelated);
            }
            let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if rules.is_empty() {
                return;
            }
            let at = below(path, "x-kubernetes-validations");
            if !matches!(word(schema, "type"), "object" | "array" | "string" | "integer" | "number" | "boolean")
                && !flag(schema, "x-kubernetes-int-or-string")
            {
                return;
            }
            for (i, rule) in rules.iter().enumerate() {
                self.words(rule, &at.index(i), schema);
            }
            if self.schema_errors.len() > errors_before {
                return;
            }
            let embedded = flag(schema, "x-kubernetes-embedded-resource");
            let Some(decl) = decl(schema, root || embedded) else { return };
            for (i, rule) in rules.iter().enumerate() {
                self.rule(rule, &at.index(i), &decl, cardinality, uncorrelated);
            }
        });
    }

    /// A default must be valid itself. upstream: schema/defaulting/validation.go
    fn default(&mut self, schema: &Value, path: &Path) {
        let Some(default) = schema.get("default").filter(|d| !d.is_null()) else { return };
        let at = path.child("default");
        let found = super::crd_openapi::validate(default, schema, None, Some(at.clone()));
        let valid = found.is_empty();
        self.default_errors.extend(found);
        if valid && let Some(rules) = super::crd_rules::Rules::new(schema, false) {
            let found = rules.run_at(default, &at);
            // Rules that do not compile are reported where they stand.
            self.default_errors.extend(found.into_iter().filter(|c| !c.message.contains("rule compile error")));
        }
    }

    fn words(&mut self, rule: &Value, path: &Path, schema: &Value) {
        let (text, message) = (word(rule, "rule").trim(), word(rule, "message"));
        let mut add = |cause: Cause| self.schema_errors.push(cause);
        let required = |key: &str, detail: &str| cause("FieldValueRequired", Some(&path.child(key)), format!("Required value: {detail}"));
        let wrong = |key: &str, detail: &str| invalid(Some(&path.child(key)), Some(&Value::String(word(rule, key).to_owned())), detail);
        if text.is_empty() {
            add(required("rule", "rule is not specified"));
        } else if !message.is_empty() && message.trim().is_empty() {
            add(wrong("message", "must be non-empty if specified"));
        } else if message.trim().contains('\n') {
            add(wrong("message", "must not contain line breaks"));
        } else if text.contains('\n') && message.trim().is_empty() {
            add(required("message", "message must be specified if rule contains line breaks"));
        }
        let expression = word(rule, "messageExpression");
        if !expression.is_empty() && expression.trim().is_empty() {
            add(required("messageExpression", "messageExpression must be non-empty if specified"));
        }
        if let Some(reason) = rule.get("reason").and_then(Value::as_str) {
            const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
            if !REASONS.contains(&reason) {
                let options: Vec<String> = REASONS.iter().map(|r| quote(r)).collect();
                let message = format!("Unsupported value: {}: supported values: {}", quote(reason), options.join(", "));
                add(cause("FieldValueNotSupported", Some(&path.child("reason")), message));
            }
        }
        let field = word(rule, "fieldPath");
        if !field.is_empty() && field.trim().is_empty() {
            add(wrong("fieldPath", "must be non-empty if specified"));
        }
        if field.contains('\n') {
            add(wrong("fieldPath", "must not contain line breaks"));
        }
        if !field.is_empty() && field_path(field, schema).is_err() {
            add(wrong("fieldPath", "must be a valid path"));
        }
    }

    fn rule(&mut self, rule: &Value, path: &Path, decl: &Decl, cardinality: Option<u64>, uncorrelated: Option<&Path>) {
        let at = path.child("rule");
        let optional = rule.get("optionalOldSelf").and_then(Value::as_bool);
        let env = rule_env(decl, optional == Some(true));
        let variable = |_: &str| Some(decl);
        let refuse =
            |detail: &str, at: &Path| cause("FieldValueInvalid", Some(at), format!("Invalid value: {}: {detail}", shown_rule(rule)));
        let mut uses_old = false;
        match compile(word(rule, "rule"), &env) {
            Err(e) => self.rule_errors.push(refuse(&format!("compilation failed: {e}"), &at)),
            Ok(program) if program.result != Type::Bool => {
                self.rule_errors.push(refuse("cel expression must evaluate to a bool", &at));
            }
            Ok(program) => {
                uses_old = program.names("oldSelf");
                let count = cardinality.unwrap_or(MAX_REQUEST / (decl.min_size + 1));
                let cost = program.estimate(&variable).max.saturating_mul(count);
                if cost > EXPRESSION_LIMIT {
                    let sentence = cost_sentence("estimated rule cost", cost, EXPRESSION_LIMIT);
                    self.rule_errors.push(cause("FieldValueForbidden", Some(&at), sentence));
                }
                self.total.add(&at, cost);
                let message = word(rule, "messageExpression");
                if !message.is_empty() {
                    let at = path.child("messageExpression");
                    match compile(message, &env) {
                        Err(e) => self.rule_errors.push(refuse(&format!("messageExpression compilation failed: {e}"), &at)),
                        Ok(program) if program.result != Type::Str => {
                            self.rule_errors.push(refuse("messageExpression must evaluate to a string", &at));
                        }
                        Ok(program) => {
                            let cost = program.estimate(&variable).max;
                            if cost > EXPRESSION_LIMIT {
                                let sentence = cost_sentence("estimated messageExpression cost", cost, EXPRESSION_LIMIT);
                                self.rule_errors.push(cause("FieldValueForbidden", Some(&at), sentence));
                            }
                            self.total.add(&at, cost);
                        }
                    }
                }
            }
        }
        if uses_old {
            if let Some(list) = uncorrelated {
                let text = Value::String(word(rule, "rule").to_owned());
                let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {list}");
                self.rule_errors.push(invalid(Some(&at), Some(&text), &detail));
            }
        } else if let Some(optional) = optional {
            let at = path.child("optionalOldSelf");
            self.rule_errors.push(invalid(Some(&at), Some(&Value::Bool(optional)), "may not be set if oldSelf is not used in rule"));
        }
    }
}
