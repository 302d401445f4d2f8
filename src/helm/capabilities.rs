//! `.Capabilities`: what the cluster can do.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use super::strvals::quote;
use crate::value::{GoError, GoType, List, Maker, Map, Object, ReflectKind, Structure, Value};

/// The API versions a client of Kubernetes 1.37 knows, in its order.
pub const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The version of Kubernetes without `--kube-version`.
const DEFAULT_KUBE_VERSION: &str = "v1.37.0";

/// `.Capabilities.KubeVersion`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As given, with a `v` before it.
    pub version: String,
    /// Only the numbers; what ranges are checked with.
    pub normalized: String,
    /// The first number.
    pub major: String,
    /// The second number.
    pub minor: String,
    /// Whether it is a value of Helm 3, which has another name for the type.
    v3: bool,
}

impl Default for KubeVersion {
    fn default() -> Self {
        Self {
            version: DEFAULT_KUBE_VERSION.to_owned(),
            normalized: DEFAULT_KUBE_VERSION.to_owned(),
            major: "1".to_owned(),
            minor: "37".to_owned(),
            v3: false,
        }
    }
}

impl KubeVersion {
    /// Reads `--kube-version`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_start();
        let rest = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let mut parts: Vec<&str> = Vec::new();
        let mut left = rest;
        loop {
            let digits = left.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                break;
            }
            parts.push(&left[..digits]);
            left = &left[digits..];
            match left.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => left = next,
                _ => break,
            }
        }
        if parts.is_empty() || text.contains('\n') {
            return Err(format!("could not parse {} as version", quote(text)));
        }
        if parts.len() < 2 {
            return Err(format!("illegal version string {}", quote(text)));
        }
        if parts[0].starts_with('0') && parts[0] != "0" {
            return Err(format!("illegal zero-prefixed version component {} in {}", quote(parts[0]), quote(text)));
        }
        let mut numbers = Vec::new();
        for part in parts {
            let number = part.parse::<u64>().map_err(|_| {
                let (p, t) = (quote(part), quote(text));
                format!("illegal non-numeric version component {p} in {t}: strconv.ParseUint: parsing {p}: value out of range")
            })?;
            numbers.push(number.to_string());
        }
        let version = if text.starts_with('v') { text.to_owned() } else { format!("v{text}") };
        Ok(Self { version, normalized: format!("v{}", numbers.join(".")), major: numbers[0].clone(), minor: numbers[1].clone(), v3: false })
    }
}

/// `.Capabilities`
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// The known API versions.
    pub api_versions: Arc<Vec<String>>,
    /// The version of Helm.
    pub helm: HelmVersion,
}

/// `.Capabilities.HelmVersion`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelmVersion {
    /// Such as `v4.3`.
    pub version: String,
    /// The compiler.
    pub go_version: String,
    /// The client library; empty for Helm 3, which does not tell.
    pub kube_client_version: String,
}

impl HelmVersion {
    /// Helm 4's.
    pub fn v4() -> Self {
        Self { version: "v4.3".to_owned(), go_version: "go1.26.8".to_owned(), kube_client_version: "v1.37".to_owned() }
    }

    /// Helm 3's.
    pub fn v3() -> Self {
        Self { version: "v3.22".to_owned(), go_version: "go1.26.8".to_owned(), kube_client_version: String::new() }
    }

    /// What encoding/json writes, in its order; empty texts are left out.
    fn told(&self) -> Vec<(&'static str, Value)> {
        let texts = [("version", &self.version), ("go_version", &self.go_version), ("kube_client_version", &self.kube_client_version)];
        texts.into_iter().filter(|t| !t.1.is_empty()).map(|(k, t)| (k, t.as_str().into())).collect()
    }

    fn plain(&self) -> Value {
        let map = Map::default();
        self.told().into_iter().for_each(|(key, text)| map.insert(key, text));
        map.into()
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::new(KubeVersion::default(), &[])
    }
}

impl Capabilities {
    /// Helm 4's defaults with another Kubernetes and more API versions.
    pub fn new(kube_version: KubeVersion, more: &[String]) -> Self {
        static DEFAULT: LazyLock<Vec<String>> = LazyLock::new(|| DEFAULT_API_VERSIONS.iter().map(|s| (*s).to_owned()).collect());
        let api_versions: Vec<String> = DEFAULT.iter().chain(more).cloned().collect();
        Self { kube_version, api_versions: Arc::new(api_versions), helm: HelmVersion::v4() }
    }

    /// Whether they are Helm 3's.
    pub fn is_v3(&self) -> bool {
        self.helm.kube_client_version.is_empty()
    }
}

impl Object for Capabilities {
    fn go_type(&self) -> GoType {
        GoType::Named(if self.is_v3() { "*chartutil.Capabilities" } else { "*common.Capabilities" }, ReflectKind::Ptr)
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "KubeVersion" => Value::object(KubeVersion { v3: self.is_v3(), ..self.kube_version.clone() }),
            "APIVersions" => Value::object(VersionSet { versions: Arc::clone(&self.api_versions), v3: self.is_v3() }),
            "HelmVersion" => Value::object(self.helm.clone()),
            _ => return None,
        })
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        (name == "Copy").then_some((&[], false))
    }

    fn call(&self, _: &str, _: &[Value]) -> Result<Value, GoError> {
        Ok(Value::object(self.clone()))
    }

    fn display(&self) -> Option<String> {
        // An action prints what a pointer is for.
        self.print().strip_prefix('&').map(str::to_owned)
    }

    fn has_string(&self) -> bool {
        false
    }

    fn print(&self) -> String {
        format!("&{{{} [{}] {}}}", self.kube_version.print(), self.api_versions.join(" "), self.helm.print())
    }

    fn structure(&self) -> Option<Structure> {
        Some(Structure { pointer: true, fields: self.json_fields()? })
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(["KubeVersion", "APIVersions", "HelmVersion"].into_iter().filter_map(|name| Some((name, self.field(name)?))).collect())
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        let map = Map::default();
        map.insert("KubeVersion", self.kube_version.to_plain()?);
        map.insert("APIVersions", List::strings(self.api_versions.iter().map(String::as_str)).into());
        map.insert("HelmVersion", self.helm.plain());
        Ok(map.into())
    }

    fn maker(&self) -> Option<Maker> {
        let capabilities = self.clone();
        Some(Arc::new(move || Value::object(capabilities.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for KubeVersion {
    fn go_type(&self) -> GoType {
        GoType::Named(if self.v3 { "chartutil.KubeVersion" } else { "common.KubeVersion" }, ReflectKind::Struct)
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::from(match name {
            "Version" => self.version.as_str(),
            "Major" => self.major.as_str(),
            "Minor" => self.minor.as_str(),
            _ => return None,
        }))
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        matches!(name, "String" | "GitVersion").then_some((&[], false))
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, GoError> {
        Ok(Value::from(if name == "GitVersion" { self.version.as_str() } else { self.normalized.as_str() }))
    }

    // Its `String` method has a pointer receiver.
    fn has_string(&self) -> bool {
        false
    }

    fn display(&self) -> Option<String> {
        Some(self.normalized.clone())
    }

    fn print(&self) -> String {
        format!("{{{} {} {} {}}}", self.version, self.normalized, self.major, self.minor)
    }

    fn structure(&self) -> Option<Structure> {
        let fields = vec![
            ("Version", self.version.as_str().into()),
            ("normalizedVersion", self.normalized.as_str().into()),
            ("Major", self.major.as_str().into()),
            ("Minor", self.minor.as_str().into()),
        ];
        Some(Structure { pointer: false, fields })
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let fields = [("Version", &self.version), ("Major", &self.major), ("Minor", &self.minor)];
        Some(fields.map(|(k, v)| (k, v.as_str().into())).to_vec())
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        let map = Map::default();
        map.insert("Version", self.version.as_str().into());
        map.insert("Major", self.major.as_str().into());
        map.insert("Minor", self.minor.as_str().into());
        Ok(map.into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for HelmVersion {
    fn go_type(&self) -> GoType {
        GoType::Named("version.BuildInfo", ReflectKind::Struct)
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::from(match name {
            "Version" => self.version.as_str(),
            "GitCommit" | "GitTreeState" => "",
            "GoVersion" => self.go_version.as_str(),
            "KubeClientVersion" if !self.kube_client_version.is_empty() => self.kube_client_version.as_str(),
            _ => return None,
        }))
    }

    fn has_string(&self) -> bool {
        false
    }

    fn structure(&self) -> Option<Structure> {
        let mut fields: Vec<(&'static str, Value)> = vec![
            ("Version", self.version.as_str().into()),
            ("GitCommit", "".into()),
            ("GitTreeState", "".into()),
            ("GoVersion", self.go_version.as_str().into()),
        ];
        if !self.kube_client_version.is_empty() {
            fields.push(("KubeClientVersion", self.kube_client_version.as_str().into()));
        }
        Some(Structure { pointer: false, fields })
    }

    fn print(&self) -> String {
        let client = if self.kube_client_version.is_empty() { String::new() } else { format!(" {}", self.kube_client_version) };
        format!("{{{}   {}{client}}}", self.version, self.go_version)
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(self.told())
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(self.plain())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities.APIVersions`
#[derive(Clone, Debug)]
struct VersionSet {
    versions: Arc<Vec<String>>,
    v3: bool,
}

impl VersionSet {
    fn list(&self) -> Value {
        List::strings(self.versions.iter().map(String::as_str)).into()
    }
}

impl Object for VersionSet {
    fn go_type(&self) -> GoType {
        GoType::Named(if self.v3 { "chartutil.VersionSet" } else { "common.VersionSet" }, ReflectKind::Slice)
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        (name == "Has").then_some((&[GoType::String], false))
    }

    fn call(&self, _: &str, args: &[Value]) -> Result<Value, GoError> {
        let wanted = args.first().and_then(Value::as_str);
        Ok(wanted.is_some_and(|w| self.versions.iter().any(|v| v.as_bytes() == w.as_bytes())).into())
    }

    fn has_string(&self) -> bool {
        false
    }

    fn print(&self) -> String {
        format!("[{}]", self.versions.join(" "))
    }

    fn truth(&self) -> bool {
        !self.versions.is_empty()
    }

    fn underlying(&self) -> Option<Value> {
        Some(self.list())
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        Ok(self.list())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
