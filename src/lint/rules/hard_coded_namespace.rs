//! `hard-coded-namespace`: reports an object of a chart whose namespace is a literal or a value of its own instead
//! of the namespace of the release.

use crate::diagnostic::resolve;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for object in cx.objects() {
        let Some(namespace) = object.get("metadata.namespace") else { continue };
        let Some(text) = namespace.str().filter(|t| !t.is_empty() && *t != "default" && !t.starts_with("kube-")) else { continue };
        let span = object.object.span(&namespace.path);
        let Some(map) = &cx.input.sources.get(span.file).map else { continue };
        let written = map.within(span.range());
        let place = resolve(cx.input.sources, span).template;
        // Charts below this one are somebody else's.
        let Some(place) = place.filter(|p| chart.templates.iter().any(|t| t.file == p.file)) else { continue };
        let action = written.iter().any(|s| s.action);
        // What a chart shares with others under `global` is where they all are.
        if cx.input.sources.slice(place).contains(".Values.global.") {
            continue;
        }
        let direct = cx.input.sources.slice(place).contains(".Values.") && !cx.input.sources.slice(place).contains("Release");
        if !action || direct && !chart.templates.iter().any(|t| t.is_partial() && t.file == place.file) {
            cx.report(namespace, format!("the namespace `{text}` is not the namespace of the release"), "write {{ .Release.Namespace }}");
        }
    }
}
