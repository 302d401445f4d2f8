//! Jobs run pods to their end. upstream: pkg/controller/job

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;

use super::ControlPlane;
use super::Controller;
use super::conditions;
use super::phase;
use super::pods;
use super::selector_of;
use super::template_of;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::Object;
use crate::simulate::apiserver::Propagation;
use crate::simulate::apiserver::SECOND;
use crate::simulate::apiserver::Uid;
use crate::simulate::apiserver::object::time;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::text;

const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const MAX_BACK_OFF: Nanos = 600 * SECOND;
/// More pods at a time than this are not created.
const MAX_PARALLELISM: i64 = 20_000;

/// Whether a Job is complete or failed, and by which condition.
pub fn finished(job: &Object) -> Option<&Value> {
    ["Complete", "Failed"].iter().find_map(|k| conditions::get(&job.status, k)).filter(|c| text(c, &["status"]) == "True")
}

fn is_indexed(job: &Object) -> bool {
    text(&job.spec, &["completionMode"]) == "Indexed"
}

fn index_of(pod: &Object) -> Option<i64> {
    pod.meta.annotations.get(INDEX)?.parse().ok()
}

fn is_suspended(job: &Object) -> bool {
    at(&job.spec, &["suspend"]) == true
}

/// What a pod failure policy says of a failed pod. upstream: matchPodFailurePolicy
#[derive(Clone, Debug, PartialEq, Eq)]
enum PolicyAction {
    Count,
    Ignore,
    FailIndex,
    FailJob(String),
}

fn policy_of(job: &Object, pod: &Object) -> PolicyAction {
    let exits = || list(&pod.status, &["initContainerStatuses"]).iter().chain(list(&pod.status, &["containerStatuses"]));
    for (i, rule) in list(&job.spec, &["podFailurePolicy", "rules"]).iter().enumerate() {
        let codes = at(rule, &["onExitCodes"]);
        let mut matched = None;
        if codes.is_object() {
            let wanted: Vec<i64> = list(codes, &["values"]).iter().filter_map(Value::as_i64).collect();
            let inside = text(codes, &["operator"]) == "In";
            let only = text(codes, &["containerName"]);
            let hit = exits().find_map(|s| {
                let code = int(s, &["state", "terminated", "exitCode"]).filter(|c| *c != 0)?;
                let named = only.is_empty() || only == text(s, &["name"]);
                (named && wanted.contains(&code) == inside).then(|| (text(s, &["name"]).to_owned(), code))
            });
            matched = hit.map(|(name, code)| {
                format!("Container {name} for pod {}/{} failed with exit code {code}", pod.meta.namespace, pod.meta.name)
            });
        } else {
            let hit = list(rule, &["onPodConditions"]).iter().find(|wanted| {
                let status = if text(wanted, &["status"]).is_empty() { "True" } else { text(wanted, &["status"]) };
                conditions::get(&pod.status, text(wanted, &["type"])).is_some_and(|c| text(c, &["status"]) == status)
            });
            matched = matched.or(hit.map(|c| format!("Pod {}/{} has condition {}", pod.meta.namespace, pod.meta.name, text(c, &["type"]))));
        }
        let Some(message) = matched else { continue };
        return match text(rule, &["action"]) {
            "Ignore" => PolicyAction::Ignore,
            "FailIndex" => PolicyAction::FailIndex,
            "FailJob" => PolicyAction::FailJob(format!("{message} matching FailJob rule at index {i}")),
            _ => PolicyAction::Count,
        };
    }
    PolicyAction::Count
}

/// When a failed pod's last container ended.
fn ended_at(pod: &Object, now: Nanos) -> Nanos {
    let ends = list(&pod.status, &["containerStatuses"]).iter().filter_map(|s| time(at(s, &["state", "terminated", "finishedAt"])));
    ends.max().or(pod.meta.deletion).unwrap_or(now)
}

/// Indexes as the API writes them: `0-2,5`. Two in a row are written apart. upstream: orderedIntervals.String
fn intervals(indexes: &BTreeSet<i64>) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for i in indexes {
        match runs.last_mut() {
            Some(last) if last.1 + 1 == *i => last.1 = *i,
            _ => runs.push((*i, *i)),
        }
    }
    let text = |(a, b): &(i64, i64)| match b - a {
        0 => a.to_string(),
        1 => format!("{a},{b}"),
        _ => format!("{a}-{b}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}

fn read_intervals(text: &str) -> BTreeSet<i64> {
    let mut out = BTreeSet::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        let (a, b) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(a), Ok(b)) = (a.parse::<i64>(), b.parse::<i64>()) {
            out.extend(a..=b.min(a + 100_000));
        }
    }
    out
}

/// What was counted so far, with what is new.
struct Counts {
    succeeded: i64,
    failed: i64,
    completed: BTreeSet<i64>,
    failed_indexes: BTreeSet<i64>,
    /// Failures of each index, ignored ones aside.
    failures_by_index: BTreeMap<i64, i64>,
    fail_job: Option<String>,
    /// Failed pods that are counted only once another takes their place.
    waiting: BTreeSet<Uid>,
}

/// upstream: syncJob
pub fn sync_job(plane: &mut ControlPlane, uid: Uid) {
    let Some(job) = plane.api.get(uid).cloned().filter(|j| !j.meta.is_deleted()) else {
        // Nobody counts the pods of a Job that goes or is gone. upstream: syncOrphanPod
        for pod in plane.api.dependents(uid).filter(|p| p.kind == "Pod").map(|p| p.meta.uid).collect::<Vec<_>>() {
            plane.api.remove_finalizer(pod, TRACKING);
        }
        return;
    };
    let selector = selector_of(&job);
    let all = pods::claim(&mut plane.api, &job, |pod| selector.matches(&pod.meta.labels));
    if let Some(condition) = finished(&job) {
        let at_time = time(&condition["lastTransitionTime"]).unwrap_or(plane.api.now);
        release(plane, &all, &BTreeSet::new());
        clean_up_after_ttl(plane, &job, at_time);
        return;
    }
    let now = plane.api.now;
    let mut status = Value::clone(&job.status);
    if !status.is_object() {
        status = json!({});
    }
    if at(&status, &["startTime"]).is_null() && !is_suspended(&job) {
        status["startTime"] = now.into();
    }
    let mut counts = count(&job, &all);
    let mut active: Vec<Arc<Object>> = all.iter().filter(|p| pods::is_active(p)).cloned().collect();
    let started = time(at(&status, &["startTime"]));
    let verdict = failure(plane, &job, &counts, started).or_else(|| success(&job, &counts, active.len()));
    match &verdict {
        Some((kind, reason, message)) => {
            let failed = *kind == "Failed";
            let first = if failed { "FailureTarget" } else { "SuccessCriteriaMet" };
            for pod in &active {
                plane.api.delete(pod.meta.uid, Propagation::Background);
            }
            if failed {
                counts.failed += active.len() as i64;
            }
            active.clear();
            counts.failed += counts.waiting.len() as i64;
            counts.waiting.clear();
            conditions::set(&mut status, conditions::new(now, first, "True", reason, message));
            conditions::set(&mut status, conditions::new(now, kind, "True", reason, message));
            if failed {
                plane.api.event(&job, true, event_reason(reason), message.clone());
            } else {
                plane.api.event(&job, false, "Completed", "Job completed".to_owned());
                status["completionTime"] = now.into();
            }
        }
        None => {
            suspend_or_resume(plane, &job, &mut status);
            active = manage(plane, &job, &all, active, &counts);
        }
    }
    release(plane, &all, &counts.waiting);
    let mut set = |field: &str, value: i64| status[field] = value.into();
    set("active", active.len() as i64);
    set("succeeded", counts.succeeded);
    set("failed", counts.failed);
    set("ready", active.iter().filter(|p| pods::is_ready(p)).count() as i64);
    if is_indexed(&job) {
        status["completedIndexes"] = intervals(&counts.completed).into();
        if int(&job.spec, &["backoffLimitPerIndex"]).is_some() {
            status["failedIndexes"] = intervals(&counts.failed_indexes).into();
        }
    }
    if job.status != status {
        plane.api.edit(uid, |j| j.status = status.into());
    }
}

/// The reasons that events may carry.
fn event_reason(reason: &str) -> &'static str {
    match reason {
        "BackoffLimitExceeded" => "BackoffLimitExceeded",
        "DeadlineExceeded" => "DeadlineExceeded",
        "FailedIndexes" => "FailedIndexes",
        "MaxFailedIndexesExceeded" => "MaxFailedIndexesExceeded",
        _ => "PodFailurePolicy",
    }
}

/// Pods that are counted need no finalizer any more.
fn release(plane: &mut ControlPlane, all: &[Arc<Object>], waiting: &BTreeSet<Uid>) {
    for pod in all.iter().filter(|p| !waiting.contains(&p.meta.uid)) {
        let done = matches!(phase(pod), "Succeeded" | "Failed") || plane.api.get(pod.meta.uid).is_some_and(|p| p.meta.is_deleted());
        if done {
            plane.api.remove_finalizer(pod.meta.uid, TRACKING);
        }
    }
}

fn clean_up_after_ttl(plane: &mut ControlPlane, job: &Object, finished_at: Nanos) {
    let Some(ttl) = int(&job.spec, &["ttlSecondsAfterFinished"]) else { return };
    let left = finished_at + ttl * SECOND - plane.api.now;
    if left > 0 {
        plane.enqueue_after(Controller::Job, job.meta.uid, left);
    } else {
        plane.api.delete(job.meta.uid, Propagation::Background);
    }
}

fn count(job: &Object, all: &[Arc<Object>]) -> Counts {
    let mut out = Counts {
        succeeded: job.count("succeeded"),
        failed: job.count("failed"),
        completed: read_intervals(text(&job.status, &["completedIndexes"])),
        failed_indexes: read_intervals(text(&job.status, &["failedIndexes"])),
        failures_by_index: BTreeMap::new(),
        fail_job: None,
        waiting: BTreeSet::new(),
    };
    // Indexes beyond the end do not count any more.
    if let Some(end) = int(&job.spec, &["completions"]).filter(|_| is_indexed(job)) {
        out.completed.retain(|i| *i < end);
        out.failed_indexes.retain(|i| *i < end);
        out.succeeded = out.completed.len() as i64;
    }
    let per_index = int(&job.spec, &["backoffLimitPerIndex"]);
    let mut fresh: BTreeMap<i64, Uid> = BTreeMap::new();
    for pod in all {
        let is_new = pod.meta.finalizers.iter().any(|f| f == TRACKING);
        let index = index_of(pod);
        let failed = phase(pod) == "Failed" || (pod.meta.is_deleted() && phase(pod) != "Succeeded");
        if phase(pod) == "Succeeded" && is_new {
            match index {
                Some(i) if is_indexed(job) => {
                    if int(&job.spec, &["completions"]).is_none_or(|end| i < end) && out.completed.insert(i) {
                        out.succeeded += 1;
                    }
                }
                _ => out.succeeded += 1,
            }
        } else if failed {
            let action = policy_of(job, pod);
            if action == PolicyAction::Ignore {
                continue;
            }
            if is_new {
                out.failed += 1;
                fresh.extend(index.map(|i| (i, pod.meta.uid)));
            }
            if let PolicyAction::FailJob(message) = &action {
                out.fail_job.get_or_insert_with(|| message.clone());
            }
            if let (Some(i), Some(limit)) = (index, per_index) {
                let failures = out.failures_by_index.entry(i).or_default();
                *failures += 1;
                if *failures > limit || action == PolicyAction::FailIndex {
                    out.failed_indexes.insert(i);
                }
            }
        }
    }
    // An index that succeeded after all has not failed.
    out.failed_indexes.retain(|i| !out.completed.contains(i));
    // The last failure of an index is remembered by its pod until the next one is there.
    // upstream: getPodsWithDelayedDeletionPerIndex, canRemoveFinalizer
    if per_index.is_some() {
        let busy: BTreeSet<i64> = all.iter().filter(|p| pods::is_active(p)).filter_map(|p| index_of(p)).collect();
        let settled = |i: &i64| busy.contains(i) || out.completed.contains(i) || out.failed_indexes.contains(i);
        out.waiting = fresh.into_iter().filter(|(i, _)| !settled(i)).map(|(_, uid)| uid).collect();
        out.failed -= out.waiting.len() as i64;
    }
    out
}

/// Kind of the condition, reason and message.
type Ending = (&'static str, String, String);

fn failure(plane: &mut ControlPlane, job: &Object, counts: &Counts, started: Option<Nanos>) -> Option<Ending> {
    let failed = |reason: &str, message: &str| Some(("Failed", reason.to_owned(), message.to_owned()));
    if let Some(message) = &counts.fail_job {
        return failed("PodFailurePolicy", message);
    }
    let per_index = int(&job.spec, &["backoffLimitPerIndex"]);
    let limit = int(&job.spec, &["backoffLimit"]).unwrap_or(if per_index.is_some() { i64::from(i32::MAX) } else { 6 });
    if counts.failed > limit {
        return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if let (Some(deadline), Some(started), false) = (int(&job.spec, &["activeDeadlineSeconds"]), started, is_suspended(job)) {
        let left = started + deadline * SECOND - plane.api.now;
        if left <= 0 {
            return failed("DeadlineExceeded", "Job was active longer than specified deadline");
        }
        plane.enqueue_after(Controller::Job, job.meta.uid, left);
    }
    per_index?;
    let most = int(&job.spec, &["maxFailedIndexes"]);
    if most.is_some_and(|most| counts.failed_indexes.len() as i64 > most) {
        return failed("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
    }
    let completions = int(&job.spec, &["completions"]).unwrap_or(0);
    let all_done = (counts.failed_indexes.len() + counts.completed.len()) as i64 >= completions;
    if !counts.failed_indexes.is_empty() && all_done {
        return failed("FailedIndexes", "Job has failed indexes");
    }
    None
}

fn success(job: &Object, counts: &Counts, active: usize) -> Option<Ending> {
    for (i, rule) in list(&job.spec, &["successPolicy", "rules"]).iter().enumerate() {
        let wanted = text(rule, &["succeededIndexes"]);
        let inside = if wanted.is_empty() {
            counts.completed.clone()
        } else {
            read_intervals(wanted).intersection(&counts.completed).copied().collect()
        };
        let need = int(rule, &["succeededCount"]).unwrap_or(read_intervals(wanted).len() as i64);
        if need > 0 && inside.len() as i64 >= need {
            return Some(("Complete", "SuccessPolicy".to_owned(), format!("Matched rules at index {i}")));
        }
    }
    let complete = match int(&job.spec, &["completions"]) {
        // A queue of work is done when one pod says so and no other works on.
        None => counts.succeeded > 0 && active == 0,
        Some(completions) => counts.succeeded >= completions,
    };
    (complete && !is_suspended(job))
        .then(|| ("Complete", "CompletionsReached".to_owned(), "Reached expected number of succeeded pods".to_owned()))
}

fn suspend_or_resume(plane: &mut ControlPlane, job: &Object, status: &mut Value) {
    let now = plane.api.now;
    let present = conditions::get(status, "Suspended").map(|c| text(c, &["status"]).to_owned());
    if is_suspended(job) {
        if present.as_deref() != Some("True") {
            conditions::set(status, conditions::new(now, "Suspended", "True", "JobSuspended", "Job suspended"));
            // It starts anew when it is resumed.
            status.as_object_mut().and_then(|s| s.remove("startTime"));
            plane.api.event(job, false, "Suspended", "Job suspended".to_owned());
        }
    } else if present.as_deref() == Some("True") {
        conditions::set(status, conditions::new(now, "Suspended", "False", "JobResumed", "Job resumed"));
        status["startTime"] = now.into();
        plane.api.event(job, false, "Resumed", "Job resumed".to_owned());
    }
}

/// Creates and deletes pods; the answer is those active afterwards. upstream: manageJob
fn manage(plane: &mut ControlPlane, job: &Object, all: &[Arc<Object>], active: Vec<Arc<Object>>, counts: &Counts) -> Vec<Arc<Object>> {
    let parallelism = int(&job.spec, &["parallelism"]).unwrap_or(1).clamp(0, MAX_PARALLELISM);
    let completions = int(&job.spec, &["completions"]);
    let mut wanted = match completions {
        None if counts.succeeded > 0 => active.len() as i64,
        None => parallelism,
        Some(completions) => parallelism.min(completions - counts.succeeded - counts.failed_indexes.len() as i64).max(0),
    };
    if is_suspended(job) {
        wanted = 0;
    }
    let mut keep = active;
    if is_indexed(job) {
        // Indexes beyond the end, and the younger of two pods of one index, have nothing to do.
        let end = completions.unwrap_or(0);
        let mut seen = BTreeSet::new();
        let (good, bad): (Vec<_>, Vec<_>) = keep.into_iter().partition(|p| index_of(p).is_some_and(|i| i < end && seen.insert(i)));
        keep = good;
        bad.iter().for_each(|p| remove(plane, job, p));
    }
    let surplus = keep.len() as i64 - wanted;
    if surplus > 0 {
        keep.sort_by(|a, b| pods::deletion_order(a, b, (0, 0), plane.api.now));
        for pod in keep.drain(..surplus as usize) {
            remove(plane, job, &pod);
        }
        return keep;
    }
    // With this policy a pod is replaced only when it has ended.
    let terminating = if text(&job.spec, &["podReplacementPolicy"]) == "Failed" {
        all.iter().filter(|p| p.meta.is_deleted() && !matches!(phase(p), "Failed" | "Succeeded")).count() as i64
    } else {
        0
    };
    let missing = -surplus - terminating;
    if missing <= 0 {
        return keep;
    }
    let per_index = int(&job.spec, &["backoffLimitPerIndex"]).is_some();
    if !per_index {
        let wait = back_off(all, plane.api.now, None);
        if wait > 0 {
            plane.enqueue_after(Controller::Job, job.meta.uid, wait);
            return keep;
        }
    }
    if is_indexed(job) {
        let busy: BTreeSet<i64> = keep.iter().filter_map(|p| index_of(p)).collect();
        let free = |i: &i64| !busy.contains(i) && !counts.completed.contains(i) && !counts.failed_indexes.contains(i);
        let indexes: Vec<i64> = (0..completions.unwrap_or(0)).filter(free).take(missing as usize).collect();
        for i in indexes {
            let wait = if per_index { back_off(all, plane.api.now, Some(i)) } else { 0 };
            if wait > 0 {
                plane.enqueue_after(Controller::Job, job.meta.uid, wait);
            } else if let Some(pod) = create(plane, job, Some(i)) {
                keep.push(pod);
            }
        }
    } else {
        for _ in 0..missing {
            match create(plane, job, None) {
                Some(pod) => keep.push(pod),
                None => break,
            }
        }
    }
    keep
}

/// How long a new pod has to wait after failures: 10 s, doubled with each since the last success.
/// upstream: backoff_utils.go
fn back_off(all: &[Arc<Object>], now: Nanos, index: Option<i64>) -> Nanos {
    let own = |p: &&Arc<Object>| index.is_none() || index_of(p) == index;
    let last_success = all.iter().filter(own).filter(|p| phase(p) == "Succeeded").map(|p| ended_at(p, now)).max();
    let failed = all.iter().filter(own).filter(|p| phase(p) == "Failed" || (p.meta.is_deleted() && phase(p) != "Succeeded"));
    let since: Vec<Nanos> = failed.map(|p| ended_at(p, now)).filter(|t| last_success.is_none_or(|s| *t > s)).collect();
    let Some(last) = since.iter().max() else { return 0 };
    let exponent = (since.len() - 1).min(10) as u32;
    let delay = (10 * SECOND * (1 << exponent)).min(MAX_BACK_OFF);
    (last + delay - now).max(0)
}

/// Deletes a pod that is not needed; it does not count as failed.
fn remove(plane: &mut ControlPlane, job: &Object, pod: &Object) {
    plane.api.event(job, false, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name));
    plane.api.remove_finalizer(pod.meta.uid, TRACKING);
    plane.api.delete(pod.meta.uid, Propagation::Background);
}

fn create(plane: &mut ControlPlane, job: &Object, index: Option<i64>) -> Option<Arc<Object>> {
    let mut pod = pods::from_template(job, template_of(job));
    pod.meta.finalizers.push(TRACKING.to_owned());
    if let Some(i) = index {
        pod.meta.generate_name = format!("{}-{i}-", job.meta.name);
        pod.meta.annotations.insert(INDEX.to_owned(), i.to_string());
        pod.meta.labels.insert(INDEX.to_owned(), i.to_string());
        let host = format!("{}-{i}", job.meta.name);
        let spec = pod.spec_mut();
        if spec.is_object() {
            spec["hostname"] = host.into();
        }
    }
    match pods::create(&mut plane.api, job, pod) {
        Ok(pod) => Some(pod),
        Err(_) => {
            plane.enqueue_after(Controller::Job, job.meta.uid, 5 * SECOND);
            None
        }
    }
}
