//! Deep comparison and deep copies.

use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::Value;
use crate::value::stacked;

/// How deep values are followed; what is deeper is a cycle.
const MAX_DEPTH: usize = 1000;

/// So many values are looked at; lists that share their items can spell out to any number.
const MAX_VALUES: usize = 20_000_000;

/// `reflect.DeepEqual`.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    equal_at(a, b, 0, &mut 0)
}

fn equal_at(a: &Value, b: &Value, depth: usize, seen: &mut usize) -> bool {
    *seen += 1;
    if depth > MAX_DEPTH || *seen > MAX_VALUES {
        return true;
    }
    match (&a.kind, &b.kind) {
        (Kind::Nil, Kind::Nil) => true,
        (Kind::Bool(x), Kind::Bool(y)) => x == y,
        (Kind::Int(t, x), Kind::Int(u, y)) => t == u && x == y,
        (Kind::Uint(t, x), Kind::Uint(u, y)) => t == u && x == y,
        (Kind::Float(x), Kind::Float(y)) => x == y,
        (Kind::Complex(a, b), Kind::Complex(c, d)) => a == c && b == d,
        (Kind::Str(x), Kind::Str(y)) => x == y,
        (Kind::List(x), Kind::List(y)) => {
            // The same list in memory equals itself, but for NaN, which no template holds.
            x.items().as_ptr() == y.items().as_ptr() && x.items().len() == y.items().len() && !x.items().is_empty()
                || x.elem() == y.elem()
                    && x.is_nil() == y.is_nil()
                    && x.items().len() == y.items().len()
                    && x.items().iter().zip(y.items()).all(|(v, w)| stacked(|| equal_at(v, w, depth + 1, seen)))
        }
        (Kind::Map(x), Kind::Map(y)) => {
            x.same(y) || {
                let (m, n) = (x.borrow(), y.borrow());
                x.type_name() == y.type_name()
                    && x.is_nil() == y.is_nil()
                    && m.len() == n.len()
                    && m.iter().zip(n.iter()).all(|((k, v), (l, w))| k == l && stacked(|| equal_at(v, w, depth + 1, seen)))
            }
        }
        (Kind::Object(x), Kind::Object(y)) => x.go_type() == y.go_type() && x.print() == y.print(),
        _ => false,
    }
}

/// A copy that shares no map.
pub(super) fn copy(value: &Value) -> Result<Value, String> {
    if value.is_nil() {
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    copy_at(value, 0, &mut 0)
}

fn copy_at(value: &Value, depth: usize, seen: &mut usize) -> Result<Value, String> {
    *seen += 1;
    if *seen > MAX_VALUES {
        return Err("the value is too large to be copied".to_owned());
    }
    if depth > MAX_DEPTH {
        return Err("the value is nested too deeply to be copied".to_owned());
    }
    let kind = match &value.kind {
        // A nil slice or map stays one.
        Kind::List(l) if l.is_nil() => value.kind.clone(),
        Kind::Map(m) if m.is_nil() => value.kind.clone(),
        Kind::List(l) => {
            let items = l.items().iter().map(|v| stacked(|| copy_at(v, depth + 1, seen))).collect::<Result<_, _>>()?;
            Kind::List(List::new(l.elem(), items))
        }
        Kind::Map(m) => {
            let entries =
                m.borrow().iter().map(|(k, v)| Ok((k.clone(), stacked(|| copy_at(v, depth + 1, seen))?))).collect::<Result<_, String>>()?;
            Kind::Map(Map::typed(m.elem(), m.name(), entries))
        }
        other => other.clone(),
    };
    Ok(Value { kind, origin: value.origin })
}
