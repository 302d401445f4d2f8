//! `kubectl set image|env|resources|selector|serviceaccount|subject`. upstream: kubectl/pkg/cmd/set

use serde_json::{Map, Value, json};

use super::super::api::PatchKind;
use super::super::flags::Flags;
use super::super::select::{Found, Selection, Wish};
use super::super::session::{Fault, Session};
use super::change::{TOGETHER, is_empty, map_mut, merge_diff, options, pod_spec_mut};
use super::create::label_selector;
use super::labels::pairs_of;
use super::{DryRun, Ended, dry, ended};
use crate::kube::names;
use crate::simulate::scheduler::json::{list, text};

/// What a change of a kind is told as.
#[derive(Clone, Copy)]
struct Telling {
    /// What is printed of a change.
    done: &'static str,
    /// What is printed of a change that the server refuses, before its sentence.
    failed: &'static str,
    /// An object that is as it should be is told of too.
    always: bool,
}

const IMAGE: Telling = Telling { done: "image updated", failed: "failed to patch image update to pod template: ", always: false };
const ENV: Telling = Telling { done: "env updated", failed: "failed to patch env update to pod template: ", always: false };
const RESOURCES: Telling =
    Telling { done: "resource requirements updated", failed: "failed to patch resources update to pod template ", always: false };
const SELECTOR: Telling = Telling { done: "selector updated", failed: "", always: true };
const ACCOUNT: Telling = Telling { done: "serviceaccount updated", failed: "failed to patch ServiceAccountName ", always: true };
const SUBJECT: Telling = Telling { done: "subjects updated", failed: "failed to patch subjects to rolebinding: ", always: false };

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let Some((what, args)) = flags.args.split_first() else {
        return Err(super::help::bare(session, "set").into());
    };
    let how = dry(flags)?;
    if flags.on("local") && how == DryRun::Server {
        return Err(Fault::error("cannot specify --local and --dry-run=server - did you mean --dry-run=client?").into());
    }
    if flags.on("all") && !flags.text("selector").is_empty() {
        return Err(Fault::error("cannot set --all and --selector at the same time").into());
    }
    match what.as_str() {
        "image" => image(session, flags, args, how),
        "env" => env(session, flags, args, how),
        "resources" | "resource" => resources(session, flags, args, how),
        "selector" => selector(session, flags, args, how),
        "serviceaccount" | "sa" => service_account(session, flags, args, how),
        "subject" => subject(session, flags, args, how),
        _ => Err(super::no_such_command("set", &flags.args).into()),
    }
}

/// The objects: the server's, or with `--local` those of files.
fn chosen(session: &mut Session<'_>, flags: &Flags, args: &[String]) -> Result<Selection, Fault> {
    let local = flags.on("local");
    if local && !args.is_empty() {
        return Err(Fault::error(
            "you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'",
        ));
    }
    session.select(flags, args, Wish { latest: !local, ..Wish::default() })
}

/// Changes each object and tells of those that changed. A change returns what is wrong with it; the rest of it counts.
fn each(
    session: &mut Session<'_>,
    flags: &Flags,
    args: &[String],
    how: DryRun,
    telling: Telling,
    mut change: impl FnMut(&Found, &mut Value) -> Result<Vec<String>, String>,
) -> Ended {
    let local = flags.on("local");
    let chosen = chosen(session, flags, args)?;
    let mut faults = chosen.faults;
    let options = options(flags, how, "kubectl-set");
    for some in chosen.found.chunks(TOGETHER) {
        let mut all = Vec::new();
        for one in some {
            let mut object = one.object.clone();
            let done = change(one, &mut object);
            let patch = merge_diff(&one.object, &object);
            all.push((one, object, patch, done));
        }
        if !local && how == DryRun::No {
            session.announce(
                Some(PatchKind::Merge),
                &options,
                all.iter().filter(|all| all.3.is_ok()).map(|(one, _, patch, _)| (*one, patch)),
            );
        }
        for (one, object, patch, done) in all {
            match done {
                Ok(wrong) => faults.extend(wrong.into_iter().map(Fault::error)),
                Err(why) => {
                    faults.push(Fault::error(why));
                    continue;
                }
            }
            if !telling.always && is_empty(&patch) {
                continue;
            }
            if local {
                session.tell(flags, &one.resource, &typed(object), telling.done, how)?;
                continue;
            }
            match session.send(one, &object, &patch, &options, how) {
                Ok(object) => session.tell(flags, &one.resource, &object, telling.done, how)?,
                Err(refused) if telling.failed.is_empty() => faults.push(refused.into()),
                Err(refused) => faults.push(Fault::error(format!("{}{}", telling.failed, refused.message))),
            }
        }
    }
    ended(faults)
}

/// An object of a file as Go's types print it: with the fields that are never left out.
fn typed(mut object: Value) -> Value {
    let kind = text(&object, &["kind"]).to_owned();
    let status = match kind.as_str() {
        "DaemonSet" => json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0}),
        "ReplicaSet" | "ReplicationController" => json!({"replicas": 0}),
        "StatefulSet" => json!({"availableReplicas": 0, "replicas": 0}),
        "Service" => json!({"loadBalancer": {}}),
        "Pod" | "Deployment" | "Job" | "CronJob" => json!({}),
        _ => return object,
    };
    let mut put = |path: &str, key: &str, value: Value| {
        if let Some(map) = object.pointer_mut(path).and_then(Value::as_object_mut) {
            map.entry(key.to_owned()).or_insert(value);
        }
    };
    put("", "status", status);
    match kind.as_str() {
        "Service" => {
            let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
                port.entry("targetPort").or_insert_with(|| 0.into());
            }
            return object;
        }
        "Deployment" => put("/spec", "strategy", json!({})),
        "DaemonSet" | "StatefulSet" => put("/spec", "updateStrategy", json!({})),
        "CronJob" => {
            put("/spec/jobTemplate", "metadata", json!({}));
            put("/spec/jobTemplate/spec/template", "metadata", json!({}));
        }
        _ => {}
    }
    put("/spec/template", "metadata", json!({}));
    if let Some(spec) = pod_spec_mut(&mut object) {
        for field in ["containers", "initContainers", "ephemeralContainers"] {
            for container in spec.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
                container.entry("resources").or_insert_with(|| json!({}));
            }
        }
    }
    object
}

/// What is said of an object that cannot be changed so. upstream: resource.Info.ObjectName
fn refusal(flags: &Flags, one: &Found, why: &str) -> String {
    let (group, kind) = (&one.resource.group, one.resource.kind.to_lowercase());
    match (flags.on("local"), group.is_empty()) {
        (false, _) => format!("{}/{} {why}", one.resource.name, one.name),
        (true, true) => format!("{kind}/{} {why}", one.name),
        (true, false) => format!("{kind}.{group}/{} {why}", one.name),
    }
}

fn no_pods(flags: &Flags, one: &Found) -> String {
    let kind = format!("*{}.{}", one.resource.version, one.resource.kind);
    refusal(flags, one, &format!("the object is not a pod or does not have a pod template: {kind}"))
}

fn no_objects(flags: &Flags, names: &[String]) -> bool {
    names.is_empty() && !flags.given("filename") && !flags.given("kustomize")
}

/// The containers of a pod that a flag chooses, the usual ones first. upstream: selectContainers
fn containers_mut<'a>(spec: &'a mut Value, wanted: &'a str) -> impl Iterator<Item = &'a mut Value> {
    let mut lists: Vec<(bool, &mut Value)> = spec
        .as_object_mut()
        .into_iter()
        .flatten()
        .filter_map(|(k, v)| matches!(k.as_str(), "containers" | "initContainers").then_some((k == "initContainers", v)))
        .collect();
    lists.sort_by_key(|(init, _)| *init);
    let all = lists.into_iter().flat_map(|(_, v)| v.as_array_mut().into_iter().flatten());
    all.filter(move |c| wanted.is_empty() || text(c, &["name"]) == wanted || matches_wildcard(wanted, text(c, &["name"])))
}

/// Whether a name fits a pattern in which `*` stands for anything. upstream: selectString
fn matches_wildcard(pattern: &str, name: &str) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return true };
    let Some(mut rest) = name.strip_prefix(first).and_then(|r| r.strip_suffix(last)) else { return false };
    for part in parts.get(1..parts.len() - 1).unwrap_or_default() {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

fn image(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let (names, changes) = pairs_of(args, "image")?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut wrong = Vec::new();
    for change in &changes {
        match change.split_once('=') {
            Some((name, image)) if !name.is_empty() => pairs.push((name.to_owned(), image.to_owned())),
            _ => wrong.push(change.as_str()),
        }
    }
    if !wrong.is_empty() {
        return Err(Fault::error(format!("invalid image format: {}", wrong.join(", "))).into());
    }
    if no_objects(flags, &names) {
        return Err(Fault::error(super::super::select::NOTHING_NAMED).into());
    }
    if pairs.is_empty() {
        // The objects are looked for first, so that a missing one is told.
        ended(chosen(session, flags, &names)?.faults)?;
        return Err(Fault::error("at least one image update is required").into());
    }
    if pairs.len() > 1 && pairs.iter().any(|(k, _)| k == "*") {
        return Err(
            Fault::error("all containers are already specified by *, but saw more than one container_name=container_image pairs").into()
        );
    }
    each(session, flags, &names, how, IMAGE, |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(flags, one))?;
        let mut missing = Vec::new();
        for (container, image) in &pairs {
            let mut found = false;
            for c in containers_mut(spec, "").filter(|c| container == "*" || text(c, &["name"]) == container) {
                c["image"] = image.clone().into();
                found = true;
            }
            if !found {
                missing.push(format!("unable to find container named \"{container}\""));
            }
        }
        Ok(missing)
    })
}

/// Where a variable's value comes from. upstream: envutil.GetEnvVarRefString
fn reference(source: &Value) -> String {
    let word = |path: &[&str]| text(source, path).to_owned();
    for (field, noun) in [("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")] {
        if source[field].is_object() {
            return format!("{noun} {}, key {}", word(&[field, "name"]), word(&[field, "key"]));
        }
    }
    if source["fieldRef"].is_object() {
        return format!("field path {}", word(&["fieldRef", "fieldPath"]));
    }
    if source["resourceFieldRef"].is_object() {
        let container = word(&["resourceFieldRef", "containerName"]);
        let container = if container.is_empty() { container } else { format!("{container}/") };
        return format!("resource field {container}{}", word(&["resourceFieldRef", "resource"]));
    }
    "invalid valueFrom".to_owned()
}

/// Variables to set and to remove. upstream: envutil.ParseEnv
fn variables(session: &Session<'_>, given: &[String]) -> Result<(Vec<Value>, Vec<String>), Fault> {
    let one = |name: &str, value: &str| if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) };
    let (mut set, mut removed) = (Vec::new(), Vec::new());
    for change in given {
        if change == "-" {
            let bytes = session.world.stdin().map_err(|e| Fault::error(e.message))?;
            let lines = String::from_utf8_lossy(&bytes).into_owned();
            let pairs = lines.lines().filter_map(|line| line.split('#').next()?.split_once('='));
            set.extend(pairs.map(|(name, value)| one(name, value)));
            continue;
        }
        match (change.split_once('='), change.strip_suffix('-')) {
            (Some((key, value)), _) => {
                let wrong = names::plain_env_name(key);
                if !wrong.is_empty() {
                    let quoted = crate::value::quote(key.as_bytes());
                    return Err(Fault::error(format!("{quoted} is not a valid key name: {}", wrong.join(";"))));
                }
                set.push(one(key, value));
            }
            (None, Some(key)) => removed.push(key.to_owned()),
            _ => return Err(Fault::error(format!("unknown environment variable: {change}"))),
        }
    }
    if set.iter().any(|v| removed.iter().any(|r| v["name"] == r.as_str())) {
        return Err(Fault::error("can not both modify and remove the same environment variable in the same command"));
    }
    Ok((set, removed))
}

/// The variables that the entries of a config map or secret become.
fn from_entries(session: &mut Session<'_>, flags: &Flags, from: &str) -> Result<Vec<Value>, Fault> {
    let mut out = Vec::new();
    let chosen = session.select(flags, &[from.to_owned()], Wish { latest: true, ..Wish::default() })?;
    if let Some(fault) = chosen.faults.into_iter().next() {
        return Err(fault);
    }
    let keys = flags.list("keys");
    for one in chosen.found {
        let field = match one.resource.kind.as_str() {
            "ConfigMap" => "configMapKeyRef",
            "Secret" => "secretKeyRef",
            _ => return Err(Fault::error("unsupported resource specified in --from")),
        };
        for key in one.object["data"].as_object().into_iter().flat_map(Map::keys).filter(|k| keys.is_empty() || keys.contains(k)) {
            let variable: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
            if variable != *key {
                session.warn(&format!("Warning: key {key} transferred to {variable}"));
            }
            out.push(json!({"name": variable, "valueFrom": {field: {"key": key, "name": one.name}}}));
        }
    }
    Ok(out)
}

/// Variables with changes; a new value stands where the old stood. upstream: updateEnv
fn changed(existing: &Value, set: &[Value], removed: &[String]) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let is_removed = |v: &Value| removed.iter().any(|r| v["name"] == r.as_str());
    for variable in existing.as_array().into_iter().flatten().filter(|v| !is_removed(v)) {
        match set.iter().rev().find(|s| s["name"] == variable["name"]) {
            Some(_) if out.iter().any(|o| o["name"] == variable["name"]) => {}
            Some(new) => out.push(new.clone()),
            None => out.push(variable.clone()),
        }
    }
    for new in set.iter().filter(|v| !is_removed(v)) {
        if !out.iter().any(|o| o["name"] == new["name"]) {
            out.push(new.clone());
        }
    }
    out
}

fn env(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let is_change = |a: &String| a.find('=').is_some_and(|i| i > 0) || a.ends_with('-');
    let start = args.iter().position(is_change).unwrap_or(args.len());
    let (names, changes) = args.split_at(start);
    if !changes.iter().all(is_change) {
        return Err(Fault::error(format!("all resources must be specified before environment changes: {}", args.join(" "))).into());
    }
    if no_objects(flags, names) {
        return Err(Fault::error("one or more resources must be specified as <resource> <name> or <resource>/<name>").into());
    }
    if flags.on("list") && !flags.text("output").is_empty() {
        return Err(Fault::error("--list and --output may not be specified together").into());
    }
    if flags.given("keys") && flags.text("from").is_empty() {
        return Err(Fault::error("when specifying --keys, a configmap or secret must be provided with --from").into());
    }
    let given: Vec<String> = flags.all("env").iter().chain(changes).cloned().collect();
    let (mut set, removed) = variables(session, &given)?;
    let from = flags.text("from").to_owned();
    if !from.is_empty() {
        set.extend(from_entries(session, flags, &from)?);
    }
    let prefix = flags.text("prefix");
    for variable in set.iter_mut().filter(|_| !prefix.is_empty()) {
        variable["name"] = format!("{prefix}{}", text(variable, &["name"])).into();
    }
    let wanted = if flags.text("containers").is_empty() { "*" } else { flags.text("containers") };
    if flags.on("list") {
        let chosen = chosen(session, flags, names)?;
        for one in chosen.found {
            let mut object = one.object.clone();
            let Some(spec) = pod_spec_mut(&mut object) else { continue };
            for c in containers_mut(spec, wanted) {
                session.say(&format!("# {} {}, container {}", one.resource.kind, one.name, text(c, &["name"])));
                for e in changed(&c["env"], &set, &removed) {
                    let name = text(&e, &["name"]);
                    session.say(&if e["valueFrom"].is_object() {
                        format!("# {name} from {}", reference(&e["valueFrom"]))
                    } else {
                        format!("{name}={}", text(&e, &["value"]))
                    });
                }
            }
        }
        return ended(chosen.faults);
    }
    let keep = flags.off("overwrite");
    let mut unmatched: Vec<String> = Vec::new();
    let done = each(session, flags, names, how, ENV, |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(flags, one))?;
        let mut found = false;
        for c in containers_mut(spec, wanted) {
            found = true;
            let known = |s: &&Value| list(c, &["env"]).iter().any(|e| e["name"] == s["name"]);
            if let Some(known) = set.iter().find(known).filter(|_| keep) {
                let name = text(known, &["name"]);
                let old = list(c, &["env"]).iter().find(|e| e["name"] == name).map_or("", |e| text(e, &["value"]));
                return Err(refusal(flags, one, &format!("'{name}' already has a value ({old}), and --overwrite is false")));
            }
            let all = changed(&c["env"], &set, &removed);
            if let Some(fields) = c.as_object_mut() {
                if all.is_empty() {
                    fields.remove("env");
                } else {
                    fields.insert("env".to_owned(), all.into());
                }
            }
        }
        if !found {
            unmatched.push(format!("Warning: {}/{} does not have any containers matching \"{wanted}\"", one.resource.kind, one.name));
        }
        Ok(Vec::new())
    });
    unmatched.iter().for_each(|w| session.warn(w));
    done
}

fn amounts(given: &str) -> Result<Map<String, Value>, Fault> {
    let mut out = Map::new();
    for part in given.split(',').filter(|p| !p.is_empty()) {
        let (name, amount) =
            part.split_once('=').ok_or_else(|| Fault::error(format!("Invalid argument syntax {part}, expected <resource>=<value>")))?;
        if crate::value::quantity::parse(amount).is_err() {
            return Err(Fault::error(crate::value::quantity::FORMAT_WRONG));
        }
        out.insert(name.to_owned(), crate::value::quantity::canonical(amount).into());
    }
    Ok(out)
}

fn resources(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let (limits, requests) = (amounts(flags.text("limits"))?, amounts(flags.text("requests"))?);
    if no_objects(flags, args) {
        return Err(Fault::error(super::super::select::NOTHING_NAMED).into());
    }
    if limits.is_empty() && requests.is_empty() {
        return Err(Fault::error("you must specify an update to requests or limits (in the form of --requests/--limits)").into());
    }
    let wanted = if flags.text("containers").is_empty() { "*" } else { flags.text("containers") };
    each(session, flags, args, how, RESOURCES, |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(flags, one))?;
        let mut found = false;
        for c in containers_mut(spec, wanted) {
            found = true;
            for (key, amounts) in [("limits", &limits), ("requests", &requests)] {
                if !amounts.is_empty()
                    && let Some(map) = map_mut(c, &["resources", key])
                {
                    map.extend(amounts.clone());
                }
            }
        }
        Ok(if found { Vec::new() } else { vec![format!("unable to find container named {wanted}")] })
    })
}

fn selector(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let Some((given, names)) = args.split_last() else {
        return Err(Fault::error("one selector is required").into());
    };
    let selector = label_selector(given)?;
    each(session, flags, names, how, SELECTOR, |one, object| {
        if !one.resource.is("", "services") {
            return Err("setting a selector is only supported for Services".to_owned());
        }
        let expressions = list(&selector, &["matchExpressions"]);
        if !expressions.is_empty() {
            let word = |e: &Value, key: &str| text(e, &[key]).to_owned();
            let values = |e: &Value| list(e, &["values"]).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
            let shown: Vec<String> =
                expressions.iter().map(|e| format!("{{{} {} [{}]}}", word(e, "key"), word(e, "operator"), values(e))).collect();
            return Err(format!("match expression [{}] not supported on this object", shown.join(" ")));
        }
        object["spec"]["selector"] = selector["matchLabels"].clone();
        Ok(Vec::new())
    })
}

fn service_account(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let Some((account, names)) = args.split_last() else {
        return Err(Fault::error("serviceaccount is required").into());
    };
    each(session, flags, names, how, ACCOUNT, |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(flags, one))?;
        spec["serviceAccountName"] = account.clone().into();
        if spec.get("serviceAccount").is_some() {
            spec["serviceAccount"] = account.clone().into();
        }
        Ok(Vec::new())
    })
}

/// The subjects that `--user`, `--group` and `--serviceaccount` name.
pub(super) fn subjects(flags: &Flags) -> Result<Vec<Value>, Fault> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let mut out = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        out.extend(flags.list(flag).iter().map(|name| json!({"apiGroup": GROUP, "kind": kind, "name": name})));
    }
    for account in flags.list("serviceaccount") {
        match account.split(':').collect::<Vec<_>>().as_slice() {
            [namespace, name] if !namespace.is_empty() && !name.is_empty() => {
                out.push(json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}));
            }
            _ => return Err(Fault::error("serviceaccount must be <namespace>:<name>")),
        }
    }
    Ok(out)
}

fn subject(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    if no_objects(flags, args) {
        return Err(Fault::error(super::super::select::NOTHING_NAMED).into());
    }
    let more = subjects(flags)?;
    if more.is_empty() {
        return Err(Fault::error("you must specify at least one value of user, group or serviceaccount").into());
    }
    each(session, flags, args, how, SUBJECT, |one, object| {
        if one.resource.group != "rbac.authorization.k8s.io" {
            return Err(refusal(flags, one, "setting subjects is only supported for RoleBinding/ClusterRoleBinding"));
        }
        let mut all: Vec<Value> = object["subjects"].as_array().cloned().unwrap_or_default();
        all.extend(more.iter().filter(|m| !object["subjects"].as_array().is_some_and(|a| a.contains(m))).cloned());
        object["subjects"] = all.into();
        Ok(Vec::new())
    })
}
