//! `kubectl label` and `kubectl annotate`. upstream: kubectl/pkg/cmd/label, annotate

use super::super::flags::Flags;
use super::super::labels::pairs;
use super::super::output::Format;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::{is_empty, map_mut, merge_diff, options};
use super::{Ended, dry, ended};
use crate::simulate::scheduler::json::at;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags, label: bool) -> Ended {
    let (noun, field) = if label { ("label", "labels") } else { ("annotation", "annotations") };
    let how = dry(flags)?;
    // What has `=` or ends in `-` is a change, the rest names objects.
    let is_change = |a: &&String| a.contains('=') || (a.ends_with('-') && !a.contains('/')) || (a.ends_with('-') && a.len() > 1);
    let start = flags.args.iter().position(|a| is_change(&a)).unwrap_or(flags.args.len());
    let (names, changes) = flags.args.split_at(start);
    if names.is_empty() && !flags.given("filename") {
        return Err(Fault::error("one or more resources must be specified as <resource> <name> or <resource>/<name>").into());
    }
    let mut set: Vec<(String, String)> = Vec::new();
    let mut remove: Vec<String> = Vec::new();
    for change in changes {
        match (change.split_once('='), change.strip_suffix('-')) {
            (Some((key, value)), _) if !key.is_empty() => set.push((key.to_owned(), value.to_owned())),
            (None, Some(key)) if !key.is_empty() => remove.push(key.to_owned()),
            _ => return Err(Fault::error(format!("unknown {noun} spec: {change}")).into()),
        }
    }
    if let Some((key, _)) = set.iter().find(|(k, _)| remove.contains(k)) {
        return Err(Fault::error(format!("can not both modify and remove a {noun} in the same command: {key}")).into());
    }
    if set.is_empty() && remove.is_empty() && !flags.on("list") {
        return Err(Fault::error(format!("at least one {noun} update is required")).into());
    }
    if flags.given("resource-version") && flags.on("all") {
        return Err(Fault::error("--resource-version may only be used with a single resource").into());
    }
    let table = matches!(session.format(flags, false)?, Format::Table(_));
    session.api.brief(table && !flags.given("field-selector"));
    let chosen = session.select(flags, names, Wish { latest: true, ..Wish::default() });
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(fault) => {
            session.api.brief(false);
            return Err(fault.into());
        }
    };
    let mut faults = chosen.faults;
    let several = chosen.found.len() > 1;
    session.api.batch(several);
    for one in chosen.found {
        let present = at(&one.object, &["metadata", field]).clone();
        if flags.on("list") {
            let mut indent = "";
            if several {
                session.say(&format!("Listing {field} for {}.{}/{}:", one.resource.kind, one.resource.group, one.name));
                indent = " ";
            }
            pairs(&present).iter().for_each(|p| session.say(&format!("{indent}{p}")));
            continue;
        }
        let mut object = one.object.clone();
        let Some(entries) = map_mut(&mut object, &["metadata", field]) else { continue };
        let clash = set.iter().find(|(k, v)| !flags.on("overwrite") && entries.get(k).is_some_and(|old| old != v.as_str()));
        if let Some((key, _)) = clash {
            let old = entries.get(key).and_then(|v| v.as_str()).unwrap_or("");
            faults.push(Fault::error(if label {
                format!("'{key}' already has a value ({old}), and --overwrite is false")
            } else {
                format!("--overwrite is false but found the following declared annotation(s): '{key}' already has a value ({old})")
            }));
            continue;
        }
        let mut missing = Vec::new();
        for key in &remove {
            if entries.remove(key).is_none() {
                missing.push(key.clone());
            }
        }
        for (key, value) in &set {
            entries.insert(key.clone(), value.clone().into());
        }
        for key in missing.iter().filter(|_| label) {
            session.say(&format!("label \"{key}\" not found."));
        }
        let changed = !is_empty(&merge_diff(&present, at(&object, &["metadata", field])));
        let object = if changed {
            match session.rewrite(&one, &object, &options(flags, how, if label { "kubectl-label" } else { "kubectl-annotate" }), how) {
                Ok(object) => object,
                Err(refused) => {
                    faults.push(refused.into());
                    continue;
                }
            }
        } else {
            object
        };
        let done = match (label, changed) {
            (false, _) => "annotated",
            (true, false) => "not labeled",
            (true, true) if set.is_empty() => "unlabeled",
            (true, true) => "labeled",
        };
        session.tell(flags, &one.resource, &object, done, how)?;
    }
    session.api.batch(false);
    session.api.brief(false);
    ended(faults)
}
