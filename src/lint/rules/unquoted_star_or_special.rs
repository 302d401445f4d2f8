//! `unquoted-star-or-special`: reports an unquoted value that starts with a character YAML keeps for itself (`*`,
//! `&`, `!`, `%`, `@`, a backtick).

use crate::lint::context::Context;
use crate::lint::texts;
use crate::source::Span;

pub(super) fn check(cx: &Context) {
    for (file, document) in cx.input.documents.iter().filter(|(_, d)| d.error.is_some()) {
        texts::lines(cx, *file, document, &mut |range, text| {
            let content = text.trim_start().trim_start_matches("- ").trim_start();
            let value = content.split_once(": ").map_or(content, |(_, v)| v).trim_start();
            let word = value.split_whitespace().next().unwrap_or("");
            let name = &word[word.len().min(1)..];
            let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
            let why = match word.chars().next() {
                Some('*') if !plain || !cx.input.sources.get(*file).text.contains(&format!("&{name}")) => "a star starts an alias",
                Some('&') if !plain => "an ampersand starts an anchor",
                Some('!') if !plain && !word.starts_with("!!") => "an exclamation mark starts a tag",
                Some('%') => "no value can start with a percent sign",
                Some('@') => "no value can start with @",
                Some('`') => "no value can start with a backtick",
                _ => return,
            };
            let at = range.start + (text.len() - value.len());
            cx.report_span(Span::new(*file, at, at + word.len()), why, "quote the value");
        });
    }
}
