//! The batch group. upstream: pkg/apis/batch/validation

use serde_json::Value;

use super::{Errors, workload};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    match (version, kind) {
        ("v1", "Job") => workload::plain_job(errors, object),
        ("v1", "CronJob") => workload::cron_job(errors, object),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}
