//! `kubectl describe`. upstream: kubectl/pkg/cmd/describe

use rayon::prelude::*;

use super::super::describe;
use super::super::describe::Store;
use super::super::flags::Flags;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::get::name;
use super::{Ended, ended};

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if flags.args.is_empty() && !flags.given("filename") {
        let hint =
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.";
        return Err(Fault::error(hint).into());
    }
    if let Some(done) = pods(session, flags) {
        return done;
    }
    let wish = Wish { all: true, latest: true, ..Wish::default() };
    let mut chosen = session.select(flags, &flags.args, wish)?;
    // A name that no object has may be the beginning of some.
    if chosen.found.is_empty() && !chosen.faults.is_empty() && flags.args.len() == 2 && !flags.args[0].contains('/') {
        let resource = session.resource(&flags.args[0])?;
        let (namespace, _) = session.scope(flags);
        let objects = session.list(&resource, &namespace).map_err(Fault::from)?;
        let matching: Vec<_> = objects.into_iter().filter(|o| name(o).starts_with(flags.args[1].as_str())).collect();
        if !matching.is_empty() {
            let args = vec![flags.args[0].clone()];
            chosen = session.select(flags, &args, wish)?;
            chosen.found.retain(|f| f.name.starts_with(flags.args[1].as_str()));
        }
    }
    // Of several objects, the events are shown on demand only.
    let events = if flags.given("show-events") { flags.on("show-events") } else { chosen.found.len() == 1 };
    let store = Store::new(&*session.api);
    let now = session.now();
    // For pods without their events nothing else is looked up.
    let alone = |f: &Found| (!events && f.resource.is("", "pods")).then(|| describe::pod_alone(now, &f.object));
    let alone: Vec<Option<String>> = chosen.found.par_iter().map(alone).collect();
    let one = |(f, alone): (&Found, Option<String>)| alone.unwrap_or_else(|| describe::describe(&store, &f.resource, &f.object, events));
    let shown: Vec<String> = chosen.found.iter().zip(alone).map(one).collect();
    let text = shown.join("\n\n");
    drop(store);
    session.out.push_str(&text);
    if chosen.found.is_empty() && chosen.faults.is_empty() {
        let (namespace, everywhere) = session.scope(flags);
        let wide = flags.args.first().is_some_and(|a| session.resource(a).is_ok_and(|r| !r.namespaced));
        session.warn(&if everywhere || wide {
            "No resources found".to_owned()
        } else {
            format!("No resources found in {namespace} namespace.")
        });
    }
    ended(chosen.faults)
}

/// Describes pods, one at a time; nothing when something else is asked for, or when there are less than two.
fn pods(session: &mut Session<'_>, flags: &Flags) -> Option<Ended> {
    let [word] = flags.args.as_slice() else { return None };
    let resource = session.resource(word).ok().filter(|r| r.is("", "pods"))?;
    if flags.given("filename") || flags.given("kustomize") || flags.on("show-events") {
        return None;
    }
    let (namespace, _) = session.scope(flags);
    let now = session.now();
    let shown = session.each_chosen(&resource, &namespace, flags.text("selector"), flags.text("field-selector"), None, |object| {
        describe::pod_alone(now, &object)
    });
    let shown = shown.ok().filter(|all| all.len() > 1)?;
    session.out.push_str(&shown.join("\n\n"));
    Some(Ok(()))
}
