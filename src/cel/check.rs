//! The type checker. upstream: cel-go checker/checker.go

use std::collections::HashMap;

use super::ast::{Expr, Kind, Literal};
use super::env::Env;
use super::error::{Errors, Source};
use super::types::{Mapping, Type, most_general};

/// What the checker found about a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Checked {
    /// Types by node.
    pub(super) types: HashMap<usize, Type>,
    /// Overloads that fit, by call.
    pub(super) overloads: HashMap<usize, Vec<&'static str>>,
    /// Names that identifiers and selections resolved to.
    pub(super) names: HashMap<usize, String>,
    /// Functions called by a qualified name, whose target is no value.
    pub(super) functions: HashMap<usize, &'static str>,
}

struct Checker<'a> {
    env: &'a Env,
    source: &'a Source,
    scopes: Vec<(String, Type)>,
    mapping: Mapping,
    errors: Errors,
    free: usize,
    out: Checked,
}

/// Checks a tree; the type of the whole is that of its root.
pub(super) fn check(expr: &Expr, env: &Env, source: &Source) -> Result<Checked, Errors> {
    let mut checker = Checker {
        env,
        source,
        scopes: Vec::new(),
        mapping: Mapping::default(),
        errors: Errors::default(),
        free: 0,
        out: Checked::default(),
    };
    checker.check(expr);
    let Checker { mapping, errors, mut out, .. } = checker;
    #[allow(clippy::iter_over_hash_type, reason = "each entry is changed alone")]
    for t in out.types.values_mut() {
        *t = mapping.substitute(t, true);
    }
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

/// `a.b.c` of a chain of selections.
pub(super) fn qualified(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.clone()),
        Kind::Select { operand, field, test: false } => Some(format!("{}.{field}", qualified(operand)?)),
        _ => None,
    }
}

impl Checker<'_> {
    fn error(&mut self, at: usize, message: String) {
        let place = self.source.location(at);
        self.errors.add(place, message);
    }

    fn set(&mut self, expr: &Expr, t: Type) {
        self.out.types.insert(expr.id, t);
    }

    fn get(&self, expr: &Expr) -> Type {
        self.out.types.get(&expr.id).cloned().unwrap_or(Type::Error)
    }

    fn fresh(&mut self) -> Type {
        let t = Type::Param(format!("_var{}", self.free).into());
        self.free += 1;
        t
    }

    fn ident(&self, name: &str) -> Option<(String, Type)> {
        let local = self.scopes.iter().rev().find(|(n, _)| n == name);
        local.cloned().or_else(|| self.env.ident(name))
    }

    fn undeclared(&mut self, at: usize, name: &str) {
        self.error(at, format!("undeclared reference to '{name}' (in container '')"));
    }

    fn mismatch(&mut self, at: usize, expected: &Type, found: &Type) {
        self.error(at, format!("expected type '{expected}' but found '{found}'"));
    }

    fn check(&mut self, expr: &Expr) {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.check_kind(expr));
    }

    fn check_kind(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Literal(literal) => {
                let t = match literal {
                    Literal::Null => Type::Null,
                    Literal::Bool(_) => Type::Bool,
                    Literal::Int(_) => Type::Int,
                    Literal::Uint(_) => Type::Uint,
                    Literal::Double(_) => Type::Double,
                    Literal::Str(_) => Type::Str,
                    Literal::Bytes(_) => Type::Bytes,
                };
                self.set(expr, t);
            }
            Kind::Ident(name) => match self.ident(name) {
                Some((name, t)) => {
                    self.set(expr, t);
                    self.out.names.insert(expr.id, name);
                }
                None => {
                    self.set(expr, Type::Error);
                    self.undeclared(expr.at, name);
                }
            },
            Kind::Select { operand, field, test } => {
                if !test && let Some((name, t)) = qualified(expr).and_then(|q| self.ident(&q)) {
                    self.set(expr, t);
                    self.out.names.insert(expr.id, name);
                    return;
                }
                let t = self.select(expr, operand, field, false);
                let t = if *test { Type::Bool } else { t };
                let t = self.mapping.substitute(&t, false);
                self.set(expr, t);
            }
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List { items, optional } => {
                let mut joined = None;
                for (i, item) in items.iter().enumerate() {
                    self.check(item);
                    let t = self.get(item);
                    let t = if optional.contains(&i) { self.unwrap(item, t) } else { t };
                    joined = Some(self.join(joined, t));
                }
                let joined = joined.unwrap_or_else(|| self.fresh());
                self.set(expr, Type::list(joined));
            }
            Kind::Map(entries) => {
                let (mut key, mut value) = (None, None);
                for entry in entries {
                    self.check(&entry.key);
                    let t = self.get(&entry.key);
                    key = Some(self.join(key, t));
                    self.check(&entry.value);
                    let t = self.get(&entry.value);
                    let t = if entry.optional { self.unwrap(&entry.value, t) } else { t };
                    value = Some(self.join(value, t));
                }
                let key = key.unwrap_or_else(|| self.fresh());
                let value = value.unwrap_or_else(|| self.fresh());
                self.set(expr, Type::map(key, value));
            }
            Kind::Struct { name, fields } => self.construct(expr, name, fields),
            Kind::Comprehension(fold) => self.fold(expr, fold),
            Kind::Broken => self.set(expr, Type::Error),
        }
    }

    fn unwrap(&mut self, expr: &Expr, t: Type) -> Type {
        if let Some(of) = t.optional_of() {
            return of.clone();
        }
        if t != Type::Dyn {
            self.mismatch(expr.at, &Type::optional(t.clone()), &t);
        }
        t
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let t = self.mapping.substitute(&self.get(operand), false);
        let (target, wrapped) = match t.optional_of() {
            Some(of) => (of.clone(), true),
            None => (t, false),
        };
        let result = match &target {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(name) => self.field(expr.at, name, field).unwrap_or(Type::Error),
            Type::Param(_) => {
                self.mapping.assign(&Type::Dyn, &target);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other => {
                self.error(expr.at, format!("type '{other}' does not support field selection"));
                Type::Dyn
            }
        };
        if wrapped || optional { Type::optional(result) } else { result }
    }

    fn field(&mut self, at: usize, object: &str, field: &str) -> Option<Type> {
        if !self.env.has_object(object) {
            self.error(at, format!("unexpected failed resolution of '{object}'"));
            return None;
        }
        let found = self.env.field(object, field);
        if found.is_none() {
            self.error(at, format!("undefined field '{field}'"));
        }
        found
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) {
        if function == "_?._" {
            let [operand, Expr { kind: Kind::Literal(Literal::Str(field)), .. }] = args else {
                self.set(expr, Type::Error);
                return;
            };
            let t = self.select(expr, operand, field, true);
            let t = self.mapping.substitute(&t, false);
            self.set(expr, t);
            self.out.overloads.insert(expr.id, vec!["select_optional_field"]);
            return;
        }
        for arg in args {
            self.check(arg);
        }
        let found = match target {
            None => self.env.function(function).map(|f| (f, None)),
            Some(target) => {
                let namespaced = qualified(target).and_then(|q| self.env.function(&format!("{q}.{function}")));
                if namespaced.is_none() {
                    self.check(target);
                }
                namespaced.map(|f| (f, None)).or_else(|| self.env.function(function).map(|f| (f, Some(target))))
            }
        };
        let Some(((name, overloads), receiver)) = found else {
            self.set(expr, Type::Error);
            self.undeclared(expr.at, function);
            return;
        };
        if target.is_some() && receiver.is_none() {
            self.out.functions.insert(expr.id, name);
        }
        self.resolve(expr, name, overloads, receiver, args);
    }

    fn resolve(&mut self, expr: &Expr, name: &str, overloads: &'static [super::env::Overload], receiver: Option<&Expr>, args: &[Expr]) {
        if matches!(name, "_&&_" | "_||_") {
            let mut wrong = false;
            for arg in args {
                let t = self.get(arg);
                if !self.mapping.assign(&t, &Type::Bool) {
                    self.mismatch(arg.at, &Type::Bool, &t);
                    wrong = true;
                }
            }
            self.set(expr, if wrong { Type::Error } else { Type::Bool });
            self.out.overloads.insert(expr.id, overloads.iter().map(|o| o.id).collect());
            return;
        }
        let types: Vec<Type> = receiver.into_iter().chain(args).map(|a| self.get(a)).collect();
        let mut result: Option<Type> = None;
        let mut fitting = Vec::new();
        for overload in overloads.iter().filter(|o| o.member == receiver.is_some()) {
            let mut fresh = Mapping::default();
            for param in &overload.params {
                let t = self.fresh();
                fresh.add(&Type::Param(param.clone()), t);
            }
            let wanted: Vec<Type> = overload.args.iter().map(|t| fresh.substitute(t, false)).collect();
            if !self.mapping.assign_all(&types, &wanted) {
                continue;
            }
            fitting.push(overload.id);
            let t = self.mapping.substitute(&fresh.substitute(&overload.result, false), false);
            result = Some(match result {
                None => t,
                Some(known) if known != Type::Dyn && t != known => Type::Dyn,
                Some(known) => known,
            });
        }
        let Some(result) = result else {
            let shown: Vec<String> = types.iter().map(|t| self.mapping.substitute(t, true).to_string()).collect();
            let signature = match (receiver, shown.split_first()) {
                (Some(_), Some((first, rest))) => format!("{first}.({})", rest.join(", ")),
                _ => format!("({})", shown.join(", ")),
            };
            self.error(expr.at, format!("found no matching overload for '{name}' applied to '{signature}'"));
            self.set(expr, Type::Error);
            return;
        };
        self.set(expr, result);
        self.out.overloads.insert(expr.id, fitting);
    }

    fn construct(&mut self, expr: &Expr, name: &str, fields: &[super::ast::FieldInit]) {
        let Some((name, t)) = self.ident(name) else {
            self.undeclared(expr.at, name);
            self.set(expr, Type::Error);
            return;
        };
        let object = match &t {
            Type::Error => Type::Error,
            Type::Type(Some(of)) => match &**of {
                Type::Object(_) | Type::Dyn | Type::Null | Type::Timestamp | Type::Duration => (**of).clone(),
                other => {
                    self.error(expr.at, format!("'{other}' is not a message type"));
                    Type::Error
                }
            },
            other => {
                self.error(expr.at, format!("'{other}' is not a type"));
                Type::Error
            }
        };
        self.out.names.insert(expr.id, name.clone());
        self.set(expr, object);
        for field in fields {
            self.check(&field.value);
            if name == "JSONPatch" && self.env.field(&name, &field.name).is_none() {
                // Its type knows every field, of no type.
                let given = self.get(&field.value);
                self.error(field.at, format!("expected type of field '{}' is '' but provided type is '{given}'", field.name));
                continue;
            }
            let wanted = self.field(field.at, &name, &field.name).unwrap_or(Type::Error);
            let found = self.get(&field.value);
            let found = if field.optional { self.unwrap(&field.value, found) } else { found };
            if !self.mapping.assign(&wanted, &found) {
                self.error(field.at, format!("expected type of field '{}' is '{wanted}' but provided type is '{found}'", field.name));
            }
        }
    }

    fn fold(&mut self, expr: &Expr, fold: &super::ast::Comprehension) {
        self.check(&fold.range);
        self.check(&fold.init);
        let range = self.mapping.substitute(&self.get(&fold.range), false);
        let accu = self.get(&fold.init);
        let base = self.scopes.len();
        self.scopes.push((fold.accu.clone(), accu.clone()));
        let (first, second) = match &range {
            Type::List(item) if fold.var2.is_some() => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Error),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Param(_) => {
                self.mapping.assign(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                self.error(
                    fold.range.at,
                    format!("expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"),
                );
                (Type::Error, Type::Error)
            }
        };
        self.scopes.push((fold.var.clone(), first));
        if let Some(var2) = &fold.var2 {
            self.scopes.push((var2.clone(), second));
        }
        self.check(&fold.condition);
        self.assert(&fold.condition, &Type::Bool);
        self.check(&fold.step);
        self.assert(&fold.step, &accu);
        self.scopes.truncate(base + 1);
        self.check(&fold.result);
        self.scopes.truncate(base);
        let t = self.mapping.substitute(&self.get(&fold.result), false);
        self.set(expr, t);
    }

    fn join(&mut self, previous: Option<Type>, current: Type) -> Type {
        let Some(previous) = previous else { return current };
        if self.mapping.assign(&previous, &current) {
            return most_general(&previous, &current);
        }
        // Literals of mixed types are refused later, except where `format` takes them.
        Type::Dyn
    }

    fn assert(&mut self, expr: &Expr, t: &Type) {
        let found = self.get(expr);
        if !self.mapping.assign(t, &found) {
            self.mismatch(expr.at, t, &found);
        }
    }
}
