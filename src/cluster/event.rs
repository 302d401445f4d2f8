//! Events, as a recorder keeps them: the same event told again raises a count. upstream: client-go/tools/record

use serde_json::Value;
use serde_json::json;

use super::Cluster;
use super::present::rfc3339;
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
}

impl Record {
    /// As an object of `v1`.
    pub fn to_json(&self) -> Value {
        let (api_version, kind, namespace, name, uid) = &self.about;
        let home = if namespace.is_empty() { "default" } else { namespace };
        let hash = self.first as u64 ^ (uid << 20) ^ self.reason.bytes().fold(7u64, |h, b| h.wrapping_mul(131).wrapping_add(u64::from(b)));
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
                "name": format!("{name}.{hash:016x}"),
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
        self.events.iter().filter(|e| self.now() - e.last <= TTL)
    }

    /// Tells an event; one told before is counted.
    pub(super) fn tell(&mut self, about: &Object, field: &str, warning: bool, reason: &str, message: String, from: (&str, &str)) {
        let at = self.now();
        self.tell_at(at, about, field, warning, reason, message, from);
    }

    #[allow(clippy::too_many_arguments)]
    fn tell_at(&mut self, at: Nanos, about: &Object, field: &str, warning: bool, reason: &str, message: String, from: (&str, &str)) {
        let uid = about.meta.uid;
        let same = |e: &&mut Record| e.about.4 == uid && e.reason == reason && e.message == message && e.field == field;
        let version = self.plane.api.counters().version;
        if let Some(known) = self.events.iter_mut().rev().find(same).filter(|e| at - e.last <= TTL) {
            known.count += 1;
            known.last = at;
            known.version = version;
            return;
        }
        let about = (about.api_version.clone(), about.kind.clone(), about.meta.namespace.clone(), about.meta.name.clone(), uid);
        let (component, host) = (from.0.to_owned(), from.1.to_owned());
        let (field, reason) = (field.to_owned(), reason.to_owned());
        self.events.push(Record { about, field, warning, reason, message, component, host, first: at, last: at, count: 1, version });
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

    /// Forgets what is too old.
    pub(super) fn forget_events(&mut self) {
        let now = self.now();
        self.events.retain(|e| now - e.last <= TTL);
    }
}
