//! Fixes of templates as text: actions, pipes and definitions.

use std::ops::Range;
use std::sync::Arc;

use serde_json::json;

use super::edit;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::kube::field::Path;
use crate::lint::Input;
use crate::lint::actions;
use crate::lint::chart::Template;
use crate::source::Span;

type Edits = Option<Vec<Edit>>;

fn replace(span: Span, text: String) -> Edits {
    Some(vec![Edit { span, text }])
}

fn insert(span: Span, at: usize, text: &str) -> Edits {
    replace(Span::new(span.file, at, at), text.to_owned())
}

/// The text of a template, and of the span in it.
fn texts<'a>(input: &Input<'a>, span: Span) -> Option<(&'a str, &'a str)> {
    let file = input.sources.get(span.file);
    file.map.is_none().then(|| (&*file.text, input.sources.slice(span)))
}

/// The column of an offset.
fn column(text: &str, offset: u32) -> usize {
    let offset = offset as usize;
    offset - text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// Where an action `{{ … }}` that is all of a text takes another pipe: behind its last word.
fn end_of_pipe(action: &str) -> Option<usize> {
    let inside = action.strip_prefix("{{")?.strip_suffix("}}")?;
    let body = inside.strip_suffix('-').unwrap_or(inside).trim_end();
    (!inside.contains("{{")).then_some(2 + body.len())
}

/// The action quotes what it writes.
pub(super) fn quote(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (_, action) = texts(input, span)?;
    insert(span, span.start as usize + end_of_pipe(action)?, " | quote")
}

/// The action writes whole numbers as such.
pub(super) fn whole_number(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, action) = texts(input, span)?;
    if action.starts_with("{{") {
        return insert(span, span.start as usize + end_of_pipe(action)?, " | int64");
    }
    let alone = text[..span.start as usize].trim_end_matches(['-', ' ']).ends_with("{{");
    if alone { insert(span, span.end as usize, " | int64") } else { replace(span, format!("(int64 {action})")) }
}

/// The end of the word at an offset: a field, a variable, or what stands in parentheses.
fn word_end(text: &str, start: usize) -> usize {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '$';
    text[start..].find(|c: char| !part(c)).map_or(text.len(), |n| start + n)
}

/// A number that `printf` takes as a whole one.
pub(super) fn int_argument(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, _) = texts(input, span)?;
    let end = word_end(text, span.start as usize);
    // The place of a path may be that of its second name.
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '$';
    let start = text[..span.start as usize].trim_end_matches(part).len();
    let span = Span::new(span.file, start, end);
    replace(span, format!("(int {})", input.sources.slice(span)))
}

/// Each step of a path of values may be missing.
pub(super) fn careful(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, _) = texts(input, span)?;
    let start = span.start as usize;
    let end = word_end(text, start);
    let path = &text[start..end];
    let (root, rest) = path.split_once(".Values.").filter(|(root, _)| root.is_empty() || *root == "$")?;
    let names: Vec<&str> = rest.split('.').collect();
    let (first, below) = names.split_first()?;
    if below.is_empty() || names.iter().any(|n| n.is_empty()) {
        return None;
    }
    let new = below.iter().fold(format!("{root}.Values.{first}"), |inner, name| format!("({inner}).{name}"));
    replace(Span::new(span.file, start, end), new)
}

/// A field of what `lookup` gave may be missing.
pub(super) fn careful_lookup(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, _) = texts(input, span)?;
    let close = text.get(..=span.start as usize)?.rfind(')')?;
    let mut depth = 0;
    let open = text[..=close].char_indices().rev().find_map(|(at, c)| {
        depth += match c {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        (depth == 0).then_some(at)
    })?;
    let end = word_end(text, close + 1);
    let names: Vec<&str> = text[close + 1..end].strip_prefix('.')?.split('.').collect();
    let new = names.iter().fold(text[open..=close].to_owned(), |inner, name| format!("({inner}.{name})"));
    // The last step needs no parentheses.
    let new = new.strip_prefix('(')?.strip_suffix(')')?.to_owned();
    replace(Span::new(span.file, open, end), new)
}

/// `default true .Values.a` asks whether the value is there, not whether it is empty.
pub(super) fn ternary(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, _) = texts(input, span)?;
    let start = span.start as usize;
    let rest = text[start..].strip_prefix("default true ")?;
    let end = word_end(text, text.len() - rest.len());
    let value = &text[text.len() - rest.len()..end];
    let (parent, name) = value.rsplit_once('.')?;
    let sound = parent.trim_start_matches('$').starts_with(".Values") && !name.is_empty();
    sound.then(|| replace(Span::new(span.file, start, end), format!("ternary {value} true (hasKey {parent} \"{name}\")")))?
}

/// The dollar is the top everywhere.
pub(super) fn dollar(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    texts(input, span)?;
    insert(span, span.start as usize, "$")
}

/// `include` with the depth of its place instead of `template`.
pub(super) fn include(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, action) = texts(input, span)?;
    let inside = action.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches(['-', ' ']);
    let rest = inside.strip_prefix("template ")?.trim();
    replace(span, format!("{{{{- include {rest} | nindent {} }}}}", column(text, span.start)))
}

/// A block takes the depth of its place.
pub(super) fn nindent(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, action) = texts(input, span)?;
    let inside = action.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches(['-', ' ']);
    let line = &text[span.start as usize - column(text, span.start)..span.start as usize];
    let width = if line.trim().is_empty() { line.len() } else { line.len() - line.trim_start().len() + 2 };
    replace(span, format!("{{{{- {inside} | nindent {width} }}}}"))
}

/// The width that fits.
pub(super) fn width(input: &Input, finding: &Diagnostic, span: Span) -> Edits {
    let (_, action) = texts(input, span)?;
    let wanted = finding.help.strip_prefix("use nindent ")?;
    let at = action.rfind("nindent ")? + "nindent ".len();
    let old = action[at..].bytes().take_while(u8::is_ascii_digit).count();
    let start = span.start as usize + at;
    replace(Span::new(span.file, start, start + old), wanted.to_owned())
}

/// No line of space is left by an action.
pub(super) fn dash(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (_, action) = texts(input, span)?;
    action.starts_with("{{").then(|| insert(span, span.start as usize + 2, "-"))?
}

/// A definition that nothing uses goes, with the comment that stands on the lines before it.
pub(super) fn definition(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let (text, _) = texts(input, span)?;
    let start = text[..span.start as usize].rfind("{{")?;
    let end = block(text, start)?.1.end;
    let before = text[..start].trim_end_matches([' ', '\t']);
    if !(before.is_empty() || before.ends_with('\n')) {
        return None;
    }
    let mut from = before.len();
    // What is said about it directly before it.
    let above = text[..from].trim_end();
    if above.ends_with("*/}}") || above.ends_with("*/ -}}") || above.ends_with("*/-}}") {
        if text[above.len()..from].matches('\n').count() == 1 {
            let open = above.rfind("{{")?;
            from = text[..open].rfind('\n').map_or(0, |n| n + 1);
        }
    }
    let rest = &text[end..];
    let to = end + rest.find('\n').filter(|n| rest[..*n].trim().is_empty()).map_or(0, |n| n + 1);
    replace(Span::new(span.file, from, to), String::new())
}

/// The name of a definition begins with the chart's, wherever it is used. Where the chart defines the same text under
/// that name too, the other definition goes.
pub(super) fn prefix(input: &Input, finding: &Diagnostic, _: Span) -> Edits {
    let chart = input.chart?;
    let name = finding.message.split('`').nth(1)?;
    let prefixed = format!("{}.{name}", chart.name());
    let (old, new) = (format!("\"{name}\""), format!("\"{prefixed}\""));
    let text_of = |template: &Template| Arc::clone(input.sources.get(template.file).text.shared());
    let known = chart.templates.iter().find_map(|t| defined(&text_of(t), &prefixed).map(|(_, body)| text_of(t)[body].to_owned()));
    let mut out = Vec::new();
    for template in &chart.templates {
        let text = text_of(template);
        let mut gone = 0..0;
        if let Some(known) = &known
            && let Some((whole, body)) = defined(&text, name)
        {
            if text[body] != **known {
                return None;
            }
            out.push(Edit { span: Span::new(template.file, whole.start, whole.end), text: String::new() });
            gone = whole;
        }
        for (at, _) in text.match_indices(&old) {
            let before = text[..at].trim_end();
            if !gone.contains(&at) && ["define", "include", "template", "block"].iter().any(|word| before.ends_with(word)) {
                out.push(Edit { span: Span::new(template.file, at, at + old.len()), text: new.clone() });
            }
        }
    }
    Some(out)
}

/// The definition of a name in a text: all of it, and what is in it.
fn defined(text: &str, name: &str) -> Option<(Range<usize>, Range<usize>)> {
    let (_, at) = actions::defines(text).into_iter().find(|(defined, _)| defined == name)?;
    let (body, whole) = block(text, text[..at.start].rfind("{{")?)?;
    let after = if text[whole.end..].starts_with('\n') { whole.end + 1 } else { whole.end };
    Some((whole.start..after, body))
}

/// The block that begins with the action at `start`: what is in it, and all of it with its `end`.
fn block(text: &str, start: usize) -> Option<(Range<usize>, Range<usize>)> {
    let (mut depth, mut at, mut body) = (0, start, None);
    loop {
        let open = at + text[at..].find("{{")?;
        let close = open + text[open..].find("}}")? + 2;
        match text[open + 2..close].trim_start_matches(['-', ' ']).split([' ', '}', '-']).next().unwrap_or("") {
            "if" | "range" | "with" | "define" | "block" => depth += 1,
            "end" => depth -= 1,
            _ => {}
        }
        let inside = *body.get_or_insert(close);
        if depth == 0 {
            return Some((inside.min(open)..open, start..close));
        }
        at = close;
    }
}

/// The name has at most 63 characters: the whole of it is written by one action.
pub(super) fn truncate(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    let text = &input.sources.get(span.file).text;
    let start = span.start as usize - column(text, span.start);
    let line = text[start..].lines().next()?;
    let key = line.trim_start().strip_prefix("name:")?;
    let at = start + line.len() - key.trim_start().len();
    let whole = key.trim();
    let (mut format, mut arguments) = (String::new(), Vec::new());
    let mut rest = whole;
    while let Some((literal, action)) = rest.split_once("{{") {
        let (inside, after) = action.split_once("}}")?;
        let inside = inside.trim_matches(['-', ' ']);
        arguments.push(if inside.contains(' ') { format!("({inside})") } else { inside.to_owned() });
        format.push_str(&literal.replace('%', "%%"));
        format.push_str("%s");
        rest = after;
    }
    format.push_str(rest);
    if arguments.is_empty() || whole.contains(['"', '\'', '#']) {
        return None;
    }
    let value = match &arguments[..] {
        [one] if format == "%s" => one.trim_start_matches('(').trim_end_matches(')').to_owned(),
        _ => format!("printf \"{format}\" {}", arguments.join(" ")),
    };
    replace(Span::new(span.file, at, at + whole.len()), format!("{{{{ {value} | trunc 63 | trimSuffix \"-\" }}}}"))
}

/// A value that a template reads gets a default that is empty.
pub(super) fn default_value(input: &Input, finding: &Diagnostic, _: Span) -> Edits {
    let path = finding.message.strip_prefix("values.yaml does not define `")?.strip_suffix('`')?;
    let values = input.chart?.values.as_ref()?.object.as_ref()?;
    edit::set(input.sources, values, &Path::default().child(path), &json!(""))
}

/// A name that no other release has.
pub(super) fn release_name(input: &Input, _: &Diagnostic, span: Span) -> Edits {
    input.chart?;
    let place = span;
    let (text, old) = texts(input, place)?;
    let literal = !old.contains(['{', '"', '\'', '\n']) && text[..place.start as usize].ends_with("name: ");
    literal.then(|| insert(place, place.start as usize, "{{ .Release.Name }}-"))?
}

/// The pods change with what they mount: the hash of the rendered template of its objects.
pub(super) fn checksum(input: &Input, finding: &Diagnostic) -> Option<(Path, serde_json::Value)> {
    let (kind, name) = finding.message.split_once("checksum of the ")?.1.split_once(" `")?;
    let name = name.strip_suffix('`')?;
    let object = input.objects.iter().find(|o| o.id.kind == kind && o.id.name == name)?;
    let file = crate::diagnostic::resolve(input.sources, object.node.span).template?.file;
    let template = input.chart?.templates.iter().find(|t| t.file == file)?;
    let below = template.name.strip_prefix("templates")?;
    let key = if kind == "Secret" { "checksum/secret" } else { "checksum/config" };
    let path = edit::parse(&finding.field)?;
    let path = Path([&path.0[..], &[crate::kube::field::Step::Key(key.to_owned())]].concat());
    Some((path, json!(format!("{{{{ include (print $.Template.BasePath \"{below}\") . | sha256sum }}}}"))))
}
