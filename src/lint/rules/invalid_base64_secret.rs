//! `invalid-base64-secret`: reports a value of a Secret's `data` that is not base64, or that encodes a line break
//! at its end.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for secret in cx.all("Secret") {
        for (_, value) in secret.entries("data") {
            let Some(text) = value.str() else { continue };
            // Go's decoder skips line breaks.
            let compact: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            match data_encoding::BASE64.decode(compact.as_bytes()) {
                Err(_) => cx.report(value, "the value is not base64", "encode it, or move it to stringData"),
                Ok(bytes)
                    if bytes.ends_with(b"\n")
                        && !bytes.starts_with(b"-----BEGIN")
                        // Readers of JSON skip it.
                        && !bytes.starts_with(b"{")
                        && bytes.iter().filter(|b| **b == b'\n').count() == 1 =>
                {
                    cx.report(value, "the decoded value ends with a line break", "encode it with `printf` or `echo -n`");
                }
                Ok(_) => {}
            }
        }
    }
}
