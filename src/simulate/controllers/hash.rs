//! The hashes in the names of ReplicaSets and revisions: a template is written as Go's spew writes the struct, and hashed.
//! upstream: pkg/controller/controller_utils.go ComputeHash, pkg/controller/history/controller_history.go

use serde_json::Value;

use crate::kube::quantity;
use crate::kube::quantity::Format;
use crate::kube::schema;
use crate::kube::schema::Schema;

const QUANTITY: &str = "k8s.io/apimachinery/pkg/api/resource.Quantity";
const INT_OR_STRING: &str = "k8s.io/apimachinery/pkg/util/intstr.IntOrString";
const TIME: &str = "k8s.io/apimachinery/pkg/apis/meta/v1.Time";

fn fnv1a(bytes: &[u8], hash: u32) -> u32 {
    bytes.iter().fold(hash, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193))
}

fn fnv1(bytes: &[u8], hash: u32) -> u32 {
    bytes.iter().fold(hash, |h, b| h.wrapping_mul(0x0100_0193) ^ u32::from(*b))
}

const OFFSET: u32 = 0x811c_9dc5;

/// upstream: rand.SafeEncodeString
fn safe_encode(number: u32) -> String {
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    number.to_string().bytes().map(|b| char::from(alphabet[usize::from(b) % alphabet.len()])).collect()
}

/// The `pod-template-hash` of a template with its defaults.
pub fn pod_template_hash(template: &Value, collisions: Option<i32>) -> String {
    let mut hash = fnv1a(dump(template).as_bytes(), OFFSET);
    if let Some(count) = collisions {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&count.to_le_bytes());
        hash = fnv1a(&bytes, hash);
    }
    safe_encode(hash)
}

/// The data of a ControllerRevision: the template as a patch that replaces it.
pub fn revision_data(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(map) = template.as_object_mut() {
        map.insert("$patch".to_owned(), "replace".into());
    }
    serde_json::json!({"spec": {"template": template}})
}

/// The hash in the name of a StatefulSet's ControllerRevision; its collisions count from zero, not from none.
pub fn revision_hash(data: &Value, collisions: i32) -> String {
    // Go escapes these characters in JSON.
    let text = go_json(data);
    safe_encode(fnv1(collisions.to_string().as_bytes(), fnv1(text.as_bytes(), OFFSET)))
}

/// JSON as Go's `encoding/json` writes a map.
fn go_json(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort();
                keys.into_iter().map(|k| (k.clone(), sorted(&map[k]))).collect::<serde_json::Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    let text = sorted(value).to_string();
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// A template as the hash sees it. upstream: k8s.io/utils/dump ForHash
pub fn dump(template: &Value) -> String {
    let mut out = String::new();
    Dumper { schema: schema::newest() }.value("k8s.io/api/core/v1.PodTemplateSpec", Some(template), true, &mut out);
    out
}

struct Dumper<'a> {
    schema: &'a Schema,
}

fn map_parts(ty: &str) -> Option<(&str, &str)> {
    ty.strip_prefix("map[")?.split_once(']')
}

impl Dumper<'_> {
    /// Writes a type as Go prints it.
    fn printed(&self, ty: &str, out: &mut String) {
        for prefix in ["[]", "*"] {
            if let Some(rest) = ty.strip_prefix(prefix) {
                out.push_str(prefix);
                return self.printed(rest, out);
            }
        }
        if let Some((key, value)) = map_parts(ty) {
            out.push_str("map[");
            self.printed(key, out);
            out.push(']');
            return self.printed(value, out);
        }
        let name = ty.split_once('=').map_or(ty, |(name, _)| name);
        let printed = self.schema.get(name).map(|s| s.printed).filter(|p| !p.is_empty());
        out.push_str(printed.unwrap_or_else(|| name.rsplit_once('/').map_or(name, |(_, last)| last)));
    }

    /// Writes one value; `typed` says whether its type comes first.
    fn value(&self, ty: &str, value: Option<&Value>, typed: bool, out: &mut String) {
        let value = value.filter(|v| !v.is_null());
        if typed {
            out.push('(');
            self.printed(ty, out);
            out.push(')');
        }
        if let Some(inner) = ty.strip_prefix('*') {
            match value {
                None => out.push_str("<nil>"),
                Some(_) => self.value(inner, value, false, out),
            }
            return;
        }
        if let Some(item) = ty.strip_prefix("[]") {
            return self.list(item, value, out);
        }
        if let Some((_, inner)) = map_parts(ty) {
            return self.map(inner, value, out);
        }
        match ty {
            QUANTITY => return out.push_str(&quantity_dump(value)),
            INT_OR_STRING => return out.push_str(&int_or_string_dump(value)),
            TIME => return out.push_str("{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"),
            _ => {}
        }
        let kind = ty.split_once('=').map_or(ty, |(_, kind)| kind);
        match kind {
            "string" => out.push_str(value.and_then(Value::as_str).unwrap_or("")),
            "bool" => out.push_str(if value == Some(&Value::Bool(true)) { "true" } else { "false" }),
            "int32" | "int64" => out.push_str(&value.and_then(Value::as_i64).unwrap_or(0).to_string()),
            "map" => self.map(QUANTITY, value, out),
            "slice" => self.list("string", value, out),
            _ if self.schema.get(ty).is_some() => self.object(ty, value, out),
            _ => out.push_str("<nil>"),
        }
    }

    fn list(&self, item: &str, value: Option<&Value>, out: &mut String) {
        let Some(items) = value.and_then(Value::as_array) else { return out.push_str("<nil>") };
        out.push('[');
        for (i, v) in items.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            self.value(item, Some(v), false, out);
        }
        out.push(']');
    }

    fn map(&self, inner: &str, value: Option<&Value>, out: &mut String) {
        let Some(map) = value.and_then(Value::as_object) else { return out.push_str("<nil>") };
        let mut keys: Vec<&String> = map.keys().collect();
        keys.sort();
        out.push_str("map[");
        for (i, key) in keys.into_iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            out.push_str(key);
            out.push(':');
            self.value(inner, Some(&map[key]), false, out);
        }
        out.push(']');
    }

    fn object(&self, ty: &str, value: Option<&Value>, out: &mut String) {
        let fields = self.schema.get(ty).map_or(&[][..], |s| &s.fields);
        out.push('{');
        for (i, field) in fields.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            out.push_str(field.go_name);
            out.push(':');
            // An inlined struct finds its fields beside it.
            let inner = if field.json.is_empty() { value } else { value.and_then(|v| v.get(field.json)) };
            self.value(field.ty, inner, true, out);
        }
        out.push('}');
    }
}

fn int_or_string_dump(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(s)) => format!("{{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string){s}}}"),
        other => {
            let number = other.and_then(Value::as_i64).unwrap_or(0);
            format!("{{Type:(intstr.Type)0 IntVal:(int32){number} StrVal:(string)}}")
        }
    }
}

/// A quantity as Go holds it after the server has stored it: read from its canonical text.
fn quantity_dump(value: Option<&Value>) -> String {
    let given = match value {
        None => String::new(),
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
    };
    let write = |value: i128, scale: i32, text: &str, format: &str| {
        format!(
            "{{i:(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}} d:(resource.infDecAmount){{Dec:(*inf.Dec)<nil>}} s:(string){text} Format:(resource.Format){format}}}"
        )
    };
    let text = quantity::canonical(&given);
    let format = match quantity::format_of(&text) {
        Format::Binary => "BinarySI",
        Format::Exponent => "DecimalExponent",
        Format::Decimal => "DecimalSI",
    };
    if given.is_empty() || text == "0" {
        return write(0, 0, if given.is_empty() { "" } else { "0" }, if given.is_empty() { "" } else { "DecimalSI" });
    }
    let digits = text.trim_start_matches('-').bytes().take_while(u8::is_ascii_digit).count();
    let start = text.len() - text.trim_start_matches('-').len();
    let number: i128 = text[..start + digits].parse().unwrap_or(0);
    let suffix = &text[start + digits..];
    if format == "BinarySI" {
        let exponent = match suffix {
            "Ki" => 10,
            "Mi" => 20,
            "Gi" => 30,
            "Ti" => 40,
            "Pi" => 50,
            _ => 60,
        };
        let kept = if number.trailing_zeros() >= 3 { "" } else { text.as_str() };
        return write(number << exponent, 0, kept, format);
    }
    let scale = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        other => other.get(1..).and_then(|e| e.parse().ok()).unwrap_or(0),
    };
    let kept = if text[..start + digits].ends_with("000") { "" } else { text.as_str() };
    write(number, scale, kept, format)
}
