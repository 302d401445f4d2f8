//! `kubectl set image|env|resources|selector|serviceaccount|subject`. upstream: kubectl/pkg/cmd/set

use serde_json::{Map, Value, json};

use super::super::flags::Flags;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::change::{is_empty, map_mut, merge_diff, options, pod_spec_mut};
use super::{DryRun, Ended, dry, ended};
use crate::simulate::scheduler::json::{list, text};

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let Some((what, args)) = flags.args.split_first() else {
        return Err(Fault::error("set what? There is: env, image, resources, selector, serviceaccount, subject").into());
    };
    let how = dry(flags)?;
    match what.as_str() {
        "image" => image(session, flags, args, how),
        "env" => env(session, flags, args, how),
        "resources" | "resource" => resources(session, flags, args, how),
        "selector" => selector(session, flags, args, how),
        "serviceaccount" | "sa" => service_account(session, flags, args, how),
        "subject" => subject(session, flags, args, how),
        other => Err(Fault::error(format!("unknown command \"{other}\" for \"kubectl set\"")).into()),
    }
}

/// Arguments that name objects, and those that are changes.
fn split(args: &[String], is_change: impl Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    args.iter().cloned().partition(|a| !is_change(a))
}

fn latest() -> Wish {
    Wish { latest: true, ..Wish::default() }
}

/// Changes each object and tells of those that changed.
fn each(
    session: &mut Session<'_>,
    flags: &Flags,
    args: &[String],
    how: DryRun,
    done: &str,
    mut change: impl FnMut(&Found, &mut Value) -> Result<(), String>,
) -> Ended {
    let chosen = session.select(flags, args, latest())?;
    let mut faults = chosen.faults;
    for one in chosen.found {
        let mut object = one.object.clone();
        if let Err(why) = change(&one, &mut object) {
            faults.push(Fault::error(why));
            continue;
        }
        if is_empty(&merge_diff(&one.object, &object)) {
            continue;
        }
        match session.rewrite(&one, &object, &options(flags, how, "kubectl-set"), how) {
            Ok(object) => session.tell(flags, &one.resource, &object, done, how)?,
            Err(refused) => faults.push(Fault::error(format!(
                "failed to patch {} update to pod template: {}",
                done.trim_end_matches(" updated"),
                refused.message
            ))),
        }
    }
    ended(faults)
}

fn no_pods(one: &Found) -> String {
    format!("the object is not a pod or does not have a pod template: {}", one.resource.kind)
}

fn image(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let (names, changes) = split(args, |a| a.contains('='));
    if names.is_empty() && !flags.given("filename") {
        return Err(Fault::error("one or more resources must be specified as <resource> <name> or <resource>/<name>").into());
    }
    let pairs: Vec<(String, String)> =
        changes.iter().filter_map(|c| c.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()))).collect();
    if pairs.is_empty() {
        // The objects are looked for first, so that a missing one is told.
        return Err(Fault::error("at least one image update is required").into());
    }
    if pairs.len() > 1 && pairs.iter().any(|(k, _)| k == "*") {
        return Err(
            Fault::error("all containers are already specified by *, but saw more than one container_name=container_image pairs").into()
        );
    }
    each(session, flags, &names, how, "image updated", |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(one))?;
        let mut missing = Vec::new();
        for (container, image) in &pairs {
            let mut found = false;
            for key in ["containers", "initContainers"] {
                for c in spec[key].as_array_mut().into_iter().flatten() {
                    if container == "*" || c["name"] == container.as_str() {
                        c["image"] = image.clone().into();
                        found = true;
                    }
                }
            }
            if !found {
                missing.push(format!("unable to find container named \"{container}\""));
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(missing.join("\nerror: ")) }
    })
}

fn env(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let (names, mut changes) = split(args, |a| a.contains('=') || (a.ends_with('-') && a.len() > 1));
    changes.extend(flags.all("env").iter().cloned());
    if names.is_empty() && !flags.given("filename") {
        return Err(Fault::error("one or more resources must be specified as <resource> <name> or <resource>/<name>").into());
    }
    if flags.on("list") {
        let chosen = session.select(flags, &names, latest())?;
        for one in &chosen.found {
            let mut object = one.object.clone();
            let Some(spec) = pod_spec_mut(&mut object) else { continue };
            for c in list(spec, &["containers"]) {
                session.say(&format!("# {} {}, container {}", one.resource.kind, one.name, text(c, &["name"])));
                for e in list(c, &["env"]) {
                    if e["valueFrom"].is_object() {
                        session.say(&format!(
                            "# {} from {}",
                            text(e, &["name"]),
                            e["valueFrom"].as_object().and_then(|o| o.keys().next()).map_or("", String::as_str)
                        ));
                    } else {
                        session.say(&format!("{}={}", text(e, &["name"]), text(e, &["value"])));
                    }
                }
            }
        }
        return ended(chosen.faults);
    }
    let mut added: Vec<Value> = Vec::new();
    let from = flags.text("from").to_owned();
    if !from.is_empty() {
        let (kind, name) = from.split_once('/').ok_or_else(|| Fault::error("--from must be in resource/name form"))?;
        let source = session.resource(kind)?;
        let namespace = session.namespace(flags);
        let object = session.get(&source, &namespace, name).map_err(Fault::from)?;
        let reference = match source.kind.as_str() {
            "ConfigMap" => "configMapKeyRef",
            "Secret" => "secretKeyRef",
            _ => return Err(Fault::error(format!("unsupported resource specified in --from: {from}")).into()),
        };
        let keys = flags.list("keys");
        for key in object["data"].as_object().into_iter().flat_map(Map::keys).filter(|k| keys.is_empty() || keys.contains(k)) {
            let variable: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
            added
                .push(json!({"name": format!("{}{variable}", flags.text("prefix")), "valueFrom": {reference: {"key": key, "name": name}}}));
        }
    }
    let mut removed = Vec::new();
    for change in &changes {
        match (change.split_once('='), change.strip_suffix('-')) {
            (Some((key, value)), _) => added.push(json!({"name": key, "value": value})),
            (None, Some(key)) => removed.push(key.to_owned()),
            _ => return Err(Fault::error(format!("environment variables must be of the form key=value: {change}")).into()),
        }
    }
    if added.is_empty() && removed.is_empty() {
        return Err(Fault::error("at least one environment variable must be provided").into());
    }
    let wanted = flags.text("containers").to_owned();
    each(session, flags, &names, how, "env updated", |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(one))?;
        for key in ["containers", "initContainers"] {
            for c in spec[key].as_array_mut().into_iter().flatten() {
                if !(wanted.is_empty() || wanted == "*" || c["name"] == wanted.as_str()) {
                    continue;
                }
                let mut all: Vec<Value> = c["env"].as_array().cloned().unwrap_or_default();
                for variable in &added {
                    match all.iter_mut().find(|e| e["name"] == variable["name"]) {
                        Some(found) => *found = variable.clone(),
                        None => all.push(variable.clone()),
                    }
                }
                all.retain(|e| !removed.iter().any(|r| e["name"] == r.as_str()));
                if let Some(fields) = c.as_object_mut() {
                    if all.is_empty() {
                        fields.remove("env");
                    } else {
                        fields.insert("env".to_owned(), all.into());
                    }
                }
            }
        }
        Ok(())
    })
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
    if limits.is_empty() && requests.is_empty() {
        return Err(Fault::error("you must specify an update to requests or limits (in the form of --requests/--limits)").into());
    }
    let wanted = flags.text("containers").to_owned();
    each(session, flags, args, how, "resource requirements updated", |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(one))?;
        let mut found = false;
        for c in spec["containers"].as_array_mut().into_iter().flatten() {
            if !(wanted.is_empty() || wanted == "*" || c["name"] == wanted.as_str()) {
                continue;
            }
            found = true;
            for (key, amounts) in [("limits", &limits), ("requests", &requests)] {
                if let Some(map) = map_mut(c, &["resources", key]).filter(|_| !amounts.is_empty()) {
                    map.extend(amounts.clone());
                }
            }
            if let Some(resources) = c["resources"].as_object_mut() {
                resources.retain(|_, v| v.as_object().is_none_or(|m| !m.is_empty()));
            }
        }
        if found { Ok(()) } else { Err(format!("unable to find container named {wanted}")) }
    })
}

fn selector(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let (names, changes) = split(args, |a| a.contains('='));
    let Some(given) = changes.first() else {
        return Err(Fault::error("one or more resources must be specified as <resource> <name> or <resource>/<name>").into());
    };
    let mut chosen = Map::new();
    for pair in given.split(',') {
        let (key, value) = pair.split_once('=').ok_or_else(|| Fault::error(format!("invalid selector: {given}")))?;
        chosen.insert(key.to_owned(), value.into());
    }
    each(session, flags, &names, how, "selector updated", |one, object| {
        if !one.resource.is("", "services") {
            return Err("setting a selector is only supported for Services".to_owned());
        }
        object["spec"]["selector"] = Value::Object(chosen.clone());
        Ok(())
    })
}

fn service_account(session: &mut Session<'_>, flags: &Flags, args: &[String], how: DryRun) -> Ended {
    let Some((account, names)) = args.split_last() else {
        return Err(Fault::error("serviceaccount is required").into());
    };
    each(session, flags, names, how, "serviceaccount updated", |one, object| {
        let spec = pod_spec_mut(object).ok_or_else(|| no_pods(one))?;
        spec["serviceAccountName"] = account.clone().into();
        if spec.get("serviceAccount").is_some() {
            spec["serviceAccount"] = account.clone().into();
        }
        Ok(())
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
    let more = subjects(flags)?;
    if more.is_empty() {
        return Err(Fault::error("you must specify at least one value of user, group or serviceaccount").into());
    }
    each(session, flags, args, how, "subjects updated", |one, object| {
        if one.resource.group != "rbac.authorization.k8s.io" {
            return Err("setting subjects is only supported for RoleBinding/ClusterRoleBinding".to_owned());
        }
        let mut all: Vec<Value> = object["subjects"].as_array().cloned().unwrap_or_default();
        all.extend(more.iter().filter(|m| !object["subjects"].as_array().is_some_and(|a| a.contains(m))).cloned());
        object["subjects"] = all.into();
        Ok(())
    })
}
