//! What rules see: the objects by kind and name, the pods of all workloads, and the place findings go to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;

use super::ChartSource;
use super::Input;
use super::assume;
use super::field::Field;
use super::field::Place;
use super::hooks;
use super::labels;
use super::labels::Labels;
use super::labels::Selector;
use super::values;
use super::values::Reads;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube::Object;
use crate::source::Span;

/// Where a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `containers`
    Main,
    /// `initContainers`
    Init,
    /// `initContainers` with `restartPolicy: Always`
    Sidecar,
    /// `ephemeralContainers`
    Ephemeral,
}

/// A container of a pod.
#[derive(Clone, Debug)]
pub(super) struct Container<'a> {
    /// Itself.
    pub(super) field: Field<'a>,
    /// Where it stands.
    pub(super) role: Role,
    /// Its name; empty when it has none.
    pub(super) name: &'a str,
}

impl Container<'_> {
    /// Whether it runs as long as the pod does.
    pub(super) fn long_running(&self) -> bool {
        matches!(self.role, Role::Main | Role::Sidecar)
    }
}

/// The pod that a workload makes, or a Pod itself.
#[derive(Clone, Debug)]
pub(super) struct Pod<'a> {
    /// The workload.
    pub(super) object: &'a Object,
    /// The pod's spec.
    pub(super) spec: Field<'a>,
    /// The pod's labels.
    pub(super) labels: Labels<'a>,
    /// All its containers, init containers first.
    pub(super) containers: Vec<Container<'a>>,
}

impl<'a> Pod<'a> {
    /// The workload's kind.
    pub(super) fn kind(&self) -> &'a str {
        &self.object.id.kind
    }

    /// Whether the workload is of one of these kinds.
    pub(super) fn is(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind())
    }

    /// How many pods the workload asks for; 1 when it does not say.
    pub(super) fn replicas(&self) -> i64 {
        Field::root(self.object).int("spec.replicas").unwrap_or(1)
    }

    /// All declared ports.
    pub(super) fn ports(&self) -> Vec<Field<'a>> {
        self.containers.iter().filter(|c| c.long_running()).flat_map(|c| c.field.items("ports")).collect()
    }
}

/// What every rule is given.
pub(super) struct Context<'a> {
    /// What is judged.
    pub(super) input: &'a Input<'a>,
    index: Arc<Index<'a>>,
    rule: (&'static str, Severity),
    found: RefCell<Vec<Diagnostic>>,
}

/// The objects as rules look them up, made once for all rules.
pub(super) struct Index<'a> {
    pods: Vec<Pod<'a>>,
    /// The places of the pods of each namespace.
    pods_in: BTreeMap<&'a str, Vec<usize>>,
    by_name: BTreeMap<(&'a str, &'a str, &'a str), &'a Object>,
    /// The objects of each kind with their places in the set: rules ask for kinds again and again.
    by_kind: BTreeMap<&'a str, Vec<(usize, &'a Object)>>,
    reads: OnceLock<Reads>,
    /// The Services with a selector, and what they select.
    services: OnceLock<Vec<(Field<'a>, Labels<'a>)>>,
    /// The autoscalers by the namespace and name of what they scale.
    scalers: OnceLock<BTreeMap<(&'a str, String), Vec<Field<'a>>>>,
    /// The disruption budgets with a selector.
    budgets: OnceLock<Vec<(Field<'a>, Selector<'a>)>>,
    /// The places of the pods that each Service selects, by the Service's place in memory.
    selected: OnceLock<BTreeMap<usize, Vec<usize>>>,
}

/// The API groups of kinds whose names other groups use as well; other kinds are taken from any group.
const GROUPS: &[(&str, &[&str])] = &[
    ("Service", &[""]),
    ("Pod", &[""]),
    ("Secret", &[""]),
    ("ConfigMap", &[""]),
    ("Namespace", &[""]),
    ("Endpoints", &[""]),
    ("ServiceAccount", &[""]),
    ("PersistentVolume", &[""]),
    ("PersistentVolumeClaim", &[""]),
    ("ReplicationController", &[""]),
    ("Deployment", &["apps", "extensions"]),
    ("DaemonSet", &["apps", "extensions"]),
    ("ReplicaSet", &["apps", "extensions"]),
    ("StatefulSet", &["apps"]),
    ("Job", &["batch"]),
    ("CronJob", &["batch"]),
    ("Ingress", &["networking.k8s.io", "extensions"]),
    ("NetworkPolicy", &["networking.k8s.io", "extensions"]),
    ("Role", &["rbac.authorization.k8s.io"]),
    ("ClusterRole", &["rbac.authorization.k8s.io"]),
    ("RoleBinding", &["rbac.authorization.k8s.io"]),
    ("ClusterRoleBinding", &["rbac.authorization.k8s.io"]),
];

/// Kinds that live in no namespace.
pub(super) const CLUSTER_SCOPED: &[&str] = &[
    "Namespace",
    "Node",
    "PersistentVolume",
    "StorageClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "PriorityClass",
    "IngressClass",
    "RuntimeClass",
    "APIService",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "CSIDriver",
    "CSINode",
    "VolumeAttachment",
    "CertificateSigningRequest",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "PodSecurityPolicy",
    "SecurityContextConstraints",
    "ClusterIssuer",
    "GatewayClass",
    "ComponentStatus",
    "ClusterPolicy",
];

/// Whether a text is anywhere in a value.
fn mentions(value: &serde_json::Value, text: &str, depth: usize) -> bool {
    match value {
        serde_json::Value::String(found) => found == text,
        serde_json::Value::Array(items) if depth < 64 => items.iter().any(|v| mentions(v, text, depth + 1)),
        serde_json::Value::Object(map) if depth < 64 => map.values().any(|v| mentions(v, text, depth + 1)),
        _ => false,
    }
}

/// Whether a name stands in a text by itself and not as a part of a longer one.
fn has_word(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    text.match_indices(name).any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

/// The API group of an object; empty for the core group.
pub(super) fn group(object: &Object) -> &str {
    object.id.api_version.split_once('/').map_or("", |(g, _)| g)
}

/// Whether an object is of this kind and of the group that the kind is known from.
pub(super) fn is_kind(object: &Object, kind: &str) -> bool {
    let known = GROUPS.iter().find(|(k, _)| *k == kind);
    object.id.kind == kind && known.is_none_or(|(_, groups)| groups.contains(&group(object)))
}

/// The object's namespace; objects that name none land in the one of the release, here called `default`.
pub(super) fn namespace(object: &Object) -> &str {
    if object.id.namespace.is_empty() { "default" } else { &object.id.namespace }
}

/// Whether objects of this kind make pods or are some.
pub(super) fn template_kind(kind: &str) -> bool {
    matches!(kind, "Pod" | "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "Job" | "CronJob" | "ReplicationController")
}

/// The path of the pod (metadata and spec) in a workload.
pub(super) fn template_path(object: &Object) -> Option<&'static str> {
    Some(match object.id.kind.as_str() {
        "Pod" if is_kind(object, "Pod") => "",
        "CronJob" if is_kind(object, "CronJob") => "spec.jobTemplate.spec.template",
        "PodTemplate" => "template",
        kind @ ("Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "Job" | "ReplicationController") if is_kind(object, kind) => {
            "spec.template"
        }
        "Rollout" if group(object) == "argoproj.io" => "spec.template",
        "DeploymentConfig" => "spec.template",
        _ => return None,
    })
}

/// What tells objects of the set apart, even such as have one name.
fn address(object: &Object) -> usize {
    std::ptr::from_ref(object).addr()
}

/// The pod of a workload.
pub(super) fn pod(object: &Object) -> Option<Pod<'_>> {
    let root = Field::root(object);
    let path = template_path(object)?;
    let template = if path.is_empty() { root } else { root.get(path)? };
    let spec = template.get("spec")?;
    let mut containers = Vec::new();
    for (list, role) in [("initContainers", Role::Init), ("containers", Role::Main), ("ephemeralContainers", Role::Ephemeral)] {
        for field in spec.items(list) {
            let sidecar = role == Role::Init && field.text("restartPolicy") == Some("Always");
            let name = field.text("name").unwrap_or("");
            containers.push(Container { role: if sidecar { Role::Sidecar } else { role }, name, field });
        }
    }
    Some(Pod { object, labels: labels::labels(&template, "metadata.labels"), spec, containers })
}

impl<'a> Index<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let pods: Vec<Pod> = input.objects.iter().filter_map(pod).collect();
        let mut pods_in: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        pods.iter().enumerate().for_each(|(i, pod)| pods_in.entry(namespace(pod.object)).or_default().push(i));
        let mut by_name = BTreeMap::new();
        let mut by_kind: BTreeMap<&str, Vec<(usize, &Object)>> = BTreeMap::new();
        for (place, object) in input.objects.iter().enumerate() {
            let id = &object.id;
            by_kind.entry(id.kind.as_str()).or_default().push((place, object));
            by_name.entry((id.kind.as_str(), namespace(object), id.name.as_str())).or_insert(object);
        }
        Self {
            pods,
            pods_in,
            by_name,
            by_kind,
            reads: OnceLock::new(),
            services: OnceLock::new(),
            scalers: OnceLock::new(),
            budgets: OnceLock::new(),
            selected: OnceLock::new(),
        }
    }
}

impl<'a> Context<'a> {
    /// What one rule is given, with the severity of its findings.
    pub(super) fn new(input: &'a Input<'a>, index: Arc<Index<'a>>, rule: (&'static str, Severity)) -> Self {
        Self { input, index, rule, found: RefCell::default() }
    }

    /// What the rule found.
    pub(super) fn take(&self) -> Vec<Diagnostic> {
        self.found.take()
    }

    /// All objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = Field<'a>> {
        self.input.objects.iter().map(Field::root)
    }

    /// The objects of a kind with their places, in order.
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = (usize, &'a Object)> {
        let known = self.index.by_kind.get(kind).map_or(&[][..], Vec::as_slice);
        let kind = kind.to_owned();
        known.iter().copied().filter(move |(_, object)| is_kind(object, &kind))
    }

    /// All objects of a kind.
    pub(super) fn all(&self, kind: &str) -> Vec<Field<'a>> {
        self.of_kind(kind).map(|(_, object)| Field::root(object)).collect()
    }

    /// All objects of several kinds.
    pub(super) fn of(&self, kinds: &[&str]) -> Vec<Field<'a>> {
        let mut found: Vec<(usize, &'a Object)> = kinds.iter().flat_map(|kind| self.of_kind(kind)).collect();
        found.sort_unstable_by_key(|(place, _)| *place);
        found.dedup_by_key(|(place, _)| *place);
        found.into_iter().map(|(_, object)| Field::root(object)).collect()
    }

    /// The object of this kind and name in the namespace of `from`.
    pub(super) fn find(&self, kind: &str, from: &Object, name: &str) -> Option<Field<'a>> {
        self.find_in(kind, namespace(from), name)
    }

    /// The object of this kind and name in a namespace.
    pub(super) fn find_in(&self, kind: &str, namespace: &str, name: &str) -> Option<Field<'a>> {
        let key = (kind, namespace, name);
        self.index.by_name.get(&key).copied().filter(|o| is_kind(o, kind)).map(Field::root)
    }

    /// The object of this kind and name, wherever it is.
    pub(super) fn find_anywhere(&self, kind: &str, name: &str) -> Option<Field<'a>> {
        self.of_kind(kind).find(|(_, object)| object.id.name == name).map(|(_, object)| Field::root(object))
    }

    /// Whether a namespace has this Service. Objects without a namespace may end up in any.
    pub(super) fn has_service(&self, namespace: &str, name: &str) -> bool {
        self.all("Service")
            .iter()
            .any(|s| s.object.id.name == name && (s.object.id.namespace.is_empty() || s.object.id.namespace == namespace))
    }

    /// Whether an operator makes a Secret of this name from an object of the set.
    pub(super) fn makes_secret(&self, name: &str) -> bool {
        let kinds = ["ExternalSecret", "SealedSecret", "Certificate", "PushSecret", "VaultStaticSecret"];
        let named = self
            .of(&kinds)
            .iter()
            .any(|o| o.object.id.name == name || o.text("spec.target.name") == Some(name) || o.text("spec.secretName") == Some(name));
        named || self.made_by_operator(name) || self.made_by_pod(name)
    }

    /// Whether a custom resource names it, or has a name that it begins with: operators make `<cluster>-app`.
    pub(super) fn made_by_operator(&self, name: &str) -> bool {
        let custom = |o: &&Object| group(o).contains('.') && !group(o).ends_with(".k8s.io");
        self.input.objects.iter().filter(custom).any(|o| {
            let below = !o.id.name.is_empty() && name.strip_prefix(o.id.name.as_str()).is_some_and(|rest| rest.starts_with('-'));
            below || o.value.get("spec").is_some_and(|spec| mentions(spec, name, 0))
        })
    }

    /// Whether a container is told its name: a Job that makes certificates is.
    fn made_by_pod(&self, name: &str) -> bool {
        self.containers().any(|(_, container)| {
            let told = ["command", "args"].iter().flat_map(|list| container.field.items(list));
            told.filter_map(|word| word.str()).any(|word| has_word(word, name))
        })
    }

    /// The first volume of a pod whose claim only one node at a time can mount, with the claim's name.
    pub(super) fn single_node_claim(&self, pod: &Pod<'a>) -> Option<(Field<'a>, &'a str)> {
        pod.spec.items("volumes").into_iter().find_map(|volume| {
            let name = volume.text("persistentVolumeClaim.claimName")?;
            let claim = self.find("PersistentVolumeClaim", pod.object, name)?;
            let modes = claim.items("spec.accessModes");
            let single = |m: &Field| matches!(m.str(), Some("ReadWriteOnce" | "ReadWriteOncePod"));
            (!modes.is_empty() && modes.iter().all(single)).then_some((volume, name))
        })
    }

    /// Whether the objects of a kind live in namespaces; kinds that are not of Kubernetes count as such.
    pub(super) fn namespaced(&self, object: &Object) -> bool {
        !CLUSTER_SCOPED.contains(&object.id.kind.as_str()) && !object.id.kind.is_empty()
    }

    /// The names of all objects of a kind in the namespace of `from`.
    pub(super) fn names(&self, kind: &str, from: &Object) -> Vec<&'a str> {
        let same = self.of_kind(kind).filter(|(_, object)| namespace(object) == namespace(from));
        same.map(|(_, object)| object.id.name.as_str()).collect()
    }

    /// The pods of all workloads.
    pub(super) fn pods(&self) -> &[Pod<'a>] {
        &self.index.pods
    }

    /// The pods of all workloads in the namespace of `from`.
    pub(super) fn pods_beside(&self, from: &Object) -> Vec<&Pod<'a>> {
        self.index.pods_in.get(namespace(from)).into_iter().flatten().map(|i| &self.index.pods[*i]).collect()
    }

    /// All containers with their pods.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&Pod<'a>, &Container<'a>)> {
        self.index.pods.iter().flat_map(|p| p.containers.iter().map(move |c| (p, c)))
    }

    /// The Services that select a pod.
    pub(super) fn services_of(&self, pod: &Pod) -> Vec<Field<'a>> {
        let services = self.index.services.get_or_init(|| {
            let all = self.all("Service").into_iter().map(|s| (labels::labels(&s, "spec.selector"), s));
            all.filter(|(wanted, _)| !wanted.is_empty()).map(|(wanted, s)| (s, wanted)).collect()
        });
        let here = namespace(pod.object);
        let selects = |s: &&(Field, Labels)| namespace(s.0.object) == here && labels::subset(&s.1, &pod.labels);
        services.iter().filter(selects).map(|(s, _)| *s).collect()
    }

    /// The pods a Service selects.
    pub(super) fn selected_by(&self, service: &Field) -> Vec<&Pod<'a>> {
        let selected = self.index.selected.get_or_init(|| {
            let places = |object: &Object| self.index.pods_in.get(namespace(object)).map_or(&[][..], Vec::as_slice);
            let of = |s: &Field<'a>| {
                let wanted = labels::labels(s, "spec.selector");
                let found = |i: &&usize| !wanted.is_empty() && labels::subset(&wanted, &self.index.pods[**i].labels);
                places(s.object).iter().filter(found).copied().collect()
            };
            self.all("Service").iter().map(|s| (address(s.object), of(s))).collect()
        });
        selected.get(&address(service.object)).into_iter().flatten().map(|i| &self.index.pods[*i]).collect()
    }

    /// The workload's autoscaler.
    pub(super) fn autoscaler(&self, object: &Object) -> Option<Field<'a>> {
        let scalers = self.index.scalers.get_or_init(|| {
            let mut out: BTreeMap<(&str, String), Vec<Field>> = BTreeMap::new();
            for scaler in self.of(&["HorizontalPodAutoscaler", "ScaledObject"]) {
                let name = scaler.text("spec.scaleTargetRef.name").unwrap_or("").to_owned();
                out.entry((namespace(scaler.object), name)).or_default().push(scaler);
            }
            out
        });
        let of_name = scalers.get(&(namespace(object), object.id.name.clone()))?;
        of_name.iter().find(|h| h.text("spec.scaleTargetRef.kind") == Some(&object.id.kind)).copied()
    }

    /// The disruption budgets that select a pod.
    pub(super) fn budgets_of(&self, pod: &Pod) -> Vec<Field<'a>> {
        let budgets = self.index.budgets.get_or_init(|| {
            let all = self.all("PodDisruptionBudget").into_iter();
            all.filter_map(|b| Some((b, Selector::of(&b.get("spec.selector")?)))).collect()
        });
        let here = namespace(pod.object);
        budgets.iter().filter(|(b, selector)| namespace(b.object) == here && selector.matches(&pod.labels)).map(|(b, _)| *b).collect()
    }

    /// The chart itself, when the objects come from one.
    pub(super) fn chart(&self) -> Option<&'a ChartSource> {
        self.input.chart
    }

    /// Which values the chart's templates read; worked out once.
    pub(super) fn reads(&self) -> Option<&Reads> {
        let chart = self.chart()?;
        Some(self.index.reads.get_or_init(|| values::reads(chart, self.input.sources)))
    }

    /// The default of a value: what `values.yaml` of the chart says, or that of the chart below it that the path is of.
    pub(super) fn default_of(&self, path: &[String]) -> Option<&'a serde_json::Value> {
        let chart = self.chart()?;
        let of = |chart: &'a ChartSource, path: &[String]| {
            let object = chart.values.as_ref()?.object.as_ref()?;
            path.iter().try_fold(&object.value, |value, name| value.get(name))
        };
        of(chart, path).or_else(|| {
            let (first, rest) = path.split_first()?;
            of(chart.called(first)?, rest)
        })
    }

    /// The actions of templates that wrote a field.
    pub(super) fn actions_of(&self, field: &Field) -> Vec<&'a str> {
        let span = field.object.span(&field.path());
        let Some(map) = &self.input.sources.get(span.file).map else { return Vec::new() };
        map.within(span.range()).iter().filter(|s| s.action).map(|s| self.input.sources.slice(s.template)).collect()
    }

    /// The chart's `Chart.yaml`, when there is one that can be read.
    pub(super) fn about(&self) -> Option<Field<'a>> {
        self.chart()?.about().map(Field::root)
    }

    /// Whether an object is a hook of Helm.
    pub(super) fn is_hook(&self, object: &Object) -> bool {
        hooks::is_hook(object)
    }

    /// A setting of the rule that runs; empty when the user gave none.
    pub(super) fn param(&self, name: &str) -> &'a [String] {
        self.input.options.params.get(&format!("{}.{name}", self.rule.0)).map_or(&[], Vec::as_slice)
    }

    /// The Kubernetes minor version the set is meant for.
    pub(super) fn minor(&self) -> u32 {
        self.input.options.minor.unwrap_or(36)
    }

    /// A finding at a place of an object.
    pub(super) fn report<'p>(&self, place: impl Into<Place<'p>>, message: impl Into<String>, help: impl Into<String>) {
        self.report_as(self.rule.1, place, message, help);
    }

    /// A finding at a place of an object that may be less bad than the rule's others.
    pub(super) fn report_as<'p>(&self, most: Severity, place: impl Into<Place<'p>>, message: impl Into<String>, help: impl Into<String>) {
        let place: Place = place.into();
        let (id, severity) = self.rule;
        let severity = severity.min(most);
        if hooks::spared(id, place.object) {
            return;
        }
        let known = |name: &str| assume::exists(&self.input.options.assume, id, namespace(place.object), name);
        if !self.input.options.assume.is_empty() && place.value().and_then(|v| v.as_str()).is_some_and(known) {
            return;
        }
        let finding = Diagnostic::new(id, severity, message).at(place.span()).on(place.object.id.clone(), place.spelled()).help(help);
        self.found.borrow_mut().push(finding);
    }

    /// A finding about a file of the chart that is absent or has no text; shown at the start of `Chart.yaml`.
    pub(super) fn report_file(&self, chart: &ChartSource, name: &str, message: impl Into<String>, help: impl Into<String>) {
        let (id, severity) = self.rule;
        let mut finding = Diagnostic::new(id, severity, message).help(help);
        finding.span = chart.start();
        name.clone_into(&mut finding.field);
        self.found.borrow_mut().push(finding);
    }

    /// A finding at a place of a text.
    pub(super) fn report_span(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let (id, severity) = self.rule;
        self.found.borrow_mut().push(Diagnostic::new(id, severity, message).at(span).help(help));
    }
}
