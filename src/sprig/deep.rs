//! Deep comparison and deep copies.

use crate::gotmpl::Env;
use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::Value;
use crate::value::stacked;

/// How deep values are followed; what is deeper is a cycle.
const MAX_DEPTH: usize = 1000;

/// So many values are compared in a step.
const COMPARED_A_STEP: usize = 8;
/// A value that is copied takes so many steps: it takes memory.
const STEPS_A_COPY: usize = 4;

/// `reflect.DeepEqual`.
///
/// # Errors
/// When the steps of the rendering are used up: lists that share their items can spell out to any number.
pub(super) fn equal(env: &mut Env<'_>, a: &Value, b: &Value) -> Result<bool, String> {
    let most = env.left().saturating_mul(COMPARED_A_STEP);
    let mut left = most;
    let equal = equal_at(a, b, 0, &mut left);
    env.spend(if left == 0 { usize::MAX } else { (most - left) / COMPARED_A_STEP })?;
    Ok(equal)
}

/// How many values there are in a value; none are counted beyond `most`.
pub(super) fn count(value: &Value, most: usize) -> usize {
    let mut seen = 0;
    let mut open = vec![value.clone()];
    while let Some(next) = open.pop() {
        seen += 1;
        if seen >= most {
            break;
        }
        match &next.kind {
            Kind::List(l) => open.extend(l.items().iter().cloned()),
            Kind::Map(m) => open.extend(m.borrow().values().cloned()),
            _ => {}
        }
    }
    seen
}

fn equal_at(a: &Value, b: &Value, depth: usize, left: &mut usize) -> bool {
    if depth > MAX_DEPTH || *left == 0 {
        return true;
    }
    *left -= 1;
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
                    && x.items().iter().zip(y.items()).all(|(v, w)| stacked(|| equal_at(v, w, depth + 1, left)))
        }
        (Kind::Map(x), Kind::Map(y)) => {
            x.same(y) || {
                let (m, n) = (x.borrow(), y.borrow());
                x.type_name() == y.type_name()
                    && x.is_nil() == y.is_nil()
                    && m.len() == n.len()
                    && m.iter().zip(n.iter()).all(|((k, v), (l, w))| k == l && stacked(|| equal_at(v, w, depth + 1, left)))
            }
        }
        (Kind::Object(x), Kind::Object(y)) => x.go_type() == y.go_type() && x.print() == y.print(),
        _ => false,
    }
}

/// A copy that shares no map.
///
/// # Errors
/// When the value is nil, nested too deeply, or too large for the steps of the rendering.
pub(super) fn copy(env: &mut Env<'_>, value: &Value) -> Result<Value, String> {
    if value.is_nil() {
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    copy_at(env, value, 0)
}

fn copy_at(env: &mut Env<'_>, value: &Value, depth: usize) -> Result<Value, String> {
    env.spend(STEPS_A_COPY)?;
    if depth > MAX_DEPTH {
        return Err("the value is nested too deeply to be copied".to_owned());
    }
    let kind = match &value.kind {
        // A nil slice or map stays one.
        Kind::List(l) if l.is_nil() => value.kind.clone(),
        Kind::Map(m) if m.is_nil() => value.kind.clone(),
        Kind::List(l) => {
            let items = l.items().iter().map(|v| stacked(|| copy_at(env, v, depth + 1))).collect::<Result<_, _>>()?;
            Kind::List(List::new(l.elem(), items))
        }
        Kind::Map(m) => {
            let entries =
                m.borrow().iter().map(|(k, v)| Ok((k.clone(), stacked(|| copy_at(env, v, depth + 1))?))).collect::<Result<_, String>>()?;
            Kind::Map(Map::typed(m.elem(), m.name(), entries))
        }
        other => other.clone(),
    };
    Ok(Value { kind, origin: value.origin })
}
