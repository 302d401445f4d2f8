//! What the API server warns of when it accepts an object. upstream: pkg/api/*/warnings.go, WarningsOnCreate of the
//! strategies

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::crd_formats;
use super::decode::quote;
use super::field::{At, Path, Place};
use super::ip;
use super::names;
use super::quantity;
use super::schema;

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The server's sentence.
    pub message: String,
    /// The field it is about; empty for the whole object.
    pub path: Path,
}

#[derive(Default)]
struct Warnings(Vec<Warning>);

impl Warnings {
    /// A sentence that starts with the field.
    fn at(&mut self, at: &impl Place, text: &str) {
        let path = at.path();
        self.0.push(Warning { message: format!("{path}: {text}"), path });
    }

    /// A sentence of its own.
    fn plain(&mut self, at: &impl Place, message: String) {
        self.0.push(Warning { message, path: at.path() });
    }
}

const NOTHING: &Value = &Value::Null;

fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|v| !v.is_null())
}

fn part<'a>(value: &'a Value, key: &str) -> &'a Value {
    get(value, key).unwrap_or(NOTHING)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    part(value, key).as_str().unwrap_or("")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    part(value, key).as_array().map_or(&[], Vec::as_slice)
}

fn int(value: &Value, key: &str) -> i64 {
    part(value, key).as_i64().unwrap_or(0)
}

/// What the server says of an object it accepts; `object` has its defaults, `given` is the object as it was sent.
pub(crate) fn warnings(api_version: &str, kind: &str, object: &Value, given: &Value) -> Vec<Warning> {
    let mut out = Warnings::default();
    if let Some(message) = super::deprecation::warning(api_version, kind, schema::NEWEST_VALIDATED) {
        out.plain(&At::new("apiVersion"), message);
    }
    repeated_owners(&mut out, given);
    let (group, _) = api_version.split_once('/').unwrap_or(("", api_version));
    let spec = part(object, "spec");
    match (group, kind) {
        ("", "Pod") => {
            name_of(&mut out, object, "the Pod's hostname");
            pod(&mut out, part(object, "metadata"), spec, &At::root(), false);
        }
        ("", "PodTemplate") => template(&mut out, part(object, "template"), &At::new("template")),
        ("", "ReplicationController") | ("apps", "Deployment" | "ReplicaSet") => {
            name_of(&mut out, object, "Pod names and hostnames");
            template(&mut out, part(spec, "template"), &At::new("spec.template"));
        }
        ("apps", "DaemonSet") => template(&mut out, part(spec, "template"), &At::new("spec.template")),
        ("apps", "StatefulSet") => {
            template(&mut out, part(spec, "template"), &At::new("spec.template"));
            for (i, claim) in list(spec, "volumeClaimTemplates").iter().enumerate() {
                storage(&mut out, part(claim, "spec"), &At::new("spec").item("volumeClaimTemplates", i));
            }
            if int(spec, "revisionHistoryLimit") < 0 {
                let words = "a negative value retains all historical revisions; a value >= 0 is recommended";
                out.at(&At::new("spec.revisionHistoryLimit"), words);
            }
        }
        ("batch", "Job") => {
            name_of(&mut out, object, "Pod names and hostnames");
            job(&mut out, spec, &At::new("spec"));
        }
        ("batch", "CronJob") => {
            name_of(&mut out, object, "Pod names and hostnames");
            job(&mut out, part(part(spec, "jobTemplate"), "spec"), &At::new("spec.jobTemplate.spec"));
        }
        ("", "Service") => service(&mut out, object),
        ("", "PersistentVolume") => volume(&mut out, object),
        ("", "PersistentVolumeClaim") => {
            storage_class(&mut out, object);
            storage(&mut out, spec, &At::new("spec"));
        }
        ("", "Node") => node(&mut out, spec),
        ("", "Endpoints") => endpoints(&mut out, object),
        ("", "Secret") => tls(&mut out, object),
        ("storage.k8s.io", "CSIDriver")
            if !list(spec, "tokenRequests").is_empty() && get(spec, "serviceAccountTokenInSecrets").is_none() =>
        {
            let words = "is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes";
            out.plain(&At::new("spec.serviceAccountTokenInSecrets"), format!("spec.serviceAccountTokenInSecrets {words}"));
        }
        ("discovery.k8s.io", "EndpointSlice") if text(object, "addressType") == "FQDN" => {
            out.plain(&At::new("addressType"), "spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        ("networking.k8s.io", "Ingress") => ingress(&mut out, object),
        ("resource.k8s.io", "ResourceSlice") if text(spec, "driver") != text(spec, "driver").to_lowercase() => {
            let driver = quote(text(spec, "driver"));
            out.at(&At::new("spec.driver"), &format!("driver names should be lowercase; {driver} contains uppercase characters"));
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            for (i, version) in list(spec, "versions").iter().enumerate() {
                let schema = part(part(version, "schema"), "openAPIV3Schema");
                let at = At::new("spec");
                let at = at.item("versions", i);
                formats(&mut out, schema, &at.child("schema.openAPIV3Schema"), 0);
            }
        }
        _ => {}
    }
    out.0
}

fn repeated_owners(out: &mut Warnings, given: &Value) {
    let owners = list(part(given, "metadata"), "ownerReferences");
    let repeated: Vec<&str> = owners.iter().enumerate().filter(|(i, o)| owners[..*i].contains(o)).map(|(_, o)| text(o, "uid")).collect();
    if !repeated.is_empty() {
        let message = format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            repeated.join(",")
        );
        out.plain(&At::new("metadata.ownerReferences"), message);
    }
}

/// upstream: warningsForSecret
fn tls(out: &mut Warnings, object: &Value) {
    if text(object, "type") != "kubernetes.io/tls" {
        return;
    }
    let data = part(object, "data");
    let bytes = |key: &str| data_encoding::BASE64.decode(text(data, key).as_bytes()).unwrap_or_default();
    if !String::from_utf8_lossy(&bytes("tls.crt")).contains("-----BEGIN ") {
        out.plain(&At::new("data"), "tls: failed to find any PEM data in certificate input".to_owned());
    } else if !String::from_utf8_lossy(&bytes("tls.key")).contains("-----BEGIN ") {
        out.plain(&At::new("data"), "tls: failed to find any PEM data in key input".to_owned());
    }
}

fn ingress(out: &mut Warnings, object: &Value) {
    const CLASS: &str = "kubernetes.io/ingress.class";
    let annotations = part(part(object, "metadata"), "annotations");
    if annotations.get(CLASS).is_some() && get(part(object, "spec"), "ingressClassName").is_none() {
        let at = At::new("metadata");
        let message = format!("annotation {} is deprecated, please use 'spec.ingressClassName' instead", quote(CLASS));
        out.plain(&at.entry("annotations", CLASS), message);
    }
}

/// Formats that the server does not know. upstream: GetUnrecognizedFormats
fn formats(out: &mut Warnings, schema: &Value, at: &At<'_>, depth: usize) {
    let Some(parts) = schema.as_object().filter(|_| depth <= 100) else { return };
    for (key, value) in parts {
        match (key.as_str(), value) {
            ("format", Value::String(format)) => {
                let known = match text(schema, "type") {
                    "" | "string" => crd_formats::is_supported(format),
                    "integer" => matches!(format.as_str(), "int32" | "int64"),
                    "number" => matches!(format.as_str(), "float" | "double"),
                    _ => false,
                };
                if !format.is_empty() && !known {
                    out.plain(&at.child("format"), format!("unrecognized format {}", quote(format)));
                }
            }
            ("items" | "additionalProperties" | "not", below) => formats(out, below, &at.child(key), depth + 1),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                for (i, below) in all.iter().enumerate() {
                    formats(out, below, &at.item(key, i), depth + 1);
                }
            }
            ("properties", Value::Object(all)) => {
                for (name, below) in all {
                    formats(out, below, &at.entry("properties", name), depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn name_of(out: &mut Warnings, object: &Value, used: &str) {
    let wrong = names::dns1123_label(text(part(object, "metadata"), "name"));
    if !wrong.is_empty() {
        let words = "which can result in surprising behavior; a DNS label is recommended:";
        out.at(&At::new("metadata.name"), &format!("this is used in {used}, {words} [{}]", wrong.join(" ")));
    }
}

fn job(out: &mut Warnings, spec: &Value, at: &At<'_>) {
    if text(spec, "completionMode") == "Indexed" && int(spec, "completions") > 100_000 && int(spec, "parallelism") > 10_000 {
        out.at(at, "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail");
    }
    template(out, part(spec, "template"), &at.child("template"));
}

fn template(out: &mut Warnings, template: &Value, at: &At<'_>) {
    pod(out, part(template, "metadata"), part(template, "spec"), at, true);
}

/// Labels of nodes that have other names now.
const OLD_LABELS: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    ("failure-domain.beta.kubernetes.io/region", "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

fn old_label(key: &str) -> Option<&'static str> {
    OLD_LABELS.iter().find(|(k, _)| *k == key).map(|(_, words)| *words)
}

fn node_term(out: &mut Warnings, term: &Value, values: bool, at: &At<'_>) {
    for (i, requirement) in list(term, "matchExpressions").iter().enumerate() {
        let at = at.item("matchExpressions", i);
        let key = text(requirement, "key");
        if let Some(words) = old_label(key) {
            out.at(&at.child("key"), &format!("{key} is {words}"));
        }
        if values {
            for (j, value) in list(requirement, "values").iter().filter_map(Value::as_str).enumerate() {
                for wrong in names::label_value(value) {
                    out.at(&at.item("values", j), &format!("{value} is invalid, {wrong}"));
                }
            }
        }
    }
}

/// Volume types that are gone or going: the JSON name, the name in the warning, what became of them.
pub(super) const OLD_VOLUMES: &[(&str, &str, &str)] = &[
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

const NULL_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// upstream: warningsForPodSpecAndMeta
fn pod(out: &mut Warnings, meta: &Value, spec: &Value, at: &At<'_>, templated: bool) {
    let annotations = part(meta, "annotations");
    let at_annotations = at.child("metadata.annotations");
    let at = at.child("spec");
    for (key, _) in part(spec, "nodeSelector").as_object().into_iter().flatten() {
        if let Some(words) = old_label(key) {
            out.at(&at.entry("nodeSelector", key), words);
        }
    }
    let affinity = part(spec, "affinity");
    let node = part(affinity, "nodeAffinity");
    let (required, preferred) = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
    let at_node = at.child("affinity.nodeAffinity");
    for (i, term) in list(part(node, required), "nodeSelectorTerms").iter().enumerate() {
        node_term(out, term, false, &at_node.child(required).item("nodeSelectorTerms", i));
    }
    for (i, term) in list(node, preferred).iter().enumerate() {
        node_term(out, part(term, "preference"), true, &at_node.item(preferred, i).child("preference"));
    }
    for (i, constraint) in list(spec, "topologySpreadConstraints").iter().enumerate() {
        let at = at.item("topologySpreadConstraints", i);
        let key = text(constraint, "topologyKey");
        if let Some(words) = old_label(key) {
            out.at(&at.child("topologyKey"), &format!("{key} is {words}"));
        }
        if get(constraint, "labelSelector").is_none() {
            out.at(&at.child("labelSelector"), NULL_SELECTOR);
        }
    }
    for (key, words) in [
        ("scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead"),
        ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ] {
        if annotations.get(key).is_some() {
            out.at(&at_annotations.key(key), words);
        }
    }
    for (i, volume) in list(spec, "volumes").iter().enumerate() {
        let at = at.item("volumes", i);
        for (kind, spelled, words) in OLD_VOLUMES {
            if get(volume, kind).is_some() {
                out.at(&at.child(spelled), words);
            }
        }
        if let Some(claim) = get(part(volume, "ephemeral"), "volumeClaimTemplate") {
            storage(out, part(claim, "spec"), &at.child("ephemeral.volumeClaimTemplate.spec"));
        }
    }
    overlapping_paths(out, spec, &at);
    repeated(out, spec, &at);
    for name in ["memory", "ephemeral-storage"] {
        fractional(out, part(spec, "overhead"), name, &at.entry("overhead", name));
    }
    containers(out, annotations, spec, &at, &at_annotations, templated);
    ports(out, spec, &at);
    if int(spec, "terminationGracePeriodSeconds") < 0 {
        let words = "must be >= 0; negative values are invalid and will be treated as 1";
        out.at(&at.child("terminationGracePeriodSeconds"), words);
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let rules = part(affinity, side);
        let at = at.child("affinity");
        let at = at.child(side);
        for (i, term) in list(rules, required).iter().enumerate() {
            if get(term, "labelSelector").is_none() {
                out.at(&at.item(required, i).child("labelSelector"), NULL_SELECTOR);
            }
        }
        for (i, term) in list(rules, preferred).iter().enumerate() {
            if get(part(term, "podAffinityTerm"), "labelSelector").is_none() {
                out.at(&at.item(preferred, i).child("podAffinityTerm.labelSelector"), NULL_SELECTOR);
            }
        }
    }
    for (i, server) in list(part(spec, "dnsConfig"), "nameservers").iter().filter_map(Value::as_str).enumerate() {
        address(out, server, &at.item("dnsConfig.nameservers", i));
    }
    for (i, alias) in list(spec, "hostAliases").iter().enumerate() {
        address(out, text(alias, "ip"), &at.item("hostAliases", i).child("ip"));
    }
}

fn fractional(out: &mut Warnings, resources: &Value, name: &str, at: &At<'_>) {
    let Some(value) = get(resources, name).and_then(Value::as_str) else { return };
    if quantity::parse(value).is_ok_and(|q| q.milli_value() % 1000 != 0) {
        out.at(at, &format!("fractional byte value {} is invalid, must be an integer", quote(value)));
    }
}

fn repeated(out: &mut Warnings, spec: &Value, at: &At<'_>) {
    for (field, key, what) in [("hostAliases", "ip", "ip"), ("imagePullSecrets", "name", "name")] {
        let mut seen = BTreeSet::new();
        for (i, item) in list(spec, field).iter().enumerate() {
            let value = text(item, key);
            if !seen.insert(value) {
                out.at(&at.item(field, i).child(key), &format!("duplicate {what} {}", quote(value)));
            }
        }
    }
    for (i, _) in list(spec, "imagePullSecrets").iter().enumerate().filter(|(_, s)| text(s, "name").is_empty()) {
        out.at(&at.item("imagePullSecrets", i).child("name"), "invalid empty name \"\"");
    }
}

fn each_container(spec: &Value, at: &At<'_>, mut visit: impl FnMut(&Value, &At<'_>)) {
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        for (i, container) in list(spec, key).iter().enumerate() {
            visit(container, &at.item(key, i));
        }
    }
}

fn containers(out: &mut Warnings, annotations: &Value, spec: &Value, at: &At<'_>, at_annotations: &At<'_>, templated: bool) {
    const SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
    let of_pod = part(spec, "securityContext");
    let old = "seccomp.security.alpha.kubernetes.io/pod";
    if get(of_pod, "seccompProfile").is_none() && annotations.get(old).is_some() {
        out.at(&at_annotations.key(old), SECCOMP);
    }
    each_container(spec, at, |container, at| {
        let (name, own) = (text(container, "name"), part(container, "securityContext"));
        let key = format!("container.seccomp.security.alpha.kubernetes.io/{name}");
        if get(own, "seccompProfile").is_none() && annotations.get(&key).is_some() {
            out.at(&at_annotations.key(&key), SECCOMP);
        }
        let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
        if let Some(given) = annotations.get(&key).and_then(Value::as_str) {
            let profile = match given {
                "unconfined" => serde_json::json!({"type": "Unconfined"}),
                "runtime/default" => serde_json::json!({"type": "RuntimeDefault"}),
                _ => serde_json::json!({"type": "Localhost", "localhostProfile": given.trim_start_matches("localhost/")}),
            };
            let of_pod = get(of_pod, "appArmorProfile");
            // On a pod the annotation has become the field by now.
            let field = get(own, "appArmorProfile").filter(|f| templated || **f != profile);
            if field.is_none() && of_pod != Some(&profile) {
                out.at(&at_annotations.key(&key), "deprecated since v1.30; use the \"appArmorProfile\" field instead");
            }
        }
        for resource in ["memory", "ephemeral-storage"] {
            for side in ["limits", "requests"] {
                let resources = part(part(container, "resources"), side);
                fractional(out, resources, resource, &at.child("resources").entry(side, resource));
            }
        }
        let mut seen = BTreeSet::new();
        for (i, variable) in list(container, "env").iter().enumerate() {
            let name = text(variable, "name");
            let value = text(variable, "value");
            let own = format!("$({name})");
            let hides = get(variable, "valueFrom").is_some() || value == own || !value.contains(&own);
            if !seen.insert(name) && hides {
                let words = format!("hides previous definition of {}, which may be dropped when using apply", quote(name));
                out.at(&at.item("env", i), &words);
            }
        }
    });
}

fn ports(out: &mut Warnings, spec: &Value, at: &At<'_>) {
    let mut all: BTreeMap<(i64, String), Vec<(Path, String, i64)>> = BTreeMap::new();
    each_container(spec, at, |container, at| {
        for (i, port) in list(container, "ports").iter().enumerate() {
            let place = at.item("ports", i);
            let (ip, host, own) = (text(port, "hostIP"), int(port, "hostPort"), int(port, "containerPort"));
            let protocol = text(port, "protocol");
            if !ip.is_empty() && host == 0 {
                let name = text(port, "name");
                let shown = format!("{{Name:{name} HostPort:0 ContainerPort:{own} Protocol:{protocol} HostIP:{ip}}}");
                out.at(&place, &format!("hostIP set without hostPort: {shown}"));
            }
            let others = all.entry((own, protocol.to_owned())).or_default();
            for (other, other_ip, other_host) in others.iter() {
                let what = if ip == other_ip && host == *other_host {
                    "duplicate"
                } else if host == 0 || *other_host == 0 {
                    "overlapping"
                } else if host == *other_host && ip.is_empty() != other_ip.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                out.at(&place, &format!("{what} port definition with {other}"));
            }
            others.push((place.path(), ip.to_owned(), host));
        }
    });
    let mut named: BTreeMap<String, Path> = BTreeMap::new();
    each_container(spec, at, |container, at| {
        for (i, port) in list(container, "ports").iter().enumerate() {
            let name = text(port, "name");
            let place = at.item("ports", i);
            match named.get(name) {
                _ if name.is_empty() => {}
                Some(other) => {
                    let words = format!(
                        "duplicate port name {} with {other}, services and probes that select ports by name will use {other}",
                        quote(name)
                    );
                    out.at(&place, &words);
                }
                None => {
                    named.insert(name.to_owned(), place.path());
                }
            }
        }
    });
}

/// upstream: warningsForOverlappingVirtualPaths
fn overlapping_paths(out: &mut Warnings, spec: &Value, at: &At<'_>) {
    for (i, volume) in list(spec, "volumes").iter().enumerate() {
        let name = quote(text(volume, "name"));
        let place = at.item("volumes", i);
        let mut check = |kind: String, paths: Vec<(String, String)>| {
            let mut seen: Vec<(String, String)> = Vec::new();
            for (path, source) in paths {
                let path = path.trim_end_matches('/').to_owned();
                let shown = |p: &str, s: &str| if s.is_empty() { quote(p) } else { format!("{} ({s})", quote(p)) };
                for (other, of) in &seen {
                    let below = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
                    if *other == path || below(other, &path) || below(&path, other) {
                        let body = format!("{} with {}", shown(&path, &source), shown(other, of));
                        out.plain(&place, format!("volume {name} ({kind}): overlapping paths: {body}"));
                    }
                }
                seen.push((path, source));
            }
        };
        let items = |value: &Value, source: &str| -> Vec<(String, String)> {
            list(value, "items").iter().map(|f| (text(f, "path").to_owned(), source.to_owned())).collect()
        };
        if let Some(v) = get(volume, "configMap") {
            check(format!("ConfigMap {}", quote(text(v, "name"))), items(v, ""));
        }
        if let Some(v) = get(volume, "secret") {
            check(format!("Secret {}", quote(text(v, "secretName"))), items(v, ""));
        }
        if let Some(v) = get(volume, "downwardAPI") {
            check("DownwardAPI".to_owned(), items(v, ""));
        }
        if let Some(v) = get(volume, "projected") {
            let mut paths = Vec::new();
            let mut empty = 0;
            for source in list(v, "sources") {
                if let Some(v) = get(source, "configMap") {
                    paths.extend(items(v, &format!("ConfigMap {}", quote(text(v, "name")))));
                } else if let Some(v) = get(source, "secret") {
                    paths.extend(items(v, &format!("Secret {}", quote(text(v, "name")))));
                } else if let Some(v) = get(source, "downwardAPI") {
                    paths.extend(items(v, "DownwardAPI"));
                } else if let Some(v) = get(source, "serviceAccountToken") {
                    paths.push((text(v, "path").to_owned(), "ServiceAccountToken".to_owned()));
                } else {
                    empty += 1;
                }
            }
            check("Projected".to_owned(), paths);
            for _ in 0..empty {
                out.plain(&place, format!("volume {name} (Projected) has no sources provided"));
            }
        }
    }
}

/// upstream: GetWarningsForPersistentVolumeClaimSpec
fn storage(out: &mut Warnings, spec: &Value, at: &At<'_>) {
    for side in ["requests", "limits"] {
        fractional(out, part(part(spec, "resources"), side), "storage", &at.child("resources").entry(side, "storage"));
    }
}

const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

fn storage_class(out: &mut Warnings, object: &Value) {
    if part(part(object, "metadata"), "annotations").get(OLD_CLASS).is_some() {
        let words = "deprecated since v1.8; use \"storageClassName\" attribute instead";
        out.at(&At::new("metadata.annotations").key(OLD_CLASS), words);
    }
}

/// upstream: warningsForPersistentVolumeSpecAndMeta
fn volume(out: &mut Warnings, object: &Value) {
    let (at, spec) = (At::new("spec"), part(object, "spec"));
    storage_class(out, object);
    if text(spec, "persistentVolumeReclaimPolicy") == "Recycle" {
        let words = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.";
        out.at(&at.child("persistentVolumeReclaimPolicy"), words);
    }
    for (i, term) in list(part(part(spec, "nodeAffinity"), "required"), "nodeSelectorTerms").iter().enumerate() {
        node_term(out, term, false, &at.item("nodeAffinity.required.nodeSelectorTerms", i));
    }
    for (kind, spelled, words) in OLD_VOLUMES {
        let told = ["cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"];
        if told.contains(kind) && get(spec, kind).is_some() {
            out.at(&at.child(spelled), words);
        }
    }
}

fn node(out: &mut Warnings, spec: &Value) {
    if get(spec, "configSource").is_some() {
        out.at(&At::new("spec.configSource"), "the feature is removed");
    }
    if !text(spec, "externalID").is_empty() {
        out.at(&At::new("spec.externalID"), "this field is deprecated, and is unused by Kubernetes");
    }
    for (i, block) in list(spec, "podCIDRs").iter().filter_map(Value::as_str).enumerate() {
        block_warning(out, block, &At::new("spec").item("podCIDRs", i));
    }
}

fn endpoints(out: &mut Warnings, object: &Value) {
    let root = At::root();
    for (i, subset) in list(object, "subsets").iter().enumerate() {
        for key in ["addresses", "notReadyAddresses"] {
            for (j, address) in list(subset, key).iter().enumerate() {
                let at = root.item("subsets", i);
                self::address(out, text(address, "ip"), &at.item(key, j).child("ip"));
            }
        }
    }
}

/// upstream: GetWarningsForService
fn service(out: &mut Warnings, object: &Value) {
    let (at, spec) = (At::new("spec"), part(object, "spec"));
    let hints = "service.kubernetes.io/topology-aware-hints";
    if part(part(object, "metadata"), "annotations").get(hints).is_some() {
        let message = format!("annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead");
        out.plain(&At::new("metadata.annotations").key(hints), message);
    }
    let (kind, ip) = (text(spec, "type"), text(spec, "clusterIP"));
    if !ip.is_empty() && ip != "None" {
        for (i, address) in list(spec, "clusterIPs").iter().filter_map(Value::as_str).enumerate() {
            self::address(out, address, &at.item("clusterIPs", i));
        }
    }
    let headless = kind == "ClusterIP" && ip == "None";
    let external = !list(spec, "externalIPs").is_empty();
    let mut ignored = |field: &str, words: &str| out.plain(&at.child(field), format!("spec.{field} {words}"));
    if headless {
        if !text(spec, "loadBalancerIP").is_empty() {
            ignored("loadBalancerIP", "is ignored for headless services");
        }
        if external {
            ignored("externalIPs", "is ignored for headless services");
        }
        if text(spec, "sessionAffinity") != "None" {
            ignored("SessionAffinity", "is ignored for headless services");
        }
    }
    for (i, address) in list(spec, "externalIPs").iter().filter_map(Value::as_str).enumerate() {
        self::address(out, address, &at.item("externalIPs", i));
    }
    let mut ignored = |field: &str, words: &str| out.plain(&at.child(field), format!("spec.{field} {words}"));
    if external && !headless && kind != "ExternalName" {
        ignored("externalIPs", "is deprecated and may no longer be implemented in some clusters");
    }
    if kind == "ExternalName" && external {
        ignored("externalIPs", "is ignored when spec.type is \"ExternalName\"");
    }
    if kind != "ExternalName" && !text(spec, "externalName").is_empty() {
        ignored("externalName", "is ignored when spec.type is not \"ExternalName\"");
    }
    let balancer = text(spec, "loadBalancerIP");
    if !balancer.is_empty() {
        address(out, balancer, &at.child("loadBalancerIP"));
    }
    for (i, range) in list(spec, "loadBalancerSourceRanges").iter().filter_map(Value::as_str).enumerate() {
        block_warning(out, range, &at.item("loadBalancerSourceRanges", i));
    }
    if text(spec, "trafficDistribution") == "PreferClose" {
        out.at(&at.child("trafficDistribution"), "\"PreferClose\" is deprecated; use \"PreferSameZone\"");
    }
}

/// upstream: GetWarningsForIP
fn address(out: &mut Warnings, text: &str, at: &impl Place) {
    let Some(read) = ip::parse(text) else { return };
    let plain = match read {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(read, IpAddr::V4),
        IpAddr::V4(_) => read,
    };
    let strict = text.parse::<IpAddr>();
    if strict.is_err() || plain != read {
        out.at(at, &format!("non-standard IP address {} is invalid: use {}", quote(text), quote(&plain.to_string())));
    } else if read.is_ipv6() && read.to_string() != text {
        out.at(at, &format!("IPv6 address {} should be in RFC 5952 canonical format ({})", quote(text), quote(&read.to_string())));
    }
}

/// upstream: GetWarningsForCIDR
fn block_warning(out: &mut Warnings, text: &str, at: &impl Place) {
    let Some(block) = ip::parse_cidr(text) else { return };
    let (network, shown) = (format!("{}/{}", block.network(), block.prefix), quote(text));
    let bits = if block.address.is_ipv4() { 32 } else { 128 };
    let before = out.0.len();
    if block.network() != block.address {
        let single = format!("{}/{bits}", block.address);
        out.at(at, &format!("CIDR value {shown} is ambiguous in this context (should be {} or {}?)", quote(&network), quote(&single)));
    }
    let strict = text.split_once('/').is_some_and(|(a, p)| a.parse::<IpAddr>().is_ok() && (p == "0" || !p.starts_with('0')));
    if !strict || block.mapped {
        out.at(at, &format!("non-standard CIDR value {shown} is invalid: use {}", quote(&network)));
    }
    let canonical = format!("{}/{}", block.address, block.prefix);
    if out.0.len() == before && block.address.is_ipv6() && canonical != text {
        out.at(at, &format!("IPv6 CIDR value {shown} should be in RFC 5952 canonical format ({})", quote(&canonical)));
    }
}
