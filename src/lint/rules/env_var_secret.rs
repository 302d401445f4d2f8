//! `env-var-secret`: reports an environment variable that looks secret and has a literal value.

use super::env_var_password_literal;
use crate::lint::context::Context;
use crate::lint::plain_secrets;
use crate::lint::runs;

pub(super) fn check(cx: &Context) {
    // Of passwords another rule tells, where it runs.
    let told = if runs("env-var-password-literal", cx.input.options) { env_var_password_literal::WORDS } else { &[] };
    let words = ["SECRET", "TOKEN", "PASSWORD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"];
    plain_secrets::report(cx, &words, told);
}
