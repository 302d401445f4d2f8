//! `kubectl create ingress`. upstream: kubectl/pkg/cmd/create/create_ingress.go

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::super::flags::Flags;
use super::super::session::Fault;
use super::create::named;

/// A rule: host and path, service and port, and whether and by which secret it is secure. upstream: ruleRegex
static RULE: LazyLock<regex::Regex> = LazyLock::new(|| {
    let text = r"^([\w*.\-]*)(/.*)=([\w\-]+):([\w\-]+)(,(tls)=?([\w\-]+)?)?";
    regex::Regex::new(text).expect("the expression is a constant")
});

fn backend(given: &str) -> Value {
    let mut parts = given.split(':');
    let (service, port) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let port = port.parse::<i32>().map_or_else(|_| json!({"name": port}), |n| json!({"number": n}));
    json!({"service": {"name": service, "port": port}})
}

/// The entries of `tls`: rules of one secret share one, and a host stands in one only. upstream: buildTLSRules
fn secure(rules: &[String]) -> Vec<Value> {
    let mut known: Vec<&str> = Vec::new();
    let mut out: Vec<Value> = Vec::new();
    for rule in rules {
        let parts: Vec<&str> = rule.split(',').collect();
        let [_, tls] = parts.as_slice() else { continue };
        let host = rule.split('/').next().unwrap_or_default();
        let secret = tls.split('=').nth(1).unwrap_or_default();
        if known.contains(&host) {
            continue;
        }
        known.push(host);
        if let Some(same) = out.iter_mut().find(|t| t["secretName"].as_str().unwrap_or("") == secret) {
            match same["hosts"].as_array_mut() {
                Some(hosts) => hosts.push(host.into()),
                None => same["hosts"] = json!([host]),
            }
            continue;
        }
        let mut entry = Map::new();
        if !host.is_empty() {
            entry.insert("hosts".to_owned(), json!([host]));
        }
        if !secret.is_empty() {
            entry.insert("secretName".to_owned(), secret.into());
        }
        if !entry.is_empty() {
            out.push(entry.into());
        }
    }
    out
}

pub(super) fn ingress(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "ingress", skip)?;
    let (given, default) = (flags.all("rule"), flags.text("default-backend"));
    if given.is_empty() && default.is_empty() {
        return Err(Fault::error(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        ));
    }
    if let Some(rule) = given.iter().find(|r| !RULE.is_match(r)) {
        return Err(Fault::error(format!("rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")));
    }
    let mut annotations = Map::new();
    for annotation in flags.all("annotation") {
        let wrong = || Fault::error(format!("annotation {annotation} is invalid and should be in format key=[value]"));
        let (key, value) = annotation.split_once('=').ok_or_else(wrong)?;
        annotations.insert(key.to_owned(), value.into());
    }
    if !default.is_empty() && default.matches(':').count() != 1 {
        return Err(Fault::error("default-backend should be in format servicename:serviceport"));
    }
    let mut rules: Vec<Value> = Vec::new();
    for rule in given {
        let plain = rule.split(',').next().unwrap_or_default();
        let (host, rest) = plain.split_once('/').unwrap_or((plain, ""));
        let mut parts = rest.split('=');
        let (path, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (path, kind) = path.strip_suffix('*').map_or((path, "Exact"), |p| (p, "Prefix"));
        let entry = json!({"backend": backend(service), "path": format!("/{path}"), "pathType": kind});
        let known = rules.iter_mut().find(|r| r["host"].as_str().unwrap_or("") == host);
        if let Some(paths) = known.and_then(|r| r.pointer_mut("/http/paths")?.as_array_mut()) {
            paths.push(entry);
            continue;
        }
        let mut one = json!({"http": {"paths": [entry]}});
        if !host.is_empty() {
            one["host"] = host.into();
        }
        rules.push(one);
    }
    let mut object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": {}, "status": {"loadBalancer": {}}});
    if !default.is_empty() {
        object["spec"]["defaultBackend"] = backend(default);
    }
    if !flags.text("class").is_empty() {
        object["spec"]["ingressClassName"] = flags.text("class").into();
    }
    if !rules.is_empty() {
        object["spec"]["rules"] = rules.into();
    }
    let tls = secure(given);
    if !tls.is_empty() {
        object["spec"]["tls"] = tls.into();
    }
    if !annotations.is_empty() {
        object["metadata"]["annotations"] = annotations.into();
    }
    Ok(object)
}
