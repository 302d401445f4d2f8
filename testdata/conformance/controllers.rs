//! Groups `simulation/<group>` of the controllers' arithmetic.

use kval::simulate::controllers::cronjob_schedule as cron;
use kval::simulate::controllers::hash;
use kval::simulate::controllers::hpa;
use kval::sprig::Duration;
use serde_json::{Value as Json, json};

use super::{Case, agree};

/// The documents of a scenario's text.
pub(super) fn documents(case: &Case) -> Vec<Json> {
    kval::yaml::parse(case.text(), kval::source::FileId(0)).into_iter().filter_map(|d| Some(d.root?.to_json())).collect()
}

fn cases(case: &Case, run: impl Fn(&Json) -> Json) -> Result<(), String> {
    let documents = documents(case);
    let results: Vec<Json> = documents[0]["cases"].as_array().into_iter().flatten().map(run).collect();
    agree(&results.into(), &case.expected["results"])
}

fn instant(text: &Json) -> Option<i128> {
    Some(text.as_str()?.parse::<jiff::Timestamp>().expect("a time").as_nanosecond())
}

fn utc(at: i128) -> Json {
    jiff::Timestamp::from_nanosecond(at).expect("a time").to_string().into()
}

fn schedule(case: &Json) -> Result<cron::Schedule, String> {
    let expression = case["expr"].as_str().unwrap_or("");
    match case["tz"].as_str() {
        Some(zone) => cron::parse(&format!("TZ={zone} {expression}")),
        None => cron::parse(expression),
    }
}

fn next(case: &Json) -> Json {
    let schedule = match schedule(case) {
        Ok(schedule) => schedule,
        Err(error) => return json!({"error": error}),
    };
    let mut at = instant(&case["from"]).unwrap_or_default();
    let mut out = Vec::new();
    for _ in 0..4 {
        at = schedule.next(at);
        if at == cron::NEVER {
            out.push("never".into());
            break;
        }
        out.push(utc(at));
    }
    out.into()
}

fn missed(case: &Json) -> Json {
    let schedule = match schedule(case) {
        Ok(schedule) => schedule,
        Err(error) => return json!({"error": error}),
    };
    let now = instant(&case["now"]).unwrap_or_default();
    let times = cron::Times {
        created: instant(&case["created"]).unwrap_or_default(),
        last: instant(&case["last"]),
        starting_deadline: case["startingDeadlineSeconds"].as_i64(),
    };
    let mut out = json!({"missed": "none", "requeue_after": Duration(cron::requeue_after(&times, now, &schedule)).text()});
    match cron::due(&times, now, &schedule) {
        Err(error) => out["error"] = error.into(),
        Ok((start, missed)) => {
            out["missed"] = format!("{missed:?}").to_lowercase().into();
            if let Some(start) = start {
                out["start"] = utc(start);
                out["job_name"] = cron::job_name("cron", start).into();
            }
        }
    }
    out
}

pub(super) fn cronjob_schedule(case: &Case) -> Result<(), String> {
    if case.id.starts_with("missed") { cases(case, missed) } else { cases(case, next) }
}

fn replicas(case: &Json) -> Json {
    let number = |key: &str| case[key].as_i64();
    let pod = |p: &Json| hpa::PodSample {
        state: match p["state"].as_str().unwrap_or("") {
            "ready" | "unready" => hpa::PodState::Ready,
            "failed" | "deleted" => hpa::PodState::Ignored,
            "pending" => hpa::PodState::Pending,
            // A pod that never was ready counts as unready only where the resource is CPU, which it is here.
            _ => hpa::PodState::Unready,
        },
        request: p["cpu_request_milli"].as_i64().unwrap_or(0),
        usage: p["cpu_usage_milli"].as_i64(),
    };
    let pods: Vec<_> = case["pods"].as_array().into_iter().flatten().map(pod).collect();
    let target = match number("target_utilization") {
        Some(percent) => hpa::Target::Utilization(percent),
        None => hpa::Target::Average(number("target_average_milli").unwrap_or(0)),
    };
    match hpa::replicas(number("current").unwrap_or(0), target, case["tolerance"].as_f64().unwrap_or(0.1), &pods) {
        Err(error) => json!({"replicas": 0, "average_milli": 0, "error": error}),
        Ok(found) => {
            let mut out = json!({"replicas": found.replicas, "average_milli": found.average});
            if let Some(utilization) = found.utilization {
                out["utilization"] = utilization.into();
            }
            out
        }
    }
}

fn behavior(case: &Json) -> Json {
    let past = |key: &str, value: &str| -> Vec<hpa::Past> {
        let one = |p: &Json| hpa::Past { value: p[value].as_i64().unwrap_or(0), ago: p["Ago"].as_f64().unwrap_or(0.0) };
        case[key].as_array().into_iter().flatten().map(one).collect()
    };
    let history = hpa::History {
        recommendations: past("recommendations", "Value"),
        scale_ups: past("scale_up_events", "Change"),
        scale_downs: past("scale_down_events", "Change"),
    };
    let number = |key: &str| case[key].as_i64().unwrap_or(0);
    let wish = hpa::Wish { current: number("Current"), desired: number("Desired"), min: number("Min"), max: number("Max") };
    let decision = match &case["behavior"] {
        Json::Null => hpa::without_behavior(wish, &history),
        given => hpa::with_behavior(wish, given, &history),
    };
    json!({"replicas": decision.replicas, "conditions": decision.conditions})
}

pub(super) fn hpa(case: &Case) -> Result<(), String> {
    if case.id.starts_with("replicas") { cases(case, replicas) } else { cases(case, behavior) }
}

pub(super) fn pod_template_hash(case: &Case) -> Result<(), String> {
    for object in documents(case) {
        let full = kval::kube::defaults_of(&object);
        let name = full["metadata"]["name"].as_str().unwrap_or("");
        let want = &case.expected[name];
        let template = &full["spec"]["template"];
        if let Some(text) = want["dump"].as_str() {
            super::super::same(name, text.as_bytes(), hash::dump(template).as_bytes())?;
        }
        // The same template as a StatefulSet and a DaemonSet would keep it.
        let revision = hash::revision_hash(&hash::revision_data(template), 0);
        let mut selected = template.clone();
        selected["spec"]["nodeSelector"] = json!({"no": "node"});
        let got = json!([
            hash::pod_template_hash(template, None),
            hash::pod_template_hash(template, Some(1)),
            revision,
            hash::pod_template_hash(&selected, None),
        ]);
        let keys = ["hash", "hash_collision1", "statefulset_revision_hash", "daemonset_revision_hash_with_nodeSelector_no_node"];
        agree(&got, &keys.iter().map(|k| want[*k].clone()).collect()).map_err(|e| format!("{name} {e}"))?;
    }
    Ok(())
}
