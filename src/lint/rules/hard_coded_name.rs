//! `hard-coded-name`: reports an object of a chart whose name does not contain the name of the release.

use crate::diagnostic::resolve;
use crate::lint::context::Context;

/// Kinds of which a cluster has one by nature, or whose names are an interface.
const SHARED: &[&str] = &[
    "CustomResourceDefinition",
    "APIService",
    "Namespace",
    "StorageClass",
    "PriorityClass",
    "IngressClass",
    "GatewayClass",
    "RuntimeClass",
    "CSIDriver",
    "VolumeSnapshotClass",
    "FlowSchema",
    "PriorityLevelConfiguration",
];

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for object in cx.objects().filter(|o| !SHARED.contains(&o.object.id.kind.as_str())) {
        let Some(name) = object.get("metadata.name") else { continue };
        let Some(text) = name.str().filter(|t| !t.is_empty()) else { continue };
        let span = object.object.span(&name.path());
        let Some(map) = &cx.input.sources.get(span.file).map else { continue };
        let place = resolve(cx.input.sources, span).template;
        let Some(place) = place.filter(|p| chart.templates.iter().any(|t| t.file == p.file && !t.is_partial())) else { continue };
        let actions: Vec<&str> = map.within(span.range()).iter().filter(|s| s.action).map(|s| cx.input.sources.slice(s.template)).collect();
        let only_chart = !actions.is_empty() && actions.iter().all(|a| a.contains(".Chart.Name") && !a.contains("Release"));
        // Objects in the system's namespaces have names that others look for.
        if (actions.is_empty() || only_chart)
            && !object.text("metadata.namespace").is_some_and(|n| n.starts_with("kube-"))
            && place.start < place.end
        {
            cx.report(
                name,
                format!("the name `{text}` is the same for all releases"),
                "include the fullname template, or {{ .Release.Name }}",
            );
        }
    }
}
