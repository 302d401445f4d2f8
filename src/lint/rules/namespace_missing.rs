//! `namespace-missing`: reports a namespace that is not in the set although the set has namespaces.

use crate::diagnostic::similar;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let known: Vec<&str> = cx.all("Namespace").iter().map(|n| n.object.id.name.as_str()).collect();
    if known.is_empty() {
        return;
    }
    for object in cx.objects() {
        let Some(namespace) = object.get("metadata.namespace") else { continue };
        let Some(text) = namespace.str().filter(|t| !t.is_empty()) else { continue };
        let always = matches!(text, "default" | "kube-system" | "kube-public" | "kube-node-lease");
        // The release's own namespace is made by whoever installs the chart.
        if always || known.contains(&text) || cx.chart().is_some() && similar(text, known.iter().copied()).is_none() {
            continue;
        }
        let help = similar(text, known.iter().copied())
            .map_or_else(|| "add the Namespace to the set".to_owned(), |n| format!("did you mean `{n}`?"));
        cx.report(namespace, format!("there is no Namespace `{text}` in the set"), help);
    }
}
