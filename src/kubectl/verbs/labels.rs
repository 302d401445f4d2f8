//! `kubectl label` and `kubectl annotate`. upstream: kubectl/pkg/cmd/label, annotate

use super::super::flags::Flags;
use super::super::labels::pairs;
use super::super::output::Format;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::{is_empty, map_mut, merge_diff, options};
use super::{DryRun, Ended, dry, ended};
use crate::kube::names;
use crate::simulate::scheduler::json::at;

/// What may always be overwritten. upstream: polymorphichelpers.ChangeCauseAnnotation
const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// Changes: what is set, and what is removed.
type Changes = (Vec<(String, String)>, Vec<String>);

/// Arguments that name objects, and the changes that follow them. upstream: cmdutil.GetResourcesAndPairs
pub(super) fn pairs_of(args: &[String], noun: &str) -> Result<(Vec<String>, Vec<String>), Fault> {
    let is_change = |a: &str| (a.contains('=') && !a.starts_with('=')) || (a.ends_with('-') && a != "-");
    let start = args.iter().position(|a| is_change(a)).unwrap_or(args.len());
    let (names, changes) = args.split_at(start);
    if let Some(late) = changes.iter().find(|a| !is_change(a)) {
        return Err(Fault::error(format!("all resources must be specified before {noun} changes: {late}")));
    }
    Ok((names.to_vec(), changes.to_vec()))
}

/// Pairs `a=b` and removals `a-`. upstream: cmdutil.ParsePairs
fn pairs_to_change(changes: &[String], noun: &str) -> Result<Changes, Fault> {
    let (mut set, mut remove, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match (change.split_once('='), change.strip_suffix('-')) {
            (Some((key, value)), _) if !key.is_empty() => set.push((key.to_owned(), value.to_owned())),
            (_, Some(key)) if !key.is_empty() => remove.push(key.to_owned()),
            _ => wrong.push(change.clone()),
        }
    }
    if wrong.is_empty() { Ok((set, remove)) } else { Err(Fault::error(format!("invalid {noun} format: {}", wrong.join(", ")))) }
}

/// upstream: kubectl/pkg/cmd/label.parseLabels
fn label_changes(changes: &[String]) -> Result<Changes, Fault> {
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for change in changes {
        match change.split('=').collect::<Vec<_>>().as_slice() {
            [one] => remove.push(one.strip_suffix('-').unwrap_or(one).to_owned()),
            [key, value] => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    let quoted = crate::value::quote(change.as_bytes());
                    return Err(Fault::error(format!("invalid label value: {quoted}: {}", wrong.join(";"))));
                }
                set.push(((*key).to_owned(), (*value).to_owned()));
            }
            _ => return Err(Fault::error(format!("invalid label spec: {change}"))),
        }
    }
    if set.iter().any(|(key, _)| remove.contains(key)) {
        return Err(Fault::error("can not both modify and remove a label in the same command"));
    }
    Ok((set, remove))
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags, label: bool) -> Ended {
    let (noun, field) = if label { ("label", "labels") } else { ("annotation", "annotations") };
    let how = dry(flags)?;
    let (names, changes) = pairs_of(&flags.args, noun)?;
    let (set, remove) = if label { label_changes(&changes)? } else { pairs_to_change(&changes, noun)? };
    if flags.on("list") && !flags.text("output").is_empty() {
        return Err(Fault::error("--list and --output may not be specified together").into());
    }
    for other in ["selector", "field-selector"] {
        if flags.on("all") && !flags.text(other).is_empty() {
            return Err(Fault::error(format!("cannot set --all and --{other} at the same time")).into());
        }
    }
    let local = flags.on("local");
    let example = if label { "-f pod.yaml or --filename=pod.json" } else { "-f rsrc.yaml or --filename=rsrc.json" };
    let without_files = !flags.given("filename") && !flags.given("kustomize");
    let wrong = match () {
        () if local && how == DryRun::Server => "cannot specify --local and --dry-run=server - did you mean --dry-run=client?".to_owned(),
        () if local && !names.is_empty() => format!("can only use local files by {example} when --local=true is set"),
        () if local && without_files => format!("one or more files must be specified as {example}"),
        () if names.is_empty() && without_files => {
            "one or more resources must be specified as <resource> <name> or <resource>/<name>".to_owned()
        }
        () if set.is_empty() && remove.is_empty() && !flags.on("list") => format!("at least one {noun} update is required"),
        () => String::new(),
    };
    if !wrong.is_empty() {
        return Err(Fault::error(wrong).into());
    }
    if let (false, both) = (label, remove.iter().filter(|r| set.iter().any(|(k, _)| k == *r)).cloned().collect::<Vec<_>>())
        && !both.is_empty()
    {
        let shown = both.join(", ");
        return Err(Fault::error(format!("can not both modify and remove the following annotation(s) in the same command: {shown}")).into());
    }
    if flags.given("resource-version") && flags.on("all") {
        return Err(Fault::error("--resource-version may only be used with a single resource").into());
    }
    let table = matches!(session.format(flags, false)?, Format::Table(_));
    session.api.brief(table && !local && !flags.given("field-selector"));
    let chosen = session.select(flags, &names, Wish { latest: !local, ..Wish::default() });
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
        let clash = |(k, v): &&(String, String)| {
            let free = flags.on("overwrite") || (!label && k == CHANGE_CAUSE);
            !free && entries.get(k).is_some_and(|old| old != v.as_str())
        };
        let clashes: Vec<(&str, &str)> =
            set.iter().filter(clash).map(|(k, _)| (k.as_str(), entries.get(k).and_then(|v| v.as_str()).unwrap_or(""))).collect();
        if !clashes.is_empty() {
            let shown: Vec<String> = clashes.iter().map(|(key, old)| format!("'{key}' already has a value ({old})")).collect();
            faults.push(Fault::error(if label {
                let all: Vec<String> = shown.iter().map(|s| format!("{s}, and --overwrite is false")).collect();
                if all.len() == 1 { all.concat() } else { format!("[{}]", all.join(", ")) }
            } else {
                format!("--overwrite is false but found the following declared annotation(s): {}", shown.join("; "))
            }));
            continue;
        }
        let added = set.iter().any(|(k, v)| entries.get(k).is_none_or(|old| old != v.as_str()));
        for (key, value) in &set {
            entries.insert(key.clone(), value.clone().into());
        }
        let mut missing = Vec::new();
        let before = entries.len();
        for key in &remove {
            if entries.remove(key).is_none() {
                missing.push(key.clone());
            }
        }
        let removed = entries.len() < before;
        if entries.is_empty()
            && let Some(meta) = map_mut(&mut object, &["metadata"])
        {
            meta.remove(field);
        }
        for key in missing.iter().filter(|_| label && !local && how != DryRun::Client) {
            session.say(&format!("label \"{key}\" not found."));
        }
        let changed = !is_empty(&merge_diff(&present, at(&object, &["metadata", field])));
        let object = if changed && !local {
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
        let done = match (label, added, removed) {
            (false, ..) => "annotated",
            (true, true, true) => "modified",
            (true, true, false) => "labeled",
            (true, false, true) => "unlabeled",
            (true, false, false) => "not labeled",
        };
        session.tell(flags, &one.resource, &object, done, how)?;
    }
    session.api.batch(false);
    session.api.brief(false);
    ended(faults)
}
