//! `missing-secret`: reports a Secret that a pod needs and that is not in the set.

use crate::lint::context::Context;
use crate::lint::needs;
use crate::lint::needs::Words;
use crate::lint::outside;

const WORDS: Words = Words { kind: "Secret", key_ref: "secretKeyRef", reference: "secretRef", volume: "secret", volume_name: "secretName" };

pub(super) fn check(cx: &Context) {
    needs::missing(cx, &WORDS, &|name| cx.makes_secret(name) || outside::makes_secrets(cx));
}
