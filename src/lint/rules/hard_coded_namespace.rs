//! `hard-coded-namespace`: reports an object of a chart whose namespace is a literal or a value of its own instead
//! of the namespace of the release.

use crate::diagnostic::resolve;
use crate::lint::chart::ChartSource;
use crate::lint::context::Context;
use crate::lint::field::Field;

/// How a template of the chart writes a namespace.
enum Written<'a> {
    /// As it is.
    Literal,
    /// As a value of the chart, by its path.
    Value(&'a str),
    /// In a way that may follow the release.
    Computed,
}

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    // Charts below this one are somebody else's.
    let own = |field: &Field| {
        let place = resolve(cx.input.sources, field.object.span(&field.path())).template?;
        chart.templates.iter().any(|t| t.file == place.file).then_some(())
    };
    let spaced = |object: &Field| cx.namespaced(object.object) && own(object).is_some();
    let objects: Vec<Field> = cx.objects().filter(spaced).collect();
    let namespaces: Vec<Option<(Field, Written)>> =
        objects.iter().map(|o| o.get("metadata.namespace").map(|n| (n, written(cx, chart, &n)))).collect();
    // A value of some objects alone is a place of their own, such as one for Secrets that others may read.
    let everywhere = |path: &str| namespaces.iter().all(|n| matches!(n, Some((_, Written::Value(other))) if *other == path));
    for (namespace, how) in namespaces.iter().flatten() {
        let Some(text) = namespace.str().filter(|t| !t.is_empty() && *t != "default" && !t.starts_with("kube-")) else { continue };
        let hard = match how {
            Written::Literal => true,
            Written::Value(path) => !path.contains('.') || everywhere(path),
            Written::Computed => false,
        };
        if hard {
            cx.report(namespace, format!("the namespace `{text}` is not the namespace of the release"), "write {{ .Release.Namespace }}");
        }
    }
}

fn written<'a>(cx: &Context<'a>, chart: &ChartSource, namespace: &Field) -> Written<'a> {
    let span = namespace.object.span(&namespace.path());
    let Some(map) = &cx.input.sources.get(span.file).map else { return Written::Computed };
    let place = resolve(cx.input.sources, span).template;
    let template = |place: crate::source::Span| chart.templates.iter().find(|t| t.file == place.file);
    let Some((place, template)) = place.and_then(|p| Some((p, template(p)?))) else { return Written::Computed };
    let text = cx.input.sources.slice(place);
    // What a chart shares with others under `global` is where they all are.
    if text.contains(".Values.global.") {
        return Written::Computed;
    }
    if !map.within(span.range()).iter().any(|s| s.action) {
        return Written::Literal;
    }
    match text.split_once(".Values.") {
        Some((_, rest)) if !text.contains("Release") && !template.is_partial() => {
            Written::Value(rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).next().unwrap_or(rest))
        }
        _ => Written::Computed,
    }
}
