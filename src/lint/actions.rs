//! The actions of templates, for rules that look at them: every pipe, every command, and their places.

use std::ops::Range;

use super::chart::Template;
use crate::gotmpl::tree::Arg;
use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::At;
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
        list(tree.root(), 0, f);
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
        _ => branch(node).map(|b| &*b.pipe),
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

/// The names by which `from` calls templates that it works out: whole names, in which a verb of `printf` stands for any
/// text. None when a name may be any, such as one that users give; `all` holds the templates that may hand a name on.
pub(super) fn computed(from: &[&Template], all: &[&Template]) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut known = true;
    for template in from {
        all_commands(template, &mut |command| {
            if function(command).as_deref() != Some("include") {
                return;
            }
            known &= match command.args.get(1) {
                Some(arg) if text(&arg.kind).is_some() || of_file(arg) => true,
                Some(arg) => names_of(arg, template, all, 0, &mut out),
                None => false,
            };
        });
    }
    known.then_some(out)
}

/// Names are handed on less often than this.
const MAX_HANDS: usize = 4;

/// Collects the texts that an operand may be; `false` when it may be any.
fn names_of(arg: &Arg, template: &Template, all: &[&Template], depth: usize, out: &mut Vec<String>) -> bool {
    match &arg.kind {
        ArgKind::Str { text, .. } => {
            out.push(text.to_string());
            true
        }
        ArgKind::Pipe(pipe) => names_of_pipe(pipe, template, all, depth, out),
        ArgKind::Variable(names) if names.len() == 1 => bound(&names[0].to_string(), template, all, depth, out),
        ArgKind::Field(names) | ArgKind::Variable(names) if !names.iter().any(|n| n.to_string() == "Values") => {
            names.last().is_some_and(|name| handed(&name.to_string(), all, depth, out))
        }
        _ => false,
    }
}

fn names_of_pipe(pipe: &Pipe, template: &Template, all: &[&Template], depth: usize, out: &mut Vec<String>) -> bool {
    let [command] = pipe.commands.as_slice() else { return false };
    match (function(command).as_deref(), &command.args[1..]) {
        (None, []) => command.args.first().is_some_and(|arg| names_of(arg, template, all, depth, out)),
        (Some("printf"), [format, ..]) => names_of(format, template, all, depth, out),
        (Some("ternary"), [yes, no, ..]) => names_of(yes, template, all, depth, out) && names_of(no, template, all, depth, out),
        _ => false,
    }
}

/// The texts that a variable of a template is set to.
fn bound(name: &str, template: &Template, all: &[&Template], depth: usize, out: &mut Vec<String>) -> bool {
    let (mut found, mut known) = (false, depth < MAX_HANDS);
    nodes(template, &mut |node| {
        let Some(pipe) = pipe(node).filter(|p| known && p.decl.iter().any(|(_, n)| n.to_string() == name)) else { return };
        found = true;
        known = !matches!(node.kind, NodeKind::Range(_)) && names_of_pipe(pipe, template, all, depth + 1, out);
    });
    found && known
}

/// The texts that `dict` and `set` put under a key.
fn handed(key: &str, all: &[&Template], depth: usize, out: &mut Vec<String>) -> bool {
    let (mut found, mut known) = (false, depth < MAX_HANDS);
    for template in all {
        all_commands(template, &mut |command| {
            let first = match function(command).as_deref() {
                Some("dict") => 1,
                Some("set") => 2,
                _ => return,
            };
            for pair in command.args.get(first..).unwrap_or_default().chunks(2) {
                if let ([name, value], true) = (pair, known) {
                    if text(&name.kind).as_deref() == Some(key) {
                        found = true;
                        known = names_of(value, template, all, depth + 1, out);
                    }
                }
            }
        });
    }
    found && known
}

/// Whether a name is one of those that [`computed`] gives.
pub(super) fn fits(format: &str, name: &str) -> bool {
    // What follows a per cent sign is the verb's letter.
    let literal = |(index, part)| if index == 0 { part } else { str::get(part, 1..).unwrap_or("") };
    let literals: Vec<&str> = format.split('%').enumerate().map(literal).collect();
    let [first, between @ .., last] = literals.as_slice() else { return format == name };
    let Some(mut rest) = name.strip_prefix(first).and_then(|r| r.strip_suffix(last)) else { return false };
    between.iter().all(|part| {
        let at = rest.find(part);
        rest = at.map_or(rest, |at| &rest[at + part.len()..]);
        at.is_some()
    })
}

/// Whether a variable is used after its declaration, and only by conditions, inside what these open, and by functions of
/// which `copes` says that they cope with nothing.
pub(super) fn asked_first(rest: &[Node], name: &str, copes: fn(&str) -> bool) -> bool {
    let mut used = false;
    asked_in(rest, name, copes, 0, &mut used).is_some() && used
}

/// None for a use that nothing guards; whether the variable is still the one that was declared.
fn asked_in(nodes: &[Node], name: &str, copes: fn(&str) -> bool, depth: usize, used: &mut bool) -> Option<bool> {
    if depth > MAX_DEPTH {
        return None;
    }
    for node in nodes {
        let Some(pipe) = pipe(node) else { continue };
        let here = mentions(pipe, name, 0);
        *used |= here;
        if let Some(branch) = branch(node) {
            let other = branch.other.as_deref().unwrap_or_default();
            let (list, other) = (&branch.list[..], other);
            if here && (sets(list, name, 0) || sets(other, name, 0)) {
                return Some(false);
            }
            for inner in if here { [&[][..], &[]] } else { [list, other] } {
                if !asked_in(inner, name, copes, depth + 1, used)? {
                    return Some(false);
                }
            }
        } else if here && !coped(pipe, name, copes, 0) {
            return None;
        }
        if pipe.decl.iter().any(|(_, n)| n.to_string() == name) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether nodes set a variable anew.
fn sets(nodes: &[Node], name: &str, depth: usize) -> bool {
    let mut found = false;
    list(nodes, depth, &mut |node| {
        found |= pipe(node).is_some_and(|p| p.decl.iter().any(|(_, n)| n.to_string() == name));
    });
    found
}

/// The operand within parentheses and before names.
fn base(arg: &Arg) -> &Arg {
    let mut arg = arg;
    while let ArgKind::Chain(inside, _) = &arg.kind {
        arg = inside;
    }
    arg
}

fn is_variable(arg: &Arg, name: &str) -> bool {
    matches!(&base(arg).kind, ArgKind::Variable(names) if names[0].to_string() == name)
}

/// Whether a pipe mentions a variable.
fn mentions(pipe: &Pipe, name: &str, depth: usize) -> bool {
    let of_arg =
        |arg: &Arg| is_variable(arg, name) || inner_pipe(base(arg)).is_some_and(|p| depth < MAX_DEPTH && mentions(p, name, depth + 1));
    pipe.commands.iter().flat_map(|c| &c.args).any(of_arg)
}

/// Whether every mention of a variable in a pipe is an argument of a function that copes with nothing, or goes on to one.
fn coped(pipe: &Pipe, name: &str, copes: fn(&str) -> bool, depth: usize) -> bool {
    let soft = |command: &Command| function(command).is_some_and(|f| copes(&f));
    pipe.commands.iter().enumerate().all(|(index, command)| {
        let fine = soft(command) || pipe.commands[index + 1..].iter().any(soft);
        fine || command.args.iter().all(|arg| {
            !is_variable(arg, name) && inner_pipe(base(arg)).is_none_or(|p| depth < MAX_DEPTH && coped(p, name, copes, depth + 1))
        })
    })
}

/// All text constants of a template.
pub(super) fn constants(template: &Template) -> Vec<String> {
    let mut out = Vec::new();
    all_commands(template, &mut |command| out.extend(command.args.iter().filter_map(|a| text(&a.kind))));
    out
}

/// A `lookup` as it is spelled, when that is all an operand is.
pub(super) fn lookup_of(arg: &Arg) -> Option<String> {
    let pipe = inner_pipe(arg)?;
    match (pipe.decl.is_empty(), pipe.commands.as_slice()) {
        (true, [command]) if command.args.len() == 1 => lookup_of(&command.args[0]),
        (true, [command]) => spelled_lookup(command),
        _ => None,
    }
}

/// A command as it is spelled, when it is a `lookup`.
pub(super) fn spelled_lookup(command: &Command) -> Option<String> {
    (function(command).as_deref() == Some("lookup")).then(|| At::Command(command).print())
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_format_stands_for_its_names() {
        let cases = [
            ("app.labels", "app.labels", true),
            ("app.labels", "app.label", false),
            ("app.%s", "app.web", true),
            ("app.%s.spec", "app.web.spec", true),
            ("app.%s.spec", "app.spec", false),
            ("%s.%s", "web.labels", true),
            ("%s.%s", "labels", false),
        ];
        for (format, name, want) in cases {
            assert_eq!(super::fits(format, name), want, "{format} {name}");
        }
    }
}
