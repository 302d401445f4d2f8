//! The built-in resources as discovery tells them. upstream: the ShortNames, Categories and SingularName methods of
//! pkg/registry/*/*/storage

use serde_json::Value;

/// One resource of discovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// The plural, such as `pods`.
    pub name: String,
    /// Such as `pod`.
    pub singular: String,
    /// Such as `Pod`.
    pub kind: String,
    /// Whether its objects belong to a namespace.
    pub namespaced: bool,
    /// Such as `po`.
    pub short: Vec<String>,
    /// Such as `all`.
    pub categories: Vec<String>,
    /// Sorted.
    pub verbs: Vec<String>,
    /// Whether this is the group's preferred version.
    pub preferred: bool,
}

impl Resource {
    /// `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, `pods`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.name.clone() } else { format!("{}.{}", self.name, self.group) }
    }

    /// `deployment.apps`, `pod`: how kubectl's messages name it.
    pub fn kind_group(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() { kind } else { format!("{kind}.{}", self.group) }
    }

    /// `deployment.apps/web`.
    pub fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.kind_group())
    }

    /// Whether discovery offers a verb.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// Whether it is the resource of a group with this name.
    pub fn is(&self, group: &str, name: &str) -> bool {
        self.group == group && self.name == name
    }
}

const FULL: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const NO_COLLECTION: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
const CREATE: &[&str] = &["create"];
const READ: &[&str] = &["get", "list"];

struct Row(&'static str, &'static str, &'static str, bool, &'static str, &'static [&'static str], &'static str);

const CORE: &[Row] = &[
    Row("", "bindings", "Binding", true, "", CREATE, ""),
    Row("", "componentstatuses", "ComponentStatus", false, "cs", READ, ""),
    Row("", "configmaps", "ConfigMap", true, "cm", FULL, ""),
    Row("", "endpoints", "Endpoints", true, "ep", FULL, ""),
    Row("", "events", "Event", true, "ev", FULL, ""),
    Row("", "limitranges", "LimitRange", true, "limits", FULL, ""),
    Row("", "namespaces", "Namespace", false, "ns", NO_COLLECTION, ""),
    Row("", "nodes", "Node", false, "no", FULL, ""),
    Row("", "persistentvolumeclaims", "PersistentVolumeClaim", true, "pvc", FULL, ""),
    Row("", "persistentvolumes", "PersistentVolume", false, "pv", FULL, ""),
    Row("", "pods", "Pod", true, "po", FULL, "all"),
    Row("", "podtemplates", "PodTemplate", true, "", FULL, ""),
    Row("", "replicationcontrollers", "ReplicationController", true, "rc", FULL, "all"),
    Row("", "resourcequotas", "ResourceQuota", true, "quota", FULL, ""),
    Row("", "secrets", "Secret", true, "", FULL, ""),
    Row("", "serviceaccounts", "ServiceAccount", true, "sa", FULL, ""),
    Row("", "services", "Service", true, "svc", FULL, "all"),
];

const GROUPS: &[Row] = &[
    Row("admissionregistration.k8s.io/v1", "mutatingadmissionpolicies", "MutatingAdmissionPolicy", false, "", FULL, "api-extensions"),
    Row(
        "admissionregistration.k8s.io/v1",
        "mutatingadmissionpolicybindings",
        "MutatingAdmissionPolicyBinding",
        false,
        "",
        FULL,
        "api-extensions",
    ),
    Row(
        "admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        false,
        "",
        FULL,
        "api-extensions",
    ),
    Row("admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", false, "", FULL, "api-extensions"),
    Row(
        "admissionregistration.k8s.io/v1",
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        false,
        "",
        FULL,
        "api-extensions",
    ),
    Row(
        "admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        false,
        "",
        FULL,
        "api-extensions",
    ),
    Row("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", false, "crd,crds", FULL, "api-extensions"),
    Row("apiregistration.k8s.io/v1", "apiservices", "APIService", false, "", FULL, "api-extensions"),
    Row("apps/v1", "controllerrevisions", "ControllerRevision", true, "", FULL, ""),
    Row("apps/v1", "daemonsets", "DaemonSet", true, "ds", FULL, "all"),
    Row("apps/v1", "deployments", "Deployment", true, "deploy", FULL, "all"),
    Row("apps/v1", "replicasets", "ReplicaSet", true, "rs", FULL, "all"),
    Row("apps/v1", "statefulsets", "StatefulSet", true, "sts", FULL, "all"),
    Row("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview", false, "", CREATE, ""),
    Row("authentication.k8s.io/v1", "tokenreviews", "TokenReview", false, "", CREATE, ""),
    Row("authorization.k8s.io/v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", true, "", CREATE, ""),
    Row("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, "", CREATE, ""),
    Row("authorization.k8s.io/v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, "", CREATE, ""),
    Row("authorization.k8s.io/v1", "subjectaccessreviews", "SubjectAccessReview", false, "", CREATE, ""),
    Row("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, "hpa", FULL, "all"),
    Row("autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, "hpa", FULL, "all"),
    Row("batch/v1", "cronjobs", "CronJob", true, "cj", FULL, "all"),
    Row("batch/v1", "jobs", "Job", true, "", FULL, "all"),
    Row("certificates.k8s.io/v1", "certificatesigningrequests", "CertificateSigningRequest", false, "csr", FULL, ""),
    Row("coordination.k8s.io/v1", "leases", "Lease", true, "", FULL, ""),
    Row("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", true, "", FULL, ""),
    Row("events.k8s.io/v1", "events", "Event", true, "ev", FULL, ""),
    Row("flowcontrol.apiserver.k8s.io/v1", "flowschemas", "FlowSchema", false, "", FULL, ""),
    Row("flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", false, "", FULL, ""),
    Row("networking.k8s.io/v1", "ingressclasses", "IngressClass", false, "", FULL, ""),
    Row("networking.k8s.io/v1", "ingresses", "Ingress", true, "ing", FULL, ""),
    Row("networking.k8s.io/v1", "ipaddresses", "IPAddress", false, "ip", FULL, ""),
    Row("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", true, "netpol", FULL, ""),
    Row("networking.k8s.io/v1", "servicecidrs", "ServiceCIDR", false, "", FULL, ""),
    Row("node.k8s.io/v1", "runtimeclasses", "RuntimeClass", false, "", FULL, ""),
    Row("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", true, "pdb", FULL, ""),
    Row("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", false, "", FULL, ""),
    Row("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", false, "", FULL, ""),
    Row("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", true, "", FULL, ""),
    Row("rbac.authorization.k8s.io/v1", "roles", "Role", true, "", FULL, ""),
    Row("resource.k8s.io/v1", "deviceclasses", "DeviceClass", false, "", FULL, ""),
    Row("resource.k8s.io/v1", "resourceclaims", "ResourceClaim", true, "", FULL, ""),
    Row("resource.k8s.io/v1", "resourceclaimtemplates", "ResourceClaimTemplate", true, "", FULL, ""),
    Row("resource.k8s.io/v1", "resourceslices", "ResourceSlice", false, "", FULL, ""),
    Row("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", false, "pc", FULL, ""),
    Row("storage.k8s.io/v1", "csidrivers", "CSIDriver", false, "", FULL, ""),
    Row("storage.k8s.io/v1", "csinodes", "CSINode", false, "", FULL, ""),
    Row("storage.k8s.io/v1", "csistoragecapacities", "CSIStorageCapacity", true, "", FULL, ""),
    Row("storage.k8s.io/v1", "storageclasses", "StorageClass", false, "sc", FULL, ""),
    Row("storage.k8s.io/v1", "volumeattachments", "VolumeAttachment", false, "", FULL, ""),
    Row("storage.k8s.io/v1", "volumeattributesclasses", "VolumeAttributesClass", false, "vac", FULL, ""),
];

fn words(list: &str) -> Vec<String> {
    list.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// The built-in resources of Kubernetes 1.36 in the order of discovery.
pub fn built_in() -> Vec<Resource> {
    let read = |row: &Row| {
        let Row(at, name, kind, namespaced, short, verbs, categories) = row;
        let (group, version) = if at.is_empty() { ("", "v1") } else { at.split_once('/').unwrap_or((at, "v1")) };
        Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            name: (*name).to_owned(),
            singular: kind.to_lowercase(),
            kind: (*kind).to_owned(),
            namespaced: *namespaced,
            short: words(short),
            categories: words(categories),
            verbs: verbs.iter().map(|v| (*v).to_owned()).collect(),
            preferred: *at != "autoscaling/v1",
        }
    };
    CORE.iter().chain(GROUPS).map(read).collect()
}

/// The resources a CustomResourceDefinition adds, one per served version, the preferred one first.
pub fn of_definition(definition: &Value) -> Vec<Resource> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
    let list = |v: &Value| v.as_array().map(|a| a.iter().map(text).collect()).unwrap_or_default();
    let kind = text(&names["kind"]);
    let singular = Some(text(&names["singular"])).filter(|s| !s.is_empty()).unwrap_or_else(|| kind.to_lowercase());
    let mut versions: Vec<String> = spec["versions"]
        .as_array()
        .map(|all| all.iter().filter(|v| v["served"] == true).map(|v| text(&v["name"])).collect())
        .unwrap_or_default();
    versions.sort_by(|a, b| version_rank(b).cmp(&version_rank(a)).then_with(|| a.cmp(b)));
    let of = |(i, version): (usize, String)| Resource {
        group: text(&spec["group"]),
        version,
        name: text(&names["plural"]),
        singular: singular.clone(),
        kind: kind.clone(),
        namespaced: spec["scope"] == "Namespaced",
        short: list(&names["shortNames"]),
        categories: list(&names["categories"]),
        verbs: FULL.iter().map(|v| (*v).to_owned()).collect(),
        preferred: i == 0,
    };
    versions.into_iter().enumerate().map(of).collect()
}

/// How versions are preferred: stable, beta, alpha, then others. upstream: apimachinery/pkg/version.CompareKubeAwareVersionStrings
fn version_rank(version: &str) -> (u8, u64, u64) {
    let parse = || -> Option<(u8, u64, u64)> {
        let rest = version.strip_prefix('v')?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let major: u64 = rest.get(..digits)?.parse().ok()?;
        match rest.get(digits..)? {
            "" => Some((3, major, 0)),
            tail => match (tail.strip_prefix("beta"), tail.strip_prefix("alpha")) {
                (Some(n), _) => Some((2, major, n.parse().ok()?)),
                (_, Some(n)) => Some((1, major, n.parse().ok()?)),
                _ => None,
            },
        }
    };
    parse().unwrap_or((0, 0, 0))
}
