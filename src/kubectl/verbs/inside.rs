//! `kubectl logs`, `exec`, `attach`, `cp` and `port-forward`: what kubectl and the server say before a container has to
//! answer, which none does here. upstream: kubectl/pkg/cmd/logs, exec, attach, cp, portforward, kubectl/pkg/polymorphichelpers

use std::cmp::Reverse;

use serde_json::Value;

use super::super::api::Status;
use super::super::flags::Flags;
use super::super::labels;
use super::super::resources::Resource;
use super::super::session::{Fault, Session};
use super::super::times;
use super::{Ended, config};
use crate::simulate::scheduler::json::{at, int, list, text};

/// The annotation that names the container which is meant.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";
const LOGS_USAGE: &str =
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";
const LISTS: [(&str, &str, &str); 3] = [
    ("containers", "containerStatuses", ""),
    ("ephemeralContainers", "ephemeralContainerStatuses", " (ephem)"),
    ("initContainers", "initContainerStatuses", " (init)"),
];

/// Runs one of the verbs; each ends with a refusal, unless there is no pod to ask.
pub(super) fn run(session: &mut Session<'_>, flags: &Flags, verb: &str) -> Ended {
    match verb {
        "logs" if !logs(session, flags)? => return Ok(()),
        "logs" => {}
        "exec" => exec(session, flags)?,
        "attach" => attach(session, flags)?,
        "cp" => copy(session, flags)?,
        _ => port_forward(session, flags)?,
    }
    Err(Fault::error(config::not_simulated(verb)).into())
}

/// The names of all containers of a pod, as a sentence lists them. upstream: podcmd.AllContainerNames
fn all_names(pod: &Value) -> String {
    let of = |(field, _, mark): &(&str, &str, &str)| -> Vec<String> {
        list(pod, &["spec", field]).iter().map(|c| format!("{}{mark}", text(c, &["name"]))).collect()
    };
    LISTS.iter().flat_map(of).collect::<Vec<_>>().join(", ")
}

fn has(pod: &Value, name: &str) -> bool {
    LISTS.iter().any(|(field, ..)| list(pod, &["spec", field]).iter().any(|c| text(c, &["name"]) == name))
}

/// The container that is meant; a choice among several is told of. upstream: podcmd.FindOrDefaultContainerByName
fn container(session: &mut Session<'_>, flags: &Flags, pod: &Value, wanted: &str, strict: bool) -> Result<String, Fault> {
    let of = text(pod, &["metadata", "name"]);
    let chosen = text(pod, &["metadata", "annotations", DEFAULT_CONTAINER]);
    let mut name = wanted;
    if name.is_empty() && !chosen.is_empty() {
        if strict || has(pod, chosen) {
            name = chosen;
        } else {
            session.warn(&format!("Default container name {} not found in pod {of}", crate::value::quote(chosen.as_bytes())));
        }
    }
    if !name.is_empty() {
        let wrong = || Fault::error(format!("container {name} is not valid for pod {of} out of: {}", all_names(pod)));
        return if has(pod, name) { Ok(name.to_owned()) } else { Err(wrong()) };
    }
    let first = list(pod, &["spec", "containers"]).first().map_or("", |c| text(c, &["name"]));
    let several = LISTS.iter().map(|(field, ..)| list(pod, &["spec", field]).len()).sum::<usize>() > 1;
    if several && !flags.on("quiet") {
        session.warn(&format!("Defaulted container {} out of: {}", crate::value::quote(first.as_bytes()), all_names(pod)));
    }
    Ok(first.to_owned())
}

/// The object a word names; a name alone is a pod's.
fn named(session: &Session<'_>, flags: &Flags, word: &str) -> Result<(Resource, Value), Fault> {
    let (kind, name) = word.split_once('/').unwrap_or(("pods", word));
    let resource = session.resource(kind)?;
    let object = session.get(&resource, &session.namespace(flags), name)?;
    Ok((resource, object))
}

/// The pods an object chooses, with those first that are most use to `logs`. upstream: SelectorsForObject, GetPodList
fn pods_of(session: &Session<'_>, object: &Value, to: &str) -> Result<Vec<Value>, Fault> {
    let kind = text(object, &["kind"]);
    let version = text(object, &["apiVersion"]).rsplit('/').next().unwrap_or("");
    let selector = at(object, &["spec", "selector"]);
    let terms = match kind {
        "ReplicationController" | "Service" if selector.as_object().is_some_and(|s| !s.is_empty()) => {
            let equal = |(k, v): (&String, &Value)| format!("{k}={}", v.as_str().unwrap_or(""));
            selector.as_object().into_iter().flatten().map(equal).collect::<Vec<_>>().join(",")
        }
        "Service" => {
            let name = text(object, &["metadata", "name"]);
            let why = format!("invalid service '{name}': Service is defined without a selector");
            return Err(Fault::error(format!("cannot {to} *{version}.{kind}: {why}")));
        }
        "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Deployment" | "Job" => labels::format_selector(selector),
        _ => return Err(Fault::error(format!("cannot {to} *{version}.{kind}: selector for *{version}.{kind} not implemented"))),
    };
    let pods = session.resource("pods")?;
    let mut found = session.choose(&pods, text(object, &["metadata", "namespace"]), &terms, "")?;
    found.sort_by_cached_key(|p| {
        let ready = list(p, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == "Ready" && text(c, &["status"]) == "True");
        let phase = match text(p, &["status", "phase"]) {
            "Pending" => 0,
            "Running" => 2,
            _ => 1,
        };
        let restarts = list(p, &["status", "containerStatuses"]).iter().filter_map(|s| int(s, &["restartCount"])).max();
        let since = ready.map(|c| text(c, &["lastTransitionTime"]).to_owned()).unwrap_or_default();
        let born = text(p, &["metadata", "creationTimestamp"]).to_owned();
        (text(p, &["spec", "nodeName"]).is_empty(), Reverse(phase), ready.is_none(), since, Reverse(restarts), born)
    });
    if found.is_empty() {
        return Err(Fault::error("timed out waiting for the condition"));
    }
    Ok(found)
}

/// The pod behind a word, for verbs that attach. upstream: attachablePodForObject
fn attachable(session: &Session<'_>, flags: &Flags, word: &str) -> Result<Value, Fault> {
    let (resource, object) = named(session, flags, word)?;
    if resource.is("", "pods") {
        return Ok(object);
    }
    Ok(pods_of(session, &object, "attach to")?.swap_remove(0))
}

fn bad(message: String) -> Fault {
    Status::new(400, "BadRequest", message).into()
}

/// What the server refuses before it asks a kubelet.
fn has_host(pod: &Value) -> Result<(), Fault> {
    match text(pod, &["spec", "nodeName"]) {
        "" => Err(bad(format!("pod {} does not have a host assigned", text(pod, &["metadata", "name"])))),
        _ => Ok(()),
    }
}

fn status_of<'a>(pod: &'a Value, name: &str) -> &'a Value {
    let own = |(_, field, _): &(&str, &str, &str)| list(pod, &["status", field]).iter().find(|s| text(s, &["name"]) == name);
    LISTS.iter().find_map(own).unwrap_or(&Value::Null)
}

/// What the kubelet refuses of a container that never ran. upstream: pkg/kubelet.validateContainerLogStatus
fn has_log(pod: &Value, name: &str, previous: bool) -> Result<(), Fault> {
    let of = text(pod, &["metadata", "name"]);
    let status = status_of(pod, name);
    let ended = |at_: &Value| at(at_, &["terminated"]).is_object();
    let (state, last) = (at(status, &["state"]), at(status, &["lastState"]));
    let quoted = |t: &str| crate::value::quote(t.as_bytes());
    if previous && !ended(last) {
        return Err(bad(format!("previous terminated container {} in pod {} not found", quoted(name), quoted(of))));
    }
    if previous || at(state, &["running"]).is_object() || ended(state) || ended(last) {
        return Ok(());
    }
    let reason = match text(state, &["waiting", "reason"]) {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        "" => "ContainerCreating",
        other => other,
    };
    Err(bad(format!("container {} in pod {} is waiting to start: {reason}", quoted(name), quoted(of))))
}

/// Whether there is anything to ask for its log.
fn logs(session: &mut Session<'_>, flags: &Flags) -> Result<bool, Fault> {
    let selector = flags.text("selector").to_owned();
    match flags.args.len() {
        0 if selector.is_empty() => return Err(Fault::usage("logs", LOGS_USAGE)),
        1 if !selector.is_empty() => return Err(Fault::usage("logs", "only a selector (-l) or a POD name is allowed")),
        0..=2 => {}
        _ => return Err(Fault::usage("logs", LOGS_USAGE)),
    }
    let since = flags.text("since-time");
    if !since.is_empty() && times::parse(&Value::from(since)).is_none() {
        let (given, first) = (crate::value::quote(since.as_bytes()), "\"2006-01-02T15:04:05Z07:00\"");
        return Err(Fault::error(format!("parsing time {given} as {first}: cannot parse {given} as \"2006\"")));
    }
    let namespace = session.namespace(flags);
    let wanted = flags.args.get(1).map_or(flags.text("container"), String::as_str).to_owned();
    let objects = match flags.args.first() {
        None => {
            let pods = session.resource("pods")?;
            let found = session.choose(&pods, &namespace, &selector, "")?;
            if found.is_empty() {
                session.warn(&format!("No resources found in {namespace} namespace."));
                return Ok(false);
            }
            found
        }
        Some(word) => {
            let found = named(session, flags, word).map_err(|f| not_here(f, &namespace))?;
            vec![found.1]
        }
    };
    let wrong = if !since.is_empty() && flags.duration("since").is_some_and(|d| d != 0) {
        "at most one of `sinceTime` or `sinceSeconds` may be specified".to_owned()
    } else if flags.on("all-containers") && !wanted.is_empty() {
        format!("--all-containers=true should not be specified with container name {wanted}")
    } else if flags.given("container") && flags.args.len() == 2 {
        "only one of -c or an inline [CONTAINER] arg is allowed".to_owned()
    } else if flags.number("limit-bytes").is_some_and(|n| n < 0) {
        "--limit-bytes must be greater than 0".to_owned()
    } else if flags.duration("since").is_some_and(|d| d < 0) {
        "--since must be greater than 0".to_owned()
    } else if flags.number("tail").is_some_and(|n| n < -1) {
        "--tail must be greater than or equal to -1".to_owned()
    } else {
        String::new()
    };
    if !wrong.is_empty() {
        return Err(Fault::error(wrong));
    }
    for object in objects {
        let pods = match text(&object, &["kind"]) {
            "Pod" => vec![object],
            kind => {
                let version = text(&object, &["apiVersion"]).rsplit('/').next().unwrap_or("").to_owned();
                let from = format!("get the logs from *{version}.{kind}");
                let mut found = pods_of(session, &object, "get the logs from").map_err(|f| Fault {
                    lines: f.lines.into_iter().map(|l| l.replace(&format!("{from}: cannot {from}"), &from)).collect(),
                })?;
                if found.len() > 1 && !flags.on("all-pods") {
                    let name = text(&found[0], &["metadata", "name"]).to_owned();
                    session.warn(&format!("Found {} pods, using pod/{name}", found.len()));
                    found.truncate(1);
                }
                found
            }
        };
        for pod in pods {
            let names = if flags.on("all-containers") {
                let all = ["initContainers", "containers", "ephemeralContainers"];
                all.iter().flat_map(|f| list(&pod, &["spec", f])).map(|c| text(c, &["name"]).to_owned()).collect()
            } else {
                vec![container(session, flags, &pod, &wanted, false)?]
            };
            has_host(&pod)?;
            names.iter().try_for_each(|name| has_log(&pod, name, flags.on("previous")))?;
        }
    }
    Ok(true)
}

/// `logs` tells where it looked for a pod that is not there.
fn not_here(fault: Fault, namespace: &str) -> Fault {
    let line = |l: String| match l.strip_prefix("Error from server (NotFound): ") {
        Some(rest) => format!("error: error from server (NotFound): {rest} in namespace {}", crate::value::quote(namespace.as_bytes())),
        None => l,
    };
    Fault { lines: fault.lines.into_iter().map(line).collect() }
}

/// A pod whose containers may be entered.
fn live(session: &mut Session<'_>, flags: &Flags, pod: &Value, what: &str) -> Result<(), Fault> {
    let phase = text(pod, &["status", "phase"]);
    if matches!(phase, "Succeeded" | "Failed") {
        return Err(Fault::error(format!("cannot {what} a container in a completed pod; current phase is {phase}")));
    }
    let name = container(session, flags, pod, flags.text("container"), true)?;
    has_host(pod)?;
    if !at(status_of(pod, &name), &["state", "running"]).is_object() {
        let why = format!("unable to upgrade connection: container not found ({})", crate::value::quote(name.as_bytes()));
        return Err(Fault::error(why));
    }
    Ok(())
}

fn exec(session: &mut Session<'_>, flags: &Flags) -> Result<(), Fault> {
    if !flags.dashed && flags.args.len() > 1 {
        return Err(Fault::usage("exec", "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"));
    }
    let Some(word) = flags.args.first().filter(|_| !flags.given("filename")) else {
        let nothing = "pod, type/name or --filename must be specified";
        return if flags.given("filename") { Ok(()) } else { Err(Fault::error(nothing)) };
    };
    if flags.rest.is_empty() {
        return Err(Fault::error("you must specify at least one command for the container"));
    }
    let pod = attachable(session, flags, word)?;
    live(session, flags, &pod, "exec into")
}

fn attach(session: &mut Session<'_>, flags: &Flags) -> Result<(), Fault> {
    let word = match flags.args.as_slice() {
        [] => return Err(Fault::error("at least 1 argument is required for attach")),
        [word] => word.clone(),
        [kind, name] => format!("{kind}/{name}"),
        many => {
            let all = many.join(" ");
            return Err(Fault::error(format!("expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {}: [{all}]", many.len())));
        }
    };
    let pod = attachable(session, flags, &word)?;
    live(session, flags, &pod, "attach")
}

/// The pod of `[[namespace/]pod:]path`, and the path. upstream: extractFileSpec
fn place(word: &str) -> Result<(String, String), Fault> {
    let wrong = || Fault::error("filespec must match the canonical format: [[namespace/]pod:]file/path");
    match word.split_once(':') {
        None => Ok((String::new(), word.to_owned())),
        Some((pod, path)) if !pod.is_empty() && pod.matches('/').count() < 2 => Ok((pod.to_owned(), path.to_owned())),
        Some(_) => Err(wrong()),
    }
}

fn copy(session: &mut Session<'_>, flags: &Flags) -> Result<(), Fault> {
    let [from, to] = flags.args.as_slice() else { return Err(Fault::error("source and destination are required")) };
    let (from, to) = (place(from)?, place(to)?);
    let pod = match (from.0.is_empty(), to.0.is_empty()) {
        (false, false) => return Err(Fault::error("one of src or dest must be a local file specification")),
        _ if from.1.is_empty() || to.1.is_empty() => return Err(Fault::error("filepath can not be empty")),
        (true, true) => return Err(Fault::error("one of src or dest must be a remote file specification")),
        (false, true) => from.0,
        (true, false) if session.world.kind(&from.1).is_err() => {
            return Err(Fault::error(format!("{} doesn't exist in local filesystem", from.1)));
        }
        (true, false) => to.0,
    };
    let (namespace, name) = match pod.split_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
        None => (session.namespace(flags), pod),
    };
    let pods = session.resource("pods")?;
    let pod = session.get(&pods, &namespace, &name)?;
    live(session, flags, &pod, "exec into")
}

fn port_forward(session: &mut Session<'_>, flags: &Flags) -> Result<(), Fault> {
    let Some((word, ports)) = flags.args.split_first().filter(|(_, ports)| !ports.is_empty()) else {
        return Err(Fault::usage("port-forward", "TYPE/NAME and list of ports are required for port-forward"));
    };
    let (resource, object) = named(session, flags, word)?;
    let is_service = resource.is("", "services");
    let pod = attachable(session, flags, word)?;
    let declared: Vec<&Value> = list(&pod, &["spec", "containers"]).iter().flat_map(|c| list(c, &["ports"])).collect();
    for port in ports {
        let remote = port.rsplit(':').next().unwrap_or("");
        if remote.is_empty() {
            return Err(Fault::error("remote port cannot be empty"));
        }
        let (number, of) = (remote.parse::<i64>().ok(), text(if is_service { &object } else { &pod }, &["metadata", "name"]));
        let known = match number {
            Some(n) if is_service => list(&object, &["spec", "ports"]).iter().any(|p| int(p, &["port"]) == Some(n)),
            Some(_) => true,
            None if is_service => list(&object, &["spec", "ports"]).iter().any(|p| text(p, &["name"]) == remote),
            None => declared.iter().any(|p| text(p, &["name"]) == remote),
        };
        if !known {
            let kind = if is_service { "Service" } else { "Pod" };
            return Err(Fault::error(match number {
                Some(n) => format!("Service {of} does not have a service port {n}"),
                None => format!("{kind} '{of}' does not have a named port '{remote}'"),
            }));
        }
    }
    let phase = text(&pod, &["status", "phase"]);
    if phase != "Running" {
        return Err(Fault::error(format!("unable to forward port because pod is not running. Current status={phase}")));
    }
    Ok(())
}
