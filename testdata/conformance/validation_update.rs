//! Sets `validation-update-verdict`, `validation-update` and `validation-fresh`: what a kube-apiserver answered to replacing
//! objects, and to objects mutated anew.

use std::collections::BTreeSet;

use kval::kube::{self, schema::NEWEST_VALIDATED};
use serde_json::Value as Json;

use super::each;
use crate::Outcome;
use crate::data;

fn name_of(r: &Json) -> String {
    let text = |k: &str| r[k].as_str().unwrap_or("").to_owned();
    format!("{} {} {} {}", text("id"), text("kind"), text("field"), text("mutation"))
}

/// Subresources are no updates, and some answers depend on the cluster.
fn counts(r: &Json) -> bool {
    r["subresource"].is_null() && !matches!(r["phase"].as_str(), Some("server-error" | "admission-or-state" | "url-context"))
}

fn run(path: &str, exact: bool) -> Option<(bool, Vec<Outcome>)> {
    let records: Vec<Json> = data::lines(path)?.into_iter().filter(counts).collect();
    let check = |r: &Json| {
        let verdict = kube::admit_update(&r["manifest"], &r["old"], NEWEST_VALIDATED);
        let refused = r["phase"] != "ok";
        if verdict.rejected != refused {
            return Err(format!("refused {} but want {refused}: {:?} {}", verdict.rejected, verdict.causes, r["message"]));
        }
        if !exact {
            return Ok(());
        }
        let shown = |field: &Json, message: &Json| format!("{}: {}", field.as_str().unwrap_or(""), message.as_str().unwrap_or(""));
        let causes = r["causes"].as_array().map_or(&[][..], Vec::as_slice);
        let want: BTreeSet<String> = causes.iter().map(|c| shown(&c["field"], &c["message"])).collect();
        let got: BTreeSet<String> = verdict.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        if want == got || (r["phase"] == "decode" && r["message"] == verdict.message.as_str()) {
            return Ok(());
        }
        Err(format!("missing {:?} extra {:?}", want.difference(&got), got.difference(&want)))
    };
    Some((true, each(records, name_of, check)))
}

/// Refusals that `tools/api-answers` got from k8s.io/kubernetes v1.36.3 for objects mutated anew: creates, and updates where
/// there is an old object. Verdict, fields and sentences count.
pub(super) fn fresh(_: &str) -> Option<(bool, Vec<Outcome>)> {
    let records = data::lines("validation/fresh.jsonl")?;
    let check = |r: &Json| {
        let verdict = match r.get("old") {
            Some(old) => kube::admit_update(&r["manifest"], old, NEWEST_VALIDATED),
            None => kube::admit_in(&r["manifest"], "default", NEWEST_VALIDATED),
        };
        let causes = r["causes"].as_array().map_or(&[][..], Vec::as_slice);
        let text = |c: &Json, key: &str| c[key].as_str().unwrap_or("").to_owned();
        let want: BTreeSet<String> = causes.iter().map(|c| format!("{}: {}", text(c, "field"), text(c, "message"))).collect();
        let got: BTreeSet<String> = verdict.causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let message = r["message"].as_str().unwrap_or("");
        if verdict.rejected && want == got && message == verdict.message {
            return Ok(());
        }
        Err(format!("want {message} {want:?} got {} {got:?}", verdict.message))
    };
    Some((true, each(records, name_of, check)))
}

pub(super) fn verdict(_: &str) -> Option<(bool, Vec<Outcome>)> {
    run("validation/validation_update.jsonl", false)
}

pub(super) fn update(_: &str) -> Option<(bool, Vec<Outcome>)> {
    run("validation/validation_update.jsonl", true)
}
