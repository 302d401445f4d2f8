//! `kubectl expose`. upstream: kubectl/pkg/cmd/expose

use serde_json::{Value, json};

use super::super::flags::Flags;
use super::super::select::{Found, Wish};
use super::super::session::{Fault, Session};
use super::change::options;
use super::run::{labels, overridden};
use super::{Ended, dry, ended};
use crate::simulate::scheduler::json::{at, int, list, scalar, text};

/// The labels by which a service finds an object's pods.
fn selector(one: &Found) -> Result<Value, Fault> {
    let found = match (one.resource.group.as_str(), one.resource.kind.as_str()) {
        ("", "ReplicationController" | "Service") => at(&one.object, &["spec", "selector"]),
        ("", "Pod") => at(&one.object, &["metadata", "labels"]),
        ("apps", "Deployment" | "ReplicaSet") => {
            if !list(&one.object, &["spec", "selector", "matchExpressions"]).is_empty() {
                let shown = list(&one.object, &["spec", "selector", "matchExpressions"]);
                return Err(Fault::error(format!("couldn't convert expressions - \"{shown:?}\" to map-based selector format")));
            }
            at(&one.object, &["spec", "selector", "matchLabels"])
        }
        (_, kind) => return Err(Fault::error(format!("cannot expose a {kind}"))),
    };
    match found.as_object() {
        Some(map) if !map.is_empty() => Ok(found.clone()),
        _ if one.resource.kind == "Pod" => Err(Fault::error(
            "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
        )),
        _ => Err(Fault::error(format!(
            "couldn't retrieve selectors via --selector flag or introspection: invalid {} no selectors, therefore cannot be exposed",
            one.resource.kind.to_lowercase()
        ))),
    }
}

/// Ports and protocols of an object.
fn ports(one: &Found) -> Vec<(i64, String)> {
    let read = |p: &Value, key: &str| (int(p, &[key]).unwrap_or(0), scalar(at(p, &["protocol"])));
    if one.resource.kind == "Service" {
        return list(&one.object, &["spec", "ports"]).iter().map(|p| read(p, "port")).collect();
    }
    let path: &[&str] = if one.resource.kind == "Pod" { &["spec", "containers"] } else { &["spec", "template", "spec", "containers"] };
    list(&one.object, path).iter().flat_map(|c| list(c, &["ports"])).map(|p| read(p, "containerPort")).collect()
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let chosen = session.select(flags, &flags.args, Wish { latest: true, ..Wish::default() })?;
    let mut faults = chosen.faults;
    for one in chosen.found {
        if let Err(fault) = expose(session, flags, &one, how) {
            faults.push(fault);
        }
    }
    ended(faults)
}

fn expose(session: &mut Session<'_>, flags: &Flags, one: &Found, how: super::DryRun) -> Result<(), Fault> {
    let name = if flags.text("name").is_empty() { one.name.clone() } else { flags.text("name").to_owned() };
    let chosen = if flags.text("selector").is_empty() {
        // A kind that cannot be exposed is told of before anything else.
        let found = selector(one);
        if flags.text("port").is_empty() && ports(one).is_empty() && flags.text("cluster-ip") != "None" && found.is_ok() {
            return Err(Fault::error("couldn't find port via --port flag or introspection"));
        }
        if one.resource.kind == "Pod" && found.is_err() && flags.text("port").is_empty() && ports(one).is_empty() {
            return Err(Fault::error("couldn't find port via --port flag or introspection"));
        }
        found?
    } else {
        Value::Object(labels(&[flags.text("selector").to_owned()])?)
    };
    let known = ports(one);
    let protocol_of = |port: i64| known.iter().find(|(p, _)| *p == port).map(|(_, s)| s.clone()).filter(|s| !s.is_empty());
    let mut wanted: Vec<i64> = Vec::new();
    if flags.text("port").is_empty() {
        wanted.extend(known.iter().map(|(p, _)| *p));
    } else {
        for part in flags.text("port").split(',') {
            wanted
                .push(part.parse().map_err(|_| {
                    Fault::error(format!("strconv.Atoi: parsing {}: invalid syntax", crate::value::quote(part.as_bytes())))
                })?);
        }
    }
    if wanted.is_empty() && flags.text("cluster-ip") != "None" {
        return Err(Fault::error("couldn't find port via --port flag or introspection"));
    }
    let several = wanted.len() > 1;
    let target = |port: i64| match flags.text("target-port") {
        "" => Value::from(port),
        given => given.parse::<i64>().map_or_else(|_| given.into(), Value::from),
    };
    let shown: Vec<Value> = wanted
        .iter()
        .enumerate()
        .map(|(i, port)| {
            let protocol = if flags.text("protocol").is_empty() {
                protocol_of(*port).unwrap_or_else(|| "TCP".to_owned())
            } else {
                flags.text("protocol").to_owned()
            };
            let mut out = json!({"port": port, "protocol": protocol, "targetPort": target(*port)});
            if several {
                out["name"] = format!("port-{}", i + 1).into();
            }
            out
        })
        .collect();
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": chosen},
        "status": {"loadBalancer": {}},
    });
    if !shown.is_empty() {
        object["spec"]["ports"] = shown.into();
    }
    let own = if flags.text("labels").is_empty() {
        at(&one.object, &["metadata", "labels"]).clone()
    } else {
        Value::Object(labels(&[flags.text("labels").to_owned()])?)
    };
    if own.as_object().is_some_and(|m| !m.is_empty()) {
        object["metadata"]["labels"] = own;
    }
    for (flag, field) in
        [("type", "type"), ("load-balancer-ip", "loadBalancerIP"), ("session-affinity", "sessionAffinity"), ("cluster-ip", "clusterIP")]
    {
        if !flags.text(flag).is_empty() {
            object["spec"][field] = flags.text(flag).into();
        }
    }
    if !flags.text("external-ip").is_empty() {
        object["spec"]["externalIPs"] = json!([flags.text("external-ip")]);
    }
    if how != super::DryRun::No && flags.given("namespace") {
        object["metadata"]["namespace"] = one.namespace.clone().into();
    }
    let object = super::run::without_status(&overridden(object, flags)?, how);
    let services = session.resource("services")?;
    let namespace = if text(&one.object, &["metadata", "namespace"]).is_empty() { session.namespace(flags) } else { one.namespace.clone() };
    let created = session.make(&services, &namespace, &object, &options(flags, how, "kubectl-expose"), how)?;
    session.tell(flags, &services, &created, "exposed", how)
}
