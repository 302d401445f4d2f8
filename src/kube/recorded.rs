//! Compares verdicts with the answers of a real API server, where the records are present.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::build::{read_gz, shared};
use super::{admit, schema};

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    items.map(str::to_owned).collect()
}

#[test]
fn valid_objects_are_accepted() {
    let Some(shared) = shared() else { return };
    let (mut good, mut all) = (0, 0);
    for line in read_gz(&shared.join("valid.jsonl.gz")).lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let verdict = admit(&record["manifest"], schema::NEWEST_VALIDATED);
        all += 1;
        good += usize::from(!verdict.rejected);
        if verdict.rejected {
            println!("FALSE ALARM {} {} {:?}", record["id"], verdict.message, verdict.causes);
        }
    }
    println!("valid accepted {good}/{all}");
    assert_eq!(good, all, "false alarms on valid objects");
}

#[test]
fn create_answers_agree() {
    let Some(shared) = shared() else { return };
    let mut figures: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut alarms = 0;
    for line in read_gz(&shared.join("create.jsonl.gz")).lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let phase = record["phase"].as_str().unwrap_or("");
        if !record["manifest"].is_object() || matches!(phase, "server-error" | "admission-or-state" | "url-context" | "request") {
            continue;
        }
        let mut manifest = record["manifest"].clone();
        for (key, from) in [("apiVersion", &record["apiVersion"]), ("kind", &record["kind"])] {
            if manifest[key].is_null() {
                manifest[key] = from.clone();
            }
        }
        let verdict = admit(&manifest, schema::NEWEST_VALIDATED);
        let causes = record["causes"].as_array().cloned().unwrap_or_default();
        let refused = phase != "ok";
        let same = refused == verdict.rejected;
        let fields = strings(causes.iter().filter_map(|c| c["field"].as_str()));
        let got_fields = strings(verdict.causes.iter().map(|c| c.field.as_str()));
        let (messages, got) = if phase == "decode" {
            (strings(record["message"].as_str().into_iter()), strings(std::iter::once(verdict.message.as_str())))
        } else {
            (strings(causes.iter().filter_map(|c| c["message"].as_str())), strings(verdict.causes.iter().map(|c| c.message.as_str())))
        };
        let fields_same = same && fields == got_fields;
        let messages_same = fields_same && (phase == "ok" || messages == got);
        if std::env::var_os("SHOW").is_some_and(|k| record["kind"] == *k.to_string_lossy() || k == "all" || *k == *phase) && !messages_same
        {
            println!(
                "{} {} {} {}\n  want {causes:?} {}\n  got  {:?} {}",
                record["kind"], record["field"], record["mutation"], phase, record["message"], verdict.causes, verdict.message
            );
        }
        alarms += usize::from(!refused && verdict.rejected);
        for key in [phase.to_owned(), "all".to_owned(), format!("{phase} {}", record["kind"].as_str().unwrap_or(""))] {
            let row = figures.entry(key).or_default();
            row[0] += 1;
            row[1] += usize::from(same);
            row[2] += usize::from(fields_same);
            row[3] += usize::from(messages_same);
        }
    }
    for (key, [all, verdict, field, message]) in &figures {
        if !key.starts_with("ok ") && !key.starts_with("decode ") {
            println!("{key}: {all} verdict {verdict} field {field} message {message}");
        }
    }
    println!("false alarms {alarms}");
    assert_eq!(alarms, 0, "false alarms");
}
