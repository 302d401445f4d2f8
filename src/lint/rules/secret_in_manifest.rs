//! `secret-in-manifest`: reports a Secret whose data is written out.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    for secret in cx.all("Secret") {
        for list in ["data", "stringData"] {
            for (_, value) in secret.entries(list) {
                if value.str().is_some_and(|t| !t.is_empty()) {
                    cx.report(
                        value,
                        "the secret is written out in the manifest",
                        "let an operator make it (External Secrets, Sealed Secrets)",
                    );
                }
            }
        }
    }
}
