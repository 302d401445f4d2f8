//! `unused-define`: reports a named template that nothing includes.

use std::collections::BTreeSet;

use crate::lint::actions;
use crate::lint::chart::ChartSource;
use crate::lint::chart::Template;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart().filter(|c| !c.is_library()) else { return };
    let all: Vec<&Template> = chart.all().into_iter().flat_map(|c| &c.templates).collect();
    // A template that does not parse may call any.
    if all.iter().any(|t| t.error.is_some()) {
        return;
    }
    let own: Vec<&Template> = chart.templates.iter().collect();
    let below: Vec<&Template> = all.iter().copied().filter(|t| own.iter().all(|o| o.file != t.file)).collect();
    let Some(computed) = actions::computed(&own, &all) else { return };
    let mut used: BTreeSet<String> = all.iter().flat_map(|t| actions::calls(t).0).map(|(name, _)| name).collect();
    // A chart of definitions calls back those whose names it is given.
    if below.iter().any(|t| actions::calls(t).1) {
        used.extend(own.iter().flat_map(|t| actions::constants(t)));
    }
    let Some(texts) = texts(cx, chart) else { return };
    let values: Vec<&str> = values(cx, chart);
    for template in own {
        for (name, range) in actions::defines(&cx.input.sources.get(template.file).text) {
            let known = used.contains(&name)
                || computed.iter().any(|format| actions::fits(format, &name))
                || values.iter().any(|text| text.contains(&name))
                || texts.iter().any(|text| includes(text, &name));
            if !known {
                cx.report_span(actions::span(template, range.start, range.end), format!("nothing includes `{name}`"), "remove it");
            }
        }
    }
}

/// The values that templates may hand to `tpl`: those of the chart and the charts below it, and those that the user gave.
fn values<'a>(cx: &Context<'a>, chart: &'a ChartSource) -> Vec<&'a str> {
    let own = chart.all().into_iter().filter_map(|c| Some(c.values.as_ref()?.file));
    own.chain(cx.input.supplied.iter().map(|node| node.span.file)).map(|file| &*cx.input.sources.get(file).text).collect()
}

/// The other files of the charts, which templates may read through `.Files` and hand to `tpl`; none when one of them works
/// out the names that it includes.
fn texts<'a>(cx: &Context<'a>, chart: &'a ChartSource) -> Option<Vec<&'a str>> {
    let mut out = Vec::new();
    for (name, file) in chart.all().into_iter().flat_map(|c| &c.files) {
        let document = name.ends_with(".md") || name.starts_with("templates/");
        let Some(file) = file.filter(|_| !document) else { continue };
        let text = &*cx.input.sources.get(file).text;
        if !text.contains("{{") {
            continue;
        }
        let computed = |action: &str| {
            let action = action.split("}}").next().unwrap_or(action);
            action.match_indices("include ").any(|(at, word)| action[at + word.len()..].trim_start().starts_with(['(', '$', '.']))
        };
        if text.split("{{").skip(1).any(computed) {
            return None;
        }
        out.push(text);
    }
    Some(out)
}

/// Whether a text includes a named template; in JSON the quotes have a backslash.
fn includes(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].trim_end_matches(['"', '`', '\\']);
        let closed = text[at + name.len()..].starts_with(['"', '`', '\\']);
        let word = before.trim_end();
        closed && before.len() < at && (word.ends_with("include") || word.ends_with("template"))
    })
}
