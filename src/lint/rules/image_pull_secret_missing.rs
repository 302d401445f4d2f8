//! `image-pull-secret-missing`: reports an image pull secret that is not in the set, or that holds no registry
//! credentials.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::field::Field;

const TYPES: &[&str] = &["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"];

pub(super) fn check(cx: &Context) {
    let mut lists: Vec<Field> = cx.pods().iter().flat_map(|p| p.spec.items("imagePullSecrets")).collect();
    lists.extend(cx.all("ServiceAccount").iter().flat_map(|a| a.items("imagePullSecrets")));
    for reference in lists {
        let Some(name) = reference.get("name") else { continue };
        let Some(text) = name.str().filter(|t| !t.is_empty()) else { continue };
        match cx.find("Secret", reference.object, text) {
            Some(secret) => {
                let kind = secret.text("type").unwrap_or("Opaque");
                if !TYPES.contains(&kind) {
                    let help = "the type is kubernetes.io/dockerconfigjson for registry credentials";
                    cx.report(name, format!("the pull secret `{text}` is of type {kind}"), help);
                }
            }
            None if cx.makes_secret(text) => {}
            None => {
                let help = similar(text, cx.names("Secret", reference.object)).map_or_else(
                    || "add it to the set, or make sure that the namespace has it".to_owned(),
                    |n| format!("did you mean `{n}`?"),
                );
                cx.report(name, format!("the pull secret `{text}` is not in the set"), help);
            }
        }
    }
}
