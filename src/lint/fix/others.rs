//! Fixes of Services, routes, policies, roles, names and labels.

use data_encoding::BASE64;
use serde_json::Value;
use serde_json::json;

use super::edit;
use super::locate::{Written, written};
use super::target::{Target, both, text};
use crate::diagnostic::Edit;
use crate::diagnostic::similar;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::lint::apis;
use crate::lint::context;
use crate::lint::field::Field;
use crate::lint::labels;
use crate::source::Span;

type Edits = Option<Vec<Edit>>;

/// The backend names the one port of its Service.
pub(super) fn only_port(t: &Target) -> Edits {
    let at = t.path.0.iter().position(|s| matches!(s, Step::Field(name) if name == "service"))?;
    let service = Path(t.path.0[..=at].to_vec());
    let name = text(t.at(&service)?, "/name")?;
    let ports = t.beside("Service", name)?.value.pointer("/spec/ports")?.as_array()?;
    let [port] = &ports[..] else { return None };
    let Some(Step::Field(field)) = t.path.0.last() else { return None };
    match field.as_str() {
        "number" => t.set(&t.path, port.get("port")?),
        "name" => t.set(&t.path, port.get("name")?),
        _ => None,
    }
}

/// The zone of a schedule has a field of its own.
pub(super) fn time_zone(t: &Target) -> Edits {
    let (zone, schedule) = t.value()?.as_str()?.split_once(' ')?;
    let zone = zone.strip_prefix("CRON_TZ=").or_else(|| zone.strip_prefix("TZ="))?;
    let spec = t.up(1)?;
    if t.at(&spec.child("timeZone")).is_some() {
        return t.set(&t.path, &json!(schedule.trim()));
    }
    t.plain().then_some(())?;
    both(t.set(&t.path, &json!(schedule.trim())), t.set(&spec.child("timeZone"), &json!(zone)))
}

/// The value of a Secret, encoded once and without a line break at its end.
pub(super) fn encode(t: &Target) -> Edits {
    let old = t.value()?.as_str()?;
    let new = match BASE64.decode(old.trim().as_bytes()) {
        Err(_) => BASE64.encode(old.as_bytes()),
        Ok(inside) => {
            let text = std::str::from_utf8(&inside).ok()?;
            let kept = text.trim_end_matches(['\n', '\r']);
            if kept.len() < text.len() { BASE64.encode(kept.as_bytes()) } else { text.to_owned() }
        }
    };
    t.set(&t.path, &json!(new))
}

/// A budget that lets one pod go at a time.
pub(super) fn let_one_go(t: &Target) -> Edits {
    let Some(Step::Field(field)) = t.path.0.last() else { return None };
    match field.as_str() {
        "maxUnavailable" => t.set(&t.path, &json!(1)),
        "minAvailable" => both(t.rename(&t.path, "maxUnavailable"), t.set(&t.path, &json!(1))),
        _ => None,
    }
}

/// What is left of a host behind scheme, port and path.
pub(super) fn host(old: &str) -> Option<String> {
    let rest = old.split_once("://").map_or(old, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or("").trim().trim_end_matches('.').to_lowercase();
    let address = host.split('.').all(|part| part.parse::<u8>().is_ok());
    (!host.is_empty() && !address && host != old).then_some(host)
}

/// A name as objects may have it.
pub(super) fn object_name(t: &Target) -> Edits {
    let old = t.value()?.as_str()?;
    t.plain().then_some(())?;
    let lower: String =
        old.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' }).collect();
    let service = t.object.id.kind == "Service";
    let lower = if service { lower.replace('.', "-") } else { lower };
    let mut name = lower.trim_matches(['-', '.']).to_owned();
    if service && name.starts_with(|c: char| c.is_ascii_digit()) {
        name = format!("svc-{name}");
    }
    (!name.is_empty() && name != old).then(|| t.set(&t.path, &json!(name)))?
}

/// A rule that lets names be looked up.
pub(super) fn dns_egress(t: &Target) -> Edits {
    let rule = json!({ "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }] });
    t.set(&Path::default().child("spec.egress"), &json!([rule]))
}

/// The policy has the types of its rules.
pub(super) fn policy_types(t: &Target) -> Edits {
    let spec = t.object.value.get("spec")?;
    let types = spec.get("policyTypes")?.as_array()?;
    let missing = [("ingress", "Ingress"), ("egress", "Egress")];
    let (_, kind) = missing.iter().find(|(rules, kind)| spec.get(rules).is_some() && !types.contains(&json!(kind)))?;
    t.set(&Path::default().child("spec.policyTypes"), &json!([kind]))
}

/// Two peers become one that has to match both.
pub(super) fn one_peer(t: &Target) -> Edits {
    let node = edit::node(t.object, &t.item()?.0)?;
    let Written::Literal(at) = written(t.sources(), Span { end: node.span.start + 1, ..node.span })? else { return None };
    let source = &t.sources().get(at.file).text;
    let dash = source[..at.start as usize].strip_suffix("- ")?.len();
    Some(vec![Edit { span: Span::new(at.file, dash, dash + 1), text: " ".to_owned() }])
}

/// The port of a Service has the protocol of the container port behind it.
pub(super) fn protocol(t: &Target) -> Edits {
    let port = t.at(&t.item()?)?;
    let target = port.get("targetPort").or_else(|| port.get("port"))?;
    let wanted = labels::labels(&Field::root(t.object), "spec.selector");
    let pods = t.input.objects.iter().filter_map(context::pod);
    let mut found = pods.filter(|pod| labels::subset(&wanted, &pod.labels)).flat_map(|pod| {
        let ports = pod.ports();
        ports
            .iter()
            .filter(|p| p.value.get("containerPort") == Some(target) || p.value.get("name") == Some(target))
            .map(|p| p.value)
            .collect::<Vec<_>>()
    });
    let kind = found.next()?.get("protocol").cloned().unwrap_or_else(|| json!("TCP"));
    t.set(&t.path, &kind)
}

/// A name for a port of a container.
pub(super) fn port_name(t: &Target) -> Edits {
    let port = t.at(&t.up(1)?)?;
    let number = port.get("containerPort")?.as_u64()?;
    let known = [
        (80, "http"),
        (8080, "http"),
        (443, "https"),
        (8443, "https"),
        (9090, "metrics"),
        (53, "dns"),
        (5432, "postgresql"),
        (3306, "mysql"),
        (6379, "redis"),
    ];
    let protocol = text(port, "/protocol").unwrap_or("tcp").to_lowercase();
    let list = t.at(&t.up(2)?)?.as_array()?;
    let free = |name: &str| list.iter().all(|p| text(p, "/name") != Some(name));
    let name = known
        .iter()
        .find(|(n, name)| *n == number && protocol == "tcp" && free(name))
        .map_or_else(|| format!("{protocol}-{number}"), |(_, n)| (*n).to_owned());
    t.set(&t.path, &json!(name))
}

/// The class of an Ingress has a field of its own.
pub(super) fn ingress_class(t: &Target) -> Edits {
    let class = t.value()?.as_str()?;
    let spec = Path::default().child("spec.ingressClassName");
    if t.at(&spec).is_some() {
        return t.remove(&t.path);
    }
    t.plain().then_some(())?;
    both(t.remove(&t.path), t.set(&spec, &json!(class)))
}

/// The labels that every object should have.
pub(super) fn recommended_labels(t: &Target) -> Edits {
    let part = |name: &str| format!("app.kubernetes.io/{name}");
    let chart = !t.plain();
    let labels = t.object.value.pointer("/metadata/labels");
    let name = labels.and_then(|l| l.get("app")).and_then(Value::as_str).unwrap_or(&t.object.id.name);
    let image = t.at(&t.pod_spec().unwrap_or_default().child("containers")).and_then(|c| text(c.get(0)?, "/image"));
    let version = image.and_then(|i| i.rsplit_once(':')).map(|(_, tag)| tag).filter(|tag| !tag.contains(['/', '@']));
    let wanted = [
        ("name", if chart { "{{ .Chart.Name }}" } else { name }),
        ("instance", if chart { "{{ .Release.Name }}" } else { &t.object.id.name }),
        ("version", if chart { "{{ .Chart.AppVersion | quote }}" } else { version.unwrap_or("latest") }),
        ("managed-by", if chart { "{{ .Release.Service }}" } else { "kubectl" }),
    ];
    let missing = wanted.iter().filter(|(key, _)| labels.and_then(|l| l.get(part(key))).is_none());
    let new: serde_json::Map<String, Value> = missing.map(|(key, value)| (part(key), json!(value))).collect();
    let path = Path::default().child("metadata.labels");
    if labels.is_none() {
        return t.set(&path, &Value::Object(new));
    }
    // All of them stand behind the same label: as one edit.
    let mut out: Vec<Edit> = Vec::new();
    for (key, value) in new {
        for edit in t.set(&Path([&path.0[..], &[Step::Key(key)]].concat()), &value)? {
            match out.iter_mut().find(|e| e.span == edit.span) {
                Some(known) => known.text.push_str(&edit.text),
                None => out.push(edit),
            }
        }
    }
    Some(out)
}

/// The verb that was meant.
pub(super) fn verb(old: &str) -> Option<String> {
    const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    const OTHERS: &[(&str, &str)] = &[
        ("read", "get"),
        ("view", "get"),
        ("write", "update"),
        ("edit", "patch"),
        ("modify", "patch"),
        ("remove", "delete"),
        ("add", "create"),
    ];
    let lower = old.to_lowercase();
    let meant = OTHERS.iter().find(|(word, _)| *word == lower).map(|(_, verb)| *verb);
    meant.or_else(|| VERBS.iter().copied().find(|v| *v == lower)).or_else(|| similar(&lower, VERBS.iter().copied())).map(str::to_owned)
}

/// The API group of the resource.
pub(super) fn api_group(t: &Target) -> Edits {
    let group = t.finding.message.split_once("is in the group `")?.1.split('`').next()?;
    let groups = matches!(t.path.0.iter().rev().nth(1), Some(Step::Field(name)) if name == "apiGroups");
    if groups { t.set(&t.path, &json!(group)) } else { t.push(&t.up(2)?.child("apiGroups"), &json!(group)) }
}

/// The namespace of an account that a binding names.
pub(super) fn subject_namespace(t: &Target) -> Edits {
    let subject = t.item()?;
    let name = text(t.at(&subject)?, "/name")?;
    let account = t.input.objects.iter().find(|o| o.id.kind == "ServiceAccount" && o.id.name == name);
    let here = account.map_or(t.object.id.namespace.as_str(), |a| a.id.namespace.as_str());
    let namespace = if !t.plain() {
        "{{ .Release.Namespace }}"
    } else if here.is_empty() {
        "default"
    } else {
        here
    };
    t.set(&subject.child("namespace"), &json!(namespace))
}

/// The name a node label has now, as a key or as a value.
pub(super) fn node_label(t: &Target) -> Edits {
    let Some(Step::Field(last) | Step::Key(last)) = t.path.0.last() else { return None };
    if let Some(key) = labels::of_nodes_now(last) {
        return t.rename(&t.path, key);
    }
    t.set(&t.path, &json!(labels::of_nodes_now(t.value()?.as_str()?)?))
}

/// An annotation that has become a field.
pub(super) fn annotation(t: &Target) -> Edits {
    let Some(Step::Field(key) | Step::Key(key)) = t.path.0.last() else { return None };
    let value = t.value()?.as_str()?;
    let top = Path(t.path.0[..t.path.0.len().checked_sub(3)?].to_vec());
    let spec = top.child("spec");
    t.plain().then_some(())?;
    let (field, new) = match key.as_str() {
        "volume.beta.kubernetes.io/storage-class" | "volume.alpha.kubernetes.io/storage-class" => ("storageClassName", json!(value)),
        "service.alpha.kubernetes.io/tolerate-unready-endpoints" => ("publishNotReadyAddresses", json!(value == "true")),
        "service.beta.kubernetes.io/external-traffic" => {
            ("externalTrafficPolicy", json!(if value == "OnlyLocal" { "Local" } else { "Cluster" }))
        }
        "volume.beta.kubernetes.io/mount-options" => return None,
        "pod.alpha.kubernetes.io/initialized" | "scheduler.alpha.kubernetes.io/critical-pod" => return t.remove(&t.path),
        "storageclass.beta.kubernetes.io/is-default-class" => return t.rename(&t.path, "storageclass.kubernetes.io/is-default-class"),
        "seccomp.security.alpha.kubernetes.io/pod" => {
            let profile = match value {
                "runtime/default" | "docker/default" => json!({ "type": "RuntimeDefault" }),
                "unconfined" => json!({ "type": "Unconfined" }),
                other => json!({ "localhostProfile": other.strip_prefix("localhost/")?, "type": "Localhost" }),
            };
            ("securityContext.seccompProfile", profile)
        }
        _ => return None,
    };
    if t.at(&spec.child(field)).is_some() {
        return t.remove(&t.path);
    }
    both(t.remove(&t.path), t.set(&spec.child(field), &new))
}

/// An Ingress of an old API becomes one of today: its backends are written in another way.
pub(super) fn ingress_of_today(t: &Target) -> Edits {
    const NEW: &str = "networking.k8s.io/v1";
    if !matches!(t.object.id.api_version.as_str(), "extensions/v1beta1" | "networking.k8s.io/v1beta1") {
        return None;
    }
    let mut out = t.set(&Path::new("apiVersion"), &json!(NEW))?;
    let spec = t.object.value.get("spec")?;
    if let Some(backend) = spec.get("backend") {
        let path = Path::default().child("spec.backend");
        let edits = t.swap(&path, &backend_of_today(backend)?)?;
        let renamed = |e: &Edit| Edit { span: e.span, text: e.text.replacen("backend:", "defaultBackend:", 1) };
        out.extend(edits.iter().map(renamed));
    }
    for (i, rule) in spec.get("rules").and_then(Value::as_array).into_iter().flatten().enumerate() {
        for (j, entry) in rule.pointer("/http/paths").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let path = Path::default().child("spec.rules").index(i).child("http.paths").index(j);
            if let Some(backend) = entry.get("backend") {
                let mut edits = t.swap(&path.child("backend"), &backend_of_today(backend)?)?;
                if entry.get("pathType").is_none() {
                    let key = edit::entry(t.object, &path.child("backend").0)?.key_span;
                    let Written::Literal(key) = written(t.sources(), key)? else { return None };
                    let text = &t.sources().get(key.file).text;
                    let line = text[..key.start as usize].rfind('\n').map_or(0, |at| at + 1);
                    let indent = key.start as usize - line;
                    edits[0].text.push_str(&format!("\n{}pathType: ImplementationSpecific", " ".repeat(indent)));
                }
                out.extend(edits);
            }
        }
    }
    Some(out)
}

fn backend_of_today(old: &Value) -> Option<Value> {
    if old.get("resource").is_some() {
        return Some(old.clone());
    }
    let port = old.get("servicePort")?;
    let field = if port.is_number() { "number" } else { "name" };
    Some(json!({ "service": { "name": old.get("serviceName")?, "port": { field: port } } }))
}

/// The schema names the value as `values.yaml` does.
pub(super) fn schema_key(t: &Target) -> Edits {
    let meant = t.finding.help.split_once("did you mean `")?.1.split('`').next()?;
    t.rename(&t.path, &json!(meant).to_string())
}

/// The chart of `charts/` is declared.
pub(super) fn declare(t: &Target) -> Edits {
    let name = t.finding.message.split_once("the chart `")?.1.split('`').next()?;
    let (_, chart) = t.input.chart?.below.iter().find(|(_, c)| c.name() == name)?;
    let version = chart.about()?.value.get("version")?;
    let entry = json!({ "name": name, "repository": "", "version": version });
    t.set(&Path::new("dependencies"), &json!([entry]))
}

/// A condition has a value to look at.
pub(super) fn condition(t: &Target) -> Edits {
    let condition = t.value()?.as_str()?.split(',').next()?.trim();
    let values = t.input.chart?.values.as_ref()?.object.as_ref()?;
    edit::set(t.sources(), values, &Path::default().child(condition), &json!(true))
}

/// The next version.
pub(super) fn bump(old: &str) -> Option<String> {
    let (above, last) = old.rsplit_once('.')?;
    Some(format!("{above}.{}", last.parse::<u64>().ok()?.checked_add(1)?))
}

/// The version that served the kind before, without what it does not know.
pub(super) fn api_before(t: &Target) -> Edits {
    const OLDER: &[(&str, &[&str], &str)] = &[
        ("policy/v1", &["PodDisruptionBudget"], "policy/v1beta1"),
        ("batch/v1", &["CronJob"], "batch/v1beta1"),
        ("autoscaling/v2", &["HorizontalPodAutoscaler"], "autoscaling/v2beta2"),
        ("discovery.k8s.io/v1", &["EndpointSlice"], "discovery.k8s.io/v1beta1"),
        ("networking.k8s.io/v1", &["IngressClass"], "networking.k8s.io/v1beta1"),
        ("storage.k8s.io/v1", &["CSIStorageCapacity", "CSIDriver"], "storage.k8s.io/v1beta1"),
        ("flowcontrol.apiserver.k8s.io/v1", &["FlowSchema", "PriorityLevelConfiguration"], "flowcontrol.apiserver.k8s.io/v1beta3"),
    ];
    let id = &t.object.id;
    let (_, _, old) = OLDER.iter().find(|(new, kinds, _)| *new == id.api_version && kinds.contains(&id.kind.as_str()))?;
    let minor = t.input.options.minor.unwrap_or(u32::MAX);
    let late = apis::LATE_FIELDS.iter().filter(|(kind, _, since)| *kind == id.kind && minor < *since);
    let late = late.map(|(_, field, _)| Path::default().child(field)).filter(|field| t.at(field).is_some());
    late.fold(t.set(&Path::new("apiVersion"), &json!(old)), |edits, field| both(edits, t.remove(&field)))
}

/// The namespace enforces the baseline of the Pod Security Standards.
pub(super) fn pod_security(t: &Target) -> Edits {
    let key = Step::Key("pod-security.kubernetes.io/enforce".to_owned());
    t.set(&Path([&Path::default().child("metadata.labels").0[..], &[key]].concat()), &json!("baseline"))
}

/// Charts with dependencies are of the second version.
pub(super) fn chart_v2(t: &Target) -> Edits {
    t.set(&Path::new("apiVersion"), &json!("v2"))
}

/// What Helm does with a hook's object of the last time.
pub(super) fn delete_policy(t: &Target) -> Edits {
    let key = Step::Key("helm.sh/hook-delete-policy".to_owned());
    t.set(&Path([&Path::default().child("metadata.annotations").0[..], &[key]].concat()), &json!("before-hook-creation"))
}
