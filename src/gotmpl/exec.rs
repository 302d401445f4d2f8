//! The executor: walks a tree with Go's reflect-like semantics. upstream: text/template/exec.go

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::{ExecError, Result};
use super::func::{Env, Functions, TOO_MANY_STEPS};
use super::parse::Seen;
use super::trace::{Out, Tracer};
use super::tree::{At, Branch, Node, NodeKind, Pipe, Tree};
use crate::source::Span;
use crate::source::World;
use crate::value::stacked;
use crate::value::{GoType, Kind, List, Map, Str, Value};
use crate::value::{print_value, quote};

/// What a missing map key gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// The zero value of the element type (`missingkey=zero`).
    Zero,
    /// No value (`missingkey=default`).
    Invalid,
    /// An error (`missingkey=error`).
    Error,
}

/// The Go signature of a host function or method.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The parameter types; for a variadic function the last is the element type.
    pub params: &'static [GoType],
    /// Whether the last parameter repeats.
    pub variadic: bool,
    /// The result type.
    pub result: GoType,
}

/// What embeds the template language: functions that need the executor, and methods of plain kinds.
pub trait Host {
    /// The signature of a host function; host functions win over all others.
    fn signature(&self, name: &str) -> Option<Signature>;
    /// Calls a function that [`Host::signature`] announced.
    fn call(&self, runtime: &mut Runtime<'_>, name: &str, args: &[Value]) -> Result<Value>;
    /// The signature of a method of a plain value (such as `common.Values`).
    fn method(&self, _receiver: &Value, _name: &str) -> Option<Signature> {
        None
    }
    /// Calls such a method.
    fn call_method(&self, _receiver: &Value, name: &str, _args: &[Value]) -> std::result::Result<Value, String> {
        Err(format!("no method {name}"))
    }
}

/// A namespace of templates; an inner one sees the outer one's.
#[derive(Debug, Default)]
pub struct Scope {
    parent: Option<Rc<Scope>>,
    trees: RefCell<FxHashMap<Str, Arc<Tree>>>,
}

impl Scope {
    /// Inside `parent`.
    pub fn inside(parent: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { parent: Some(Rc::clone(parent)), trees: RefCell::default() })
    }

    /// The template of a name.
    pub fn get(&self, name: &[u8]) -> Option<Arc<Tree>> {
        let mut scope = self;
        loop {
            if let Some(tree) = scope.trees.borrow().get(name) {
                return Some(Arc::clone(tree));
            }
            scope = scope.parent.as_deref()?;
        }
    }

    /// Adds a template, unless it is empty and the name is taken.
    pub fn add(&self, tree: &Arc<Tree>) {
        if tree.is_empty() && self.get(tree.name.as_bytes()).is_some() {
            return;
        }
        self.add_always(tree);
    }

    /// Adds a template, whatever was there.
    pub fn add_always(&self, tree: &Arc<Tree>) {
        self.trees.borrow_mut().insert(tree.name.clone(), Arc::clone(tree));
    }
}

/// Everything a rendering shares between its templates.
pub struct Runtime<'h> {
    /// Functions that need the executor.
    pub host: &'h dyn Host,
    /// Native functions by name.
    pub functions: Functions,
    /// What a missing map key gives.
    pub missing: MissingKey,
    /// The templates that can be called now.
    pub scope: Rc<Scope>,
    /// Time and environment.
    pub world: &'h dyn World,
    /// The random stream.
    pub random: Box<dyn FnMut(&mut [u8]) + 'h>,
    /// Steps left.
    pub steps: u64,
    /// The largest output of one template call.
    pub max_output: usize,
    /// Present when tracing is on.
    pub tracer: Option<Tracer>,
    /// Template calls around the current one.
    pub depth: usize,
    /// What was seen in definitions that were parsed when they were called.
    pub seen: Seen,
}

/// Template calls nested deeper than this are refused (Go refuses at the depth its text names).
const MAX_DEPTH: usize = 20_000;

/// What a call of a template costs beside its own steps: the source map remembers each call.
const CALL_STEPS: u64 = 20;
/// What an action that prints costs beside its own step: the source map remembers each piece.
const PRINT_STEPS: u64 = 4;

/// A value as Go's reflect sees it: whether its static type is `interface {}` matters for nil and for texts.
#[derive(Clone, Debug)]
pub(super) enum Rv {
    /// No argument from a pipeline.
    Missing,
    /// The zero `reflect.Value`.
    Invalid,
    /// Of static type `interface {}`, maybe nil.
    Iface(Value),
    /// Of its own type, never nil.
    Val(Value),
}

impl Rv {
    /// A value of its own type; nil is no value.
    pub(super) fn concrete(v: Value) -> Self {
        if v.is_nil() { Self::Invalid } else { Self::Val(v) }
    }

    /// As an element of a list or map with this element type.
    pub(super) fn element(v: Value, elem: GoType) -> Self {
        if elem == GoType::Any { Self::Iface(v) } else { Self::concrete(v) }
    }

    /// Without the interface around it.
    pub(super) fn strip(self) -> Self {
        match self {
            Self::Iface(v) => Self::concrete(v),
            other => other,
        }
    }

    /// The value inside, nil when there is none.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Iface(v) | Self::Val(v) => v,
            Self::Missing | Self::Invalid => Value::NIL,
        }
    }

    /// The value inside.
    pub(super) fn as_value(&self) -> Option<&Value> {
        match self {
            Self::Iface(v) | Self::Val(v) if !v.is_nil() => Some(v),
            _ => None,
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The static type's name.
    pub(super) fn type_name(&self) -> String {
        match self {
            Self::Val(v) => v.go_type_name().unwrap_or_else(|| "<nil>".to_owned()),
            _ => "interface {}".to_owned(),
        }
    }
}

/// The zero value of a type.
pub(super) fn zero(t: GoType) -> Rv {
    match t {
        GoType::Bool => Rv::Val(false.into()),
        GoType::Int(t) => Rv::Val(Kind::Int(t, 0).into()),
        GoType::Uint(t) => Rv::Val(Kind::Uint(t, 0).into()),
        GoType::Float64 => Rv::Val(0.0.into()),
        GoType::Complex128 => Rv::Val(Kind::Complex(0.0, 0.0).into()),
        GoType::String => Rv::Val("".into()),
        GoType::Slice(e) => Rv::Val(List::nil(*e).into()),
        GoType::Map(e) => Rv::Val(Map::nil(*e).into()),
        GoType::Any | GoType::Named(..) | GoType::Func(_) => Rv::Iface(Value::NIL),
    }
}

/// Whether `if` takes it as true.
pub fn truth(v: &Value) -> bool {
    match &v.kind {
        Kind::Nil => false,
        Kind::Bool(b) => *b,
        Kind::Int(_, n) => *n != 0,
        Kind::Uint(_, n) => *n != 0,
        Kind::Float(f) => *f != 0.0,
        Kind::Complex(re, im) => *re != 0.0 || *im != 0.0,
        Kind::Str(s) => !s.is_empty(),
        Kind::List(l) => !l.items().is_empty(),
        Kind::Map(m) => !m.is_empty(),
        Kind::Object(o) => o.underlying().map_or_else(|| o.truth(), |v| truth(&v)),
    }
}

/// How a list of nodes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

/// One template call.
pub(super) struct Frame<'t> {
    pub(super) tree: &'t Tree,
    pub(super) at: At<'t>,
    pub(super) vars: Vec<(Str, Rv)>,
    /// The action that runs, as bytes of the text.
    pub(super) action: (usize, usize),
    /// See [`Node::shift`].
    shift: isize,
}

impl Frame<'_> {
    /// The error `message` at the current node.
    pub(super) fn error<T>(&self, message: impl Into<String>) -> Result<T> {
        let message = message.into();
        Err(Box::new(ExecError {
            prefix: format!("{}{message}", self.prefix()),
            message,
            exec: true,
            span: self.span(),
            ..ExecError::default()
        }))
    }

    /// The error of a called function.
    pub(super) fn calling(&self, name: &str, cause: Box<ExecError>) -> Box<ExecError> {
        Box::new(ExecError {
            prefix: format!("{}error calling {name}: ", self.prefix()),
            message: format!("error calling {name}"),
            exec: true,
            span: self.span(),
            cause: Some(cause),
            missing: None,
        })
    }

    /// The action that runs, as a span of a file.
    pub(super) fn span(&self) -> Option<Span> {
        self.tree.file.map(|file| Span::new(file, self.action.0, self.action.1))
    }

    fn prefix(&self) -> String {
        let text = &self.tree.text[..self.at.pos(self.shift).min(self.tree.text.len())];
        let column = text.iter().rposition(|b| *b == b'\n').map_or(text.len(), |n| text.len() - n - 1);
        let line = 1 + text.iter().filter(|b| **b == b'\n').count();
        let name = quote(self.tree.name.as_bytes());
        format!("template: {}:{line}:{column}: executing {name} at <{}>: ", self.tree.parse_name, self.at.print())
    }

    pub(super) fn variable(&self, name: &Str) -> Result<Rv> {
        match self.vars.iter().rev().find(|(n, _)| n == name) {
            Some((_, v)) => Ok(v.clone()),
            None => self.error(format!("undefined variable: {name}")),
        }
    }

    fn assign(&mut self, name: &Str, value: Rv) -> Result<()> {
        match self.vars.iter_mut().rev().find(|(n, _)| n == name) {
            Some((_, v)) => *v = value,
            None => return self.error(format!("undefined variable: {name}")),
        }
        Ok(())
    }
}

impl Runtime<'_> {
    /// Runs the template `name` of the current scope; `outer` is the name Go puts into the sentence when it is missing.
    pub fn execute(&mut self, name: &[u8], outer: &str, dot: &Value, out: &mut Out) -> Result<()> {
        match self.scope.get(name) {
            Some(tree) => self.execute_tree(&tree, dot, out),
            None => {
                Err(ExecError::plain(format!("template: no template {} associated with template {}", quote(name), quote(outer.as_bytes()))))
            }
        }
    }

    /// Runs a tree.
    pub fn execute_tree(&mut self, tree: &Arc<Tree>, dot: &Value, out: &mut Out) -> Result<()> {
        self.run(tree, Rv::concrete(dot.clone()), out)
    }

    fn run(&mut self, tree: &Tree, dot: Rv, out: &mut Out) -> Result<()> {
        self.steps = self.steps.saturating_sub(CALL_STEPS);
        let mut frame = Frame { tree, at: At::List(0), vars: vec![(Str::from("$"), dot.clone())], action: (0, 0), shift: 0 };
        self.depth += 1;
        let root = tree.root_sharing(&mut self.seen);
        let result = stacked(|| self.walk(&mut frame, &dot, root, out));
        self.depth -= 1;
        result.map(|_| ())
    }

    /// Fills an environment for native functions.
    pub fn env(&mut self) -> Env<'_> {
        Env { world: self.world, random: &mut *self.random, steps: &mut self.steps }
    }

    pub(super) fn step(&mut self, frame: &Frame<'_>) -> Result<()> {
        match self.steps.checked_sub(1) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => frame.error(TOO_MANY_STEPS),
        }
    }

    fn walk<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, nodes: &'t [Node], out: &mut Out) -> Result<Flow> {
        for node in nodes {
            frame.at = At::Node(node);
            self.step(frame)?;
            if out.text.len() > self.max_output {
                return frame.error("the output is too large");
            }
            if !matches!(node.kind, NodeKind::Text(_)) {
                (frame.action, frame.shift) = (node.span, node.shift);
            }
            match &node.kind {
                NodeKind::Text(text) => {
                    let span = frame.tree.file.map(|file| Span::new(file, node.span.0, node.span.1));
                    out.literal(text, span, self.tracer.as_ref());
                }
                NodeKind::Action(pipe) => {
                    let value = self.pipeline(frame, dot, pipe)?;
                    if pipe.decl.is_empty() {
                        frame.at = At::Node(node);
                        self.print(frame, &value, out)?;
                    }
                }
                NodeKind::Break => return Ok(Flow::Break),
                NodeKind::Continue => return Ok(Flow::Continue),
                NodeKind::If(branch) => {
                    let flow = stacked(|| self.branch(frame, dot, branch, false, out))?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                NodeKind::With(branch) => {
                    let flow = stacked(|| self.branch(frame, dot, branch, true, out))?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                NodeKind::Range(branch) => {
                    let flow = stacked(|| self.range(frame, dot, branch, out))?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                NodeKind::Template(name, pipe) => self.template(frame, dot, name, pipe.as_deref(), out)?,
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, frame: &Frame<'_>, value: &Rv, out: &mut Out) -> Result<()> {
        self.steps = self.steps.saturating_sub(PRINT_STEPS);
        let Some(v) = value.as_value() else {
            out.action(b"<no value>", frame.span(), crate::source::OriginId::NONE, self.tracer.as_ref());
            return Ok(());
        };
        if let Kind::Str(s) = &v.kind {
            out.action(s.as_bytes(), frame.span(), v.origin, self.tracer.as_ref());
            return Ok(());
        }
        if v.reflect_kind() == crate::value::ReflectKind::Func {
            return frame.error(format!("can't print {} of type {}", frame.at.print(), value.type_name()));
        }
        // A field of a struct behind a pointer has the methods of the pointer too.
        if let Kind::Object(o) = &v.kind {
            if let Some(text) = o.display() {
                out.action(text.as_bytes(), frame.span(), v.origin, self.tracer.as_ref());
                return Ok(());
            }
        }
        match print_value(v) {
            Ok(text) => out.action(&text, frame.span(), v.origin, self.tracer.as_ref()),
            Err(e) => return frame.error(e.0),
        }
        Ok(())
    }

    fn branch<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, branch: &'t Branch, with: bool, out: &mut Out) -> Result<Flow> {
        let mark = frame.vars.len();
        let value = self.pipeline(frame, dot, &branch.pipe)?;
        let flow = if value.as_value().is_some_and(truth) {
            self.walk(frame, if with { &value } else { dot }, &branch.list, out)?
        } else if let Some(other) = &branch.other {
            self.walk(frame, dot, other, out)?
        } else {
            Flow::Next
        };
        frame.vars.truncate(mark);
        Ok(flow)
    }

    fn range<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, branch: &'t Branch, out: &mut Out) -> Result<Flow> {
        let start = frame.vars.len();
        let mut value = self.pipeline(frame, dot, &branch.pipe)?.value();
        if let Kind::Object(o) = &value.kind {
            if let Some(inner) = o.underlying() {
                value = inner;
            }
        }
        let mark = frame.vars.len();
        let two = branch.pipe.decl.len() > 1;
        let mut ran = false;
        let mut flow = Flow::Next;
        match &value.kind {
            Kind::Nil => {}
            Kind::Int(..) | Kind::Uint(..) if two => {
                let text = print_value(&value).unwrap_or_default();
                return frame.error(format!("can't use {} to iterate over more than one variable", String::from_utf8_lossy(&text)));
            }
            Kind::Int(t, n) => {
                for i in 0..*n {
                    ran = true;
                    let elem = Rv::Val(Value::from(Kind::Int(*t, i)).with_origin(value.origin));
                    flow = self.iteration(frame, branch, mark, Rv::Invalid, elem, out)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            Kind::Uint(t, n) => {
                for i in 0..*n {
                    ran = true;
                    let elem = Rv::Val(Value::from(Kind::Uint(*t, i)).with_origin(value.origin));
                    flow = self.iteration(frame, branch, mark, Rv::Invalid, elem, out)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            Kind::List(list) => {
                for (i, item) in list.items().iter().enumerate() {
                    ran = true;
                    let elem = Rv::element(item.clone(), list.elem());
                    flow = self.iteration(frame, branch, mark, Rv::Val(Value::int(i as i64)), elem, out)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            Kind::Map(map) => {
                // The keys are fixed before the first iteration, as Go's sorted copy is.
                let entries: Vec<(Str, Value)> = map.borrow().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
                for (key, item) in entries {
                    ran = true;
                    let elem = Rv::element(item, map.elem());
                    flow = self.iteration(frame, branch, mark, Rv::Val(key.into()), elem, out)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            _ => {
                let text = print_value(&value).unwrap_or_default();
                return frame.error(format!("range can't iterate over {}", String::from_utf8_lossy(&text)));
            }
        }
        let _ = flow;
        let mut flow = Flow::Next;
        if !ran {
            if let Some(other) = &branch.other {
                flow = self.walk(frame, dot, other, out)?;
            }
        }
        frame.vars.truncate(start);
        Ok(flow)
    }

    fn iteration<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        branch: &'t Branch,
        mark: usize,
        index: Rv,
        elem: Rv,
        out: &mut Out,
    ) -> Result<Flow> {
        let decl = &branch.pipe.decl;
        self.step(frame)?;
        if branch.pipe.assign {
            match decl.as_slice() {
                [(_, one)] => frame.assign(one, elem.clone())?,
                [(_, one), (_, two), ..] => {
                    frame.assign(one, index)?;
                    frame.assign(two, elem.clone())?;
                }
                [] => {}
            }
        } else if !decl.is_empty() {
            frame.vars[mark - 1].1 = elem.clone();
            if decl.len() > 1 {
                frame.vars[mark - 2].1 = index;
            }
        }
        let flow = self.walk(frame, &elem, &branch.list, out)?;
        frame.vars.truncate(mark);
        Ok(flow)
    }

    fn template<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, name: &Str, pipe: Option<&'t Pipe>, out: &mut Out) -> Result<()> {
        let Some(tree) = self.scope.get(name.as_bytes()) else {
            return frame.error(format!("template {} not defined", quote(name.as_bytes())));
        };
        if self.depth >= MAX_DEPTH {
            return frame.error("exceeded maximum template depth (100000)");
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(frame, dot, pipe)?,
            None => Rv::Invalid,
        };
        let entered = self.enter(frame.span());
        let result = self.run(&tree, dot, out);
        self.leave(entered);
        result
    }

    /// Starts a frame of the source map.
    pub fn enter(&mut self, span: Option<Span>) -> Option<u32> {
        self.tracer.as_mut().and_then(|t| t.enter(span))
    }

    /// Ends a frame: `before` is what [`Runtime::enter`] answered.
    pub fn leave(&mut self, before: Option<u32>) {
        if let Some(t) = self.tracer.as_mut() {
            t.leave(before);
        }
    }

    pub(super) fn pipeline<'t>(&mut self, frame: &mut Frame<'t>, dot: &Rv, pipe: &'t Pipe) -> Result<Rv> {
        frame.at = At::Pipe(pipe);
        self.step(frame)?;
        let mut value = Rv::Missing;
        for command in &pipe.commands {
            value = self.command(frame, dot, command, value)?.strip();
        }
        for (_, name) in &pipe.decl {
            if pipe.assign {
                frame.assign(name, value.clone())?;
            } else {
                frame.vars.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }
}
