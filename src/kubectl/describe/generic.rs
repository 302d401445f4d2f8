//! Objects of kinds without a description of their own, custom resources among them. upstream: genericDescriber

use serde_json::Value;

use super::out::Out;
use crate::simulate::scheduler::json::scalar;

/// Everything, with labels made of the field names.
pub(super) fn describe(out: &mut Out, object: &Value) {
    out.head(object);
    content(out, 0, object, "");
}

const SKIPPED: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

/// upstream: printUnstructuredContent
fn content(out: &mut Out, level: usize, object: &Value, prefix: &str) {
    if level > 200 {
        return;
    }
    for (field, value) in object.as_object().into_iter().flatten() {
        let path = format!("{prefix}.{field}");
        if SKIPPED.contains(&path.as_str()) {
            continue;
        }
        match value {
            Value::Object(_) => {
                out.line(level, &format!("{}:", label(field)));
                content(out, level + 1, value, &path);
            }
            Value::Array(items) => {
                out.line(level, &format!("{}:", label(field)));
                for item in items {
                    match item {
                        Value::Object(_) => content(out, level + 1, item, &path),
                        other => out.line(level + 1, &shown(other)),
                    }
                }
            }
            other => out.field(level, &label(field), shown(other)),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Number(n) if n.is_f64() => crate::value::float_text(n.as_f64().unwrap_or(0.0)),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        other => scalar(other),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Other,
}

fn class(c: char) -> Class {
    match c {
        c if c.is_lowercase() => Class::Lower,
        c if c.is_uppercase() => Class::Upper,
        _ => Class::Other,
    }
}

/// The words of a name in camel case. upstream: github.com/fatih/camelcase
fn camel(name: &str) -> Vec<String> {
    let mut runs: Vec<(Class, String)> = Vec::new();
    for c in name.chars() {
        match runs.last_mut() {
            Some((last, run)) if *last == class(c) => run.push(c),
            _ => runs.push((class(c), c.to_string())),
        }
    }
    // The last capital of a run belongs to the word that follows it.
    for i in 0..runs.len().saturating_sub(1) {
        if runs[i].0 == Class::Upper && runs[i + 1].0 == Class::Lower {
            if let Some(last) = runs[i].1.pop() {
                runs[i + 1].1.insert(0, last);
            }
        }
    }
    runs.into_iter().map(|(_, run)| run).filter(|run| !run.is_empty()).collect()
}

/// upstream: smartLabelFor
fn label(field: &str) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.to_owned();
    }
    let parts = camel(field);
    let mut merged: Vec<String> = Vec::new();
    let mut i = 0;
    while let Some(part) = parts.get(i) {
        let all_upper = part.chars().all(|c| !c.is_alphabetic() || c.is_uppercase());
        match parts.get(i + 1) {
            Some(next) if part.len() >= 2 && all_upper && next.chars().next().is_some_and(char::is_uppercase) => {
                merged.push(format!("{part}{next}"));
                i += 2;
            }
            _ => {
                merged.push(part.clone());
                i += 1;
            }
        }
    }
    let one = |part: String| {
        if ["API", "URL", "UID", "GUID"].contains(&part.to_uppercase().as_str()) {
            part.to_uppercase()
        } else if part.to_lowercase() == part {
            let mut chars = part.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        } else {
            part
        }
    };
    merged.into_iter().filter(|p| p != "_").map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn names_become_labels() {
        for (name, want) in
            [("apiVersion", "API Version"), ("clusterIP", "Cluster IP"), ("my_field", "my_field"), ("resourceVersion", "Resource Version")]
        {
            assert_eq!(label(name), want);
        }
    }
}
