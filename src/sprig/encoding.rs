//! base64, base32, JSON and YAML.

use data_encoding::BASE32;
use data_encoding::BASE64;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::Value;
use crate::value::json;
use crate::yaml;

use super::args::ANY;
use super::args::DICT;
use super::args::LIST;
use super::args::Reply;
use super::args::STR;
use super::args::any;
use super::args::bytes;
use super::args::fixed;
use super::args::string;
use super::deep;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("b64enc", &[STR], STR, |_, a| string(BASE64.encode(bytes(a, 0)))),
    fixed("b64dec", &[STR], STR, |_, a| string(decode(bytes(a, 0), &BASE_64).unwrap_or_else(String::into_bytes))),
    fixed("b32enc", &[STR], STR, |_, a| string(BASE32.encode(bytes(a, 0)))),
    fixed("b32dec", &[STR], STR, |_, a| string(decode(bytes(a, 0), &BASE_32).unwrap_or_else(String::into_bytes))),
    fixed("toJson", &[ANY], STR, |_, a| string(json::to_json(any(a, 0)).unwrap_or_default())),
    fixed("mustToJson", &[ANY], STR, |_, a| string(json::to_json(any(a, 0))?)),
    fixed("toRawJson", &[ANY], STR, |_, a| string(json::to_json_raw(any(a, 0))?)),
    fixed("mustToRawJson", &[ANY], STR, |_, a| string(json::to_json_raw(any(a, 0))?)),
    fixed("toPrettyJson", &[ANY], STR, |_, a| string(json::to_json_pretty(any(a, 0)).unwrap_or_default())),
    fixed("mustToPrettyJson", &[ANY], STR, |_, a| string(json::to_json_pretty(any(a, 0))?)),
    fixed("fromJson", &[STR], DICT, |e, a| read(e, a, |text| Ok(json_dict(text)))),
    fixed("fromJsonArray", &[STR], LIST, |e, a| read(e, a, |text| Ok(json_array(text)))),
    fixed("mustFromJson", &[STR], ANY, |e, a| read(e, a, json::from_json)),
    fixed("toYaml", &[ANY], STR, |_, a| text_of_yaml(Ok(yaml::to_yaml(any(a, 0)).unwrap_or_default()))),
    fixed("mustToYaml", &[ANY], STR, |_, a| text_of_yaml(yaml::to_yaml(any(a, 0)))),
    fixed("toYamlPretty", &[ANY], STR, |_, a| text_of_yaml(Ok(yaml::to_yaml_pretty(any(a, 0)).unwrap_or_default()))),
    fixed("fromYaml", &[STR], DICT, |e, a| read(e, a, |text| Ok(as_dict(yaml::decode(text).map_err(|e| e.message), YAML_PREFIX)))),
    fixed("fromYamlArray", &[STR], LIST, |e, a| read(e, a, |text| Ok(as_array(yaml::decode(text).map_err(|e| e.message), YAML_PREFIX)))),
];

/// What stands before a sentence about types when the text was YAML.
const YAML_PREFIX: &str = "error unmarshaling JSON: while decoding JSON: ";

/// A step reads so many bytes, besides what each call takes for its text.
const READ_A_STEP: usize = 8;
/// What a value that was read takes.
const STEPS_A_VALUE: usize = 2;
/// Aliases may stand for much that is read before it is refused: a byte of a text with aliases takes so many steps.
const STEPS_WITH_ALIASES: usize = 8;

/// Reads a text; what it holds, aliases spelt out, takes steps.
fn read(env: &mut Env<'_>, a: &[Value], decode: impl Fn(&[u8]) -> Reply) -> Reply {
    let text = bytes(a, 0);
    let aliases = memchr::memchr(b'&', text).is_some() && memchr::memchr(b'*', text).is_some();
    env.spend(if aliases { text.len() * STEPS_WITH_ALIASES } else { text.len() / READ_A_STEP })?;
    let value = decode(text)?;
    let most = env.left();
    env.spend(deep::count(&value, most).saturating_mul(STEPS_A_VALUE))?;
    Ok(value)
}

fn text_of_yaml(yaml: Result<Vec<u8>, String>) -> Reply {
    let mut text = yaml?;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    string(text)
}

/// Go's sentence for a JSON value of the wrong type.
fn wrong_type(value: &Value, wanted: &str) -> String {
    let name = match value.kind {
        Kind::Bool(_) => "bool",
        Kind::Str(_) => "string",
        Kind::List(_) => "array",
        Kind::Map(_) => "object",
        _ => "number",
    };
    format!("json: cannot unmarshal {name} into Go value of type {wanted}")
}

/// `null` leaves a nil map behind; what could be read stays beside the error.
fn json_dict(text: &[u8]) -> Value {
    match json::from_json_partial(text) {
        Ok((Value { kind: Kind::Nil, .. }, None)) => Map::nil(GoType::Any).into(),
        Ok((value @ Value { kind: Kind::Map(_), .. }, bad)) => {
            if let (Some(map), Some(bad)) = (value.as_map(), bad) {
                map.insert("Error", bad.into());
            }
            value
        }
        // A number at the top has the wrong type, whatever its size.
        Ok((Value { kind: Kind::Nil, .. }, Some(_))) => as_dict(Ok(0.0.into()), ""),
        Ok((value, _)) => as_dict(Ok(value), ""),
        Err(e) => as_dict(Err(e), ""),
    }
}

/// `null` leaves a nil list behind; an error is the only item.
fn json_array(text: &[u8]) -> Value {
    match json::from_json_partial(text) {
        Ok((Value { kind: Kind::Nil, .. }, None)) => List::nil(GoType::Any).into(),
        Ok((Value { kind: Kind::List(_), .. }, Some(bad))) => as_array(Err(bad), ""),
        Ok((Value { kind: Kind::Nil, .. }, Some(_))) => as_array(Ok(0.0.into()), ""),
        Ok((value, _)) => as_array(Ok(value), ""),
        Err(e) => as_array(Err(e), ""),
    }
}

/// A decoded map; what went wrong is told under the key `Error`.
fn as_dict(decoded: Result<Value, String>, prefix: &str) -> Value {
    let error = match decoded {
        Ok(value) => match value.kind {
            Kind::Map(_) => return value,
            Kind::Nil => return Map::default().into(),
            _ => format!("{prefix}{}", wrong_type(&value, "map[string]interface {}")),
        },
        Err(e) => e,
    };
    let map = Map::default();
    map.insert("Error", error.into());
    map.into()
}

/// A decoded list; what went wrong is its only item.
fn as_array(decoded: Result<Value, String>, prefix: &str) -> Value {
    let error = match decoded {
        Ok(value) => match value.kind {
            Kind::List(_) => return value,
            Kind::Nil => return List::any(Vec::new()).into(),
            _ => format!("{prefix}{}", wrong_type(&value, "[]interface {}")),
        },
        Err(e) => e,
    };
    List::any(vec![error.into()]).into()
}

/// How a base groups its digits.
struct Base {
    name: &'static str,
    bits: u32,
    /// Digits of a full group.
    group: usize,
    /// How many digits a padded group may have.
    partial: &'static [usize],
    digit: fn(u8) -> Option<u8>,
}

const BASE_64: Base = Base {
    name: "base64",
    bits: 6,
    group: 4,
    partial: &[2, 3],
    digit: |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    },
};

const BASE_32: Base = Base {
    name: "base32",
    bits: 5,
    group: 8,
    partial: &[2, 4, 5, 7],
    digit: |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    },
};

/// base64 with padding, as Go decodes it.
pub(super) fn decode_base64(s: &[u8]) -> Result<Vec<u8>, String> {
    decode(s, &BASE_64)
}

/// Decodes as Go's encoding packages do: line ends are skipped, padding is required, the first bad byte is named.
fn decode(s: &[u8], base: &Base) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal {} data at input byte {at}", base.name);
    // base32 counts without the line ends, base64 with them.
    let input: Vec<(usize, u8)> = s.iter().copied().enumerate().filter(|(_, b)| !matches!(b, b'\n' | b'\r')).collect();
    let place = |i: usize| if base.bits == 6 { input.get(i).map_or(s.len(), |p| p.0) } else { i };
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < input.len() {
        let start = i;
        let mut digits = Vec::with_capacity(base.group);
        while digits.len() < base.group && i < input.len() {
            match (base.digit)(input[i].1) {
                Some(d) => digits.push(d),
                None => break,
            }
            i += 1;
        }
        let full = digits.len() == base.group;
        if !full {
            let Some(&(_, b)) = input.get(i) else {
                let at = if base.bits == 6 { s.len() - (i - start) } else { input.len() - (i - start) };
                return Err(corrupt(at));
            };
            if b != b'=' || digits.len() < 2 {
                return Err(corrupt(place(i)));
            }
            let padding = base.group - digits.len();
            for k in 0..padding {
                match input.get(i + k) {
                    Some((_, b'=')) => {}
                    Some(_) => return Err(corrupt(place(i + k))),
                    None => return Err(corrupt(if base.bits == 6 { s.len() } else { input.len() })),
                }
            }
            if !base.partial.contains(&digits.len()) {
                return Err(corrupt(place(i)));
            }
            i += padding;
            if i < input.len() {
                return Err(corrupt(place(i)));
            }
        }
        let bits = digits.iter().fold(0u64, |n, d| n << base.bits | u64::from(*d));
        let count = digits.len() as u32 * base.bits;
        out.extend((0..count / 8).map(|k| (bits >> (count - 8 * (k + 1))) as u8));
    }
    Ok(out)
}
