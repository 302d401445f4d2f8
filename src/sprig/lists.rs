//! Lists.

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoType;
use crate::value::List;
use crate::value::Value;

use super::args::ANY;
use super::args::BOOL;
use super::args::INT;
use super::args::LIST;
use super::args::NIL_DEREFERENCE;
use super::args::Reply;
use super::args::any;
use super::args::as_list;
use super::args::fixed;
use super::args::int;
use super::args::variadic;
use super::deep;
use super::defaults::empty;
use super::kinds::kind_name;
use super::numbers::to_int64;

const LISTS: GoType = GoType::Slice(&GoType::ANY_SLICE);

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("list", &[ANY], LIST, |_, a| Ok(List::any(a.to_vec()).into())),
    variadic("tuple", &[ANY], LIST, |_, a| Ok(List::any(a.to_vec()).into())),
    fixed("append", &[ANY, ANY], LIST, |_, a| push(a)),
    fixed("push", &[ANY, ANY], LIST, |_, a| push(a)),
    fixed("mustAppend", &[ANY, ANY], LIST, |_, a| push(a)),
    fixed("mustPush", &[ANY, ANY], LIST, |_, a| push(a)),
    fixed("prepend", &[ANY, ANY], LIST, |_, a| prepend(a)),
    fixed("mustPrepend", &[ANY, ANY], LIST, |_, a| prepend(a)),
    fixed("first", &[ANY], ANY, |_, a| first(a)),
    fixed("mustFirst", &[ANY], ANY, |_, a| first(a)),
    fixed("last", &[ANY], ANY, |_, a| last(a)),
    fixed("mustLast", &[ANY], ANY, |_, a| last(a)),
    fixed("rest", &[ANY], LIST, |_, a| rest(a)),
    fixed("mustRest", &[ANY], LIST, |_, a| rest(a)),
    fixed("initial", &[ANY], LIST, |_, a| initial(a)),
    fixed("mustInitial", &[ANY], LIST, |_, a| initial(a)),
    fixed("reverse", &[ANY], LIST, |_, a| reverse(a)),
    fixed("mustReverse", &[ANY], LIST, |_, a| reverse(a)),
    fixed("uniq", &[ANY], LIST, uniq),
    fixed("mustUniq", &[ANY], LIST, uniq),
    fixed("compact", &[ANY], LIST, compact),
    fixed("mustCompact", &[ANY], LIST, compact),
    variadic("without", &[ANY, ANY], LIST, without),
    variadic("mustWithout", &[ANY, ANY], LIST, without),
    fixed("has", &[ANY, ANY], BOOL, has),
    fixed("mustHas", &[ANY, ANY], BOOL, has),
    variadic("slice", &[ANY, ANY], ANY, |_, a| slice(a)),
    variadic("mustSlice", &[ANY, ANY], ANY, |_, a| slice(a)),
    fixed("chunk", &[INT, ANY], LISTS, |_, a| chunk(a)),
    fixed("mustChunk", &[INT, ANY], LISTS, |_, a| chunk(a)),
    variadic("concat", &[ANY], ANY, |_, a| {
        let mut all = Vec::new();
        // Nothing appended to a nil slice leaves it nil.
        for value in a {
            all.extend_from_slice(expect(value, |kind| format!("Cannot concat type {kind} as list"))?.items());
        }
        Ok(if all.is_empty() { List::nil(GoType::Any) } else { List::any(all) }.into())
    }),
];

/// So many items are looked at in a step.
const ITEMS_A_STEP: usize = 8;

/// The list a value is; other kinds are refused with a sentence that names them.
fn expect(value: &Value, sentence: impl Fn(&str) -> String) -> Result<List, String> {
    if value.is_nil() {
        return Err(NIL_DEREFERENCE.to_owned());
    }
    as_list(value).ok_or_else(|| sentence(kind_name(value)))
}

fn collect(items: Vec<Value>) -> Reply {
    Ok(List::any(items).into())
}

fn push(a: &[Value]) -> Reply {
    let mut items = expect(any(a, 0), |k| format!("Cannot push on type {k}"))?.items().to_vec();
    items.push(any(a, 1).clone());
    collect(items)
}

fn prepend(a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot prepend on type {k}"))?;
    collect(std::iter::once(any(a, 1)).chain(list.items()).cloned().collect())
}

fn first(a: &[Value]) -> Reply {
    Ok(expect(any(a, 0), |k| format!("Cannot find first on type {k}"))?.items().first().cloned().unwrap_or_default())
}

fn last(a: &[Value]) -> Reply {
    Ok(expect(any(a, 0), |k| format!("Cannot find last on type {k}"))?.items().last().cloned().unwrap_or_default())
}

fn rest(a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot find rest on type {k}"))?;
    if list.items().is_empty() {
        return Ok(List::nil(GoType::Any).into());
    }
    collect(list.items().iter().skip(1).cloned().collect())
}

fn initial(a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot find initial on type {k}"))?;
    match list.items().split_last() {
        Some((_, init)) => collect(init.to_vec()),
        None => Ok(List::nil(GoType::Any).into()),
    }
}

fn reverse(a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot find reverse on type {k}"))?;
    collect(list.items().iter().rev().cloned().collect())
}

fn uniq(env: &mut Env<'_>, a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot find uniq on type {k}"))?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list.items() {
        if !any_equal(env, &kept, item)? {
            kept.push(item.clone());
        }
    }
    collect(kept)
}

/// Whether one of `items` equals `value`.
fn any_equal(env: &mut Env<'_>, items: &[Value], value: &Value) -> Result<bool, String> {
    env.spend(items.len() / ITEMS_A_STEP)?;
    for item in items {
        if deep::equal(env, item, value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compact(env: &mut Env<'_>, a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot compact on type {k}"))?;
    env.spend(list.items().len() / ITEMS_A_STEP)?;
    collect(list.items().iter().filter(|v| !empty(v)).cloned().collect())
}

fn without(env: &mut Env<'_>, a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("Cannot find without on type {k}"))?;
    env.spend(list.items().len() / ITEMS_A_STEP)?;
    let mut kept = Vec::new();
    for item in list.items() {
        if !any_equal(env, a.get(1..).unwrap_or(&[]), item)? {
            kept.push(item.clone());
        }
    }
    collect(kept)
}

fn has(env: &mut Env<'_>, a: &[Value]) -> Reply {
    if any(a, 1).is_nil() {
        return Ok(false.into());
    }
    let list = expect(any(a, 1), |k| format!("Cannot find has on type {k}"))?;
    Ok(any_equal(env, list.items(), any(a, 0))?.into())
}

fn slice(a: &[Value]) -> Reply {
    let list = expect(any(a, 0), |k| format!("list should be type of slice or array but {k}"))?;
    let len = list.items().len() as i64;
    if len == 0 {
        return Ok(Value::NIL);
    }
    let start = a.get(1).map_or(0, to_int64);
    let end = a.get(2).map_or(len, to_int64);
    if start == 0 && end == len {
        return Ok(any(a, 0).clone());
    }
    if start < 0 || start > end || end > len {
        return Err("reflect.Value.Slice: slice index out of bounds".to_owned());
    }
    Ok(List::new(list.elem(), list.items()[start as usize..end as usize].to_vec()).into())
}

fn chunk(a: &[Value]) -> Reply {
    let size = int(a, 0);
    let list = expect(any(a, 1), |k| format!("Cannot chunk type {k}"))?;
    let items = list.items();
    let too_long = || Err("runtime error: makeslice: len out of range".to_owned());
    let count = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
    if !(0.0..=1e15).contains(&count) {
        return too_long();
    }
    let mut chunks = Vec::new();
    for i in 0..count as i64 {
        // The last chunk has the rest; a negative size passes the sum where the rest is not zero.
        let rest = if size == 0 { 0 } else { items.len() as i64 % size };
        let len = if i + 1 == count as i64 && rest != 0 { rest } else { size };
        let (Ok(start), Ok(len)) = (usize::try_from(i * size), usize::try_from(len)) else { return too_long() };
        let Some(part) = items.get(start..start + len) else { return Err("reflect: slice index out of range".to_owned()) };
        chunks.push(List::any(part.to_vec()).into());
    }
    Ok(List::new(GoType::ANY_SLICE, chunks).into())
}
