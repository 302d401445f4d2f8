//! `placeholder-left`: reports text that a template or a documentation left to be filled in: `<name>`, `${NAME}`,
//! `{{ }}`, `CHANGEME`, `…`, or the name of a type such as `String`.

use crate::lint::context;
use crate::lint::context::Context;
use crate::lint::field::Field;
use serde_json::Value;

/// Words that stand for what is still to be written.
const MARKS: [&str; 7] = ["CHANGEME", "CHANGE_ME", "CHANGE-ME", "REPLACE_ME", "REPLACEME", "TODO", "FIXME"];

pub(super) fn check(cx: &Context) {
    for object in cx.objects() {
        let kind = object.object.id.kind.as_str();
        // The data of these is text for programs, which may have placeholders of their own.
        let skipped: &[&str] = match kind {
            "ConfigMap" | "Secret" => &["data", "stringData", "binaryData"],
            "CustomResourceDefinition" => continue,
            _ => &[],
        };
        let Value::Object(map) = object.value else { continue };
        // Fields of custom resources are as free as data.
        let known = context::template_path(object.object).is_some() || plain_kind(kind);
        for name in map.keys().filter(|n| !skipped.contains(&n.as_str())) {
            if !known && name != "metadata" {
                continue;
            }
            if let Some(field) = object.get_key(name) {
                walk(cx, &field, 0);
            }
        }
    }
}

fn plain_kind(kind: &str) -> bool {
    matches!(
        kind,
        "Service"
            | "Ingress"
            | "ConfigMap"
            | "Secret"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "ServiceAccount"
            | "Namespace"
            | "HorizontalPodAutoscaler"
            | "PodDisruptionBudget"
            | "StorageClass"
    )
}

fn walk(cx: &Context, field: &Field, depth: usize) {
    if depth > 60 {
        return;
    }
    match field.value {
        Value::Object(map) => {
            for name in map.keys() {
                // Scripts and annotations hold any text.
                if matches!(name.as_str(), "command" | "args" | "annotations") {
                    continue;
                }
                if let Some(child) = field.get_key(name) {
                    if matches!(name.as_str(), "workingDir" | "readOnly" | "image" | "name" | "mountPath" | "path") {
                        if let Some(text @ ("String" | "string" | "boolean" | "Boolean" | "integer" | "Integer" | "Object")) = child.str() {
                            cx.report(child, format!("`{text}` was left to be filled in"), "write the real value");
                            continue;
                        }
                    }
                    // What no port can be is told by the API.
                    let port = name.ends_with("port") || name.ends_with("Port");
                    if !(port && child.str() == Some("<nil>")) {
                        walk(cx, &child, depth + 1);
                    }
                }
            }
        }
        Value::Array(_) => field.list().iter().for_each(|f| walk(cx, f, depth + 1)),
        Value::String(text) => {
            if let Some(placeholder) = placeholder(text) {
                cx.report(field, format!("`{placeholder}` was left to be filled in"), "write the real value");
            }
        }
        _ => {}
    }
}

fn placeholder(text: &str) -> Option<&str> {
    let word = text.trim();
    if matches!(word, "..." | "…" | "....") {
        return Some(word);
    }
    if text.len() > 300 || text.contains('\n') {
        return None;
    }
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    if let Some(first) = words.filter_map(|word| MARKS.iter().position(|mark| *mark == word)).min() {
        return Some(MARKS[first]);
    }
    if !text.contains(['{', '<']) {
        return None;
    }
    let between = |open: &str, close: &str, ok: fn(char) -> bool| {
        let start = text.find(open)?;
        let inner = &text[start + open.len()..];
        let end = inner.find(close)?;
        (end > 0 && inner[..end].chars().all(ok)).then(|| &text[start..start + open.len() + end + close.len()])
    };
    between("{{", "}}", |_| true)
        .or_else(|| between("${", "}", |c| c.is_ascii_alphanumeric() || c == '_'))
        .or_else(|| between("<", ">", |c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')))
}
