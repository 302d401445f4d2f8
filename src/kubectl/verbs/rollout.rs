//! `kubectl rollout`. upstream: kubectl/pkg/cmd/rollout, kubectl/pkg/polymorphichelpers

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::api::{Nanos, PatchKind};
use super::super::describe;
use super::super::flags::Flags;
use super::super::labels;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::super::tabwriter;
use super::super::times;
use super::apply::LAST_APPLIED;
use super::change::{TOGETHER, is_empty, map_mut, merge_diff, options};
use super::{DryRun, Ended, dry, ended};
use crate::simulate::scheduler::json::{at, int, list, text};

const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";
const SECOND: Nanos = 1_000_000_000;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let Some((what, args)) = flags.args.split_first() else {
        return Err(super::help::bare(session, "rollout").into());
    };
    if !matches!(what.as_str(), "history" | "pause" | "restart" | "resume" | "status" | "undo") {
        return Err(super::no_such_command("rollout", &flags.args).into());
    }
    if args.is_empty() && !flags.given("filename") {
        return Err(Fault::error("required resource not specified").into());
    }
    if let Some(revision) = flags.number("revision").filter(|r| *r < 0) {
        return Err(Fault::error(format!("revision must be a positive integer: {revision}")).into());
    }
    let how = dry(flags)?;
    let chosen = session.select(flags, args, Wish { all: true, latest: true, ..Wish::default() })?;
    let mut faults = chosen.faults;
    for some in chosen.found.chunks(TOGETHER) {
        if what == "restart" && how == DryRun::No {
            let now = session.now();
            let patches: Vec<Value> = some.iter().map(|one| merge_diff(&one.object, &restarted(&one.object, now))).collect();
            session.announce(Some(PatchKind::Merge), &options(flags, how, "kubectl-rollout"), some.iter().zip(&patches));
        }
        for one in some {
            let done = match what.as_str() {
                "history" => history(session, flags, one),
                "status" => status(session, flags, one),
                "undo" => undo(session, flags, one, how),
                "restart" => restart(session, flags, one, how),
                other => pause(session, flags, one, how, other == "pause"),
            };
            if let Err(fault) = done {
                faults.push(fault);
            }
        }
    }
    ended(faults)
}

fn n(o: &Value, path: &[&str]) -> i64 {
    int(o, path).unwrap_or(0)
}

fn quote(name: &str) -> String {
    crate::value::quote(name.as_bytes())
}

/// What a rollout has come to, and whether it is over. upstream: rollout_status.go
fn stage(o: &Value, revision: i64) -> Result<(String, bool), String> {
    let name = quote(text(o, &["metadata", "name"]));
    let (spec, status) = (at(o, &["spec"]), at(o, &["status"]));
    let seen = n(o, &["metadata", "generation"]) <= n(status, &["observedGeneration"]);
    match text(o, &["kind"]) {
        "Deployment" => {
            if revision > 0 {
                let running: i64 = text(o, &["metadata", "annotations", REVISION]).parse().unwrap_or(0);
                if running != revision {
                    return Err(format!("desired revision ({revision}) is different from the running revision ({running})"));
                }
            }
            if !seen {
                return Ok(("Waiting for deployment spec update to be observed...".to_owned(), false));
            }
            let progressing = list(status, &["conditions"]).iter().find(|c| text(c, &["type"]) == "Progressing");
            if progressing.is_some_and(|c| text(c, &["reason"]) == "ProgressDeadlineExceeded") {
                return Err(format!("deployment {name} exceeded its progress deadline"));
            }
            let (updated, all, available) = (n(status, &["updatedReplicas"]), n(status, &["replicas"]), n(status, &["availableReplicas"]));
            let head = format!("Waiting for deployment {name} rollout to finish:");
            Ok(match int(spec, &["replicas"]) {
                Some(wanted) if updated < wanted => (format!("{head} {updated} out of {wanted} new replicas have been updated..."), false),
                _ if all > updated => (format!("{head} {} old replicas are pending termination...", all - updated), false),
                _ if available < updated => (format!("{head} {available} of {updated} updated replicas are available..."), false),
                _ => (format!("deployment {name} successfully rolled out"), true),
            })
        }
        "DaemonSet" => {
            if text(spec, &["updateStrategy", "type"]) != "RollingUpdate" {
                return Err("rollout status is only available for RollingUpdate strategy type".to_owned());
            }
            if !seen {
                return Ok(("Waiting for daemon set spec update to be observed...".to_owned(), false));
            }
            let (updated, wanted) = (n(status, &["updatedNumberScheduled"]), n(status, &["desiredNumberScheduled"]));
            let available = n(status, &["numberAvailable"]);
            let head = format!("Waiting for daemon set {name} rollout to finish:");
            Ok(if updated < wanted {
                (format!("{head} {updated} out of {wanted} new pods have been updated..."), false)
            } else if available < wanted {
                (format!("{head} {available} of {wanted} updated pods are available..."), false)
            } else {
                (format!("daemon set {name} successfully rolled out"), true)
            })
        }
        "StatefulSet" => {
            if text(spec, &["updateStrategy", "type"]) != "RollingUpdate" {
                return Err("rollout status is only available for RollingUpdate strategy type".to_owned());
            }
            if n(status, &["observedGeneration"]) == 0 || !seen {
                return Ok(("Waiting for statefulset spec update to be observed...".to_owned(), false));
            }
            let (wanted, ready, updated) = (n(spec, &["replicas"]), n(status, &["readyReplicas"]), n(status, &["updatedReplicas"]));
            if ready < wanted {
                return Ok((format!("Waiting for {} pods to be ready...", wanted - ready), false));
            }
            if at(spec, &["updateStrategy", "rollingUpdate"]).is_object() {
                let partition = int(spec, &["updateStrategy", "rollingUpdate", "partition"]);
                return Ok(match partition.map(|p| wanted - p) {
                    Some(wanted) if updated < wanted => (
                        format!("Waiting for partitioned roll out to finish: {updated} out of {wanted} new pods have been updated..."),
                        false,
                    ),
                    _ => (format!("partitioned roll out complete: {updated} new pods have been updated..."), true),
                });
            }
            let (new, old) = (text(status, &["updateRevision"]), text(status, &["currentRevision"]));
            Ok(if new == old {
                (format!("statefulset rolling update complete {} pods at revision {old}...", n(status, &["currentReplicas"])), true)
            } else {
                (format!("waiting for statefulset rolling update to complete {updated} pods at revision {new}..."), false)
            })
        }
        kind => Err(format!("no status viewer has been implemented for {kind}")),
    }
}

fn status(session: &mut Session<'_>, flags: &Flags, one: &Found) -> Result<(), Fault> {
    let deadline = flags.duration("timeout").filter(|t| *t > 0).map(|t| session.now() + t);
    // A rollout that nothing moves any more is not waited for without end.
    let last = deadline.unwrap_or(session.now() + 24 * 3600 * SECOND);
    let mut object = one.object.clone();
    let mut version = Value::Null;
    for _ in 0..1_000_000 {
        if at(&object, &["metadata", "resourceVersion"]) != &version || version.is_null() {
            version = at(&object, &["metadata", "resourceVersion"]).clone();
            let (line, over) = stage(&object, flags.number("revision").unwrap_or(0)).map_err(Fault::error)?;
            session.say(&line);
            if over || flags.off("watch") {
                return Ok(());
            }
        }
        let moved = session.api.advance(last);
        object = session.api.get(&one.resource, &one.namespace, &one.name).map_err(|_| Fault::error("object has been deleted"))?;
        if !moved && at(&object, &["metadata", "resourceVersion"]) == &version {
            break;
        }
    }
    Err(Fault::error("timed out waiting for the condition"))
}

/// The pod templates of a workload by revision, with what is said to have changed.
fn revisions(session: &Session<'_>, one: &Found) -> Result<BTreeMap<i64, (Value, String)>, Fault> {
    let uid = at(&one.object, &["metadata", "uid"]);
    let owned = |o: &Value| list(o, &["metadata", "ownerReferences"]).iter().any(|r| r["controller"] == true && r["uid"] == *uid);
    let cause = |o: &Value| text(o, &["metadata", "annotations", CAUSE]).to_owned();
    let mut out = BTreeMap::new();
    match one.resource.kind.as_str() {
        "Deployment" => {
            let sets = session.resource("replicasets.apps")?;
            let selector = labels::selector_text(at(&one.object, &["spec", "selector"])).unwrap_or_default();
            for set in session.choose(&sets, &one.namespace, &selector, "")?.into_iter().filter(owned) {
                let revision = text(&set, &["metadata", "annotations", REVISION]).parse().unwrap_or(0);
                out.insert(revision, (at(&set, &["spec", "template"]).clone(), cause(&set)));
            }
        }
        "StatefulSet" | "DaemonSet" => {
            let history = session.resource("controllerrevisions.apps")?;
            for entry in session.list(&history, &one.namespace)?.into_iter().filter(owned) {
                out.insert(n(&entry, &["revision"]), (at(&entry, &["data", "spec", "template"]).clone(), cause(&entry)));
            }
        }
        kind => return Err(Fault::error(format!("no history viewer has been implemented for {}", quote(kind)))),
    }
    Ok(out)
}

fn history(session: &mut Session<'_>, flags: &Flags, one: &Found) -> Result<(), Fault> {
    let revision = flags.number("revision").unwrap_or(0);
    let all = revisions(session, one)?;
    let shown = if all.is_empty() {
        "No rollout history found.".to_owned()
    } else if revision > 0 {
        let Some((template, why)) = all.get(&revision) else {
            return Err(Fault::error("unable to find the specified revision"));
        };
        let mut template = template.clone();
        if let Some(meta) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            meta.remove("creationTimestamp");
        }
        if let Some(annotations) = map_mut(&mut template, &["metadata", "annotations"]).filter(|_| !why.is_empty()) {
            annotations.insert(CAUSE.to_owned(), why.clone().into());
        }
        describe::pod_template(&template)
    } else {
        let mut lines = "REVISION\tCHANGE-CAUSE\n".to_owned();
        for (revision, (_, why)) in &all {
            lines.push_str(&format!("{revision}\t{}\n", if why.is_empty() { "<none>" } else { why }));
        }
        tabwriter::align(&lines, 0, 2)
    };
    let with = if revision > 0 { format!(" with revision #{revision}") } else { String::new() };
    session.say(&format!("{}{}\n{shown}", one.label(), if with.is_empty() { " ".to_owned() } else { with }));
    Ok(())
}

fn undo(session: &mut Session<'_>, flags: &Flags, one: &Found, how: DryRun) -> Result<(), Fault> {
    if !text(&one.object, &["metadata", "annotations", LAST_APPLIED]).is_empty() {
        session.warn(&format!(
            "Warning: resource {}/{} was previously managed with 'kubectl apply'. Rolling back will not update the {LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.",
            one.resource.name, one.name
        ));
    }
    let wanted = flags.number("to-revision").unwrap_or(0);
    let missing = || Fault::error(format!("unable to find specified revision {wanted} in history"));
    if wanted < 0 {
        return Err(missing());
    }
    let all = revisions(session, one)?;
    let found = if wanted > 0 {
        all.get(&wanted).ok_or_else(missing)?
    } else {
        // The one before the last.
        if all.len() < 2 {
            return Err(Fault::error(if one.resource.kind == "Deployment" {
                "no rollout history found for deployment ".to_owned() + &quote(&one.name)
            } else {
                "no last revision to roll back to".to_owned()
            }));
        }
        all.values().rev().nth(1).ok_or_else(missing)?
    };
    let mut template = found.0.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    if one.resource.kind == "Deployment" && describe::is_paused(&one.object) {
        return Err(Fault::error("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again"));
    }
    if how == DryRun::Client {
        let shown = describe::pod_template(&template);
        session.say(&format!("{} {shown}{}", one.label(), how.suffix()));
        return Ok(());
    }
    let mut object = one.object.clone();
    object["spec"]["template"] = template;
    let strip = |o: &Value| {
        let mut t = at(o, &["spec", "template"]).clone();
        if let Some(meta) = t.get_mut("metadata").and_then(Value::as_object_mut) {
            meta.remove("creationTimestamp");
        }
        t
    };
    if strip(&object) == strip(&one.object) {
        session.say(&format!("{} skipped rollback (current template already matches revision {wanted})", one.label()));
        return Ok(());
    }
    session.rewrite(one, &object, &options(flags, how, "kubectl-rollout"), how)?;
    session.say(&format!("{} rolled back{}", one.label(), how.suffix()));
    Ok(())
}

fn restart(session: &mut Session<'_>, flags: &Flags, one: &Found, how: DryRun) -> Result<(), Fault> {
    if !matches!(one.resource.kind.as_str(), "Deployment" | "DaemonSet" | "StatefulSet") {
        return Err(Fault::error(format!("{} {} restarting is not supported", one.resource.qualified(), quote(&one.name))));
    }
    if one.resource.kind == "Deployment" && describe::is_paused(&one.object) {
        return Err(Fault::error(format!(
            "{} {} can't restart paused deployment (run rollout resume first)",
            one.resource.qualified(),
            quote(&one.name)
        )));
    }
    let object = restarted(&one.object, session.now());
    let object = session.rewrite(one, &object, &options(flags, how, "kubectl-rollout"), how)?;
    session.tell(flags, &one.resource, &object, "restarted", how)
}

/// An object whose pods are made anew.
fn restarted(object: &Value, now: Nanos) -> Value {
    let mut object = object.clone();
    if let Some(annotations) = map_mut(&mut object, &["spec", "template", "metadata", "annotations"]) {
        annotations.insert("kubectl.kubernetes.io/restartedAt".to_owned(), times::rfc3339(now).into());
    }
    object
}

fn pause(session: &mut Session<'_>, flags: &Flags, one: &Found, how: DryRun, on: bool) -> Result<(), Fault> {
    let (verb, done, already) = if on { ("pausing", "paused", "already paused") } else { ("resuming", "resumed", "not paused") };
    if one.resource.kind != "Deployment" {
        return Err(Fault::error(format!("{} {} {verb} is not supported", one.resource.qualified(), quote(&one.name))));
    }
    if describe::is_paused(&one.object) == on {
        return Err(Fault::error(format!("{} {} is {already}", one.resource.qualified(), quote(&one.name))));
    }
    let mut object = one.object.clone();
    if on {
        object["spec"]["paused"] = json!(true);
    } else if let Some(spec) = object["spec"].as_object_mut() {
        spec.remove("paused");
    }
    if is_empty(&merge_diff(&one.object, &object)) {
        return Ok(());
    }
    let object = session.rewrite(one, &object, &options(flags, how, "kubectl-rollout"), how)?;
    session.tell(flags, &one.resource, &object, done, how)
}
