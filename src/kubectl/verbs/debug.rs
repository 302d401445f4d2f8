//! `kubectl debug`: a copy of a pod, or a pod on a node, with a container to look around. upstream: kubectl/pkg/cmd/debug

use serde_json::{Map, Value, json};

use super::super::api::DeleteOptions;
use super::super::flags::Flags;
use super::super::session::{Fault, Session};
use super::change::{map_mut, options};
use super::run::is_reference;
use super::{DryRun, Ended};
use crate::simulate::scheduler::json::{at, text};

/// Pairs such as `a=b,c=d`. upstream: pflag.StringToString
fn pairs(given: &[String]) -> Result<Vec<(String, String)>, Fault> {
    let one = |pair: &str| {
        let split = pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        split.ok_or_else(|| Fault::error(format!("{pair} must be formatted as key=value")))
    };
    given.iter().flat_map(|g| g.split(',')).map(one).collect()
}

fn checked(flags: &Flags, images: &[(String, String)]) -> Result<(), String> {
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
    if !flags.text("target").is_empty() && copy {
        return Err("--target is incompatible with --copy-to. Use --share-processes instead.".to_owned());
    }
    if flags.on("tty") && !flags.on("stdin") {
        return Err("-i/--stdin is required for containers with -t/--tty=true".to_owned());
    }
    match flags.text("profile") {
        "" | "general" => Ok(()),
        "legacy" | "baseline" | "restricted" | "netadmin" | "sysadmin" => Err("kval knows the profile \"general\" only".to_owned()),
        other => Err(format!("unknown profile: {other}")),
    }
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let images = pairs(flags.all("set-image"))?;
    let env: Vec<Value> = pairs(flags.all("env"))?.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    checked(flags, &images).map_err(Fault::error)?;
    let namespace = session.namespace(flags);
    let pods = session.resource("pods")?;
    for word in &flags.args {
        let (kind, name) = word.split_once('/').unwrap_or(("pods", word));
        let resource = session.resource(kind)?;
        let object = session.get(&resource, &namespace, name).map_err(Fault::from)?;
        let made = match resource.kind.as_str() {
            "Pod" if flags.text("copy-to").is_empty() => {
                let why = "kval does not add containers to a pod that runs; --copy-to makes a copy that has one";
                return Err(Fault::error(why).into());
            }
            "Pod" => copied(session, flags, &object, &images, &env)?,
            "Node" => on_node(session, flags, &object, &env),
            _ => {
                let version = if resource.group.is_empty() { format!("/{}", resource.version) } else { resource.api_version() };
                let quoted = crate::value::quote(format!("{version}, Kind={}", resource.kind).as_bytes());
                return Err(Fault::error(format!("{quoted} not supported by debug")).into());
            }
        };
        session.make(&pods, &namespace, &made, &options(flags, DryRun::No, "kubectl-debug"), DryRun::No).map_err(Fault::from)?;
        if flags.on("replace") {
            let now = DeleteOptions { grace_period: Some(0), ..DeleteOptions::default() };
            session.may("delete", &pods, &namespace, name).map_err(Fault::from)?;
            session.api.delete(&pods, &namespace, name, &now).map_err(Fault::from)?;
        }
        let attach = if flags.given("attach") { flags.on("attach") } else { flags.on("stdin") };
        if attach {
            let name = text(&made, &["metadata", "name"]);
            let why = format!("kval made pod/{name}, but cannot attach: no container runs in a simulated cluster");
            return Err(Fault::error(why).into());
        }
    }
    Ok(())
}

/// Five characters as the server's, that belong to an object and a time.
fn suffix(session: &Session<'_>, object: &Value) -> String {
    let alphabet = b"bcdfghjklmnpqrstvwxz2456789";
    let seed =
        text(object, &["metadata", "uid"]).bytes().fold(session.now() as u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
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
fn copied(session: &mut Session<'_>, flags: &Flags, pod: &Value, images: &[(String, String)], env: &[Value]) -> Result<Value, Fault> {
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
    let mut all = out["spec"]["containers"].as_array().cloned().unwrap_or_default();
    for container in &mut all {
        let own = images.iter().find(|(name, _)| container["name"] == name.as_str());
        if let Some((_, image)) = own.or_else(|| images.iter().find(|(name, _)| name == "*")) {
            container["image"] = image.as_str().into();
        }
    }
    let wanted = flags.text("container");
    let known = all.iter().position(|c| !wanted.is_empty() && c["name"] == wanted);
    let i = match known {
        Some(i) => i,
        None if flags.text("image").is_empty() && !images.is_empty() => {
            out["spec"]["containers"] = all.into();
            return Ok(out);
        }
        None if flags.text("image").is_empty() => return Err(Fault::error("you must specify image when creating new container")),
        None => {
            let name = if wanted.is_empty() { debugger(session, flags, pod) } else { wanted.to_owned() };
            all.push(json!({"name": name, "terminationMessagePolicy": "File"}));
            all.len() - 1
        }
    };
    for (j, container) in all.iter_mut().enumerate() {
        let Some(container) = container.as_object_mut() else { continue };
        if j == i {
            fill(container, flags, env);
        }
        for (flag, field) in [("keep-liveness", "livenessProbe"), ("keep-readiness", "readinessProbe"), ("keep-startup", "startupProbe")] {
            if !flags.on(flag) {
                container.remove(field);
            }
        }
    }
    if let Some(capabilities) = all.get_mut(i).and_then(|c| map_mut(c, &["securityContext", "capabilities"])) {
        let add = capabilities.entry("add").or_insert_with(|| json!([]));
        if let Some(add) = add.as_array_mut().filter(|a| !a.iter().any(|c| c == "SYS_PTRACE")) {
            add.push("SYS_PTRACE".into());
        }
    }
    out["spec"]["containers"] = all.into();
    if let Some(meta) = out["metadata"].as_object_mut() {
        for (flag, field) in [("keep-labels", "labels"), ("keep-annotations", "annotations")] {
            if !flags.on(flag) {
                meta.remove(field);
            }
        }
    }
    if let Some(spec) = out["spec"].as_object_mut() {
        if flags.off("keep-init-containers") {
            spec.remove("initContainers");
        }
        spec.entry("shareProcessNamespace").or_insert_with(|| true.into());
    }
    Ok(out)
}

/// The name of a container that nobody named, told as it is chosen.
fn debugger(session: &mut Session<'_>, flags: &Flags, pod: &Value) -> String {
    let name = format!("debugger-{}", suffix(session, pod));
    if !flags.on("quiet") {
        session.say(&format!("Defaulting debug container name to {name}."));
    }
    name
}

/// upstream: generateNodeDebugPod, mountRootPartition, useHostNamespaces
fn on_node(session: &mut Session<'_>, flags: &Flags, node: &Value, env: &[Value]) -> Value {
    let container = if flags.text("container").is_empty() { "debugger" } else { flags.text("container") };
    let on = text(node, &["metadata", "name"]);
    let name = format!("node-debugger-{on}-{}", suffix(session, node));
    if !flags.on("quiet") {
        session.say(&format!("Creating debugging pod {name} with container {container} on node {on}."));
    }
    let mut own = Map::from_iter([
        ("name".to_owned(), container.into()),
        ("terminationMessagePolicy".to_owned(), "File".into()),
        ("volumeMounts".to_owned(), json!([{"mountPath": "/host", "name": "host-root"}])),
    ]);
    fill(&mut own, flags, env);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "kubectl-debug"}},
        "spec": {
            "containers": [own],
            "hostIPC": true,
            "hostNetwork": true,
            "hostPID": true,
            "nodeName": on,
            "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}],
            "volumes": [{"hostPath": {"path": "/"}, "name": "host-root"}],
        },
    })
}
