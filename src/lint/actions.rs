//! The actions of templates, for rules that look at them: every pipe, every command, and their places.

use std::ops::Range;

use super::chart::Template;
use crate::gotmpl::tree::Arg;
use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::Branch;
use crate::gotmpl::tree::Command;
use crate::gotmpl::tree::Node;
use crate::gotmpl::tree::NodeKind;
use crate::gotmpl::tree::Pipe;

use crate::helm::capabilities::DEFAULT_API_VERSIONS;
use crate::source::Span;
use crate::value::Str;

/// Trees deeper than this are not looked into.
const MAX_DEPTH: usize = 200;

/// Calls `f` with each node of a template, definitions included, parents first.
pub(super) fn nodes<'t>(template: &'t Template, f: &mut dyn FnMut(&'t Node)) {
    for tree in &template.trees {
        list(&tree.root, 0, f);
    }
}

fn list<'t>(nodes: &'t [Node], depth: usize, f: &mut dyn FnMut(&'t Node)) {
    if depth > MAX_DEPTH {
        return;
    }
    for node in nodes {
        f(node);
        if let Some(branch) = branch(node) {
            list(&branch.list, depth + 1, f);
            list(branch.other.as_deref().unwrap_or_default(), depth + 1, f);
        }
    }
}

/// Calls `f` with the pipe of each condition among nodes, those inside others included.
pub(super) fn conditions<'t>(nodes: &'t [Node], f: &mut dyn FnMut(&'t Pipe)) {
    list(nodes, 0, &mut |node| {
        if let NodeKind::If(branch) | NodeKind::With(branch) = &node.kind {
            f(&branch.pipe);
        }
    });
}

/// Whether nodes end the rendering with `fail`.
pub(super) fn refuses(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match &node.kind {
        NodeKind::Action(pipe) => pipe.commands.iter().any(|c| function(c).as_deref() == Some("fail")),
        _ => false,
    })
}

/// The branch of a control structure.
pub(super) fn branch(node: &Node) -> Option<&Branch> {
    match &node.kind {
        NodeKind::If(b) | NodeKind::With(b) | NodeKind::Range(b) => Some(b),
        _ => None,
    }
}

/// The pipe of a node.
pub(super) fn pipe(node: &Node) -> Option<&Pipe> {
    match &node.kind {
        NodeKind::Action(pipe) | NodeKind::Template(_, Some(pipe)) => Some(pipe),
        _ => branch(node).map(|b| &b.pipe),
    }
}

/// Calls `f` with each command of a pipe, those in parentheses included.
pub(super) fn commands<'t>(pipe: &'t Pipe, f: &mut dyn FnMut(&'t Command)) {
    inner(pipe, 0, f);
}

fn inner<'t>(pipe: &'t Pipe, depth: usize, f: &mut dyn FnMut(&'t Command)) {
    if depth > MAX_DEPTH {
        return;
    }
    for command in &pipe.commands {
        f(command);
        for arg in &command.args {
            let mut kind = &arg.kind;
            while let ArgKind::Chain(inside, _) = kind {
                kind = &inside.kind;
            }
            if let ArgKind::Pipe(pipe) = kind {
                inner(pipe, depth + 1, f);
            }
        }
    }
}

/// Calls `f` with each command of a template.
pub(super) fn all_commands<'t>(template: &'t Template, f: &mut dyn FnMut(&'t Command)) {
    nodes(template, &mut |node| {
        if let Some(pipe) = pipe(node) {
            commands(pipe, f);
        }
    });
}

/// The function a command calls.
pub(super) fn function(command: &Command) -> Option<String> {
    match &command.args.first()?.kind {
        ArgKind::Identifier(name) => Some(name.to_string()),
        _ => None,
    }
}

/// The text of a string constant.
pub(super) fn text(kind: &ArgKind) -> Option<String> {
    match kind {
        ArgKind::Str { text, .. } => Some(text.to_string()),
        _ => None,
    }
}

/// The names of templates that a template calls by a constant, with the place of the call; and whether it also calls
/// some by a computed name; that of a file of the chart is none.
pub(super) fn calls(template: &Template) -> (Vec<(String, usize)>, bool) {
    let mut out = Vec::new();
    let mut computed = false;
    nodes(template, &mut |node| {
        if let NodeKind::Template(name, _) = &node.kind {
            out.push((name.to_string(), node.pos));
        }
        let Some(pipe) = pipe(node) else { return };
        commands(pipe, &mut |command| {
            if function(command).as_deref() == Some("include") {
                match command.args.get(1).and_then(|a| text(&a.kind)) {
                    Some(name) => out.push((name, command.pos)),
                    None => computed |= !command.args.get(1).is_some_and(of_file),
                }
            }
        });
    });
    (out, computed)
}

/// The pipe of an operand in parentheses.
pub(super) fn inner_pipe(arg: &Arg) -> Option<&Pipe> {
    match &arg.kind {
        ArgKind::Pipe(pipe) => Some(pipe),
        _ => None,
    }
}

/// Whether a name is worked out from where the chart's files are.
pub(super) fn of_file(arg: &Arg) -> bool {
    let Some(pipe) = inner_pipe(arg) else { return false };
    let mut found = false;
    commands(pipe, &mut |command| {
        found |= command.args.iter().any(|a| match &a.kind {
            ArgKind::Field(names) | ArgKind::Variable(names) => names.iter().any(|n| n.to_string() == "BasePath"),
            _ => false,
        });
    });
    found
}

/// Where a text defines named templates: name and range of `define "name"`.
pub(super) fn defines(source: &str) -> Vec<(String, Range<usize>)> {
    let mut out = Vec::new();
    for word in ["define", "block"] {
        for (at, _) in source.match_indices(word) {
            let before = source[..at].trim_end().trim_end_matches('-');
            let Some(rest) = source[at + word.len()..].trim_start().strip_prefix(['"', '`']) else { continue };
            let Some(end) = rest.find(['"', '`']) else { continue };
            if before.ends_with("{{") {
                let stop = source.len() - rest.len() + end + 1;
                out.push((rest[..end].to_owned(), at..stop));
            }
        }
    }
    out.sort_by_key(|(_, r)| r.start);
    out
}

/// The API of `.Capabilities.APIVersions.Has "api"`.
pub(super) fn api_asked_for(command: &Command) -> Option<String> {
    let (ArgKind::Field(names) | ArgKind::Variable(names)) = &command.args.first()?.kind else { return None };
    let names: Vec<String> = names.iter().map(Str::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|n| *n != "$").collect();
    let [api] = &command.args[1..] else { return None };
    (names == ["Capabilities", "APIVersions", "Has"]).then(|| text(&api.kind)).flatten()
}

/// Whether a rendering without a cluster knows an API; `more` are those that `-a` gave.
pub(super) fn knows_api(more: &[String], api: &str) -> bool {
    DEFAULT_API_VERSIONS.contains(&api) || more.iter().any(|a| a == api)
}

/// The range of a template as a span.
pub(super) fn span(template: &Template, start: usize, end: usize) -> Span {
    Span::new(template.file, start, end)
}
