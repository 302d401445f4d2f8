//! The documents of a rendered file as the Kubernetes client's stream decoder reads them: JSON values first when the text
//! starts with a brace, YAML documents otherwise or from where JSON ends.
//!
//! upstream: k8s.io/apimachinery/pkg/util/yaml

use super::super::chart::Decoder;
use super::super::hooks::tree_of;
use super::super::json;
use super::super::json::Json;
use super::super::load;
use super::super::load::LoadError;
use crate::source::Span;
use crate::yaml;
use crate::yaml::{Entry, Node, NodeKind};

/// What the rules look at of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// The documents in order, `None` for an empty one; nothing follows an error.
pub(super) fn read(data: &[u8]) -> Vec<Result<Option<Head>, String>> {
    let text = String::from_utf8_lossy(data);
    let mut out = Vec::new();
    let mut at = 0;
    let mut json_error = None;
    // Only the first bytes are looked at.
    let start = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    if start < 4096 && text[start..].starts_with('{') {
        loop {
            let rest = &text[at..];
            if rest.trim_start_matches([' ', '\t', '\r', '\n']).is_empty() {
                return out;
            }
            let (bare, error) = match json::decode_at(rest) {
                Ok((value, end)) => match of_json(&value) {
                    Ok(head) => {
                        out.push(Ok(head));
                        at += end;
                        continue;
                    }
                    Err(e) => (e.clone(), e),
                },
                Err((e, _)) if e == "unexpected EOF" => (e.clone(), e),
                Err((e, offset)) => (e.clone(), format!("json: offset {}: {e}", at + offset + 1)),
            };
            // More than one value is a stream of JSON and nothing else.
            if out.len() > 1 {
                out.push(Err(bare));
                return out;
            }
            let blank = rest.len() - rest.trim_start().len();
            at += rest[..blank].find('\n').map_or(blank, |i| i + 1);
            json_error = Some(error);
            break;
        }
    }
    for document in cut(&text[at..]) {
        match document.and_then(|text| of_yaml(&text)) {
            Ok(head) => out.push(Ok(head)),
            Err(e) => {
                out.push(Err(json_error.unwrap_or(e)));
                break;
            }
        }
    }
    out
}

/// The YAML documents of a text, cut at lines that start with `---`.
fn cut(text: &str) -> Vec<Result<String, String>> {
    let mut out = Vec::new();
    let mut buffer = String::new();
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    for line in lines {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                out.push(Err(format!("invalid Yaml document separator: {rest}")));
                return out;
            }
            if !buffer.is_empty() {
                out.push(Ok(std::mem::take(&mut buffer)));
                continue;
            }
        }
        buffer.push_str(line);
        buffer.push('\n');
    }
    if !buffer.is_empty() {
        out.push(Ok(buffer));
    }
    out
}

/// Go's name of the field that a key means.
fn field(key: &str) -> Option<&'static str> {
    match key.to_lowercase().as_str() {
        "apiversion" => Some("apiVersion"),
        "kind" => Some("Kind"),
        "metadata" => Some("Metadata"),
        _ => None,
    }
}

fn metadata_field(key: &str) -> Option<&'static str> {
    match key.to_lowercase().as_str() {
        "namespace" => Some("Namespace"),
        "name" => Some("Name"),
        _ => None,
    }
}

/// Only the entries that are fields, by Go's names.
fn fields(node: &Node, name: fn(&str) -> Option<&'static str>, inner: &dyn Fn(&Node) -> Node) -> Node {
    let NodeKind::Mapping(entries) = &node.kind else { return node.clone() };
    let entries = entries.iter().filter_map(|e| {
        let key = name(&e.key)?.to_owned();
        Some(Entry { key, key_span: Span::default(), value: std::sync::Arc::new(inner(&e.value)) })
    });
    Node { span: Span::default(), kind: NodeKind::Mapping(entries.collect()) }
}

fn of_yaml(text: &str) -> Result<Option<Head>, String> {
    let Some(node) = load::node(text.as_bytes()).map_err(|LoadError(e)| e)? else { return Ok(None) };
    let node = fields(&node, field, &|n| fields(n, metadata_field, &Node::clone));
    let mut out = Head::default();
    let mut d = Decoder::default();
    d.object(&node, "k8sYamlStruct", "rules.k8sYamlStruct", |d, key, node| match key {
        "apiversion" => d.string(node, &mut out.api_version),
        "kind" => d.string(node, &mut out.kind),
        "metadata" => {
            let mut namespace = String::new();
            d.object(node, "k8sYamlMetadata", "rules.k8sYamlMetadata", |d, key, node| match key {
                "name" => d.string(node, &mut out.name),
                _ => d.string(node, &mut namespace),
            });
        }
        _ => {}
    });
    d.finish().map_err(|LoadError(e)| e)?;
    Ok(Some(out))
}

/// As [`of_yaml`], with JSON's strictness: a number is no string.
fn of_json(value: &Json) -> Result<Option<Head>, String> {
    let kind = |v: &Json| match v {
        Json::Null | Json::Foreign(_) => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::Str(_) => "string",
        Json::List(_) => "array",
        Json::Map(_) => "object",
    };
    let entries = match value {
        Json::Null => return Ok(None),
        Json::Map(entries) => entries,
        other => return Err(format!("json: cannot unmarshal {} into Go value of type rules.k8sYamlStruct", kind(other))),
    };
    let mut out = Head::default();
    let mut error = None;
    let mut text = |v: &Json, place: &str, into: &mut String| match v {
        Json::Str(s) => s.clone_into(into),
        Json::Null => {}
        v => {
            error.get_or_insert(format!("json: cannot unmarshal {} into Go struct field {place} of type string", kind(v)));
        }
    };
    let mut wrong_metadata = None;
    for (key, value) in entries {
        match field(key) {
            Some("apiVersion") => text(value, "k8sYamlStruct.apiVersion", &mut out.api_version),
            Some("Kind") => text(value, "k8sYamlStruct.Kind", &mut out.kind),
            Some(_) => match value {
                Json::Map(inner) => {
                    for (key, value) in inner {
                        let mut namespace = String::new();
                        match metadata_field(key) {
                            Some("Name") => text(value, "k8sYamlMetadata.Metadata.Name", &mut out.name),
                            Some(_) => text(value, "k8sYamlMetadata.Metadata.Namespace", &mut namespace),
                            None => {}
                        }
                    }
                }
                Json::Null => {}
                v => {
                    let place = "Go struct field k8sYamlStruct.Metadata of type rules.k8sYamlMetadata";
                    wrong_metadata.get_or_insert(format!("json: cannot unmarshal {} into {place}", kind(v)));
                }
            },
            None => {}
        }
    }
    error.or(wrong_metadata).map_or(Ok(Some(out)), Err)
}

/// Whether an item of a `List` has the annotation `helm.sh/resource-policy`.
pub(super) fn list_keeps(text: &str) -> Result<bool, String> {
    let value = yaml::decode(text.as_bytes()).map_err(|e| e.message)?;
    let node = tree_of(&value, 8, &|_, _| true);
    let mut d = Decoder::default();
    let mut keeps = false;
    d.object(&node, "", "struct { Items []struct { Metadata struct { Annotations map[string]string } } }", |d, key, node| {
        if key != "items" {
            return;
        }
        let mut items = None;
        d.list(node, "[]struct { Metadata struct { Annotations map[string]string } }", &mut items, |d, node| {
            d.object(node, "", "struct { Metadata struct { Annotations map[string]string } }", |d, key, node| {
                if key != "metadata" {
                    return;
                }
                d.object(node, "", "struct { Annotations map[string]string }", |d, key, node| {
                    if key == "annotations" {
                        let mut annotations = None;
                        d.string_map(node, &mut annotations);
                        keeps |= annotations.iter().flatten().any(|(k, _)| k == "helm.sh/resource-policy");
                    }
                });
            });
            Some(())
        });
    });
    d.finish().map_err(|LoadError(e)| e)?;
    Ok(keeps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |d: Result<Option<Head>, String>| match d {
            Ok(Some(head)) => format!("{}/{}", head.kind, head.name),
            Ok(None) => "-".to_owned(),
            Err(e) => format!("! {e}"),
        };
        read(text.as_bytes()).into_iter().map(show).collect()
    }

    #[test]
    fn streams_are_json_then_yaml() {
        assert_eq!(shown("kind: A\n---\n# c\n--- # d\nkind: B\n"), ["A/", "-", "B/"]);
        assert_eq!(shown("{\"kind\":\"A\"}{\"kind\":\"B\"}"), ["A/", "B/"]);
        assert_eq!(shown("{\"kind\":\"A\"}\n---\nkind: B\n"), ["A/", "B/"]);
        assert_eq!(shown("{kind: A}"), ["A/"]);
        assert_eq!(shown("---x\n"), ["! invalid Yaml document separator: x"]);
        assert_eq!(shown(" {{ x }}"), ["! json: offset 3: invalid character '{' looking for beginning of object key string"]);
    }
}
