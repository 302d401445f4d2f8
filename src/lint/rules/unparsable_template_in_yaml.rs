//! `unparsable-template-in-yaml`: reports the syntax of a Helm template in a file that is read as plain YAML.

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

const STARTS: &[&str] = &[
    ".",
    "$",
    "if ",
    "range ",
    "with ",
    "end",
    "else",
    "include ",
    "template ",
    "define ",
    "toYaml ",
    "/*",
    "default ",
    "tpl ",
    "printf ",
];

pub(super) fn check(cx: &Context) {
    for file in texts::written(cx) {
        let source = cx.input.sources.get(file);
        if !source.text.contains("{{") {
            continue;
        }
        let quoted: Vec<Span> = cx
            .input
            .documents
            .iter()
            .filter(|(f, _)| *f == file)
            .filter_map(|(_, d)| d.root.as_ref())
            .flat_map(|r| texts::spans(r))
            .filter(|s| cx.input.sources.slice(*s).starts_with(['"', '\'', '|', '>']))
            .collect();
        let action = source.text.match_indices("{{").find(|(at, _)| {
            let inner = source.text[at + 2..].trim_start_matches('-').trim_start();
            let line = source.text[..*at].rsplit('\n').next().unwrap_or("");
            let comment = line.trim_start().starts_with('#');
            let in_text = quoted.iter().any(|s| s.start <= *at as u32 && (*at as u32) < s.end)
                || line.matches('"').count() % 2 == 1
                || line.matches('\'').count() % 2 == 1;
            STARTS.iter().any(|s| inner.starts_with(s)) && !comment && !in_text
        });
        // A broken document may be a block text to the end; its actions are still no template when the rest is fine.
        if let Some((at, _)) = action {
            cx.report_span(Span::new(file, at, at + 2), "this is a template, not YAML", "name the folder of its chart instead of the file");
        }
    }
}
