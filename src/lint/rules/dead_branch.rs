//! `dead-branch`: reports a condition that can never (or always) hold, whatever the values are.

use crate::gotmpl::tree::Arg;
use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::At;
use crate::gotmpl::tree::Node;
use crate::gotmpl::tree::NodeKind;
use crate::gotmpl::tree::Pipe;
use crate::lint::actions;
use crate::lint::chart::Template;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in &chart.templates {
        for tree in &template.trees {
            list(cx, template, tree.root(), &[]);
        }
    }
}

fn list(cx: &Context, template: &Template, nodes: &[Node], held: &[(String, bool)]) {
    if held.len() > 100 {
        return;
    }
    for node in nodes {
        let Some(branch) = actions::branch(node) else { continue };
        let condition = At::Pipe(&branch.pipe).print();
        if matches!(node.kind, NodeKind::If(_)) {
            if let Some(always) = constant(&branch.pipe) {
                let what = if always { "always" } else { "never" };
                // An `if true` with one branch is a way to group.
                // And an `if false` is a way to switch off.
                let written = matches!(condition.as_str(), "true" | "false");
                if !written || always && branch.other.is_some() {
                    report(cx, template, node, what);
                }
            } else if let Some((_, holds)) = held.iter().find(|(c, _)| *c == plain(&condition).0) {
                let never = *holds != plain(&condition).1;
                if never {
                    report(cx, template, node, "never");
                }
            }
        }
        // The dot means something else inside of these.
        let keeps = matches!(node.kind, NodeKind::If(_));
        let mut inner = if keeps { held.to_vec() } else { Vec::new() };
        let (text, holds) = plain(&condition);
        if keeps {
            inner.push((text.clone(), holds));
        }
        list(cx, template, &branch.list, &inner);
        if let (Some(other), true) = (&branch.other, keeps) {
            inner.pop();
            inner.push((text, !holds));
            list(cx, template, other, &inner);
        } else if let Some(other) = &branch.other {
            list(cx, template, other, held);
        }
    }
}

/// A condition without `not`, and whether it stood without one.
fn plain(condition: &str) -> (String, bool) {
    match condition.strip_prefix("not ") {
        Some(rest) => (rest.trim_start_matches('(').trim_end_matches(')').to_owned(), false),
        None => (condition.to_owned(), true),
    }
}

fn report(cx: &Context, template: &Template, node: &Node, what: &str) {
    cx.report_span(
        actions::span(template, node.span.0, node.span.1),
        format!("the condition {what} holds"),
        "mend the condition, or remove the branch",
    );
}

fn print(arg: &Arg) -> String {
    At::Arg(arg).print()
}

/// What a condition always is, whatever the values are.
fn constant(pipe: &Pipe) -> Option<bool> {
    let [command] = pipe.commands.as_slice() else { return None };
    if !pipe.decl.is_empty() {
        return None;
    }
    if let [arg] = command.args.as_slice() {
        return match &arg.kind {
            ArgKind::Bool(b) => Some(*b),
            _ => None,
        };
    }
    let args = &command.args[1..];
    let texts: Vec<String> = args.iter().map(print).collect();
    let reads = texts.iter().all(|t| t.starts_with(['.', '$']));
    match actions::function(command)?.as_str() {
        "ne" | "lt" | "gt" if args.len() == 2 && texts[0] == texts[1] && reads => Some(false),
        "eq" | "le" | "ge" if args.len() == 2 && texts[0] == texts[1] && reads => Some(true),
        "and" if opposite(&texts) || two_constants(args) => Some(false),
        "or" if opposite(&texts) => Some(true),
        _ => None,
    }
}

/// Whether one of the texts is another with `not` before it.
fn opposite(texts: &[String]) -> bool {
    texts.iter().any(|t| texts.iter().any(|o| *o == format!("not {t}") || *o == format!("(not {t})")))
}

/// Whether `and` asks one value to be equal to two different constants.
fn two_constants(args: &[Arg]) -> bool {
    let equal = |arg: &Arg| {
        let ArgKind::Pipe(pipe) = &arg.kind else { return None };
        let [command] = pipe.commands.as_slice() else { return None };
        let (Some(name), [_, left, right]) = (actions::function(command), command.args.as_slice()) else { return None };
        (name == "eq").then(|| Some((print(left), actions::text(&right.kind)?)))?
    };
    let pairs: Vec<(String, String)> = args.iter().filter_map(equal).collect();
    pairs.iter().any(|(l, r)| pairs.iter().any(|(l2, r2)| l == l2 && r != r2))
}
