//! `kubectl delete`. upstream: kubectl/pkg/cmd/delete

use super::super::api::{DeleteOptions, Propagation};
use super::super::flags::Flags;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::{DryRun, Ended, dry, ended};
use crate::simulate::scheduler::json::text;

const SECOND: i64 = 1_000_000_000;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let output = flags.text("output");
    if !matches!(output, "" | "name") {
        return Err(Fault::error(format!("unexpected -o output mode: {output}. We only support '-o name'")).into());
    }
    if flags.on("all") && !flags.text("selector").is_empty() {
        return Err(Fault::error("cannot set --all and --selector at the same time").into());
    }
    let mut grace = flags.number("grace-period").filter(|g| *g >= 0);
    if flags.on("now") {
        if grace.is_some() {
            return Err(Fault::error("--now and --grace-period cannot be specified together").into());
        }
        grace = Some(1);
    }
    if grace == Some(0) && !flags.on("force") {
        grace = Some(1);
    } else if flags.on("force") && grace.is_none() {
        grace = Some(0);
    }
    let propagation = match flags.text("cascade") {
        "" | "background" | "true" => Propagation::Background,
        "foreground" => Propagation::Foreground,
        "orphan" | "false" => Propagation::Orphan,
        other => {
            return Err(
                Fault::error(format!("invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\"")).into()
            );
        }
    };
    if flags.args.is_empty() && !flags.given("filename") && !flags.given("kustomize") {
        let chooses = ["selector", "field-selector"].iter().any(|f| !flags.text(f).is_empty()) || flags.on("all");
        if chooses {
            return Err(Fault::error("at least one resource must be specified to use a selector").into());
        }
    }
    let chosen = session.select(flags, &flags.args, Wish { unseen: true, named: true, ..Wish::default() })?;
    session.hear();
    let mut faults = chosen.faults;
    if flags.on("ignore-not-found") {
        faults.retain(|f| !f.lines.iter().any(|l| l.starts_with("Error from server (NotFound)")));
    }
    if flags.on("force") && grace == Some(0) && !chosen.found.is_empty() {
        session.warn("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.");
    }
    let nothing = chosen.found.is_empty() && faults.is_empty();
    let mut gone = Vec::new();
    // All are asked to go before the first is gone for good.
    session.api.batch(chosen.found.len() > 1);
    for one in chosen.found {
        let options = DeleteOptions { propagation, grace_period: grace, dry_run: how != DryRun::No };
        let done = match how {
            DryRun::Client => session.get(&one.resource, &one.namespace, &one.name).map(|_| ()),
            _ => session
                .may("delete", &one.resource, &one.namespace, &one.name)
                .and_then(|()| session.api.delete(&one.resource, &one.namespace, &one.name, &options)),
        };
        session.hear();
        match done {
            Ok(()) => {
                let verb = if grace == Some(0) { "force deleted" } else { "deleted" };
                let line = if output == "name" { one.label() } else { deleted_line(&one, verb, how.suffix()) };
                session.say(&line);
                gone.push(one);
            }
            Err(refused)
                if refused.reason == "NotFound"
                    && (flags.on("ignore-not-found") || flags.on("all") || !flags.text("selector").is_empty()) => {}
            Err(refused) => {
                let context = if one.source.is_empty() { String::new() } else { format!("error when deleting \"{}\": ", one.source) };
                faults.push(Fault::at(&refused, &context));
            }
        }
    }
    session.api.batch(false);
    if nothing {
        session.say("No resources found");
    }
    if how == DryRun::No && !flags.off("wait") && grace != Some(0) {
        for one in &gone {
            wait_gone(session, one, flags.duration("timeout"));
        }
    }
    ended(faults)
}

/// `pod "web" deleted from default namespace`.
pub(super) fn deleted_line(one: &Found, verb: &str, suffix: &str) -> String {
    let place = if one.resource.namespaced { format!(" from {} namespace", one.namespace) } else { String::new() };
    format!("{} \"{}\" {verb}{place}{suffix}", one.resource.kind_group(), one.name)
}

/// Moves the clock until an object is gone or its time is up.
pub(super) fn wait_gone(session: &mut Session<'_>, one: &Found, timeout: Option<i64>) {
    let until = session.now() + timeout.filter(|t| *t > 0).unwrap_or(3600 * SECOND);
    let uid = text(&one.object, &["metadata", "uid"]);
    for _ in 0..100_000 {
        let there = session.api.uid_of(&one.resource, &one.namespace, &one.name);
        if there.is_none_or(|there| !uid.is_empty() && there != uid) || !session.api.advance(until) {
            return;
        }
    }
}
