//! The functions text/template brings itself. upstream: text/template/funcs.go

use super::exec::{Rv, truth, zero};
use crate::value::{GoType, Kind, List, ReflectKind, Str, Value};
use crate::value::{is_print, print_value, sprint, sprintf, sprintln};

/// A builtin function and the shape of its parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builtin {
    name: &'static str,
    /// Parameters before the one that repeats.
    pub(super) fixed: usize,
    /// Whether there is one that repeats.
    pub(super) variadic: bool,
    /// Whether parameters are `any` and not `reflect.Value`.
    any: bool,
}

const fn reflect(name: &'static str, fixed: usize, variadic: bool) -> Builtin {
    Builtin { name, fixed, variadic, any: false }
}

const fn any(name: &'static str, fixed: usize) -> Builtin {
    Builtin { name, fixed, variadic: true, any: true }
}

const BUILTINS: [Builtin; 19] = [
    reflect("and", 1, true),
    reflect("or", 1, true),
    reflect("not", 1, false),
    reflect("eq", 1, true),
    reflect("ne", 2, false),
    reflect("lt", 2, false),
    reflect("le", 2, false),
    reflect("gt", 2, false),
    reflect("ge", 2, false),
    reflect("len", 1, false),
    reflect("index", 1, true),
    reflect("slice", 1, true),
    reflect("call", 1, true),
    any("print", 0),
    any("println", 0),
    any("printf", 1),
    any("html", 0),
    any("js", 0),
    any("urlquery", 0),
];

/// The builtin of a name.
pub(super) fn find(name: &str) -> Option<Builtin> {
    BUILTINS.iter().find(|b| b.name == name).copied()
}

impl Builtin {
    /// The Go type of a parameter; `None` for a `reflect.Value`.
    pub(super) fn param(self, i: usize) -> Option<GoType> {
        self.any.then_some(if i < self.fixed { GoType::String } else { GoType::Any })
    }

    /// Whether it is `and` or `or`.
    pub(super) fn logic(self) -> bool {
        matches!(self.name, "and" | "or")
    }
}

type Answer<T> = Result<T, String>;

/// Calls a builtin; the error is Go's sentence.
pub(super) fn call(b: Builtin, args: Vec<Rv>, callee: &dyn Fn() -> String) -> Answer<Rv> {
    let boolean = |r: Answer<bool>| r.map(|b| Rv::Val(b.into()));
    match b.name {
        "not" => Ok(Rv::Val((!args[0].as_value().is_some_and(truth)).into())),
        "eq" => boolean(eq(&args[0], &args[1..])),
        "ne" => boolean(eq(&args[0], &args[1..]).map(|b| !b)),
        "lt" => boolean(lt(&args[0], &args[1])),
        "le" => boolean(le(&args)),
        "gt" => boolean(le(&args).map(|b| !b)),
        "ge" => boolean(lt(&args[0], &args[1]).map(|b| !b)),
        "len" => len(&args[0]).map(|n| Rv::Val(Value::int(n as i64))),
        "index" => index(args),
        "slice" => slice(&args),
        "call" => match args[0].as_value() {
            None => Err("call of nil".to_owned()),
            Some(v) => Err(format!("non-function {} of type {}", callee(), v.go_type_name().unwrap_or_default())),
        },
        _ => {
            let values: Vec<Value> = args.into_iter().map(Rv::value).collect();
            text(b.name, &values).map(|t| Rv::Val(Str::from(t).into()))
        }
    }
}

fn text(name: &str, args: &[Value]) -> Answer<Vec<u8>> {
    match name {
        "print" => sprint(args).map_err(|e| e.0),
        "println" => sprintln(args).map_err(|e| e.0),
        "printf" => {
            let format = args[0].as_str().cloned().unwrap_or_else(|| "".into());
            sprintf(format.as_bytes(), &args[1..]).map_err(|e| e.0)
        }
        "html" => Ok(html(&joined(args)?)),
        "js" => Ok(js(&joined(args)?)),
        _ => Ok(url_query(&joined(args)?)),
    }
}

/// The arguments as one text, as the escaping functions take them.
fn joined(args: &[Value]) -> Answer<Vec<u8>> {
    if let [Value { kind: Kind::Str(s), .. }] = args {
        return Ok(s.as_bytes().to_vec());
    }
    let shown: Vec<Value> = args.iter().map(|a| if a.is_nil() { "<no value>".into() } else { a.clone() }).collect();
    sprint(&shown).map_err(|e| e.0)
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for b in text {
        match b {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b => out.push(*b),
        }
    }
    out
}

fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\'' => out.extend_from_slice(b"\\'"),
                '"' => out.extend_from_slice(b"\\\""),
                '<' | '>' | '&' | '=' | '\0'..='\x1f' => out.extend_from_slice(format!("\\u00{:02X}", c as u32).as_bytes()),
                c if c.is_ascii() || is_print(c) => out.extend_from_slice(c.to_string().as_bytes()),
                c => out.extend_from_slice(format!("\\u{:04X}", c as u32).as_bytes()),
            }
        }
        // Go decodes a bad byte to U+FFFD, which is printable, and writes the byte itself.
        out.extend_from_slice(chunk.invalid());
    }
    out
}

fn url_query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for b in text {
        match b {
            b' ' => out.push(b'+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*b),
            b => out.extend_from_slice(format!("%{b:02X}").as_bytes()),
        }
    }
    out
}

/// An object that is a list or map underneath, as that.
fn underlying(v: &Value) -> Value {
    match &v.kind {
        Kind::Object(o) => o.underlying().unwrap_or_else(|| v.clone()),
        _ => v.clone(),
    }
}

fn type_name(v: &Value) -> String {
    v.go_type_name().unwrap_or_default()
}

fn len(arg: &Rv) -> Answer<usize> {
    let v = match arg {
        Rv::Iface(v) if v.is_nil() => return Err("len of nil pointer".to_owned()),
        Rv::Missing | Rv::Invalid => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        Rv::Iface(v) | Rv::Val(v) => v,
    };
    match &underlying(v).kind {
        Kind::Str(s) => Ok(s.len()),
        Kind::List(l) => Ok(l.items().len()),
        Kind::Map(m) => Ok(m.len()),
        _ => Err(format!("len of type {}", type_name(v).trim_start_matches('*'))),
    }
}

/// An index as an integer between 0 and `limit`.
fn index_arg(index: &Rv, limit: usize) -> Answer<usize> {
    let number = index.as_value().map(plain);
    let x = match number.as_ref().map(|v| &v.kind) {
        None => return Err("cannot index slice/array with nil".to_owned()),
        Some(Kind::Int(_, n)) => *n,
        Some(Kind::Uint(_, n)) => *n as i64,
        Some(_) => {
            return Err(format!("cannot index slice/array with type {}", index.as_value().map(type_name).unwrap_or_default()));
        }
    };
    match usize::try_from(x) {
        Ok(n) if n <= limit => Ok(n),
        _ => Err(format!("index out of range: {x}")),
    }
}

fn index(args: Vec<Rv>) -> Answer<Rv> {
    let mut args = args.into_iter();
    let mut item = args.next().unwrap_or(Rv::Invalid).strip();
    if item.as_value().is_none() {
        return Err("index of untyped nil".to_owned());
    }
    for arg in args {
        let index = arg.strip();
        let Some(v) = item.as_value() else { return Err("index of nil pointer".to_owned()) };
        let name = type_name(v);
        item = match &underlying(v).kind {
            Kind::List(list) => {
                let i = index_arg(&index, list.items().len())?;
                let Some(v) = list.items().get(i) else { return Err("reflect: slice index out of range".to_owned()) };
                Rv::element(v.clone(), list.elem())
            }
            Kind::Str(s) => {
                let i = index_arg(&index, s.len())?;
                let Some(b) = s.as_bytes().get(i) else { return Err("reflect: string index out of range".to_owned()) };
                Rv::Val(Value::from(Kind::Uint(crate::value::UintType::Uint8, u64::from(*b))).with_origin(v.origin))
            }
            Kind::Map(map) => {
                let Some(key) = index.as_value() else { return Err("value is nil; should be of type string".to_owned()) };
                let Kind::Str(key) = &key.kind else {
                    return Err(format!("value has type {}; should be string", type_name(key)));
                };
                map.get(key.as_bytes()).map_or_else(|| zero(map.elem()), |v| Rv::element(v, map.elem()))
            }
            _ => return Err(format!("can't index item of type {}", name.trim_start_matches('*'))),
        };
    }
    Ok(item)
}

fn slice(args: &[Rv]) -> Answer<Rv> {
    let Some(v) = args[0].as_value() else { return Err("slice of untyped nil".to_owned()) };
    let indexes = &args[1..];
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let item = underlying(v);
    let count = match &item.kind {
        Kind::Str(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Kind::Str(s) => s.len(),
        Kind::List(l) => l.items().len(),
        _ => return Err(format!("can't slice item of type {}", type_name(v))),
    };
    let mut at = [0, count, count];
    for (i, index) in indexes.iter().enumerate() {
        at[i] = index_arg(&index.clone().strip(), count)?;
    }
    if at[0] > at[1] {
        return Err(format!("invalid slice index: {} > {}", at[0], at[1]));
    }
    if indexes.len() == 3 && at[1] > at[2] {
        return Err(format!("invalid slice index: {} > {}", at[1], at[2]));
    }
    Ok(Rv::Val(match &item.kind {
        Kind::Str(s) => Str::from(&s.as_bytes()[at[0]..at[1]]).into(),
        Kind::List(l) => List::new(l.elem(), l.items()[at[0]..at[1]].to_vec()).into(),
        _ => Value::NIL,
    }))
}

/// What can be compared with what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Invalid,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(v: Option<&Value>) -> Basic {
    match v.map(|v| &v.kind) {
        Some(Kind::Bool(_)) => Basic::Bool,
        Some(Kind::Int(..)) => Basic::Int,
        Some(Kind::Uint(..)) => Basic::Uint,
        Some(Kind::Float(_)) => Basic::Float,
        Some(Kind::Complex(..)) => Basic::Complex,
        Some(Kind::Str(_)) => Basic::String,
        _ => Basic::Invalid,
    }
}

/// What `%s` prints.
fn shown(v: &Value) -> String {
    String::from_utf8_lossy(&sprintf(b"%s", std::slice::from_ref(v)).unwrap_or_default()).into_owned()
}

/// What `%v` prints.
fn printed(v: &Value) -> String {
    String::from_utf8_lossy(&print_value(v).unwrap_or_default()).into_owned()
}

/// A defined type that is a number underneath, such as a duration, as that number.
fn plain(v: &Value) -> Value {
    match &v.kind {
        Kind::Object(o) if o.go_type().kind() == ReflectKind::Int => o.underlying().unwrap_or_else(|| v.clone()),
        _ => v.clone(),
    }
}

/// Whether it is a nil map or slice.
fn is_nil(v: &Value) -> bool {
    match &v.kind {
        Kind::List(l) => l.is_nil(),
        Kind::Map(m) => m.is_nil(),
        _ => false,
    }
}

fn eq(first: &Rv, others: &[Rv]) -> Answer<bool> {
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    let a = first.as_value();
    for other in others {
        let b = other.as_value();
        if eq_pair(a, b)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn eq_pair(a: Option<&Value>, b: Option<&Value>) -> Answer<bool> {
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(a.is_none_or(is_nil) && b.is_none_or(is_nil));
    };
    let (x, y) = (plain(a), plain(b));
    Ok(match (&x.kind, &y.kind) {
        (Kind::Bool(x), Kind::Bool(y)) => x == y,
        (Kind::Int(_, x), Kind::Int(_, y)) => x == y,
        (Kind::Uint(_, x), Kind::Uint(_, y)) => x == y,
        (Kind::Int(_, x), Kind::Uint(_, y)) | (Kind::Uint(_, y), Kind::Int(_, x)) => u64::try_from(*x) == Ok(*y),
        (Kind::Float(x), Kind::Float(y)) => x == y,
        (Kind::Complex(x, y), Kind::Complex(z, w)) => x == z && y == w,
        (Kind::Str(x), Kind::Str(y)) => x == y,
        _ => {
            if basic(Some(&x)) != basic(Some(&y)) {
                return Err(format!("incompatible types for comparison: {} and {}", type_name(a), type_name(b)));
            }
            if a.reflect_kind() != b.reflect_kind() {
                return Err(format!("non-comparable types {}: {}, {}: {}", shown(a), type_name(a), type_name(b), printed(b)));
            }
            if is_nil(a) || is_nil(b) {
                return Ok(is_nil(a) == is_nil(b));
            }
            match (&a.kind, &b.kind) {
                (Kind::Object(x), Kind::Object(y))
                    if !matches!(y.go_type().kind(), ReflectKind::Map | ReflectKind::Slice | ReflectKind::Func) =>
                {
                    std::rc::Rc::ptr_eq(x, y)
                        || (y.go_type().kind() != ReflectKind::Ptr && x.go_type() == y.go_type() && x.print() == y.print())
                }
                _ => return Err(format!("non-comparable type {}: {}", shown(b), type_name(b))),
            }
        }
    })
}

fn lt(a: &Rv, b: &Rv) -> Answer<bool> {
    let bad = || Err("invalid type for comparison".to_owned());
    let (Some(a), Some(b)) = (a.as_value(), b.as_value()) else { return bad() };
    let (x, y) = (plain(a), plain(b));
    if basic(Some(&x)) == Basic::Invalid || basic(Some(&y)) == Basic::Invalid {
        return bad();
    }
    Ok(match (&x.kind, &y.kind) {
        (Kind::Int(_, x), Kind::Uint(_, y)) => u64::try_from(*x).map_or(true, |x| x < *y),
        (Kind::Uint(_, x), Kind::Int(_, y)) => u64::try_from(*y).is_ok_and(|y| *x < y),
        (Kind::Int(_, x), Kind::Int(_, y)) => x < y,
        (Kind::Uint(_, x), Kind::Uint(_, y)) => x < y,
        (Kind::Float(x), Kind::Float(y)) => x < y,
        (Kind::Str(x), Kind::Str(y)) => x.as_bytes() < y.as_bytes(),
        (Kind::Bool(_), Kind::Bool(_)) | (Kind::Complex(..), Kind::Complex(..)) => return bad(),
        _ => return Err(format!("incompatible types for comparison: {} and {}", type_name(a), type_name(b))),
    })
}

fn le(args: &[Rv]) -> Answer<bool> {
    Ok(lt(&args[0], &args[1])? || eq(&args[0], &args[1..])?)
}
