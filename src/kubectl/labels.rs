//! Labels and selectors as text, and selectors given as text. upstream: apimachinery/pkg/labels, apimachinery/pkg/fields

use std::collections::BTreeSet;

use serde_json::Value;

use crate::simulate::scheduler::json::{at, list, scalar, text};

/// `a=1,b=2`; `<none>` for none. upstream: labels.FormatLabels
pub fn format(labels: &Value) -> String {
    match labels.as_object() {
        Some(map) if !map.is_empty() => pairs(labels).join(","),
        _ => "<none>".to_owned(),
    }
}

/// The labels as `key=value`, sorted.
pub fn pairs(labels: &Value) -> Vec<String> {
    labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", scalar(v))).collect()
}

/// A `LabelSelector` as text; empty for an empty or absent one, `None` when it is not valid. upstream: LabelSelectorAsSelector
pub fn selector_text(selector: &Value) -> Option<String> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in at(selector, &["matchLabels"]).as_object().into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", scalar(value))));
    }
    for expression in list(selector, &["matchExpressions"]) {
        let key = text(expression, &["key"]);
        let values: BTreeSet<String> = list(expression, &["values"]).iter().map(scalar).collect();
        let joined = values.into_iter().collect::<Vec<_>>().join(",");
        let shown = match text(expression, &["operator"]) {
            "In" => format!("{key} in ({joined})"),
            "NotIn" => format!("{key} notin ({joined})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        };
        parts.push((key.to_owned(), shown));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    Some(parts.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>().join(","))
}

/// As [`selector_text`], with `<none>` and `<error>`. upstream: metav1.FormatLabelSelector
pub fn format_selector(selector: &Value) -> String {
    match selector_text(selector) {
        None => "<error>".to_owned(),
        Some(s) if s.is_empty() => "<none>".to_owned(),
        Some(s) => s,
    }
}

/// One requirement of a selector given with `-l`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// `=`, `!=`, `in`, `notin`, `exists`, `!`, `gt` or `lt`.
    pub operator: &'static str,
    /// What it is compared to.
    pub values: Vec<String>,
}

impl Requirement {
    /// Whether labels meet it.
    pub fn matches(&self, labels: &Value) -> bool {
        let value = labels.get(&self.key).map(scalar);
        let number = |v: &str| v.parse::<i64>().ok();
        match (self.operator, value) {
            ("=" | "in", Some(v)) => self.values.contains(&v),
            ("!=" | "notin", Some(v)) => !self.values.contains(&v),
            ("!=" | "notin" | "!", None) | ("exists", Some(_)) => true,
            ("gt", Some(v)) => number(&v).zip(self.values.first().and_then(|w| number(w))).is_some_and(|(a, b)| a > b),
            ("lt", Some(v)) => number(&v).zip(self.values.first().and_then(|w| number(w))).is_some_and(|(a, b)| a < b),
            _ => false,
        }
    }
}

/// Whether labels meet all requirements.
pub fn matches(requirements: &[Requirement], labels: &Value) -> bool {
    requirements.iter().all(|r| r.matches(labels))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
    End,
}

impl Token {
    fn literal(&self) -> String {
        match self {
            Self::Word(w) => w.clone(),
            Self::Sign(s) => (*s).to_owned(),
            Self::End => String::new(),
        }
    }
}

fn tokens(given: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = given.chars().peekable();
    while let Some(c) = chars.next() {
        let mut two = |sign: &'static str, longer: &'static str| {
            if chars.peek() == Some(&'=') {
                chars.next();
                longer
            } else {
                sign
            }
        };
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '=' => out.push(Token::Sign(two("=", "=="))),
            '!' => out.push(Token::Sign(two("!", "!="))),
            '(' => out.push(Token::Sign("(")),
            ')' => out.push(Token::Sign(")")),
            ',' => out.push(Token::Sign(",")),
            '>' => out.push(Token::Sign("gt")),
            '<' => out.push(Token::Sign("lt")),
            first => {
                let mut word = first.to_string();
                while let Some(c) = chars.peek().filter(|c| !" \t\r\n=!(),><".contains(**c)) {
                    word.push(*c);
                    chars.next();
                }
                out.push(Token::Word(word));
            }
        }
    }
    out.push(Token::End);
    out
}

/// Reads a selector such as `a=b,c!=d,e in (f,g),!h`; the error is the server's sentence. upstream: labels.Parse
pub fn parse(given: &str) -> Result<Vec<Requirement>, String> {
    let tokens = tokens(given);
    let mut pos = 0;
    let mut out = Vec::new();
    let look = |pos: usize| tokens.get(pos).cloned().unwrap_or(Token::End);
    loop {
        match look(pos) {
            Token::End if out.is_empty() => return Ok(out),
            Token::Word(_) | Token::Sign("!") => {
                out.push(requirement(&look, &mut pos).map_err(|e| format!("unable to parse requirement: {e}"))?);
                match look(pos) {
                    Token::End => break,
                    Token::Sign(",") => {
                        pos += 1;
                        if !matches!(look(pos), Token::Word(_) | Token::Sign("!")) {
                            return Err(format!("found '{}', expected: identifier after ','", look(pos).literal()));
                        }
                    }
                    other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.literal())),
                }
            }
            other => return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.literal())),
        }
    }
    out.sort_by(|a: &Requirement, b| a.key.cmp(&b.key));
    Ok(out)
}

fn requirement(look: &dyn Fn(usize) -> Token, pos: &mut usize) -> Result<Requirement, String> {
    let next = |pos: &mut usize| {
        let token = look(*pos);
        *pos += 1;
        token
    };
    let negated = look(*pos) == Token::Sign("!");
    if negated {
        next(pos);
    }
    let key = match next(pos) {
        Token::Word(word) => word,
        other => return Err(format!("found '{}', expected: identifier", other.literal())),
    };
    let invalid = |message: &str| format!("<nil>: Invalid value: {}: {message}", crate::value::quote(key.as_bytes()));
    if let Some(wrong) = crate::kube::names::qualified_name(&key).first() {
        return Err(invalid(wrong));
    }
    if negated {
        return Ok(Requirement { key, operator: "!", values: Vec::new() });
    }
    if matches!(look(*pos), Token::End | Token::Sign(",")) {
        return Ok(Requirement { key, operator: "exists", values: Vec::new() });
    }
    let operator = match next(pos) {
        Token::Sign("=" | "==") => "=",
        Token::Sign("!=") => "!=",
        Token::Sign("gt") => "gt",
        Token::Sign("lt") => "lt",
        Token::Word(w) if w == "in" => "in",
        Token::Word(w) if w == "notin" => "notin",
        other => return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", other.literal())),
    };
    let mut values = Vec::new();
    if matches!(operator, "in" | "notin") {
        if next(pos) != Token::Sign("(") {
            *pos -= 1;
            return Err(format!("found '{}' expected: '('", look(*pos).literal()));
        }
        loop {
            match next(pos) {
                Token::Word(w) => values.push(w),
                Token::Sign(",") => {}
                Token::Sign(")") => break,
                other => return Err(format!("found '{}', expected: ',', or ')'", other.literal())),
            }
        }
    } else {
        match look(*pos) {
            Token::Word(w) => {
                *pos += 1;
                values.push(w);
            }
            Token::End | Token::Sign(",") => values.push(String::new()),
            other @ Token::Sign(_) => return Err(format!("found '{}', expected: identifier", other.literal())),
        }
    }
    Ok(Requirement { key, operator, values })
}

/// One requirement of `--field-selector`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRequirement {
    /// Such as `status.phase`.
    pub field: String,
    /// Whether the value must differ.
    pub negated: bool,
    /// The value.
    pub value: String,
}

/// Reads `a=b,c!=d`; the error is the server's sentence. upstream: fields.ParseSelector
pub fn parse_fields(given: &str) -> Result<Vec<FieldRequirement>, String> {
    let mut out = Vec::new();
    for term in given.split(',').filter(|t| !t.is_empty()) {
        let split = |sign: &str| term.split_once(sign).map(|(a, b)| (a.to_owned(), b.to_owned()));
        let at = |sign: &str| term.find(sign).unwrap_or(usize::MAX);
        let read = if at("!=") < at("=") {
            split("!=").map(|(field, value)| FieldRequirement { field, negated: true, value })
        } else {
            split("==").or_else(|| split("=")).map(|(field, value)| FieldRequirement { field, negated: false, value })
        };
        out.push(read.ok_or_else(|| format!("invalid selector: '{given}'; can't understand '{term}'"))?);
    }
    Ok(out)
}

/// The fields a resource can be selected by, besides name and namespace. upstream: the ToSelectableFields of pkg/registry
pub fn selectable(group: &str, resource: &str) -> &'static [&'static str] {
    match (group, resource) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "namespaces") => &["status.phase"],
        ("", "secrets") => &["type"],
        ("", "replicationcontrollers") => &["status.replicas"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        _ => &[],
    }
}

/// The value of a selectable field of an object.
pub fn field_value(object: &Value, field: &str) -> String {
    match field {
        "status.successful" => return scalar(at(object, &["status", "succeeded"])).replace("null", "0"),
        "source" => {
            let component = text(object, &["source", "component"]);
            return if component.is_empty() { text(object, &["reportingComponent"]) } else { component }.to_owned();
        }
        _ => {}
    }
    let path: Vec<&str> = field.split('.').collect();
    match at(object, &path) {
        Value::Null if matches!(field, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        Value::Null if field == "status.replicas" => "0".to_owned(),
        value => scalar(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{matches, parse, parse_fields};

    #[test]
    fn selectors_choose_as_the_server_does() {
        let labels = json!({"app": "web", "tier": "back", "n": "5"});
        for (selector, want) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=front", true),
            ("app in (web, db)", true),
            ("app notin (web)", false),
            ("missing notin (web)", true),
            ("tier", true),
            ("!tier", false),
            ("n>4,n<6", true),
        ] {
            assert_eq!(parse(selector).map(|s| matches(&s, &labels)), Ok(want), "{selector}");
        }
        let wrong = "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt";
        assert_eq!(parse("a b").err().as_deref(), Some(wrong));
        assert_eq!(parse_fields("status.phase!=Running").map(|f| f[0].negated), Ok(true));
        assert_eq!(parse_fields("a").err().as_deref(), Some("invalid selector: 'a'; can't understand 'a'"));
    }
}
