//! `inconsistent-indentation`: reports a mapping or a list that is indented by another width than the first one of
//! its document.

use crate::lint::context::Context;
use crate::source::FileId;
use crate::source::Span;
use crate::yaml::Node;
use crate::yaml::NodeKind;

/// The widths first seen: of mappings and of lists.
#[derive(Default)]
struct Widths {
    mapping: Option<usize>,
    list: Option<usize>,
}

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        if let Some(root) = document.root.as_ref().filter(|_| cx.input.sources.get(*file).map.is_none()) {
            walk(cx, *file, root, &mut Widths::default(), 0);
        }
    }
}

fn column(cx: &Context, file: FileId, offset: u32) -> usize {
    cx.input.sources.get(file).line_column(offset as usize).column as usize
}

fn walk(cx: &Context, file: FileId, node: &Node, widths: &mut Widths, depth: usize) {
    if depth > 200 {
        return;
    }
    match &node.kind {
        NodeKind::Mapping(entries) => {
            for entry in entries {
                let source = cx.input.sources.get(file);
                let below = source.line_index(entry.value.span.start as usize) > source.line_index(entry.key_span.start as usize);
                let parent = column(cx, file, entry.key_span.start);
                let (place, known) = match &entry.value.kind {
                    NodeKind::Mapping(inner) if !cx.input.sources.slice(entry.value.span).starts_with('{') => {
                        (inner.first().map(|e| e.key_span), &mut widths.mapping)
                    }
                    NodeKind::Sequence(_) if !cx.input.sources.slice(entry.value.span).starts_with('[') => {
                        (Some(entry.value.span), &mut widths.list)
                    }
                    _ => (None, &mut widths.mapping),
                };
                if let Some(place) = place.filter(|_| below) {
                    let width = column(cx, file, place.start).saturating_sub(parent);
                    let expected = *known.get_or_insert(width);
                    if width != expected {
                        let end = place.start as usize + 1;
                        cx.report_span(
                            Span::new(file, place.start as usize, end),
                            format!("indented by {width}, elsewhere by {expected}"),
                            "indent everything by the same width",
                        );
                    }
                }
                walk(cx, file, &entry.value, widths, depth + 1);
            }
        }
        NodeKind::Sequence(items) => items.iter().for_each(|i| walk(cx, file, i, widths, depth + 1)),
        _ => {}
    }
}
