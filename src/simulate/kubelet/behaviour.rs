//! What containers do, which no manifest says: how long an image takes to pull, when a program answers, whether it ends.
//!
//! Told by the annotation `simulate.kval.dev/<container>` (or `simulate.kval.dev/all`) of the pod, as phrases separated by
//! commas: `pull 10s`, `image missing`, `starts in 20s`, `ready in 20s`, `never ready`, `exits 1 after 30s`,
//! `fails after 30s`, `stops in 5s`, `answers in 2s`, `file /tmp/ready from 5s until 30s`, `ready when /tmp/ready exists`.
//! Without one, the command line tells: a program that only sleeps ends when it has slept, a shell text that begins with
//! `sleep N` answers after N seconds, and what it does to files decides what probes of them find.

use serde_json::Value;

use super::prober::Life;
use super::prober::Nanos;
use super::prober::Probe;
use super::prober::ProbeKind;
use super::prober::RestartPolicy;
use super::prober::SECOND;
use super::program;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::text;
use crate::sprig::Duration;

/// The prefix of the annotations that describe containers.
pub const ANNOTATION: &str = "simulate.kval.dev/";
/// From the order to run a container to its start.
const CREATE: Nanos = SECOND;
/// An image that is not on the node yet.
const PULL: Nanos = 2 * SECOND;
/// After everything else.
pub(super) const FOREVER: Nanos = i64::MAX / 4;

/// What one container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// How long its image is pulled.
    pub pull: Nanos,
    /// Whether the image is not to be had.
    pub image_missing: bool,
    /// From its start until it answers.
    pub up_after: Nanos,
    /// Whether it answers at all.
    pub ever_up: bool,
    /// When an instance ends by itself, and with which code.
    pub exit: Option<(Nanos, i64)>,
    /// From TERM to its end.
    pub stop: Nanos,
    /// How long its answer to a probe takes.
    pub answer: Nanos,
    /// Files with the times, from its start, between which they are there.
    pub files: Vec<(String, Nanos, Nanos)>,
    /// The file that makes it ready.
    pub ready_when: Option<String>,
}

impl Behaviour {
    /// A file is made.
    pub(super) fn make(&mut self, file: &str, now: Nanos) {
        let there = |f: &(String, Nanos, Nanos)| f.0 == file && f.2 > now;
        if !self.files.iter().any(there) {
            self.files.push((file.to_owned(), now, FOREVER));
        }
    }

    /// A file, or a directory with its files, is removed.
    pub(super) fn remove(&mut self, file: &str, now: Nanos) {
        let below = |f: &String| f == file || f.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'));
        self.files.iter_mut().filter(|f| below(&f.0) && f.2 > now).for_each(|f| f.2 = now);
    }

    /// When a file is there, if anything is known of it.
    fn times_of(&self, file: &str) -> Option<Vec<(Nanos, Nanos)>> {
        let times: Vec<(Nanos, Nanos)> = self.files.iter().filter(|f| f.0 == file).map(|f| (f.1, f.2)).collect();
        (!times.is_empty()).then_some(times)
    }

    /// When a probe succeeds.
    fn answers(&self, kind: ProbeKind, probe: &Value) -> Vec<(Nanos, Nanos)> {
        let awaited = self.ready_when.as_deref().filter(|_| kind == ProbeKind::Readiness);
        let file = awaited.map(str::to_owned).or_else(|| program::asked_file(probe));
        if let Some(times) = file.as_deref().and_then(|f| self.times_of(f)) {
            return times;
        }
        if self.ever_up && awaited.is_none() { vec![(self.up_after, FOREVER)] } else { Vec::new() }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            pull: PULL,
            image_missing: false,
            up_after: 0,
            ever_up: true,
            exit: None,
            stop: SECOND,
            answer: 0,
            files: Vec::new(),
            ready_when: None,
        }
    }
}

/// The phrases of an annotation; `Err` is the one that is not understood.
pub fn parse(phrases: &str) -> Result<Behaviour, String> {
    let mut out = Behaviour::default();
    for phrase in phrases.split([',', ';']).map(str::trim).filter(|p| !p.is_empty()) {
        let parts: Vec<&str> = phrase.split_whitespace().collect();
        let time = |text: &str| Duration::parse(text).map(|d| d.0).map_err(|_| phrase.to_owned());
        match parts.as_slice() {
            ["pull", t] | ["pulls", "in", t] => out.pull = time(t)?,
            ["image", "missing"] => out.image_missing = true,
            ["starts" | "ready" | "up", "in", t] => out.up_after = time(t)?,
            ["never", "ready"] => out.ever_up = false,
            ["exits", code, "after", t] => out.exit = Some((time(t)?, code.parse().map_err(|_| phrase.to_owned())?)),
            ["fails", "after", t] => out.exit = Some((time(t)?, 1)),
            ["stops", "in", t] => out.stop = time(t)?,
            ["answers", "in", t] => out.answer = time(t)?,
            ["file", file, "after" | "from", t] => out.files.push(((*file).to_owned(), time(t)?, FOREVER)),
            ["file", file, "until", t] => out.files.push(((*file).to_owned(), 0, time(t)?)),
            ["file", file, "from", from, "until", until] => out.files.push(((*file).to_owned(), time(from)?, time(until)?)),
            ["ready", "when", file, "exists"] | ["ready", "when", "file", file, "exists"] => out.ready_when = Some((*file).to_owned()),
            _ => return Err(phrase.to_owned()),
        }
    }
    Ok(out)
}

/// What a container of a pod does.
pub fn of(annotations: &std::collections::BTreeMap<String, String>, container: &Value) -> Behaviour {
    if annotations.is_empty() {
        return program::guess(container);
    }
    let own = annotations.get(&format!("{ANNOTATION}{}", text(container, &["name"])));
    let told = own.or_else(|| annotations.get(&format!("{ANNOTATION}all"))).and_then(|t| parse(t).ok());
    told.unwrap_or_else(|| program::guess(container))
}

/// The life of a container whose node begins with it at 0 and starts it at `start`.
pub fn life(spec: &Value, container: &Value, behaviour: &Behaviour, start: Nanos, horizon: Nanos) -> Life {
    let probe = |kind: ProbeKind| {
        let p = at(container, &[kind.field()]);
        let number = |field: &str, default: i64| int(p, &[field]).filter(|n| *n != 0).unwrap_or(default);
        p.is_object().then(|| Probe {
            kind,
            initial_delay: number("initialDelaySeconds", 0),
            period: number("periodSeconds", 10),
            timeout: number("timeoutSeconds", 1),
            success_threshold: number("successThreshold", 1) as u32,
            failure_threshold: number("failureThreshold", 3) as u32,
            grace: int(p, &["terminationGracePeriodSeconds"]),
            ok: behaviour.answers(kind, p),
            container_clock: true,
            takes: behaviour.answer,
        })
    };
    Life {
        restart_policy: match text(spec, &["restartPolicy"]) {
            "Never" => RestartPolicy::Never,
            "OnFailure" => RestartPolicy::OnFailure,
            _ => RestartPolicy::Always,
        },
        grace: int(spec, &["terminationGracePeriodSeconds"]).unwrap_or(30),
        start: start + CREATE,
        exit: behaviour.exit,
        stop_takes: behaviour.stop,
        probes: [ProbeKind::Liveness, ProbeKind::Readiness, ProbeKind::Startup].into_iter().filter_map(probe).collect(),
        horizon,
    }
}

/// How long an init container takes once it starts: what it sleeps, or a moment.
pub fn init_time(behaviour: &Behaviour) -> Nanos {
    CREATE + behaviour.exit.map_or(behaviour.up_after, |(after, _)| after)
}

/// How long the `preStop` hook of a container takes: what it sleeps.
pub fn pre_stop(container: &Value) -> Nanos {
    let hook = at(container, &["lifecycle", "preStop"]);
    let slept = int(hook, &["sleep", "seconds"]).map(|s| s * SECOND);
    slept.unwrap_or_else(|| {
        let told = program::guess(at(hook, &["exec"]));
        // A hook that only does something is done at once.
        let slept = told.exit.map_or(told.up_after, |(after, _)| after);
        if slept <= SECOND && told.exit.is_some() { 0 } else { slept }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::simulate::apiserver::object::Labels;

    #[test]
    fn phrases() {
        let told = parse("pull 10s, starts in 20s, exits 3 after 1m").expect("understood");
        assert_eq!((told.pull, told.up_after, told.exit), (10 * SECOND, 20 * SECOND, Some((60 * SECOND, 3))));
        assert_eq!(parse("dances"), Err("dances".to_owned()));
    }

    /// A probe of a file that the program makes and removes fails once it is gone.
    #[test]
    fn probes_of_files() {
        let container = json!({
            "args": ["/bin/sh", "-c", "touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600"],
            "livenessProbe": {"exec": {"command": ["cat", "/tmp/healthy"]}, "initialDelaySeconds": 5, "periodSeconds": 5},
        });
        let life = life(&json!({}), &container, &of(&Labels::new(), &container), 0, 100 * SECOND);
        assert_eq!(life.probes[0].ok, [(0, 30 * SECOND)]);
        let told = parse("file /r after 20s, ready when /r exists").expect("understood");
        assert_eq!(told.answers(ProbeKind::Readiness, &json!({"httpGet": {"port": 80}})), [(20 * SECOND, FOREVER)]);
    }

    /// A tutorial's promise: a program that answers after 7 s is never restarted by this probe, one that needs 30 s is,
    /// again and again.
    #[test]
    fn slow_start_under_a_liveness_probe() {
        let container = json!({"name": "nginx", "livenessProbe": {"initialDelaySeconds": 5, "periodSeconds": 4, "failureThreshold": 3}});
        let restarts = |up: i64| {
            let behaviour = Behaviour { up_after: up * SECOND, ..Behaviour::default() };
            let trace = super::super::prober::run(&life(&json!({}), &container, &behaviour, 0, 300 * SECOND));
            trace.events.iter().filter(|(_, e)| matches!(e, super::super::prober::Event::Kill(..))).count()
        };
        assert_eq!(restarts(7), 0);
        assert!(restarts(30) > 3);
    }
}
