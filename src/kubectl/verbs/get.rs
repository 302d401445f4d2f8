//! `kubectl get`. upstream: kubectl/pkg/cmd/get

use std::sync::Arc;

use serde_json::Value;

use super::super::flags::Flags;
use super::super::output::{Drawn, Format, Layout, SortPath, item, list_of, order, order_of, parts_of};
use super::super::resources::Resource;
use super::super::select::{Found, Selection, Wish};
use super::super::session::{Fault, Session};
use super::{Ended, ended};
use crate::simulate::apiserver::SECOND;
use crate::simulate::scheduler::json::text;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if flags.args.is_empty() && !flags.given("filename") && !flags.given("raw") {
        session.warn(
            "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
        );
        let text = "error: Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples";
        return Err(Fault::plain(text).into());
    }
    if flags.given("raw") {
        return raw(session, flags);
    }
    let format = session.format(flags, true)?;
    if flags.on("watch") || flags.on("watch-only") {
        return watch(session, flags, &format);
    }
    if let Some(done) = listed(session, flags, &format) {
        return done;
    }
    let wish = Wish { all: true, latest: true, ..Wish::default() };
    let mut chosen = session.select(flags, &flags.args, wish)?;
    session.hear();
    if flags.on("ignore-not-found") {
        chosen.faults.retain(|f| !f.lines.iter().any(|l| l.starts_with("Error from server (NotFound)")));
    }
    if !flags.text("sort-by").is_empty() {
        sort_found(&mut chosen, flags.text("sort-by"))?;
    }
    match format {
        Format::Table(wide) => {
            let faults = std::mem::take(&mut chosen.faults);
            table(session, flags, chosen, faults.is_empty(), wide);
            return ended(faults);
        }
        format => {
            let mut objects: Vec<Value> = chosen.found.into_iter().map(|f| f.object).collect();
            let single = chosen.single && objects.len() == 1 && chosen.faults.is_empty();
            if single || !chosen.single {
                let value = match objects.pop() {
                    Some(object) if single => object,
                    last => {
                        objects.extend(last);
                        list_of(objects)
                    }
                };
                session.print_value(&format, &value, flags)?;
            }
        }
    }
    ended(chosen.faults)
}

/// What the server says of itself at a path; the rest of the API has verbs of its own.
fn raw(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if !flags.args.is_empty() {
        return Err(Fault::error("arguments may not be passed when --raw is specified").into());
    }
    match flags.text("raw") {
        "/healthz" | "/livez" | "/readyz" => session.out.push_str("ok"),
        path => return Err(Fault::error(format!("kval answers no raw requests but for the server's health: {path}")).into()),
    }
    Ok(())
}

/// Lists types, an object at a time; nothing when that cannot be done.
fn listed(session: &mut Session<'_>, flags: &Flags, format: &Format) -> Option<Ended> {
    let [word] = flags.args.as_slice() else { return None };
    let of_files = flags.given("filename") || flags.given("kustomize") || flags.given("raw");
    if of_files || word.contains('/') {
        return None;
    }
    Some(list_types(session, flags, format, word, false))
}

/// What is left of an object that was listed.
enum Shown {
    /// As it is printed.
    Text(String),
    /// All of it: it is printed with the others.
    Whole(Value),
}

fn list_types(session: &mut Session<'_>, flags: &Flags, format: &Format, word: &str, whole: bool) -> Ended {
    let types = session.types(word)?;
    let (namespace, everywhere) = session.scope(flags);
    let (selector, fields) = (flags.text("selector"), flags.text("field-selector"));
    let several = word == "all" || (word.contains(',') && types.len() > 1);
    let wide = matches!(format, Format::Table(true));
    let layout = layout(flags, wide, everywhere, several);
    let path = match flags.text("sort-by") {
        "" => None,
        given => Some(SortPath::new(given)?),
    };
    let now = session.now();
    let mut faults = Vec::new();
    // What each object is sorted by, its type and its text.
    let mut all: Vec<(Option<Value>, usize, Shown)> = Vec::new();
    let definitions: Vec<Option<Value>> = types.iter().map(|r| session.definition(r)).collect();
    let drawn: Vec<Drawn<'_>> = types.iter().zip(definitions).map(|(r, d)| Drawn::new(r, d, &layout, now)).collect();
    for (i, (resource, drawn)) in types.iter().zip(&drawn).enumerate() {
        // What objects are sorted or chosen by may be anything.
        let parts = match format {
            _ if whole || path.is_some() || !fields.is_empty() => None,
            Format::Table(_) => drawn.parts(),
            format => parts_of(format, resource),
        };
        let made = session.each_chosen(resource, &namespace, selector, fields, parts, |object| {
            let key = path.as_ref().and_then(|p| p.key(&object));
            let shown = match format {
                Format::Table(_) => Ok(Shown::Text(drawn.line(&object))),
                Format::Yaml | Format::Json | Format::Name | Format::Columns(_) => item(format, resource, object).map(Shown::Text),
                _ => Ok(Shown::Whole(object)),
            };
            shown.map(|shown| (key, i, shown))
        });
        match made {
            Ok(lines) => {
                for line in lines {
                    all.push(line.map_err(Fault::error)?);
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    session.hear();
    if let Some(path) = path {
        let keys: Vec<Option<Value>> = all.iter_mut().map(|line| line.0.take()).collect();
        let mut left: Vec<Option<_>> = all.into_iter().map(Some).collect();
        all = order_of(&keys, &path)?.into_iter().filter_map(|i| left.get_mut(i)?.take()).collect();
    }
    let (mut lines, mut objects): (Vec<(usize, String)>, Vec<Value>) = Default::default();
    for (_, i, shown) in all {
        match shown {
            Shown::Text(text) => lines.push((i, text)),
            Shown::Whole(object) => objects.push(object),
        }
    }
    match format {
        Format::Table(_) => {}
        Format::Yaml | Format::Json | Format::Name | Format::Columns(_) => {
            let items: Vec<String> = lines.into_iter().map(|line| line.1).collect();
            session.print_items(format, &items, flags)?;
            return ended(faults);
        }
        _ => {
            let printed = session.print_value(format, &list_of(objects), flags);
            if printed.is_err() && !whole && matches!(format, Format::JsonPath(..)) {
                // What is told of a failure shows all of the objects.
                return list_types(session, flags, format, word, true);
            }
            printed?;
            return ended(faults);
        }
    }
    if lines.is_empty() {
        if faults.is_empty() {
            nothing(session, flags, &namespace, everywhere);
        }
        return ended(faults);
    }
    // Objects of one type that follow each other share a table.
    let mut blocks: Vec<String> = Vec::new();
    let mut rest = lines.into_iter().peekable();
    while let Some((i, line)) = rest.next() {
        let mut lines = vec![line];
        while let Some((_, line)) = rest.next_if(|next| next.0 == i) {
            lines.push(line);
        }
        blocks.extend(drawn.get(i).map(|d| d.table(&lines)));
    }
    session.print_blocks(&blocks, &layout);
    ended(faults)
}

fn layout(flags: &Flags, wide: bool, everywhere: bool, several: bool) -> Layout {
    Layout {
        wide,
        headers: !flags.on("no-headers"),
        namespace: everywhere,
        kinds: several || flags.on("show-kind"),
        all_labels: flags.on("show-labels"),
        labels: flags.list("label-columns"),
    }
}

/// Tells that there is nothing.
fn nothing(session: &mut Session<'_>, flags: &Flags, namespace: &str, everywhere: bool) {
    if flags.on("ignore-not-found") {
        return;
    }
    let cluster_wide = flags.args.first().is_some_and(|a| session.resource(a.split('/').next().unwrap_or(a)).is_ok_and(|r| !r.namespaced));
    session.warn(&if everywhere || cluster_wide {
        "No resources found".to_owned()
    } else {
        format!("No resources found in {namespace} namespace.")
    });
}

/// After so long without a change a watch ends: nobody is there to interrupt it.
const QUIET: i64 = 360 * SECOND;
/// No watch is longer.
const LONGEST: i64 = 3600 * SECOND;

/// `-w`: the clock runs until nothing has changed for long, and each change is printed when it happens.
fn watch(session: &mut Session<'_>, flags: &Flags, format: &Format) -> Ended {
    let wish = Wish { all: true, latest: true, ..Wish::default() };
    let first = session.select(flags, &flags.args, wish)?;
    session.hear();
    let mut kinds: Vec<&str> = first.found.iter().map(|f| f.resource.name.as_str()).collect();
    kinds.dedup();
    if kinds.len() > 1 || first.several {
        return Err(Fault::error("you may only specify a single resource type").into());
    }
    if !first.faults.is_empty() {
        return ended(first.faults);
    }
    let mut seen: Vec<Found> = if flags.on("watch-only") { Vec::new() } else { first.found.clone() };
    for found in &seen {
        if !matches!(format, Format::Table(_)) {
            session.print_value(format, &found.object, flags)?;
        }
    }
    if let (Format::Table(wide), false) = (format, seen.is_empty()) {
        table(session, flags, Selection { found: seen.clone(), ..Selection::default() }, true, *wide);
    }
    let mut headed = !seen.is_empty();
    let mut known = first.found;
    let began = session.api.now();
    let mut last = began;
    // The clock stays where the last thing happened.
    while let Some(next) = session.api.next().filter(|t| *t <= (last + QUIET).min(began + LONGEST)) {
        session.api.advance(next);
        let mut now = session.select(flags, &flags.args, wish)?;
        // A named object that is gone is no fault of the command line.
        now.faults.clear();
        let version = |f: &Found| text(&f.object, &["metadata", "resourceVersion"]).to_owned();
        let same = |a: &Found, b: &Found| a.namespace == b.namespace && a.name == b.name;
        let gone = known.iter().filter(|k| !now.found.iter().any(|n| same(k, n)));
        let new = now.found.iter().filter(|n| !known.iter().any(|k| same(k, n) && version(k) == version(n)));
        let changed: Vec<Found> = gone.chain(new).cloned().collect();
        for found in changed {
            last = session.api.now();
            match format {
                Format::Table(wide) => {
                    seen.push(found);
                    // Columns stay as wide as they ever were.
                    let before = session.out.len();
                    table(session, flags, Selection { found: seen.clone(), ..Selection::default() }, true, *wide);
                    let all = session.out.split_off(before);
                    let rows: Vec<&str> = all.lines().collect();
                    let from = if headed { rows.len().saturating_sub(1) } else { 0 };
                    for row in rows.get(from..).unwrap_or_default() {
                        session.say(row);
                    }
                    headed = true;
                }
                _ => session.print_value(format, &found.object, flags)?,
            }
        }
        known = now.found;
    }
    Ok(())
}

fn sort_found(chosen: &mut Selection, by: &str) -> Result<(), Fault> {
    let objects: Vec<&Value> = chosen.found.iter().map(|f| &f.object).collect();
    let order = order(&objects, by)?;
    let mut left: Vec<Option<Found>> = std::mem::take(&mut chosen.found).into_iter().map(Some).collect();
    chosen.found = order.into_iter().filter_map(|i| left.get_mut(i)?.take()).collect();
    Ok(())
}

/// Prints what was chosen; `all` says that nothing named is missing.
fn table(session: &mut Session<'_>, flags: &Flags, chosen: Selection, all: bool, wide: bool) {
    // Objects of one type that follow each other share a table.
    let mut groups: Vec<(Arc<Resource>, Vec<Value>)> = Vec::new();
    for found in chosen.found {
        match groups.last_mut() {
            Some((resource, objects)) if *resource == found.resource => objects.push(found.object),
            _ => groups.push((found.resource, vec![found.object])),
        }
    }
    let mut kinds: Vec<String> = groups.iter().map(|(r, _)| r.qualified()).collect();
    kinds.sort();
    kinds.dedup();
    let (namespace, everywhere) = session.scope(flags);
    let layout = layout(flags, wide, everywhere, chosen.several || kinds.len() > 1);
    if groups.is_empty() && all {
        nothing(session, flags, &namespace, everywhere);
        return;
    }
    session.print_tables(&groups, &layout);
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}
