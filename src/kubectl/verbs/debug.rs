//! `kubectl debug`: a container to look around with, in a pod that runs, a copy of it, or a pod on a node. upstream:
//! kubectl/pkg/cmd/debug

use serde_json::{Map, Value, json};

use super::super::api::{DeleteOptions, PatchKind, Target, WriteOptions};
use super::super::flags::Flags;
use super::super::resources::Resource;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::options;
use super::debug_profile::{self, PROFILES, Style};
use super::run::is_reference;
use super::{DryRun, Ended};
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::patch;
use crate::simulate::scheduler::json::{at, int, list, text};

/// How long the start of a container is waited for.
const PATIENCE: i64 = 300 * SECOND;
/// What a profile's capabilities may come to.
const NOT_ROOT: &str = "Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using \"--custom\" with a custom profile that specifies \"securityContext.runAsUser: 0\".";
/// What is said of the profile that is going.
const LEGACY: &str = "--profile=legacy is deprecated and planned to be removed in v1.39. It is recommended to specify other profile, for example \"--profile=general\".";

/// Pairs such as `a=b,c=d`. upstream: pflag.StringToString
fn pairs(given: &[String]) -> Result<Vec<(String, String)>, Fault> {
    let one = |pair: &str| {
        let split = pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        split.ok_or_else(|| Fault::error(format!("{pair} must be formatted as key=value")))
    };
    given.iter().flat_map(|g| g.split(',')).map(one).collect()
}

/// The part of a container that `--custom` names.
fn custom(session: &Session<'_>, flags: &Flags) -> Result<Value, Fault> {
    let path = flags.text("custom");
    if path.is_empty() {
        return Ok(Value::Null);
    }
    let bytes = session.world.read(path);
    let bytes = bytes.map_err(|_| {
        Fault::error(format!("must pass a container spec json file for custom profile: open {path}: no such file or directory"))
    })?;
    let wrong = |why: &str| Fault::error(format!("{path} does not contain a valid container spec: {why}"));
    let value = crate::yaml::decode(&bytes).map_err(|e| wrong(&e.message))?;
    let json = crate::value::json::to_json(&value).map_err(|e| wrong(&e))?;
    let value: Value = serde_json::from_slice(&json).map_err(|e| wrong(&e.to_string()))?;
    let Some(fields) = value.as_object() else { return Err(wrong("it is no object")) };
    if ["name", "command", "image", "lifecycle", "volumeDevices"]
        .iter()
        .any(|f| fields.get(*f).is_some_and(|v| *v != json!([]) && *v != ""))
    {
        return Err(Fault::error("name, command, image, lifecycle and volume devices are not modifiable via custom profile"));
    }
    Ok(value)
}

fn profile(flags: &Flags) -> &str {
    if flags.given("profile") { flags.text("profile") } else { "general" }
}

fn checked(session: &mut Session<'_>, flags: &Flags, images: &[(String, String)]) -> Result<(), String> {
    let (image, copy) = (flags.text("image"), !flags.text("copy-to").is_empty());
    let quoted = |text: &str| crate::value::quote(text.as_bytes());
    if flags.on("attach") && image.is_empty() && flags.text("container").is_empty() {
        return Err("you must specify --container or create a new container using --image in order to attach.".to_owned());
    }
    if copy {
        if image.is_empty() && images.is_empty() && flags.rest.is_empty() {
            return Err("you must specify --image, --set-image or command arguments.".to_owned());
        }
        if !flags.rest.is_empty() && flags.text("container").is_empty() && image.is_empty() {
            return Err("you must specify an existing container or a new image when specifying args.".to_owned());
        }
    } else {
        for (flag, given) in [("replace", flags.on("replace")), ("same-node", flags.on("same-node")), ("set-image", !images.is_empty())] {
            if given {
                return Err(format!("--{flag} may only be used with --copy-to."));
            }
        }
        if image.is_empty() {
            return Err("you must specify --image when not using --copy-to.".to_owned());
        }
    }
    if !image.is_empty() && !is_reference(image) {
        return Err(format!("invalid image name {}: invalid reference format", quoted(image)));
    }
    if flags.args.is_empty() && !flags.given("filename") {
        return Err("NAME or filename is required for debug".to_owned());
    }
    let policy = flags.text("image-pull-policy");
    if !matches!(policy, "" | "Always" | "IfNotPresent" | "Never") {
        return Err(format!("invalid image pull policy: {policy}"));
    }
    if let Some((name, image)) = images.iter().find(|(_, image)| !is_reference(image)) {
        return Err(format!("invalid image name {} for container {}: invalid reference format", quoted(image), quoted(name)));
    }
    let target = flags.text("target");
    if !target.is_empty() {
        if copy {
            return Err("--target is incompatible with --copy-to. Use --share-processes instead.".to_owned());
        }
        if !flags.on("quiet") {
            session.say(&format!("Targeting container {}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.", quoted(target)));
        }
    }
    if flags.on("tty") && !flags.on("stdin") {
        return Err("-i/--stdin is required for containers with -t/--tty=true".to_owned());
    }
    Ok(())
}

/// What the command line asks for.
struct Asked<'a> {
    flags: &'a Flags,
    images: Vec<(String, String)>,
    env: Vec<Value>,
    custom: Value,
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let images = pairs(flags.all("set-image"))?;
    let env: Vec<Value> = pairs(flags.all("env"))?.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    if !PROFILES.contains(&profile(flags)) {
        return Err(Fault::error(format!("unknown profile: {}", profile(flags))).into());
    }
    let asked = Asked { flags, custom: custom(session, flags)?, images, env };
    checked(session, flags, &asked.images).map_err(Fault::error)?;
    if profile(flags) == "legacy" {
        session.warn(LEGACY);
    }
    let namespace = session.namespace(flags);
    if flags.given("filename") {
        for found in session.select(flags, &[], Wish::default())?.found {
            one(session, &asked, &namespace, &found.resource, &found.object)?;
        }
    }
    for word in &flags.args {
        let (kind, name) = word.split_once('/').unwrap_or(("pods", word));
        let resource = session.resource(kind)?;
        let object = session.get(&resource, &namespace, name).map_err(Fault::from)?;
        one(session, &asked, &namespace, &resource, &object)?;
    }
    Ok(())
}

/// Makes what looks at one object, and would look.
fn one(session: &mut Session<'_>, asked: &Asked<'_>, namespace: &str, resource: &Resource, object: &Value) -> Result<(), Fault> {
    let flags = asked.flags;
    let pods = session.resource("pods")?;
    let (made, container) = match resource.kind.as_str() {
        "Pod" if flags.text("copy-to").is_empty() => added(session, asked, &pods, object)?,
        "Pod" => {
            let (copy, container) = copied(session, asked, object)?;
            warn_user(session, &copy, &container);
            (session.make(&pods, namespace, &copy, &options(flags, DryRun::No, "kubectl-debug"), DryRun::No)?, container)
        }
        "Node" => {
            let (pod, container) = on_node(session, asked, object);
            (session.make(&pods, namespace, &pod, &options(flags, DryRun::No, "kubectl-debug"), DryRun::No)?, container)
        }
        _ => {
            let version = if resource.group.is_empty() { format!("/{}", resource.version) } else { resource.api_version() };
            let quoted = crate::value::quote(format!("{version}, Kind={}", resource.kind).as_bytes());
            return Err(Fault::error(format!("{quoted} not supported by debug")));
        }
    };
    if flags.on("replace") && resource.kind == "Pod" {
        let name = text(object, &["metadata", "name"]);
        let now = DeleteOptions { grace_period: Some(0), ..DeleteOptions::default() };
        session.may("delete", &pods, namespace, name)?;
        session.api.delete(&pods, namespace, name, &now)?;
    }
    let attach = if flags.given("attach") { flags.on("attach") } else { flags.on("stdin") };
    if attach && !container.is_empty() {
        let name = text(&made, &["metadata", "name"]).to_owned();
        let home = text(&made, &["metadata", "namespace"]).to_owned();
        started(session, flags, &pods, (&home, &name), &container);
        let why = format!("kval made container {container} of pod/{name}, but cannot attach: no container runs in a simulated cluster");
        return Err(Fault::error(why));
    }
    Ok(())
}

/// Waits until a container has started, or nothing comes any more. upstream: waitForContainer
fn started(session: &mut Session<'_>, flags: &Flags, pods: &Resource, (namespace, name): (&str, &str), container: &str) {
    let deadline = session.now() + PATIENCE;
    let mut told = String::new();
    loop {
        let Ok(pod) = session.get(pods, namespace, name) else { return };
        let lists = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
        let status = lists.iter().flat_map(|f| list(&pod, &["status", f])).find(|s| text(s, &["name"]) == container);
        let state = status.map_or(&Value::Null, |s| at(s, &["state"]));
        if at(state, &["running"]).is_object() || at(state, &["terminated"]).is_object() {
            return;
        }
        let waits = text(state, &["waiting", "message"]);
        if !waits.is_empty() && waits != told && !flags.on("quiet") {
            session.warn(&format!("Warning: container {container}: {waits}"));
        }
        waits.clone_into(&mut told);
        if !session.api.advance(deadline) {
            return;
        }
    }
}

/// A pod that runs as another user than root may not do what its new container should. upstream: displayWarning
fn warn_user(session: &mut Session<'_>, pod: &Value, container: &str) {
    let mut pod = pod.clone();
    let not_root = int(&pod, &["spec", "securityContext", "runAsUser"]).is_some_and(|u| u != 0);
    let Some(container) = debug_profile::container_mut(&mut pod, container) else { return };
    let context = at(container, &["securityContext"]);
    let powers = at(context, &["privileged"]) == true || !list(context, &["capabilities", "add"]).is_empty();
    if not_root && powers && int(context, &["runAsUser"]) != Some(0) {
        session.warn(NOT_ROOT);
    }
}

/// Adds a container to a pod that runs. upstream: debugByEphemeralContainer
fn added(session: &mut Session<'_>, asked: &Asked<'_>, pods: &Resource, pod: &Value) -> Result<(Value, String), Fault> {
    let flags = asked.flags;
    let name = container_name(session, flags, pod);
    let mut own = Map::from_iter([("name".to_owned(), name.as_str().into()), ("terminationMessagePolicy".to_owned(), "File".into())]);
    fill(&mut own, flags, &asked.env);
    if !flags.text("target").is_empty() {
        own.insert("targetContainerName".to_owned(), flags.text("target").into());
    }
    let mut after = json!({"spec": {"ephemeralContainers": [own]}});
    debug_profile::apply(profile(flags), Style::Ephemeral, &mut after, &name, flags);
    customized(&mut after, &name, asked);
    after["spec"]["securityContext"] = at(pod, &["spec", "securityContext"]).clone();
    warn_user(session, &after, &name);
    let change = json!({"spec": {"ephemeralContainers": after["spec"]["ephemeralContainers"].take()}});
    let (namespace, of) = (text(pod, &["metadata", "namespace"]), text(pod, &["metadata", "name"]));
    session.may("patch", pods, namespace, of)?;
    let target = Target { resource: pods, namespace, name: of };
    let how = WriteOptions { subresource: "ephemeralcontainers".to_owned(), ..options(flags, DryRun::No, "kubectl-debug") };
    let done = session.api.patch(&target, PatchKind::Strategic, &change, &how);
    session.hear();
    Ok((done?, name))
}

/// Five characters as the server's, that belong to an object and a time, and the `n`th of them.
fn suffix(session: &Session<'_>, object: &Value, n: u64) -> String {
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let seed =
        text(object, &["metadata", "uid"]).bytes().fold(session.now() as u64 ^ n, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (0..5u32).map(|i| char::from(alphabet[((seed >> (i * 8 + 11)) % 27) as usize])).collect()
}

/// What the command line says of a container.
fn fill(container: &mut Map<String, Value>, flags: &Flags, env: &[Value]) {
    if !flags.rest.is_empty() {
        container.remove("args");
        container.insert(if flags.on("arguments-only") { "args" } else { "command" }.to_owned(), flags.rest.clone().into());
    }
    if !env.is_empty() {
        container.insert("env".to_owned(), env.to_vec().into());
    }
    for (flag, field) in [("image", "image"), ("image-pull-policy", "imagePullPolicy")] {
        if !flags.text(flag).is_empty() {
            container.insert(field.to_owned(), flags.text(flag).into());
        }
    }
    for flag in ["stdin", "tty"] {
        container.remove(flag);
        if flags.on(flag) {
            container.insert(flag.to_owned(), true.into());
        }
    }
}

/// upstream: generatePodCopyWithDebugContainer
fn copied(session: &mut Session<'_>, asked: &Asked<'_>, pod: &Value) -> Result<(Value, String), Fault> {
    let (flags, images) = (asked.flags, &asked.images);
    let mut out = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": flags.text("copy-to"), "namespace": at(pod, &["metadata", "namespace"])},
        "spec": at(pod, &["spec"]),
    });
    for field in ["labels", "annotations"] {
        if at(pod, &["metadata", field]).is_object() {
            out["metadata"][field] = at(pod, &["metadata", field]).clone();
        }
    }
    if let Some(spec) = out["spec"].as_object_mut() {
        spec.remove("ephemeralContainers");
        if flags.given("share-processes") {
            spec.insert("shareProcessNamespace".to_owned(), flags.on("share-processes").into());
        }
        if !flags.on("same-node") {
            spec.remove("nodeName");
        }
    }
    for container in out["spec"]["containers"].as_array_mut().into_iter().flatten() {
        let own = images.iter().rfind(|(name, _)| container["name"] == name.as_str());
        if let Some((_, image)) = own.or_else(|| images.iter().rfind(|(name, _)| name == "*")) {
            container["image"] = image.as_str().into();
        }
    }
    let wanted = flags.text("container");
    let known = !wanted.is_empty() && debug_profile::container_mut(&mut out, wanted).is_some();
    let name = match known {
        true => wanted.to_owned(),
        false if flags.text("image").is_empty() && !images.is_empty() => return Ok((out, String::new())),
        false if flags.text("image").is_empty() => return Err(Fault::error("you must specify image when creating new container")),
        false => {
            let name = container_name(session, flags, &out);
            let new = json!({"name": name, "terminationMessagePolicy": "File"});
            out["spec"]["containers"].as_array_mut().into_iter().for_each(|all| all.push(new.clone()));
            name
        }
    };
    if let Some(container) = debug_profile::container_mut(&mut out, &name).and_then(Value::as_object_mut) {
        fill(container, flags, &asked.env);
    }
    debug_profile::apply(profile(flags), Style::Copy, &mut out, &name, flags);
    customized(&mut out, &name, asked);
    Ok((out, name))
}

/// The parts of `--custom` come last.
fn customized(pod: &mut Value, name: &str, asked: &Asked<'_>) {
    if let Some(container) = debug_profile::container_mut(pod, name).filter(|_| asked.custom.is_object()) {
        patch::strategic_merge(container, &asked.custom);
    }
}

/// The name of the new container; one that nobody named is told as it is chosen.
fn container_name(session: &mut Session<'_>, flags: &Flags, pod: &Value) -> String {
    if !flags.text("container").is_empty() {
        return flags.text("container").to_owned();
    }
    let names = (0..).map(|n| format!("debugger-{}", suffix(session, pod, n)));
    let name = names.into_iter().find(|n| debug_profile::container_mut(&mut pod.clone(), n).is_none()).unwrap_or_default();
    if !flags.on("quiet") {
        session.say(&format!("Defaulting debug container name to {name}."));
    }
    name
}

/// upstream: generateNodeDebugPod
fn on_node(session: &mut Session<'_>, asked: &Asked<'_>, node: &Value) -> (Value, String) {
    let flags = asked.flags;
    let container = if flags.text("container").is_empty() { "debugger" } else { flags.text("container") };
    let on = text(node, &["metadata", "name"]);
    let name = format!("node-debugger-{on}-{}", suffix(session, node, 0));
    if !flags.on("quiet") {
        session.say(&format!("Creating debugging pod {name} with container {container} on node {on}."));
    }
    let mut own = Map::from_iter([("name".to_owned(), container.into()), ("terminationMessagePolicy".to_owned(), "File".into())]);
    fill(&mut own, flags, &asked.env);
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "kubectl-debug"}},
        "spec": {"containers": [own], "nodeName": on, "restartPolicy": "Never", "tolerations": [{"operator": "Exists"}]},
    });
    debug_profile::apply(profile(flags), Style::Node, &mut pod, container, flags);
    customized(&mut pod, container, asked);
    (pod, container.to_owned())
}
