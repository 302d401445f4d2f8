//! `kubectl events`. upstream: kubectl/pkg/cmd/events

use serde_json::{Map, Value};

use super::super::flags::Flags;
use super::super::output::Format;
use super::super::output::list_of;
use super::super::session::{Fault, Session};
use super::super::tabwriter;
use super::super::times;
use super::Ended;
use crate::simulate::apiserver::Parts;
use crate::simulate::apiserver::Wanted;
use crate::simulate::scheduler::json::{at, int, text};

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let resource = session.resource("events")?;
    let (namespace, everywhere) = session.scope(flags);
    // Nothing else is looked at for a table.
    let brief = Parts { metadata: Wanted::All, spec: Wanted::NOTHING, status: Wanted::NOTHING };
    let parts = flags.text("output").is_empty().then_some(&brief);
    let mut events = session.each_chosen(&resource, &namespace, "", "", parts, |event| event)?;
    for kind in flags.list("types") {
        if !matches!(kind.to_lowercase().as_str(), "normal" | "warning") {
            return Err(Fault::error("valid --types are Normal or Warning").into());
        }
    }
    let types: Vec<String> = flags.list("types").iter().map(|t| t.to_lowercase()).collect();
    events.retain(|e| types.is_empty() || types.contains(&text(e, &["type"]).to_lowercase()));
    if !flags.text("for").is_empty() {
        let given = flags.text("for");
        let (kind, name) = given.split_once('/').ok_or_else(|| Fault::error("--for must be in resource/name form"))?;
        let about = session.resource(kind)?;
        events.retain(|e| text(e, &["involvedObject", "kind"]) == about.kind && text(e, &["involvedObject", "name"]) == name);
    }
    events.sort_by_key(last_seen);
    let format = session.format(flags, false)?;
    if events.is_empty() {
        session.warn(&if everywhere { "No events found.".to_owned() } else { format!("No events found in {namespace} namespace.") });
        return Ok(());
    }
    if !matches!(format, Format::Table(_)) {
        // The list is the client's own.
        let mut list = list_of(events);
        list["kind"] = "EventList".into();
        list["metadata"] = Value::Object(Map::new());
        session.print_value(&format, &list, flags)?;
        return Ok(());
    }
    let now = session.now();
    let mut lines = String::new();
    if !flags.on("no-headers") {
        lines.push_str(if everywhere { "NAMESPACE\t" } else { "" });
        lines.push_str("LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n");
    }
    for e in &events {
        if everywhere {
            lines.push_str(&format!("{}\t", text(e, &["metadata", "namespace"])));
        }
        let object = at(e, &["involvedObject"]);
        let (kind, reason) = (text(e, &["type"]), text(e, &["reason"]));
        let named = format!("{}/{}", text(object, &["kind"]), text(object, &["name"]));
        lines.push_str(&format!("{}\t{kind}\t{reason}\t{named}\t{}\n", interval(e, now), text(e, &["message"]).trim()));
    }
    session.out.push_str(&tabwriter::align(&lines, 6, 3));
    Ok(())
}

/// When an event was last seen. upstream: eventTime
fn last_seen(e: &Value) -> Option<i64> {
    let series = at(e, &["series", "lastObservedTime"]);
    let last = at(e, &["lastTimestamp"]);
    times::parse(if !series.is_null() {
        series
    } else if last.is_null() {
        at(e, &["eventTime"])
    } else {
        last
    })
}

fn interval(e: &Value, now: i64) -> String {
    let first = if at(e, &["eventTime"]).is_null() { at(e, &["firstTimestamp"]) } else { at(e, &["eventTime"]) };
    let first = times::since(first, now);
    let count = int(e, &["count"]).unwrap_or(0);
    if at(e, &["series"]).is_object() {
        let last = times::since(at(e, &["series", "lastObservedTime"]), now);
        format!("{last} (x{} over {first})", int(e, &["series", "count"]).unwrap_or(0))
    } else if count > 1 {
        format!("{} (x{count} over {first})", times::since(at(e, &["lastTimestamp"]), now))
    } else {
        first
    }
}
