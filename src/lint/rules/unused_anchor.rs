//! `unused-anchor`: reports an anchor that no alias refers to.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents {
        let source = cx.input.sources.get(*file);
        let Some(root) = document.root.as_ref().filter(|_| source.map.is_none()) else { continue };
        let text = cx.input.sources.slice(document.span);
        if !text.contains('&') {
            continue;
        }
        let scalars = texts::spans(root);
        let inside = |at: usize| {
            let at = at as u32;
            scalars.iter().any(|s| s.start < at && at < s.end) || document.comments.iter().any(|c| c.span.start <= at && at < c.span.end)
        };
        let base = document.span.start as usize;
        let mark = |sign: char| {
            let found = text.match_indices(sign).filter(|(i, _)| *i == 0 || text[..*i].ends_with([' ', '\n', '[', ',', '{', '\t']));
            found.filter_map(|(i, _)| {
                let name: String =
                    text[i + 1..].chars().take_while(|c| !c.is_whitespace() && !matches!(c, ',' | ']' | '}' | ':')).collect();
                (!name.is_empty()).then_some((base + i, name))
            })
        };
        let used: Vec<String> = mark('*').filter(|(at, _)| !inside(*at)).map(|(_, n)| n).collect();
        for (at, name) in mark('&').filter(|(at, _)| !inside(*at)) {
            if !used.contains(&name) {
                cx.report_span(Span::new(*file, at, at + 1 + name.len()), format!("nothing refers to the anchor `{name}`"), "remove it");
            }
        }
    }
}
