//! JSON that is written by the thousand: in one go what needs no escape.

use crate::source::near::find;
use crate::source::near::marks;
use crate::source::near::marks_control;

/// Writes a text as JSON of ours has it.
pub fn quote(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let escaped = |eight| marks(eight, b'"') | marks(eight, b'\\') | marks_control(eight);
    if find(bytes, 0, escaped, |b| matches!(b, b'"' | b'\\' | 0..0x20)) == bytes.len() {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else {
        // Writing to memory does not fail.
        drop(serde_json::to_writer(out, text));
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn texts_are_written_as_json() {
        for text in
            ["", "a", "registry.example/app-00:1.0", "a \"b\" and more", "12345678\\", "tab\tand \u{1}", "é\u{7f}\u{2028}", "12345678\n"]
        {
            let mut out = Vec::new();
            quote(text, &mut out);
            assert_eq!(Some(out), serde_json::to_vec(text).ok());
        }
    }
}
