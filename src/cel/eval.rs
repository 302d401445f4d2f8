//! Evaluation, with the run-time costs upstream counts. upstream: cel-go interpreter/

use std::collections::HashMap;
use std::rc::Rc;

use super::ast::{Comprehension, Expr, Kind, Literal};
use super::check::Checked;
use super::functions;
use super::library::Opaque;
use super::runtime_cost;
use super::value::{Fail, List, Map, Out, Val};

/// The largest cost of one evaluation.
pub const CALL_LIMIT: u64 = 1_000_000;

/// What an evaluation is given from outside.
pub struct Host<'h, 'a> {
    /// The value of a variable.
    pub variable: &'h dyn Fn(&str) -> Option<Out<'a>>,
    /// What is wrong with a text in a named format.
    pub format: &'h dyn Fn(&str, &str) -> Vec<String>,
    /// The largest cost.
    pub limit: u64,
}

/// An evaluation under way.
pub(super) struct Eval<'h, 'a> {
    pub(super) host: &'h Host<'h, 'a>,
    checked: &'h Checked,
    locals: Vec<(String, Val<'a>)>,
    pub(super) cost: u64,
    regexes: HashMap<String, Rc<regex::Regex>>,
}

/// Evaluates a checked tree; gives the result and what it cost.
pub(super) fn evaluate<'a>(expr: &Expr, checked: &Checked, host: &Host<'_, 'a>) -> (Out<'a>, u64) {
    let mut eval = Eval { host, checked, locals: Vec::new(), cost: 0, regexes: HashMap::new() };
    let out = eval.eval(expr);
    (out, eval.cost)
}

/// A constant of the tree.
fn constant<'a>(literal: &Literal) -> Val<'a> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(b) => Val::Bool(*b),
        Literal::Int(i) => Val::Int(*i),
        Literal::Uint(u) => Val::Uint(*u),
        Literal::Double(d) => Val::Double(*d),
        Literal::Str(s) => Val::text(s.as_str()),
        Literal::Bytes(b) => Val::Bytes(b.as_slice().into()),
    }
}

/// Whether the planner folds the tree into a constant, which costs nothing.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Literal(_) => true,
        Kind::List { items, optional } => optional.is_empty() && items.iter().all(is_constant),
        Kind::Map(entries) => entries.iter().all(|e| !e.optional && is_constant(&e.key) && is_constant(&e.value)),
        Kind::Call { function, target: None, args } => {
            matches!(function.as_str(), "bool" | "bytes" | "double" | "duration" | "dyn" | "int" | "string" | "timestamp" | "type" | "uint")
                && args.len() == 1
                && is_constant(&args[0])
        }
        _ => false,
    }
}

impl<'a> Eval<'_, 'a> {
    pub(super) fn spend(&mut self, cost: u64) -> Result<(), Fail> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.host.limit { Err(Fail::Cost) } else { Ok(()) }
    }

    pub(super) fn eval(&mut self, expr: &Expr) -> Out<'a> {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.eval_kind(expr))
    }

    /// A tree that costs nothing however often it is looked at.
    fn eval_free(&mut self, expr: &Expr) -> Out<'a> {
        let before = self.cost;
        let out = self.eval_kind(expr);
        self.cost = before;
        out
    }

    fn eval_kind(&mut self, expr: &Expr) -> Out<'a> {
        match &expr.kind {
            Kind::Literal(literal) => Ok(constant(literal)),
            Kind::Ident(name) => {
                self.spend(1)?;
                self.ident(expr, name)
            }
            Kind::Select { operand, field, test } => self.select(expr, operand, field, *test),
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List { items, optional } => {
                let free = is_constant(expr);
                let before = self.cost;
                let mut out = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    let value = self.eval(item)?;
                    if optional.contains(&i) {
                        out.extend(self.optional_item(value)?);
                    } else {
                        out.push(value);
                    }
                }
                if free {
                    self.cost = before;
                } else {
                    self.spend(10)?;
                }
                Ok(Val::list(out))
            }
            Kind::Map(entries) => {
                let free = is_constant(expr);
                let before = self.cost;
                let mut out: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = self.eval(&entry.key)?;
                    let value = self.eval(&entry.value)?;
                    let value = if entry.optional { self.optional_item(value)? } else { Some(value) };
                    let Some(value) = value else { continue };
                    match out.iter_mut().find(|(k, _)| k.equal(&key).unwrap_or(false)) {
                        Some(slot) => slot.1 = value,
                        None => out.push((key, value)),
                    }
                }
                if free {
                    self.cost = before;
                } else {
                    self.spend(30)?;
                }
                Ok(Val::map(out))
            }
            Kind::Struct { name, fields } => {
                let name = self.checked.names.get(&expr.id).unwrap_or(name);
                let mut out = std::collections::BTreeMap::new();
                for field in fields {
                    let value = self.eval(&field.value)?;
                    let value = if field.optional { self.optional_item(value)? } else { Some(value) };
                    if let Some(value) = value {
                        out.insert(field.name.clone(), value);
                    }
                }
                self.spend(40)?;
                Ok(Val::Object(name.as_str().into(), Rc::new(out)))
            }
            Kind::Comprehension(fold) => self.fold(fold),
            Kind::Broken => Err(Fail::new("broken expression")),
        }
    }

    fn optional_item(&self, value: Val<'a>) -> Result<Option<Val<'a>>, Fail> {
        match value {
            Val::Optional(inner) => Ok(inner.map(|v| (*v).clone())),
            _ => Err(Fail::new("no such overload")),
        }
    }

    fn ident(&mut self, expr: &Expr, name: &str) -> Out<'a> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(n, _)| n == name) {
            return Ok(value.clone());
        }
        let name = self.checked.names.get(&expr.id).map_or(name, String::as_str);
        if let Some(value) = (self.host.variable)(name) {
            return value;
        }
        const TYPES: [&str; 12] = [
            "bool",
            "bytes",
            "double",
            "int",
            "uint",
            "string",
            "null_type",
            "list",
            "map",
            "type",
            "google.protobuf.Duration",
            "google.protobuf.Timestamp",
        ];
        if TYPES.contains(&name) {
            // The planner makes them constants.
            self.cost = self.cost.saturating_sub(1);
            return Ok(Val::Type(name.into()));
        }
        Err(Fail::new(format!("no such attribute(s): {name}")))
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, test: bool) -> Out<'a> {
        if self.checked.names.contains_key(&expr.id) {
            self.spend(1)?;
            return self.ident(expr, field);
        }
        let value = self.attribute(operand)?;
        if test {
            return Ok(Val::Bool(match Self::present(&value, field)? {
                Val::Optional(inner) => inner.is_some(),
                _ => true,
            }));
        }
        self.spend(1)?;
        if let Val::Optional(inner) = &value {
            let Some(inner) = inner else { return Ok(Val::Optional(None)) };
            return Self::present(inner, field);
        }
        self.index(&value, &Val::text(field), true)
    }

    /// The operand of a selection or index; a computed one counts as an attribute of its own.
    fn attribute(&mut self, operand: &Expr) -> Out<'a> {
        let value = self.eval(operand)?;
        let is_attribute = match &operand.kind {
            Kind::Ident(_) | Kind::Select { .. } => true,
            Kind::Call { function, .. } => matches!(function.as_str(), "_[_]" | "_[?_]" | "_?._" | "_?_:_"),
            _ => false,
        };
        if !is_attribute {
            self.spend(1)?;
        }
        Ok(value)
    }

    /// An optional of a field that may be missing.
    fn present(value: &Val<'a>, field: &str) -> Out<'a> {
        let found = match value {
            Val::Optional(Some(inner)) => return Self::present(inner, field),
            Val::Map(map) => map.find(&Val::text(field))?,
            Val::Object(_, fields) => fields.get(field).cloned(),
            _ => None,
        };
        Ok(Val::Optional(found.map(Rc::new)))
    }

    fn index(&mut self, value: &Val<'a>, key: &Val<'a>, select: bool) -> Out<'a> {
        match value {
            Val::Map(map) => match map.find(key)? {
                Some(found) => Ok(found),
                None => Err(Fail::new(format!("no such key: {}", key.shown()))),
            },
            Val::List(list) => {
                let at = match key {
                    Val::Int(i) => *i,
                    Val::Uint(u) => i64::try_from(*u).unwrap_or(-1),
                    Val::Double(d) if d.fract() == 0.0 => *d as i64,
                    _ if select => return Err(Fail::new(format!("unsupported index type '{}' in list", key.type_name()))),
                    other => return Err(Fail::new(format!("unsupported index type '{}' in list", other.type_name()))),
                };
                let found = usize::try_from(at).ok().and_then(|i| list.get(i));
                found.unwrap_or_else(|| Err(Fail::new(format!("index out of bounds: {at}"))))
            }
            Val::Object(_, fields) => match key {
                Val::Str(name) => fields.get(&**name).cloned().ok_or_else(|| Fail::new(format!("no such key: {}", &**name))),
                _ => Err(Fail::new("no such overload")),
            },
            _ => Err(Fail::new(format!("no such key: {}", key.shown()))),
        }
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> Out<'a> {
        match (function, args) {
            ("_&&_", [a, b]) => return self.logic(a, b, false),
            ("_||_", [a, b]) => return self.logic(a, b, true),
            ("_?_:_", [condition, yes, no]) => {
                return match self.eval(condition)? {
                    Val::Bool(true) => self.branch(yes),
                    Val::Bool(false) => self.branch(no),
                    _ => Err(Fail::new("no such overload")),
                };
            }
            ("@not_strictly_false", [arg]) => {
                let out = self.eval(arg);
                if matches!(out, Err(Fail::Cost)) {
                    return out;
                }
                self.spend(1)?;
                return Ok(Val::Bool(!matches!(out, Ok(Val::Bool(false)))));
            }
            ("_[_]", [operand, key]) => {
                let value = self.attribute(operand)?;
                let key = self.eval(key)?;
                self.spend(1)?;
                if let Val::Optional(inner) = &value {
                    let Some(inner) = inner else { return Ok(Val::Optional(None)) };
                    return Ok(self.find(inner, &key));
                }
                return self.index(&value, &key, false);
            }
            ("_[?_]" | "_?._", [operand, key]) => {
                let value = self.attribute(operand)?;
                let key = self.eval(key)?;
                let value = match &value {
                    Val::Optional(Some(inner)) => (**inner).clone(),
                    Val::Optional(None) => return Ok(Val::Optional(None)),
                    _ => value,
                };
                let found = self.find(&value, &key);
                // What is not there costs nothing to look at.
                if !matches!(found, Val::Optional(None)) {
                    self.spend(1)?;
                }
                return Ok(found);
            }
            ("or" | "orValue", [other]) if target.is_some() => {
                let first = match target {
                    Some(target) => self.eval(target)?,
                    None => Val::Null,
                };
                return match first {
                    Val::Optional(Some(_)) if function == "or" => Ok(first),
                    Val::Optional(Some(inner)) => Ok((*inner).clone()),
                    Val::Optional(None) => self.eval(other),
                    _ => Err(Fail::new("no such overload")),
                };
            }
            _ => {}
        }
        let overloads = self.checked.overloads.get(&expr.id).map_or(&[][..], Vec::as_slice);
        // Where several overloads fit, the choice at run time has no id, and so no cost of its own.
        let overload = if let [one] = overloads { one } else { "" };
        if is_constant(expr) {
            let value = self.eval_free(&args[0])?;
            return functions::call(self, function, overload, &[value]);
        }
        if function == "@in" && is_constant(&args[1]) && matches!(args[1].kind, Kind::List { .. }) {
            let item = self.eval(&args[0])?;
            let list = self.eval(&args[1])?;
            return functions::call(self, function, overload, &[item, list]);
        }
        let (function, target) = match self.checked.functions.get(&expr.id) {
            Some(qualified) => (*qualified, None),
            None => (function.strip_prefix('.').unwrap_or(function), target),
        };
        let mut values = Vec::with_capacity(args.len() + 1);
        let mut wrong = None;
        let both = usize::from(target.is_some()) + args.len() <= 2;
        for arg in target.into_iter().chain(args) {
            match self.eval(arg) {
                Ok(value) => values.push(value),
                Err(Fail::Cost) => return Err(Fail::Cost),
                // Of two arguments the second is looked at all the same.
                Err(e) => wrong = Some(wrong.unwrap_or(e)),
            }
            if wrong.is_some() && !both {
                break;
            }
        }
        // A call that fails costs something too, which counts where the failure is outweighed.
        let result = match wrong.map_or_else(|| functions::call(self, function, overload, &values), Err) {
            Ok(result) => result,
            Err(Fail::Cost) => return Err(Fail::Cost),
            Err(e) => {
                self.spend(1)?;
                return Err(e);
            }
        };
        let cost = runtime_cost::of(function, overload, &values, &result);
        self.spend(cost)?;
        Ok(result)
    }

    /// A branch of a conditional: a plain variable costs nothing there.
    fn branch(&mut self, expr: &Expr) -> Out<'a> {
        let out = self.eval(expr);
        if matches!(expr.kind, Kind::Ident(_)) {
            self.cost = self.cost.saturating_sub(1);
        }
        out
    }

    fn find(&mut self, value: &Val<'a>, key: &Val<'a>) -> Val<'a> {
        Val::Optional(self.index(value, key, false).ok().map(Rc::new))
    }

    /// `&&` (stops at false) and `||` (stops at true); an error yields to the deciding side.
    fn logic(&mut self, a: &Expr, b: &Expr, stop: bool) -> Out<'a> {
        let mut fail = None;
        for term in [a, b] {
            match self.eval(term) {
                Ok(Val::Bool(v)) if v == stop => return Ok(Val::Bool(stop)),
                Ok(Val::Bool(_)) => {}
                Ok(_) => fail = fail.or(Some(Fail::new("no such overload"))),
                Err(Fail::Cost) => return Err(Fail::Cost),
                Err(e) => fail = fail.or(Some(e)),
            }
        }
        fail.map_or(Ok(Val::Bool(!stop)), Err)
    }

    fn fold(&mut self, fold: &Comprehension) -> Out<'a> {
        let range = self.eval(&fold.range)?;
        let mut pairs: Vec<(Val<'a>, Option<Val<'a>>)> = Vec::new();
        match &range {
            Val::List(list) => {
                for (i, item) in list.items()?.into_iter().enumerate() {
                    pairs.push(if fold.var2.is_some() { (Val::Int(i as i64), Some(item)) } else { (item, None) });
                }
            }
            Val::Map(map) => {
                for key in map.keys() {
                    let value = if fold.var2.is_some() { map.find(&key)? } else { None };
                    pairs.push((key, value));
                }
            }
            _ => return Err(Fail::new("got 'dyn', expected iterable type")),
        }
        let base = self.locals.len();
        // The accumulator may hold an error, which a later item can still outweigh.
        let mut accu = self.eval(&fold.init);
        for (first, second) in pairs {
            self.locals.truncate(base);
            self.locals.push((fold.var.clone(), first));
            if let (Some(name), Some(value)) = (&fold.var2, second) {
                self.locals.push((name.clone(), value));
            }
            match accu {
                Ok(value) => self.locals.push((fold.accu.clone(), value)),
                Err(Fail::Cost) => {
                    self.locals.truncate(base);
                    return Err(Fail::Cost);
                }
                // An error is kept beside the scope: the step of a quantifier joins it with the next item.
                Err(e) => {
                    accu = self.step_after_error(fold, e);
                    continue;
                }
            }
            let go_on = self.eval(&fold.condition);
            if matches!(go_on, Err(Fail::Cost)) {
                self.locals.truncate(base);
                return Err(Fail::Cost);
            }
            if matches!(go_on, Ok(Val::Bool(false))) {
                accu = self.locals.pop().map_or(Ok(Val::Null), |(_, v)| Ok(v));
                break;
            }
            accu = self.eval(&fold.step);
        }
        self.locals.truncate(base);
        let result = match accu {
            Ok(value) => {
                self.locals.push((fold.accu.clone(), value));
                self.eval(&fold.result)
            }
            Err(e) => Err(e),
        };
        self.locals.truncate(base);
        result
    }

    /// The accumulator after an item, when it was an error before.
    fn step_after_error(&mut self, fold: &Comprehension, fail: Fail) -> Out<'a> {
        let Kind::Call { function, args, .. } = &fold.step.kind else { return Err(fail) };
        let stop = match function.as_str() {
            "_&&_" => false,
            "_||_" => true,
            _ => return Err(fail),
        };
        let Some(body) = args.get(1) else { return Err(fail) };
        // The condition and the step look at the accumulator.
        self.spend(if stop { 4 } else { 3 })?;
        match self.eval(body) {
            Ok(Val::Bool(v)) if v == stop => Ok(Val::Bool(stop)),
            Err(Fail::Cost) => Err(Fail::Cost),
            _ => Err(fail),
        }
    }

    pub(super) fn regex(&mut self, pattern: &str) -> Result<Rc<regex::Regex>, String> {
        if let Some(found) = self.regexes.get(pattern) {
            return Ok(Rc::clone(found));
        }
        let compiled = Rc::new(crate::value::go_regex::compile(pattern)?);
        self.regexes.insert(pattern.to_owned(), Rc::clone(&compiled));
        Ok(compiled)
    }
}

/// The items of a list argument.
pub(super) fn items<'a>(value: &Val<'a>) -> Result<Vec<Val<'a>>, Fail> {
    match value {
        Val::List(list) => list.items(),
        _ => Err(Fail::new("no such overload")),
    }
}

/// Inserts into a map, refusing keys it has.
pub(super) fn insert<'a>(map: &Map<'a>, key: Val<'a>, value: Val<'a>) -> Result<Map<'a>, Fail> {
    if map.find(&key)?.is_some() {
        return Err(Fail::new(format!("insert failed: key {} already exists", key.shown())));
    }
    let mut entries = Vec::with_capacity(map.len() + 1);
    for k in map.keys() {
        if let Some(v) = map.find(&k)? {
            entries.push((k, v));
        }
    }
    entries.push((key, value));
    Ok(Map::Own(Rc::new(entries)))
}

/// A value of a library type.
pub(super) fn opaque<'a>(o: Opaque) -> Val<'a> {
    Val::Opaque(Rc::new(o))
}

/// Whether a list holds a value.
pub(super) fn holds<'a>(list: &List<'a>, value: &Val<'a>) -> Result<bool, Fail> {
    for i in 0..list.len() {
        if let Some(item) = list.get(i) {
            if item?.equal(value).unwrap_or(false) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
