//! Reads chosen entries of a document without decoding the rest.
//!
//! Sorting rendered manifests needs three entries of each document; the rest only has to be valid. [`skim`] walks the lines of
//! documents in the plain subset of YAML that [`Lines`] reads, and gives up on anything else: the caller then decodes the whole.

use super::lines::{Lines, readable};

/// The lines of the top-level entries whose key is among `wanted`, whatever its letters' case, in their order; `{}` when there
/// are none. With a key stands which of the entries below it are wanted, all when none is named; more may come where that is
/// quicker told.
///
/// `None` when the text is not in the subset; it may be valid all the same.
pub fn skim(text: &[u8], wanted: &[(&str, &[&str])]) -> Option<Vec<u8>> {
    if !readable(text) {
        return None;
    }
    let mut lines = Lines::new(text, ());
    let mut out = Vec::new();
    let mut keep_from = None;
    while !lines.done() {
        let start = lines.at();
        let Some(key) = lines.step()? else { continue };
        if let Some((from, below)) = keep_from.take() {
            keep(&text[from..start], below, &mut out);
        }
        let found = wanted.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(key));
        keep_from = found.map(|(_, below)| (start, *below));
    }
    if let Some((from, below)) = keep_from {
        keep(&text[from..], below, &mut out);
    }
    // A document of comments alone is null, not a mapping.
    if !lines.any() {
        return None;
    }
    if out.is_empty() {
        out.extend_from_slice(b"{}");
    }
    Some(out)
}

/// Adds the lines of an entry, without those of the entries below it that are not wanted.
fn keep(entry: &[u8], wanted: &[&str], out: &mut Vec<u8>) {
    let start = out.len();
    if wanted.is_empty() || narrow(entry, wanted, out).is_none() {
        out.truncate(start);
        out.extend_from_slice(entry);
    }
}

/// Nothing when it does not show at once where the entries below begin.
fn narrow(entry: &[u8], wanted: &[&str], out: &mut Vec<u8>) -> Option<()> {
    let mut lines = entry.split_inclusive(|b| *b == b'\n');
    let first = lines.next()?;
    if !first.trim_ascii_end().ends_with(b":") {
        return None;
    }
    out.extend_from_slice(first);
    let (mut column, mut kept) = (0, true);
    for line in lines {
        let text = line.trim_ascii_start();
        // A text between quotes may go on in the next line, wherever that begins.
        if [b'"', b'\''].iter().any(|quote| text.iter().filter(|b| *b == quote).count() % 2 == 1) {
            return None;
        }
        if text.is_empty() || text[0] == b'#' {
            // It may stand within a text of several lines.
            if kept {
                out.extend_from_slice(line);
            }
            continue;
        }
        let indent = line.len() - text.len();
        let item = text[0] == b'-';
        if column == 0 {
            column = indent;
            if item {
                return None;
            }
        }
        if indent < column || column == 0 {
            return None;
        }
        // The items of a list may stand below its key.
        if indent == column && !item {
            let (key, rest) = text.split_at(text.iter().position(|b| *b == b':')?);
            // Otherwise the colon belongs to a text, as far as this sees.
            let word =
                matches!(rest.get(1), None | Some(b' ' | b'\n')) && key.iter().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(b));
            kept = !word || wanted.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(key));
        }
        if kept {
            out.extend_from_slice(line);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::skim;
    use crate::value::Value;
    use crate::yaml::decode;

    fn head(text: &str) -> Option<String> {
        skim(text.as_bytes(), &[("kind", &[]), ("metadata", &["name"])]).map(|t| String::from_utf8(t).unwrap())
    }

    #[test]
    fn the_wanted_entries_are_kept_with_their_lines() {
        assert_eq!(
            head("a: 1\n# c\nkind: X\nspec:\n- b: |\n    x: [\n\n  c:\n    d: 'e''s'\nmetadata:\n  name: n\n").unwrap(),
            "kind: X\nmetadata:\n  name: n\n"
        );
        assert_eq!(head("a: [x, \"y\"]\nb: {}\n").unwrap(), "{}");
        assert_eq!(head("# nothing\n"), None);
        for (metadata, kept) in [
            ("  labels:\n    a: \"b\"\n    name: c\n  # d\n\n  Name: |\n    # e\n\n    f\n  x/y.z: 1\n", "  Name: |\n    # e\n\n    f\n"),
            ("    name: x\n    'labels':\n      a: b\n    other: 1\n", "    name: x\n    'labels':\n      a: b\n"),
            ("  a: 'b\n  name: c'\n", "  a: 'b\n  name: c'\n"),
            ("- a: b\n- c\n", "- a: b\n- c\n"),
            ("  - a: b\n", "  - a: b\n"),
            ("  a: don't\n", "  a: don't\n"),
            ("  a:\n  - name: b\n  c: d\n", ""),
            ("  name:\n  - b\n  c: d\n", "  name:\n  - b\n"),
            ("", ""),
        ] {
            let text = head(&format!("kind: X\nmetadata:\n{metadata}"));
            assert_eq!(text, Some(format!("kind: X\nmetadata:\n{kept}")), "{metadata:?}");
        }
        assert_eq!(head("metadata: {}\n").unwrap(), "metadata: {}\n");
    }

    /// Texts that go-yaml refuses, or reads otherwise than line by line.
    #[test]
    fn what_might_not_decode_is_left_alone() {
        for text in [
            "a: b: c\n",
            "a: 'x\n",
            "a: \"\\q\"\n",
            "a: 1\n b: 2\n",
            "a:\n    b: 1\n  c: 2\n",
            "a: @x\n",
            "a: .inf\n",
            "a: .NaN\n",
            "a: <<\n",
            "a: :\n",
            "null: 1\n",
            "~: 1\n",
            "a: &x 1\n",
            "a: *x\n",
            "a: !t 1\n",
            "- a\n",
            "a\n",
            "a:\n- b\n c: 1\n",
            "a: |\n    x\n  y\n",
            "a: |2\n  x\n",
            "a: x\n- b\n",
            "a: {b: 1\n",
            "a:\tb\n",
            "a: |\n\tx\n",
            "\u{feff}a: 1\n",
            "a: b\r\n",
            "1: a\n",
            "a: [x: y]\n",
            "a: x\n  y: z\n",
            "a: x\n  y #\n  z\n",
            "a: x\n  # c\n  y\n",
            "a: 'x\n---\n'\n",
            "a: 'x\n  y' z\n",
            "a:\n  x\n b: c\n",
            "...\n",
            "%YAML 1.1\n",
            "a: |\n     \n   x\n",
        ] {
            assert_eq!(head(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_taken_decodes_and_keeps_its_values() {
        for text in [
            "kind: A\nmetadata:\n    name: x # c\n    labels:\n      - - a\n        - b\n      - c: d\n        e:\n        - f\n      -\n        g: h\n  \nz: 1\n",
            "kind: |-\n  A\n\n  # not a comment\nmetadata:\n  a: >+\n\n\n  b: \"\"\n",
            "  kind: A\n  metadata: {}\n",
            "kind: a b\n  .c\n\n   - d # e\n\nmetadata:\n  a: 'x\n\n y''\n  '\n  b: \"\\\"c \\\n   d\" # e\n  c:\n    e\n    f\n  d:\n  - g\n    h\n  e: .spec\n  f: --x\n  g: :80\n",
            "metadata:\n- a:\n  - b\n  c: 1\n-\n- x\nkind: ~\n",
        ] {
            let short = head(text).expect(text);
            let pick = |v: &Value, k: &str| {
                let entry = v.as_map().unwrap().get(k).unwrap_or_default();
                let named = entry.as_map().map(|m| m.get("name").unwrap_or_default());
                format!("{:?}", crate::value::json::to_json(&named.unwrap_or(entry)))
            };
            let (whole, short) = (decode(text.as_bytes()).unwrap(), decode(short.as_bytes()).unwrap());
            for k in ["kind", "metadata"] {
                assert_eq!(pick(&whole, k), pick(&short, k), "{text:?}");
            }
        }
    }
}
