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

/// What Helm calls a release that has no name.
const DEFAULT_RELEASE: &str = "release-name";

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let objects = cx.objects().filter(|o| !SHARED.contains(&o.object.id.kind.as_str()));
    let mut fixed: Vec<Field> = objects.filter_map(|o| o.get("metadata.name")).filter(|name| is_fixed(cx, chart, name)).collect();
    // What brings its own kinds, or a fixed name for the whole cluster, is there once in a cluster: the programs in it look
    // for the names of the rest.
    if !chart.crd_files().is_empty() || !cx.all("CustomResourceDefinition").is_empty() {
        return;
    }
    if fixed.iter().any(|name| !cx.namespaced(name.object)) || once(cx, chart) {
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

/// Whether an object of the whole cluster is called the same in each release: its name is made, but not from the release's.
fn once(cx: &Context, chart: &ChartSource) -> bool {
    let releases: Vec<&str> = cx.objects().filter_map(|o| o.get("metadata.labels")?.key("app.kubernetes.io/instance")?.str()).collect();
    let objects = cx.objects().filter(|o| !SHARED.contains(&o.object.id.kind.as_str()) && !cx.namespaced(o.object) && !cx.is_hook(o.object));
    objects.filter_map(|o| o.get("metadata.name")).any(|name| {
        let place = resolve(cx.input.sources, name.object.span(&name.path()));
        let own = place.template.iter().chain(&place.trace).any(|p| chart.templates.iter().any(|t| t.file == p.file));
        let of_release = |text: &str| text.contains(DEFAULT_RELEASE) || releases.iter().any(|r| text.contains(r));
        own && !cx.actions_of(&name).iter().any(|a| a.contains("Release")) && name.str().is_some_and(|text| !of_release(text))
    })
}

/// Whether a template of the chart writes a name out, or makes it from the name of the chart alone.
fn is_fixed(cx: &Context, chart: &ChartSource, name: &Field) -> bool {
    let span = name.object.span(&name.path());
    if cx.input.sources.get(span.file).map.is_none() {
        return false;
    }
    let place = resolve(cx.input.sources, span).template;
    let Some(place) = place.filter(|p| chart.templates.iter().any(|t| t.file == p.file && !t.is_partial())) else { return false };
    let actions = cx.actions_of(name);
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
