//! Pods, their templates, containers and volumes. upstream: kubectl/pkg/describe describePod, DescribePodTemplate

use serde_json::Value;

use super::super::labels;
use super::out::{Out, amount, bool_or_unset, date, flag, or};
use super::volume;
use crate::simulate::resources;
use crate::simulate::scheduler::json::{at, int, list, scalar, text};
use crate::value::quantity;

/// The body of a pod, without events.
pub(super) fn describe(out: &mut Out, pod: &Value) {
    let spec = at(pod, &["spec"]);
    let status = at(pod, &["status"]);
    out.field(0, "Name", text(pod, &["metadata", "name"]));
    out.field(0, "Namespace", text(pod, &["metadata", "namespace"]));
    if let Some(priority) = int(spec, &["priority"]) {
        out.field(0, "Priority", priority);
    }
    for (title, key) in [
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ] {
        if !text(spec, &[key]).is_empty() {
            out.field(0, title, text(spec, &[key]));
        }
    }
    match text(spec, &["nodeName"]) {
        "" => out.field(0, "Node", "<none>"),
        node => out.field(0, "Node", format!("{node}/{}", text(status, &["hostIP"]))),
    }
    if !at(status, &["startTime"]).is_null() {
        out.field(0, "Start Time", date(at(status, &["startTime"])));
    }
    out.labels("Labels", at(pod, &["metadata", "labels"]));
    out.annotations("Annotations", at(pod, &["metadata", "annotations"]));
    let deleted = at(pod, &["metadata", "deletionTimestamp"]);
    let phase = text(status, &["phase"]);
    if !deleted.is_null() && !matches!(phase, "Failed" | "Succeeded") {
        let lasts = out.since(deleted);
        out.field(0, "Status", format!("Terminating (lasts {lasts})"));
        let grace = int(pod, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        out.field(0, "Termination Grace Period", format!("{grace}s"));
    } else {
        out.field(0, "Status", phase);
    }
    for (title, key) in [("Reason", "reason"), ("Message", "message")] {
        if !text(status, &[key]).is_empty() {
            out.field(0, title, text(status, &[key]));
        }
    }
    seccomp(out, 0, 0, at(spec, &["securityContext"]));
    out.field(0, "IP", text(status, &["podIP"]));
    let ips = list(status, &["podIPs"]);
    if ips.is_empty() {
        out.field(0, "IPs", "<none>");
    } else {
        out.line(0, "IPs:");
        ips.iter().for_each(|ip| out.field(1, "IP", text(ip, &["ip"])));
    }
    if let Some(owner) = controller(pod) {
        out.field(0, "Controlled By", owner);
    }
    if !text(status, &["nominatedNodeName"]).is_empty() {
        out.field(0, "NominatedNodeName", text(status, &["nominatedNodeName"]));
    }
    if at(spec, &["resources"]).is_object() {
        out.line(0, "Resources:");
        requirements(out, 1, at(spec, &["resources"]));
    }
    if !list(spec, &["initContainers"]).is_empty() {
        containers(out, "Init Containers", list(spec, &["initContainers"]), list(status, &["initContainerStatuses"]), Some(pod), "");
    }
    containers(out, "Containers", list(spec, &["containers"]), list(status, &["containerStatuses"]), Some(pod), "");
    if !list(spec, &["ephemeralContainers"]).is_empty() {
        let statuses = list(status, &["ephemeralContainerStatuses"]);
        containers(out, "Ephemeral Containers", list(spec, &["ephemeralContainers"]), statuses, Some(pod), "");
    }
    let conditions = list(status, &["conditions"]);
    let gates = list(spec, &["readinessGates"]);
    if !gates.is_empty() {
        out.line(0, "Readiness Gates:");
        out.line(0, "  Type\tStatus");
        for gate in gates {
            let kind = text(gate, &["conditionType"]);
            let met = conditions.iter().find(|c| text(c, &["type"]) == kind).map_or("<none>", |c| text(c, &["status"]));
            out.line(1, &format!("{kind} \t{met} "));
        }
    }
    if !conditions.is_empty() {
        out.line(0, "Conditions:");
        out.line(0, "  Type\tStatus");
        conditions.iter().for_each(|c| out.line(1, &format!("{} \t{} ", text(c, &["type"]), text(c, &["status"]))));
    }
    volume::describe(out, list(spec, &["volumes"]), "");
    let class = match text(status, &["qosClass"]) {
        "" => resources::qos(spec).name(),
        class => class,
    };
    out.field(0, "QoS Class", class);
    out.labels("Node-Selectors", at(spec, &["nodeSelector"]));
    tolerations(out, "", list(spec, &["tolerations"]));
    spread(out, "", list(spec, &["topologySpreadConstraints"]));
    group(out, "", spec);
}

/// `Kind/name` of the owner that controls an object. upstream: printController
pub(super) fn controller(object: &Value) -> Option<String> {
    let owner = list(object, &["metadata", "ownerReferences"]).iter().find(|r| flag(at(r, &["controller"])))?;
    Some(format!("{}/{}", text(owner, &["kind"]), text(owner, &["name"])))
}

fn seccomp(out: &mut Out, level: usize, inner: usize, context: &Value) {
    let profile = at(context, &["seccompProfile"]);
    if profile.is_object() {
        out.field(level, "SeccompProfile", text(profile, &["type"]));
        if text(profile, &["type"]) == "Localhost" {
            out.field(inner, "LocalhostProfile", text(profile, &["localhostProfile"]));
        }
    }
}

fn group(out: &mut Out, space: &str, spec: &Value) {
    let group = at(spec, &["schedulingGroup"]);
    if group.is_object() {
        out.line(0, &format!("{space}SchedulingGroup:"));
        out.field(1, "PodGroupName", text(group, &["podGroupName"]));
    }
}

/// upstream: describeTopologySpreadConstraints
fn spread(out: &mut Out, space: &str, constraints: &[Value]) {
    let mut sorted: Vec<&Value> = constraints.iter().collect();
    sorted.sort_by_key(|c| text(c, &["topologyKey"]));
    for (i, c) in sorted.into_iter().enumerate() {
        let head = if i == 0 { format!("{space}Topology Spread Constraints:\t") } else { format!("{space}\t") };
        let selector = at(c, &["labelSelector"]);
        let chosen = if selector.is_object() { format!(" for selector {}", labels::format_selector(selector)) } else { String::new() };
        let skew = int(c, &["maxSkew"]).unwrap_or(0);
        let (key, when) = (text(c, &["topologyKey"]), text(c, &["whenUnsatisfiable"]));
        out.line(0, &format!("{head}{key}:{when} when max skew {skew} is exceeded{chosen}"));
    }
}

/// upstream: printTolerationsMultilineWithIndent
fn tolerations(out: &mut Out, indent: &str, all: &[Value]) {
    let mut sorted: Vec<&Value> = all.iter().collect();
    sorted.sort_by_key(|t| text(t, &["key"]));
    let shown: Vec<String> = sorted
        .into_iter()
        .map(|t| {
            let part = |key: &str| text(t, &[key]);
            let mut line = part("key").to_owned();
            if !part("value").is_empty() {
                line.push_str(&format!("={}", part("value")));
            }
            if !part("effect").is_empty() {
                line.push_str(&format!(":{}", part("effect")));
            }
            if part("operator") == "Exists" && part("value").is_empty() {
                line.push_str(if line.is_empty() { "op=Exists" } else { " op=Exists" });
            }
            if let Some(seconds) = int(t, &["tolerationSeconds"]) {
                line.push_str(&format!(" for {seconds}s"));
            }
            line
        })
        .collect();
    out.multiline(indent, "Tolerations", &shown);
}

/// upstream: DescribePodTemplate
pub(super) fn template(out: &mut Out, template: &Value) {
    out.line(0, "Pod Template:");
    if !template.is_object() {
        out.put(1, "<unset>");
        return;
    }
    let spec = at(template, &["spec"]);
    out.labels("  Labels", at(template, &["metadata", "labels"]));
    if at(template, &["metadata", "annotations"]).as_object().is_some_and(|a| !a.is_empty()) {
        out.annotations("  Annotations", at(template, &["metadata", "annotations"]));
    }
    if !text(spec, &["serviceAccountName"]).is_empty() {
        out.field(1, "Service Account", text(spec, &["serviceAccountName"]));
    }
    if !list(spec, &["initContainers"]).is_empty() {
        containers(out, "Init Containers", list(spec, &["initContainers"]), &[], None, "  ");
    }
    containers(out, "Containers", list(spec, &["containers"]), &[], None, "  ");
    volume::describe(out, list(spec, &["volumes"]), "  ");
    spread(out, "  ", list(spec, &["topologySpreadConstraints"]));
    if !text(spec, &["priorityClassName"]).is_empty() {
        out.field(1, "Priority Class Name", text(spec, &["priorityClassName"]));
    }
    out.labels("  Node-Selectors", at(spec, &["nodeSelector"]));
    tolerations(out, "  ", list(spec, &["tolerations"]));
    group(out, "  ", spec);
}

/// upstream: describeContainers
fn containers(out: &mut Out, label: &str, all: &[Value], statuses: &[Value], pod: Option<&Value>, space: &str) {
    out.line(0, &format!("{space}{label}:{}", if all.is_empty() { " <none>" } else { "" }));
    for container in all {
        let status = statuses.iter().rfind(|s| text(s, &["name"]) == text(container, &["name"]));
        basics(out, container, status, space);
        for (title, key) in [("Command", "command"), ("Args", "args")] {
            let words = list(container, &[key]);
            if !words.is_empty() {
                out.line(2, &format!("{title}:"));
                words.iter().for_each(|w| scalar(w).split('\n').for_each(|part| out.line(3, part)));
            }
        }
        if let Some(status) = status {
            state(out, "State", at(status, &["state"]));
            if at(status, &["lastState", "terminated"]).is_object() {
                state(out, "Last State", at(status, &["lastState"]));
            }
            out.field(2, "Ready", bool_or_unset(&flag(at(status, &["ready"])).into()));
            out.field(2, "Restart Count", int(status, &["restartCount"]).unwrap_or(0));
        }
        requirements(out, 2, at(container, &["resources"]));
        for (title, key) in [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")] {
            if at(container, &[key]).is_object() {
                out.field(2, title, probe(at(container, &[key])));
            }
        }
        environment(out, container, pod);
        mounts(out, container);
    }
}

fn basics(out: &mut Out, container: &Value, status: Option<&Value>, space: &str) {
    let indent = if space.is_empty() { "" } else { " " };
    out.line(1, &format!("{indent}{}:", text(container, &["name"])));
    if let Some(status) = status {
        out.field(2, "Container ID", text(status, &["containerID"]));
    }
    out.field(2, "Image", text(container, &["image"]));
    if let Some(status) = status {
        out.field(2, "Image ID", text(status, &["imageID"]));
    }
    for (one, many, key) in [("Port", "Ports", "containerPort"), ("Host Port", "Host Ports", "hostPort")] {
        let port = |p: &Value| {
            let shown = format!("{}/{}", int(p, &[key]).unwrap_or(0), text(p, &["protocol"]));
            if text(p, &["name"]).is_empty() { shown } else { format!("{shown} ({})", text(p, &["name"])) }
        };
        let all: Vec<String> = list(container, &["ports"]).iter().map(port).collect();
        let shown = all.join(", ");
        out.field(2, if all.len() > 1 { many } else { one }, or(&shown, "<none>"));
    }
    seccomp(out, 2, 3, at(container, &["securityContext"]));
}

/// upstream: describeStatus
fn state(out: &mut Out, title: &str, state: &Value) {
    let (running, waiting, ended) = (at(state, &["running"]), at(state, &["waiting"]), at(state, &["terminated"]));
    if running.is_object() {
        out.field(2, title, "Running");
        out.field(3, "Started", date(at(running, &["startedAt"])));
    } else if waiting.is_object() || !ended.is_object() {
        out.field(2, title, "Waiting");
        if !text(waiting, &["reason"]).is_empty() {
            out.field(3, "Reason", text(waiting, &["reason"]));
        }
    } else {
        out.field(2, title, "Terminated");
        for (name, key) in [("Reason", "reason"), ("Message", "message")] {
            if !text(ended, &[key]).is_empty() {
                out.field(3, name, text(ended, &[key]));
            }
        }
        out.field(3, "Exit Code", int(ended, &["exitCode"]).unwrap_or(0));
        if let Some(signal) = int(ended, &["signal"]).filter(|s| *s > 0) {
            out.field(3, "Signal", signal);
        }
        out.field(3, "Started", date(at(ended, &["startedAt"])));
        out.field(3, "Finished", date(at(ended, &["finishedAt"])));
    }
}

/// upstream: describeResources
fn requirements(out: &mut Out, level: usize, resources: &Value) {
    for (title, key) in [("Limits", "limits"), ("Requests", "requests")] {
        let Some(amounts) = at(resources, &[key]).as_object().filter(|m| !m.is_empty()) else { continue };
        out.line(level, &format!("{title}:"));
        amounts.iter().for_each(|(name, value)| out.field(level + 1, name, amount(value)));
    }
}

/// upstream: DescribeProbe
fn probe(probe: &Value) -> String {
    let n = |key: &str| int(probe, &[key]).unwrap_or(0);
    let rest = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        n("initialDelaySeconds"),
        n("timeoutSeconds"),
        n("periodSeconds"),
        n("successThreshold"),
        n("failureThreshold")
    );
    let part = |path: &[&str]| scalar(at(probe, path));
    if at(probe, &["exec"]).is_object() {
        return format!("exec {} {rest}", super::out::go_list(list(probe, &["exec", "command"])));
    }
    if at(probe, &["httpGet"]).is_object() {
        let host = part(&["httpGet", "host"]);
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let scheme = part(&["httpGet", "scheme"]).to_lowercase();
        let path = part(&["httpGet", "path"]);
        let path = if path.is_empty() || path.starts_with('/') { path } else { format!("/{path}") };
        return format!("http-get {scheme}://{host}:{}{} {rest}", part(&["httpGet", "port"]), path.replace('?', "%3F"));
    }
    if at(probe, &["tcpSocket"]).is_object() {
        return format!("tcp-socket {}:{} {rest}", part(&["tcpSocket", "host"]), part(&["tcpSocket", "port"]));
    }
    if at(probe, &["grpc"]).is_object() {
        return format!("grpc <pod>:{} {} {rest}", part(&["grpc", "port"]), part(&["grpc", "service"]));
    }
    format!("unknown {rest}")
}

fn environment(out: &mut Out, container: &Value, pod: Option<&Value>) {
    let from = list(container, &["envFrom"]);
    if !from.is_empty() {
        out.line(2, "Environment Variables from:");
        for source in from {
            let (kind, of) = if at(source, &["configMapRef"]).is_object() {
                ("ConfigMap", at(source, &["configMapRef"]))
            } else {
                ("Secret", at(source, &["secretRef"]))
            };
            let prefix = match text(source, &["prefix"]) {
                "" => String::new(),
                prefix => format!(" with prefix '{prefix}'"),
            };
            out.line(3, &format!("{}\t{kind}{prefix}\tOptional: {}", text(of, &["name"]), flag(at(of, &["optional"]))));
        }
    }
    let all = list(container, &["env"]);
    out.line(2, &format!("Environment:{}", if all.is_empty() { "\t<none>" } else { "" }));
    for variable in all {
        let name = text(variable, &["name"]);
        let from = at(variable, &["valueFrom"]);
        let source = |key: &str| at(from, &[key]);
        if !from.is_object() {
            for (i, part) in text(variable, &["value"]).split('\n').enumerate() {
                out.line(3, &if i == 0 { format!("{name}:\t{part}") } else { format!("\t{part}") });
            }
        } else if source("fieldRef").is_object() {
            let path = text(source("fieldRef"), &["fieldPath"]);
            let value = pod.map(|p| field_path(p, path)).unwrap_or_default();
            out.line(3, &format!("{name}:\t{value} ({}:{path})", text(source("fieldRef"), &["apiVersion"])));
        } else if source("resourceFieldRef").is_object() {
            let resource = text(source("resourceFieldRef"), &["resource"]);
            out.line(3, &format!("{name}:\t{} ({resource})", resource_field(container, source("resourceFieldRef"))));
        } else {
            for (key, kind) in [("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")] {
                let of = source(key);
                if of.is_object() {
                    let (entry, object, optional) = (text(of, &["key"]), text(of, &["name"]), flag(at(of, &["optional"])));
                    out.line(3, &format!("{name}:\t<set to the key '{entry}' {kind} '{object}'>\tOptional: {optional}"));
                    break;
                }
            }
        }
    }
}

/// A field of a pod's metadata; kubectl knows no others. upstream: fieldpath.ExtractFieldPathAsString
fn field_path(pod: &Value, path: &str) -> String {
    let map = |key: &str| {
        let all = super::super::labels::pairs(at(pod, &["metadata", key]));
        let quoted = |pair: &String| pair.split_once('=').map(|(k, v)| format!("{k}={}", crate::value::quote(v.as_bytes())));
        all.iter().filter_map(quoted).collect::<Vec<_>>().join("\n")
    };
    match path {
        "metadata.name" | "metadata.namespace" | "metadata.uid" => {
            text(pod, &["metadata", path.trim_start_matches("metadata.")]).to_owned()
        }
        "metadata.labels" => map("labels"),
        "metadata.annotations" => map("annotations"),
        _ => {
            let subscript = |head: &str| path.strip_prefix(head)?.strip_prefix("['")?.strip_suffix("']");
            let of = |key: &str| subscript(&format!("metadata.{key}")).map(|k| text(pod, &["metadata", key, k]).to_owned());
            of("labels").or_else(|| of("annotations")).unwrap_or_default()
        }
    }
}

/// upstream: ExtractContainerResourceValue
fn resource_field(container: &Value, reference: &Value) -> String {
    let resource = text(reference, &["resource"]);
    let Some((kind, name)) = resource.split_once('.') else { return String::new() };
    let given = scalar(at(container, &["resources", kind, name]));
    let value = quantity::parse(&given).unwrap_or_default();
    let divisor = quantity::parse(&scalar(at(reference, &["divisor"]))).unwrap_or_default();
    let unit = if divisor.nanos == 0 { 1_000_000_000 } else { divisor.nanos };
    let shown = -(-value.nanos).div_euclid(unit);
    if shown == 0 && matches!(resource, "limits.cpu" | "limits.memory") { "node allocatable".to_owned() } else { shown.to_string() }
}

fn mounts(out: &mut Out, container: &Value) {
    let none = if list(container, &["volumeMounts"]).is_empty() { "\t<none>" } else { "" };
    out.line(2, &format!("Mounts:{none}"));
    let mut sorted: Vec<&Value> = list(container, &["volumeMounts"]).iter().collect();
    sorted.sort_by_key(|m| text(m, &["mountPath"]));
    for mount in sorted {
        let mut flags = if flag(at(mount, &["readOnly"])) { "ro" } else { "rw" }.to_owned();
        if !text(mount, &["subPath"]).is_empty() {
            flags.push_str(&format!(",path={}", crate::value::quote(text(mount, &["subPath"]).as_bytes())));
        }
        out.line(3, &format!("{} from {} ({flags})", text(mount, &["mountPath"]), text(mount, &["name"])));
    }
    let mut devices: Vec<&Value> = list(container, &["volumeDevices"]).iter().collect();
    if !devices.is_empty() {
        out.line(2, &format!("Devices:{none}"));
        devices.sort_by_key(|d| text(d, &["devicePath"]));
        devices.iter().for_each(|d| out.line(3, &format!("{} from {}", text(d, &["devicePath"]), text(d, &["name"]))));
    }
}
