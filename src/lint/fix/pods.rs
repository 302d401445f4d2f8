//! Fixes of workloads, their pods and containers.

use serde_json::Value;
use serde_json::json;

use super::edit;
use super::locate::{Written, written};
use super::target::{Target, both, text};
use crate::diagnostic::Edit;
use crate::kube::field::Path;
use crate::kube::field::Step;
use crate::lint::context;
use crate::source::Span;

type Edits = Option<Vec<Edit>>;

/// The selector of a workload is its pods' labels.
pub(super) fn selector(t: &Target) -> Edits {
    let template = Path::default().child(context::template_path(t.object)?).child("metadata.labels");
    t.set(&Path::default().child("spec.selector"), &json!({ "matchLabels": t.labels(&template)? }))
}

/// The constraint counts the pods of its own workload.
pub(super) fn own_selector(t: &Target) -> Edits {
    let wanted = json!({ "matchLabels": t.own_labels()? });
    if t.value().is_some() { t.swap(&t.path, &wanted) } else { t.set(&t.path, &wanted) }
}

/// Pods are spread over the nodes as far as that goes.
pub(super) fn spread(t: &Target) -> Edits {
    let constraint = json!({
        "labelSelector": { "matchLabels": t.own_labels()? },
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
    });
    t.set(&t.pod_spec()?.child("topologySpreadConstraints"), &json!([constraint]))
}

/// Of two variables with one name the earlier goes.
pub(super) fn first_variable(t: &Target) -> Edits {
    let item = t.item()?;
    let list = Path(item.0[..item.0.len() - 1].to_vec());
    let name = text(t.at(&item)?, "/name")?;
    let first = t.at(&list)?.as_array()?.iter().position(|v| text(v, "/name") == Some(name))?;
    (Some(&Step::Index(first)) != item.0.last()).then(|| t.remove(&list.index(first)))?
}

/// The lines of a list item that is written out with a dash of its own, from the dash on.
fn item_lines(t: &Target, item: &Path) -> Option<Span> {
    let node = edit::node(t.object, &item.0)?;
    let Written::Literal(start) = written(t.sources(), Span { end: node.span.start + 1, ..node.span })? else { return None };
    let whole = edit::whole_lines(t.sources(), Span { end: edit::end_of(t.sources(), node)?.max(start.end), ..start });
    let lines = t.sources().slice(whole);
    (lines.trim_start().starts_with("- ") && !edit::controls(lines) && lines.ends_with('\n')).then_some(whole)
}

/// A variable stands before those that refer to it.
pub(super) fn variable_first(t: &Target) -> Edits {
    let user = t.item()?;
    let list = Path(user.0[..user.0.len() - 1].to_vec());
    let Some(Step::Index(at)) = user.0.last() else { return None };
    let names = t.value()?.as_str()?;
    let variables = t.at(&list)?.as_array()?;
    let later = |(i, v): &(usize, &Value)| i > at && text(v, "/name").is_some_and(|n| names.contains(&format!("$({n})")));
    let (moved, _) = variables.iter().enumerate().find(later)?;
    let (from, to) = (item_lines(t, &list.index(moved))?, item_lines(t, &user)?);
    let lines = t.sources().slice(from).to_owned();
    Some(vec![Edit { span: Span { end: to.start, ..to }, text: lines }, Edit { span: from, text: String::new() }])
}

/// The words of a command as a shell splits them; `None` where they need a shell.
fn words(command: &str) -> Option<Vec<String>> {
    let plain = !command.contains(['"', '\'', '\\', '$', '`', '|', '&', ';', '>', '<', '*', '\n']);
    plain.then(|| command.split_whitespace().map(str::to_owned).collect())
}

/// A command of one text becomes a list of its words.
pub(super) fn split(t: &Target) -> Edits {
    let command = t.value()?.as_str()?;
    let list = match words(command) {
        Some(words) => json!(words),
        None => json!(["sh", "-c", command]),
    };
    t.swap(&t.up(1)?, &list)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+$&|><;*".contains(c);
    if !word.is_empty() && word.chars().all(safe) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Words that only a shell understands are given to one.
pub(super) fn shell(t: &Target) -> Edits {
    let list = t.up(1)?;
    if matches!(list.0.last(), Some(Step::Field(name)) if name != "command") {
        return None;
    }
    let beside = t.at(&Path(list.0[..list.0.len() - 1].to_vec()))?;
    if beside.get("args").is_some() {
        return None;
    }
    let words: Option<Vec<&str>> = t.at(&list)?.as_array()?.iter().map(Value::as_str).collect();
    let line = words?.into_iter().map(quoted).collect::<Vec<_>>().join(" ");
    t.swap(&list, &json!(["sh", "-c", line]))
}

/// A command that is no list becomes one; an empty one goes.
pub(super) fn list(t: &Target) -> Edits {
    match t.value()? {
        Value::String(command) => t.swap(&t.path, &json!(words(command).filter(|w| !w.is_empty())?)),
        Value::Number(number) => t.swap(&t.path, &json!([number.to_string()])),
        Value::Object(map) if map.is_empty() => t.remove(&t.path),
        _ => None,
    }
}

/// The wait of a liveness probe becomes a startup probe.
pub(super) fn startup_probe(t: &Target) -> Edits {
    let (delay, container) = (t.value()?.as_i64()?, t.container()?);
    let probe = t.at(&t.up(1)?)?.as_object()?;
    let mut startup = serde_json::Map::new();
    for handler in ["httpGet", "tcpSocket", "exec", "grpc"] {
        startup.extend(probe.get(handler).map(|h| (handler.to_owned(), h.clone())));
    }
    startup.insert("failureThreshold".to_owned(), json!(delay.div_euclid(10) + 3));
    startup.insert("periodSeconds".to_owned(), json!(10));
    t.plain().then_some(())?;
    both(t.set(&container.child("startupProbe"), &Value::Object(startup)), t.remove(&t.path))
}

/// The last number in a text.
fn last_number(text: &str) -> Option<i64> {
    text.split(|c: char| !c.is_ascii_digit()).rfind(|w| !w.is_empty())?.parse().ok()
}

/// The grace period is longer than what runs before the end.
pub(super) fn grace_period(t: &Target) -> Edits {
    let value = t.value()?;
    let seconds = value.as_i64().or_else(|| last_number(value.as_str()?))?;
    t.set(&t.pod_spec()?.child("terminationGracePeriodSeconds"), &json!(seconds.checked_add(30)?))
}

/// A bare pod becomes the template of a Deployment, or of a Job when it is meant to end.
pub(super) fn wrap(t: &Target) -> Edits {
    let labels = t.object.value.pointer("/metadata/labels").filter(|l| l.as_object().is_some_and(|m| !m.is_empty()))?;
    let key = edit::entry(t.object, &Path::new("spec").0)?;
    let (sources, file) = (t.sources(), key.key_span.file);
    let text = &sources.get(file).text;
    let line = |offset: u32| text[..offset as usize].rfind('\n').map_or(0, |at| at + 1);
    if !t.plain()
        || line(key.key_span.start) != key.key_span.start as usize
        || t.object.value.pointer("/metadata/ownerReferences").is_some()
    {
        return None;
    }
    let ends = matches!(text_of(&t.object.value, "/spec/restartPolicy"), Some("Never" | "OnFailure"));
    let (version, kind) = if ends { ("batch/v1", "Job") } else { ("apps/v1", "Deployment") };
    let body = edit::whole_lines(sources, Span { end: edit::end_of(sources, &key.value)?, ..key.value.span });
    let after = edit::whole_lines(sources, key.key_span).end as usize;
    let selector = if ends { String::new() } else { edit::lines("selector", &json!({ "matchLabels": labels }), 2) };
    let template = edit::lines("template", &json!({ "metadata": { "labels": labels } }), 2);
    let mut out = both(t.set(&Path::new("apiVersion"), &json!(version)), t.set(&Path::new("kind"), &json!(kind)))?;
    out.push(Edit { span: Span::new(file, after, after), text: format!("{selector}{template}    spec:\n") });
    let mut at = after;
    for row in text.get(after..body.end as usize)?.split_inclusive('\n') {
        if !row.trim().is_empty() {
            out.push(Edit { span: Span::new(file, at, at), text: "    ".to_owned() });
        }
        at += row.len();
    }
    // The first line's indentation joins what is put before it.
    let first = out.iter().position(|e| e.text == "    ")?;
    let indent = out.remove(first);
    match out.iter_mut().find(|e| e.span == indent.span) {
        Some(before) => before.text.push_str(&indent.text),
        None => out.push(indent),
    }
    Some(out)
}

fn text_of<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    text(value, pointer)
}

/// A ReplicaSet becomes a Deployment.
pub(super) fn deployment(t: &Target) -> Edits {
    (t.object.id.kind == "ReplicaSet").then_some(())?;
    t.set(&Path::new("kind"), &json!("Deployment"))
}

/// An object with the fields of a Deployment becomes one.
pub(super) fn controller(t: &Target) -> Edits {
    both(t.set(&Path::new("apiVersion"), &json!("apps/v1")), t.set(&Path::new("kind"), &json!("Deployment")))
}

/// Pods of a volume for one node stop before new ones start.
pub(super) fn recreate(t: &Target) -> Edits {
    let strategy = Path::default().child("spec.strategy");
    if t.at(&strategy.child("rollingUpdate")).is_some() {
        return t.swap(&strategy, &json!({ "type": "Recreate" }));
    }
    t.set(&strategy.child("type"), &json!("Recreate"))
}

/// A node is chosen by its label.
pub(super) fn node_selector(t: &Target) -> Edits {
    let name = t.value()?.as_str()?;
    let spec = t.up(1)?;
    let selector = spec.child("nodeSelector");
    if t.at(&selector).is_some() {
        return None;
    }
    t.plain().then_some(())?;
    let line = edit::remove(t.sources(), t.object, &t.path)?;
    let [Edit { span, .. }] = &line[..] else { return None };
    let indent = t.sources().slice(*span).len() - t.sources().slice(*span).trim_start().len();
    Some(vec![Edit { span: *span, text: edit::lines("nodeSelector", &json!({ "kubernetes.io/hostname": name }), indent) }])
}

/// Names are looked up with fewer attempts.
pub(super) fn ndots(t: &Target) -> Edits {
    let options = t.pod_spec()?.child("dnsConfig.options");
    let option = json!({ "name": "ndots", "value": "2" });
    let known = t.at(&options).and_then(Value::as_array);
    match known.and_then(|list| list.iter().position(|o| text(o, "/name") == Some("ndots"))) {
        Some(at) => t.set(&options.index(at).child("value"), &json!("2")),
        None => t.set(&options, &json!([option])),
    }
}

/// An extended resource has a limit like its request, and the other way round.
pub(super) fn same_resource(t: &Target) -> Edits {
    let resources = t.container()?.child("resources");
    let Some(Step::Field(name) | Step::Key(name)) = t.path.0.last() else { return None };
    let of = |list: &str| Path([&resources.child(list).0[..], &[Step::Key(name.clone())]].concat());
    let (limit, request) = (t.at(&of("limits")), t.at(&of("requests")));
    match (limit, request) {
        (None, Some(request)) => t.set(&of("limits"), request),
        (Some(limit), _) => t.set(&of("requests"), limit),
        _ => None,
    }
}

/// The container may not send raw packets.
pub(super) fn no_raw_packets(t: &Target) -> Edits {
    t.set(&t.container()?.child("securityContext.capabilities.drop"), &json!(["NET_RAW"]))
}

/// AppArmor as the container runtime ships it, in a field or an annotation.
pub(super) fn app_armor(t: &Target) -> Edits {
    let value = if t.value()?.as_str() == Some("unconfined") { "runtime/default" } else { "RuntimeDefault" };
    t.set(&t.path, &json!(value))
}

/// A field of a pod's spec moves there.
pub(super) fn into_pod(t: &Target) -> Edits {
    let Some(Step::Field(name)) = t.path.0.last() else { return None };
    let spec = t.pod_spec()?;
    if t.path.0.len() > spec.0.len() || t.at(&spec.child(name)).is_some() {
        return None;
    }
    let first = match &edit::node(t.object, &spec.0)?.kind {
        crate::yaml::NodeKind::Mapping(entries) => entries.first()?.key_span,
        _ => return None,
    };
    let (Written::Literal(to), Written::Literal(_)) =
        (written(t.sources(), first)?, written(t.sources(), edit::entry(t.object, &t.path.0)?.key_span)?)
    else {
        return None;
    };
    let text = &t.sources().get(to.file).text;
    let line = text[..to.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let wanted = &text[line..to.start as usize];
    let gone = t.remove(&t.path)?;
    let [Edit { span, .. }] = &gone[..] else { return None };
    let block = t.sources().slice(*span);
    let have = block.len() - block.trim_start_matches(' ').len();
    if !wanted.chars().all(|c| c == ' ') || block.contains("{{") || wanted.len() < have {
        return None;
    }
    let more = " ".repeat(wanted.len() - have);
    let moved: String =
        block.split_inclusive('\n').map(|row| if row.trim().is_empty() { row.to_owned() } else { format!("{more}{row}") }).collect();
    let moved = if moved.ends_with('\n') { moved } else { format!("{moved}\n") };
    both(Some(vec![Edit { span: Span::new(to.file, line, line), text: moved }]), Some(gone))
}

/// A budget that lets some pods go.
pub(super) fn disruption_budget(t: &Target) -> Edits {
    t.plain().then_some(())?;
    let spec = json!({ "maxUnavailable": 1, "selector": { "matchLabels": t.own_labels()? } });
    let metadata = t.metadata(&t.object.id.name);
    t.append(&json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec }))
}

/// A policy for the pods of a workload that lets nothing in which it does not name: the ports they declare.
pub(super) fn network_policy(t: &Target) -> Edits {
    t.plain().then_some(())?;
    let spec = t.at(&t.pod_spec()?)?;
    let containers = spec.get("containers").and_then(Value::as_array)?;
    let ports = containers.iter().flat_map(|c| c.get("ports").and_then(Value::as_array).into_iter().flatten());
    let port = |p: &Value| Some(json!({ "port": p.get("containerPort")?, "protocol": p.get("protocol").cloned().unwrap_or(json!("TCP")) }));
    let ports: Vec<Value> = ports.filter_map(port).collect();
    let ingress = if ports.is_empty() { json!([]) } else { json!([{ "ports": ports }]) };
    let mut policy = json!({ "podSelector": { "matchLabels": t.own_labels()? }, "policyTypes": ["Ingress"] });
    policy["ingress"] = ingress;
    let metadata = t.metadata(&t.object.id.name);
    t.append(&json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": policy }))
}

/// The governing Service of a StatefulSet.
pub(super) fn headless_service(t: &Target) -> Edits {
    t.plain().then_some(())?;
    let name = t.value()?.as_str()?;
    let containers = t.at(&t.pod_spec()?.child("containers"))?.as_array()?;
    let ports = containers.iter().flat_map(|c| c.get("ports").and_then(Value::as_array).into_iter().flatten());
    let port = |p: &Value| {
        let number = p.get("containerPort")?;
        Some(json!({ "name": p.get("name").cloned().unwrap_or_else(|| json!(format!("tcp-{number}"))), "port": number }))
    };
    let ports: Vec<Value> = ports.filter_map(port).collect();
    let mut spec = json!({ "clusterIP": "None", "selector": t.own_labels()? });
    if !ports.is_empty() {
        spec["ports"] = json!(ports);
    }
    t.append(&json!({ "apiVersion": "v1", "kind": "Service", "metadata": t.metadata(name), "spec": spec }))
}

/// A literal secret of a variable moves into a Secret.
pub(super) fn secret(t: &Target) -> Edits {
    t.plain().then_some(())?;
    let item = t.item()?;
    let variable = t.at(&item)?;
    let (key, value) = (text(variable, "/name")?, text(variable, "/value")?);
    let name = format!("{}-env", t.object.id.name);
    if t.object.id.name.is_empty() || t.beside("Secret", &name).is_some() {
        return None;
    }
    let line = t.remove(&item.child("value"))?;
    let [Edit { span, .. }] = &line[..] else { return None };
    let row = t.sources().slice(*span);
    let indent = row.len() - row.trim_start().len();
    let from = edit::lines("valueFrom", &json!({ "secretKeyRef": { "key": key, "name": name } }), indent);
    let from = if row.ends_with('\n') { from } else { from.trim_end().to_owned() };
    let data =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": t.metadata(&name), "stringData": { key: value }, "type": "Opaque" });
    both(Some(vec![Edit { span: *span, text: from }]), t.append(&data))
}
