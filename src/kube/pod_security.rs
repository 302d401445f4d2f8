//! Pod Security Standards: the labels of namespaces, the checks of each level and version.
//! upstream: pod-security-admission admission/admission.go, api/helpers.go, policy/

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;

use super::check::Cause;
use super::crd_errors::invalid;
use super::field::Path;
pub use super::pod_security_checks::{BASELINE_CAPABILITIES, RESTRICTED_VOLUMES};
use super::pod_security_checks::{CHECKS, Pod};

/// How strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything is allowed.
    Privileged,
    /// Known escalations are forbidden.
    Baseline,
    /// Best practice is required.
    Restricted,
}

/// A level and the minor version its checks are of; no version is the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    /// The level.
    pub level: Level,
    /// `v1.N`
    pub minor: Option<u32>,
}

const PRIVILEGED: Standard = Standard { level: Level::Privileged, minor: None };

impl std::fmt::Display for Standard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let level = match self.level {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        };
        match self.minor {
            None => write!(f, "{level}:latest"),
            Some(minor) => write!(f, "{level}:v1.{minor}"),
        }
    }
}

/// What a namespace asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Pods that violate it are refused.
    pub enforce: Standard,
    /// Violations are audited.
    pub audit: Standard,
    /// Violations are warned about.
    pub warn: Standard,
}

fn level(text: &str) -> Option<Level> {
    Some(match text {
        "privileged" => Level::Privileged,
        "baseline" => Level::Baseline,
        "restricted" => Level::Restricted,
        _ => return None,
    })
}

/// The minor number of `v1.N`; none of `latest`.
fn version(text: &str) -> Result<Option<u32>, ()> {
    if text == "latest" {
        return Ok(None);
    }
    let digits = text.strip_prefix("v1.").ok_or(())?;
    let fit = digits == "0" || (!digits.starts_with('0') && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    fit.then(|| digits.parse().ok()).flatten().map(Some).ok_or(())
}

/// The policy of a namespace's labels, and what is wrong with them.
pub fn policy(labels: &Value) -> (Policy, Vec<Cause>) {
    let mut out = Policy { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED };
    let mut causes = Vec::new();
    let label = |name: &str| labels.get(format!("pod-security.kubernetes.io/{name}")).and_then(Value::as_str);
    let mut refuse = |name: &str, text: &str, detail: &str| {
        let path = Path::new("metadata").child("labels").key(&format!("pod-security.kubernetes.io/{name}"));
        causes.push(invalid(Some(&path), Some(&Value::String(text.to_owned())), detail));
    };
    let mut enforced = false;
    for (name, standard) in [("enforce", &mut out.enforce), ("audit", &mut out.audit), ("warn", &mut out.warn)] {
        if let Some(text) = label(name) {
            match level(text) {
                Some(found) => {
                    standard.level = found;
                    enforced |= name == "enforce";
                }
                None => {
                    // A wrong level to enforce is the strictest, of the others none.
                    standard.level = if name == "enforce" { Level::Restricted } else { Level::Privileged };
                    refuse(name, text, "must be one of privileged, baseline, restricted");
                }
            }
        }
        let key = format!("{name}-version");
        if let Some(text) = label(&key) {
            match version(text) {
                Ok(found) => standard.minor = found,
                Err(()) => refuse(&key, text, "must be \"latest\" or \"v1.x\""),
            }
        }
    }
    if label("warn").is_none() && enforced && out.enforce.level > out.warn.level {
        out.warn.level = out.enforce.level;
        if label("warn-version").is_none() {
            out.warn.minor = out.enforce.minor;
        }
    }
    (out, causes)
}

/// What a pod does against a standard: reasons with details in the server's order; empty when nothing.
fn violations(standard: Standard, meta: &Value, spec: &Value) -> Vec<(String, String)> {
    if standard.level == Level::Privileged {
        return Vec::new();
    }
    let minor = standard.minor.unwrap_or(u32::MAX);
    let restricted = standard.level == Level::Restricted;
    let pod = Pod { meta, spec, minor };
    let overridden: BTreeSet<&str> =
        CHECKS.iter().filter(|c| restricted && c.restricted && minor >= c.since).flat_map(|c| c.overrides).copied().collect();
    let applies = |restricted_check: bool| {
        CHECKS
            .iter()
            .filter(move |c| c.restricted == restricted_check && minor >= c.since)
            .filter(|c| !overridden.contains(c.id))
            .filter_map(|c| (c.run)(&pod))
            .collect::<Vec<_>>()
    };
    let mut out = applies(false);
    if restricted {
        out.extend(applies(true));
    }
    out
}

/// The violations as one text; `None` when there are none.
fn detail(standard: Standard, meta: &Value, spec: &Value) -> Option<String> {
    let found = violations(standard, meta, spec);
    let texts: Vec<String> = found.iter().map(|(r, d)| if d.is_empty() { r.clone() } else { format!("{r} ({d})") }).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Where a kind keeps its pod: metadata and spec.
fn pod_of(object: &Value) -> Option<(&Value, &Value)> {
    let template = match object["kind"].as_str()? {
        "Pod" => return Some((object.get("metadata")?, object.get("spec")?)),
        "PodTemplate" => object.get("template")?,
        "CronJob" => object.pointer("/spec/jobTemplate/spec/template")?,
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => object.pointer("/spec/template")?,
        _ => return None,
    };
    Some((template.get("metadata").unwrap_or(&Value::Null), template.get("spec")?))
}

/// What Pod Security says to creating an object in a namespace with these labels: the sentence of the refusal (of pods
/// only) and warnings.
pub fn evaluate(labels: &Value, object: &Value) -> (Option<String>, Vec<String>) {
    let Some((meta, spec)) = pod_of(object) else { return (None, Vec::new()) };
    let (policy, _) = policy(labels);
    let synced;
    let mut spec = spec;
    if object["kind"] == "Pod" {
        synced = with_profiles(meta, spec);
        spec = &synced;
        if let Some(detail) = detail(policy.enforce, meta, spec) {
            return (Some(format!("violates PodSecurity \"{}\": {detail}", policy.enforce)), Vec::new());
        }
    }
    let warned = detail(policy.warn, meta, spec).map(|d| format!("would violate PodSecurity \"{}\": {d}", policy.warn));
    (None, warned.into_iter().collect())
}

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The spec with the profiles that annotations state, as the server fills them in for pods.
/// upstream: pkg/registry/core/pod/strategy.go applyAppArmorVersionSkew
fn with_profiles(meta: &Value, spec: &Value) -> Value {
    let mut spec = spec.clone();
    for key in ["initContainers", "containers"] {
        for container in spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            let annotation = format!("{APP_ARMOR}{}", container["name"].as_str().unwrap_or(""));
            let Some(profile) = meta["annotations"].get(&annotation).and_then(Value::as_str) else { continue };
            let kind = match profile {
                "unconfined" => "Unconfined",
                "runtime/default" => "RuntimeDefault",
                local if local.starts_with("localhost/") => "Localhost",
                _ => continue,
            };
            if container["securityContext"].get("appArmorProfile").is_some_and(|p| !p.is_null()) {
                continue;
            }
            container["securityContext"]["appArmorProfile"] = serde_json::json!({ "type": kind });
        }
    }
    spec
}

/// The warnings a namespace's new labels cause for the pods in it.
pub fn relabel(name: &str, old: &Value, new: &Value, pods: &[&Value]) -> Vec<String> {
    let (old, _) = policy(old);
    let (new, _) = policy(new);
    let (old, new) = (old.enforce, new.enforce);
    if new == old || new.level == Level::Privileged || (new.minor == old.minor && new.level <= old.level) {
        return Vec::new();
    }
    let mut found: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for pod in pods {
        let Some((meta, spec)) = pod_of(pod) else { continue };
        let reasons: Vec<String> = violations(new, meta, spec).into_iter().map(|(r, _)| r).collect();
        if reasons.is_empty() {
            continue;
        }
        let pod_name = meta["name"].as_str().unwrap_or("").to_owned();
        let entry = found.entry(reasons.join(", ")).or_insert((pod_name.clone(), 0));
        entry.0 = entry.0.clone().min(pod_name);
        entry.1 += 1;
    }
    if found.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = found
        .into_iter()
        .map(|(warning, (pod, count))| match count {
            1 => format!("{pod}: {warning}"),
            2 => format!("{pod} (and 1 other pod): {warning}"),
            n => format!("{pod} (and {} other pods): {warning}", n - 1),
        })
        .collect();
    lines.sort();
    lines.insert(0, format!("existing pods in namespace \"{name}\" violate the new PodSecurity enforce level \"{new}\""));
    lines
}
