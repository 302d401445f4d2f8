//! A team's own rules: a page with an expression in CEL, the language of ValidatingAdmissionPolicy, over `object`,
//! `objects`, `params` and `values`. The rule holds for an object where the expression is true.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;

use super::Input;
use super::field::Place;
use super::fix;
use crate::cel::decl::Decl;
use crate::cel::{CALL_LIMIT, Env, Host, Program, Type, Val, compile};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;

/// A rule that is a page and no code.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomRule {
    /// Its id: the name of its page.
    pub id: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// The whole page.
    pub page: String,
    /// The kinds it looks at; empty for all.
    kinds: Vec<String>,
    expression: String,
    field: String,
    message: String,
    help: String,
    params: Value,
}

/// Ids of findings live as long as the program, each once.
fn kept(id: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = known.get(id) {
        return known;
    }
    let id: &'static str = Box::leak(id.to_owned().into_boxed_str());
    known.insert(id);
    id
}

/// What an expression may name.
fn environment() -> Env {
    ["object", "objects", "params", "values"].into_iter().fold(Env::default(), |env, name| env.with(name, Type::Dyn))
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

impl CustomRule {
    /// Reads a page. `id` is its file's name.
    ///
    /// # Errors
    /// The line (from 0) and what is wrong there.
    pub fn parse(id: &str, text: &str) -> Result<Self, (usize, String)> {
        let plain = id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') && id.contains('-');
        if !plain {
            return Err((0, format!("`{id}` is no name of a rule: two or more words in lower case, joined by `-`")));
        }
        if super::page(id).is_some() {
            return Err((0, format!("kval has a rule `{id}` already")));
        }
        let mut rule = Self {
            id: kept(id),
            severity: Severity::Warning,
            page: text.to_owned(),
            kinds: Vec::new(),
            expression: String::new(),
            field: String::new(),
            message: String::new(),
            help: String::new(),
            params: json!({}),
        };
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, l)| l != "---") {
            return Err((0, "a page begins with its front matter: a line `---`".to_owned()));
        }
        for (number, line) in lines.by_ref() {
            if line == "---" {
                break;
            }
            let Some((key, value)) = line.split_once(':') else { return Err((number, "expected `key: value`".to_owned())) };
            let value = value.trim();
            match key.trim() {
                "severity" => {
                    rule.severity = Severity::named(value).ok_or((number, format!("`{value}` is none of info, warning, error")))?;
                }
                "kinds" if value == "*" => {}
                "kinds" => rule.kinds = words(value),
                "field" => value.clone_into(&mut rule.field),
                "message" => value.clone_into(&mut rule.message),
                "help" => value.clone_into(&mut rule.help),
                key => match key.strip_prefix("params.") {
                    Some(name) => rule.params[name] = json!(words(value)),
                    None => {
                        let known = "severity, kinds, field, message, help, params.NAME";
                        return Err((number, format!("unknown key `{key}`; there is: {known}")));
                    }
                },
            }
        }
        let at = text.lines().position(|l| l.trim() == "```cel").ok_or((0, "no expression: a block that begins with ```cel".to_owned()))?;
        let body: Vec<&str> = text.lines().skip(at + 1).take_while(|l| l.trim() != "```").collect();
        rule.expression = body.join("\n");
        if rule.message.is_empty() {
            rule.message = format!("the rule `{id}` does not hold");
        }
        let program = compile(&rule.expression, &environment()).map_err(|e| (at + 1, format!("the expression is wrong: {e}")))?;
        if !matches!(program.result, Type::Bool | Type::Dyn) {
            return Err((at + 1, "the expression gives no bool".to_owned()));
        }
        Ok(rule)
    }

    /// The findings about all objects of an input.
    pub(super) fn check(&self, input: &Input) -> Vec<Diagnostic> {
        let Ok(program) = compile(&self.expression, &environment()) else { return Vec::new() };
        let objects = Value::Array(input.objects.iter().map(|o| o.value.clone()).collect());
        let values = input.chart.and_then(|c| c.values.as_ref()?.object.as_ref()).map_or(Value::Null, |o| o.value.clone());
        let mut params = self.params.clone();
        for (key, value) in &input.options.params {
            if let Some(name) = key.strip_prefix(self.id).and_then(|k| k.strip_prefix('.')) {
                params[name] = json!(value);
            }
        }
        let mut out = Vec::new();
        for object in input.objects.iter().filter(|o| self.kinds.is_empty() || self.kinds.contains(&o.id.kind)) {
            let verdict = holds(&program, &object.value, &objects, &params, &values);
            let message = match verdict {
                Ok(true) => continue,
                Ok(false) => self.message.clone(),
                Err(why) => format!("the rule `{}` cannot be evaluated: {why}", self.id),
            };
            let path = fix::parse(&self.field).unwrap_or_default();
            let place = Place { object, path };
            let finding = Diagnostic::new(self.id, self.severity, message).at(place.span()).on(object.id.clone(), self.field.clone());
            out.push(finding.help(self.help.clone()));
        }
        out
    }
}

fn holds(program: &Program, object: &Value, objects: &Value, params: &Value, values: &Value) -> Result<bool, String> {
    let variable = |name: &str| {
        let value = match name {
            "object" => object,
            "objects" => objects,
            "params" => params,
            "values" => values,
            _ => return None,
        };
        Some(Val::of(value, Decl::dynamic()))
    };
    let format = |_: &str, _: &str| Vec::new();
    let host = Host { variable: &variable, format: &format, limit: CALL_LIMIT };
    match program.run(&host).0 {
        Ok(Val::Bool(verdict)) => Ok(verdict),
        Ok(other) => Err(format!("it gives {} and no bool", other.type_name())),
        Err(why) => Err(why.text().to_owned()),
    }
}

/// The blocks of a page's section, as texts.
fn blocks(page: &str, heading: &str) -> Vec<String> {
    let Some((_, section)) = page.split_once(&format!("## {heading}\n")) else { return Vec::new() };
    let section = section.split("\n## ").next().unwrap_or("");
    let parts: Vec<&str> = section.split("```").collect();
    parts.iter().skip(1).step_by(2).filter_map(|b| b.split_once('\n')).map(|(_, body)| body.to_owned()).collect()
}

/// The examples of a page: manifests that break the rule, with marks `# error: …`, and manifests that do not.
pub fn examples(page: &str) -> (Vec<String>, Vec<String>) {
    (blocks(page, "Example"), blocks(page, "Use instead"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\nseverity: error\nkinds: Pod\nfield: metadata.labels\nmessage: no team\n---\n# team-label\n\n## Expression\n```cel\nhas(object.metadata.labels) && 'team' in object.metadata.labels\n```\n";

    #[test]
    fn pages_are_read() {
        let rule = CustomRule::parse("team-label", PAGE).unwrap();
        assert_eq!(
            (rule.severity, rule.kinds.as_slice(), rule.field.as_str()),
            (Severity::Error, &["Pod".to_owned()][..], "metadata.labels")
        );
        assert_eq!(CustomRule::parse("team", PAGE).unwrap_err().0, 0);
        assert_eq!(CustomRule::parse("team-label", &PAGE.replace("kinds", "kids")).unwrap_err().0, 2);
        assert!(CustomRule::parse("team-label", &PAGE.replace("has(", "hass(")).is_err());
    }
}
