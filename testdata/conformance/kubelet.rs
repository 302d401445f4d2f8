//! Groups `simulation/kubelet-*`.

use kval::kube::quantity;
use kval::simulate::kubelet::actions;
use kval::simulate::kubelet::eviction;
use kval::simulate::kubelet::grace;
use kval::simulate::kubelet::prober;
use kval::simulate::kubelet::prober::{Event, Nanos, ProbeKind, RestartPolicy};
use kval::simulate::kubelet::runtime::{Instance, Observed, ProbeResult, Sandbox, State};
use kval::simulate::kubelet::status;
use serde_json::{Value as Json, json};

use super::{Case, agree};

pub(super) fn grace(case: &Case) -> Result<(), String> {
    let e = &case.expected;
    let number = |key: &str| e[key].as_i64();
    let (deletion, spec) = (number("deletionGrace"), number("specGrace"));
    if case.id.starts_with("pod") {
        let (period, changed) = grace::pod(number("current").unwrap_or(0), deletion, spec, number("override"));
        return agree(&json!([period, changed]), &json!([e["gracePeriod"], e["changed"]]));
    }
    let reason = match e["reason"].as_str().unwrap_or("") {
        "LivenessProbe" => grace::KillReason::LivenessProbe,
        "StartupProbe" => grace::KillReason::StartupProbe,
        _ => grace::KillReason::Unknown,
    };
    let period = grace::container(deletion, spec, number("probeGrace"), reason);
    agree(&json!([period, grace::stop_timeout(period)]), &json!([e["gracePeriod"], e["stopTimeout"]]))
}

pub(super) fn eviction(case: &Case) -> Result<(), String> {
    let bytes = |v: &Json| v.as_str().and_then(|s| quantity::parse(s).ok()).map_or(0, quantity::Quantity::value);
    let pods = case.input["pods"].as_array().cloned().unwrap_or_default();
    let candidate = |p: &'_ Json| {
        let containers = p["pod"]["spec"]["containers"].as_array().map_or(0, Vec::len) as i64;
        let usage = eviction::Usage {
            memory: bytes(&p["memoryWorkingSet"]),
            rootfs: bytes(&p["rootfsPerContainer"]) * containers,
            logs: bytes(&p["logsPerContainer"]) * containers,
            local_volume: bytes(&p["localVolumeEach"]),
            processes: p["processes"].as_i64().unwrap_or(0),
        };
        (p["noStats"] != true).then_some(usage)
    };
    let mut candidates: Vec<_> = pods.iter().map(|p| eviction::Candidate { pod: &p["pod"], usage: candidate(p) }).collect();
    let layout = eviction::Layout { image_fs: case.input["imageFs"] == true, container_fs_split: case.input["containerFsSplit"] == true };
    eviction::rank(&mut candidates, case.input["signal"].as_str().unwrap_or(""), layout);
    let order: Vec<&Json> = candidates.iter().map(|c| &c.pod["metadata"]["name"]).collect();
    agree(&json!(order), &case.expected["eviction_order"])
}

fn nanos(seconds: &Json) -> Nanos {
    (seconds.as_f64().unwrap_or(0.0) * 1e9).round() as Nanos
}

fn seconds(at: Nanos) -> Json {
    if at % prober::SECOND == 0 { json!(at / prober::SECOND) } else { json!(at as f64 / 1e9) }
}

fn probe_of(kind: ProbeKind, p: &Json) -> prober::Probe {
    let number = |key: &str| p[key].as_i64().unwrap_or(0);
    let behaviour = &p["behaviour"];
    prober::Probe {
        kind,
        initial_delay: number("initialDelaySeconds"),
        period: number("periodSeconds"),
        timeout: number("timeoutSeconds"),
        success_threshold: number("successThreshold") as u32,
        failure_threshold: number("failureThreshold") as u32,
        grace: p["terminationGracePeriodSeconds"].as_i64(),
        ok: behaviour["ok"].as_array().into_iter().flatten().map(|i| (nanos(&i[0]), nanos(&i[1]))).collect(),
        container_clock: behaviour["clock"] == "container",
        takes: nanos(&behaviour["takes"]),
    }
}

pub(super) fn probe(case: &Case) -> Result<(), String> {
    let i = &case.input;
    let kinds = [ProbeKind::Liveness, ProbeKind::Readiness, ProbeKind::Startup];
    let life = prober::Life {
        restart_policy: match i["restartPolicy"].as_str().unwrap_or("") {
            "Never" => RestartPolicy::Never,
            "OnFailure" => RestartPolicy::OnFailure,
            _ => RestartPolicy::Always,
        },
        grace: i["terminationGracePeriodSeconds"].as_i64().unwrap_or(30),
        start: nanos(&i["startDelay"]),
        exit: (!i["exitAfter"].is_null()).then(|| (nanos(&i["exitAfter"]), i["exitCode"].as_i64().unwrap_or(0))),
        stop_takes: nanos(&i["stopTakes"]),
        probes: kinds.into_iter().filter(|k| i["probes"][k.name()].is_object()).map(|k| probe_of(k, &i["probes"][k.name()])).collect(),
        horizon: nanos(&i["horizon"]),
    };
    let trace = prober::run(&life);
    let mut starts = 0;
    let mut intervals = Vec::new();
    let mut open = None;
    let mut timeline = Vec::new();
    for (at, event) in &trace.events {
        let t = seconds(*at);
        timeline.push(match event {
            Event::Start(n) => {
                starts += 1;
                json!([t, "container-start", n])
            }
            Event::Started(yes) => json!([t, "started", yes]),
            Event::Ready(yes) => {
                match (yes, open.take()) {
                    (true, _) => open = Some(t.clone()),
                    (false, Some(from)) => intervals.push(json!([from, t])),
                    (false, None) => {}
                }
                json!([t, "ready", yes])
            }
            Event::Kill(kind, grace) => json!([t, "kill", kind.name(), {"grace": grace}]),
            Event::Exit(code) => json!([t, "container-exit", code]),
            Event::BackOff(wait) => json!([t, "backoff", seconds(*wait)]),
        });
    }
    intervals.extend(open.map(|from| json!([from, seconds(life.horizon)])));
    let e = &case.expected;
    agree(&timeline.into(), &e["timeline"])?;
    agree(&json!([intervals, starts - 1]), &json!([e["ready_intervals"], e["restarts"]]))?;
    if e["probes"].is_null() {
        return Ok(());
    }
    let mut probes: Vec<(Nanos, &str, String)> =
        trace.probes.iter().map(|(t, kind, o)| (*t, kind.name(), format!("{o:?}").to_lowercase())).collect();
    probes.sort();
    probes.dedup();
    agree(&probes.into_iter().map(|(t, kind, o)| json!([seconds(t), kind, o])).collect(), &e["probes"])
}

/// A pod whose containers started a minute apart.
fn observed(input: &Json) -> Observed {
    let base = 1_767_225_600;
    let text = |v: &Json| v.as_str().unwrap_or("").to_owned();
    let spec = &input["pod"]["spec"];
    let image = |name: &Json| {
        let all = ["containers", "initContainers"].iter().flat_map(|k| spec[*k].as_array().into_iter().flatten());
        all.filter(|c| c["name"] == *name).map(|c| text(&c["image"])).next().unwrap_or_default()
    };
    let instance = |r: &Json| {
        let restarts = r["restartCount"].as_i64().unwrap_or(0);
        Instance {
            name: text(&r["name"]),
            id: format!("test://{}-{restarts}", text(&r["name"])),
            image: r["imageWas"].as_str().map_or_else(|| image(&r["name"]), str::to_owned),
            state: match r["state"].as_str().unwrap_or("") {
                "running" => State::Running,
                "exited" => State::Exited(r["exitCode"].as_i64().unwrap_or(0)),
                "created" => State::Created,
                _ => State::Unknown,
            },
            reason: text(&r["reason"]),
            message: text(&r["message"]),
            restarts,
            started: (base + restarts * 60) * prober::SECOND,
            finished: (base + restarts * 60 + 30) * prober::SECOND,
        }
    };
    let result = |r: &Json| match r.as_str().unwrap_or("") {
        "success" => ProbeResult::Success,
        "failure" => ProbeResult::Failure,
        _ => ProbeResult::Unknown,
    };
    let mut out = Observed {
        sandbox: match input["sandbox"].as_str().unwrap_or("") {
            "ready" => Sandbox::Ready,
            "notready" => Sandbox::NotReady,
            _ => Sandbox::None,
        },
        instances: input["runtime"].as_array().into_iter().flatten().map(instance).collect(),
        ..Observed::default()
    };
    for (name, probes) in input["probeResults"].as_object().into_iter().flatten() {
        for kind in [ProbeKind::Liveness, ProbeKind::Readiness, ProbeKind::Startup] {
            if let Some(found) = probes.get(kind.name()) {
                out.probes.insert((name.clone(), kind.name()), result(found));
            }
        }
    }
    for (name, error) in input["startErrors"].as_object().into_iter().flatten() {
        out.start_errors.insert(name.clone(), (text(&error[0]), text(&error[1])));
    }
    out
}

/// What the kubelet does next, and the status it reports.
pub(super) fn pod_state(case: &Case) -> Result<(), String> {
    let pod = &case.input["pod"];
    let observed = observed(&case.input);
    let actions = actions::compute(pod, &observed);
    let names = |field: &str, places: &[usize]| -> Json {
        let all: Vec<Json> = places.iter().map(|i| pod["spec"][field][*i]["name"].clone()).collect();
        if all.is_empty() { Json::Null } else { all.into() }
    };
    let kill: Vec<Json> = actions.kill.iter().map(|k| json!({"name": k.name, "reason": k.reason, "message": k.message})).collect();
    let got = json!({
        "actions": {
            "attempt": actions.attempt, "createSandbox": actions.create_sandbox, "killPod": actions.kill_pod,
            "containersToStart": names("containers", &actions.to_start),
            "initContainersToStart": names("initContainers", &actions.init_to_start),
            "kill": if kill.is_empty() { Json::Null } else { kill.into() },
        },
        "status": status::generate(pod, &observed, case.input["podIsTerminal"] == true),
    });
    agree(&got, &json!({"actions": case.expected["actions"], "status": case.expected["status"]}))
}
