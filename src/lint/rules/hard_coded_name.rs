//! `hard-coded-name`: reports an object of a chart whose name does not contain the name of the release.

use crate::diagnostic::resolve;
use crate::lint::chart::ChartSource;
use crate::lint::context::Context;
use crate::lint::field::Field;

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
    let objects = cx.objects().filter(|o| !SHARED.contains(&o.object.id.kind.as_str()));
    let mut fixed: Vec<Field> = objects.filter_map(|o| o.get("metadata.name")).filter(|name| is_fixed(cx, chart, name)).collect();
    // What brings its own kinds, or a fixed name for the whole cluster, is there once in a cluster: the programs in it look
    // for the names of the rest.
    if !chart.crd_files().is_empty() || !cx.all("CustomResourceDefinition").is_empty() {
        return;
    }
    if fixed.iter().any(|name| !cx.namespaced(name.object)) {
        fixed.retain(|name| !cx.namespaced(name.object));
    }
    for name in fixed {
        let text = name.str().unwrap_or("");
        cx.report(
            name,
            format!("the name `{text}` is the same for all releases"),
            "include the fullname template, or {{ .Release.Name }}",
        );
    }
}

/// Whether a template of the chart writes a name out, or makes it from the name of the chart alone.
fn is_fixed(cx: &Context, chart: &ChartSource, name: &Field) -> bool {
    let span = name.object.span(&name.path());
    let Some(map) = &cx.input.sources.get(span.file).map else { return false };
    let place = resolve(cx.input.sources, span).template;
    let Some(place) = place.filter(|p| chart.templates.iter().any(|t| t.file == p.file && !t.is_partial())) else { return false };
    let actions: Vec<&str> = map.within(span.range()).iter().filter(|s| s.action).map(|s| cx.input.sources.slice(s.template)).collect();
    let only_chart = !actions.is_empty() && actions.iter().all(|a| a.contains(".Chart.Name") && !a.contains("Release"));
    // An action that writes nothing with these values writes something with others.
    let rest = cx.input.sources.get(place.file).text[place.start as usize..].lines().next().unwrap_or("");
    if actions.is_empty() && rest.contains("{{") {
        return false;
    }
    // Objects in the system's namespaces have names that others look for.
    let of_system = Field::root(name.object).text("metadata.namespace").is_some_and(|n| n.starts_with("kube-"));
    (actions.is_empty() || only_chart) && !of_system && place.start < place.end && name.str().is_some_and(|t| !t.is_empty())
}
