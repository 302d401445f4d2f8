//! Which objects of a set name or select which others.

use std::collections::BTreeMap;

use super::context;
use super::context::Pod;
use super::field::Field;
use super::labels;
use crate::kube::Object;

/// One object names or selects another; both by their place in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Who names.
    pub from: usize,
    /// What is named.
    pub to: usize,
}

struct Index<'a> {
    objects: &'a [Object],
    names: BTreeMap<(&'a str, &'a str, &'a str), usize>,
    pods: Vec<(usize, Pod<'a>)>,
}

impl<'a> Index<'a> {
    fn find(&self, kind: &str, namespace: &str, name: Option<&str>) -> Option<usize> {
        self.names.get(&(kind, namespace, name?)).copied()
    }

    /// The workloads of a namespace whose pods pass.
    fn pods(&self, namespace: &str, passes: impl Fn(&Pod<'a>) -> bool) -> Vec<usize> {
        let here = self.pods.iter().filter(|(i, pod)| context::namespace(&self.objects[*i]) == namespace && passes(pod));
        here.map(|(i, _)| *i).collect()
    }
}

/// All references among objects, in order, each once.
pub fn references(objects: &[Object]) -> Vec<Reference> {
    let mut names = BTreeMap::new();
    for (i, object) in objects.iter().enumerate() {
        names.entry((object.id.kind.as_str(), context::namespace(object), object.id.name.as_str())).or_insert(i);
    }
    let pods = objects.iter().enumerate().filter_map(|(i, o)| Some((i, context::pod(o)?))).collect();
    let index = Index { objects, names, pods };
    let mut out = Vec::new();
    for (from, object) in objects.iter().enumerate() {
        out.extend(of(&index, object).into_iter().filter(|to| *to != from).map(|to| Reference { from, to }));
    }
    for (from, pod) in &index.pods {
        out.extend(of_pod(&index, &objects[*from], pod).into_iter().map(|to| Reference { from: *from, to }));
    }
    out.sort_unstable();
    out.dedup();
    out
}

fn of(index: &Index<'_>, object: &Object) -> Vec<usize> {
    let root = Field::root(object);
    let here = context::namespace(object);
    match object.id.kind.as_str() {
        "Service" => {
            let wanted = labels::labels(&root, "spec.selector");
            if wanted.is_empty() { Vec::new() } else { index.pods(here, |pod| labels::subset(&wanted, &pod.labels)) }
        }
        "PodDisruptionBudget" => {
            root.get("spec.selector").map_or_else(Vec::new, |s| index.pods(here, |pod| labels::matches(&s, &pod.labels)))
        }
        "NetworkPolicy" => root.get("spec.podSelector").map_or_else(Vec::new, |s| index.pods(here, |pod| labels::matches(&s, &pod.labels))),
        "Ingress" => {
            let paths = root.items("spec.rules").into_iter().flat_map(|r| r.items("http.paths"));
            let backends = paths.filter_map(|p| p.get("backend")).chain(root.get("spec.defaultBackend"));
            let mut out: Vec<usize> = backends.filter_map(|b| index.find("Service", here, b.text("service.name"))).collect();
            out.extend(root.items("spec.tls").iter().filter_map(|t| index.find("Secret", here, t.text("secretName"))));
            out
        }
        "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" | "UDPRoute" => {
            let backends = root.items("spec.rules").into_iter().flat_map(|r| r.items("backendRefs"));
            let service = |b: &Field| index.find("Service", b.text("namespace").unwrap_or(here), b.text("name"));
            let parent = |p: &Field| index.find("Gateway", p.text("namespace").unwrap_or(here), p.text("name"));
            backends.filter_map(|b| service(&b)).chain(root.items("spec.parentRefs").iter().filter_map(parent)).collect()
        }
        "HorizontalPodAutoscaler" | "ScaledObject" => {
            let kind = root.text("spec.scaleTargetRef.kind").unwrap_or("Deployment");
            index.find(kind, here, root.text("spec.scaleTargetRef.name")).into_iter().collect()
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let kind = root.text("roleRef.kind").unwrap_or("");
            let role = index.find(kind, if kind == "Role" { here } else { "default" }, root.text("roleRef.name"));
            let subject = |s: &Field| index.find(s.text("kind")?, s.text("namespace").unwrap_or(here), s.text("name"));
            role.into_iter().chain(root.items("subjects").iter().filter_map(subject)).collect()
        }
        _ => Vec::new(),
    }
}

fn of_pod(index: &Index<'_>, object: &Object, pod: &Pod<'_>) -> Vec<usize> {
    let here = context::namespace(object);
    let mut out = Vec::new();
    let mut add = |kind: &str, name: Option<&str>| out.extend(index.find(kind, here, name));
    add("ServiceAccount", pod.spec.text("serviceAccountName"));
    for volume in pod.spec.items("volumes") {
        add("ConfigMap", volume.text("configMap.name"));
        add("Secret", volume.text("secret.secretName"));
        add("PersistentVolumeClaim", volume.text("persistentVolumeClaim.claimName"));
        for source in volume.items("projected.sources") {
            add("ConfigMap", source.text("configMap.name"));
            add("Secret", source.text("secret.name"));
        }
    }
    for container in &pod.containers {
        for env in container.field.items("env") {
            add("ConfigMap", env.text("valueFrom.configMapKeyRef.name"));
            add("Secret", env.text("valueFrom.secretKeyRef.name"));
        }
        for source in container.field.items("envFrom") {
            add("ConfigMap", source.text("configMapRef.name"));
            add("Secret", source.text("secretRef.name"));
        }
    }
    for secret in pod.spec.items("imagePullSecrets") {
        add("Secret", secret.text("name"));
    }
    out
}
