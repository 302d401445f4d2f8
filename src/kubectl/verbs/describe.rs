//! `kubectl describe`. upstream: kubectl/pkg/cmd/describe

use std::sync::Arc;

use serde_json::Value;

use super::super::describe;
use super::super::describe::Store;
use super::super::flags::Flags;
use super::super::resources::Resource;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::get::name;
use super::{Ended, ended};

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if flags.args.is_empty() && !flags.given("filename") {
        let hint =
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.";
        return Err(Fault::error(hint).into());
    }
    if let Some(done) = types(session, flags) {
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
    let shown: Vec<String> = chosen.found.iter().map(|f| describe::describe(&store, &f.resource, &f.object, events)).collect();
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

/// An object of a type, or a pod that is described already.
enum Shown {
    Text(String),
    Object(Arc<Resource>, Value),
}

/// Describes all objects of types, pods one at a time; nothing when something else is asked for, or when there are less than
/// two.
fn types(session: &mut Session<'_>, flags: &Flags) -> Option<Ended> {
    let [word] = flags.args.as_slice() else { return None };
    if word.contains('/') || flags.given("filename") || flags.given("kustomize") || flags.on("show-events") {
        return None;
    }
    let (namespace, _) = session.scope(flags);
    let now = session.now();
    let (selector, fields) = (flags.text("selector"), flags.text("field-selector"));
    let mut all = Vec::new();
    for resource in session.types(word).ok()? {
        if resource.is("", "pods") {
            let texts = session.each_chosen(&resource, &namespace, selector, fields, None, |pod| describe::pod_alone(now, &pod));
            all.extend(texts.ok()?.into_iter().map(Shown::Text));
        } else {
            let objects = session.choose(&resource, &namespace, selector, fields).ok()?;
            let resource = Arc::new(resource);
            all.extend(objects.into_iter().map(|object| Shown::Object(Arc::clone(&resource), object)));
        }
    }
    if all.len() < 2 {
        return None;
    }
    let store = Store::new(&*session.api);
    let texts = all.into_iter().map(|one| match one {
        Shown::Text(text) => text,
        Shown::Object(resource, object) => describe::describe(&store, &resource, &object, false),
    });
    let text = texts.collect::<Vec<_>>().join("\n\n");
    drop(store);
    session.out.push_str(&text);
    Some(Ok(()))
}
