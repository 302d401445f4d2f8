//! Pods and their templates. upstream: pkg/apis/core/validation

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::ip;
use super::super::names;
use super::super::quantity;
use super::super::resource_sums;
use super::container::{self, only_for_pod};
use super::resources::{self, Holder, amount, amount_of};
use super::{Errors, NOTHING, Raw, entries, flag, get, int, json, list, meta, part, placement, security, text, texts, volume};

/// What the parts of a pod need to know of each other.
pub(super) struct Pod<'a> {
    pub(super) spec: &'a Value,
    /// The volumes that are themselves in order.
    pub(super) volumes: BTreeMap<&'a str, &'a Value>,
    /// The names of the resource claims.
    pub(super) claims: BTreeSet<&'a str>,
    /// How long the pod may take to end.
    pub(super) grace: Option<i64>,
    /// Whether users of the pod are users of the host.
    pub(super) host_users: bool,
}

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Visits all containers. upstream: VisitContainersWithPath
pub(super) fn each_container(spec: &Value, at: &At<'_>, mut visit: impl FnMut(&Value, &At<'_>)) {
    for key in LISTS {
        for (i, container) in list(spec, key).iter().enumerate() {
            visit(container, &at.item(key, i));
        }
    }
}

/// upstream: ValidatePodCreate
pub(super) fn pod(errors: &mut Errors, object: &Value) {
    at_any_time(errors, object);
    let (of, spec) = (part(object, "metadata"), part(object, "spec"));
    let at = At::new("spec");
    if !list(spec, "ephemeralContainers").is_empty() {
        errors.forbidden(&at.child("ephemeralContainers"), "cannot be set on create");
    }
    if !text(spec, "nodeName").is_empty() && !list(spec, "schedulingGates").is_empty() {
        errors.forbidden(&at.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
    security::annotations_match(errors, of, spec, &at);
}

/// What holds for new pods and for those that replace others. upstream: validatePodMetadataAndSpec
pub(super) fn at_any_time(errors: &mut Errors, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let (of, spec) = (part(object, "metadata"), part(object, "spec"));
    let at = At::new("spec");
    specific_annotations(errors, of, spec, &At::new("metadata.annotations"));
    pod_spec(errors, spec, Some(of), &at);
    volume::tokens_without_account(errors, spec, &at);
    for key in ["containers", "initContainers"] {
        for (i, container) in list(spec, key).iter().enumerate() {
            only_for_pod(errors, container, &at.item(key, i));
        }
    }
}

/// upstream: ValidatePodTemplateSpec
pub(super) fn template(errors: &mut Errors, template: &Value, at: &At<'_>) {
    let (of, spec) = (part(template, "metadata"), part(template, "spec"));
    meta::labels(errors, of, "labels", &at.child("labels"));
    meta::annotations(errors, of, &at.child("annotations"));
    specific_annotations(errors, of, spec, &at.child("annotations"));
    pod_spec(errors, spec, None, &at.child("spec"));
    security::annotations_match(errors, of, spec, &at.child("spec"));
    if !list(spec, "ephemeralContainers").is_empty() {
        errors.forbidden(&at.child("spec.ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// upstream: ValidatePodSpecificAnnotations
pub(super) fn specific_annotations(errors: &mut Errors, of: &Value, spec: &Value, at: &At<'_>) {
    let annotation = |key: &str| get(of, "annotations").and_then(|a| a.get(key)).and_then(Value::as_str);
    let mirror = "kubernetes.io/config.mirror";
    if let Some(value) = annotation(mirror)
        && text(spec, "nodeName").is_empty()
    {
        errors.invalid(&at.key(mirror), value, "must set spec.nodeName if mirror pod annotation is set");
    }
    let old = "scheduler.alpha.kubernetes.io/tolerations";
    if let Some(value) = annotation(old).filter(|v| !v.is_empty())
        && let Ok(Value::Array(all)) = serde_json::from_str::<Value>(value)
    {
        let mut place = super::super::field::Place::path(at);
        place.0.push(super::super::field::Step::Field(old.to_owned()));
        let mut found = Errors::default();
        placement::tolerations(&mut found, &all, &At::root());
        errors.graft(&place, found);
    }
    let cost = "controller.kubernetes.io/pod-deletion-cost";
    if let Some(value) = annotation(cost) {
        // A sign or zeros in front are not how such a number is written.
        let digits = value.strip_prefix('-').unwrap_or(value);
        let written = value == "0" || !digits.starts_with(['0', '+', '-']) && digits.bytes().all(|b| b.is_ascii_digit());
        if !written || value.parse::<i32>().is_err() {
            errors.invalid(&at.key(cost), value, "must be a 32bit integer");
        }
    }
    security::profile_annotations(errors, of, spec, at);
}

/// upstream: ValidatePodSpec; `of` is the metadata when it is a pod's own.
fn pod_spec(errors: &mut Errors, spec: &Value, of: Option<&Value>, at: &At<'_>) {
    if get(spec, "terminationGracePeriodSeconds").is_none() {
        errors.required(&at.child("terminationGracePeriodSeconds"), "");
    }
    let volumes = volume::volumes(errors, list(spec, "volumes"), of, &at.child("volumes"));
    let claims = list(spec, "resourceClaims").iter().map(|c| text(c, "name")).filter(|n| !n.is_empty()).collect();
    let host_users = get(spec, "hostUsers").and_then(Value::as_bool).unwrap_or(true);
    let pod = Pod { spec, volumes, claims, grace: int(spec, "terminationGracePeriodSeconds"), host_users };
    resource_claims(errors, spec, of, &at.child("resourceClaims"));
    container::containers(errors, &pod, &at.child("containers"));
    container::init_containers(errors, &pod, &at.child("initContainers"));
    container::ephemeral_containers(errors, &pod, &at.child("ephemeralContainers"));
    pod_resources(errors, &pod, &at.child("resources"));
    host_network(errors, spec, of.is_some(), at);
    match text(spec, "restartPolicy") {
        "Always" | "OnFailure" | "Never" => {}
        other => errors.unsupported_json(&at.child("restartPolicy"), other, &["Always", "OnFailure", "Never"]),
    }
    let policy = text(spec, "dnsPolicy");
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    if !policies.contains(&policy) {
        errors.unsupported_json(&at.child("dnsPolicy"), policy, &policies);
    }
    meta::labels(errors, spec, "nodeSelector", &at.child("nodeSelector"));
    security::pod_context(errors, spec, &at.child("securityContext"));
    placement::affinity(errors, spec, &at.child("affinity"));
    dns(errors, spec, policy, &at.child("dnsConfig"));
    for (i, gate) in list(spec, "readinessGates").iter().enumerate() {
        let kind = text(gate, "conditionType");
        errors.invalid_text(&at.item("readinessGates", i).child("conditionType"), kind, names::qualified_name(kind));
    }
    let mut seen = BTreeSet::new();
    for (i, gate) in list(spec, "schedulingGates").iter().enumerate() {
        let name = text(gate, "name");
        errors.invalid_text(&at.item("schedulingGates", i), name, names::qualified_name(name));
        if !seen.insert(name) {
            errors.duplicate(&at.item("schedulingGates", i), name);
        }
    }
    placement::topology_spread(errors, spec, &at.child("topologySpreadConstraints"));
    security::host_process(errors, spec, at);
    user_namespace(errors, &pod, at);
    names_of_pod(errors, spec, at);
    placement::tolerations(errors, list(spec, "tolerations"), &at.child("tolerations"));
    for (i, alias) in list(spec, "hostAliases").iter().enumerate() {
        let at = at.item("hostAliases", i);
        let address = text(alias, "ip");
        errors.invalid_text(&at.child("ip"), address, ip::legacy_ip(address));
        for (j, name) in texts(alias, "hostnames").enumerate() {
            errors.invalid_text(&at.item("hostnames", j), name, names::dns1123_subdomain(name));
        }
    }
    for field in ["priorityClassName", "runtimeClassName"] {
        if let Some(name) = get(spec, field).and_then(Value::as_str)
            && (field == "runtimeClassName" || !name.is_empty())
        {
            errors.invalid_text(&at.child(field), name, names::dns1123_subdomain(name));
        }
    }
    match get(spec, "preemptionPolicy").and_then(Value::as_str) {
        None | Some("PreemptLowerPriority" | "Never") => {}
        Some("") => errors.required(&at.child("preemptionPolicy"), ""),
        Some(other) => errors.unsupported_json(&at.child("preemptionPolicy"), other, &["PreemptLowerPriority", "Never"]),
    }
    if let Some(overhead) = get(spec, "overhead") {
        self::overhead(errors, overhead, &at.child("overhead"));
    }
    security::operating_system(errors, spec, at);
    files_of_variables(errors, spec, at);
}

/// upstream: validateOverhead
pub(super) fn overhead(errors: &mut Errors, limits: &Value, at: &At<'_>) {
    let as_limits = serde_json::json!({ "limits": limits });
    resources::requirements(errors, &as_limits, Holder::Container, &BTreeSet::new(), at);
}

fn names_of_pod(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    if let Some(name) = get(spec, "hostnameOverride").and_then(Value::as_str) {
        let at = at.child("hostnameOverride");
        if flag(spec, "setHostnameAsFQDN") {
            errors.forbidden(&at, "may not be specified when setHostnameAsFQDN is true");
        }
        if flag(spec, "hostNetwork") {
            errors.forbidden(&at, "may not be specified when hostNetwork is true");
        }
        if name.len() > 64 {
            errors.too_long(&at, 64);
        }
        errors.invalid_text(&at, name, names::dns1123_subdomain(name));
    }
    let checks: [(&str, fn(&str) -> Vec<String>); 2] =
        [("serviceAccountName", names::dns1123_subdomain), ("nodeName", names::dns1123_subdomain)];
    let labels: [(&str, fn(&str) -> Vec<String>); 2] = [("hostname", names::dns1123_label), ("subdomain", names::dns1123_label)];
    let named = |errors: &mut Errors, (field, check): (&str, fn(&str) -> Vec<String>)| {
        let name = text(spec, field);
        if !name.is_empty() {
            errors.invalid_text(&at.child(field), name, check(name));
        }
    };
    checks.into_iter().for_each(|c| named(errors, c));
    if let Some(seconds) = int(spec, "activeDeadlineSeconds")
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        errors.invalid(&at.child("activeDeadlineSeconds"), seconds, "must be between 1 and 2147483647, inclusive");
    }
    labels.into_iter().for_each(|c| named(errors, c));
}

/// upstream: validatePodResourceClaims
fn resource_claims(errors: &mut Errors, spec: &Value, of: Option<&Value>, at: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, claim) in list(spec, "resourceClaims").iter().enumerate() {
        if of.is_some_and(|m| get(part(m, "annotations"), "kubernetes.io/config.mirror").is_some()) {
            errors.forbidden(&At::root(), "static pods do not support resource claims");
            continue;
        }
        let at = at.index(i);
        let name = text(claim, "name");
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else if seen.contains(name) {
            errors.duplicate(&at.child("name"), name);
        } else {
            errors.invalid_text(&at.child("name"), name, names::dns1123_label(name));
            seen.insert(name);
        }
        let (direct, template) = (get(claim, "resourceClaimName"), get(claim, "resourceClaimTemplateName"));
        let shown = || {
            let value = |v: Option<&Value>| json(v.unwrap_or(NOTHING));
            let (a, b) = (value(direct), value(template));
            Raw(format!("{{\"Name\":{},\"ResourceClaimName\":{a},\"ResourceClaimTemplateName\":{b}}}", json(&name.into())))
        };
        if direct.is_some() && template.is_some() {
            errors.invalid(&at, shown(), "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
        }
        if direct.is_none() && template.is_none() {
            errors.invalid(&at, shown(), "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
        }
        for (field, value) in [("resourceClaimName", direct), ("resourceClaimTemplateName", template)] {
            if let Some(name) = value.and_then(Value::as_str) {
                errors.invalid_text(&at.child(field), name, names::dns1123_subdomain(name));
            }
        }
    }
}

/// upstream: validatePodResources, validatePodResourceConsistency
fn pod_resources(errors: &mut Errors, pod: &Pod<'_>, at: &At<'_>) {
    let Some(resources) = get(pod.spec, "resources") else { return };
    if text(part(pod.spec, "os"), "name") == "windows" {
        return errors.forbidden(at, "may not be set for a windows pod");
    }
    if get(resources, "claims").is_some() {
        errors.forbidden(&at.child("claims"), "claims may not be set for Resources at pod-level");
    }
    self::resources::requirements(errors, resources, Holder::Pod, &pod.claims, at);
    for (name, (wanted, format)) in resource_sums::aggregate(pod.spec, "requests") {
        if let Some((shown, own)) = amount_of(resources, "requests", &name)
            && wanted > own
        {
            let detail = format!("must be greater than or equal to aggregate container requests of {}", quantity::text(wanted, format));
            errors.invalid(&at.entry("requests", &name), shown, &detail);
        }
    }
    for (name, (wanted, format)) in resource_sums::aggregate(pod.spec, "limits") {
        if let Some((shown, own)) = amount_of(resources, "limits", &name)
            && self::resources::is_huge_page(&name)
            && wanted > own
        {
            let detail = format!("must be greater than or equal to aggregate container limits of {}", quantity::text(wanted, format));
            errors.invalid(&at.entry("limits", &name), shown, &detail);
        }
    }
    for (i, container) in list(pod.spec, "containers").iter().enumerate() {
        for (name, limit) in entries(part(container, "resources"), "limits") {
            if let Some((shown, own)) = amount_of(resources, "limits", name)
                && amount(limit) > own
            {
                let at = at.item("containers", i);
                let detail = format!("must be less than or equal to pod limits of {shown}");
                errors.invalid(&at.key(name).child("limits"), limit, &detail);
            }
        }
    }
}

/// upstream: validatePodHostNetworkDeps
fn host_network(errors: &mut Errors, spec: &Value, is_pod: bool, at: &At<'_>) {
    if !flag(spec, "hostNetwork") {
        return;
    }
    for (i, container) in list(spec, "containers").iter().enumerate() {
        for (j, port) in list(container, "ports").iter().enumerate() {
            let (host, own) = (int(port, "hostPort").unwrap_or(0), int(port, "containerPort").unwrap_or(0));
            if (is_pod || host != 0) && host != own {
                let at = at.item("containers", i);
                let at = at.item("ports", j);
                errors.invalid(&at.child("hostPort"), host, "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

/// upstream: validatePodDNSConfig
fn dns(errors: &mut Errors, spec: &Value, policy: &str, at: &At<'_>) {
    let config = get(spec, "dnsConfig");
    if policy == "None" {
        let Some(config) = config else {
            return errors.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
        };
        if list(config, "nameservers").is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return errors.required(&at.child("nameservers"), detail);
        }
    }
    let Some(config) = config else { return };
    if list(config, "nameservers").len() > 3 {
        errors.invalid(&at.child("nameservers"), part(config, "nameservers"), "must not have more than 3 nameservers");
    }
    for (i, server) in texts(config, "nameservers").enumerate() {
        errors.invalid_text(&at.item("nameservers", i), server, ip::legacy_ip(server));
    }
    let searches: Vec<&str> = texts(config, "searches").collect();
    if searches.len() > 32 {
        errors.invalid(&at.child("searches"), part(config, "searches"), "must not have more than 32 search paths");
    }
    if searches.join(" ").len() > 2048 {
        let detail = "must not have more than 2048 characters (including spaces) in the search list";
        errors.invalid(&at.child("searches"), part(config, "searches"), detail);
    }
    for (i, search) in searches.iter().enumerate().filter(|(_, s)| **s != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        errors.invalid_text(&at.item("searches", i), search, names::dns1123_subdomain_with_underscore(search));
    }
    for (i, option) in list(config, "options").iter().enumerate() {
        if text(option, "name").is_empty() {
            errors.required(&at.item("options", i), "must not be empty");
        }
    }
}

/// upstream: validateHostUsers
fn user_namespace(errors: &mut Errors, pod: &Pod<'_>, at: &At<'_>) {
    if pod.host_users {
        return;
    }
    for (field, spelled) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if flag(pod.spec, field) {
            errors.forbidden(&at.child(spelled), "when `hostUsers` is false");
        }
    }
    each_container(pod.spec, at, |container, at| {
        if !list(container, "volumeDevices").is_empty() {
            errors.forbidden(&at.child("volumeDevices"), "when `hostUsers` is false");
        }
    });
}

/// upstream: validateFileKeyRefVolumes
fn files_of_variables(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let volumes: BTreeMap<&str, &Value> = list(spec, "volumes").iter().map(|v| (text(v, "name"), v)).collect();
    each_container(spec, at, |container, at| {
        for (i, variable) in list(container, "env").iter().enumerate() {
            let Some(reference) = get(part(variable, "valueFrom"), "fileKeyRef") else { continue };
            let name = text(reference, "volumeName");
            let place = at.item("env", i);
            let place = place.child("valueFrom.fileKeyRef.volumeName");
            match volumes.get(name) {
                None => errors.not_found(&place, name),
                Some(volume) if get(volume, "emptyDir").is_none() => {
                    errors.invalid(&place, name, "referenced volume must be of type emptyDir");
                }
                Some(_) => {}
            }
        }
    });
}
