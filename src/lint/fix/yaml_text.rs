//! Fixes of YAML as text: indentation, separators, quotes, punctuation.

use std::ops::Range;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::source::SourceFile;
use crate::source::Sources;
use crate::source::Span;

type Edits = Option<Vec<Edit>>;

/// A text that somebody wrote: nothing is changed in rendered ones.
fn source(sources: &Sources, span: Span) -> Option<&SourceFile> {
    Some(sources.get(span.file)).filter(|file| file.map.is_none())
}

fn replace(span: Span, text: &str) -> Edits {
    Some(vec![Edit { span, text: text.to_owned() }])
}

fn line_of(file: &SourceFile, offset: u32) -> Option<Range<usize>> {
    file.line_range(file.line_index(offset as usize))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Tabs of a block of lines become spaces: below a key two more than it, else as the line before.
pub(super) fn tabs(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let tabbed = |line: usize| {
        let range = file.line_range(line)?;
        let text = &file.text[range.clone()];
        let white = text.len() - text.trim_start().len();
        (text[..white].contains('\t') && white < text.len()).then_some((range, white))
    };
    let mut first = file.line_index(span.start as usize);
    while first > 0 && tabbed(first - 1).is_some() {
        first -= 1;
    }
    let above = (0..first).rev().filter_map(|l| file.line_range(l)).map(|r| &file.text[r]).find(|t| !t.trim().is_empty());
    let base = above.map_or(0, |line| if line.trim_end().ends_with(':') { indent(line) + 2 } else { indent(line) });
    let depth = |white: &str| white.matches('\t').count() * 2 + white.matches(' ').count();
    let (range, white) = tabbed(first)?;
    let least = depth(&file.text[range.start..range.start + white]);
    let mut out = Vec::new();
    for line in first.. {
        let Some((range, white)) = tabbed(line) else { break };
        let deeper = depth(&file.text[range.start..range.start + white]).saturating_sub(least);
        let old = Span::new(span.file, range.start, range.start + white);
        out.push(Edit { span: old, text: " ".repeat(base + deeper) });
    }
    Some(out)
}

/// A tab before a comment becomes spaces.
pub(super) fn tab_before_comment(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    source(sources, span)?;
    let end = span.end as usize - usize::from(sources.slice(span).ends_with('#'));
    replace(Span::new(span.file, span.start as usize, end), "  ")
}

/// A scalar that begins with a sign of YAML is quoted, to the end of its line.
pub(super) fn quote_rest(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let line = line_of(file, span.start)?;
    let rest = &file.text[span.start as usize..line.end];
    let text = rest.split(" #").next().unwrap_or(rest).trim_end();
    let sound = !text.is_empty() && !text.contains(['"', '\\']);
    sound.then(|| replace(Span::new(span.file, span.start as usize, span.start as usize + text.len()), &format!("\"{text}\"")))?
}

/// A space behind the first colon.
pub(super) fn space_after_colon(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    source(sources, span)?;
    let at = span.start as usize + sources.slice(span).find(':')? + 1;
    replace(Span::new(span.file, at, at), " ")
}

/// The ASCII sign for a full-width one; nothing doubles a space.
pub(super) fn ascii(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let line = line_of(file, span.start)?;
    let after = &file.text[span.end as usize..line.end];
    let space = if after.is_empty() || after.starts_with([' ', '\r']) { "" } else { " " };
    match sources.slice(span) {
        "\u{ff1a}" => replace(span, &format!(":{space}")),
        "\u{ff0c}" => replace(span, &format!(",{space}")),
        "\u{201c}" | "\u{201d}" => replace(span, "\""),
        "\u{3000}" => replace(span, " "),
        _ => None,
    }
}

/// A no-break space becomes a space, what has no width goes.
pub(super) fn visible(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    source(sources, span)?;
    replace(span, if sources.slice(span) == "\u{a0}" { " " } else { "" })
}

/// The lines of a block that is indented too far move left.
pub(super) fn indentation(sources: &Sources, finding: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let (have, wanted) = finding.message.strip_prefix("indented by ")?.split_once(", elsewhere by ")?;
    let (have, wanted): (usize, usize) = (have.parse().ok()?, wanted.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?);
    let first = file.line_index(span.start as usize);
    let start = indent(&file.text[file.line_range(first)?]);
    // The width is that of the step from the line above the block.
    let mut out = Vec::new();
    for range in (first..).map_while(|l| file.line_range(l)) {
        let text = &file.text[range.clone()];
        if !text.trim().is_empty() && indent(text) < start || text.starts_with("---") {
            break;
        }
        if text.trim().is_empty() {
            continue;
        }
        let at = Span::new(span.file, range.start, range.start + have.saturating_sub(wanted));
        out.push(if have > wanted { Edit { span: at, text: String::new() } } else { Edit { span: at, text: " ".repeat(wanted - have) } });
    }
    Some(out)
}

/// The marker before an empty document goes.
pub(super) fn marker(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let line = line_of(file, span.start)?;
    if file.text[line.clone()].trim_end() != "---" {
        return None;
    }
    let end = line.end + usize::from(file.text[line.end..].starts_with('\n'));
    replace(Span::new(span.file, line.start, end), "")
}

/// An anchor that nothing refers to goes.
pub(super) fn anchor(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let start = span.start as usize;
    let text = sources.slice(span);
    let name = text.starts_with('&').then_some(text)?;
    let after = &file.text[start + name.len()..];
    let (from, to) = if after.starts_with(' ') {
        (start, start + name.len() + 1)
    } else {
        (file.text[..start].trim_end_matches(' ').len(), start + name.len())
    };
    replace(Span::new(span.file, from, to), "")
}

/// A block of text without the line break at its end.
pub(super) fn strip(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let at = span.start as usize + 1;
    let sign = file.text[span.start as usize..].starts_with(['|', '>']);
    let next = file.text[at..].chars().next()?;
    match next {
        _ if !sign => None,
        '+' => replace(Span::new(span.file, at, at + 1), "-"),
        '\n' | ' ' | '\r' => replace(Span::new(span.file, at, at), "-"),
        _ => None,
    }
}

/// Of two entries with one key the first goes, which does not count; only where it is one line.
pub(super) fn first_entry(sources: &Sources, finding: &Diagnostic, span: Span) -> Edits {
    let file = source(sources, span)?;
    let name = finding.message.split('`').nth(1)?;
    let line = file.line_index(span.start as usize);
    let own = indent(&file.text[file.line_range(line)?]);
    for range in (0..line).rev().filter_map(|l| file.line_range(l)) {
        let text = &file.text[range.clone()];
        if text.trim().is_empty() || text.trim_start().starts_with('#') || indent(text) > own {
            continue;
        }
        if indent(text) < own || text.starts_with("---") {
            return None;
        }
        let Some(rest) = text.trim_start().strip_prefix(name).and_then(|r| r.strip_prefix(':')) else { continue };
        let value = rest.trim();
        let one = !value.is_empty() && !value.starts_with(['|', '>', '{', '[', '&', '"', '\'', '#']) && !value.contains("{{");
        let whole = Span::new(span.file, range.start, (range.end + 1).min(file.text.len()));
        return one.then(|| replace(whole, ""))?;
    }
    None
}

/// A text of `values.yaml` that is meant as a boolean.
pub(super) fn unquote(sources: &Sources, _: &Diagnostic, span: Span) -> Edits {
    source(sources, span)?;
    let text = sources.slice(span).trim_matches(['"', '\'']);
    matches!(serde_json::from_str(text), Ok(Value::Bool(_))).then(|| replace(span, text))?
}
