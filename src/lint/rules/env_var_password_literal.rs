//! `env-var-password-literal`: reports a password as literal value of an environment variable.

use crate::lint::context::Context;
use crate::lint::plain_secrets;

/// What the names of passwords hold.
pub(super) const WORDS: &[&str] = &["PASSWORD", "PASSWD", "PWD"];

pub(super) fn check(cx: &Context) {
    plain_secrets::report(cx, WORDS, &[]);
}
