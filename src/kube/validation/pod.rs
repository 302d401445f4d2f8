//! Pods. upstream: pkg/apis/core/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::Path;
use super::super::names;
use super::super::quantity;
use super::{Errors, get, int, list, meta, text, text_or, volume};

/// upstream: ValidatePodCreate
pub(super) fn pod(errors: &mut Errors, object: &Value) {
    let inner = get(object, "spec").unwrap_or(&Value::Null);
    let path = Path::new("spec");
    spec(errors, inner, &path);
    for field in ["containers", "initContainers"] {
        for (i, container) in list(inner, field).iter().enumerate() {
            let image = text(container, "image");
            if image.trim() != image {
                let detail = "must not have leading or trailing whitespace".to_owned();
                errors.invalid_text(&path.child(field).index(i).child("image"), image, vec![detail]);
            }
        }
    }
    if !list(inner, "ephemeralContainers").is_empty() {
        errors.forbidden(&path.child("ephemeralContainers"), "cannot be set on create");
    }
}

struct Context<'a> {
    /// The names of the volumes that are valid, and whether each may be a block device.
    volumes: Vec<(&'a str, bool)>,
    claims: BTreeSet<&'a str>,
    host_network: bool,
}

fn is_true(value: &Value, key: &str) -> bool {
    get(value, key).and_then(Value::as_bool) == Some(true)
}

/// upstream: ValidatePodSpec
pub(super) fn spec(errors: &mut Errors, spec: &Value, path: &Path) {
    let volumes = volume::volumes(errors, spec, &path.child("volumes"));
    let claims = list(spec, "resourceClaims").iter().map(|c| text(c, "name")).collect();
    let context = Context { volumes, claims, host_network: is_true(spec, "hostNetwork") };
    let regular = list(spec, "containers");
    let at = path.child("containers");
    if regular.is_empty() {
        errors.required(&at, "");
    }
    let mut seen = BTreeSet::new();
    for (i, container) in regular.iter().enumerate() {
        let at = at.index(i);
        container_common(errors, container, &context, &at);
        let name = text(container, "name");
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
        lifecycle_and_probes(errors, container, &at);
    }
    host_port_conflicts(errors, regular, &context, &at);
    let at = path.child("initContainers");
    let initial = list(spec, "initContainers");
    for (i, container) in initial.iter().enumerate() {
        init_container(errors, container, &context, &mut seen, &at.index(i));
    }
    if context.host_network {
        for (field, containers) in [("containers", regular), ("initContainers", initial)] {
            for (i, container) in containers.iter().enumerate() {
                for (j, port) in list(container, "ports").iter().enumerate() {
                    let (inner, outer) = (int(port, "containerPort").unwrap_or(0), int(port, "hostPort").unwrap_or(0));
                    if outer != 0 && outer != inner {
                        let at = path.child(field).index(i).child("ports").index(j).child("hostPort");
                        let detail = "must match `containerPort` when `hostNetwork` is true".to_owned();
                        errors.invalid_number(&at, outer, vec![detail]);
                    }
                }
            }
        }
    }
    let policy = text_or(spec, "restartPolicy", "Always");
    if !["Always", "OnFailure", "Never"].contains(&policy) {
        errors.unsupported(&path.child("restartPolicy"), policy, &["Always", "OnFailure", "Never"]);
    }
    let dns = text_or(spec, "dnsPolicy", "ClusterFirst");
    let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    if !known.contains(&dns) {
        errors.unsupported(&path.child("dnsPolicy"), dns, &known);
    }
    meta::labels(errors, spec, "nodeSelector", &path.child("nodeSelector"));
    if let Some(context) = get(spec, "securityContext") {
        identity(errors, context, &path.child("securityContext"));
    }
    affinity(errors, spec, &path.child("affinity"));
    topology_spread(errors, spec, &path.child("topologySpreadConstraints"));
    for (field, check) in [
        ("serviceAccountName", names::dns1123_subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::dns1123_subdomain),
        ("hostname", names::dns1123_label),
        ("subdomain", names::dns1123_label),
        ("priorityClassName", names::dns1123_subdomain),
        ("runtimeClassName", names::dns1123_subdomain),
    ] {
        let value = text(spec, field);
        if !value.is_empty() {
            errors.invalid_text(&path.child(field), value, check(value));
        }
    }
    if let Some(deadline) = int(spec, "activeDeadlineSeconds") {
        if !(1..=i64::from(i32::MAX)).contains(&deadline) {
            let detail = "must be between 1 and 2147483647, inclusive".to_owned();
            errors.invalid_number(&path.child("activeDeadlineSeconds"), deadline, vec![detail]);
        }
    }
    tolerations(errors, spec, &path.child("tolerations"));
    for (i, alias) in list(spec, "hostAliases").iter().enumerate() {
        address(errors, text(alias, "ip"), &path.child("hostAliases").index(i).child("ip"));
    }
    if let Some(config) = get(spec, "dnsConfig") {
        for (i, server) in list(config, "nameservers").iter().filter_map(Value::as_str).enumerate() {
            address(errors, server, &path.child("dnsConfig.nameservers").index(i));
        }
    }
}

/// An address as the server has always read it, with leading zeros.
fn address(errors: &mut Errors, text: &str, path: &Path) {
    let plain: Vec<&str> = text.split('.').map(|p| if p.len() > 1 { p.trim_start_matches('0') } else { p }).collect();
    let sloppy = plain.iter().map(|p| if p.is_empty() && text.contains("00") { "0" } else { p }).collect::<Vec<_>>().join(".");
    if text.parse::<std::net::IpAddr>().is_err() && sloppy.parse::<std::net::Ipv4Addr>().is_err() {
        let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned();
        errors.invalid_text(path, text, vec![detail]);
    }
}

fn container_common(errors: &mut Errors, container: &Value, context: &Context<'_>, path: &Path) {
    let name = text(container, "name");
    if name.is_empty() {
        errors.required(&path.child("name"), "");
    } else {
        errors.invalid_text(&path.child("name"), name, names::dns1123_label(name));
    }
    let image = text(container, "image");
    if image.is_empty() {
        errors.required(&path.child("image"), "");
    }
    let policy = text_or(container, "terminationMessagePolicy", "File");
    if !["File", "FallbackToLogsOnError"].contains(&policy) {
        errors.unsupported(&path.child("terminationMessagePolicy"), policy, &["File", "FallbackToLogsOnError"]);
    }
    ports(errors, container, &path.child("ports"));
    environment(errors, container, path);
    mounts(errors, container, context, path);
    let pull = text_or(container, "imagePullPolicy", "Always");
    if !["Always", "IfNotPresent", "Never"].contains(&pull) {
        errors.unsupported(&path.child("imagePullPolicy"), pull, &["Always", "IfNotPresent", "Never"]);
    }
    resources(errors, container, context, &path.child("resources"));
    if let Some(context) = get(container, "securityContext") {
        let at = path.child("securityContext");
        identity(errors, context, &at);
        let escalation = get(context, "allowPrivilegeEscalation").and_then(Value::as_bool);
        if escalation == Some(false) {
            if is_true(context, "privileged") {
                let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
                errors.invalid_text(&at, "", vec![detail.to_owned()]);
            }
            let added = context.pointer("/capabilities/add").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if added.iter().any(|c| c.as_str() == Some("CAP_SYS_ADMIN")) {
                let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
                errors.invalid_text(&at, "", vec![detail.to_owned()]);
            }
        }
    }
}

fn identity(errors: &mut Errors, context: &Value, path: &Path) {
    for field in ["runAsUser", "runAsGroup", "fsGroup"] {
        if let Some(id) = int(context, field).filter(|id| !(0..=i64::from(i32::MAX)).contains(id)) {
            let detail = "must be between 0 and 2147483647, inclusive".to_owned();
            errors.invalid_number(&path.child(field), id, vec![detail]);
        }
    }
}

pub(super) fn protocol(errors: &mut Errors, port: &Value, path: &Path) {
    let protocol = text_or(port, "protocol", "TCP");
    if !["SCTP", "TCP", "UDP"].contains(&protocol) {
        errors.unsupported(&path.child("protocol"), protocol, &["SCTP", "TCP", "UDP"]);
    }
}

/// upstream: validateContainerPorts
fn ports(errors: &mut Errors, container: &Value, path: &Path) {
    let mut seen = BTreeSet::new();
    for (i, port) in list(container, "ports").iter().enumerate() {
        let at = path.index(i);
        let name = text(port, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if !wrong.is_empty() {
                errors.invalid_text(&at.child("name"), name, wrong);
            } else if !seen.insert(name) {
                errors.duplicate(&at.child("name"), name);
            }
        }
        match int(port, "containerPort").unwrap_or(0) {
            0 => errors.required(&at.child("containerPort"), ""),
            number => errors.invalid_number(&at.child("containerPort"), number, names::port_number(number)),
        }
        let outer = int(port, "hostPort").unwrap_or(0);
        if outer != 0 {
            errors.invalid_number(&at.child("hostPort"), outer, names::port_number(outer));
        }
        protocol(errors, port, &at);
    }
}

/// upstream: checkHostPortConflicts
fn host_port_conflicts(errors: &mut Errors, containers: &[Value], context: &Context<'_>, path: &Path) {
    let mut seen = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        for (j, port) in list(container, "ports").iter().enumerate() {
            let mut number = int(port, "hostPort").unwrap_or(0);
            if number == 0 && context.host_network {
                // Defaulting copies the container's port.
                number = int(port, "containerPort").unwrap_or(0);
            }
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", text_or(port, "protocol", "TCP"), text(port, "hostIP"));
            if !seen.insert(key.clone()) {
                errors.duplicate(&path.index(i).child("ports").index(j).child("hostPort"), &key);
            }
        }
    }
}

/// upstream: ValidateEnv, ValidateEnvFrom
fn environment(errors: &mut Errors, container: &Value, path: &Path) {
    for (i, variable) in list(container, "env").iter().enumerate() {
        let at = path.child("env").index(i);
        let name = text(variable, "name");
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else {
            errors.invalid_text(&at.child("name"), name, names::env_name(name));
        }
        let Some(from) = get(variable, "valueFrom") else { continue };
        let at = at.child("valueFrom");
        let mut sources = 0;
        for kind in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
            let Some(source) = get(from, kind) else { continue };
            sources += 1;
            let at = at.child(kind);
            if kind == "fieldRef" && text(source, "fieldPath").is_empty() {
                errors.required(&at.child("fieldPath"), "");
            }
            if kind == "configMapKeyRef" || kind == "secretKeyRef" {
                let name = text(source, "name");
                errors.invalid_text(&at.child("name"), name, names::dns1123_subdomain(name));
                let key = text(source, "key");
                if key.is_empty() {
                    errors.required(&at.child("key"), "");
                } else {
                    errors.invalid_text(&at.child("key"), key, names::config_key(key));
                }
            }
        }
        let detail = match sources {
            0 => "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            _ if !text(variable, "value").is_empty() => "may not be specified when `value` is not empty",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        errors.invalid_text(&at, "", vec![detail.to_owned()]);
    }
    for (i, source) in list(container, "envFrom").iter().enumerate() {
        let at = path.child("envFrom").index(i);
        let prefix = text(source, "prefix");
        if !prefix.is_empty() {
            errors.invalid_text(&at.child("prefix"), prefix, names::env_name(prefix));
        }
        let mut sources = 0;
        for kind in ["configMapRef", "secretRef"] {
            let Some(reference) = get(source, kind) else { continue };
            sources += 1;
            let name = text(reference, "name");
            let at = at.child(kind).child("name");
            if name.is_empty() {
                errors.required(&at, "");
            } else {
                errors.invalid_text(&at, name, names::dns1123_subdomain(name));
            }
        }
        let detail = match sources {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => "may not have more than one field specified at a time",
        };
        errors.invalid_text(&path.child("envFrom"), "", vec![detail.to_owned()]);
    }
}

/// upstream: ValidateVolumeMounts, ValidateVolumeDevices
fn mounts(errors: &mut Errors, container: &Value, context: &Context<'_>, path: &Path) {
    let mounts = list(container, "volumeMounts");
    let devices = list(container, "volumeDevices");
    let at = path.child("volumeMounts");
    let known = |name: &str| context.volumes.iter().find(|(n, _)| *n == name).map(|(_, block)| *block);
    let fault = |errors: &mut Errors, at: &Path, value: &str, detail: &str| errors.invalid_text(at, value, vec![detail.to_owned()]);
    let mut points = BTreeSet::new();
    for (i, mount) in mounts.iter().enumerate() {
        let (name, point) = (text(mount, "name"), text(mount, "mountPath"));
        let (name_at, point_at) = (at.index(i).child("name"), at.index(i).child("mountPath"));
        if name.is_empty() {
            errors.required(&name_at, "");
        }
        if known(name).is_none() {
            errors.not_found(&name_at, name);
        }
        if point.is_empty() {
            errors.required(&point_at, "");
        }
        if !points.insert(point) {
            fault(errors, &point_at, point, "must be unique");
        }
        if devices.iter().any(|d| text(d, "name") == name) {
            fault(errors, &name_at, name, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|d| text(d, "devicePath") == point) {
            fault(errors, &point_at, point, "must not already exist as a path in volumeDevices");
        }
        let (sub, expression) = (text(mount, "subPath"), text(mount, "subPathExpr"));
        if !sub.is_empty() {
            volume::descending(errors, sub, &at.child("subPath"));
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                fault(errors, &at.index(i).child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
            }
            volume::descending(errors, expression, &at.child("subPathExpr"));
        }
    }
    let at = path.child("volumeDevices");
    let (mut paths, mut named) = (BTreeSet::new(), BTreeSet::new());
    for (i, device) in devices.iter().enumerate() {
        let (name, point) = (text(device, "name"), text(device, "devicePath"));
        let (name_at, point_at) = (at.index(i).child("name"), at.index(i).child("devicePath"));
        if name.is_empty() {
            errors.required(&name_at, "");
        }
        if named.contains(name) {
            fault(errors, &name_at, name, "must be unique");
        }
        match known(name) {
            Some(false) => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                fault(errors, &name_at, name, detail);
            }
            None => errors.not_found(&name_at, name),
            Some(true) => {}
        }
        if point.is_empty() {
            errors.required(&point_at, "");
        }
        if paths.contains(point) {
            fault(errors, &point_at, point, "must be unique");
        }
        if point.split('/').any(|part| part == "..") {
            fault(errors, &point_at, point, "can not contain backsteps ('..')");
        } else {
            paths.insert(point);
        }
        if mounts.iter().any(|m| text(m, "name") == name) {
            fault(errors, &name_at, name, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|m| text(m, "mountPath") == point) {
            fault(errors, &point_at, point, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            named.insert(name);
        }
    }
}

/// upstream: ValidateContainerResourceRequirements
fn resources(errors: &mut Errors, container: &Value, context: &Context<'_>, path: &Path) {
    let Some(resources) = get(container, "resources") else { return };
    let amount = |v: &Value| {
        let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        quantity::parse(text.trim()).ok().map(|q| (text, q))
    };
    let mut sections = Vec::new();
    for section in ["limits", "requests"] {
        let entries = get(resources, section).and_then(Value::as_object).into_iter().flatten();
        let entries: Vec<_> = entries.filter_map(|(name, v)| Some((name.as_str(), amount(v)?))).collect();
        for (name, (text, quantity)) in &entries {
            let at = path.child(section).key(name);
            let wrong = names::qualified_name(name);
            let shaped = wrong.is_empty();
            errors.invalid_text(&at, name, wrong);
            let standard = matches!(*name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
            if !name.contains('/') && !standard {
                if shaped && !matches!(*name, "storage" | "pods" | "services" | "secrets" | "configmaps") {
                    let detail = "must be a standard resource type or fully qualified".to_owned();
                    errors.invalid_text(&at, name, vec![detail]);
                }
                errors.invalid_text(&at, name, vec!["must be a standard resource for containers".to_owned()]);
            }
            let extended = || !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty();
            if name.contains('/') && !name.contains("kubernetes.io/") && !extended() {
                errors.invalid_text(&at, name, vec!["doesn't follow extended resource name standard".to_owned()]);
            }
            if quantity.nanos < 0 {
                errors.invalid_text(&at, text, vec!["must be greater than or equal to 0".to_owned()]);
            }
        }
        sections.push(entries);
    }
    for (name, (text, wanted)) in &sections[1] {
        let limit = sections[0].iter().find(|(n, _)| n == name).map(|(_, q)| q);
        let overcommits = matches!(*name, "cpu" | "memory" | "ephemeral-storage");
        let at = path.child("requests");
        match limit {
            Some((shown, limit)) if wanted > limit && overcommits => {
                let detail = format!("must be less than or equal to {name} limit of {shown}");
                errors.invalid_text(&at, text, vec![detail]);
            }
            Some((shown, limit)) if wanted != limit && !overcommits => {
                errors.invalid_text(&at, text, vec![format!("must be equal to {name} limit of {shown}")]);
            }
            None if !overcommits && (name.contains('/') || name.starts_with("hugepages-")) => {
                errors.required(&path.child("limits"), "Limit must be set for non overcommitable resources");
            }
            _ => {}
        }
    }
    for (i, claim) in list(resources, "claims").iter().enumerate() {
        let name = text(claim, "name");
        let at = path.child("claims").index(i);
        if name.is_empty() {
            errors.required(&at.child("name"), "");
        } else if context.claims.is_empty() {
            let detail = "must be one of the names in pod.spec.resourceClaims which is empty";
            errors.add("FieldValueNotFound", &at, format!("Not found: {}: {detail}", super::quote(name)));
        }
    }
}

/// What a pod needs beside its containers. upstream: validateOverhead
pub(super) fn overhead(errors: &mut Errors, limits: &Value, path: &Path) {
    let context = Context { volumes: Vec::new(), claims: BTreeSet::new(), host_network: false };
    resources(errors, &serde_json::json!({"resources": {"limits": limits}}), &context, path);
}

fn lifecycle_and_probes(errors: &mut Errors, container: &Value, path: &Path) {
    if let Some(lifecycle) = get(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(handler) = get(lifecycle, hook) {
                self::handler(errors, handler, &path.child("lifecycle").child(hook));
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(value) = get(container, probe) {
            self::probe(errors, value, probe, &path.child(probe));
        }
    }
}

/// upstream: validateProbe
fn probe(errors: &mut Errors, probe: &Value, kind: &str, path: &Path) {
    handler(errors, probe, path);
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        errors.nonnegative(&path.child(field), int(probe, field).unwrap_or(0));
    }
    let grace = path.child("terminationGracePeriodSeconds");
    if let Some(seconds) = int(probe, "terminationGracePeriodSeconds") {
        if seconds <= 0 {
            errors.invalid_number(&grace, seconds, vec!["must be greater than 0".to_owned()]);
        }
        if kind == "readinessProbe" {
            errors.invalid_number(&grace, seconds, vec!["must not be set for readinessProbes".to_owned()]);
        }
    }
    let threshold = int(probe, "successThreshold").filter(|n| *n != 0).unwrap_or(1);
    if kind != "readinessProbe" && threshold != 1 {
        errors.invalid_number(&path.child("successThreshold"), threshold, vec!["must be 1".to_owned()]);
    }
}

/// upstream: validateHandler
fn handler(errors: &mut Errors, handler: &Value, path: &Path) {
    let mut count = 0;
    for kind in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let Some(action) = get(handler, kind) else { continue };
        count += 1;
        let at = path.child(kind);
        if count > 1 {
            errors.forbidden(&at, "may not specify more than 1 handler type");
            continue;
        }
        let zero = Value::from(0);
        let port = get(action, "port").unwrap_or(&zero);
        match kind {
            "exec" if list(action, "command").is_empty() => errors.required(&at.child("command"), ""),
            "httpGet" => {
                port_or_name(errors, port, &at.child("port"));
                let scheme = text_or(action, "scheme", "HTTP");
                if !["HTTP", "HTTPS"].contains(&scheme) {
                    errors.unsupported(&at.child("scheme"), scheme, &["HTTP", "HTTPS"]);
                }
            }
            "tcpSocket" | "grpc" => port_or_name(errors, port, &at.child("port")),
            _ => {}
        }
    }
    if count == 0 {
        errors.required(path, "must specify a handler type");
    }
}

/// upstream: ValidatePortNumOrName
pub(super) fn port_or_name(errors: &mut Errors, port: &Value, path: &Path) {
    match port {
        Value::String(name) => errors.invalid_text(path, name, names::port_name(name)),
        other => {
            let number = other.as_i64().unwrap_or(0);
            errors.invalid_number(path, number, names::port_number(number));
        }
    }
}

/// upstream: validateInitContainers
fn init_container<'a>(errors: &mut Errors, container: &'a Value, context: &Context<'_>, seen: &mut BTreeSet<&'a str>, path: &Path) {
    container_common(errors, container, context, path);
    let name = text(container, "name");
    if !seen.insert(name) {
        errors.duplicate(&path.child("name"), name);
    }
    if text(container, "restartPolicy") == "Always" {
        return lifecycle_and_probes(errors, container, path);
    }
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        // A stop signal alone is dropped before validation while its feature is off.
        let present = match (field, get(container, field)) {
            ("lifecycle", Some(hooks)) => get(hooks, "postStart").is_some() || get(hooks, "preStop").is_some(),
            (_, value) => value.is_some(),
        };
        if present {
            errors.forbidden(&path.child(field), "may not be set for init containers without restartPolicy=Always");
        }
    }
}

/// upstream: ValidateTolerations
pub(super) fn tolerations(errors: &mut Errors, spec: &Value, path: &Path) {
    for (i, toleration) in list(spec, "tolerations").iter().enumerate() {
        let at = path.index(i);
        let (key, value) = (text(toleration, "key"), text(toleration, "value"));
        let (operator, effect) = (text(toleration, "operator"), text(toleration, "effect"));
        if !key.is_empty() {
            errors.invalid_text(&at.child("key"), key, names::qualified_name(key));
        } else if operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"".to_owned();
            errors.invalid_text(&at.child("operator"), operator, vec![detail]);
        }
        if int(toleration, "tolerationSeconds").is_some() && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set".to_owned();
            errors.invalid_text(&at.child("effect"), effect, vec![detail]);
        }
        match operator {
            "Equal" | "" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    errors.invalid_text(&at.child("operator"), value, vec![wrong.join(";")]);
                }
            }
            "Exists" if !value.is_empty() => {
                let detail = "value must be empty when `operator` is 'Exists'".to_owned();
                errors.invalid_text(&at.child("operator"), value, vec![detail]);
            }
            "Exists" => {}
            "Lt" | "Gt" => errors.unsupported(&at.child("operator"), operator, &["Equal", "Exists", "Lt", "Gt"]),
            other => errors.unsupported(&at.child("operator"), other, &["Equal", "Exists"]),
        }
        if !["", "NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
            errors.unsupported(&at.child("effect"), effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        }
    }
}

/// upstream: validateTopologySpreadConstraints
fn topology_spread(errors: &mut Errors, spec: &Value, path: &Path) {
    let all = list(spec, "topologySpreadConstraints");
    for (i, constraint) in all.iter().enumerate() {
        let at = path.index(i);
        let skew = int(constraint, "maxSkew").unwrap_or(0);
        if skew <= 0 {
            errors.invalid_number(&at.child("maxSkew"), skew, vec!["must be greater than zero".to_owned()]);
        }
        let key = text(constraint, "topologyKey");
        if key.is_empty() {
            errors.required(&at.child("topologyKey"), "can not be empty");
        }
        let action = text(constraint, "whenUnsatisfiable");
        if !["DoNotSchedule", "ScheduleAnyway"].contains(&action) {
            errors.unsupported(&at.child("whenUnsatisfiable"), action, &["DoNotSchedule", "ScheduleAnyway"]);
        }
        let same = |c: &&Value| text(c, "topologyKey") == key && text(c, "whenUnsatisfiable") == action;
        if all[i + 1..].iter().any(|c| same(&c)) {
            errors.duplicate(&at.child("{topologyKey, whenUnsatisfiable}"), &format!("{{{key}, {action}}}"));
        }
        if let Some(selector) = get(constraint, "labelSelector") {
            meta::selector(errors, selector, &at.child("labelSelector"));
        }
    }
}

/// upstream: validateAffinity
fn affinity(errors: &mut Errors, spec: &Value, path: &Path) {
    let Some(affinity) = get(spec, "affinity") else { return };
    if let Some(node) = get(affinity, "nodeAffinity") {
        node_affinity(errors, node, &path.child("nodeAffinity"));
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let Some(rules) = get(affinity, side) else { continue };
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        for (i, term) in list(rules, required).iter().enumerate() {
            affinity_term(errors, term, &path.child(side).child(required).index(i));
        }
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
        for (i, weighted) in list(rules, preferred).iter().enumerate() {
            let at = path.child(side).child(preferred).index(i);
            let weight = int(weighted, "weight").unwrap_or(0);
            if !(1..=100).contains(&weight) {
                errors.invalid_number(&at.child("weight"), weight, vec!["must be in the range 1-100".to_owned()]);
            }
            affinity_term(errors, get(weighted, "podAffinityTerm").unwrap_or(&Value::Null), &at.child("podAffinityTerm"));
        }
    }
}

/// upstream: validateNodeAffinity
fn node_affinity(errors: &mut Errors, affinity: &Value, path: &Path) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    if let Some(selector) = get(affinity, required) {
        let at = path.child(required).child("nodeSelectorTerms");
        let terms = list(selector, "nodeSelectorTerms");
        if terms.is_empty() {
            errors.required(&at, "must have at least one node selector term");
        }
        for (i, term) in terms.iter().enumerate() {
            node_term(errors, term, &at.index(i));
        }
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (i, weighted) in list(affinity, preferred).iter().enumerate() {
        let at = path.child(preferred).index(i);
        let weight = int(weighted, "weight").unwrap_or(0);
        if !(1..=100).contains(&weight) {
            errors.invalid_number(&at.child("weight"), weight, vec!["must be in the range 1-100".to_owned()]);
        }
        node_term(errors, get(weighted, "preference").unwrap_or(&Value::Null), &at.child("preference"));
    }
}

/// upstream: ValidateNodeSelectorTerm
pub(super) fn node_term(errors: &mut Errors, term: &Value, path: &Path) {
    for (i, requirement) in list(term, "matchExpressions").iter().enumerate() {
        let at = path.child("matchExpressions").index(i);
        let values = list(requirement, "values");
        match text(requirement, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                errors.required(&at.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => errors.invalid_text(&at.child("operator"), other, vec!["not a valid selector operator".to_owned()]),
        }
        let key = text(requirement, "key");
        errors.invalid_text(&at.child("key"), key, names::qualified_name(key));
    }
    for (i, requirement) in list(term, "matchFields").iter().enumerate() {
        let at = path.child("matchFields").index(i);
        let values = list(requirement, "values");
        match text(requirement, "operator") {
            "In" | "NotIn" => {
                if values.len() != 1 {
                    let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                    errors.required(&at.child("values"), detail);
                }
            }
            other => errors.invalid_text(&at.child("operator"), other, vec!["not a valid selector operator".to_owned()]),
        }
        let key = text(requirement, "key");
        if key != "metadata.name" {
            errors.invalid_text(&at.child("key"), key, vec!["not a valid field selector key".to_owned()]);
        }
    }
}

fn affinity_term(errors: &mut Errors, term: &Value, path: &Path) {
    for field in ["labelSelector", "namespaceSelector"] {
        if let Some(selector) = get(term, field) {
            meta::selector(errors, selector, &path.child(field));
        }
    }
    for (i, namespace) in list(term, "namespaces").iter().filter_map(Value::as_str).enumerate() {
        errors.invalid_text(&path.child("namespaces").index(i), namespace, names::dns1123_label(namespace));
    }
    let key = text(term, "topologyKey");
    if key.is_empty() {
        errors.required(&path.child("topologyKey"), "can not be empty");
    }
    errors.invalid_text(&path.child("topologyKey"), key, names::qualified_name(key));
}
