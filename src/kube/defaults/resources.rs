//! Resource lists in defaults: rounding, sums over containers, and the quality of service.
//! upstream: component-helpers/resource/helpers.go, pkg/apis/core/helper/qos/qos.go

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::quantity::{self, Format, Quantity};

/// Amounts by resource, each with the format to write it in.
pub(super) type Amounts = BTreeMap<String, (Quantity, Format)>;

/// Rounds every amount up to thousandths. upstream: SetDefaults_ResourceList
pub(super) fn round_up(value: &mut Value, key: &str) {
    let Some(map) = value.get_mut(key).and_then(Value::as_object_mut) else { return };
    for amount in map.values_mut() {
        let Some(text) = amount.as_str() else { continue };
        let Ok(quantity) = quantity::parse(text) else { continue };
        let unit = 1_000_000;
        let rest = quantity.nanos % unit;
        if rest != 0 {
            let nanos = quantity.nanos - rest + rest.signum() * unit;
            *amount = quantity::text(Quantity { nanos }, quantity::format_of(text)).into();
        }
    }
}

/// The amounts of a resource list.
pub(super) fn amounts(resources: Option<&Value>, key: &str) -> Amounts {
    let list = resources.and_then(|r| r.get(key)).and_then(Value::as_object);
    list.into_iter()
        .flatten()
        .filter_map(|(name, v)| {
            let text = v.as_str()?;
            Some((name.clone(), (quantity::parse(text).ok()?, quantity::format_of(text))))
        })
        .collect()
}

fn add(total: &mut Amounts, more: &Amounts) {
    for (name, (q, format)) in more {
        total.entry(name.clone()).and_modify(|(t, _)| t.nanos += q.nanos).or_insert((*q, *format));
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
pub(super) fn aggregate(spec: &Value, key: &str) -> Amounts {
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
pub(super) fn quality_of_service(spec: &Value) -> &'static str {
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
                *requests.entry(name).or_insert(0) += n;
            }
            let own = counted(amounts(resources, "limits"));
            guaranteed &= own.len() == 2;
            for (name, n) in own {
                *limits.entry(name).or_insert(0) += n;
            }
        }
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    if guaranteed && requests == limits { "Guaranteed" } else { "Burstable" }
}

/// Sets a resource list from amounts.
pub(super) fn write(resources: &mut Value, key: &str, list: &Amounts) {
    let map: serde_json::Map<String, Value> =
        list.iter().map(|(name, (q, format))| (name.clone(), quantity::text(*q, *format).into())).collect();
    super::set(resources, key, Value::Object(map));
}
