//! `missing-configmap`: reports a ConfigMap that a pod needs and that is not in the set.

use crate::lint::context::Context;
use crate::lint::needs;
use crate::lint::needs::Words;

const WORDS: Words = Words { kind: "ConfigMap", key_ref: "configMapKeyRef", reference: "configMapRef", volume: "configMap", volume_name: "name" };

pub(super) fn check(cx: &Context) {
    // Every namespace has the one with the certificate of the cluster.
    needs::missing(cx, &WORDS, &|name| name == "kube-root-ca.crt");
}
