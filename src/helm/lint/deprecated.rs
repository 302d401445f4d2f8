//! API versions whose end is announced, as the Kubernetes 1.37 client knows them.
//!
//! upstream: k8s.io/api `APILifecycleDeprecated`, k8s.io/apiserver/pkg/endpoints/deprecation

/// A line is an API version, when it was deprecated, when it was removed (`-`: not said), the API version to use
/// instead, and the kinds. `!Kind` has no list; `Kind:Other` is replaced by another kind, `Kind:Other:OtherList` also says
/// what replaces its list.
const TABLE: &str = include_str!("deprecated.txt");

/// The sentence about an API version and kind, when `major.minor` of Kubernetes has deprecated it.
pub(super) fn warning(api_version: &str, kind: &str, (major, minor): (u32, u32)) -> Option<String> {
    for line in TABLE.lines() {
        let mut words = line.split(' ');
        let [version, deprecated, removed, instead] = [(); 4].map(|()| words.next().unwrap_or_default());
        if version != api_version {
            continue;
        }
        let Some(replacement) = words.find_map(|word| replacement(word, kind)) else { continue };
        let (at_major, at_minor) = deprecated.split_once('.')?;
        if (at_major.parse::<u32>().ok()?, at_minor.parse::<u32>().ok()?) > (major, minor) {
            return None;
        }
        let mut out = format!("{api_version} {kind} is deprecated in v{deprecated}+");
        if removed != "-" {
            out.push_str(&format!(", unavailable in v{removed}+"));
        }
        if instead != "-" {
            out.push_str(&format!("; use {instead} {replacement}"));
        }
        return Some(out);
    }
    None
}

/// What replaces `kind`, when `word` of the table is about it.
fn replacement(word: &str, kind: &str) -> Option<String> {
    let (listed, word) = word.strip_prefix('!').map_or((true, word), |w| (false, w));
    let mut parts = word.split(':');
    let name = parts.next()?;
    let other = parts.next().unwrap_or(name);
    if kind == name {
        return Some(other.to_owned());
    }
    (listed && kind.strip_suffix("List") == Some(name)).then(|| parts.next().map_or_else(|| format!("{other}List"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::warning;

    #[test]
    fn an_old_api_is_told_from_its_version_on() {
        let ingress = "extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress";
        assert_eq!(warning("extensions/v1beta1", "Ingress", (1, 14)).as_deref(), Some(ingress));
        assert_eq!(warning("extensions/v1beta1", "Ingress", (1, 13)), None);
        assert_eq!(
            warning("v1", "Endpoints", (1, 37)).as_deref(),
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        );
        assert!(
            warning("discovery.k8s.io/v1beta1", "EndpointSliceList", (1, 37)).unwrap().ends_with("use discovery.k8s.io/v1 EndpointSlice")
        );
        assert_eq!(warning("apps/v1", "Deployment", (1, 37)), None);
    }
}
