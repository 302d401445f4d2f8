//! Reads chosen entries of a document without decoding the rest.
//!
//! Sorting rendered manifests needs three entries of each document; the rest only has to be valid. [`skim`] walks the lines of
//! documents in the plain subset of YAML that [`Lines`] reads, and gives up on anything else: the caller then decodes the whole.

use super::lines::{Lines, readable};

/// The lines of the top-level entries whose key is among `wanted`, whatever its letters' case, in their order; `{}` when there
/// are none.
///
/// `None` when the text is not in the subset; it may be valid all the same.
pub fn skim(text: &[u8], wanted: &[&str]) -> Option<Vec<u8>> {
    if !readable(text) {
        return None;
    }
    let mut lines = Lines::new(text, ());
    let mut out = Vec::new();
    let mut keep_from = None;
    while !lines.done() {
        let start = lines.at();
        let Some(key) = lines.step()? else { continue };
        if let Some(from) = keep_from.take() {
            out.extend_from_slice(&text[from..start]);
        }
        if wanted.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(key)) {
            keep_from = Some(start);
        }
    }
    if let Some(from) = keep_from {
        out.extend_from_slice(&text[from..]);
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

#[cfg(test)]
mod tests {
    use super::skim;
    use crate::value::Value;
    use crate::yaml::decode;

    fn head(text: &str) -> Option<String> {
        skim(text.as_bytes(), &["kind", "metadata"]).map(|t| String::from_utf8(t).unwrap())
    }

    #[test]
    fn the_wanted_entries_are_kept_with_their_lines() {
        assert_eq!(
            head("a: 1\n# c\nkind: X\nspec:\n- b: |\n    x: [\n\n  c:\n    d: 'e''s'\nmetadata:\n  name: n\n").unwrap(),
            "kind: X\nmetadata:\n  name: n\n"
        );
        assert_eq!(head("a: [x, \"y\"]\nb: {}\n").unwrap(), "{}");
        assert_eq!(head("# nothing\n"), None);
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
            let pick = |v: &Value, k: &str| format!("{:?}", v.as_map().unwrap().get(k).map(|v| crate::value::json::to_json(&v)));
            let (whole, short) = (decode(text.as_bytes()).unwrap(), decode(short.as_bytes()).unwrap());
            for k in ["kind", "metadata"] {
                assert_eq!(pick(&whole, k), pick(&short, k), "{text:?}");
            }
        }
    }
}
