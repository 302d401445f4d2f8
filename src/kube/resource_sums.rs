//! Resource lists: rounding, sums over containers, and the quality of service.
//! upstream: component-helpers/resource/helpers.go, pkg/apis/core/helper/qos/qos.go

use std::collections::BTreeMap;

use serde_json::Value;

use super::quantity::{self, Format, Quantity};

/// Amounts by resource, each with the format to write it in.
pub(crate) type Amounts = BTreeMap<String, (Quantity, Format)>;

/// Rounds every amount up to thousandths. upstream: SetDefaults_ResourceList
pub(crate) fn round_up(value: &mut Value, key: &str) {
    let Some(map) = value.get_mut(key).and_then(Value::as_object_mut) else { return };
    for amount in map.values_mut() {
        let Some(text) = amount.as_str() else { continue };
        let Ok(quantity) = quantity::parse(text) else { continue };
        let unit = 1_000_000;
        let rest = quantity.nanos % unit;
        // What is too large to be kept has no thousandths.
        if rest != 0 && quantity.nanos.abs() < i128::MAX / 2 {
            let nanos = quantity.nanos - rest + rest.signum() * unit;
            *amount = quantity::text(Quantity { nanos }, quantity::format_of(text)).into();
        }
    }
}

/// The amounts of a resource list.
pub(crate) fn amounts(resources: Option<&Value>, key: &str) -> Amounts {
    let list = resources.and_then(|r| r.get(key)).and_then(Value::as_object);
    list.into_iter()
        .flatten()
        .filter_map(|(name, v)| {
            let text = v.as_str()?;
            Some((name.clone(), (quantity::parse(text).ok()?, quantity::format_of(text))))
        })
        .collect()
}

/// Adds amounts; nothing takes the format of what is added. upstream: Quantity.Add
pub(crate) fn add(total: &mut Amounts, more: &Amounts) {
    for (name, (q, format)) in more {
        let entry = total.entry(name.clone()).or_insert((Quantity::default(), *format));
        if entry.0.nanos == 0 {
            entry.1 = *format;
        }
        entry.0.nanos = entry.0.nanos.saturating_add(q.nanos);
    }
}

fn raise(total: &mut Amounts, other: &Amounts) {
    for (name, (q, format)) in other {
        let entry = total.entry(name.clone()).or_insert((*q, *format));
        if *q > entry.0 {
            *entry = (*q, *format);
        }
    }
}

fn containers<'a>(spec: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    spec.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// What all containers of a pod ask for together. upstream: AggregateContainerRequests, AggregateContainerLimits
pub(crate) fn aggregate(spec: &Value, key: &str) -> Amounts {
    let mut total = Amounts::new();
    for container in containers(spec, "containers") {
        add(&mut total, &amounts(container.get("resources"), key));
    }
    let (mut sidecars, mut peak) = (Amounts::new(), Amounts::new());
    for container in containers(spec, "initContainers") {
        let mut own = amounts(container.get("resources"), key);
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            add(&mut total, &own);
            add(&mut sidecars, &own);
            own.clone_from(&sidecars);
        } else {
            add(&mut own, &sidecars);
        }
        raise(&mut peak, &own);
    }
    raise(&mut total, &peak);
    total
}

fn counted(list: Amounts) -> BTreeMap<String, i128> {
    let keep = list.into_iter().filter(|(name, (q, _))| matches!(name.as_str(), "cpu" | "memory") && q.nanos > 0);
    keep.map(|(name, (q, _))| (name, q.nanos)).collect()
}

/// upstream: ComputePodQOS
pub(crate) fn quality_of_service(spec: &Value) -> &'static str {
    let (mut requests, mut limits) = (BTreeMap::new(), BTreeMap::new());
    let mut guaranteed = true;
    let pod = spec.get("resources").filter(|r| !amounts(Some(r), "requests").is_empty() || !amounts(Some(r), "limits").is_empty());
    if let Some(resources) = pod {
        requests = counted(amounts(Some(resources), "requests"));
        limits = counted(amounts(Some(resources), "limits"));
        guaranteed = limits.len() == 2;
    } else {
        for container in containers(spec, "containers").chain(containers(spec, "initContainers")) {
            let resources = container.get("resources");
            for (name, n) in counted(amounts(resources, "requests")) {
                let sum = requests.entry(name).or_insert(0_i128);
                *sum = sum.saturating_add(n);
            }
            let own = counted(amounts(resources, "limits"));
            guaranteed &= own.len() == 2;
            for (name, n) in own {
                let sum = limits.entry(name).or_insert(0_i128);
                *sum = sum.saturating_add(n);
            }
        }
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    if guaranteed && requests == limits { "Guaranteed" } else { "Burstable" }
}

/// Sets a resource list from amounts.
pub(crate) fn write(resources: &mut Value, key: &str, list: &Amounts) {
    let map: serde_json::Map<String, Value> =
        list.iter().map(|(name, (q, format))| (name.clone(), quantity::text(*q, *format).into())).collect();
    if let Some(object) = resources.as_object_mut() {
        object.insert(key.to_owned(), Value::Object(map));
    }
}
