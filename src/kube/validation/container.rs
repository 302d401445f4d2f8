//! Containers: ports, environment, mounts, probes and hooks. upstream: pkg/apis/core/validation

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::field::Place;
use super::super::names;
use super::super::quantity;
use super::meta;
use super::pod::Pod;
use super::resources::{self, Holder};
use super::security;
use super::volume::{no_backsteps, relative_path};
use super::{Errors, flag, get, int, list, part, text};

pub(super) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// upstream: validateContainerCommon
fn common(errors: &mut Errors, container: &Value, pod: &Pod<'_>, at: &At<'_>) {
    let name = text(container, "name");
    if name.is_empty() {
        errors.required(&at.child("name"), "");
    } else {
        errors.invalid_text(&at.child("name"), name, names::dns1123_label(name));
    }
    if text(container, "image").is_empty() {
        errors.required(&at.child("image"), "");
    }
    match text(container, "terminationMessagePolicy") {
        "File" | "FallbackToLogsOnError" => {}
        other => errors.unsupported_json(&at.child("terminationMessagePolicy"), other, &["File", "FallbackToLogsOnError"]),
    }
    ports(errors, container, &at.child("ports"));
    environment(errors, container, &at.child("env"));
    environment_from(errors, container, &at.child("envFrom"));
    mounts(errors, container, pod, &at.child("volumeMounts"));
    devices(errors, container, pod, &at.child("volumeDevices"));
    pull_policy(errors, text(container, "imagePullPolicy"), &at.child("imagePullPolicy"));
    resources::requirements(errors, part(container, "resources"), Holder::Container, &pod.claims, &at.child("resources"));
    resize_policy(errors, container, pod, &at.child("resizePolicy"));
    security::container_context(errors, part(container, "securityContext"), pod.host_users, &at.child("securityContext"));
}

/// upstream: validatePullPolicy
pub(super) fn pull_policy(errors: &mut Errors, policy: &str, at: &At<'_>) {
    match policy {
        "Always" | "IfNotPresent" | "Never" => {}
        "" => errors.required(at, ""),
        other => errors.unsupported_json(at, other, &["Always", "IfNotPresent", "Never"]),
    }
}

/// upstream: validateContainers
pub(super) fn containers(errors: &mut Errors, pod: &Pod<'_>, at: &At<'_>) {
    let all = list(pod.spec, "containers");
    if all.is_empty() {
        return errors.required(at, "");
    }
    let mut seen = BTreeSet::new();
    for (i, container) in all.iter().enumerate() {
        let at = at.index(i);
        common(errors, container, pod, &at);
        let name = text(container, "name");
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
        hooks_and_probes(errors, container, pod, &at);
        restart_policy(errors, container, &at);
    }
    host_ports(errors, all, at);
}

/// upstream: validateInitContainers
pub(super) fn init_containers(errors: &mut Errors, pod: &Pod<'_>, at: &At<'_>) {
    let mut seen: BTreeSet<&str> = list(pod.spec, "containers").iter().map(|c| text(c, "name")).collect();
    for (i, container) in list(pod.spec, "initContainers").iter().enumerate() {
        let parent = at;
        let at = at.index(i);
        common(errors, container, pod, &at);
        if get(container, "restartPolicy").is_some() {
            restart_policy(errors, container, &at);
        } else if !list(container, "restartPolicyRules").is_empty() {
            errors.required(&at.child("restartPolicy"), "must specify restartPolicy when restart rules are used");
        }
        let name = text(container, "name");
        if seen.contains(name) {
            errors.duplicate(&at.child("name"), name);
        } else if !name.is_empty() {
            seen.insert(name);
        }
        host_ports(errors, std::slice::from_ref(container), parent);
        let sidecar = text(container, "restartPolicy") == "Always";
        if sidecar {
            hooks_and_probes(errors, container, pod, &at);
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if get(container, field).is_some() {
                    errors.forbidden(&at.child(field), "may not be set for init containers without restartPolicy=Always");
                }
            }
            for (j, policy) in list(container, "resizePolicy").iter().enumerate() {
                if text(policy, "restartPolicy") == "RestartContainer" {
                    let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                    errors.invalid(&at.item("resizePolicy", j).child("restartPolicy"), "RestartContainer", detail);
                }
            }
        }
    }
}

/// Fields that an ephemeral container may not have.
const NOT_EPHEMERAL: &[&str] = &[
    "ports",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
];

/// upstream: validateEphemeralContainers
pub(super) fn ephemeral_containers(errors: &mut Errors, pod: &Pod<'_>, at: &At<'_>) {
    let others: BTreeSet<&str> = ["containers", "initContainers"].iter().flat_map(|k| list(pod.spec, k)).map(|c| text(c, "name")).collect();
    let mut seen = others.clone();
    for (i, container) in list(pod.spec, "ephemeralContainers").iter().enumerate() {
        let at = at.index(i);
        common(errors, container, pod, &at);
        only_for_pod(errors, container, &at);
        let name = text(container, "name");
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
        let target = text(container, "targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            errors.not_found(&at.child("targetContainerName"), target);
        }
        for field in NOT_EPHEMERAL {
            let set = get(container, field).is_some_and(|v| v.as_object().is_none_or(|m| !m.is_empty() || *field != "resources"));
            if set {
                errors.forbidden(&at.child(field), "cannot be set for an Ephemeral Container");
            }
        }
        for (j, mount) in list(container, "volumeMounts").iter().enumerate() {
            for field in ["subPath", "subPathExpr"] {
                if !text(mount, field).is_empty() {
                    errors.forbidden(&at.item("volumeMounts", j).child(field), "cannot be set for an Ephemeral Container");
                }
            }
        }
    }
}

/// upstream: validateContainerOnlyForPod
pub(super) fn only_for_pod(errors: &mut Errors, container: &Value, at: &At<'_>) {
    let image = text(container, "image");
    if image.trim() != image {
        errors.invalid(&at.child("image"), image, "must not have leading or trailing whitespace");
    }
}

/// upstream: validateContainerRestartPolicy
fn restart_policy(errors: &mut Errors, container: &Value, at: &At<'_>) {
    let rules = list(container, "restartPolicyRules");
    match get(container, "restartPolicy") {
        None if rules.is_empty() => return,
        None => errors.required(&at.child("restartPolicy"), "must specify restartPolicy when restart rules are used"),
        Some(policy) => {
            let policy = policy.as_str().unwrap_or("");
            if !["Always", "Never", "OnFailure"].contains(&policy) {
                errors.unsupported_json(&at.child("restartPolicy"), policy, &["Always", "Never", "OnFailure"]);
            }
        }
    }
    if rules.len() > 20 {
        errors.too_many(&at.child("restartPolicyRules"), rules.len(), 20);
    }
    for (i, rule) in rules.iter().enumerate() {
        let at = at.item("restartPolicyRules", i);
        let action = text(rule, "action");
        if !["Restart", "RestartAllContainers"].contains(&action) {
            errors.unsupported_json(&at.child("action"), action, &["Restart", "RestartAllContainers"]);
        }
        let Some(codes) = get(rule, "exitCodes") else {
            errors.required(&at.child("exitCodes"), "must be specified");
            continue;
        };
        let at = at.child("exitCodes");
        let operator = text(codes, "operator");
        if !["In", "NotIn"].contains(&operator) {
            errors.unsupported_json(&at.child("operator"), operator, &["In", "NotIn"]);
        }
        let count = list(codes, "values").len();
        if count > 255 {
            errors.too_many(&at.child("values"), count, 255);
        }
    }
}

/// upstream: validateResizePolicy
fn resize_policy(errors: &mut Errors, container: &Value, pod: &Pod<'_>, at: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, policy) in list(container, "resizePolicy").iter().enumerate() {
        let (resource, restart) = (text(policy, "resourceName"), text(policy, "restartPolicy"));
        if !seen.insert(resource) {
            errors.duplicate(&at.index(i), resource);
        }
        match resource {
            "cpu" | "memory" => {}
            "" => errors.required(at, ""),
            other => errors.unsupported_json(at, other, &["cpu", "memory"]),
        }
        match restart {
            "NotRequired" | "RestartContainer" => {}
            "" => errors.required(at, ""),
            other => errors.unsupported_json(at, other, &["NotRequired", "RestartContainer"]),
        }
        if text(pod.spec, "restartPolicy") == "Never" && restart != "NotRequired" {
            errors.invalid(at, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
        }
    }
}

/// upstream: AccumulateUniqueHostPorts
fn host_ports(errors: &mut Errors, containers: &[Value], at: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        for (j, port) in list(container, "ports").iter().enumerate() {
            let number = int(port, "hostPort").unwrap_or(0);
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", text(port, "protocol"), text(port, "hostIP"));
            if !seen.insert(key.clone()) {
                errors.duplicate(&at.index(i).item("ports", j).child("hostPort"), key);
            }
        }
    }
}

/// upstream: validateContainerPorts
fn ports(errors: &mut Errors, container: &Value, at: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, port) in list(container, "ports").iter().enumerate() {
        let at = at.index(i);
        let name = text(port, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if wrong.is_empty() && !seen.insert(name) {
                errors.duplicate(&at.child("name"), name);
            }
            errors.invalid_text(&at.child("name"), name, wrong);
        }
        match int(port, "containerPort").unwrap_or(0) {
            0 => errors.required(&at.child("containerPort"), ""),
            number => errors.invalid_number(&at.child("containerPort"), number, names::port_number(number)),
        }
        match int(port, "hostPort").unwrap_or(0) {
            0 => {}
            number => errors.invalid_number(&at.child("hostPort"), number, names::port_number(number)),
        }
        protocol(errors, port, &at);
    }
}

/// The protocol of any port.
pub(super) fn protocol(errors: &mut Errors, port: &Value, at: &At<'_>) {
    match text(port, "protocol") {
        "" => errors.required(&at.child("protocol"), ""),
        known if PROTOCOLS.contains(&known) => {}
        other => errors.unsupported_json(&at.child("protocol"), other, PROTOCOLS),
    }
}

/// upstream: ValidateEnv
fn environment(errors: &mut Errors, container: &Value, at: &At<'_>) {
    for (i, variable) in list(container, "env").iter().enumerate() {
        let at = at.index(i);
        let name = text(variable, "name");
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else {
            errors.invalid_text(&at.child("name"), name, names::env_name(name));
        }
        if let Some(from) = get(variable, "valueFrom") {
            value_from(errors, from, text(variable, "value"), &at.child("valueFrom"));
        }
    }
}

const FIELDS_OF_ENVIRONMENT: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// upstream: validateEnvVarValueFrom
fn value_from(errors: &mut Errors, from: &Value, value: &str, at: &At<'_>) {
    let mut sources = 0;
    if let Some(reference) = get(from, "fieldRef") {
        sources += 1;
        field_reference(errors, reference, FIELDS_OF_ENVIRONMENT, &at.child("fieldRef"));
    }
    if let Some(reference) = get(from, "resourceFieldRef") {
        sources += 1;
        resource_reference(errors, reference, false, &at.child("resourceFieldRef"));
    }
    for kind in ["configMapKeyRef", "secretKeyRef"] {
        let Some(reference) = get(from, kind) else { continue };
        sources += 1;
        let at = at.child(kind);
        let (name, key) = (text(reference, "name"), text(reference, "key"));
        errors.invalid_text(&at.child("name"), name, names::dns1123_subdomain(name));
        if key.is_empty() {
            errors.required(&at.child("key"), "");
        } else {
            errors.invalid_text(&at.child("key"), key, names::config_key(key));
        }
    }
    if let Some(reference) = get(from, "fileKeyRef") {
        sources += 1;
        file_key(errors, reference, &at.child("fileKeyRef"));
    }
    if sources == 0 {
        let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        errors.invalid(at, "", detail);
    } else if !value.is_empty() {
        errors.invalid(at, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        errors.invalid(at, "", "may not have more than one field specified at a time");
    }
}

/// upstream: validateFileKeySelector
fn file_key(errors: &mut Errors, reference: &Value, at: &At<'_>) {
    let (key, volume, path) = (text(reference, "key"), text(reference, "volumeName"), text(reference, "path"));
    if key.is_empty() {
        errors.required(&at.child("key"), "");
    } else {
        errors.invalid_text(&at.child("key"), key, names::env_name(key));
    }
    if volume.is_empty() {
        errors.required(&at.child("volumeName"), "");
    } else {
        errors.invalid_text(&at.child("volumeName"), volume, names::dns1123_label(volume));
    }
    if path.is_empty() {
        errors.required(&at.child("path"), "");
    } else {
        no_backsteps(errors, path, &at.child("path"));
    }
}

/// `metadata.labels['key']` taken apart. upstream: SplitMaybeSubscriptedPath
fn subscripted(path: &str) -> Option<(&str, &str)> {
    let (head, key) = path.strip_suffix("']")?.split_once("['")?;
    (!head.is_empty()).then_some((head, key))
}

/// upstream: ConvertDownwardAPIFieldLabel
fn convert_field<'a>(version: &str, path: &'a str) -> Result<&'a str, String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    if let Some((head, _)) = subscripted(path) {
        return match head {
            "metadata.annotations" | "metadata.labels" => Ok(path),
            _ => Err(format!("field label does not support subscript: {path}")),
        };
    }
    match path {
        "spec.host" => Ok("spec.nodeName"),
        "metadata.annotations" | "metadata.labels" | "spec.restartPolicy" | "spec.schedulerName" | "status.phase" => Ok(path),
        _ if FIELDS_OF_ENVIRONMENT.contains(&path) => Ok(path),
        _ => Err(format!("field label not supported: {path}")),
    }
}

/// upstream: validateObjectFieldSelector
pub(super) fn field_reference(errors: &mut Errors, reference: &Value, known: &[&str], at: &At<'_>) {
    let (version, path) = (text(reference, "apiVersion"), text(reference, "fieldPath"));
    if version.is_empty() {
        return errors.required(&at.child("apiVersion"), "");
    }
    if path.is_empty() {
        return errors.required(&at.child("fieldPath"), "");
    }
    let inner = match convert_field(version, path) {
        Ok(inner) => inner,
        Err(why) => return errors.invalid(&at.child("fieldPath"), path, &format!("error converting fieldPath: {why}")),
    };
    match subscripted(inner) {
        Some(("metadata.annotations", key)) => errors.invalid_text(at, &key.to_lowercase(), names::qualified_name(&key.to_lowercase())),
        Some((_, key)) => meta::label_name(errors, key, at),
        None if !known.contains(&inner) => errors.unsupported(&at.child("fieldPath"), inner, known),
        None => {}
    }
}

const RESOURCE_FIELDS: &[&str] =
    &["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

/// upstream: validateContainerResourceFieldSelector, validateContainerResourceDivisor
pub(super) fn resource_reference(errors: &mut Errors, reference: &Value, in_volume: bool, at: &At<'_>) {
    let resource = text(reference, "resource");
    let huge = resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-");
    if in_volume && text(reference, "containerName").is_empty() {
        errors.required(&at.child("containerName"), "");
    } else if resource.is_empty() {
        errors.required(&at.child("resource"), "");
    } else if !RESOURCE_FIELDS.contains(&resource) && !huge {
        errors.unsupported(&at.child("resource"), resource, RESOURCE_FIELDS);
    }
    let divisor = text(reference, "divisor");
    if divisor.is_empty() || quantity::parse(divisor).is_ok_and(|q| q.nanos == 0) {
        return;
    }
    const SIZES: &[&str] = &["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let detail = |what: &str| format!("only divisor's values {} are supported with the {what} resource", SIZES.join(", "));
    let at = at.child("divisor");
    match resource.split_once('.').map_or("", |(_, name)| name) {
        _ if huge => {
            if !SIZES.contains(&divisor) {
                errors.invalid(&at, resource, &detail("hugepages"));
            }
        }
        _ if !RESOURCE_FIELDS.contains(&resource) => {}
        "cpu" => {
            if !["1m", "1"].contains(&divisor) {
                errors.invalid(&at, resource, "only divisor's values 1m and 1 are supported with the cpu resource");
            }
        }
        "memory" => {
            if !SIZES.contains(&divisor) {
                errors.invalid(&at, resource, &detail("memory"));
            }
        }
        _ => {
            if !SIZES.contains(&divisor) {
                errors.invalid(&at, resource, &detail("local ephemeral storage"));
            }
        }
    }
}

/// upstream: ValidateEnvFrom
fn environment_from(errors: &mut Errors, container: &Value, at: &At<'_>) {
    for (i, source) in list(container, "envFrom").iter().enumerate() {
        let each = at.index(i);
        let prefix = text(source, "prefix");
        if !prefix.is_empty() {
            errors.invalid_text(&each.child("prefix"), prefix, names::env_name(prefix));
        }
        let mut sources = 0;
        for kind in ["configMapRef", "secretRef"] {
            let Some(reference) = get(source, kind) else { continue };
            sources += 1;
            let at = each.child(kind);
            // A name that would be a prefix of a generated one.
            match text(reference, "name") {
                "" => errors.required(&at.child("name"), ""),
                name => errors.invalid_text(&at.child("name"), name, names::dns1123_subdomain(&masked(name))),
            }
        }
        if sources == 0 {
            errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if sources > 1 {
            errors.invalid(at, "", "may not have more than one field specified at a time");
        }
    }
}

/// upstream: maskTrailingDash
fn masked(name: &str) -> String {
    match name.strip_suffix('-') {
        Some(head) if !head.is_empty() => format!("{}a", head.char_indices().next_back().map_or("", |(i, _)| &head[..i])),
        _ => name.to_owned(),
    }
}

/// upstream: ValidateVolumeMounts
fn mounts(errors: &mut Errors, container: &Value, pod: &Pod<'_>, at: &At<'_>) {
    let devices: BTreeMap<&str, &str> = list(container, "volumeDevices").iter().map(|d| (text(d, "name"), text(d, "devicePath"))).collect();
    let mut seen = BTreeSet::new();
    for (i, mount) in list(container, "volumeMounts").iter().enumerate() {
        let each = at.index(i);
        let (name, path) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            errors.required(&each.child("name"), "");
        }
        if !pod.volumes.contains_key(name) {
            errors.not_found(&each.child("name"), name);
        }
        if path.is_empty() {
            errors.required(&each.child("mountPath"), "");
        }
        if !seen.insert(path) {
            errors.invalid(&each.child("mountPath"), path, "must be unique");
        }
        if devices.contains_key(name) {
            errors.invalid(&each.child("name"), name, "must not already exist in volumeDevices");
        }
        if devices.values().any(|p| *p == path) {
            errors.invalid(&each.child("mountPath"), path, "must not already exist as a path in volumeDevices");
        }
        let (sub, expression) = (text(mount, "subPath"), text(mount, "subPathExpr"));
        if !sub.is_empty() {
            relative_path(errors, sub, &at.child("subPath"));
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                errors.invalid(&each.child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
            }
            relative_path(errors, expression, &at.child("subPathExpr"));
        }
        propagation(errors, mount, container, at);
    }
}

/// upstream: validateMountPropagation, validateMountRecursiveReadOnly
fn propagation(errors: &mut Errors, mount: &Value, container: &Value, at: &At<'_>) {
    let modes = ["Bidirectional", "HostToContainer", "None"];
    let propagation = get(mount, "mountPropagation").and_then(Value::as_str);
    if let Some(mode) = propagation {
        let at = at.child("mountPropagation");
        if !modes.contains(&mode) {
            errors.unsupported_json(&at, mode, &modes);
        }
        if mode == "Bidirectional" && !flag(part(container, "securityContext"), "privileged") {
            errors.forbidden(&at, "Bidirectional mount propagation is available only to privileged containers");
        }
    }
    let at = at.child("recursiveReadOnly");
    match get(mount, "recursiveReadOnly").and_then(Value::as_str) {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !flag(mount, "readOnly") {
                errors.forbidden(&at, "may only be specified when readOnly is true");
            }
            if propagation.is_some_and(|p| p != "None") {
                errors.forbidden(&at, "may only be specified when mountPropagation is None or not specified");
            }
        }
        Some(other) => errors.unsupported_json(&at, other, &["Disabled", "Enabled", "IfPossible"]),
    }
}

/// upstream: ValidateVolumeDevices
fn devices(errors: &mut Errors, container: &Value, pod: &Pod<'_>, at: &At<'_>) {
    let mounts: BTreeMap<&str, &str> = list(container, "volumeMounts").iter().map(|m| (text(m, "name"), text(m, "mountPath"))).collect();
    let (mut paths, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (i, device) in list(container, "volumeDevices").iter().enumerate() {
        let at = at.index(i);
        let (name, path) = (text(device, "name"), text(device, "devicePath"));
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        }
        if seen.contains(name) {
            errors.invalid(&at.child("name"), name, "must be unique");
        }
        match pod.volumes.get(name) {
            None => errors.not_found(&at.child("name"), name),
            Some(source) if get(source, "persistentVolumeClaim").is_none() && get(source, "ephemeral").is_none() => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                errors.invalid(&at.child("name"), name, detail);
            }
            Some(_) => {}
        }
        if path.is_empty() {
            errors.required(&at.child("devicePath"), "");
        }
        if paths.contains(path) {
            errors.invalid(&at.child("devicePath"), path, "must be unique");
        }
        if path.split('/').any(|p| p == "..") {
            errors.invalid(&at.child("devicePath"), path, "can not contain backsteps ('..')");
        } else {
            paths.insert(path);
        }
        if mounts.contains_key(name) {
            errors.invalid(&at.child("name"), name, "must not already exist in volumeMounts");
        }
        if mounts.values().any(|p| *p == path) {
            errors.invalid(&at.child("devicePath"), path, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            seen.insert(name);
        }
    }
}

/// upstream: validateLifecycle, validateLivenessProbe, validateReadinessProbe, validateStartupProbe
fn hooks_and_probes(errors: &mut Errors, container: &Value, pod: &Pod<'_>, at: &At<'_>) {
    if let Some(lifecycle) = get(container, "lifecycle") {
        let at = at.child("lifecycle");
        for hook in ["postStart", "preStop"] {
            if let Some(handler) = get(lifecycle, hook) {
                self::handler(errors, handler, &["exec", "httpGet", "tcpSocket", "sleep"], pod, &at.child(hook));
            }
        }
    }
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = get(container, kind) {
            self::probe(errors, probe, kind, pod, &at.child(kind));
        }
    }
}

/// upstream: validateProbe
fn probe(errors: &mut Errors, probe: &Value, kind: &str, pod: &Pod<'_>, at: &At<'_>) {
    handler(errors, probe, &["exec", "httpGet", "tcpSocket", "grpc"], pod, at);
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        errors.nonnegative(&at.child(field), int(probe, field).unwrap_or(0));
    }
    if let Some(seconds) = int(probe, "terminationGracePeriodSeconds") {
        let at = at.child("terminationGracePeriodSeconds");
        if seconds <= 0 {
            errors.invalid(&at, seconds, "must be greater than 0");
        }
        if kind == "readinessProbe" {
            errors.invalid(&at, seconds, "must not be set for readinessProbes");
        }
    }
    let threshold = int(probe, "successThreshold").unwrap_or(0);
    if kind != "readinessProbe" && threshold != 1 {
        errors.invalid(&at.child("successThreshold"), threshold, "must be 1");
    }
}

/// upstream: validateHandler
fn handler(errors: &mut Errors, handler: &Value, kinds: &[&str], pod: &Pod<'_>, at: &At<'_>) {
    let mut found = false;
    for kind in kinds {
        let Some(action) = get(handler, kind) else { continue };
        let at = at.child(kind);
        if std::mem::replace(&mut found, true) {
            errors.forbidden(&at, "may not specify more than 1 handler type");
            continue;
        }
        match *kind {
            "exec" => {
                if list(action, "command").is_empty() {
                    errors.required(&at.child("command"), "");
                }
            }
            "httpGet" => {
                if text(action, "path").is_empty() {
                    errors.required(&at.child("path"), "");
                }
                port_or_name(errors, part(action, "port"), &at.child("port"));
                let scheme = text(action, "scheme");
                if !["HTTP", "HTTPS"].contains(&scheme) {
                    errors.unsupported_json(&at.child("scheme"), scheme, &["HTTP", "HTTPS"]);
                }
                for header in list(action, "httpHeaders") {
                    let name = text(header, "name");
                    errors.invalid_text(&at.child("httpHeaders"), name, names::http_header(name));
                }
            }
            "sleep" => {
                let seconds = int(action, "seconds").unwrap_or(0);
                if let Some(grace) = pod.grace
                    && (seconds < 0 || seconds > grace)
                {
                    let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    errors.invalid(&at, seconds, &detail);
                }
            }
            _ => port_or_name(errors, part(action, "port"), &at.child("port")),
        }
    }
    if !found {
        errors.required(at, "must specify a handler type");
    }
}

/// upstream: ValidatePortNumOrName
pub(super) fn port_or_name(errors: &mut Errors, port: &Value, at: &impl Place) {
    match port {
        Value::String(name) => errors.invalid_text(at, name, names::port_name(name)),
        other => {
            let number = other.as_i64().unwrap_or(0);
            errors.invalid_number(at, number, names::port_number(number));
        }
    }
}
