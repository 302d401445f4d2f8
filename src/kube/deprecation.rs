//! What the API server warns about an API that is on its way out. upstream: apiserver/pkg/endpoints/deprecation

use super::Object;
use super::field::Path;
use super::schema;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;

/// The server's warning about an API version that it still serves but that is deprecated; `None` where it does not warn.
pub fn warning(api_version: &str, kind: &str, kube_version: &str) -> Option<String> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let life = schema::lifecycle(group, version, kind)?;
    let now = schema::minor(kube_version)?;
    if now < schema::minor(life.deprecated)? || schema::minor(life.removed).is_some_and(|gone| now >= gone) {
        return None;
    }
    let mut text = format!("{api_version} {kind} is deprecated in v{}+", life.deprecated);
    if !life.removed.is_empty() {
        text.push_str(&format!(", unavailable in v{}+", life.removed));
    }
    // Upstream declares no replacement for these.
    let undeclared = group == "networking.k8s.io" && version == "v1beta1" && matches!(kind, "IPAddress" | "ServiceCIDR");
    if !life.replacement.is_empty() && !undeclared {
        text.push_str(&format!("; use {}", life.replacement));
    }
    Some(text)
}

/// What replaces an API in a version, such as `policy/v1 PodDisruptionBudget`: the replacement of the replacement where that
/// is gone, too. Empty where nothing does.
pub(super) fn still_served(life: &schema::Lifecycle, kube_version: &str) -> &'static str {
    let now = schema::minor(kube_version);
    let mut found = life.replacement;
    // Chains are short; a bound keeps wrong data from looping.
    for _ in 0..8 {
        let Some((api_version, kind)) = found.split_once(' ') else { break };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let Some(next) = schema::lifecycle(group, version, kind) else { break };
        if schema::minor(next.removed).is_none_or(|gone| now < Some(gone)) || next.replacement.is_empty() {
            break;
        }
        found = next.replacement;
    }
    found
}

/// The warnings of the server about an object, as findings.
pub fn warnings(object: &Object, kube_version: &str) -> Vec<Diagnostic> {
    let id = &object.id;
    let found = warning(&id.api_version, &id.kind, kube_version);
    let finding = |text| {
        let at = object.span(&Path::new("apiVersion"));
        Diagnostic::new("deprecated-api", Severity::Warning, text).at(at).on(id.clone(), "apiVersion")
    };
    found.map(finding).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replacement_is_served() {
        let life = schema::lifecycle("flowcontrol.apiserver.k8s.io", "v1beta1", "FlowSchema").unwrap();
        assert_eq!(still_served(life, "1.27"), "flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema");
        assert_eq!(still_served(life, "1.36"), "flowcontrol.apiserver.k8s.io/v1 FlowSchema");
    }

    #[test]
    fn sentences() {
        let cases = [
            (
                "policy/v1beta1",
                "PodDisruptionBudget",
                "1.22",
                "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 PodDisruptionBudget",
            ),
            ("policy/v1beta1", "PodDisruptionBudget", "1.20", ""),
            ("policy/v1beta1", "PodDisruptionBudget", "1.25", ""),
            ("v1", "Endpoints", "1.36", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
            ("apps/v1", "Deployment", "1.36", ""),
        ];
        for (api_version, kind, version, want) in cases {
            assert_eq!(warning(api_version, kind, version).unwrap_or_default(), want, "{api_version} {kind} {version}");
        }
    }
}
