//! What containers do, which no manifest says: how long an image takes to pull, when a program answers, whether it ends.
//!
//! Told by the annotation `simulate.kval.dev/<container>` (or `simulate.kval.dev/all`) of the pod, as phrases separated by
//! commas: `pull 10s`, `image missing`, `starts in 20s`, `ready in 20s`, `never ready`, `exits 1 after 30s`,
//! `stops in 5s`. Without one, a command that only sleeps ends when it has slept, one that only exits (`false`, `exit 3`)
//! does so at once, and a shell text that begins with
//! `sleep N` answers after N seconds.

use serde_json::Value;

use super::prober::Life;
use super::prober::Nanos;
use super::prober::Probe;
use super::prober::ProbeKind;
use super::prober::RestartPolicy;
use super::prober::SECOND;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;
use crate::sprig::Duration;

/// The prefix of the annotations that describe containers.
pub const ANNOTATION: &str = "simulate.kval.dev/";
/// From the order to run a container to its start.
const CREATE: Nanos = SECOND;
/// An image that is not on the node yet.
const PULL: Nanos = 2 * SECOND;
const FOREVER: Nanos = i64::MAX / 4;

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
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { pull: PULL, image_missing: false, up_after: 0, ever_up: true, exit: None, stop: SECOND }
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
            _ => return Err(phrase.to_owned()),
        }
    }
    Ok(out)
}

fn seconds(text: &str) -> Option<Nanos> {
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let amount = digits.parse::<f64>().ok().filter(|n| (0.0..1e6).contains(n))?;
    Some((amount * f64::from(unit) * 1e9) as Nanos)
}

/// What the command line of a container tells.
fn guess(container: &Value) -> Behaviour {
    let mut out = Behaviour::default();
    let line: Vec<String> = words(container, &["command"]).into_iter().chain(words(container, &["args"])).collect();
    let words: Vec<&str> = line.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sleep" | "/bin/sleep", time] => out.exit = seconds(time).map(|t| (t, 0)),
        ["false" | "/bin/false"] => out.exit = Some((SECOND, 1)),
        ["true" | "/bin/true"] => out.exit = Some((SECOND, 0)),
        [shell, "-c" | "-ec" | "-xc", script] if shell.ends_with("sh") => {
            let script = script.trim();
            let only = script.strip_prefix("exit").map(str::trim);
            if let Some(code) = only.and_then(|code| if code.is_empty() { Some(0) } else { code.parse().ok() }) {
                out.exit = Some((SECOND, code));
            } else if matches!(script, "true" | "false") {
                out.exit = Some((SECOND, i64::from(script == "false")));
            } else if let Some(rest) = script.strip_prefix("sleep ") {
                let end = rest.find([';', '&', '\n', '|']).unwrap_or(rest.len());
                let time = seconds(rest[..end].trim());
                match (time, rest[end..].trim_matches([';', '&', '\n', ' ']).is_empty()) {
                    (Some(time), true) => out.exit = Some((time, 0)),
                    (Some(time), false) => out.up_after = time,
                    (None, _) => {}
                }
            }
        }
        _ => {}
    }
    out
}

/// What a container of a pod does.
pub fn of(annotations: &std::collections::BTreeMap<String, String>, container: &Value) -> Behaviour {
    let own = annotations.get(&format!("{ANNOTATION}{}", text(container, &["name"])));
    let told = own.or_else(|| annotations.get(&format!("{ANNOTATION}all"))).and_then(|t| parse(t).ok());
    told.unwrap_or_else(|| guess(container))
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
            ok: if behaviour.ever_up { vec![(behaviour.up_after, FOREVER)] } else { Vec::new() },
            container_clock: true,
            takes: 0,
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
        let told = guess(at(hook, &["exec"]));
        told.exit.map_or(told.up_after, |(after, _)| after)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn phrases() {
        let told = parse("pull 10s, starts in 20s, exits 3 after 1m").expect("understood");
        assert_eq!((told.pull, told.up_after, told.exit), (10 * SECOND, 20 * SECOND, Some((60 * SECOND, 3))));
        assert_eq!(parse("dances"), Err("dances".to_owned()));
    }

    #[test]
    fn commands() {
        let shell = |script: &str| guess(&json!({"args": ["/bin/sh", "-c", script]}));
        assert_eq!(shell("sleep 7;nginx -g \"daemon off;\"").up_after, 7 * SECOND);
        assert_eq!(shell("sleep 30").exit, Some((30 * SECOND, 0)));
        assert_eq!(guess(&json!({"command": ["sleep", "1d"]})).exit, Some((86_400 * SECOND, 0)));
        assert_eq!(guess(&json!({"args": ["false"]})).exit, Some((SECOND, 1)));
        assert_eq!(shell("exit 3").exit, Some((SECOND, 3)));
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
