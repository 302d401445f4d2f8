//! An object between the user's JSON and the server's: what Go makes of it on reading, and what it writes.

use serde_json::Map;
use serde_json::Value;

use super::decode::float_text;
use super::quantity;
use super::schema::Field;
use super::schema::Omit;
use super::schema::Schema;
use crate::yaml::{Node, NodeKind};

const MAX_DEPTH: usize = 200;
const QUANTITY: &str = "k8s.io/apimachinery/pkg/api/resource.Quantity";
const INT_OR_STRING: &str = "k8s.io/apimachinery/pkg/util/intstr.IntOrString";

/// What a type is made of.
enum Shape<'a> {
    Quantity,
    Time,
    List(&'a str),
    Map(&'a str),
    Struct(&'a str),
    Bytes,
    Plain,
}

fn shape<'a>(schema: &Schema, ty: &'a str) -> Shape<'a> {
    match ty {
        QUANTITY => Shape::Quantity,
        INT_OR_STRING | "any" | "string" | "bool" | "int32" | "int64" => Shape::Plain,
        "[]uint8" => Shape::Bytes,
        _ if ty.ends_with(".ResourceList=map") => Shape::Map(QUANTITY),
        // Types that read themselves.
        _ if ty.contains(".JSONSchemaProps")
            || ty.ends_with(".RawExtension")
            || ty.ends_with("/v1.JSON")
            || ty.ends_with("/v1.FieldsV1") =>
        {
            Shape::Plain
        }
        _ => {
            if let Some(item) = ty.strip_prefix("[]") {
                Shape::List(item)
            } else if let Some((_, value)) = ty.strip_prefix("map[").and_then(|t| t.split_once(']')) {
                Shape::Map(value)
            } else if ty.ends_with("/v1.Time") || ty.ends_with("/v1.MicroTime") {
                Shape::Time
            } else if ty.ends_with("=slice") {
                Shape::List("string")
            } else if schema.get(ty).is_some() {
                Shape::Struct(ty)
            } else {
                Shape::Plain
            }
        }
    }
}

/// Whether a pointer, so that `null` is no value.
fn is_pointer(ty: &str) -> bool {
    ty.starts_with('*')
}

/// The object as Go reads it: nulls are the zero values of their types, quantities are canonical.
pub(crate) fn read(schema: &Schema, ty: &str, node: &Node) -> Value {
    read_at(schema, ty, node, 0)
}

fn read_at(schema: &Schema, ty: &str, node: &Node, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let ty = ty.trim_start_matches('*');
    match (shape(schema, ty), &node.kind) {
        (Shape::Quantity, NodeKind::Str(s)) => quantity::canonical(s.trim_matches([' ', '\t', '\r', '\n'])).into(),
        (Shape::Quantity, NodeKind::Int(i)) => quantity::canonical(&i.to_string()).into(),
        (Shape::Quantity, NodeKind::Uint(u)) => quantity::canonical(&u.to_string()).into(),
        (Shape::Quantity, NodeKind::Float(f)) => quantity::canonical(&float_text(*f)).into(),
        (Shape::List(item), NodeKind::Sequence(items)) => items.iter().map(|n| read_item(schema, item, n, depth)).collect(),
        (Shape::Map(item), NodeKind::Mapping(entries)) => {
            entries.iter().map(|e| (e.key.clone(), read_item(schema, item, &e.value, depth))).collect()
        }
        (Shape::Struct(name), NodeKind::Mapping(entries)) => {
            let mut out = Map::new();
            for entry in entries {
                if matches!(entry.value.kind, NodeKind::Null) {
                    continue;
                }
                if let Some((field, _)) = schema.field(name, &entry.key) {
                    out.insert(entry.key.clone(), read_at(schema, field.ty, &entry.value, depth + 1));
                }
            }
            Value::Object(out)
        }
        // A whole number, however it is written.
        (Shape::Plain, NodeKind::Float(f)) if f.fract() == 0.0 && f.abs() < 9e15 && ty != "any" && ty != "float64" => (*f as i64).into(),
        _ => node.to_json(),
    }
}

fn read_item(schema: &Schema, ty: &str, node: &Node, depth: usize) -> Value {
    if matches!(node.kind, NodeKind::Null) && !is_pointer(ty) {
        return match shape(schema, ty) {
            Shape::Struct(_) => Value::Object(Map::new()),
            _ if ty == "string" || ty.ends_with("=string") => Value::String(String::new()),
            Shape::Quantity => "0".into(),
            _ if ty.ends_with("bool") => false.into(),
            _ if ["int32", "int64", "int", "int16", "uint8", "uint32", "float64"].contains(&ty.rsplit('=').next().unwrap_or(ty)) => {
                0.into()
            }
            _ => Value::Null,
        };
    }
    read_at(schema, ty, node, depth + 1)
}

/// The object as the server returns it: fields at their zero values left out or written as Go does, empty lists and
/// maps as storage forgets them.
pub(crate) fn write(schema: &Schema, ty: &str, value: &mut Value) {
    write_at(schema, ty, value, 0);
}

fn write_at(schema: &Schema, ty: &str, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let ty = ty.trim_start_matches('*');
    match (shape(schema, ty), &mut *value) {
        (Shape::List(item), Value::Array(items)) => items.iter_mut().for_each(|v| write_at(schema, item, v, depth + 1)),
        (Shape::Map(item), Value::Object(map)) => map.values_mut().for_each(|v| write_at(schema, item, v, depth + 1)),
        (Shape::Struct(name), Value::Object(map)) => write_struct(schema, name, map, depth),
        (Shape::Bytes, Value::String(text)) => {
            text.retain(|c| !matches!(c, '\r' | '\n'));
        }
        _ => {}
    }
}

fn write_struct(schema: &Schema, name: &str, map: &mut Map<String, Value>, depth: usize) {
    for field in schema.get(name).map_or(&[][..], |s| &s.fields) {
        if field.json.is_empty() {
            write_struct(schema, field.ty.trim_start_matches('*'), map, depth + 1);
            continue;
        }
        let pointer = is_pointer(field.ty);
        if let Some(value) = map.get_mut(field.json) {
            write_at(schema, field.ty, value, depth + 1);
            if !pointer && is_zero(schema, field, value) || value.is_null() {
                map.remove(field.json);
            }
        }
        if !map.contains_key(field.json)
            && let Some(zero) = zero(schema, field, depth)
        {
            map.insert(field.json.to_owned(), zero);
        }
    }
}

fn is_zero(schema: &Schema, field: &Field, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => field.ty != INT_OR_STRING && n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty() && field.ty != INT_OR_STRING,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && !matches!(shape(schema, field.ty), Shape::Plain),
    }
}

/// What stands for a field that has its zero value; nothing when it is left out.
fn zero(schema: &Schema, field: &Field, depth: usize) -> Option<Value> {
    let ty = field.ty;
    let nil = is_pointer(ty);
    let shape = shape(schema, ty);
    match field.omit {
        Omit::Zero => return None,
        // A struct is never empty.
        Omit::Empty if nil || !(ty == INT_OR_STRING || matches!(shape, Shape::Struct(_) | Shape::Quantity | Shape::Time)) => return None,
        _ => {}
    }
    Some(match shape {
        _ if nil => Value::Null,
        Shape::Quantity => "0".into(),
        Shape::Struct(name) if depth < MAX_DEPTH => {
            let mut map = Map::new();
            write_struct(schema, name, &mut map, depth + 1);
            Value::Object(map)
        }
        Shape::Plain => match ty.rsplit('=').next().unwrap_or(ty) {
            "string" => "".into(),
            "bool" => false.into(),
            "int32" | "int64" | "int" | "int16" | "uint8" | "uint32" | "float64" => 0.into(),
            _ if ty == INT_OR_STRING => 0.into(),
            _ => Value::Null,
        },
        _ => Value::Null,
    })
}
