//! What happens to the containers of a pod on its node over time: images are pulled one after the other, init
//! containers run in order, sidecars beside the rest, and each container lives as [`prober`] says.

use serde_json::Value;

use super::behaviour;
use super::behaviour::Behaviour;
use super::prober;
use super::prober::Event;
use super::prober::Nanos;
use super::prober::RestartPolicy;
use super::prober::SECOND;
use crate::simulate::apiserver::object::Labels;
use crate::simulate::resources::is_sidecar;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

/// From the binding of a pod to its sandbox.
const SANDBOX: Nanos = SECOND;
/// How long a program that is meant to end runs, when nobody tells.
const RUN_TIME: Nanos = 5 * SECOND;
/// From a failed pull of an image to the report that it is backing off.
const PULL_TRIES: Nanos = 2 * SECOND;

/// Which container of a pod: init containers come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whether it is an init container.
    pub init: bool,
    /// Its index in its list.
    pub index: usize,
}

impl Place {
    /// The container.
    pub fn of(self, spec: &Value) -> &Value {
        list(spec, &[if self.init { "initContainers" } else { "containers" }]).get(self.index).unwrap_or(&Value::Null)
    }
}

/// What happens to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// As its own life says.
    Event(Event),
    /// Its image cannot be pulled.
    PullFailed,
    /// The node waits before it tries to pull again.
    PullBackOff,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, since the pod came to its node.
    pub at: Nanos,
    /// To which container.
    pub place: Place,
    /// What.
    pub what: What,
}

/// All containers of a pod.
pub fn places(spec: &Value) -> impl Iterator<Item = Place> {
    let of = |init: bool, field: &str| (0..list(spec, &[field]).len()).map(move |index| Place { init, index });
    of(true, "initContainers").chain(of(false, "containers"))
}

/// When a container is started again.
pub fn restart_policy(spec: &Value, container: &Value) -> RestartPolicy {
    let own = text(container, &["restartPolicy"]);
    match if own.is_empty() { text(spec, &["restartPolicy"]) } else { own } {
        "Never" => RestartPolicy::Never,
        "OnFailure" => RestartPolicy::OnFailure,
        _ => RestartPolicy::Always,
    }
}

/// What a container does: as it is told, and one that is meant to end does so in time.
fn behaviour_of(annotations: &Labels, spec: &Value, place: Place) -> Behaviour {
    let container = place.of(spec);
    let mut told = behaviour::of(annotations, container);
    if place.init && !is_sidecar(container) {
        let after = told.up_after;
        told.exit = told.exit.or(Some((after, 0)));
    } else if told.exit.is_none() && !place.init && restart_policy(spec, container) != RestartPolicy::Always {
        told.exit = Some((told.up_after.max(RUN_TIME), 0));
    }
    told
}

/// The life of a pod's containers. `pulls` tells for each of [`places`] how long its image is pulled there; nothing is
/// looked at beyond `horizon`.
pub fn run(annotations: &Labels, spec: &Value, pulls: &[Nanos], horizon: Nanos) -> Vec<Moment> {
    let mut out: Vec<Moment> = Vec::new();
    let mut now = SANDBOX;
    for (place, pull) in places(spec).zip(pulls) {
        let container = place.of(spec);
        let told = behaviour_of(annotations, spec, place);
        if told.image_missing {
            let failed = |at, what| Moment { at, place, what };
            out.extend([failed(now, What::PullFailed), failed(now + PULL_TRIES, What::PullBackOff)]);
            if place.init {
                break;
            }
            continue;
        }
        now += pull;
        let mut life = behaviour::life(spec, container, &told, now - SANDBOX, horizon);
        life.restart_policy = restart_policy(spec, container);
        let once = place.init && !is_sidecar(container);
        if once && life.restart_policy == RestartPolicy::Always {
            life.restart_policy = RestartPolicy::OnFailure;
        }
        let trace = prober::run(&life);
        let done = |(at, event): &(Nanos, Event)| match event {
            Event::Exit(0) if once => Some(*at),
            Event::Started(true) if !once => Some(*at),
            _ => None,
        };
        let next = trace.events.iter().find_map(done);
        // What a container that ran once had to say of its readiness means nothing.
        let counts = |event: &Event| !once || !matches!(event, Event::Ready(_) | Event::Started(_));
        out.extend(trace.events.iter().filter(|(_, e)| counts(e)).map(|(at, event)| Moment { at: *at, place, what: What::Event(*event) }));
        match next {
            Some(next) if place.init => now = next,
            // The containers after it wait for ever.
            None if place.init => break,
            _ => {}
        }
    }
    out.sort_by_key(|m| (m.at, m.place));
    out
}

/// How long a pod takes to stop once it is asked to: its `preStop` hooks and then its programs, at most its grace period.
pub fn stop_time(annotations: &Labels, spec: &Value, grace: Nanos) -> Nanos {
    let stop = |place: Place| {
        let container = place.of(spec);
        let told = behaviour::of(annotations, container).stop;
        let hook = behaviour::pre_stop(container);
        // A hook that takes the whole grace period leaves two seconds.
        if hook >= grace { grace + 2 * SECOND } else { (hook + told).min(grace) }
    };
    places(spec).filter(|p| !p.init || is_sidecar(p.of(spec))).map(stop).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(spec: &Value) -> Vec<String> {
        let pulls: Vec<Nanos> = places(spec).map(|_| SECOND).collect();
        let shown = |m: &Moment| format!("{} {} {:?}", m.at / SECOND, text(m.place.of(spec), &["name"]), m.what);
        run(&Labels::new(), spec, &pulls, 100 * SECOND).iter().map(shown).collect()
    }

    #[test]
    fn init_containers_run_in_order() {
        let spec = json!({
            "restartPolicy": "Never",
            "initContainers": [
                {"name": "i", "command": ["sleep", "3"]},
                {"name": "s", "restartPolicy": "Always"},
            ],
            "containers": [{"name": "c", "command": ["sleep", "7"]}],
        });
        let want = [
            "2 i Event(Start(1))",
            "5 i Event(Exit(0))",
            "6 s Event(Start(1))",
            "6 s Event(Started(true))",
            "6 s Event(Ready(true))",
            "7 c Event(Start(1))",
            "7 c Event(Started(true))",
            "7 c Event(Ready(true))",
            "14 c Event(Exit(0))",
            "14 c Event(Started(false))",
            "14 c Event(Ready(false))",
        ];
        assert_eq!(line(&spec), want);
    }

    #[test]
    fn stopping_takes_hooks_into_account() {
        let spec = json!({"containers": [{"name": "c", "lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}]});
        assert_eq!(stop_time(&Labels::new(), &spec, 30 * SECOND), 11 * SECOND);
        assert_eq!(stop_time(&Labels::new(), &spec, 5 * SECOND), 7 * SECOND);
    }
}
