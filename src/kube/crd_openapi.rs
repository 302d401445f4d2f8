//! Values against OpenAPI schemas, with the server's sentences; unchanged parts of an update are let through.
//! upstream: kube-openapi pkg/validation/validate, apiextensions-apiserver pkg/apiserver/validation

use serde_json::Value;

use super::check::Cause;
use super::crd_correlation::Correlation;
use super::crd_errors::{below, cause, invalid, shown};
use super::crd_formats::{has_format, is_supported};
use super::crd_schema::{additional, flag, items, word};
use super::decode::quote;
use super::field::Path;
use crate::value::float_text;

/// A place: its text in sentences, and as a path. It lives on the stack and costs nothing until a sentence is about it.
#[derive(Clone, Copy)]
struct At<'a> {
    parent: Option<&'a At<'a>>,
    hop: Hop<'a>,
}

#[derive(Clone, Copy)]
enum Hop<'a> {
    Root(Option<&'a Path>),
    /// A key, and whether it is a name that needs no dot at the beginning.
    Child(&'a str, bool),
    Index(usize),
}

impl<'a> At<'a> {
    fn child(&'a self, key: &'a str, named: bool) -> Self {
        Self { parent: Some(self), hop: Hop::Child(key, named) }
    }

    fn index(&'a self, i: usize) -> Self {
        Self { parent: Some(self), hop: Hop::Index(i) }
    }

    fn text(&self) -> String {
        let parent = self.parent.map(Self::text).unwrap_or_default();
        match self.hop {
            Hop::Root(_) => parent,
            Hop::Child(key, named) if parent.is_empty() && named => key.to_owned(),
            Hop::Child(key, _) => format!("{parent}.{key}"),
            Hop::Index(i) => format!("{parent}[{i}]"),
        }
    }

    fn path(&self) -> Option<Path> {
        let parent = self.parent.and_then(Self::path);
        match self.hop {
            Hop::Root(path) => path.cloned(),
            Hop::Child(key, _) => Some(parent.map_or_else(|| Path::new(key), |p| below(&p, key))),
            Hop::Index(i) => parent.map(|p| p.index(i)),
        }
    }

    /// The field as the server names it.
    fn cause(&self, reason: &'static str, message: String) -> Cause {
        cause(reason, self.path().as_ref(), message)
    }
}

#[derive(Default)]
struct Found {
    causes: Vec<Cause>,
    matches: usize,
}

impl Found {
    fn merge(&mut self, other: Self) {
        self.causes.extend(other.causes);
        self.matches += other.matches;
    }
    fn invalid(&mut self, at: &At<'_>, value: &Value, detail: String) {
        self.causes.push(at.cause("FieldValueInvalid", format!("Invalid value: {}: {at} in body {detail}", shown(value), at = at.text())));
    }
    /// An error about the whole, which the server reports without a field.
    fn whole(&mut self, sentence: &str) {
        self.causes.push(invalid(None, Some(&Value::String(String::new())), sentence));
    }
}

/// Validates a value.
pub(crate) fn validate(value: &Value, schema: &Value, correlation: Option<&Correlation<'_>>, root: Option<Path>) -> Vec<Cause> {
    let at = At { parent: None, hop: Hop::Root(root.as_ref()) };
    let mut found = at_schema(value, schema, correlation, &at);
    if let Some(root) = &root {
        for cause in found.causes.iter_mut().filter(|c| c.field == super::crd_errors::NO_FIELD) {
            cause.field = root.to_string();
            cause.path = root.clone();
        }
    }
    found.causes
}

fn at_schema(value: &Value, schema: &Value, correlation: Option<&Correlation<'_>>, at: &At<'_>) -> Found {
    let found = stacker::maybe_grow(64 * 1024, 1024 * 1024, || plain(value, schema, correlation, at));
    if !found.causes.is_empty() && correlation.is_some_and(Correlation::unchanged) {
        return Found { causes: Vec::new(), matches: found.matches };
    }
    found
}

fn types_of(schema: &Value) -> Vec<&str> {
    if flag(schema, "x-kubernetes-int-or-string") {
        return vec!["integer", "string"];
    }
    match word(schema, "type") {
        "" => Vec::new(),
        one => vec![one],
    }
}

fn format_of<'a>(schema: &'a Value, types: &[&str]) -> &'a str {
    let format = word(schema, "format");
    let kept = match types {
        [] | ["string"] => is_supported(format),
        ["integer"] => matches!(format, "int32" | "int64"),
        ["number"] => matches!(format, "float" | "double"),
        // A type that is none: the format alone counts.
        [other] if !matches!(*other, "array" | "boolean" | "object" | "null") => {
            is_supported(format) || matches!(format, "int32" | "int64" | "float" | "double")
        }
        _ => types.len() > 1 && is_supported(format),
    };
    if kept { format } else { "" }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn wrong_type(at: &At<'_>, wanted: &str, got: &str) -> Cause {
    let got = quote(got);
    at.cause("FieldValueTypeInvalid", format!("Invalid value: {got}: {} in body must be of type {wanted}: {got}", at.text()))
}

fn type_check(value: &Value, schema: &Value, types: &[&str], format: &str, at: &At<'_>, out: &mut Found) {
    if types.is_empty() && format.is_empty() {
        return;
    }
    // One for the check, one when it is content.
    out.matches += 1;
    let causes = out.causes.len();
    let got = type_name(value);
    if value.is_null() {
        if !types.is_empty() && !flag(schema, "nullable") {
            out.causes.push(wrong_type(at, &types.join(","), got));
        }
        return;
    }
    let whole = |v: &Value| v.as_f64().is_some_and(|f| f.fract() == 0.0 && f.abs() < 9_007_199_254_740_991.0);
    let float_int = got == "number" && whole(value) && types.contains(&"integer");
    let int_float = got == "integer" && types.contains(&"number");
    let numeric = types.contains(&"number") || types.contains(&"integer");
    let got_format = match got {
        "integer" => "int64",
        "number" => "float64",
        _ => "",
    };
    let textual = matches!(got, "string" | "array");
    let fits = types.contains(&got) || float_int || int_float;
    if !textual && !format.is_empty() && !fits && got_format != format {
        out.causes.push(wrong_type(at, format, got_format));
    } else if textual && !format.is_empty() && !numeric {
        // Left to the format.
    } else if !fits {
        out.causes.push(wrong_type(at, &types.join(","), got));
    }
    out.matches += usize::from(out.causes.len() == causes);
}

fn plain(value: &Value, schema: &Value, correlation: Option<&Correlation<'_>>, at: &At<'_>) -> Found {
    let mut out = Found::default();
    let types = types_of(schema);
    let format = format_of(schema, &types);
    type_check(value, schema, &types, format, at, &mut out);
    if value.is_null() {
        enumeration(value, schema, at, &mut out);
        return out;
    }
    combined(value, schema, correlation, at, &mut out);
    match value {
        Value::String(s) => {
            text(s, schema, at, &mut out);
            if !format.is_empty() && is_supported(format) {
                out.matches += 1;
                if !has_format(format, s) {
                    out.causes.push(wrong_type(at, format, s));
                }
            }
        }
        Value::Number(_) => number(value, schema, &types, format, at, &mut out),
        Value::Array(list) => array(value, list, schema, correlation, at, &mut out),
        _ => {}
    }
    enumeration(value, schema, at, &mut out);
    out.matches += 1;
    if let Value::Object(map) = value {
        object(map, schema, correlation, at, &mut out);
    }
    out.matches += 1;
    out
}

fn combined(value: &Value, schema: &Value, correlation: Option<&Correlation<'_>>, at: &At<'_>, out: &mut Found) {
    if ["anyOf", "oneOf", "allOf", "not"].iter().all(|key| schema.get(key).is_none()) {
        return;
    }
    let parts = |key: &str| schema.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let run = |part: &Value| plain_part(value, part, correlation, at);
    let quoted = || quote(&at.text());
    let any = parts("anyOf");
    if !any.is_empty() {
        let mut best: Option<Found> = None;
        let mut good = None;
        for part in any {
            let found = run(part);
            if found.causes.is_empty() {
                good = Some(found);
                break;
            }
            if best.as_ref().is_none_or(|b| found.matches > b.matches) {
                best = Some(found);
            }
        }
        match (good, best) {
            (Some(good), _) => out.merge(good),
            (None, best) => {
                out.whole(&format!("{} must validate at least one schema (anyOf)", quoted()));
                best.into_iter().for_each(|b| out.merge(b));
            }
        }
    }
    let one = parts("oneOf");
    if !one.is_empty() {
        let mut best: Option<Found> = None;
        let mut good = None;
        let mut count = 0;
        for part in one {
            let found = run(part);
            if found.causes.is_empty() {
                count += 1;
                best = None;
                good = good.or(Some(found));
                continue;
            }
            if count == 0 && best.as_ref().is_none_or(|b| found.matches > b.matches) {
                best = Some(found);
            }
        }
        if count == 1 {
            good.into_iter().for_each(|g| out.merge(g));
        } else {
            let more = if count == 0 { "Found none valid".to_owned() } else { format!("Found {count} valid alternatives") };
            out.whole(&format!("{} must validate one and only one schema (oneOf). {more}", quoted()));
            best.into_iter().for_each(|b| out.merge(b));
        }
    }
    let all = parts("allOf");
    if !all.is_empty() {
        let mut good = 0;
        for part in all {
            let found = run(part);
            good += usize::from(found.causes.is_empty());
            out.merge(found);
        }
        if good != all.len() {
            let more = if good == 0 { ". None validated" } else { "" };
            out.whole(&format!("{} must validate all the schemas (allOf){more}", quoted()));
        }
    }
    if let Some(not) = schema.get("not").filter(|n| n.is_object()) {
        if run(not).causes.is_empty() {
            out.whole(&format!("{} must not validate the schema (not)", quoted()));
        }
    }
    out.matches += 2;
}

/// A part of a combination: judged as a whole, though fields below it may be unchanged.
fn plain_part(value: &Value, schema: &Value, correlation: Option<&Correlation<'_>>, at: &At<'_>) -> Found {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || plain(value, schema, correlation, at))
}

fn whole_number(schema: &Value, key: &str) -> Option<i64> {
    schema.get(key).and_then(|v| v.as_i64().or_else(|| v.as_f64().map(|f| f as i64)))
}

fn text(s: &str, schema: &Value, at: &At<'_>, out: &mut Found) {
    let length = s.chars().count() as i64;
    let value = || Value::String(s.to_owned());
    out.matches += 1;
    if let Some(max) = whole_number(schema, "maxLength").filter(|max| length > *max) {
        let bytes = if max == 1 { "byte" } else { "bytes" };
        let detail = if max < 0 { "value is too long".to_owned() } else { format!("may not be more than {max} {bytes}") };
        out.causes.push(at.cause("FieldValueTooLong", format!("Too long: {detail}")));
    } else if let Some(min) = whole_number(schema, "minLength").filter(|min| length < *min) {
        out.invalid(at, &value(), format!("should be at least {min} chars long"));
    } else if !word(schema, "pattern").is_empty() {
        let pattern = word(schema, "pattern");
        match crate::value::go_regex::compiled(pattern) {
            Ok(regex) if regex.is_match(s) => {}
            Ok(_) => out.invalid(at, &value(), format!("should match '{pattern}'")),
            Err(e) => out.invalid(at, &value(), format!("should match '{pattern}, but pattern is invalid: {e}'")),
        }
    }
}

fn fits(number: &Value, types: &[&str], format: &str) -> bool {
    if types.len() != 1 {
        return true;
    }
    match types[0] {
        "integer" => {
            let as_float = number.as_f64().unwrap_or_default();
            let whole = number.as_i64().or_else(|| (as_float.fract() == 0.0 && as_float.abs() < 1e15).then_some(as_float as i64));
            match (whole, format) {
                (Some(n), "int32") => i32::try_from(n).is_ok(),
                (Some(_), _) => true,
                (None, _) => false,
            }
        }
        "number" if format == "float" => number.as_f64().is_none_or(|f| f.abs() <= f64::from(f32::MAX)),
        _ => true,
    }
}

fn range_sentence(what: &str, types: &[&str], format: &str, at: &At<'_>) -> String {
    let kind = types.first().copied().unwrap_or("");
    let place = at.text();
    if format.is_empty() {
        format!("{what} value must be of type {kind} (default format) in {place}")
    } else {
        format!("{what} value must be of type {kind} with format {format} in {place}")
    }
}

/// Whether a number is a whole one, nearly. upstream: swag.IsFloat64AJSONInteger
fn is_whole(f: f64) -> bool {
    const MOST: f64 = 9_007_199_254_740_991.0;
    if !f.is_finite() || f.abs() > MOST {
        return false;
    }
    let whole = f.trunc();
    let off = (f - whole).abs();
    if off == 0.0 {
        return true;
    }
    whole != 0.0 && off / (f.abs() + whole.abs()) < 1e-9
}

fn number(value: &Value, schema: &Value, types: &[&str], format: &str, at: &At<'_>, out: &mut Found) {
    let (range_types, range_format): (&[&str], &str) = if types.len() == 1 { (types, format) } else { (&[], "") };
    if !fits(value, range_types, range_format) {
        out.whole(&range_sentence("Checked", range_types, range_format, at));
    }
    let int = value.as_i64();
    let data = value.as_f64().unwrap_or_default();
    let bound = |key: &str| schema.get(key).filter(|v| v.is_number()).and_then(Value::as_f64);
    if let Some(multiple) = bound("multipleOf") {
        let exact = is_whole;
        let bad = if multiple <= 0.0 {
            false
        } else if fits(&serde_json::json!(multiple), range_types, range_format) && int.is_some() {
            let factor = multiple as i64;
            factor != 0 && int.is_some_and(|i| i % factor != 0)
        } else if multiple < 1.0 {
            !exact(1.0 / multiple * data)
        } else {
            !exact(data / multiple)
        };
        if !fits(&serde_json::json!(multiple), range_types, range_format) {
            out.whole(&range_sentence("MultipleOf", range_types, range_format, at));
        }
        if multiple <= 0.0 {
            let as_whole = int.is_some() && fits(&serde_json::json!(multiple), range_types, range_format);
            let shown = if as_whole { (multiple as i64).to_string() } else { float_text(multiple) };
            let sentence = format!("factor MultipleOf declared for {} must be positive: {shown}", at.text());
            out.causes.push(at.cause("FieldValueInvalid", format!("Invalid value: {shown}: {sentence}")));
        }
        if bad {
            let shown = if int.is_some() && fits(&serde_json::json!(multiple), range_types, range_format) {
                (multiple as i64).to_string()
            } else {
                float_text(multiple)
            };
            out.invalid(at, value, format!("should be a multiple of {shown}"));
        }
    }
    for (key, exclusive_key, what) in
        [("minimum", "exclusiveMinimum", "Minimum boundary"), ("maximum", "exclusiveMaximum", "Maximum boundary")]
    {
        let Some(limit) = bound(key) else { continue };
        let in_range = fits(&serde_json::json!(limit), range_types, range_format);
        if !in_range {
            out.whole(&range_sentence(what, range_types, range_format, at));
        }
        let exclusive = flag(schema, exclusive_key);
        let low = key == "minimum";
        let (bad, shown) = match int.filter(|_| in_range) {
            Some(i) => {
                let limit = limit as i64;
                let bad = match (low, exclusive) {
                    (true, false) => i < limit,
                    (true, true) => i <= limit,
                    (false, false) => i > limit,
                    (false, true) => i >= limit,
                };
                (bad, limit.to_string())
            }
            None => {
                let bad = match (low, exclusive) {
                    (true, false) => data < limit,
                    (true, true) => data <= limit,
                    (false, false) => data > limit,
                    (false, true) => data >= limit,
                };
                (bad, float_text(limit))
            }
        };
        if bad {
            let word = match (low, exclusive) {
                (true, false) => "greater than or equal to",
                (true, true) => "greater than",
                (false, false) => "less than or equal to",
                (false, true) => "less than",
            };
            out.invalid(at, value, format!("should be {word} {shown}"));
        }
    }
    out.matches += 2;
}

fn array(value: &Value, list: &[Value], schema: &Value, correlation: Option<&Correlation<'_>>, at: &At<'_>, out: &mut Found) {
    if let Some(items) = items(schema) {
        for (i, item) in list.iter().enumerate() {
            let below = correlation.and_then(|c| c.index(i));
            out.merge(at_schema(item, items, below.as_ref(), &at.index(i)));
        }
    }
    let size = list.len() as i64;
    if let Some(min) = whole_number(schema, "minItems").filter(|min| size < *min) {
        out.invalid(at, &Value::from(size), format!("should have at least {min} items"));
    }
    if let Some(max) = whole_number(schema, "maxItems").filter(|max| size > *max) {
        out.causes.push(at.cause("FieldValueTooMany", format!("Too many: {size}: must have at most {max} items")));
    }
    if flag(schema, "uniqueItems") && (1..list.len()).any(|i| list[..i].contains(&list[i])) {
        let _ = value;
        out.invalid(at, &Value::String(String::new()), "shouldn't contain duplicates".to_owned());
    }
    out.matches += 2;
}

fn enumeration(value: &Value, schema: &Value, at: &At<'_>, out: &mut Found) {
    let Some(options) = schema.get("enum").and_then(Value::as_array).filter(|e| !e.is_empty()) else { return };
    let same = |o: &Value| o == value || (o.is_number() && value.is_number() && o.as_f64() == value.as_f64());
    if !value.is_null() && options.iter().any(same) {
        return;
    }
    let shown_options: Vec<String> = options
        .iter()
        .map(|o| match o {
            Value::String(s) => quote(s),
            other => quote(&other.to_string()),
        })
        .collect();
    let message = format!("Unsupported value: {}: supported values: {}", shown(value), shown_options.join(", "));
    out.causes.push(at.cause("FieldValueNotSupported", message));
}

fn object(map: &serde_json::Map<String, Value>, schema: &Value, correlation: Option<&Correlation<'_>>, at: &At<'_>, out: &mut Found) {
    let size = map.len() as i64;
    if let Some(min) = whole_number(schema, "minProperties").filter(|min| size < *min) {
        out.invalid(at, &Value::from(size), format!("should have at least {min} properties"));
    }
    if let Some(max) = whole_number(schema, "maxProperties").filter(|max| size > *max) {
        out.causes.push(at.cause("FieldValueTooMany", format!("Too many: {size}: must have at most {max} items")));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let pair = |key: &str| correlation.and_then(|c| c.key(key)).filter(|_| !(at.text().is_empty() && matches!(key, "kind" | "apiVersion")));
    if schema.get("additionalProperties").and_then(Value::as_bool) == Some(false) {
        for key in map.keys().filter(|k| properties.is_none_or(|p| !p.contains_key(*k))) {
            let message = format!("Invalid value: {}: {}.{key} in body is a forbidden property", quote(key), at.text());
            out.causes.push(at.cause("FieldValueInvalid", message));
        }
    } else if let Some(extra) = additional(schema) {
        for (key, v) in map.iter().filter(|(k, _)| properties.is_none_or(|p| !p.contains_key(*k))) {
            out.merge(at_schema(v, extra, pair(key).as_ref(), &at.child(key, false)));
        }
    }
    // Both are sorted: what is there is less than what may be.
    for (key, v) in map {
        if let Some(prop) = properties.and_then(|p| p.get(key)) {
            out.merge(at_schema(v, prop, pair(key).as_ref(), &at.child(key, true)));
        }
    }
    for key in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(key) {
            out.causes.push(at.child(key, false).cause("FieldValueRequired", "Required value".to_owned()));
        }
    }
    out.matches += 1;
}
