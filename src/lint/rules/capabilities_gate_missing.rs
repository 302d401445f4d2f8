//! `capabilities-gate-missing`: reports a branch on `.Capabilities` that asks for an API nobody serves, or that
//! writes an apiVersion in one branch only.

use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::NodeKind;
use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in &chart.templates {
        let text = &cx.input.sources.get(template.file).text;
        actions::nodes(template, &mut |node| {
            if let Some(pipe) = actions::pipe(node) {
                actions::commands(pipe, &mut |command| {
                    let has = command.args.first().is_some_and(|a| match &a.kind {
                        ArgKind::Field(names) | ArgKind::Variable(names) => {
                            names.last().is_some_and(|n| n.to_string() == "Has") && names.iter().any(|n| n.to_string() == "APIVersions")
                        }
                        _ => false,
                    });
                    let Some(api) = command.args.get(1).filter(|_| has).and_then(|a| actions::text(&a.kind)) else { return };
                    if misspelt(&api) {
                        let at = command.args[1].pos;
                        cx.report_span(
                            actions::span(template, at, at + api.len() + 2),
                            format!("no cluster serves `{api}`"),
                            "write group/version/Kind, with the kind in the singular",
                        );
                    }
                });
            }
            let NodeKind::If(branch) = &node.kind else { return };
            let condition = &text[node.span.0..node.span.1];
            let [crate::gotmpl::tree::Node { kind: NodeKind::Text(body), .. }] = branch.list.as_slice() else { return };
            let body = String::from_utf8_lossy(body);
            let only = body.trim().strip_prefix("apiVersion:").is_some_and(|rest| !rest.contains('\n'));
            if condition.contains(".Capabilities") && only && branch.other.is_none() {
                cx.report_span(
                    actions::span(template, node.span.0, node.span.1),
                    "without this API the object has no apiVersion",
                    "add an else branch, or put the whole object inside",
                );
            }
        });
    }
}

/// Whether an API looks like one of Kubernetes but is none: a group of Kubernetes with a kind that is plural or in
/// lower case.
fn misspelt(api: &str) -> bool {
    let parts: Vec<&str> = api.split('/').collect();
    let (group, kind) = match parts.as_slice() {
        [group, version, kind] if version.starts_with('v') => (*group, *kind),
        ["v1", kind] => ("", *kind),
        [group, version] => {
            // A version without its v, or a version where the group should be.
            let own = matches!(*group, "apps" | "batch" | "policy" | "autoscaling" | "extensions") || group.ends_with(".k8s.io");
            return own && !version.starts_with('v');
        }
        _ => return false,
    };
    let own = matches!(
        group,
        "" | "apps"
            | "batch"
            | "policy"
            | "autoscaling"
            | "extensions"
            | "networking.k8s.io"
            | "rbac.authorization.k8s.io"
            | "storage.k8s.io"
    );
    own && (kind.starts_with(|c: char| c.is_ascii_lowercase())
        || kind.ends_with('s')
            && !matches!(
                kind,
                "Ingress" | "Endpoints" | "IngressClass" | "StorageClass" | "PriorityClass" | "RuntimeClass" | "VolumeAttributesClass"
            ))
}
