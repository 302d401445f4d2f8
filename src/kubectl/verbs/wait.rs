//! `kubectl wait`. upstream: kubectl/pkg/cmd/wait

use std::borrow::Cow;

use serde_json::Value;

use super::super::flags::Flags;
use super::super::jsonpath;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::{Ended, ended};
use crate::simulate::scheduler::json::{at, int, list, text};

const SECOND: i64 = 1_000_000_000;

enum Until {
    Gone,
    There,
    Condition(String, String),
    Path(jsonpath::Template, Option<String>),
}

fn parse(given: &str) -> Result<Until, Fault> {
    let lower = given.to_lowercase();
    if lower == "delete" {
        return Ok(Until::Gone);
    }
    if lower == "create" {
        return Ok(Until::There);
    }
    if let Some(condition) = given.strip_prefix("condition=") {
        let (name, value) = condition.split_once('=').unwrap_or((condition, "True"));
        return Ok(Until::Condition(name.to_owned(), value.to_owned()));
    }
    if let Some(path) = given.strip_prefix("jsonpath=") {
        let end = path.find('}').map_or(path.len(), |i| i + 1);
        let (path, value) = path.split_at(end);
        let wanted = value.strip_prefix('=').map(|v| v.trim_matches(['\'', '"']).to_owned());
        if wanted.as_deref() == Some("") {
            let why = "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3";
            return Err(Fault::error(why));
        }
        let relaxed = jsonpath::relaxed(path.trim_matches('\'')).map_err(Fault::error)?;
        let mut template = jsonpath::parse(&relaxed).map_err(Fault::error)?;
        template.strict = false;
        return Ok(Until::Path(template, wanted));
    }
    Err(Fault::error(format!("unrecognized condition: {}", crate::value::quote(given.as_bytes()))))
}

fn met(until: &Until, object: Option<&Value>) -> bool {
    let Some(object) = object else { return matches!(until, Until::Gone) };
    match until {
        Until::Gone => false,
        Until::There => true,
        Until::Condition(name, wanted) => {
            let found = list(object, &["status", "conditions"]).iter().find(|c| text(c, &["type"]).eq_ignore_ascii_case(name));
            found.is_some_and(|c| {
                let observed = int(c, &["observedGeneration"]).or_else(|| int(object, &["status", "observedGeneration"]));
                let stale = observed.zip(int(object, &["metadata", "generation"])).is_some_and(|(seen, now)| seen < now);
                !stale && text(c, &["status"]).eq_ignore_ascii_case(wanted)
            })
        }
        Until::Path(template, wanted) => {
            let found = template.find(object).unwrap_or_default();
            match (found.first(), wanted) {
                (Some(value), Some(wanted)) => jsonpath::shown(value) == *wanted,
                (value, None) => value.is_some_and(|v| !v.is_null()),
                _ => false,
            }
        }
    }
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let Some(given) = flags.all("for").first().cloned() else {
        return Err(Fault::error("unrecognized condition: []").into());
    };
    let until = parse(&given)?;
    let deadline = session.now() + flags.duration("timeout").unwrap_or(30 * SECOND).max(0);
    let wish = Wish { latest: true, ..Wish::default() };
    let mut chosen = session.select(flags, &flags.args, wish)?;
    if matches!(until, Until::There) {
        while !chosen.faults.is_empty() && session.api.advance(deadline) {
            chosen = session.select(flags, &flags.args, wish)?;
        }
    }
    let mut faults = chosen.faults;
    if matches!(until, Until::Gone) {
        faults.retain(|f| !f.lines.iter().any(|l| l.starts_with("Error from server (NotFound)")));
    } else if chosen.found.is_empty() && faults.is_empty() {
        return Err(Fault::error("no matching resources found").into());
    }
    // Until time passes, what was chosen is what there is.
    let mut fresh = true;
    for one in chosen.found {
        match wait_for(session, &one, &until, deadline, &mut fresh) {
            Some(object) => session.tell(flags, &one.resource, &object, "condition met", super::DryRun::No)?,
            None => faults.push(Fault::error(format!("timed out waiting for the condition on {}/{}", one.resource.name, one.name))),
        }
    }
    ended(faults)
}

/// The object once it is as waited for, or as it was last; nothing when the time is up.
fn wait_for<'o>(session: &mut Session<'_>, one: &'o Found, until: &Until, deadline: i64, fresh: &mut bool) -> Option<Cow<'o, Value>> {
    let last = |object: Option<Cow<'o, Value>>| object.unwrap_or(Cow::Borrowed(&one.object));
    for _ in 0..100_000 {
        let object = look(session, one, *fresh);
        let same = object
            .as_deref()
            .filter(|o| at(o, &["metadata", "uid"]) == at(&one.object, &["metadata", "uid"]) || !matches!(until, Until::Gone));
        if met(until, same) {
            return Some(last(object));
        }
        *fresh = false;
        if !session.api.advance(deadline) {
            let object = look(session, one, false);
            return met(until, object.as_deref()).then(|| last(object));
        }
    }
    None
}

fn look<'o>(session: &Session<'_>, one: &'o Found, fresh: bool) -> Option<Cow<'o, Value>> {
    if fresh && !one.object.is_null() {
        return Some(Cow::Borrowed(&one.object));
    }
    session.api.get(&one.resource, &one.namespace, &one.name).ok().map(Cow::Owned)
}
