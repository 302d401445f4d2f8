//! Events, as a recorder keeps them: the same event told again raises a count. upstream: client-go/tools/record

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::held::Held;
use super::held::Told;
use super::present::rfc3339;
use super::state::Encoded;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::uid_text;
use crate::simulate::apiserver::write::quote;
use crate::simulate::rollout::events::component;

/// After so long events are forgotten. upstream: kube-apiserver --event-ttl
const TTL: Nanos = 3600 * SECOND;

/// So many events of an object that differ in their message only are told as one.
const ALIKE: usize = 10;
/// How long events count as alike.
const ALIKE_WITHIN: Nanos = 600 * SECOND;
/// How the message of such an event begins.
const COMBINED: &str = "(combined from similar events): ";
/// So many times a component tells something of an object at once, and once more after each of these times.
const BURST: i64 = 25;
const REFILL: Nanos = 300 * SECOND;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The object it is about: API version, kind, namespace, name, uid.
    pub about: (String, String, String, String, Uid),
    /// The part of the object, such as `spec.containers{nginx}`.
    pub field: String,
    /// Whether it warns.
    pub warning: bool,
    /// Such as `Scheduled`.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// Who tells it.
    pub component: String,
    /// The node of the component.
    pub host: String,
    /// When it was told first.
    pub first: Nanos,
    /// When it was told last.
    pub last: Nanos,
    /// How often.
    pub count: i64,
    /// The resource version.
    pub version: u64,
    /// Its place among all events there ever were.
    pub number: i64,
}

impl Record {
    /// The namespace it stands in.
    pub(super) fn namespace(&self) -> &str {
        if self.about.2.is_empty() { "default" } else { &self.about.2 }
    }

    /// Its name. The real one is of the time in nanoseconds, which differs from event to event.
    pub(super) fn name(&self) -> String {
        format!("{}.{:x}", self.about.3, self.first + self.number)
    }

    /// What a table looks at, as an object of `v1`.
    pub(super) fn brief(&self) -> Value {
        let (_, kind, _, name, _) = &self.about;
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": self.name(), "namespace": self.namespace()},
            "involvedObject": {"kind": kind, "name": name, "fieldPath": self.field},
            "reason": self.reason,
            "message": self.message,
            "source": {"component": self.component, "host": self.host},
            "firstTimestamp": rfc3339(self.first),
            "lastTimestamp": rfc3339(self.last),
            "count": self.count,
            "type": if self.warning { "Warning" } else { "Normal" },
        })
    }

    /// As an object of `v1`.
    pub fn to_json(&self) -> Value {
        let (api_version, kind, namespace, name, uid) = &self.about;
        let mut about = json!({"apiVersion": api_version, "kind": kind, "name": name, "uid": uid_text(*uid)});
        if !namespace.is_empty() {
            about["namespace"] = namespace.as_str().into();
        }
        if !self.field.is_empty() {
            about["fieldPath"] = self.field.as_str().into();
        }
        let mut source = json!({"component": self.component});
        if !self.host.is_empty() {
            source["host"] = self.host.as_str().into();
        }
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": self.name(),
                "namespace": self.namespace(),
                "uid": uid_text(self.version),
                "resourceVersion": self.version.to_string(),
                "creationTimestamp": rfc3339(self.first),
            },
            "involvedObject": about,
            "reason": self.reason,
            "message": self.message,
            "source": source,
            "firstTimestamp": rfc3339(self.first),
            "lastTimestamp": rfc3339(self.last),
            "count": self.count,
            "type": if self.warning { "Warning" } else { "Normal" },
            "eventTime": null,
            "reportingComponent": self.component,
            "reportingInstance": self.host,
        })
    }
}

/// An event as it is kept: API version, kind, namespace, name and uid; field, whether it warns, reason, message, component and
/// host; first and last time, count, version and number.
type Line<A, S> = (A, (S, bool, S, S, S, S), (Nanos, Nanos, i64, u64, i64));

/// The first part of [`Line`], with texts of others.
type Subject<'a> = (&'a str, &'a str, &'a str, &'a str, Uid);

/// Writes an event as it is kept; what [`Record`] does, but for the most of them.
fn write_line(line: &Line<Subject<'_>, &str>, out: &mut Vec<u8>) {
    let ((api_version, kind, namespace, name, uid), (field, warning, reason, message, component, host), counted) = line;
    // Writing to memory does not fail.
    let number = |n: i64, out: &mut Vec<u8>| drop(serde_json::to_writer(out, &n));
    out.extend_from_slice(b"[[");
    for word in [api_version, kind, namespace, name] {
        quote(word, out);
        out.push(b',');
    }
    drop(serde_json::to_writer(&mut *out, uid));
    out.extend_from_slice(b"],[");
    quote(field, out);
    out.extend_from_slice(if *warning { b",true" } else { b",false" });
    for word in [reason, message, component, host] {
        out.push(b',');
        quote(word, out);
    }
    let (first, last, count, version, place) = *counted;
    out.extend_from_slice(b"],[");
    for n in [first, last, count] {
        number(n, out);
        out.push(b',');
    }
    drop(serde_json::to_writer(&mut *out, &version));
    out.push(b',');
    number(place, out);
    out.extend_from_slice(b"]]");
}

impl Record {
    fn line(&self) -> Line<Subject<'_>, &str> {
        let (api_version, kind, namespace, name, uid) = &self.about;
        let told = (&*self.field, self.warning, &*self.reason, &*self.message, &*self.component, &*self.host);
        let counted = (self.first, self.last, self.count, self.version, self.number);
        ((api_version, kind, namespace, name, *uid), told, counted)
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.line().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (about, told, counted) = Line::<_, String>::deserialize(from)?;
        let (field, warning, reason, message, component, host) = told;
        let (first, last, count, version, number) = counted;
        Ok(Self { about, field, warning, reason, message, component, host, first, last, count, version, number })
    }
}

impl Told for Vec<Record> {
    fn tally(&self) -> Option<[i64; 3]> {
        let count = i64::try_from(self.len()).ok()?;
        Some([count, self.iter().map(|e| e.count).sum(), self.iter().map(|e| e.last).min()?])
    }
}

/// The events of a cluster, those about one object together, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    held: Held<Vec<Record>>,
    /// The number of the last event.
    last: i64,
}

impl Events {
    /// The events of the lines at these places.
    pub(super) fn of(held: Held<Vec<Record>>, last: i64) -> Self {
        Self { held, last }
    }

    /// The number of the last event.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Writes a line for each object.
    pub(super) fn write(&self, out: &mut Encoded) {
        self.held.write(out);
    }

    /// Forgets what is too old.
    pub(super) fn forget(&mut self, now: Nanos) {
        self.held.retain(now - TTL);
    }

    /// Whether something was told of a part of an object for a reason, as no warning.
    pub(super) fn told(&self, uid: Uid, field: &str, reason: &str) -> bool {
        let told = serde_json::to_string(&(field, false, reason)).unwrap_or_default();
        let part = told.strip_suffix(']').unwrap_or_default();
        let is = |e: &Record| (e.field.as_str(), e.warning, e.reason.as_str()) == (field, false, reason);
        self.held.holds(uid, part.as_bytes(), |all| all.iter().any(is))
    }

    /// The events about an object.
    pub(super) fn about(&self, uid: Uid) -> impl Iterator<Item = &Record> {
        self.held.get(uid).into_iter().flatten()
    }
}

impl Cluster {
    /// All events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Record> {
        let mut all: Vec<&Record> = self.events.held.all().flatten().filter(|e| self.now() - e.last <= TTL).collect();
        all.sort_by_key(|e| e.number);
        all.into_iter()
    }

    /// The events about an object, oldest first.
    pub(super) fn events_of(&self, uid: Uid) -> impl Iterator<Item = &Record> {
        self.events.about(uid).filter(|e| self.now() - e.last <= TTL)
    }

    /// Tells an event; one told before is counted.
    pub(super) fn tell(&mut self, about: &Object, field: &str, warning: bool, reason: &str, message: String, from: (&str, &str)) {
        let at = self.now();
        self.tell_at(at, about, field, warning, reason, message, from);
    }

    #[allow(clippy::too_many_arguments)]
    fn tell_at(&mut self, at: Nanos, about: &Object, field: &str, warning: bool, reason: &str, message: String, from: (&str, &str)) {
        let uid = about.meta.uid;
        let version = self.plane.api.counters().version;
        let number = self.events.last + 1;
        // Of most objects not much is told: nothing of that has to be read then.
        let few = |[count, told, oldest]: [i64; 3]| count + 1 < ALIKE as i64 && told < BURST && at - oldest <= TTL;
        let write = |new: &mut Vec<u8>| {
            let object = (&*about.api_version, &*about.kind, &*about.meta.namespace, &*about.meta.name, uid);
            write_line(&(object, (field, warning, reason, &message, from.0, from.1), (at, at, 1, version, number)), new);
        };
        if self.events.held.add(uid, at, &message, few, write) {
            self.events.last = number;
            return;
        }
        let own = self.events.held.change(uid, at);
        own.retain(|e| at - e.last <= TTL);
        // upstream: EventSourceObjectSpamFilter
        let told: i64 = own.iter().filter(|e| e.component == from.0 && e.host == from.1).map(|e| e.count).sum();
        let since = own.iter().filter(|e| e.component == from.0 && e.host == from.1).map(|e| e.first).min().unwrap_or(at);
        if told >= BURST + (at - since) / REFILL {
            return;
        }
        let same = |e: &&mut Record| e.reason == reason && e.message == message && e.field == field;
        let known = own.iter_mut().rev().find(same);
        if let Some(known) = known {
            known.count += 1;
            known.last = at;
            known.version = version;
            return;
        }
        // upstream: EventAggregator
        let alike = |e: &&mut Record| {
            e.reason == reason && e.warning == warning && e.component == from.0 && e.host == from.1 && at - e.last <= ALIKE_WITHIN
        };
        let mut message = message;
        if own.iter_mut().filter(alike).filter(|e| !e.message.starts_with(COMBINED)).count() + 1 >= ALIKE {
            message = format!("{COMBINED}{message}");
            if let Some(known) = own.iter_mut().filter(alike).find(|e| e.message.starts_with(COMBINED)) {
                known.count += 1;
                known.last = at;
                known.version = version;
                known.message = message;
                return;
            }
        }
        self.events.last = number;
        own.push(Record {
            about: (about.api_version.clone(), about.kind.clone(), about.meta.namespace.clone(), about.meta.name.clone(), uid),
            field: field.to_owned(),
            warning,
            reason: reason.to_owned(),
            message,
            component: from.0.to_owned(),
            host: from.1.to_owned(),
            first: at,
            last: at,
            count: 1,
            version,
            number,
        });
    }

    /// Takes over what the controllers told.
    pub(super) fn record_events(&mut self) {
        for event in std::mem::take(&mut self.plane.api.events) {
            // An object may be gone by now; the log still has it.
            let object = self.plane.api.get(event.uid).cloned();
            let object =
                object.or_else(|| self.plane.api.log.iter().rev().find(|c| c.object.meta.uid == event.uid).map(|c| c.object.clone()));
            let Some(object) = object else { continue };
            let from = (component(&object.kind, event.reason), "");
            self.tell_at(event.at, &object, "", event.warning, event.reason, event.message, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_as_its_record_is() {
        for (message, warning) in [("Created", false), ("a \"b\"\nc", true)] {
            let words = |word: &str| word.to_owned();
            let record = Record {
                about: (words("v1"), words("Pod"), words("default"), words("web"), 7),
                field: words("spec.containers{nginx}"),
                warning,
                reason: words("Started"),
                message: words(message),
                component: words("kubelet"),
                host: words("node-1"),
                first: 1_767_225_600_000_000_000,
                last: -1,
                count: 3,
                version: u64::MAX,
                number: 12,
            };
            let mut out = Vec::new();
            write_line(&record.line(), &mut out);
            assert_eq!(String::from_utf8(out).ok(), serde_json::to_string(&record).ok());
            assert_eq!(serde_json::from_value::<Record>(serde_json::to_value(&record).expect("JSON")).ok(), Some(record));
        }
    }
}
