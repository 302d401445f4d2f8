//! `kubectl cordon`, `uncordon` and `drain`. upstream: kubectl/pkg/cmd/drain, kubectl/pkg/drain

use serde_json::{Value, json};

use super::super::api::DeleteOptions;
use super::super::flags::Flags;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::change::options;
use super::{DryRun, Ended, dry, ended};
use crate::simulate::apiserver::Parts;
use crate::simulate::apiserver::Wanted;
use crate::simulate::scheduler::json::{at, list, text};

const SECOND: i64 = 1_000_000_000;

fn nodes(session: &mut Session<'_>, flags: &Flags, verb: &str) -> Result<(Vec<Found>, Vec<Fault>), Fault> {
    if flags.args.is_empty() && flags.text("selector").is_empty() {
        return Err(Fault::usage(verb, format!("USAGE: {verb} NODE [flags]")));
    }
    if !flags.args.is_empty() && !flags.text("selector").is_empty() {
        return Err(Fault::usage(verb, "cannot specify both a node name and a --selector option"));
    }
    let mut args = vec!["nodes".to_owned()];
    args.extend(flags.args.iter().map(|a| a.trim_start_matches("node/").trim_start_matches("nodes/").to_owned()));
    let chosen = session.select(flags, &args, Wish { latest: true, ..Wish::default() })?;
    Ok((chosen.found, chosen.faults))
}

/// The patch that marks a node, or takes the mark away; nothing when it is so.
fn wanted_mark(one: &Found, on: bool) -> Option<Value> {
    let is = *at(&one.object, &["spec", "unschedulable"]) == true;
    (is != on).then(|| json!({"spec": {"unschedulable": if on { Value::Bool(true) } else { Value::Null }}}))
}

/// Marks nodes, and tells of each; the answers are those of the nodes that could not be marked.
fn mark(session: &mut Session<'_>, flags: &Flags, found: &[Found], on: bool, how: DryRun) -> Vec<Fault> {
    let word = if on { "cordoned" } else { "uncordoned" };
    let options = options(flags, how, "kubectl-cordon");
    let mut faults = Vec::new();
    for one in found {
        let patch = wanted_mark(one, on);
        let already = if patch.is_some() { "" } else { "already " };
        match patch.map(|patch| session.send(one, &one.object, &patch, &options, how)) {
            Some(Err(refused)) => faults.push(refused.into()),
            None | Some(Ok(_)) => session.say(&format!("{} {already}{word}{}", one.label(), how.suffix())),
        }
    }
    faults
}

pub(super) fn cordon(session: &mut Session<'_>, flags: &Flags, on: bool) -> Ended {
    let how = dry(flags)?;
    let (found, mut faults) = nodes(session, flags, if on { "cordon" } else { "uncordon" })?;
    faults.extend(mark(session, flags, &found, on, how));
    ended(faults)
}

/// What stands against or follows from removing a pod.
#[derive(Clone, Debug, Default)]
struct Plan {
    evict: Vec<Found>,
    errors: Vec<(&'static str, Vec<String>)>,
    warnings: Vec<(&'static str, Vec<String>)>,
}

fn push(list: &mut Vec<(&'static str, Vec<String>)>, sentence: &'static str, pod: String) {
    match list.iter_mut().find(|(s, _)| *s == sentence) {
        Some((_, pods)) => pods.push(pod),
        None => list.push((sentence, vec![pod])),
    }
}

fn told(list: &[(&'static str, Vec<String>)]) -> Vec<String> {
    list.iter().map(|(sentence, pods)| format!("{sentence}: {}", pods.join(", "))).collect()
}

/// What is looked at of a pod.
const LOOKED_AT: Parts = Parts {
    metadata: Wanted::Fields(&[
        ("annotations", Wanted::All),
        ("name", Wanted::All),
        ("namespace", Wanted::All),
        ("ownerReferences", Wanted::All),
        ("uid", Wanted::All),
    ]),
    spec: Wanted::Fields(&[("nodeName", Wanted::All), ("volumes", Wanted::All)]),
    status: Wanted::Fields(&[("phase", Wanted::All)]),
};

/// upstream: drain.Helper.makeFilters
fn plan(session: &Session<'_>, flags: &Flags, node: &str) -> Result<Plan, Fault> {
    const DAEMON: &str = "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)";
    const ALONE: &str = "cannot delete Pods that declare no controller (use --force to override)";
    const LOCAL: &str = "cannot delete Pods with local storage (use --delete-emptydir-data to override)";
    let resource = session.resource("pods")?;
    let sets = session.resource("daemonsets.apps")?;
    let mut out = Plan::default();
    let selector = flags.text("pod-selector").to_owned();
    let here = format!("spec.nodeName={node}");
    for pod in session.each_chosen(&resource, "", &selector, &here, Some(&LOOKED_AT), |pod| pod)? {
        let (namespace, name) = (text(&pod, &["metadata", "namespace"]).to_owned(), text(&pod, &["metadata", "name"]).to_owned());
        let shown = format!("{namespace}/{name}");
        let owner = list(&pod, &["metadata", "ownerReferences"]).iter().find(|r| r["controller"] == true);
        let finished = matches!(text(&pod, &["status", "phase"]), "Succeeded" | "Failed");
        let mirror = !at(&pod, &["metadata", "annotations", "kubernetes.io/config.mirror"]).is_null();
        if mirror {
            continue;
        }
        let mut wanted = true;
        if let Some(owner) = owner.filter(|o| text(o, &["kind"]) == "DaemonSet" && !finished) {
            let there = session.api.get(&sets, &namespace, text(owner, &["name"])).is_ok();
            if !there && flags.on("force") {
                push(&mut out.warnings, "deleting DaemonSet-managed Pods", shown.clone());
            } else if flags.on("ignore-daemonsets") {
                push(&mut out.warnings, "ignoring DaemonSet-managed Pods", shown.clone());
                wanted = false;
            } else {
                push(&mut out.errors, DAEMON, shown.clone());
                wanted = false;
            }
        }
        if !wanted {
            continue;
        }
        let local = list(&pod, &["spec", "volumes"]).iter().any(|v| at(v, &["emptyDir"]).is_object());
        if local && !finished && !flags.on("delete-emptydir-data") {
            push(&mut out.errors, LOCAL, shown);
            continue;
        }
        if local && !finished {
            push(&mut out.warnings, "deleting Pods with local storage", shown.clone());
        }
        if owner.is_none() && !finished {
            if flags.on("force") {
                // The last warning of a pod is the one that is told.
                for (sentence, pods) in &mut out.warnings {
                    if *sentence == "deleting Pods with local storage" {
                        pods.retain(|p| *p != shown);
                    }
                }
                push(&mut out.warnings, "deleting Pods that declare no controller", shown.clone());
            } else {
                push(&mut out.errors, ALONE, shown);
                continue;
            }
        }
        out.evict.push(Found { resource: resource.clone().into(), namespace, name, object: pod, source: String::new() });
    }
    out.warnings.retain(|(_, pods)| !pods.is_empty());
    Ok(out)
}

pub(super) fn drain(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let (found, faults) = nodes(session, flags, "drain")?;
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut faults = mark(session, flags, &found, true, how);
    if !faults.is_empty() {
        faults.truncate(1);
        return Err(faults);
    }
    let mut pending: Vec<String> = Vec::new();
    let mut fatal: Vec<(String, Vec<String>)> = Vec::new();
    for one in &found {
        match drain_node(session, flags, one, how) {
            Ok(()) => {
                session.say(&format!("{} drained{}", one.label(), how.suffix()));
            }
            Err(lines) => {
                let joined = if lines.len() == 1 { lines.concat() } else { format!("[{}]", lines.join(", ")) };
                session.warn(&format!("error: unable to drain node \"{}\" due to error: {joined}, continuing command...", one.name));
                pending.push(one.name.clone());
                fatal.push((one.name.clone(), lines));
            }
        }
    }
    if fatal.is_empty() {
        return Ok(());
    }
    let mut lines = vec!["There are pending nodes to be drained:".to_owned()];
    lines.extend(pending.iter().map(|n| format!(" {n}")));
    lines.extend(fatal.into_iter().flat_map(|(_, lines)| lines));
    Err(Fault { lines }.into())
}

fn drain_node(session: &mut Session<'_>, flags: &Flags, node: &Found, how: DryRun) -> Result<(), Vec<String>> {
    let plan = plan(session, flags, &node.name).map_err(|f| f.lines)?;
    if !plan.errors.is_empty() {
        return Err(told(&plan.errors));
    }
    let warnings = told(&plan.warnings);
    if !warnings.is_empty() {
        session.warn(&format!("Warning: {}", warnings.join("; ")));
    }
    let word = if flags.on("disable-eviction") { "deleting" } else { "evicting" };
    let grace = flags.number("grace-period").filter(|g| *g >= 0);
    let timeout = flags.duration("timeout").filter(|t| *t > 0);
    let deadline = session.now() + timeout.unwrap_or(3600 * SECOND);
    let shown_timeout = super::super::times::go_duration(timeout.unwrap_or(0));
    let mut waiting: Vec<Found> = plan.evict;
    if how != DryRun::No {
        for p in &waiting {
            session.say(&format!("{word} pod {}/{}{}", p.namespace, p.name, how.suffix()));
        }
        return Ok(());
    }
    let mut leaving: Vec<Found> = Vec::new();
    let mut last: Vec<Found> = Vec::new();
    let mut retry_at = session.now();
    for _ in 0..10_000 {
        if session.now() >= retry_at && !waiting.is_empty() {
            last.clear();
            let mut fault = None;
            // All pods are asked to go at once.
            session.api.batch(true);
            for pod in std::mem::take(&mut waiting) {
                session.say(&format!("{word} pod {}/{}", pod.namespace, pod.name));
                let options = DeleteOptions { grace_period: grace, ..DeleteOptions::default() };
                let done = if flags.on("disable-eviction") {
                    session.api.delete(&pod.resource, &pod.namespace, &pod.name, &options)
                } else {
                    session.api.evict(&pod.namespace, &pod.name, &options)
                };
                match done {
                    Ok(()) => leaving.push(pod),
                    Err(refused) if refused.code == 404 => leaving.push(pod),
                    Err(refused) if refused.code == 429 => {
                        session.warn(&format!(
                            "error when evicting pods/\"{}\" -n \"{}\" (will retry after 5s): {}",
                            pod.name, pod.namespace, refused.message
                        ));
                        last.push(pod);
                    }
                    Err(refused) => {
                        fault = Some(format!("error when evicting pods/\"{}\" -n \"{}\": {}", pod.name, pod.namespace, refused.message));
                        break;
                    }
                }
            }
            session.api.batch(false);
            if let Some(fault) = fault {
                return Err(vec![fault]);
            }
            waiting.clone_from(&last);
            retry_at = session.now() + 5 * SECOND;
        }
        let mut rest = Vec::new();
        for pod in std::mem::take(&mut leaving) {
            let there = session.api.uid_of(&pod.resource, &pod.namespace, &pod.name);
            if there.is_some_and(|uid| uid == text(&pod.object, &["metadata", "uid"])) {
                rest.push(pod);
            } else {
                session.say(&format!("pod/{} {}", pod.name, if flags.on("disable-eviction") { "deleted" } else { "evicted" }));
            }
        }
        leaving = rest;
        if waiting.is_empty() && leaving.is_empty() {
            return Ok(());
        }
        let until = if waiting.is_empty() { deadline } else { deadline.min(retry_at) };
        let moved = session.api.advance(until);
        if session.now() >= deadline || (!moved && waiting.is_empty()) {
            break;
        }
    }
    // Those that wait for another try find out at that try that the time is up.
    if !waiting.is_empty() {
        session.api.advance(retry_at);
        for p in &waiting {
            session.say(&format!("{word} pod {}/{}", p.namespace, p.name));
        }
    }
    let lines: Vec<String> = waiting
        .iter()
        .chain(&leaving)
        .map(|p| format!("error when evicting pods/\"{}\" -n \"{}\": global timeout reached: {shown_timeout}", p.name, p.namespace))
        .collect();
    let joined = if lines.len() == 1 { lines.concat() } else { format!("[{}]", lines.join(", ")) };
    session.warn(&format!("There are pending pods in node \"{}\" when an error occurred: {joined}", node.name));
    waiting.iter().chain(&leaving).for_each(|p| session.err.push_str(&format!("pod/{}\n", p.name)));
    Err(lines)
}
