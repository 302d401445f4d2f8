//! What many ask of many pods: told without reading the rest of what a pod says.

use serde_json::Value;

use super::Nanos;
use super::Object;
use super::object::time;
use super::read;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// Of a pod's specification or status, what is there of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The name of its node.
    pub node: String,
    /// Its phase.
    pub phase: String,
    /// Its address.
    pub address: String,
    /// Since when it is ready; nothing when it is not.
    pub ready: Option<Nanos>,
    /// How often a container was restarted at most: of those beside one another, and of those before them.
    pub restarts: (i64, i64),
    /// The names of the containers that run: of those before the others, of those beside one another, of those added later.
    pub running: Running,
    /// How long it may take to end, in seconds.
    pub grace: Option<i64>,
    /// From where to where in the text its node stands.
    pub(super) node_at: Option<(usize, usize)>,
    /// Whether there is one of the fields that few pods have and a scheduler looks at.
    pub rare: bool,
}

/// Names of containers: those before the others, those beside one another, those added later.
pub type Running = (Vec<String>, Vec<String>, Vec<String>);

/// Fields that few pods have: volumes, claims of devices, the node that was nominated.
pub(super) const RARE: [&str; 3] = ["volumes", "resourceClaims", "nominatedNodeName"];

/// Facts as a state keeps them beside the text they are of, in the order of their fields.
type Line<S, R> = (S, S, S, Option<Nanos>, (i64, i64), R, Option<i64>, Option<(usize, usize)>, bool);

impl Facts {
    /// Writes them for [`Facts::kept`].
    pub(super) fn keep(&self, out: &mut Vec<u8>) {
        let line: Line<&str, &Running> =
            (&self.node, &self.phase, &self.address, self.ready, self.restarts, &self.running, self.grace, self.node_at, self.rare);
        // Writing to memory does not fail.
        drop(serde_json::to_writer(out, &line));
    }

    /// What [`Facts::keep`] wrote; nothing when it did not.
    pub(super) fn kept(text: &[u8]) -> Option<Self> {
        let line: Line<String, Running> = serde_json::from_slice(text).ok()?;
        let (node, phase, address, ready, restarts, running, grace, node_at, rare) = line;
        Some(Self { node, phase, address, ready, restarts, running, grace, node_at, rare })
    }

    /// The facts of a JSON text; none when there is no JSON.
    pub(super) fn read(text: &[u8]) -> Self {
        read::facts(text).unwrap_or_else(|| Self::of(&serde_json::from_slice(text).unwrap_or_default()))
    }

    /// The facts of a value.
    pub(super) fn of(value: &Value) -> Self {
        let word = |key| text(value, &[key]).to_owned();
        let rare = RARE.iter().any(|key| value.get(key).is_some());
        Self {
            node: word("nodeName"),
            phase: word("phase"),
            address: word("podIP"),
            ready: ready_of(value),
            restarts: restarts_of(value),
            running: running_of(value),
            grace: int(value, &[GRACE]),
            node_at: None,
            rare,
        }
    }
}

/// Since when a pod of a status is ready.
fn ready_of(status: &Value) -> Option<Nanos> {
    let condition = list(status, &["conditions"]).iter().find(|c| text(c, &["type"]) == "Ready")?;
    (text(condition, &["status"]) == "True").then(|| time(&condition["lastTransitionTime"]).unwrap_or(0))
}

fn restarts_of(status: &Value) -> (i64, i64) {
    let most = |field| list(status, &[field]).iter().map(|c| int(c, &["restartCount"]).unwrap_or(0)).max().unwrap_or(0);
    (most("containerStatuses"), most("initContainerStatuses"))
}

fn running_of(status: &Value) -> Running {
    let of = |field| {
        let runs = |c: &&Value| c["state"]["running"].is_object();
        list(status, &[field]).iter().filter(runs).map(|c| text(c, &["name"]).to_owned()).collect()
    };
    (of("initContainerStatuses"), of("containerStatuses"), of("ephemeralContainerStatuses"))
}

/// The names of the containers of a pod that run.
pub fn running(pod: &Object) -> Running {
    pod.status.facts().map_or_else(|| running_of(&pod.status), |facts| facts.running.clone())
}

/// How often a container of a pod was restarted at most: of those beside one another, and of those before them.
pub fn restarts(pod: &Object) -> (i64, i64) {
    pod.status.facts().map_or_else(|| restarts_of(&pod.status), |facts| facts.restarts)
}

/// The node of a pod; empty when it has none.
pub fn node_name(pod: &Object) -> &str {
    pod.spec.facts().map_or_else(|| text(&pod.spec, &["nodeName"]), |facts| &facts.node)
}

const GRACE: &str = "terminationGracePeriodSeconds";

/// How long a pod may take to end, in seconds; nothing when it does not say.
pub fn grace(pod: &Object) -> Option<i64> {
    pod.spec.facts().map_or_else(|| int(&pod.spec, &[GRACE]), |facts| facts.grace)
}

/// The phase of an object.
pub fn phase(object: &Object) -> &str {
    object.status.facts().map_or_else(|| text(&object.status, &["phase"]), |facts| &facts.phase)
}

/// The address of a pod; empty when it has none.
pub fn address(pod: &Object) -> &str {
    pod.status.facts().map_or_else(|| text(&pod.status, &["podIP"]), |facts| &facts.address)
}

/// Since when a pod is ready, when it is.
pub fn ready_since(pod: &Object) -> Option<Nanos> {
    match pod.status.facts() {
        Some(facts) => facts.ready,
        None => pod.status.ready_since(|| ready_of(&pod.status)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_read_as_they_are_told() {
        let ready = |status: &str, at: Value| json!({"lastProbeTime": null, "lastTransitionTime": at, "status": status, "type": "Ready"});
        let other = json!({"status": "True", "type": "Initialized", "lastTransitionTime": 5});
        for value in [
            json!({"conditions": [other, ready("True", json!(12))], "phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}),
            json!({"conditions": [ready("False", json!(12)), other], "phase": "Pen\"ding"}),
            json!({"conditions": [ready("True", json!("2026-01-01T00:00:00Z")), ready("False", json!(1))]}),
            json!({"conditions": [{"type": "Ready", "status": "True"}, "word", {}]}),
            json!({"conditions": [{}, 1, {"type": 1, "status": "True"}], "phase": 1, "podIP": null}),
            json!({"conditions": {}, "nodeName": "n\u{e9}"}),
            json!({"containers": [{"nodeName": "no", "conditions": []}], "nodeName": "yes"}),
            json!({"conditions": [], "volumes": []}),
            json!({"nominatedNodeName": "n"}),
            json!({"nodeName": "n", "terminationGracePeriodSeconds": 30}),
            json!({"containerStatuses": [{"name": "a", "restartCount": 2}, {"restartCount": 5.0}, {}, 7], "initContainerStatuses": [{"restartCount": 3}]}),
            json!({"containerStatuses": [{"name": "a", "state": {"running": {"startedAt": 1}}}, {"name": "b", "state": {"running": 1}},
                {"name": "c", "state": {"waiting": {}}}, {"state": {"running": {}}}, {"state": []}], "ephemeralContainerStatuses":
                [{"name": "e", "state": {"running": {}}}], "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}),
            json!({"containerStatuses": [], "initContainerStatuses": {"restartCount": 3}}),
            json!({}),
            json!(null),
            json!([1]),
        ] {
            let compact = value.to_string();
            let read = Facts::read(compact.as_bytes());
            let node = read.node_at.and_then(|(from, to)| compact.get(from..to));
            assert_eq!(node.map(str::to_owned), value.get("nodeName").map(Value::to_string), "{compact}");
            let mut kept = Vec::new();
            read.keep(&mut kept);
            assert_eq!(Facts::kept(&kept).as_ref(), Some(&read), "{compact}");
            assert_eq!(Facts { node_at: None, ..read }, Facts::of(&value), "{compact}");
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(Facts::read(pretty.as_bytes()), Facts::of(&value), "{compact}");
            assert_eq!(read::facts(compact.as_bytes()).is_some(), value.is_object(), "{compact}");
        }
    }
}
