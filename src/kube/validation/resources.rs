//! Resource names, amounts and requirements. upstream: pkg/apis/core/validation, pkg/apis/core/helper

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::field::At;
use super::super::field::Place;
use super::super::names;
use super::super::quantity;
use super::super::quantity::Quantity;
use super::{Errors, entries, get, list, text};

/// An amount of an object; zero where it cannot be read.
pub(super) fn amount(value: &Value) -> Quantity {
    value.as_str().and_then(|s| quantity::parse(s).ok()).unwrap_or_default()
}

/// The amount of a resource in a resource list.
pub(super) fn amount_of<'a>(resources: &'a Value, key: &str, name: &str) -> Option<(&'a str, Quantity)> {
    let value = get(resources, key)?.get(name)?;
    Some((value.as_str().unwrap_or("0"), amount(value)))
}

pub(super) fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// upstream: IsNativeResource
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// upstream: IsOvercommitAllowed
pub(super) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

/// upstream: IsExtendedResourceName
fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

const OBJECTS: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const COMPUTE: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.storage",
];

/// upstream: IsStandardQuotaResourceName
pub(super) fn is_standard_quota(name: &str) -> bool {
    OBJECTS.contains(&name) || COMPUTE.contains(&name) || is_huge_page(name) || name.starts_with("requests.hugepages-")
}

fn is_standard(name: &str) -> bool {
    is_standard_quota(name) || name == "storage"
}

fn is_whole(name: &str) -> bool {
    OBJECTS.contains(&name) || is_extended(name)
}

/// upstream: validateResourceName; whether the name may be judged further.
pub(super) fn resource_name(errors: &mut Errors, name: &str, at: &impl Place) -> bool {
    let wrong = names::qualified_name(name);
    if !wrong.is_empty() {
        errors.invalid_text(at, name, wrong);
        return false;
    }
    if !name.contains('/') && !is_standard(name) {
        errors.invalid(at, name, "must be a standard resource type or fully qualified");
        return false;
    }
    true
}

/// upstream: validateContainerResourceName
pub(super) fn container_resource_name(errors: &mut Errors, name: &str, at: &impl Place) {
    resource_name(errors, name, at);
    if !name.contains('/') {
        if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !is_huge_page(name) {
            errors.invalid(at, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.invalid(at, name, "doesn't follow extended resource name standard");
    }
}

/// upstream: ValidateResourceQuotaResourceName
pub(super) fn quota_resource_name(errors: &mut Errors, name: &str, at: &impl Place) {
    resource_name(errors, name, at);
    if !name.contains('/') && !is_standard_quota(name) {
        errors.invalid(at, name, "must be a standard resource for quota");
    }
}

fn pod_resource_name(errors: &mut Errors, name: &str, at: &impl Place) {
    if resource_name(errors, name, at) && !matches!(name, "cpu" | "memory") && !is_huge_page(name) {
        errors.unsupported_json(at, name, &["cpu", "hugepages-", "memory"]);
    }
}

/// upstream: ValidateResourceQuantityValue
pub(super) fn amount_of_resource(errors: &mut Errors, name: &str, value: &Value, at: &impl Place) {
    let quantity = amount(value);
    let shown = value.as_str().unwrap_or("0");
    if quantity.nanos < 0 {
        errors.invalid(at, shown, "must be greater than or equal to 0");
    }
    if is_whole(name) && quantity.milli_value() % 1000 != 0 {
        errors.invalid(at, shown, "must be an integer");
    }
}

/// Who asks for resources.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Container,
    Pod,
}

fn huge_page_fault(name: &str, shown: &str, quantity: Quantity) -> Option<String> {
    let size = quantity::parse(name.strip_prefix("hugepages-")?).unwrap_or_default();
    let divisible = size.nanos > 0 && size.milli_value() % 1000 == 0 && quantity.value() % size.value() == 0;
    (!divisible).then(|| format!("{shown} is not positive integer multiple of {name}"))
}

/// upstream: validateResourceRequirements
pub(super) fn requirements(errors: &mut Errors, resources: &Value, holder: Holder, claims: &BTreeSet<&str>, at: &At<'_>) {
    let (limits, requests) = (at.child("limits"), at.child("requests"));
    let (mut compute, mut huge) = (false, false);
    let named = |errors: &mut Errors, name: &str, at: &At<'_>| match holder {
        Holder::Container => container_resource_name(errors, name, at),
        Holder::Pod => pod_resource_name(errors, name, at),
    };
    for (name, value) in entries(resources, "limits") {
        let at = limits.key(name);
        named(errors, name, &at);
        amount_of_resource(errors, name, value, &at);
        if let Some(fault) = huge_page_fault(name, value.as_str().unwrap_or("0"), amount(value)) {
            errors.invalid(&at, value, &fault);
        }
        huge |= is_huge_page(name);
        compute |= matches!(name, "cpu" | "memory");
    }
    for (name, value) in entries(resources, "requests") {
        let at = requests.key(name);
        named(errors, name, &at);
        amount_of_resource(errors, name, value, &at);
        let wanted = amount(value);
        match amount_of(resources, "limits", name) {
            Some((shown, limit)) if wanted != limit && !may_overcommit(name) => {
                errors.invalid(&requests, value, &format!("must be equal to {name} limit of {shown}"));
            }
            Some((shown, limit)) if wanted > limit => {
                errors.invalid(&requests, value, &format!("must be less than or equal to {name} limit of {shown}"));
            }
            None if !may_overcommit(name) => errors.required(&limits, "Limit must be set for non overcommitable resources"),
            _ => {}
        }
        if let Some(fault) = huge_page_fault(name, value.as_str().unwrap_or("0"), wanted) {
            errors.invalid(&at, value, &fault);
        }
        huge |= is_huge_page(name);
        compute |= matches!(name, "cpu" | "memory");
    }
    if huge && !compute {
        errors.forbidden(at, "HugePages require cpu or memory");
    }
    claim_names(errors, resources, claims, &at.child("claims"));
}

/// upstream: validateResourceClaimNames
fn claim_names(errors: &mut Errors, resources: &Value, known: &BTreeSet<&str>, at: &At<'_>) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (i, claim) in list(resources, "claims").iter().enumerate() {
        let at = at.index(i);
        let (name, request) = (text(claim, "name"), text(claim, "request"));
        if name.is_empty() {
            errors.required(&at, "");
            continue;
        }
        if seen.contains(name) {
            errors.duplicate(&at, name);
        } else {
            let mut key = name.to_owned();
            if !request.is_empty() {
                errors.invalid_text(&at.child("request"), request, names::dns1123_label(request));
                key = format!("{name}/{request}");
            }
            if seen.contains(&key) {
                errors.duplicate(&at, &key);
            } else if request.is_empty() {
                for _ in seen.iter().filter(|k| k.split_once('/').is_some_and(|(head, _)| head == name)) {
                    errors.duplicate(&at, name);
                }
            }
            seen.insert(key);
        }
        if !known.contains(name) {
            let listed: Vec<&str> = known.iter().copied().collect();
            let rest = if listed.is_empty() { " which is empty".to_owned() } else { format!(": {}", listed.join(", ")) };
            let shown = super::quote(name);
            errors.add("FieldValueNotFound", &at, format!("Not found: {shown}: must be one of the names in pod.spec.resourceClaims{rest}"));
        }
    }
}
