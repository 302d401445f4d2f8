//! `hidden-by-capabilities`: reports an object that is not rendered because the template asks `.Capabilities` for an API
//! that Helm does not know of without a cluster.

use crate::gotmpl::tree::Arg;
use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::Branch;
use crate::gotmpl::tree::Command;
use crate::gotmpl::tree::Node;
use crate::gotmpl::tree::NodeKind;
use crate::gotmpl::tree::Pipe;
use crate::lint::actions;
use crate::lint::apis::REMOVED;
use crate::lint::chart::Template;
use crate::lint::context::Context;
use crate::value::Str;
use serde_json::Value;

/// Deeper conditions count as unknown.
const MAX_DEPTH: usize = 50;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.is_partial()) {
        if let Some(tree) = template.trees.last() {
            walk(cx, template, tree.root(), &Dot::Root, 0);
        }
    }
}

/// What `.` is.
enum Dot {
    /// What a template is given.
    Root,
    /// A value, by its path.
    Value(Vec<String>),
    Unknown,
}

impl Dot {
    /// What it is inside a `with`.
    fn with(&self, pipe: &Pipe) -> Self {
        let [command] = pipe.commands.as_slice() else { return Self::Unknown };
        let [arg] = command.args.as_slice() else { return Self::Unknown };
        self.path(arg).map_or(Self::Unknown, Self::Value)
    }

    /// The path of the value that an argument names.
    fn path(&self, arg: &Arg) -> Option<Vec<String>> {
        let of_root = |names: &[Str]| {
            let (values, path) = names.split_first()?;
            (values.to_string() == "Values").then(|| path.iter().map(Str::to_string).collect())
        };
        match (&arg.kind, self) {
            (ArgKind::Variable(names), _) if names.first().is_some_and(|n| n.to_string() == "$") => of_root(&names[1..]),
            (ArgKind::Field(names), Self::Root) => of_root(names),
            (ArgKind::Field(names), Self::Value(path)) => Some(path.iter().cloned().chain(names.iter().map(Str::to_string)).collect()),
            _ => None,
        }
    }
}

/// Looks at what is rendered, as far as the defaults of the values tell.
fn walk(cx: &Context, template: &Template, nodes: &[Node], dot: &Dot, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    for node in nodes {
        let Some(branch) = actions::branch(node) else { continue };
        let other = branch.other.as_deref().unwrap_or_default();
        let mut asked = Vec::new();
        let (holds, inner) = match node.kind {
            NodeKind::If(_) => (truth(cx, &branch.pipe, dot, &mut asked, 0), None),
            NodeKind::With(_) => (truth(cx, &branch.pipe, dot, &mut asked, 0), Some(dot.with(&branch.pipe))),
            _ => (None, Some(Dot::Unknown)),
        };
        if holds != Some(false) {
            walk(cx, template, &branch.list, inner.as_ref().unwrap_or(dot), depth + 1);
        }
        if holds != Some(true) {
            walk(cx, template, other, dot, depth + 1);
        }
        if holds == Some(false) && other.is_empty() && inner.is_none() {
            report(cx, template, node, branch, &asked);
        }
    }
}

/// Reports the objects of a branch that only the absence of `asked` closes.
fn report(cx: &Context, template: &Template, node: &Node, branch: &Branch, asked: &[String]) {
    let mut kinds = Vec::new();
    kinds_in(&branch.list, &mut kinds, 0);
    // What no server of this version has either is not missed.
    let gone = |api: &&String| REMOVED.iter().any(|(version, kind, since, _)| **api == format!("{version}/{kind}") && cx.minor() >= *since);
    let (Some(kind), false) = (kinds.first(), asked.iter().all(|api| gone(&api))) else { return };
    let quoted = asked.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ");
    let flags = asked.iter().map(|a| format!("-a {a}")).collect::<Vec<_>>().join(" ");
    cx.report_span(
        actions::span(template, node.span.0, node.span.1),
        format!("no {kind} is rendered: without a cluster Helm does not know {quoted}"),
        format!("{flags} shows it"),
    );
}

fn kinds_in(nodes: &[Node], out: &mut Vec<String>, depth: usize) {
    for node in nodes {
        if let NodeKind::Text(text) = &node.kind {
            let text = String::from_utf8_lossy(text);
            let kinds = text.lines().filter_map(|line| line.strip_prefix("kind:")).map(|k| k.trim().to_owned());
            out.extend(kinds.filter(|k| !k.is_empty()));
        } else if let Some(branch) = actions::branch(node).filter(|_| depth < MAX_DEPTH) {
            kinds_in(&branch.list, out, depth + 1);
        }
    }
}

/// Whether a condition holds; `asked` gathers the APIs that would make it hold. `None` when it is not known, or when
/// more than these APIs is missing.
fn truth(cx: &Context, pipe: &Pipe, dot: &Dot, asked: &mut Vec<String>, depth: usize) -> Option<bool> {
    let [command] = pipe.commands.as_slice() else { return None };
    if depth > MAX_DEPTH || !pipe.decl.is_empty() {
        return None;
    }
    of_command(cx, command, dot, asked, depth)
}

fn of_command(cx: &Context, command: &Command, dot: &Dot, asked: &mut Vec<String>, depth: usize) -> Option<bool> {
    let first = command.args.first()?;
    let ArgKind::Identifier(function) = &first.kind else {
        return match actions::api_asked_for(command) {
            Some(api) => {
                let known = known(cx, &api);
                if !known && !asked.contains(&api) {
                    asked.push(api);
                }
                Some(known)
            }
            None if command.args.len() == 1 => of_arg(cx, first, dot, asked, depth),
            None => None,
        };
    };
    let mut apis = Vec::new();
    let truths: Vec<Option<bool>> = command.args[1..].iter().map(|arg| of_arg(cx, arg, dot, &mut apis, depth)).collect();
    match function.to_string().as_str() {
        // All that is false must be so for want of an API, or it is not this that hides.
        "and" => {
            let closed = truths.iter().filter(|t| **t == Some(false)).count();
            if closed == 0 {
                return truths.iter().all(|t| *t == Some(true)).then_some(true);
            }
            let by_apis = command.args[1..].iter().filter(|arg| {
                let mut apis = Vec::new();
                of_arg(cx, arg, dot, &mut apis, depth) == Some(false) && !apis.is_empty()
            });
            // What is not known may be closed as well.
            if by_apis.count() == closed && !truths.contains(&None) {
                asked.append(&mut apis);
            }
            Some(false)
        }
        "or" => {
            if truths.contains(&Some(true)) {
                return Some(true);
            }
            // One of them is enough.
            asked.extend(apis.into_iter().take(1));
            truths.iter().all(|t| *t == Some(false)).then_some(false)
        }
        "not" => truths.first().copied().flatten().map(|t| !t),
        _ => None,
    }
}

fn of_arg(cx: &Context, arg: &Arg, dot: &Dot, asked: &mut Vec<String>, depth: usize) -> Option<bool> {
    match &arg.kind {
        ArgKind::Bool(b) => Some(*b),
        ArgKind::Pipe(pipe) => truth(cx, pipe, dot, asked, depth + 1),
        _ => of_value(cx, &dot.path(arg)?),
    }
}

/// The truth of a value's default.
fn of_value(cx: &Context, path: &[String]) -> Option<bool> {
    Some(match cx.default_of(path)? {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    })
}

fn known(cx: &Context, api: &str) -> bool {
    actions::knows_api(cx.input.api_versions, api)
}
