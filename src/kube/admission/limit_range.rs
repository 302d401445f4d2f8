//! Limit ranges: what they fill into pods and what they forbid. upstream: plugin/pkg/admission/limitranger

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::super::check;
use super::super::quantity;
use super::super::quantity::Format;
use super::super::quantity::Quantity;
use super::super::resource_sums;
use super::super::resource_sums::Amounts;
use super::{list, text};

/// Up to this amount thousandths are compared. upstream: resource.MaxMilliValue
const MAX_MILLI_VALUE: i64 = i64::MAX / 1000;

/// The limits of a range with their defaults.
fn limits(range: &Value) -> Vec<Value> {
    let filled = check::defaults_of(range);
    filled.pointer("/spec/limits").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Fills in what containers do not say. upstream: mergePodResourceRequirements
pub(super) fn fill(range: &Value, pod: &mut Value) {
    let (mut requests, mut caps) = (Map::new(), Map::new());
    for limit in limits(range).iter().filter(|l| text(l, "type") == "Container") {
        for (key, defaults) in [("defaultRequest", &mut requests), ("default", &mut caps)] {
            for (name, amount) in limit.get(key).and_then(Value::as_object).into_iter().flatten() {
                defaults.insert(name.clone(), amount.clone());
            }
        }
    }
    let mut told = Vec::new();
    for (key, what) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod.pointer_mut("/spec").and_then(|s| s.get_mut(key)).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let name = text(container, "name").to_owned();
            for (key, word, defaults) in [("requests", "request", &requests), ("limits", "limit", &caps)] {
                let set = complete(container, key, defaults);
                if !set.is_empty() {
                    told.push(format!("{} {word} for {what} {name}", set.join(", ")));
                }
            }
        }
    }
    if told.is_empty() {
        return;
    }
    let note = format!("LimitRanger plugin set: {}", told.join("; "));
    if let Some(meta) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = meta.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert("kubernetes.io/limit-ranger".to_owned(), note.into());
        }
    }
}

/// Adds what is missing of a resource list; gives the names added.
fn complete(container: &mut Value, key: &str, defaults: &Map<String, Value>) -> Vec<String> {
    let has = |c: &Value, name: &str| c.pointer("/resources").and_then(|r| r.get(key)).is_some_and(|l| l.get(name).is_some());
    let mut missing: Vec<String> = defaults.keys().filter(|name| !has(container, name)).cloned().collect();
    missing.sort();
    for name in &missing {
        container["resources"][key][name.as_str()] = defaults[name].clone();
    }
    missing
}

/// Why a range forbids a pod or a claim.
pub(super) fn refusal(range: &Value, object: &Value) -> Option<String> {
    let spec = object.get("spec")?;
    let mut found = Vec::new();
    for limit in limits(range) {
        match (text(&limit, "type"), text(object, "kind")) {
            ("Container", "Pod") => {
                for container in list(spec, "containers").iter().chain(list(spec, "initContainers")) {
                    let own = |key: &str| resource_sums::amounts(container.get("resources"), key);
                    held(&limit, "Container", &own("requests"), &own("limits"), &mut found);
                }
            }
            ("Pod", "Pod") => held(&limit, "Pod", &whole(spec, "requests"), &whole(spec, "limits"), &mut found),
            ("PersistentVolumeClaim", "PersistentVolumeClaim") => {
                claim(&limit, &resource_sums::amounts(spec.get("resources"), "requests"), &mut found);
            }
            _ => {}
        }
    }
    let mut once: Vec<String> = Vec::new();
    for why in found {
        if !once.contains(&why) {
            once.push(why);
        }
    }
    match once.len() {
        0 => None,
        1 => once.pop(),
        _ => Some(format!("[{}]", once.join(", "))),
    }
}

/// What all of a pod asks for, overhead aside. upstream: podRequests, podLimits
fn whole(spec: &Value, key: &str) -> Amounts {
    let mut total = resource_sums::aggregate(spec, key);
    let own = resource_sums::amounts(spec.get("resources"), key);
    total.extend(own.into_iter().filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory")));
    total
}

fn shown(amount: (Quantity, Format)) -> String {
    quantity::text(amount.0, amount.1)
}

/// Amounts as they are compared. upstream: requestLimitEnforcedValues
fn compared(request: Quantity, limit: Quantity, enforced: Quantity) -> [i64; 3] {
    let all = [request, limit, enforced];
    let whole = all.map(Quantity::value);
    if whole.iter().all(|v| *v <= MAX_MILLI_VALUE) { all.map(Quantity::milli_value) } else { whole }
}

/// One bound and what it is held against.
struct Held<'a> {
    what: &'a str,
    name: &'a str,
    request: Option<(Quantity, Format)>,
    limit: Option<(Quantity, Format)>,
    enforced: (Quantity, Format),
    /// The three as they are compared.
    values: [i64; 3],
}

impl<'a> Held<'a> {
    fn new(what: &'a str, name: &'a str, enforced: (Quantity, Format), requests: &Amounts, limits: &Amounts) -> Self {
        let (request, limit) = (requests.get(name).copied(), limits.get(name).copied());
        let plain = |a: Option<(Quantity, Format)>| a.map_or(Quantity::default(), |a| a.0);
        Self { what, name, request, limit, enforced, values: compared(plain(request), plain(limit), enforced.0) }
    }

    fn usage(&self, bound: &str) -> String {
        format!("{bound} {} usage per {} is {}", self.name, self.what, shown(self.enforced))
    }

    fn minimum(&self) -> Option<String> {
        let [request, limit, enforced] = self.values;
        match (self.request, self.limit) {
            (None, _) => Some(format!("{}.  No request is specified", self.usage("minimum"))),
            (Some(r), _) if request < enforced => Some(format!("{}, but request is {}", self.usage("minimum"), shown(r))),
            (_, Some(l)) if limit < enforced => Some(format!("{}, but limit is {}", self.usage("minimum"), shown(l))),
            _ => None,
        }
    }

    fn maximum(&self) -> Option<String> {
        let [request, limit, enforced] = self.values;
        match (self.request, self.limit) {
            (_, None) => Some(format!("{}.  No limit is specified", self.usage("maximum"))),
            (_, Some(l)) if limit > enforced => Some(format!("{}, but limit is {}", self.usage("maximum"), shown(l))),
            (Some(r), _) if request > enforced => Some(format!("{}, but request is {}", self.usage("maximum"), shown(r))),
            _ => None,
        }
    }

    fn maximum_request(&self) -> Option<String> {
        let [request, _, enforced] = self.values;
        match self.request {
            None => Some(format!("{}.  No request is specified", self.usage("maximum"))),
            Some(r) if request > enforced => Some(format!("{}, but request is {}", self.usage("maximum"), shown(r))),
            Some(_) => None,
        }
    }

    fn ratio(&self) -> Option<String> {
        let start = format!("{} max limit to request ratio per {} is {}", self.name, self.what, shown(self.enforced));
        let [request, limit, _] = self.values;
        if self.request.is_none() || request == 0 {
            return Some(format!("{start}, but no request is specified or request is 0"));
        }
        if self.limit.is_none() || limit == 0 {
            return Some(format!("{start}, but no limit is specified or limit is 0"));
        }
        let ratio = limit as f64 / request as f64;
        let enforced = self.enforced.0;
        let exceeds = if enforced.value() <= MAX_MILLI_VALUE {
            ratio * 1000.0 > enforced.milli_value() as f64
        } else {
            ratio > enforced.value() as f64
        };
        exceeds.then(|| format!("{start}, but provided ratio is {ratio:.6}"))
    }
}

fn bounds(limit: &Value, key: &str) -> BTreeMap<String, (Quantity, Format)> {
    resource_sums::amounts(Some(limit), key)
}

fn held(limit: &Value, what: &str, requests: &Amounts, limits: &Amounts, found: &mut Vec<String>) {
    for key in ["min", "max", "maxLimitRequestRatio"] {
        for (name, enforced) in bounds(limit, key) {
            let held = Held::new(what, &name, enforced, requests, limits);
            found.extend(match key {
                "min" => held.minimum(),
                "max" => held.maximum(),
                _ => held.ratio(),
            });
        }
    }
}

/// upstream: PersistentVolumeClaimValidateLimitFunc
fn claim(limit: &Value, requests: &Amounts, found: &mut Vec<String>) {
    let none = Amounts::new();
    for key in ["min", "max"] {
        for (name, enforced) in bounds(limit, key) {
            let held = Held::new("PersistentVolumeClaim", &name, enforced, requests, &none);
            found.extend(if key == "min" { held.minimum() } else { held.maximum_request() });
        }
    }
}
