//! Commands, operands and calls: how arguments are found, checked and converted. upstream: text/template/exec.go

use std::borrow::Cow;

use super::builtin;
use super::error::{ExecError, Missing, Result};
use super::exec::{Frame, MissingKey, Runtime, Rv, Signature, truth, zero};
use super::tree::{Arg, ArgKind, At, Command, Number};
use crate::value::stacked;
use crate::value::{GoType, Kind, ReflectKind, Str, Value, quote};

/// How Go's sentence about a missing key starts.
const NIL_POINTER: &str = "nil pointer evaluating interface {}.";

/// The first key on the way that is absent or nil.
fn missing(start: Value, names: &[Str]) -> Option<Missing> {
    let mut at = start;
    for (i, name) in names.iter().enumerate() {
        let map = at.as_map()?.clone();
        let next = map.get(name.as_bytes()).unwrap_or_default();
        if next.is_nil() {
            let siblings = map.borrow().keys().cloned().collect();
            return Some(Missing { path: names[..=i].to_vec(), siblings, parent: at.origin });
        }
        at = next;
    }
    None
}

/// A call takes a step for so many bytes of the texts it is given, and of the text it gives.
const BYTES_A_STEP: usize = 64;
/// And one for so many items of the list it gives.
const ITEMS_A_STEP: usize = 8;
/// Of longer lists each item takes a step: what counts then is the memory they hold.
const LONG_LIST: usize = 10_000;
/// A call takes about as long as so many steps more, with what is remembered of where its result comes from.
const CALL_STEPS: u64 = 8;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Param {
    /// Anything, unchecked (the receiver of a chain).
    Unchecked,
    /// A `reflect.Value`.
    Reflect,
    /// A Go type.
    Go(GoType),
}

/// What is called.
#[derive(Clone, Copy)]
enum Callee<'a> {
    Host(Signature),
    Native(&'a super::func::Function),
    Builtin(builtin::Builtin),
    Method(&'a Value, Signature),
}

fn can_be_nil(t: GoType) -> bool {
    match t {
        GoType::Any | GoType::Slice(_) | GoType::Map(_) | GoType::Func(_) => true,
        GoType::Named(_, kind) => {
            matches!(kind, ReflectKind::Slice | ReflectKind::Map | ReflectKind::Ptr | ReflectKind::Func | ReflectKind::Interface)
        }
        _ => false,
    }
}

/// `v` as a value of type `t`, when Go could assign it (or point to it, or follow the pointer).
fn assign(v: &Value, t: GoType) -> Option<Value> {
    let fits = match (&v.kind, t) {
        (_, GoType::Any) => true,
        (_, GoType::Named(_, ReflectKind::Interface)) => matches!(v.kind, Kind::Object(_)),
        (Kind::Bool(_), GoType::Bool) | (Kind::Float(_), GoType::Float64) | (Kind::Complex(..), GoType::Complex128) => true,
        (Kind::Str(_), GoType::String) => true,
        (Kind::Int(a, _), GoType::Int(b)) => *a == b,
        (Kind::Uint(a, _), GoType::Uint(b)) => *a == b,
        (Kind::List(l), GoType::Slice(e)) => l.elem() == *e,
        (Kind::Map(m), GoType::Map(e)) => m.elem() == *e,
        (Kind::Map(m), GoType::Named(name, ReflectKind::Map)) => m.name().is_none_or(|n| n == name),
        (Kind::Object(o), GoType::Slice(_) | GoType::Map(_)) => {
            return o.underlying().filter(|u| !matches!(u.kind, Kind::Object(_))).and_then(|u| assign(&u, t));
        }
        (Kind::Object(o), GoType::Named(name, _)) => {
            o.go_type() == t || matches!(o.go_type(), GoType::Named(n, ReflectKind::Ptr) if n.strip_prefix('*') == Some(name))
        }
        _ => false,
    };
    fits.then(|| v.clone())
}

fn number(n: &Number) -> std::result::Result<Rv, String> {
    if let Some((re, im)) = n.complex {
        return Ok(Rv::Val(Kind::Complex(re, im).into()));
    }
    let text = n.text.as_bytes();
    let hex = text.len() > 2 && text[0] == b'0' && matches!(text[1], b'x' | b'X') && !n.text.contains(['p', 'P']);
    let looks_float = n.text.contains(['.', 'e', 'E', 'p', 'P']) && !hex && text.first() != Some(&b'\'');
    match (n.float, n.int) {
        (Some(f), _) if looks_float => Ok(Rv::Val(f.into())),
        (_, Some(i)) => Ok(Rv::Val(Value::int(i))),
        _ if n.uint.is_some() => Err(format!("{} overflows int", n.text)),
        _ => Ok(Rv::Invalid),
    }
}

impl Runtime<'_> {
    fn not_a_function(frame: &Frame<'_>, args: &[Arg], last: &Rv) -> Result<()> {
        if args.len() > 1 || !last.is_missing() {
            return frame.error(format!("can't give argument to non-function {}", At::Arg(&args[0]).print()));
        }
        Ok(())
    }

    pub(super) fn command<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, command: &'t Command, last: Rv) -> Result<Rv> {
        let args = &command.args;
        let first = &args[0];
        match &first.kind {
            ArgKind::Field(names) => {
                frame.at = At::Arg(first);
                return self.chain(frame, dot, dot.clone(), At::Arg(first), names, args, last);
            }
            ArgKind::Chain(..) => return self.chain_node(frame, dot, first, args, last),
            ArgKind::Identifier(name) => return self.function(frame, dot, first, At::Command(command), name, args, last),
            ArgKind::Pipe(pipe) => {
                Self::not_a_function(frame, args, &last)?;
                return stacked(|| self.pipeline(frame, dot, pipe));
            }
            ArgKind::Variable(_) => return self.variable_node(frame, dot, first, args, last),
            _ => {}
        }
        frame.at = At::Arg(first);
        Self::not_a_function(frame, args, &last)?;
        match &first.kind {
            ArgKind::Bool(b) => Ok(Rv::Val((*b).into())),
            ArgKind::Dot => Ok(dot.clone()),
            ArgKind::Number(n) => number(n).or_else(|e| frame.error(e)),
            ArgKind::Str { text, .. } => Ok(Rv::Val(text.clone().into())),
            _ => frame.error("nil is not a command"),
        }
    }

    fn chain_node<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, arg: &'t Arg, args: &'t [Arg], last: Rv) -> Result<Rv> {
        frame.at = At::Arg(arg);
        let ArgKind::Chain(inner, names) = &arg.kind else { return Ok(Rv::Invalid) };
        let receiver = self.arg(frame, dot, Param::Unchecked, inner)?;
        self.chain(frame, dot, receiver, At::Arg(arg), names, args, last)
    }

    fn variable_node<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, arg: &'t Arg, args: &'t [Arg], last: Rv) -> Result<Rv> {
        frame.at = At::Arg(arg);
        let ArgKind::Variable(names) = &arg.kind else { return Ok(Rv::Invalid) };
        let value = frame.variable(&names[0])?;
        if names.len() == 1 {
            if !args.is_empty() || !last.is_missing() {
                if args.is_empty() {
                    return Ok(value);
                }
                Self::not_a_function(frame, args, &last)?;
            }
            return Ok(value);
        }
        self.chain(frame, dot, value, At::Arg(arg), &names[1..], args, last)
    }

    #[allow(clippy::too_many_arguments)]
    fn chain<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Rv,
        mut receiver: Rv,
        node: At<'t>,
        names: &'t [Str],
        args: &'t [Arg],
        last: Rv,
    ) -> Result<Rv> {
        let Some((final_name, before)) = names.split_last() else { return Ok(receiver) };
        let start = if before.is_empty() { Value::NIL } else { receiver.as_value().cloned().unwrap_or_default() };
        let told = |mut e: Box<ExecError>| {
            if e.cause.is_none() && e.missing.is_none() && e.message.starts_with(NIL_POINTER) {
                e.missing = missing(start.clone(), names).map(Box::new);
            }
            e
        };
        for name in before {
            receiver = self.field(frame, dot, name, node, &[], Rv::Missing, receiver).map_err(&told)?;
        }
        self.field(frame, dot, final_name, node, args, last, receiver).map_err(&told)
    }

    #[allow(clippy::too_many_arguments)]
    fn field<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Rv,
        name: &Str,
        node: At<'t>,
        args: &'t [Arg],
        last: Rv,
        receiver: Rv,
    ) -> Result<Rv> {
        let value = match &receiver {
            Rv::Missing | Rv::Invalid => {
                if self.missing == MissingKey::Error {
                    return frame.error(format!("nil data; no entry for key {}", quote(name.as_bytes())));
                }
                return Ok(Rv::Invalid);
            }
            Rv::Iface(v) if v.is_nil() => return frame.error(format!("{NIL_POINTER}{name}")),
            Rv::Iface(v) | Rv::Val(v) => v,
        };
        // Other maps have no methods.
        let plain = matches!(&value.kind, Kind::Map(map) if map.name().is_none());
        let text = if plain { Cow::Borrowed("") } else { name.to_str() };
        let method = match &value.kind {
            Kind::Object(o) => o.method(&text).map(|(params, variadic)| Signature { params, variadic, result: GoType::Any }),
            _ if plain => None,
            _ => self.host.method(value, &text),
        };
        if let Some(signature) = method {
            return self.call(frame, dot, Callee::Method(value, signature), node, &text, args, last);
        }
        let has_args = args.len() > 1 || !last.is_missing();
        let mut inner = None;
        if let Kind::Object(o) = &value.kind {
            if let Some(field) = o.field(&text) {
                if has_args {
                    return frame.error(format!("{name} has arguments but cannot be invoked as function"));
                }
                let field = if field.origin.is_some() { field } else { field.with_origin(value.origin) };
                return Ok(if field.is_nil() { Rv::Iface(field) } else { Rv::Val(field) });
            }
            inner = o.underlying();
        }
        if let Kind::Map(map) = &inner.as_ref().unwrap_or(value).kind {
            if has_args {
                return frame.error(format!("{name} is not a method but has arguments"));
            }
            return match map.get(name.as_bytes()) {
                Some(v) => Ok(Rv::element(v, map.elem())),
                None => match self.missing {
                    MissingKey::Invalid => Ok(Rv::Invalid),
                    MissingKey::Zero => Ok(zero(map.elem())),
                    MissingKey::Error => frame.error(format!("map has no entry for key {}", quote(name.as_bytes()))),
                },
            };
        }
        frame.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }

    #[allow(clippy::too_many_arguments)]
    fn function<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Rv,
        word: &'t Arg,
        node: At<'t>,
        name: &Str,
        args: &'t [Arg],
        last: Rv,
    ) -> Result<Rv> {
        frame.at = At::Arg(word);
        let text = name.to_str();
        let functions = self.functions;
        let callee = if let Some(signature) = self.host.signature(&text) {
            Callee::Host(signature)
        } else if let Some(function) = functions.get(&text) {
            Callee::Native(function)
        } else if let Some(b) = builtin::find(&text) {
            Callee::Builtin(b)
        } else {
            return frame.error(format!("{} is not a defined function", quote(name.as_bytes())));
        };
        self.call(frame, dot, callee, node, &text, args, last)
    }

    #[allow(clippy::too_many_arguments)]
    fn call<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        dot: &Rv,
        callee: Callee<'_>,
        node: At<'t>,
        name: &str,
        args: &'t [Arg],
        last: Rv,
    ) -> Result<Rv> {
        let args = args.get(1..).unwrap_or(&[]);
        let (count, variadic) = match callee {
            Callee::Host(s) | Callee::Method(_, s) => (s.params.len(), s.variadic),
            Callee::Native(f) => (f.params.len(), f.variadic),
            Callee::Builtin(b) => (b.fixed + usize::from(b.variadic), b.variadic),
        };
        let param = |i: usize| match callee {
            Callee::Host(s) | Callee::Method(_, s) => Param::Go(s.params[i.min(count - 1)]),
            Callee::Native(f) => Param::Go(f.params[i.min(count - 1)]),
            Callee::Builtin(b) => b.param(i).map_or(Param::Reflect, Param::Go),
        };
        let total = args.len() + usize::from(!last.is_missing());
        if variadic {
            if total < count - 1 {
                return frame.error(format!("wrong number of args for {name}: want at least {} got {}", count - 1, args.len()));
            }
        } else if total != count {
            return frame.error(format!("wrong number of args for {name}: want {count} got {total}"));
        }
        if let Callee::Builtin(b) = callee {
            if b.logic() {
                return self.logic(frame, dot, name == "or", args, last);
            }
        }
        let mut values = Vec::with_capacity(total);
        for (i, arg) in args.iter().enumerate() {
            let value = self.arg(frame, dot, param(i), arg)?;
            values.push(value);
        }
        if !last.is_missing() {
            let i = if variadic { total - 1 } else { count - 1 };
            values.push(Self::check(frame, last, param(i))?);
        }
        self.step(frame)?;
        let texts: usize = values.iter().filter_map(Rv::as_value).filter_map(Value::as_str).map(|s| s.len() / BYTES_A_STEP).sum();
        self.steps = self.steps.saturating_sub(CALL_STEPS + texts as u64);
        match self.invoke(frame, callee, name, args, values) {
            Ok(v) => match self.too_large(&v) {
                Some(told) => frame.error(told),
                None => Ok(v),
            },
            Err(e) => {
                frame.at = node;
                Err(frame.calling(name, e))
            }
        }
    }

    fn invoke(&mut self, frame: &Frame<'_>, callee: Callee<'_>, name: &str, args: &[Arg], values: Vec<Rv>) -> Result<Rv> {
        if let Callee::Builtin(b) = callee {
            let traced: Option<Vec<Value>> = self.tracer.as_ref().map(|_| values.iter().map(|v| v.clone().value()).collect());
            let callee_name = || args.first().map(|a| At::Arg(a).print()).unwrap_or_default();
            let result = builtin::call(b, values, &callee_name).map_err(ExecError::plain)?;
            return Ok(match (traced, result) {
                (Some(args), Rv::Val(v)) if !v.origin.is_some() => Rv::Val(self.trace_call(name, &args, v)),
                (_, result) => result,
            });
        }
        let values: Vec<Value> = values.into_iter().map(Rv::value).collect();
        let (value, result) = match callee {
            Callee::Host(s) => {
                let before = self.enter(frame.span());
                let value = self.host.call(self, name, &values);
                self.leave(before);
                (value?, s.result)
            }
            Callee::Method(receiver, s) => {
                let value = match &receiver.kind {
                    Kind::Object(o) => o.call(name, &values).map_err(|e| ExecError::plain(e.0))?,
                    _ => self.host.call_method(receiver, name, &values).map_err(ExecError::plain)?,
                };
                (value, s.result)
            }
            Callee::Native(f) => ((f.call)(&mut self.env(), &values).map_err(ExecError::plain)?, f.result),
            Callee::Builtin(_) => (Value::NIL, GoType::Any),
        };
        let value = if self.tracer.is_some() { self.trace_call(name, &values, value) } else { value };
        Ok(match result {
            GoType::Any => Rv::Iface(value),
            other if value.is_nil() => zero(other),
            _ => Rv::Val(value),
        })
    }

    /// What is said of a result that is larger than any output may be; large results take more steps.
    fn too_large(&mut self, v: &Rv) -> Option<String> {
        let (size, steps, what) = match v.as_value().map(|v| &v.kind) {
            Some(Kind::Str(s)) => (s.len(), s.len() / BYTES_A_STEP, "text"),
            Some(Kind::List(l)) => {
                let items = l.items().len();
                (items.saturating_mul(size_of::<Value>()), items / ITEMS_A_STEP + items.saturating_sub(LONG_LIST), "list")
            }
            _ => return None,
        };
        self.steps = self.steps.saturating_sub(steps as u64);
        (size > self.max_output).then(|| format!("the {what} is too large"))
    }

    fn trace_call(&mut self, name: &str, args: &[Value], value: Value) -> Value {
        match self.tracer.as_mut() {
            Some(t) => {
                let origin = t.called(name, args, &value);
                value.with_origin(origin)
            }
            None => value,
        }
    }

    /// `and` and `or`, which stop at the first argument that decides.
    fn logic<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, or: bool, args: &'t [Arg], last: Rv) -> Result<Rv> {
        let mut value = Rv::Invalid;
        for arg in args {
            value = self.arg(frame, dot, Param::Reflect, arg)?;
            if value.as_value().is_some_and(truth) == or {
                return Ok(value);
            }
        }
        Ok(if last.is_missing() { value } else { last })
    }

    /// Go's `validateType`.
    fn check(frame: &Frame<'_>, value: Rv, param: Param) -> Result<Rv> {
        let t = match param {
            Param::Unchecked | Param::Reflect => return Ok(value),
            Param::Go(t) => t,
        };
        match &value {
            Rv::Missing | Rv::Invalid if can_be_nil(t) => Ok(zero(t)),
            Rv::Missing | Rv::Invalid => frame.error(format!("invalid value; expected {t}")),
            Rv::Iface(v) if v.is_nil() => {
                if t == GoType::Any {
                    return Ok(value);
                }
                frame.error(format!("wrong type for value; expected {t}; got interface {{}}"))
            }
            Rv::Iface(v) | Rv::Val(v) => match assign(v, t) {
                Some(v) => Ok(Rv::Val(v)),
                None => frame.error(format!("wrong type for value; expected {t}; got {}", v.go_type_name().unwrap_or_default())),
            },
        }
    }

    fn arg<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, param: Param, arg: &'t Arg) -> Result<Rv> {
        frame.at = At::Arg(arg);
        let value = match &arg.kind {
            ArgKind::Dot => dot.clone(),
            ArgKind::Nil => {
                return match param {
                    Param::Reflect | Param::Unchecked => Ok(Rv::Invalid),
                    Param::Go(t) if can_be_nil(t) => Ok(zero(t)),
                    Param::Go(t) => frame.error(format!("cannot assign nil to {t}")),
                };
            }
            ArgKind::Field(names) => {
                let args = std::slice::from_ref(arg);
                self.chain(frame, dot, dot.clone(), At::Arg(arg), names, args, Rv::Missing)?
            }
            ArgKind::Variable(_) => self.variable_node(frame, dot, arg, &[], Rv::Missing)?,
            ArgKind::Pipe(pipe) => stacked(|| self.pipeline(frame, dot, pipe))?,
            ArgKind::Identifier(name) => self.function(frame, dot, arg, At::Arg(arg), name, &[], Rv::Missing)?,
            ArgKind::Chain(inner, _) => {
                if matches!(inner.kind, ArgKind::Nil) {
                    return frame.error(format!("indirection through explicit nil in {}", At::Arg(arg).print()));
                }
                stacked(|| self.chain_node(frame, dot, arg, &[], Rv::Missing))?
            }
            ArgKind::Bool(_) | ArgKind::Number(_) | ArgKind::Str { .. } => return Self::literal(frame, param, arg),
        };
        Self::check(frame, value, param)
    }

    /// A constant as an argument of a parameter.
    fn literal(frame: &Frame<'_>, param: Param, arg: &Arg) -> Result<Rv> {
        let found = || At::Arg(arg).print();
        let t = match param {
            Param::Go(t) if t != GoType::Any => t,
            _ => {
                return match &arg.kind {
                    ArgKind::Bool(b) => Ok(Rv::Val((*b).into())),
                    ArgKind::Number(n) => number(n).or_else(|e| frame.error(e)),
                    ArgKind::Str { text, .. } => Ok(Rv::Val(text.clone().into())),
                    _ => Ok(Rv::Invalid),
                };
            }
        };
        let kind = match t {
            GoType::Named(_, kind) => kind,
            other => other.kind(),
        };
        match (kind, &arg.kind) {
            (ReflectKind::Bool, ArgKind::Bool(b)) => Ok(Rv::Val((*b).into())),
            (ReflectKind::Bool, _) => frame.error(format!("expected bool; found {}", found())),
            (ReflectKind::String, ArgKind::Str { text, .. }) => Ok(Rv::Val(text.clone().into())),
            (ReflectKind::String, _) => frame.error(format!("expected string; found {}", found())),
            (ReflectKind::Int, ArgKind::Number(n)) if let Some(i) = &n.int => {
                let int = if let GoType::Int(t) = t { t } else { crate::value::IntType::Int64 };
                Ok(Rv::Val(Kind::Int(int, *i).into()))
            }
            (ReflectKind::Int, _) => frame.error(format!("expected integer; found {}", found())),
            (ReflectKind::Uint, ArgKind::Number(n)) if let Some(u) = &n.uint => {
                let uint = if let GoType::Uint(t) = t { t } else { crate::value::UintType::Uint64 };
                Ok(Rv::Val(Kind::Uint(uint, *u).into()))
            }
            (ReflectKind::Uint, _) => frame.error(format!("expected unsigned integer; found {}", found())),
            (ReflectKind::Float64, ArgKind::Number(n)) if let Some(f) = &n.float => Ok(Rv::Val((*f).into())),
            (ReflectKind::Float64, _) => frame.error(format!("expected float; found {}", found())),
            _ => frame.error(format!("can't handle {} for arg of type {t}", found())),
        }
    }
}
