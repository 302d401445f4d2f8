//! `template-extension`: reports a file in `templates/` that is neither .yaml, .yml, .tpl nor .txt.

use std::path::Path;

use crate::lint::context::Context;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for (name, file) in chart.files.iter().filter(|(n, _)| n.starts_with("templates/")) {
        let last = name.rsplit('/').next().unwrap_or(name);
        let ending = Path::new(last)
            .extension()
            .map_or_else(|| last.strip_prefix('.').unwrap_or("").to_owned(), |e| e.to_string_lossy().into_owned());
        if matches!(ending.as_str(), "yaml" | "yml" | "tpl" | "txt") {
            continue;
        }
        let message = format!("templates/ holds a file that is no template: {last}");
        let help = "rename it to .yaml, .yml, .tpl or .txt, or move it out of templates/";
        match file {
            Some(file) => cx.report_span(Span::new(*file, 0, 0), message, help),
            None => cx.report_file(chart, name, message, help),
        }
    }
}
