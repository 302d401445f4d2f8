//! Events, as a recorder keeps them: the same event told again raises a count. upstream: client-go/tools/record

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::present::rfc3339;
use super::state;
use super::state::Late;
use super::state::Read;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::uid_text;

/// After so long events are forgotten. upstream: kube-apiserver --event-ttl
const TTL: Nanos = 3600 * SECOND;

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
    /// As an object of `v1`.
    pub fn to_json(&self) -> Value {
        let (api_version, kind, namespace, name, uid) = &self.about;
        let home = if namespace.is_empty() { "default" } else { namespace };
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
                // The real name is of the time in nanoseconds, which differs from event to event.
                "name": format!("{name}.{:x}", self.first + self.number),
                "namespace": home,
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

/// The events of a cluster, which few commands need.
#[derive(Debug, Default)]
pub(super) struct Events(Late<Log>);

#[derive(Debug, Default)]
struct Log {
    /// Oldest first.
    records: Vec<Record>,
    /// The number of the last event.
    last: i64,
    /// The places of the records about an object.
    about: BTreeMap<Uid, Vec<usize>>,
}

impl Log {
    fn of(records: Vec<Record>) -> Self {
        let mut about: BTreeMap<Uid, Vec<usize>> = BTreeMap::new();
        for (i, record) in records.iter().enumerate() {
            about.entry(record.about.4).or_default().push(i);
        }
        let last = records.iter().map(|r| r.number).max().unwrap_or(0);
        Self { records, last, about }
    }
}

impl Events {
    /// The events of lines of JSON.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self(Late::of(bytes, |bytes| Log::of(state::lines(bytes).map(|v| decode(&v)).collect())))
    }

    /// Writes a line for each.
    pub(super) fn write(&self, line: &mut dyn FnMut(&dyn Fn(&mut Vec<u8>))) {
        match self.0.get() {
            Read::Not(bytes) => bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).for_each(|l| line(&|out| out.extend_from_slice(l))),
            Read::Yes(log) => log.records.iter().for_each(|e| line(&|out| out.extend(encode(e).to_string().into_bytes()))),
        }
    }

    /// Forgets what is too old, if anybody has looked.
    pub(super) fn forget(&mut self, now: Nanos) {
        let Read::Yes(log) = self.0.get() else { return };
        if log.records.iter().any(|e| now - e.last > TTL) {
            let log = self.0.change();
            log.records.retain(|e| now - e.last <= TTL);
            *log = Log { last: log.last, ..Log::of(std::mem::take(&mut log.records)) };
        }
    }

    /// The events about an object.
    pub(super) fn about(&self, uid: Uid) -> impl Iterator<Item = &Record> {
        let log = self.0.value();
        log.about.get(&uid).into_iter().flatten().filter_map(|i| log.records.get(*i))
    }
}

fn encode(e: &Record) -> Value {
    let (api_version, kind, namespace, name, uid) = &e.about;
    json!([
        [api_version, kind, namespace, name, uid],
        [e.field, e.warning, e.reason, e.message, e.component, e.host],
        [e.first, e.last, e.count, e.version, e.number],
    ])
}

fn decode(v: &Value) -> Record {
    let word = |i: usize, k: usize| v[i][k].as_str().unwrap_or_default().to_owned();
    let number = |k: usize| -> Nanos { v[2][k].as_i64().unwrap_or_default() };
    Record {
        about: (word(0, 0), word(0, 1), word(0, 2), word(0, 3), v[0][4].as_u64().unwrap_or_default()),
        field: word(1, 0),
        warning: v[1][1] == true,
        reason: word(1, 2),
        message: word(1, 3),
        component: word(1, 4),
        host: word(1, 5),
        first: number(0),
        last: number(1),
        count: number(2),
        version: number(3) as u64,
        number: number(4),
    }
}

/// Who tells an event of a controller about a kind.
fn component(kind: &str, reason: &str) -> &'static str {
    match (kind, reason) {
        ("Deployment", _) => "deployment-controller",
        ("ReplicaSet", _) => "replicaset-controller",
        ("ReplicationController", _) => "replication-controller",
        ("StatefulSet", _) => "statefulset-controller",
        ("DaemonSet", _) => "daemonset-controller",
        ("Job", _) => "job-controller",
        ("CronJob", _) => "cronjob-controller",
        ("PersistentVolumeClaim" | "PersistentVolume", _) => "persistentvolume-controller",
        ("PodDisruptionBudget", _) => "controllermanager",
        ("HorizontalPodAutoscaler", _) => "horizontal-pod-autoscaler",
        _ => "controllermanager",
    }
}

impl Cluster {
    /// All events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Record> {
        self.events.0.value().records.iter().filter(|e| self.now() - e.last <= TTL)
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
        let log = self.events.0.change();
        let own = log.about.entry(uid).or_default();
        let same = |e: &Record| e.reason == reason && e.message == message && e.field == field;
        let known = own.iter().rev().copied().find(|i| log.records.get(*i).is_some_and(same));
        if let Some(known) = known.and_then(|i| log.records.get_mut(i)).filter(|e| at - e.last <= TTL) {
            known.count += 1;
            known.last = at;
            known.version = version;
            return;
        }
        own.push(log.records.len());
        log.last += 1;
        let number = log.last;
        let about = (about.api_version.clone(), about.kind.clone(), about.meta.namespace.clone(), about.meta.name.clone(), uid);
        let (component, host) = (from.0.to_owned(), from.1.to_owned());
        let (field, reason) = (field.to_owned(), reason.to_owned());
        log.records.push(Record {
            about,
            field,
            warning,
            reason,
            message,
            component,
            host,
            first: at,
            last: at,
            count: 1,
            version,
            number,
        });
    }

    /// Takes over what the controllers told.
    pub(super) fn record_events(&mut self) {
        while let Some(event) = self.plane.api.events.get(self.event_cursor).cloned() {
            self.event_cursor += 1;
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
