//! Dictionaries: shared, mutable maps.

use std::collections::BTreeMap;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::Kind;
use crate::value::List;
use crate::value::Map;
use crate::value::Str;
use crate::value::Value;
use crate::value::stacked;

use super::args::ANY;
use super::args::BOOL;
use super::args::DICT;
use super::args::LIST;
use super::args::Reply;
use super::args::STR;
use super::args::STRS;
use super::args::any;
use super::args::bytes;
use super::args::dict;
use super::args::fixed;
use super::args::variadic;
use super::deep;
use super::defaults::empty;
use super::kinds::type_name;
use super::text;

/// How deep maps are merged; what is deeper is a cycle.
const MAX_DEPTH: usize = 1000;

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[ANY], DICT, |_, a| {
        let map = Map::default();
        for pair in a.chunks(2) {
            let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
            map.insert(text::strval(&pair[0]), value);
        }
        Ok(map.into())
    }),
    fixed("get", &[DICT, STR], ANY, |_, a| Ok(dict(a, 0).get(bytes(a, 1)).unwrap_or_else(|| "".into()))),
    fixed("set", &[DICT, STR, ANY], DICT, |_, a| {
        let Some(map) = any(a, 0).as_map().filter(|m| !m.is_nil()) else { return Err("assignment to entry in nil map".to_owned()) };
        map.insert(bytes(a, 1), any(a, 2).clone());
        Ok(any(a, 0).clone())
    }),
    fixed("unset", &[DICT, STR], DICT, |_, a| {
        dict(a, 0).remove(bytes(a, 1));
        Ok(any(a, 0).clone())
    }),
    fixed("hasKey", &[DICT, STR], BOOL, |_, a| Ok(dict(a, 0).get(bytes(a, 1)).is_some().into())),
    variadic("pluck", &[STR, DICT], LIST, |_, a| Ok(List::any((1..a.len()).filter_map(|i| dict(a, i).get(bytes(a, 0))).collect()).into())),
    variadic("keys", &[DICT], STRS, |_, a| {
        let keys: Vec<Str> = (0..a.len()).flat_map(|i| dict(a, i).borrow().keys().cloned().collect::<Vec<_>>()).collect();
        Ok(List::strings(keys).into())
    }),
    fixed("values", &[DICT], LIST, |_, a| Ok(List::any(dict(a, 0).borrow().values().cloned().collect()).into())),
    variadic("pick", &[DICT, STR], DICT, |_, a| {
        let map = dict(a, 0);
        let picked: BTreeMap<Str, Value> = (1..a.len()).filter_map(|i| Some((Str::from(bytes(a, i)), map.get(bytes(a, i))?))).collect();
        Ok(Map::new(picked).into())
    }),
    variadic("omit", &[DICT, STR], DICT, |e, a| {
        let map = dict(a, 0);
        e.spend(map.borrow().len())?;
        let kept = map
            .borrow()
            .iter()
            .filter(|(k, _)| !(1..a.len()).any(|i| bytes(a, i) == k.as_bytes()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        Ok(Map::new(kept).into())
    }),
    fixed("deepCopy", &[ANY], ANY, |e, a| deep::copy(e, any(a, 0))),
    fixed("mustDeepCopy", &[ANY], ANY, |e, a| deep::copy(e, any(a, 0))),
    variadic("dig", &[ANY], ANY, dig),
    variadic("merge", &[DICT, DICT], ANY, |e, a| Ok(merge_all(e, a, Mode::Fill).unwrap_or_else(|_| "".into()))),
    variadic("mustMerge", &[DICT, DICT], ANY, |e, a| merge_all(e, a, Mode::Fill)),
    variadic("mergeOverwrite", &[DICT, DICT], ANY, |e, a| Ok(merge_all(e, a, Mode::Overwrite).unwrap_or_else(|_| "".into()))),
    variadic("mustMergeOverwrite", &[DICT, DICT], ANY, |e, a| merge_all(e, a, Mode::Overwrite)),
];

fn conversion(value: &Value, wanted: &str) -> String {
    if value.is_nil() {
        return format!("interface conversion: interface {{}} is nil, not {wanted}");
    }
    format!("interface conversion: interface {{}} is {}, not {wanted}", type_name(value))
}

fn plain_map(value: &Value) -> Result<Map, String> {
    match value.as_map() {
        Some(m) if m.type_name() == "map[string]interface {}" => Ok(m.clone()),
        _ => Err(conversion(value, "map[string]interface {}")),
    }
}

fn dig(_: &mut Env<'_>, a: &[Value]) -> Reply {
    let [keys @ .., default, last] = a else { return Err("dig needs at least three arguments".to_owned()) };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut map = plain_map(last)?;
    let names = keys.iter().map(|k| k.as_str().ok_or_else(|| conversion(k, "string"))).collect::<Result<Vec<_>, _>>()?;
    for (i, name) in names.iter().enumerate() {
        let Some(step) = map.get(name.as_bytes()) else { return Ok(default.clone()) };
        if i + 1 == names.len() {
            return Ok(step);
        }
        map = plain_map(&step)?;
    }
    Ok(default.clone())
}

/// Whether a merge replaces what is already there.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Fill,
    Overwrite,
}

fn merge_all(env: &mut Env<'_>, a: &[Value], mode: Mode) -> Reply {
    let Some(target) = any(a, 0).as_map() else { return Ok(any(a, 0).clone()) };
    if target.is_nil() && a.iter().skip(1).filter_map(Value::as_map).any(|m| !m.is_nil()) {
        // Merging makes a map of the nil one.
        let made = Map::default();
        let rest: Vec<Value> = std::iter::once(made.into()).chain(a.iter().skip(1).cloned()).collect();
        return merge_all(env, &rest, mode);
    }
    for source in a.iter().skip(1).filter_map(Value::as_map) {
        merge(env, target, source, mode, 0)?;
    }
    Ok(any(a, 0).clone())
}

/// What an entry takes that is merged.
const STEPS_A_MERGE: usize = 4;

/// As mergo merges maps: maps merge deep, other values fill what is empty or, when overwriting, replace; lists are
/// replaced as a whole.
fn merge(env: &mut Env<'_>, target: &Map, source: &Map, mode: Mode, depth: usize) -> Result<(), String> {
    if target.same(source) || depth > MAX_DEPTH {
        return Ok(());
    }
    env.spend(source.borrow().len() * STEPS_A_MERGE)?;
    let entries: Vec<(Str, Value)> = source.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, new) in entries {
        let old = target.get(key.as_bytes());
        if new.is_nil() {
            if mode == Mode::Overwrite {
                target.insert(key, new);
            }
            continue;
        }
        let old_empty = old.as_ref().is_none_or(empty);
        match (&new.kind, old.as_ref().map(|o| &o.kind)) {
            (Kind::Map(n), Some(Kind::Map(o))) => {
                stacked(|| merge(env, o, n, mode, depth + 1))?;
                if !old_empty {
                    continue;
                }
            }
            (Kind::List(_), Some(_)) if !old_empty && mode == Mode::Fill => continue,
            _ => {}
        }
        if mode == Mode::Overwrite || old_empty {
            target.insert(key, new);
        }
    }
    Ok(())
}
