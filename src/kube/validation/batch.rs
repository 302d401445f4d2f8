//! The batch group. upstream: pkg/apis/batch/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::cron;
use super::super::defaults::UID;
use super::super::field::At;
use super::super::names;
use super::{Errors, Raw, flag, get, int, json, list, meta, part, pod, quote, text};

pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    match (version, kind) {
        ("v1", "Job") => job(errors, object),
        ("v1", "CronJob") => cron_job(errors, object),
        _ => {}
    }
}

pub(super) fn update(_: &mut Errors, _: &str, _: &str, _: &Value, _: &Value) {}

/// upstream: ValidateJob
fn job(errors: &mut Errors, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let (at, spec) = (At::new("spec"), part(object, "spec"));
    let name = text(part(object, "metadata"), "name");
    let uid = match text(part(object, "metadata"), "uid") {
        "" => UID,
        known => known,
    };
    generated_selector(errors, spec, (name, uid), &at);
    job_spec(errors, spec, &at);
    let selector = get(spec, "selector");
    match selector {
        None => errors.required(&at.child("selector"), ""),
        Some(selector) => meta::selector(errors, selector, &at.child("selector")),
    }
    let template = part(spec, "template");
    let matched = selector.map_or(Some(false), |s| meta::matches(s, &meta::labels_of(template)));
    if matched == Some(false) {
        let shown = part(part(template, "metadata"), "labels");
        errors.invalid(&at.child("template.metadata.labels"), shown, "`selector` does not match template `labels`");
    }
    let completions = int(spec, "completions").unwrap_or(0);
    if text(spec, "completionMode") == "Indexed" && completions > 0 {
        let last = format!("{name}-{}", completions - 1);
        if !names::dns1123_label(&last).is_empty() {
            let detail = format!("will not able to create pod with invalid DNS label: {last}");
            errors.invalid(&At::new("metadata.name"), name, &detail);
        }
    }
}

/// upstream: validateGeneratedSelector
fn generated_selector(errors: &mut Errors, spec: &Value, (name, uid): (&str, &str), at: &At<'_>) {
    if flag(spec, "manualSelector") {
        return;
    }
    let Some(selector) = get(spec, "selector") else { return };
    let labels = part(part(part(spec, "template"), "metadata"), "labels");
    let wanted =
        [("controller-uid", uid), ("job-name", name), ("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name)];
    let at_labels = at.child("template.metadata.labels");
    for (key, value) in wanted {
        match get(labels, key).and_then(Value::as_str) {
            None => errors.required(&at_labels.key(key), &format!("must be '{value}'")),
            Some(found) if found != value => errors.invalid(&at_labels.key(key), labels, &format!("must be '{value}'")),
            Some(_) => {}
        }
    }
    if meta::matches(selector, &wanted) == Some(false) {
        errors.invalid(&at.child("selector"), meta::shown_selector(selector), "`selector` not auto-generated");
    }
}

const HIGH: i64 = 100_000;
const HIGH_LIMIT: i64 = 10_000;

/// upstream: validateJobSpec
fn job_spec(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        if let Some(number) = int(spec, field) {
            errors.nonnegative(&at.child(field), number);
        }
    }
    let (per_index, failed) = (int(spec, "backoffLimitPerIndex"), int(spec, "maxFailedIndexes"));
    if failed.is_some() && per_index.is_none() {
        errors.required(&at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    if let Some(manager) = get(spec, "managedBy").and_then(Value::as_str) {
        domain_prefixed_path(errors, manager, &at.child("managedBy"));
        if manager.len() > 63 {
            errors.too_long(&at.child("managedBy"), 63);
        }
    }
    let mode = get(spec, "completionMode").and_then(Value::as_str);
    if let Some(mode) = mode {
        if !["NonIndexed", "Indexed"].contains(&mode) {
            errors.unsupported_json(&at.child("completionMode"), mode, &["NonIndexed", "Indexed"]);
        }
    }
    if mode == Some("Indexed") {
        indexed(errors, spec, at);
    } else if mode.is_none_or(|m| m == "NonIndexed") {
        for (field, number) in [("backoffLimitPerIndex", per_index), ("maxFailedIndexes", failed)] {
            if let Some(number) = number {
                errors.invalid(&at.child(field), number, "requires indexed completion mode");
            }
        }
    }
    let failure_policy = get(spec, "podFailurePolicy");
    if let Some(policy) = failure_policy {
        self::failure_policy(errors, spec, policy, &at.child("podFailurePolicy"));
    }
    if let Some(policy) = get(spec, "successPolicy") {
        let at = at.child("successPolicy");
        if mode == Some("Indexed") {
            success_policy(errors, spec, policy, &at);
        } else {
            errors.invalid(&at, Raw(success_policy_text(policy)), "requires indexed completion mode");
        }
    }
    if let Some(replacement) = get(spec, "podReplacementPolicy").and_then(Value::as_str) {
        let known: &[&str] = if failure_policy.is_some() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        if !known.contains(&replacement) {
            errors.unsupported_json(&at.child("podReplacementPolicy"), replacement, known);
        }
    }
    let template = part(spec, "template");
    pod::template(errors, template, &at.child("template"));
    let restart = text(part(template, "spec"), "restartPolicy");
    let place = at.child("template.spec.restartPolicy");
    match restart {
        "Always" | "" => errors.required(&place, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if failure_policy.is_some() => {
            errors.invalid(&place, restart, "only \"Never\" is supported when podFailurePolicy is specified");
        }
        "OnFailure" | "Never" => {}
        other => errors.unsupported_json(&place, other, &["OnFailure", "Never"]),
    }
}

fn indexed(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let (completions, parallelism) = (int(spec, "completions"), int(spec, "parallelism"));
    let failed = int(spec, "maxFailedIndexes");
    if completions.is_none() {
        errors.required(&at.child("completions"), "when completion mode is Indexed");
    }
    if let Some(parallelism) = parallelism.filter(|p| *p > HIGH) {
        let detail = format!("must be less than or equal to {HIGH} when completion mode is Indexed");
        errors.invalid(&at.child("parallelism"), parallelism, &detail);
    }
    let place = at.child("maxFailedIndexes");
    if let (Some(completions), Some(failed)) = (completions, failed)
        && failed > completions
    {
        errors.invalid(&place, failed, "must be less than or equal to completions");
    }
    if let Some(failed) = failed.filter(|f| *f > HIGH) {
        errors.invalid(&place, failed, &format!("must be less than or equal to {HIGH}"));
    }
    if completions.is_some_and(|c| c > HIGH) && int(spec, "backoffLimitPerIndex").is_some() {
        let detail =
            format!("must be less than or equal to {HIGH_LIMIT} when completions are above {HIGH} and used with backoff limit per index");
        if failed.is_none() {
            errors.required(&place, &format!("must be specified when completions is above {HIGH}"));
        }
        if let Some(parallelism) = parallelism.filter(|p| *p > HIGH_LIMIT) {
            errors.invalid(&at.child("parallelism"), parallelism, &detail);
        }
        if let Some(failed) = failed.filter(|f| *f > HIGH_LIMIT) {
            errors.invalid(&place, failed, &detail);
        }
    }
}

/// upstream: IsDomainPrefixedPath
fn domain_prefixed_path(errors: &mut Errors, path: &str, at: &At<'_>) {
    if path.is_empty() {
        return errors.required(at, "");
    }
    let Some((host, rest)) = path.split_once('/').filter(|(host, rest)| !host.is_empty() && !rest.is_empty()) else {
        return errors.invalid(at, path, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    };
    errors.invalid_text(at, host, names::dns1123_subdomain(host));
    if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b)) {
        errors.invalid(at, rest, r"Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+')");
    }
}

fn required_choice(errors: &mut Errors, value: &str, known: &[&str], at: &At<'_>) {
    if value.is_empty() {
        let shown: Vec<String> = known.iter().map(|k| quote(k)).collect();
        errors.required(at, &format!("valid values: [{}]", shown.join(" ")));
    } else if !known.contains(&value) {
        errors.unsupported_json(at, value, known);
    }
}

/// upstream: validatePodFailurePolicy
fn failure_policy(errors: &mut Errors, spec: &Value, policy: &Value, at: &At<'_>) {
    let rules = list(policy, "rules");
    if rules.len() > 20 {
        errors.too_many(&at.child("rules"), rules.len(), 20);
    }
    let of_pod = part(part(spec, "template"), "spec");
    let names: BTreeSet<&str> = ["containers", "initContainers"].iter().flat_map(|k| list(of_pod, k)).map(|c| text(c, "name")).collect();
    for (i, rule) in rules.iter().enumerate() {
        let at = at.item("rules", i);
        match text(rule, "action") {
            "FailIndex" => {
                if get(spec, "backoffLimitPerIndex").is_none() {
                    errors.invalid(&at.child("action"), "FailIndex", "requires the backoffLimitPerIndex to be set");
                }
            }
            action => required_choice(errors, action, &["Count", "FailIndex", "FailJob", "Ignore"], &at.child("action")),
        }
        let (codes, conditions) = (get(rule, "onExitCodes"), list(rule, "onPodConditions"));
        if let Some(codes) = codes {
            exit_codes(errors, codes, &names, &at.child("onExitCodes"));
        }
        if !conditions.is_empty() {
            pod_conditions(errors, conditions, &at.child("onPodConditions"));
        }
        let wrong = |errors: &mut Errors, what: &str| {
            errors.add("FieldValueInvalid", &at, format!("Invalid value: {what}"));
        };
        match (codes.is_some(), conditions.is_empty()) {
            (true, false) => wrong(errors, "specifying both OnExitCodes and OnPodConditions is not supported"),
            (false, true) => wrong(errors, "specifying one of OnExitCodes and OnPodConditions is required"),
            _ => {}
        }
    }
}

fn pod_conditions(errors: &mut Errors, conditions: &[Value], at: &At<'_>) {
    if conditions.len() > 20 {
        errors.too_many(at, conditions.len(), 20);
    }
    for (i, condition) in conditions.iter().enumerate() {
        let at = at.index(i);
        let kind = text(condition, "type");
        errors.invalid_text(&at.child("type"), kind, names::qualified_name(kind));
        required_choice(errors, text(condition, "status"), &["False", "True", "Unknown"], &at.child("status"));
    }
}

/// upstream: validatePodFailurePolicyRuleOnExitCodes
fn exit_codes(errors: &mut Errors, codes: &Value, names: &BTreeSet<&str>, at: &At<'_>) {
    let operator = text(codes, "operator");
    required_choice(errors, operator, &["In", "NotIn"], &at.child("operator"));
    if let Some(name) = get(codes, "containerName").and_then(Value::as_str)
        && !names.contains(name)
    {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.invalid(&at.child("containerName"), name, detail);
    }
    let values: Vec<i64> = list(codes, "values").iter().map(|v| v.as_i64().unwrap_or(0)).collect();
    let place = at.child("values");
    if values.is_empty() {
        errors.invalid(&place, part(codes, "values"), "at least one value is required");
    } else if values.len() > 255 {
        errors.too_many(&place, values.len(), 255);
    }
    let mut seen = BTreeSet::new();
    for (i, value) in values.iter().enumerate() {
        if operator == "In" && *value == 0 {
            errors.invalid(&place.index(i), *value, "must not be 0 for the In operator");
        }
        if !seen.insert(*value) {
            errors.duplicate(&place.index(i), *value);
        }
    }
    if !values.is_sorted() {
        errors.invalid(&place, part(codes, "values"), "must be ordered");
    }
}

fn success_policy_text(policy: &Value) -> String {
    let rule = |r: &Value| {
        format!("{{\"SucceededIndexes\":{},\"SucceededCount\":{}}}", json(part(r, "succeededIndexes")), json(part(r, "succeededCount")))
    };
    match get(policy, "rules") {
        None => "{\"Rules\":null}".to_owned(),
        Some(_) => format!("{{\"Rules\":[{}]}}", list(policy, "rules").iter().map(rule).collect::<Vec<_>>().join(",")),
    }
}

/// upstream: validateSuccessPolicy
fn success_policy(errors: &mut Errors, spec: &Value, policy: &Value, at: &At<'_>) {
    let rules = list(policy, "rules");
    if rules.is_empty() {
        errors.required(&at.child("rules"), "at least one rules must be specified when the successPolicy is specified");
    }
    if rules.len() > 20 {
        errors.too_many(&at.child("rules"), rules.len(), 20);
    }
    let completions = int(spec, "completions").unwrap_or(0);
    for (i, rule) in rules.iter().enumerate() {
        let at = at.item("rules", i);
        let count = int(rule, "succeededCount");
        let indexes = get(rule, "succeededIndexes").and_then(Value::as_str);
        if count.is_none() && indexes.is_none() {
            errors.required(&at, "at least one of succeededCount or succeededIndexes must be specified");
        }
        let mut total = 0;
        if let Some(indexes) = indexes {
            let at = at.child("succeededIndexes");
            if indexes.len() > 64 * 1024 {
                errors.too_long(&at, 64 * 1024);
            }
            match count_indexes(indexes, completions) {
                Ok(n) => total = n,
                Err(why) => errors.invalid(&at, indexes, &format!("error parsing succeededIndexes: {why}")),
            }
        }
        if let Some(count) = count {
            let at = at.child("succeededCount");
            errors.nonnegative(&at, count);
            if count > completions {
                let detail = format!("must be less than or equal to {completions} (the number of specified completions)");
                errors.invalid(&at, count, &detail);
            }
            if indexes.is_some() && count > total {
                let detail =
                    format!("must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)");
                errors.invalid(&at, count, &detail);
            }
        }
    }
}

/// upstream: validateIndexesFormat, parseIndexInterval
fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let (mut last, mut total) = (None, 0);
    for interval in text.split(',') {
        let ends: Vec<&str> = interval.split('-').collect();
        if ends.len() > 2 {
            return Err(format!(
                "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
                quote(interval)
            ));
        }
        let index = |text: &str| {
            let number: i64 = text.parse().map_err(|_| format!("cannot convert string to integer for index: {}", quote(text)))?;
            if number >= completions { Err(format!("too large index: {}", quote(text))) } else { Ok(number) }
        };
        let first = index(ends[0])?;
        let end = match ends.get(1) {
            None => first,
            Some(end) => {
                let end = index(end)?;
                if first >= end {
                    return Err(format!("non-increasing order, previous: {first}, current: {end}"));
                }
                end
            }
        };
        if let Some(last) = last.filter(|l| *l >= first) {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// upstream: ValidateCronJobCreate
fn cron_job(errors: &mut Errors, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let (at, spec) = (At::new("spec"), part(object, "spec"));
    let zone = get(spec, "timeZone").and_then(Value::as_str);
    match text(spec, "schedule") {
        "" => errors.required(&at.child("schedule"), ""),
        schedule => {
            let at = at.child("schedule");
            if let Err(why) = cron::check(schedule) {
                errors.invalid(&at, schedule, &why);
            }
            if schedule.contains("TZ") {
                errors.invalid(&at, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
            }
        }
    }
    if let Some(seconds) = int(spec, "startingDeadlineSeconds") {
        errors.nonnegative(&at.child("startingDeadlineSeconds"), seconds);
    }
    if let Some(zone) = zone {
        time_zone(errors, zone, &at.child("timeZone"));
    }
    let policies = ["Allow", "Forbid", "Replace"];
    let policy = text(spec, "concurrencyPolicy");
    if !policies.contains(&policy) {
        errors.unsupported_json(&at.child("concurrencyPolicy"), policy, &policies);
    }
    let (of_job, place) = (part(part(spec, "jobTemplate"), "spec"), at.child("jobTemplate.spec"));
    job_spec(errors, of_job, &place);
    if let Some(selector) = get(of_job, "selector") {
        errors.invalid(&place.child("selector"), meta::shown_selector(selector), "`selector` will be auto-generated");
    }
    if flag(of_job, "manualSelector") {
        errors.unsupported(&place.child("manualSelector"), true, &["nil", "false"]);
    }
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        if let Some(limit) = int(spec, field) {
            errors.nonnegative(&at.child(field), limit);
        }
    }
    let name = text(part(object, "metadata"), "name");
    if name.len() > 52 {
        errors.invalid(&At::new("metadata.name"), name, "must be no more than 52 characters");
    }
}

/// upstream: validateTimeZone
fn time_zone(errors: &mut Errors, zone: &str, at: &At<'_>) {
    if zone.is_empty() {
        return errors.invalid(at, zone, "timeZone must be nil or non-empty string");
    }
    let shaped = |part: &str| {
        (1..=14).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+'))
    };
    if zone.split('/').any(|p| p == "." || p == ".." || p.starts_with('-') || !shaped(p)) {
        return errors.invalid(at, zone, &format!("unknown time zone {zone}"));
    }
    if zone.eq_ignore_ascii_case("local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.invalid(at, zone, detail);
    }
    if let Err(why) = cron::time_zone(zone) {
        errors.invalid(at, zone, &why);
    }
}
