//! The admission that decides about pods: service account, priority, limit ranges and quotas.
//! upstream: plugin/pkg/admission/{serviceaccount,limitranger,resourcequota}, pkg/quota/v1/evaluator/core

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::object::Object;
use super::store;
use super::store::ApiError;
use super::store::ApiServer;
use crate::kube::quantity;
use crate::kube::quantity::Format;
use crate::kube::quantity::Quantity;
use crate::simulate::scheduler::json::at;
use crate::simulate::scheduler::json::int;
use crate::simulate::scheduler::json::list;
use crate::simulate::scheduler::json::scalar;
use crate::simulate::scheduler::json::text;
use crate::simulate::scheduler::json::words;

/// An amount with the format it is written in.
type Amount = (Quantity, Format);
/// Amounts by resource.
pub type Amounts = BTreeMap<String, Amount>;

fn forbidden(object: &Object, why: &str) -> ApiError {
    let name = if object.meta.name.is_empty() { &object.meta.generate_name } else { &object.meta.name };
    ApiError { code: 403, reason: "Forbidden", message: format!("{} \"{name}\" is forbidden: {why}", store::resource(object)) }
}

fn amount(value: &Value) -> Option<Amount> {
    let text = scalar(value);
    Some((quantity::parse(&text).ok()?, quantity::format_of(&text)))
}

fn print(amount: Amount) -> String {
    quantity::text(amount.0, amount.1)
}

fn amounts(value: &Value) -> Amounts {
    value.as_object().into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), amount(v)?))).collect()
}

fn add(total: &mut Amounts, more: &Amounts) {
    for (name, (quantity, format)) in more {
        let entry = total.entry(name.clone()).or_insert((Quantity::default(), *format));
        // The format of the first amount that is not zero stays.
        if entry.0.nanos == 0 {
            entry.1 = *format;
        }
        entry.0.nanos += quantity.nanos;
    }
}

fn raise(total: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let entry = total.entry(name.clone()).or_insert(*amount);
        if amount.0 > entry.0 {
            *entry = *amount;
        }
    }
}

/// What a pod asks for (`requests`) or is allowed (`limits`). upstream: component-helpers/resource
fn effective(spec: &Value, which: &str) -> Amounts {
    let of = |c: &Value| amounts(at(c, &["resources", which]));
    let mut total = Amounts::new();
    for container in list(spec, &["containers"]) {
        add(&mut total, &of(container));
    }
    let mut sidecars = Amounts::new();
    let mut peak = Amounts::new();
    for container in list(spec, &["initContainers"]) {
        if text(container, &["restartPolicy"]) == "Always" {
            add(&mut total, &of(container));
            add(&mut sidecars, &of(container));
            raise(&mut peak, &sidecars);
        } else {
            let mut at_once = of(container);
            add(&mut at_once, &sidecars);
            raise(&mut peak, &at_once);
        }
    }
    raise(&mut total, &peak);
    for (name, amount) in amounts(at(spec, &["resources", which])) {
        total.insert(name, amount);
    }
    let overhead = amounts(at(spec, &["overhead"]));
    let grows: Amounts = overhead.into_iter().filter(|(name, _)| which == "requests" || total.contains_key(name)).collect();
    add(&mut total, &grows);
    total
}

/// What admission fills in before validation.
pub fn mutate(api: &ApiServer, pod: &mut Object) -> Result<(), ApiError> {
    let class = text(&pod.spec, &["priorityClassName"]).to_owned();
    let priority = match class.as_str() {
        "" => {
            let default = api.list("PriorityClass").find(|c| c.rest.get("globalDefault").is_some_and(|g| g == true));
            default.and_then(|c| c.rest.get("value")?.as_i64()).unwrap_or(0)
        }
        "system-node-critical" => 2_000_001_000,
        "system-cluster-critical" => 2_000_000_000,
        name => match api.find("PriorityClass", "", name) {
            Some(class) => class.rest.get("value").and_then(Value::as_i64).unwrap_or(0),
            None => return Err(forbidden(pod, &format!("no PriorityClass with name {name} was found"))),
        },
    };
    pod.spec_mut()["priority"] = priority.into();
    let account = match text(&pod.spec, &["serviceAccountName"]) {
        "" => "default".to_owned(),
        name => name.to_owned(),
    };
    if account != "default" && api.find("ServiceAccount", &pod.meta.namespace, &account).is_none() {
        let why = format!("error looking up service account {}/{account}: serviceaccount \"{account}\" not found", pod.meta.namespace);
        return Err(forbidden(pod, &why));
    }
    default_resources(api, pod);
    Ok(())
}

/// upstream: limitranger.defaultContainerResourceRequirements, mergePodResourceRequirements
fn default_resources(api: &ApiServer, pod: &mut Object) {
    let namespace = pod.meta.namespace.clone();
    let mut defaults = json!({"limits": {}, "requests": {}});
    for range in api.list_in("LimitRange", &namespace) {
        for item in list(&range.spec, &["limits"]).iter().filter(|i| text(i, &["type"]) == "Container") {
            for (field, key) in [("default", "limits"), ("defaultRequest", "requests")] {
                for (name, value) in at(item, &[field]).as_object().into_iter().flatten() {
                    defaults[key][name.as_str()] = value.clone();
                }
            }
        }
    }
    if defaults == json!({"limits": {}, "requests": {}}) {
        return;
    }
    for field in ["initContainers", "containers"] {
        for container in pod.spec_mut().get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            for key in ["limits", "requests"] {
                for (name, value) in defaults[key].as_object().into_iter().flatten() {
                    if at(container, &["resources", key, name]).is_null() {
                        container["resources"][key][name.as_str()] = value.clone();
                    }
                }
            }
        }
    }
}

/// Whether an object may be created.
pub(super) fn admit(api: &ApiServer, object: &Object) -> Result<(), ApiError> {
    if object.kind == "Pod" {
        let errors = limits(api, object);
        match errors.as_slice() {
            [] => {}
            [one] => return Err(forbidden(object, one)),
            many => return Err(forbidden(object, &format!("[{}]", many.join(", ")))),
        }
    }
    quotas(api, object)
}

/// upstream: limitranger.PodValidateLimitFunc
fn limits(api: &ApiServer, pod: &Object) -> Vec<String> {
    let mut errors = Vec::new();
    for range in api.list_in("LimitRange", &pod.meta.namespace) {
        for item in list(&range.spec, &["limits"]) {
            match text(item, &["type"]) {
                "Container" => {
                    for field in ["containers", "initContainers"] {
                        for container in list(&pod.spec, &[field]) {
                            let of = |which: &str| amounts(at(container, &["resources", which]));
                            constrain(item, "Container", &of("requests"), &of("limits"), &mut errors);
                        }
                    }
                }
                "Pod" => constrain(item, "Pod", &effective(&pod.spec, "requests"), &effective(&pod.spec, "limits"), &mut errors),
                _ => {}
            }
        }
    }
    errors
}

fn constrain(item: &Value, what: &str, requests: &Amounts, limits: &Amounts, errors: &mut Vec<String>) {
    for (name, enforced) in amounts(at(item, &["min"])) {
        let is = print(enforced);
        match (requests.get(&name), limits.get(&name)) {
            (None, _) => errors.push(format!("minimum {name} usage per {what} is {is}.  No request is specified")),
            (Some(r), _) if r.0 < enforced.0 => {
                errors.push(format!("minimum {name} usage per {what} is {is}, but request is {}", print(*r)));
            }
            (_, Some(l)) if l.0 < enforced.0 => {
                errors.push(format!("minimum {name} usage per {what} is {is}, but limit is {}", print(*l)));
            }
            _ => {}
        }
    }
    for (name, enforced) in amounts(at(item, &["max"])) {
        let is = print(enforced);
        match (requests.get(&name), limits.get(&name)) {
            (_, None) => errors.push(format!("maximum {name} usage per {what} is {is}.  No limit is specified")),
            (_, Some(l)) if l.0 > enforced.0 => {
                errors.push(format!("maximum {name} usage per {what} is {is}, but limit is {}", print(*l)));
            }
            (Some(r), _) if r.0 > enforced.0 => {
                errors.push(format!("maximum {name} usage per {what} is {is}, but request is {}", print(*r)));
            }
            _ => {}
        }
    }
    for (name, enforced) in amounts(at(item, &["maxLimitRequestRatio"])) {
        let start = format!("{name} max limit to request ratio per {what} is {}", print(enforced));
        let some = |a: &Amounts| a.get(&name).map(|a| a.0.nanos).filter(|n| *n != 0);
        match (some(requests), some(limits)) {
            (None, _) => errors.push(format!("{start}, but no request is specified or request is 0")),
            (_, None) => errors.push(format!("{start}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let ratio = limit as f64 / request as f64;
                if ratio * 1000.0 > enforced.0.milli_value() as f64 {
                    errors.push(format!("{start}, but provided ratio is {ratio:.6}"));
                }
            }
        }
    }
}

/// What one object takes from a quota.
fn usage(object: &Object) -> Amounts {
    let one = (Quantity { nanos: 1_000_000_000 }, Format::Decimal);
    let mut out = Amounts::new();
    out.insert(format!("count/{}", store::resource(object)), one);
    match object.kind.as_str() {
        "Pod" => {
            if store::is_finished(object) {
                out.clear();
                out.insert("count/pods".to_owned(), one);
                return out;
            }
            out.insert("pods".to_owned(), one);
            for (name, amount) in effective(&object.spec, "requests") {
                if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
                    out.insert(name.clone(), amount);
                }
                out.insert(format!("requests.{name}"), amount);
            }
            for (name, amount) in effective(&object.spec, "limits") {
                out.insert(format!("limits.{name}"), amount);
            }
        }
        "Service" => {
            out.insert("services".to_owned(), one);
            match text(&object.spec, &["type"]) {
                "LoadBalancer" => drop(out.insert("services.loadbalancers".to_owned(), one)),
                "NodePort" => drop(out.insert("services.nodeports".to_owned(), one)),
                _ => {}
            }
        }
        "PersistentVolumeClaim" => {
            out.insert("persistentvolumeclaims".to_owned(), one);
            if let Some(size) = amount(at(&object.spec, &["resources", "requests", "storage"])) {
                out.insert("requests.storage".to_owned(), size);
            }
        }
        "ConfigMap" | "Secret" | "ReplicationController" | "ResourceQuota" => {
            out.insert(store::resource(object), one);
        }
        _ => {}
    }
    out
}

/// Whether an object is one that a quota counts.
fn in_scope(quota: &Object, object: &Object) -> bool {
    if object.kind != "Pod" {
        return list(&quota.spec, &["scopes"]).is_empty() && at(&quota.spec, &["scopeSelector"]).is_null();
    }
    let terminating = int(&object.spec, &["activeDeadlineSeconds"]).is_some();
    let best_effort = || effective(&object.spec, "requests").is_empty() && effective(&object.spec, "limits").is_empty();
    let holds = |scope: &str, operator: &str, values: &[String]| match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => best_effort(),
        "NotBestEffort" => !best_effort(),
        "PriorityClass" => {
            let class = text(&object.spec, &["priorityClassName"]);
            match operator {
                "In" => values.iter().any(|v| v == class),
                "NotIn" => !values.iter().any(|v| v == class),
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => true,
    };
    words(&quota.spec, &["scopes"]).iter().all(|s| holds(s, "Exists", &[]))
        && list(&quota.spec, &["scopeSelector", "matchExpressions"])
            .iter()
            .all(|e| holds(text(e, &["scopeName"]), text(e, &["operator"]), &words(e, &["values"])))
}

/// What a quota counts as used now, of the resources that it limits.
pub fn used(api: &ApiServer, quota: &Object) -> Amounts {
    let hard = amounts(at(&quota.spec, &["hard"]));
    let mut total: Amounts = hard.iter().map(|(k, v)| (k.clone(), (Quantity::default(), v.1))).collect();
    for object in api.all().filter(|o| o.meta.namespace == quota.meta.namespace && in_scope(quota, o)) {
        let own: Amounts = usage(object).into_iter().filter(|(k, _)| hard.contains_key(k)).collect();
        add(&mut total, &own);
    }
    total
}

/// A quota's status as the API tells it.
pub fn quota_status(api: &ApiServer, quota: &Object) -> Value {
    let used: BTreeMap<String, String> = used(api, quota).into_iter().map(|(k, v)| (k, print(v))).collect();
    json!({"hard": at(&quota.spec, &["hard"]), "used": used})
}

fn quotas(api: &ApiServer, object: &Object) -> Result<(), ApiError> {
    let mut usage_of = None;
    for quota in api.list_in("ResourceQuota", &object.meta.namespace).filter(|q| in_scope(q, object)) {
        let hard = amounts(at(&quota.spec, &["hard"]));
        let missing = missing_resources(object, &hard);
        if !missing.is_empty() {
            return Err(forbidden(object, &format!("failed quota: {}: must specify {missing}", quota.meta.name)));
        }
        let wanted = usage_of.get_or_insert_with(|| usage(object));
        let relevant: Amounts = wanted.iter().filter(|(k, _)| hard.contains_key(*k)).map(|(k, v)| (k.clone(), *v)).collect();
        if relevant.is_empty() {
            continue;
        }
        let used = used(api, quota);
        let over: BTreeSet<&String> =
            relevant.iter().filter(|(k, v)| used[*k].0.nanos + v.0.nanos > hard[*k].0.nanos && v.0.nanos > 0).map(|(k, _)| k).collect();
        if !over.is_empty() {
            let row = |of: &Amounts| over.iter().map(|k| format!("{k}={}", print(of[*k]))).collect::<Vec<_>>().join(",");
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                quota.meta.name,
                row(&relevant),
                row(&used),
                row(&hard)
            );
            return Err(forbidden(object, &why));
        }
    }
    Ok(())
}

/// upstream: podEvaluator.Constraints
fn missing_resources(object: &Object, hard: &Amounts) -> String {
    if object.kind != "Pod" {
        return String::new();
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in hard.keys() {
        let (which, resource) = match name.as_str() {
            "cpu" | "memory" => ("requests", name.as_str()),
            "requests.cpu" | "requests.memory" => ("requests", &name[9..]),
            "limits.cpu" | "limits.memory" => ("limits", &name[7..]),
            _ => continue,
        };
        if !at(&object.spec, &["resources", which, resource]).is_null() {
            continue;
        }
        for field in ["containers", "initContainers"] {
            for container in list(&object.spec, &[field]) {
                if at(container, &["resources", which, resource]).is_null() {
                    missing.entry(name).or_default().insert(text(container, &["name"]));
                }
            }
        }
    }
    let rows: Vec<String> =
        missing.iter().map(|(k, names)| format!("{k} for: {}", names.iter().copied().collect::<Vec<_>>().join(","))).collect();
    rows.join("; ")
}
