//! `no-kubernetes-object`: reports a document that is YAML but has no `apiVersion` or `kind`.

use crate::lint::context::Context;
use crate::yaml::NodeKind;

pub(super) fn check(cx: &Context) {
    for (_, document) in cx.input.documents {
        let Some(root) = &document.root else { continue };
        if matches!(root.kind, NodeKind::Null) || ["apiVersion", "kind"].iter().all(|k| root.get(k).is_some()) {
            continue;
        }
        let place = match &root.kind {
            NodeKind::Mapping(entries) => entries.first().map_or(root.span, |e| e.key_span),
            _ => root.span,
        };
        cx.report_span(place, "the document is no Kubernetes object: apiVersion or kind is missing", "add them, or move the file away");
    }
}
