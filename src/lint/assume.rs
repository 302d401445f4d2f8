//! Objects that are known to exist outside the input: rules do not miss them.

use std::fmt;

/// A declared object: `Secret/db`, `Secret/shop/db`, with `*` for any rest of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    kind: String,
    namespace: Option<String>,
    name: String,
}

/// The rules that miss objects by name, and the kinds of what they miss; none for "as the object says".
const MISSING: &[(&str, &[&str])] = &[
    ("apiservice-service-missing", &["Service"]),
    ("binding-subject-missing", &["ServiceAccount"]),
    ("dangling-gateway-backend", &["Service"]),
    ("dangling-hpa", &[]),
    ("dangling-ingress", &["Service"]),
    ("gateway-parent-missing", &["Gateway"]),
    ("image-pull-secret-missing", &["Secret"]),
    ("ingress-tls-secret-missing", &["Secret"]),
    ("missing-configmap", &["ConfigMap"]),
    ("missing-pvc", &["PersistentVolumeClaim"]),
    ("missing-secret", &["Secret"]),
    ("namespace-missing", &["Namespace"]),
    ("non-existent-service-account", &["ServiceAccount"]),
    ("priority-class-missing", &["PriorityClass"]),
    ("role-ref-missing", &["Role", "ClusterRole"]),
    ("runtime-class-missing", &["RuntimeClass"]),
    ("statefulset-service-missing", &["Service"]),
    ("storage-class-missing", &["StorageClass"]),
    ("webhook-service-missing", &["Service"]),
];

impl Assumed {
    /// Reads `Kind/name` or `Kind/namespace/name`.
    ///
    /// # Errors
    /// A sentence for the user when the text has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some((*namespace).to_owned()), *name),
            _ => ("", None, ""),
        };
        if kind.is_empty() || name.is_empty() || !kind.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(format!("`{text}` is not of the form `Kind/name` or `Kind/namespace/name`, such as `Secret/db`"));
        }
        Ok(Self { kind: kind.to_owned(), namespace, name: name.to_owned() })
    }

    /// What is in a cluster: this very object.
    pub fn object(kind: &str, namespace: &str, name: &str) -> Self {
        let namespace = (!namespace.is_empty()).then(|| namespace.to_owned());
        Self { kind: kind.to_owned(), namespace, name: name.to_owned() }
    }
}

impl fmt::Display for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}

/// Whether what a rule misses under this name in a namespace is declared to exist.
pub(super) fn exists(assumed: &[Assumed], rule: &str, namespace: &str, name: &str) -> bool {
    let Some((_, kinds)) = MISSING.iter().find(|(id, _)| *id == rule) else { return false };
    assumed.iter().any(|a| {
        (kinds.is_empty() || kinds.contains(&a.kind.as_str()))
            && a.namespace.as_ref().is_none_or(|n| fits(n, namespace))
            && fits(&a.name, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_miss_objects_exist() {
        for (id, _) in MISSING {
            assert!(crate::lint::page(id).is_some(), "{id}");
        }
    }

    #[test]
    fn names_match_with_stars() {
        let list = ["Secret/db", "ConfigMap/shop/app-*"].map(|t| Assumed::parse(t).unwrap());
        assert!(exists(&list, "missing-secret", "shop", "db"));
        assert!(!exists(&list, "missing-configmap", "shop", "db"));
        assert!(exists(&list, "missing-configmap", "shop", "app-1"));
        assert!(!exists(&list, "missing-configmap", "other", "app-1"));
        assert!(Assumed::parse("db").is_err());
    }
}
