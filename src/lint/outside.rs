//! What an installation has and the rendered set of a chart does not show: pods and Secrets that the chart's own programs
//! make, workloads whose templates write nothing with these values, and objects that whoever installs it brings.

use std::collections::BTreeSet;

use super::context::Context;
use super::context::template_kind;
use super::field::Field;
use crate::diagnostic::resolve;
use crate::diagnostic::similar;
use crate::kube::Object;
use crate::source::FileId;

/// What pods are made from.
const WORKLOADS: &[&str] = &["pods", "deployments", "statefulsets", "daemonsets", "replicasets", "jobs"];

/// Whether a program of the chart may do one of these things to one of these resources.
fn may(cx: &Context, verbs: &[&str], resources: &[&str]) -> bool {
    let has = |rule: &Field, list: &str, wanted: &[&str]| {
        rule.items(list).iter().filter_map(Field::str).any(|word| word == "*" || wanted.contains(&word))
    };
    cx.chart().is_some()
        && cx
            .of(&["Role", "ClusterRole"])
            .iter()
            .flat_map(|role| role.items("rules"))
            .any(|rule| has(&rule, "verbs", verbs) && has(&rule, "resources", resources))
}

/// Whether pods that this object selects may be there although no workload of the set makes them: an operator makes or
/// labels them, or the workload beside it in the chart asks for a value first.
pub(super) fn pods(cx: &Context, object: &Object) -> bool {
    may(cx, &["create", "update", "patch"], WORKLOADS) || awaits_values(cx, object)
}

/// Whether a program of the chart may make a Secret.
pub(super) fn makes_secrets(cx: &Context) -> bool {
    may(cx, &["create"], &["secrets"])
}

/// Whether an object that the chart names is not its own: its name neither begins like that of an object of the chart nor
/// is it nearly the one of another of the kind. Manifests have to be complete.
pub(super) fn brought(cx: &Context, kind: &str, from: &Object, name: &str) -> bool {
    let own = || {
        let ids = cx.input.objects.iter().map(|o| o.id.name.as_str());
        ids.filter(|id| id.len() > 2).any(|id| name.starts_with(id)) || similar(name, cx.names(kind, from)).is_some()
    };
    cx.chart().is_some() && !own()
}

/// Whether the folder of the object's template holds a workload that is not rendered, and none that is.
fn awaits_values(cx: &Context, object: &Object) -> bool {
    let Some(chart) = cx.chart() else { return false };
    let sources = cx.input.sources;
    let Some(file) =
        resolve(sources, object.node.span).trace.last().or(resolve(sources, object.node.span).template.as_ref()).map(|s| s.file)
    else {
        return false;
    };
    let folder = |file: FileId| sources.get(file).name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let here = folder(file);
    let wrote: BTreeSet<FileId> = cx
        .pods()
        .iter()
        .filter_map(|pod| sources.get(pod.object.file).map.as_ref())
        .flat_map(|map| map.segments.iter().map(|s| s.template.file))
        .collect();
    let templates = chart.all().into_iter().flat_map(|c| &c.templates);
    let beside = templates.filter(|t| !t.is_partial() && folder(t.file) == here);
    let (mut rendered, mut waiting) = (false, false);
    for template in beside.filter(|t| sources.get(t.file).text.lines().any(makes_pods)) {
        let there = wrote.contains(&template.file);
        rendered |= there;
        waiting |= !there;
    }
    waiting && !rendered
}

/// Whether a line of a template says that it is about a workload.
fn makes_pods(line: &str) -> bool {
    line.strip_prefix("kind:").is_some_and(|kind| template_kind(kind.trim().trim_matches('"')))
}
