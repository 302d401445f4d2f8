//! CronJobs create Jobs on a schedule. upstream: pkg/controller/cronjob/cronjob_controllerv2.go

use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::Controller;
use super::conditions;
use super::cronjob_schedule;
use super::cronjob_schedule::Missed;
use super::cronjob_schedule::Times;
use super::job;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::time;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::strings;
use crate::simulate::scheduler::json::text;

fn jobs_of(plane: &ControlPlane, uid: Uid) -> Vec<Arc<Object>> {
    plane.api.dependents(uid).filter(|o| o.kind == "Job").cloned().collect()
}

/// upstream: syncCronJob
pub fn sync_cron_job(plane: &mut ControlPlane, uid: Uid) {
    let Some(cron) = plane.api.get(uid).cloned() else { return };
    let mut status = if cron.status.is_object() { Value::clone(&cron.status) } else { json!({}) };
    let jobs = jobs_of(plane, uid);
    track(plane, &cron, &jobs, &mut status);
    clean_up(plane, &cron, &jobs);
    let stop = cron.meta.is_deleted() || at(&cron.spec, &["suspend"]) == true;
    if !stop {
        start(plane, &cron, &mut status);
    }
    if cron.status != status {
        plane.api.edit(uid, |c| c.status = status.into());
    }
}

fn is_active(status: &Value, job: Uid) -> bool {
    list(status, &["active"]).iter().any(|j| int(j, &["uid"]) == Some(job as i64))
}

/// Keeps the list of active Jobs.
fn track(plane: &mut ControlPlane, cron: &Object, jobs: &[Arc<Object>], status: &mut Value) {
    for job in jobs {
        let condition = job::finished(job);
        if let Some(condition) = condition.filter(|_| is_active(status, job.meta.uid)) {
            let message = format!("Saw completed job: {}, condition: {}", job.meta.name, text(condition, &["type"]));
            plane.api.event(cron, false, "SawCompletedJob", message);
            if text(condition, &["type"]) == "Complete" {
                status["lastSuccessfulTime"] = condition["lastTransitionTime"].clone();
            }
            if let Some(active) = status.get_mut("active").and_then(Value::as_array_mut) {
                active.retain(|j| int(j, &["uid"]) != Some(job.meta.uid as i64));
            }
        }
    }
    if let Some(active) = status.get_mut("active").and_then(Value::as_array_mut) {
        active.retain(|j| int(j, &["uid"]).is_some_and(|u| plane.api.get(u as Uid).is_some()));
    }
}

/// Deletes finished Jobs beyond the history limits. upstream: cleanupFinishedJobs
fn clean_up(plane: &mut ControlPlane, cron: &Object, jobs: &[Arc<Object>]) {
    for (kind, field, default) in [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)] {
        let limit = int(&cron.spec, &[field]).unwrap_or(default);
        let ended = |j: &&Arc<Object>| conditions::get(&j.status, kind).is_some_and(|c| text(c, &["status"]) == "True");
        let mut finished: Vec<&Arc<Object>> = jobs.iter().filter(ended).collect();
        finished.sort_by_key(|j| (time(at(&j.status, &["startTime"])).unwrap_or(Nanos::MAX), j.meta.name.clone()));
        let surplus = (finished.len() as i64 - limit).max(0) as usize;
        for job in finished.into_iter().take(surplus) {
            plane.api.event(cron, false, "SuccessfulDelete", format!("Deleted job {}", job.meta.name));
            plane.api.delete(job.meta.uid, Propagation::Background);
        }
    }
}

/// Starts the Job that is due, and asks to be called again for the next.
fn start(plane: &mut ControlPlane, cron: &Object, status: &mut Value) {
    let now = i128::from(plane.api.now);
    let zone = text(&cron.spec, &["timeZone"]);
    let expression = text(&cron.spec, &["schedule"]);
    let full = if zone.is_empty() { expression.to_owned() } else { format!("TZ={zone} {expression}") };
    let schedule = match cronjob_schedule::parse(&full) {
        Ok(schedule) => schedule,
        Err(error) => {
            plane.api.event(cron, true, "UnparseableSchedule", format!("unparseable schedule: {expression:?} : {error}"));
            return;
        }
    };
    let times = |status: &Value| Times {
        created: i128::from(cron.meta.created),
        last: time(at(status, &["lastScheduleTime"])).map(i128::from),
        starting_deadline: int(&cron.spec, &["startingDeadlineSeconds"]),
    };
    let again = |plane: &mut ControlPlane, status: &Value| {
        let wait = cronjob_schedule::requeue_after(&times(status), now, &schedule);
        plane.enqueue_after(Controller::CronJob, cron.meta.uid, wait.max(0));
    };
    let due = match cronjob_schedule::due(&times(status), now, &schedule) {
        Ok((due, missed)) => {
            if missed == Missed::Many {
                let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                plane.api.event(cron, true, "TooManyMissedTimes", message.to_owned());
            }
            due
        }
        Err(error) => {
            plane.api.event(cron, true, "InvalidSchedule", format!("invalid schedule schedule: {expression:?} : {error}"));
            return;
        }
    };
    let Some(due) = due else {
        again(plane, status);
        return;
    };
    let deadline = int(&cron.spec, &["startingDeadlineSeconds"]);
    let name = cronjob_schedule::job_name(&cron.meta.name, due);
    let exists = plane.api.find("Job", &cron.meta.namespace, &name).is_some();
    let late = deadline.is_some_and(|d| due + i128::from(d) * i128::from(SECOND) < now);
    if exists || late {
        if late {
            plane.api.event(cron, true, "MissSchedule", "Missed scheduled time to start a job".to_owned());
        }
        again(plane, status);
        return;
    }
    let active: Vec<Uid> = list(status, &["active"]).iter().filter_map(|j| int(j, &["uid"])).map(|u| u as Uid).collect();
    match text(&cron.spec, &["concurrencyPolicy"]) {
        "Forbid" if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            plane.api.event(cron, false, "JobAlreadyActive", message.to_owned());
            again(plane, status);
            return;
        }
        "Replace" => {
            for uid in active {
                if let Some(job) = plane.api.get(uid).cloned() {
                    plane.api.event(cron, false, "SuccessfulDelete", format!("Deleted job {}", job.meta.name));
                    plane.api.delete(uid, Propagation::Background);
                }
            }
            status["active"] = json!([]);
        }
        _ => {}
    }
    let template = at(&cron.spec, &["jobTemplate"]);
    let mut job = Object::new("batch/v1", "Job", &cron.meta.namespace, &name);
    job.meta.labels = strings(template, &["metadata", "labels"]);
    job.meta.annotations = strings(template, &["metadata", "annotations"]);
    job.meta.owners = vec![cron.as_controller()];
    job.spec = at(template, &["spec"]).clone().into();
    if let Ok(made) = plane.api.create(job) {
        plane.api.event(cron, false, "SuccessfulCreate", format!("Created job {}", made.meta.name));
        if !status["active"].is_array() {
            status["active"] = json!([]);
        }
        if let Some(list) = status["active"].as_array_mut() {
            list.push(json!({"kind": "Job", "name": made.meta.name, "uid": made.meta.uid}));
        }
        status["lastScheduleTime"] = (due as Nanos).into();
    }
    again(plane, status);
}
