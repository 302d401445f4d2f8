//! `env-var-secret`: reports an environment variable that looks secret and has a literal value.

use crate::lint::context::Context;
use crate::lint::plain_secrets;

pub(super) fn check(cx: &Context) {
    plain_secrets::report(cx, &["SECRET", "TOKEN", "PASSWORD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"]);
}
