//! Objects that a chart writes for an old cluster only because Helm, without a cluster, does not know the kind that the
//! chart asks `.Capabilities` for. That their API is gone is not the chart's fault: a cluster gets the other branch.

use super::Input;
use super::actions;
use super::chart::Template;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::diagnostic::resolve;
use crate::gotmpl::tree::Branch;
use crate::gotmpl::tree::Node;
use crate::gotmpl::tree::NodeKind;
use crate::kube::schema;
use crate::source::Span;

/// Branches deeper than this are not looked into.
const MAX_DEPTH: usize = 200;
const HIDDEN: &str = "hidden-by-capabilities";

/// Whether a finding of an API that is not served stays. One in a branch that a cluster would not take becomes a remark
/// of what was asked for, once for an object.
pub fn judge_old_branch(input: &Input, finding: &mut Diagnostic) -> bool {
    if !matches!(finding.code, "unknown-kind" | "removed-api") {
        return true;
    }
    let (Some(span), Some(object)) = (finding.span, &finding.object) else { return true };
    let Some(asked) = asked_beside(input, span, &object.kind) else { return true };
    if finding.code == "removed-api" {
        return false;
    }
    finding.code = HIDDEN;
    finding.severity = Severity::Info;
    finding.message = format!("this {} is of {}: without a cluster Helm does not know `{asked}`", object.kind, object.api_version);
    finding.help = format!("-a {asked} shows what a cluster gets");
    finding.fixes.clear();
    true
}

/// The API of a kind whose absence led to the branch that wrote rendered text.
fn asked_beside(input: &Input, span: Span, kind: &str) -> Option<String> {
    let written = resolve(input.sources, span);
    let places: Vec<Span> = written.template.into_iter().chain(written.trace).collect();
    let charts = input.chart?.all();
    for place in places {
        let name = &input.sources.get(place.file).name;
        let templates = charts.iter().flat_map(|c| &c.templates).filter(|t| input.sources.get(t.file).name == *name);
        for template in templates {
            if let Some(asked) = in_template(input, template, place.start as usize, kind) {
                return Some(asked);
            }
        }
    }
    None
}

fn in_template(input: &Input, template: &Template, at: usize, kind: &str) -> Option<String> {
    let mut found = None;
    actions::nodes(template, &mut |node| {
        let (NodeKind::If(branch), None) = (&node.kind, &found) else { return };
        if branch.other.as_deref().is_some_and(|other| holds(other, at, 0)) {
            actions::commands(&branch.pipe, &mut |command| {
                let asked = actions::api_asked_for(command).filter(|api| !actions::knows_api(input.api_versions, api));
                found = found.take().or(asked.filter(|api| serves(api, kind)));
            });
        }
    });
    found
}

/// Whether one of some nodes, or one inside of them, stands at a place.
fn holds(nodes: &[Node], at: usize, depth: usize) -> bool {
    nodes.iter().any(|node| {
        let inside =
            |branch: &Branch| holds(&branch.list, at, depth + 1) || holds(branch.other.as_deref().unwrap_or_default(), at, depth + 1);
        (node.span.0..node.span.1).contains(&at) || depth < MAX_DEPTH && actions::branch(node).is_some_and(inside)
    })
}

/// Whether an API, `group/version` or `group/version/Kind`, is one of a kind.
fn serves(api: &str, kind: &str) -> bool {
    let of_version = |(group, version)| schema::lifecycle(group, version, kind).is_some();
    api.rsplit_once('/').is_some_and(|(_, last)| last == kind) || api.split_once('/').is_some_and(of_version)
}
