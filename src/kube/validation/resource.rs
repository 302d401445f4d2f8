//! Dynamic resource allocation. upstream: pkg/apis/resource/validation
//!
//! Older versions are read in the shape of `v1`, as the server converts them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use super::super::expressions;
use super::super::expressions::Selector;
use super::super::field::At;
use super::super::field::Place;
use super::super::names;
use super::super::quantity;
use super::admissionregistration::uncompiled;
use super::{Errors, get, int, list, map, meta, text, texts, update};

const NOTHING: &Value = &Value::Null;
const EITHER_NAME: &str = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, version: &str, kind: &str, object: &Value) {
    let object = &converted(version, kind, object);
    let spec = get(object, "spec").unwrap_or(NOTHING);
    let path = At::new("spec");
    if kind == "DeviceClass" {
        class_meta(errors, object);
    } else {
        meta::object_meta(errors, object, names::dns1123_subdomain);
    }
    match kind {
        "DeviceClass" => class(errors, spec, &path),
        "ResourceClaim" => claim(errors, get(spec, "devices").unwrap_or(NOTHING), &path.child("devices")),
        "ResourceClaimTemplate" => {
            template_meta(errors, get(spec, "metadata").unwrap_or(NOTHING), &path.child("metadata"));
            let devices = get(spec, "spec").and_then(|s| get(s, "devices")).unwrap_or(NOTHING);
            claim(errors, devices, &path.child("spec.devices"));
        }
        "ResourceSlice" => slice(errors, spec, None, &path),
        "DeviceTaintRule" => taint_rule(errors, spec, None, &path),
        _ => {}
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, version: &str, kind: &str, object: &Value, old: &Value) {
    let (object, old) = (&converted(version, kind, object), &converted(version, kind, old));
    let (spec, old_spec) = (get(object, "spec"), get(old, "spec"));
    let path = At::new("spec");
    match kind {
        "DeviceClass" => {
            class_meta(errors, object);
            class(errors, spec.unwrap_or(NOTHING), &path);
        }
        "ResourceClaim" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            errors.immutable_as(&path, spec, old_spec, "resource.ResourceClaimSpec");
        }
        "ResourceClaimTemplate" => errors.immutable_as(&path, spec, old_spec, "resource.ResourceClaimTemplateSpec"),
        "ResourceSlice" => slice(errors, spec.unwrap_or(NOTHING), old_spec, &path),
        "DeviceTaintRule" => taint_rule(errors, spec.unwrap_or(NOTHING), old_spec, &path),
        _ => {}
    }
}

/// An object of an older version in the shape of `v1`. upstream: pkg/apis/resource/v1beta1/conversion.go
fn converted(version: &str, kind: &str, object: &Value) -> Value {
    let mut object = object.clone();
    if version != "v1beta1" && version != "v1alpha3" {
        return object;
    }
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut).filter(|_| kind == "ResourceSlice") {
        // Here these are no pointers.
        spec.retain(|field, value| match field.as_str() {
            "nodeName" => value.as_str() != Some(""),
            "allNodes" => value.as_bool() != Some(false),
            _ => true,
        });
    }
    let devices = match kind {
        "ResourceClaim" => object.pointer_mut("/spec/devices/requests"),
        "ResourceClaimTemplate" => object.pointer_mut("/spec/spec/devices/requests"),
        "ResourceSlice" => object.pointer_mut("/spec/devices"),
        _ => None,
    };
    for item in devices.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        if kind == "ResourceSlice" {
            if let Some(Value::Object(basic)) = item.remove("basic") {
                item.extend(basic);
            }
        } else {
            wrap_request(item);
        }
    }
    object
}

fn wrap_request(request: &mut Map<String, Value>) {
    const FIELDS: &[&str] = &["deviceClassName", "selectors", "allocationMode", "count", "adminAccess", "tolerations", "capacity"];
    let mut exactly = Map::new();
    for field in FIELDS {
        if let Some(value) = request.remove(*field) {
            exactly.insert((*field).to_owned(), value);
        }
    }
    let is_set = |(field, value): (&String, &Value)| match field.as_str() {
        "deviceClassName" | "allocationMode" => value.as_str().is_some_and(|s| !s.is_empty()),
        "count" => value.as_i64().is_some_and(|n| n != 0),
        _ => !value.is_null(),
    };
    if exactly.iter().any(is_set) {
        request.insert("exactly".to_owned(), Value::Object(exactly));
    }
}

/// A list with at most `limit` items.
fn each(errors: &mut Errors, items: &[Value], limit: usize, at: &At<'_>, check: &mut dyn FnMut(&mut Errors, &Value, &At<'_>)) {
    if items.len() > limit {
        return errors.too_many(at, items.len(), limit);
    }
    for (i, item) in items.iter().enumerate() {
        check(errors, item, &at.index(i));
    }
}

/// A list with at most `limit` items, told apart by `key`. upstream: validateSet
fn set(errors: &mut Errors, items: &[Value], limit: usize, key: &str, at: &At<'_>, check: &mut dyn FnMut(&mut Errors, &Value, &At<'_>)) {
    each(errors, items, limit, at, check);
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate().filter(|_| items.len() <= limit) {
        let name = if key.is_empty() { item.as_str().unwrap_or("") } else { text(item, key) };
        if !seen.insert(name) {
            errors.duplicate(&at.index(i), name);
        }
    }
}

/// A class's name: lengths are counted in bytes. upstream: validate.LongName
fn class_meta(errors: &mut Errors, object: &Value) {
    let check = |name: &str| {
        let mut wrong = names::dns1123_subdomain(name);
        for detail in &mut wrong {
            *detail = detail.replace("253 characters", "253 bytes");
        }
        wrong
    };
    meta::object_meta(errors, object, check);
}

/// upstream: ValidateTemplateObjectMeta
fn template_meta(errors: &mut Errors, value: &Value, at: &At<'_>) {
    let path = at.path();
    meta::labels(errors, value, "labels", &path.child("labels"));
    meta::annotations(errors, value, &path.child("annotations"));
    let unset = |v: &Value| update::same(Some(v), None) || v.as_i64() == Some(0);
    for (field, given) in value.as_object().into_iter().flatten() {
        if !matches!(field.as_str(), "labels" | "annotations") && !unset(given) {
            errors.forbidden(&at.child(field), "cannot be set");
        }
    }
}

/// upstream: validateDeviceClassSpec
fn class(errors: &mut Errors, spec: &Value, path: &At<'_>) {
    selectors(errors, spec, path);
    each(errors, list(spec, "config"), 32, &path.child("config"), &mut |errors, config, at| configuration(errors, config, at));
    if let Some(name) = get(spec, "extendedResourceName").and_then(Value::as_str)
        && !is_extended(name)
    {
        errors.invalid(&path.child("extendedResourceName"), name, "must be a valid extended resource name");
    }
}

/// upstream: IsExtendedResourceName
fn is_extended(name: &str) -> bool {
    name.contains('/')
        && !name.contains("kubernetes.io/")
        && !name.starts_with("requests.")
        && names::qualified_name(&format!("requests.{name}")).is_empty()
}

/// upstream: validateSelectorSlice
fn selectors(errors: &mut Errors, owner: &Value, path: &At<'_>) {
    each(errors, list(owner, "selectors"), 32, &path.child("selectors"), &mut |errors, selector, at| match get(selector, "cel") {
        None => errors.required(&at.child("cel"), ""),
        Some(cel) if text(cel, "expression").len() > 10 * 1024 => errors.too_long(&at.child("cel.expression"), 10 * 1024),
        Some(cel) => match expressions::selector(text(cel, "expression")) {
            Some(Selector::Broken(why)) => uncompiled(errors, text(cel, "expression"), &why, &at.child("cel.expression")),
            Some(Selector::Expensive) => errors.forbidden(&at.child("cel.expression"), "too complex, exceeds cost limit"),
            None => {}
        },
    });
}

/// A namespace is taken to lack the label that permits it. upstream: pkg/registry/resource/utils.go, AuthorizedForAdmin
fn admin_access(errors: &mut Errors, devices: &Value) {
    let wants = |r: &Value| get(r, "exactly").and_then(|e| get(e, "adminAccess")).and_then(Value::as_bool) == Some(true);
    if let Some(i) = list(devices, "requests").iter().position(wants) {
        let detail = "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace";
        let path = At::new("spec.devices");
        errors.forbidden(&path.item("requests", i).child("adminAccess"), detail);
    }
}

/// upstream: validateDeviceClaim
fn claim(errors: &mut Errors, devices: &Value, path: &At<'_>) {
    admin_access(errors, devices);
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for request in list(devices, "requests") {
        let subs = list(request, "firstAvailable").iter().map(|s| text(s, "name")).collect();
        known.insert(text(request, "name"), subs);
    }
    set(errors, list(devices, "requests"), 32, "name", &path.child("requests"), &mut request);
    each(errors, list(devices, "constraints"), 32, &path.child("constraints"), &mut |errors, constraint, at| {
        names_of_requests(errors, constraint, &known, at);
        match (get(constraint, "matchAttribute"), get(constraint, "distinctAttribute")) {
            (Some(name), _) => full_name(errors, name.as_str().unwrap_or(""), &at.child("matchAttribute")),
            (None, Some(name)) => full_name(errors, name.as_str().unwrap_or(""), &at.child("distinctAttribute")),
            (None, None) => {
                let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
                errors.required(at, detail);
            }
        }
    });
    each(errors, list(devices, "config"), 32, &path.child("config"), &mut |errors, config, at| {
        names_of_requests(errors, config, &known, at);
        configuration(errors, config, at);
    });
}

/// upstream: validateRequestNameRef
fn names_of_requests(errors: &mut Errors, owner: &Value, known: &BTreeMap<&str, BTreeSet<&str>>, path: &At<'_>) {
    set(errors, list(owner, "requests"), 32, "", &path.child("requests"), &mut |errors, name, at| {
        let name = name.as_str().unwrap_or("");
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 2 {
            return errors.invalid(at, name, EITHER_NAME);
        }
        for part in &parts {
            errors.invalid_each(at, *part, names::dns1123_label(part));
        }
        let found = known.get(parts[0]).is_some_and(|subs| parts.get(1).is_none_or(|sub| subs.contains(sub)));
        if !found {
            errors.invalid(at, name, EITHER_NAME);
        }
    });
}

/// upstream: validateDeviceRequest
fn request(errors: &mut Errors, request: &Value, path: &At<'_>) {
    let name = text(request, "name");
    errors.invalid_each(&path.child("name"), name, names::dns1123_label(name));
    let subs = list(request, "firstAvailable");
    let detail = "exactly one of `exactly` or `firstAvailable` is required";
    match (get(request, "exactly"), subs.is_empty()) {
        (None, true) => errors.required(path, detail),
        (Some(_), false) => errors.invalid(path, NOTHING, &format!("{detail}, but multiple fields are set")),
        (Some(exactly), true) => requested(errors, exactly, &path.child("exactly")),
        (None, false) => set(errors, subs, 8, "name", &path.child("firstAvailable"), &mut |errors, sub, at| {
            let name = text(sub, "name");
            errors.invalid_each(&at.child("name"), name, names::dns1123_label(name));
            requested(errors, sub, at);
        }),
    }
}

/// upstream: validateExactDeviceRequest, validateDeviceSubRequest
fn requested(errors: &mut Errors, request: &Value, path: &At<'_>) {
    let class = text(request, "deviceClassName");
    let at = path.child("deviceClassName");
    if class.is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, class, names::dns1123_subdomain(class));
    }
    selectors(errors, request, path);
    let count = int(request, "count").unwrap_or(0);
    match text(request, "allocationMode") {
        "All" if count != 0 => {
            errors.invalid(&path.child("count"), count, "must not be specified when allocationMode is 'All'");
        }
        "ExactCount" if count <= 0 => errors.invalid(&path.child("count"), count, "must be greater than zero"),
        "All" | "ExactCount" => {}
        mode => errors.unsupported(&path.child("allocationMode"), mode, &["All", "ExactCount"]),
    }
    for (i, toleration) in list(request, "tolerations").iter().enumerate() {
        self::toleration(errors, toleration, &path.item("tolerations", i));
    }
}

/// upstream: validateDeviceToleration
fn toleration(errors: &mut Errors, toleration: &Value, path: &At<'_>) {
    let (key, value) = (text(toleration, "key"), text(toleration, "value"));
    if !key.is_empty() {
        errors.invalid_each(&path.child("key"), key, names::qualified_name(key));
    }
    match text(toleration, "operator") {
        "Exists" if !value.is_empty() => errors.invalid(&path.child("value"), value, "must be empty for operator `Exists`"),
        "Exists" => {}
        "Equal" => errors.invalid_each(&path.child("value"), value, names::label_value(value)),
        "" => errors.required(&path.child("operator"), ""),
        other => errors.unsupported(&path.child("operator"), other, &["Equal", "Exists"]),
    }
    effect(errors, text(toleration, "effect"), &path.child("effect"));
}

fn effect(errors: &mut Errors, effect: &str, at: &At<'_>) {
    let known = ["NoExecute", "NoSchedule", "None"];
    if !effect.is_empty() && !known.contains(&effect) {
        errors.unsupported(at, effect, &known);
    }
}

/// upstream: validateDeviceConfiguration
fn configuration(errors: &mut Errors, config: &Value, path: &At<'_>) {
    let at = path.child("opaque");
    let Some(opaque) = get(config, "opaque") else { return errors.required(&at, "") };
    driver(errors, text(opaque, "driver"), &at.child("driver"));
    let at = at.child("parameters");
    match get(opaque, "parameters") {
        None => errors.required(&at, ""),
        Some(parameters) if parameters.to_string().len() > 10 * 1024 => errors.too_long(&at, 10 * 1024),
        Some(Value::Object(_)) => {}
        Some(_) => errors.invalid(&at, "<value omitted>", "must be a valid JSON object"),
    }
}

/// upstream: ValidateCSIDriverName
fn driver(errors: &mut Errors, name: &str, at: &At<'_>) {
    super::storage::driver_name(errors, name, at);
}

/// upstream: validatePoolName
fn pool_name(errors: &mut Errors, name: &str, at: &At<'_>) {
    if name.is_empty() {
        return errors.required(at, "");
    }
    if name.len() > 253 {
        errors.too_long(at, 253);
    }
    for part in name.split('/') {
        errors.invalid_each(at, part, names::dns1123_subdomain(part));
    }
}

/// upstream: validateFullyQualifiedName
fn full_name(errors: &mut Errors, name: &str, at: &At<'_>) {
    qualified(errors, name, at);
    if !name.contains('/') {
        errors.invalid(at, name, "a fully qualified name must be a domain and a name separated by a slash");
    }
}

/// upstream: validateQualifiedName
fn qualified(errors: &mut Errors, name: &str, at: &At<'_>) {
    match name.split('/').collect::<Vec<_>>().as_slice() {
        [id] => identifier(errors, id, at),
        [domain, id] => {
            if domain.is_empty() {
                errors.invalid(at, "", "the domain must not be empty");
            } else {
                driver(errors, domain, at);
            }
            if id.is_empty() {
                errors.invalid(at, "", "the name must not be empty");
            } else {
                identifier(errors, id, at);
            }
        }
        _ => {}
    }
}

fn identifier(errors: &mut Errors, id: &str, at: &At<'_>) {
    if id.len() > 32 {
        errors.too_long(at, 32);
    }
    errors.invalid_each(at, id, names::c_identifier(id));
}

/// upstream: validateResourceSliceSpec
fn slice(errors: &mut Errors, spec: &Value, old: Option<&Value>, path: &At<'_>) {
    driver(errors, text(spec, "driver"), &path.child("driver"));
    let pool = get(spec, "pool").unwrap_or(NOTHING);
    let pool_at = path.child("pool");
    pool_name(errors, text(pool, "name"), &pool_at.child("name"));
    let count = int(pool, "resourceSliceCount").unwrap_or(0);
    if count <= 0 {
        errors.invalid(&pool_at.child("resourceSliceCount"), count, "must be greater than zero");
    }
    if let Some(generation) = int(pool, "generation").filter(|g| *g < 0) {
        errors.invalid(&pool_at.child("generation"), generation, "must be greater than or equal to zero");
    }
    if let Some(old) = old {
        let old_pool = get(old, "pool").unwrap_or(NOTHING);
        errors.immutable(&pool_at.child("name"), text(pool, "name"), text(old_pool, "name"));
        errors.immutable(&path.child("driver"), text(spec, "driver"), text(old, "driver"));
        if get(spec, "nodeName") != get(old, "nodeName") {
            errors.invalid(&path.child("nodeName"), get(spec, "nodeName").unwrap_or(NOTHING), update::IMMUTABLE);
        }
    }
    let one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    let mut given = places(errors, spec, "must be either unset or set to a non-empty string", path);
    if let Some(selector) = get(spec, "nodeSelector")
        && list(selector, "nodeSelectorTerms").len() != 1
    {
        let shown = update::shown_as("[]core.NodeSelectorTerm", get(selector, "nodeSelectorTerms"));
        errors.invalid(&path.child("nodeSelector.nodeSelectorTerms"), shown, "must have exactly one node selector term");
    }
    let by_device = get(spec, "perDeviceNodeSelection").and_then(Value::as_bool);
    match by_device {
        Some(true) => given.push("`perDeviceNodeSelection`"),
        Some(false) => errors.invalid(&path.child("perDeviceNodeSelection"), false, "must be either unset or set to true"),
        None => {}
    }
    match given.len() {
        0 => errors.required(path, one),
        1 => {}
        _ => errors.invalid(path, format!("{{{}}}", given.join(", ")), &format!("{one}, but multiple fields are set")),
    }
    let devices = list(spec, "devices");
    if get(spec, "sharedCounters").is_some() && get(spec, "devices").is_some() {
        errors.invalid(path, "", "only one of `sharedCounters` or `devices` is allowed");
    }
    let advanced = |d: &Value| !list(d, "taints").is_empty() || !list(d, "consumesCounters").is_empty();
    let limit = if devices.iter().any(advanced) { 64 } else { 128 };
    set(errors, devices, limit, "name", &path.child("devices"), &mut |errors, one, at| {
        let before = old.and_then(|o| list(o, "devices").iter().find(|d| text(d, "name") == text(one, "name")));
        device(errors, one, before, by_device == Some(true), at);
    });
    set(errors, list(spec, "sharedCounters"), 8, "name", &path.child("sharedCounters"), &mut |errors, counters, at| {
        counter_set(errors, counters, "name", at);
    });
}

/// The fields that say where a slice or device is, as they are shown.
fn places(errors: &mut Errors, value: &Value, empty: &str, path: &At<'_>) -> Vec<&'static str> {
    let mut given = Vec::new();
    match get(value, "nodeName").and_then(Value::as_str) {
        Some("") => errors.invalid(&path.child("nodeName"), "", empty),
        Some(node) => {
            given.push("`nodeName`");
            errors.invalid_each(&path.child("nodeName"), node, names::dns1123_subdomain(node));
        }
        None => {}
    }
    if let Some(selector) = get(value, "nodeSelector") {
        given.push("`nodeSelector`");
        super::placement::node_selector(errors, selector, &path.child("nodeSelector"));
    }
    match get(value, "allNodes").and_then(Value::as_bool) {
        Some(true) => given.push("`allNodes`"),
        Some(false) => errors.invalid(&path.child("allNodes"), false, "must be either unset or set to true"),
        None => {}
    }
    given
}

fn counter_set(errors: &mut Errors, counters: &Value, name_field: &str, at: &At<'_>) {
    let name = text(counters, name_field);
    if name.is_empty() {
        errors.required(&at.child(name_field), "");
    } else {
        errors.invalid_each(&at.child(name_field), name, names::dns1123_label(name));
    }
    let at = at.child("counters");
    match map(counters, "counters").filter(|m| !m.is_empty()) {
        None => errors.required(&at, ""),
        Some(all) if all.len() > 32 => errors.too_many(&at, all.len(), 32),
        Some(all) => all.keys().for_each(|key| errors.invalid_each(&at, key, names::dns1123_label(key))),
    }
}

/// upstream: validateDevice
fn device(errors: &mut Errors, device: &Value, old: Option<&Value>, by_device: bool, path: &At<'_>) {
    let name = text(device, "name");
    errors.invalid_each(&path.child("name"), name, names::dns1123_label(name));
    let none = Map::new();
    let (attributes, capacity) = (map(device, "attributes").unwrap_or(&none), map(device, "capacity").unwrap_or(&none));
    let count = attributes.len() + capacity.len();
    if count > 32 {
        errors.invalid(path, count as i64, "the total number of attributes and capacities must not exceed 32");
    }
    let values = attributes.len() as i64;
    if values > 48 {
        errors.invalid(path, values, "the total number of attribute values must not exceed 48");
    }
    let at = path.child("attributes");
    for (key, value) in attributes {
        qualified(errors, key, &at);
        attribute(errors, value, &at.key(&shortened(key)));
    }
    let at = path.child("capacity");
    let shared = get(device, "allowMultipleAllocations").and_then(Value::as_bool) == Some(true);
    for (key, value) in capacity {
        qualified(errors, key, &at);
        let key = shortened(key);
        let at = at.key(&key);
        match get(value, "requestPolicy") {
            Some(policy) if shared => request_policy(errors, text(value, "value"), policy, &at.child("requestPolicy")),
            Some(_) => errors.forbidden(&at.child("requestPolicy"), "allowMultipleAllocations must be true"),
            None => {}
        }
    }
    if !old.is_some_and(|old| update::same(get(old, "taints"), get(device, "taints"))) {
        each(errors, list(device, "taints"), 16, &path.child("taints"), &mut |errors, one, at| taint(errors, one, None, at));
    }
    set(errors, list(device, "consumesCounters"), 2, "counterSet", &path.child("consumesCounters"), &mut |errors, one, at| {
        counter_set(errors, one, "counterSet", at);
    });
    let place = |field: &&str| get(device, field).is_some();
    if by_device {
        let given = places(errors, device, "must not be empty", path);
        let one = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        match given.len() {
            0 => errors.required(path, one),
            1 => {}
            _ => errors.invalid(path, format!("{{{}}}", given.join(", ")), one),
        }
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(place) {
        let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        errors.invalid(path, NOTHING, detail);
    }
    binding_conditions(errors, device, path);
}

/// upstream: truncateIfTooLong
fn shortened(key: &str) -> String {
    const LIMIT: usize = 63 + 1 + 32;
    if key.len() <= LIMIT {
        return key.to_owned();
    }
    let rest = LIMIT - 3;
    let head = String::from_utf8_lossy(&key.as_bytes()[..rest.div_ceil(2)]).into_owned();
    let tail = String::from_utf8_lossy(&key.as_bytes()[key.len() - rest / 2..]).into_owned();
    format!("{head}...{tail}")
}

/// upstream: validateDeviceAttribute
fn attribute(errors: &mut Errors, attribute: &Value, at: &At<'_>) {
    let given = ["bool", "int", "string", "version"].iter().filter(|f| get(attribute, f).is_some()).count();
    if let Some(value) = get(attribute, "string").and_then(Value::as_str).filter(|v| v.len() > 64) {
        debug_assert!(value.len() > 64);
        errors.too_long(&at.child("string"), 64);
    }
    if let Some(version) = get(attribute, "version").and_then(Value::as_str) {
        let at = at.child("version");
        if super::coordination::Version::parse(version).is_none() {
            errors.invalid(&at, version, "must be a string compatible with semver.org spec 2.0.0");
        }
        if version.len() > 64 {
            errors.too_long(&at, 64);
        }
    }
    match given {
        0 => errors.invalid(at, "", "exactly one value must be specified"),
        1 => {}
        _ => errors.invalid(at, update::shown_as("resource.DeviceAttribute", Some(attribute)), "exactly one value must be specified"),
    }
}

/// upstream: validateRequestPolicy
fn request_policy(errors: &mut Errors, most: &str, policy: &Value, path: &At<'_>) {
    let (values, range) = (list(policy, "validValues"), get(policy, "validRange"));
    let default = get(policy, "default").map(Amount::new);
    let most = Amount::of(most);
    match (values.is_empty(), range) {
        (false, Some(_)) => {
            let detail = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time";
            errors.forbidden(path, detail);
        }
        (false, None) => match default {
            None => errors.required(&path.child("default"), "required when validValues is defined"),
            Some(default) => valid_values(errors, &default, &most, values, &path.child("validValues")),
        },
        (true, Some(range)) => match default {
            None => errors.required(&path.child("default"), "required when validRange is defined"),
            Some(default) => valid_range(errors, &default, &most, range, &path.child("validRange")),
        },
        (true, None) => {}
    }
}

/// A quantity and how it is written.
struct Amount {
    shown: String,
    nanos: i128,
}

impl Amount {
    fn of(text: &str) -> Self {
        Self { shown: text.to_owned(), nanos: quantity::parse(text).map_or(0, |q| q.nanos) }
    }

    fn new(value: &Value) -> Self {
        Self::of(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// The value rounded up to a whole number.
    fn whole(&self) -> i64 {
        quantity::Quantity { nanos: self.nanos }.value()
    }
}

/// upstream: validateRequestPolicyValidValues
fn valid_values(errors: &mut Errors, default: &Amount, most: &Amount, values: &[Value], at: &At<'_>) {
    let amounts: Vec<Amount> = values.iter().map(Amount::new).collect();
    for (i, pair) in amounts.windows(2).enumerate().filter(|(_, p)| p[0].nanos > p[1].nanos) {
        errors.invalid(&at.index(i + 1), &pair[1].shown, "values must be sorted in ascending order");
    }
    if amounts.len() > 10 {
        errors.too_many(at, amounts.len(), 10);
    } else {
        for (i, amount) in amounts.iter().enumerate().filter(|(_, a)| a.nanos > most.nanos) {
            errors.invalid(&at.index(i), &amount.shown, &format!("option is larger than capacity value: {}", most.shown));
        }
        let mut seen = BTreeSet::new();
        for (i, amount) in amounts.iter().enumerate() {
            if !seen.insert(amount.whole()) {
                errors.duplicate(&at.index(i), amount.whole().to_string());
            }
        }
    }
    if amounts.len() > 10 || !amounts.iter().any(|a| a.nanos == default.nanos) {
        errors.invalid(at, &default.shown, "default value is not valid according to the requestPolicy");
    }
}

/// upstream: validateRequestPolicyRange
fn valid_range(errors: &mut Errors, default: &Amount, most: &Amount, range: &Value, path: &At<'_>) {
    let (min_at, max_at, step_at) = (path.child("min"), path.child("max"), path.child("step"));
    let Some(min) = get(range, "min").map(Amount::new) else {
        return errors.required(&min_at, "required when validRange is defined");
    };
    if min.nanos > most.nanos {
        errors.invalid(&min_at, &min.shown, &format!("min is larger than capacity value: {}", most.shown));
    }
    if default.nanos < min.nanos {
        errors.invalid(&min_at, &default.shown, &format!("default is less than min: {}", min.shown));
    }
    let max = get(range, "max").map(Amount::new);
    if let Some(max) = &max {
        if min.nanos > max.nanos {
            errors.invalid(&max_at, &min.shown, &format!("min is larger than max: {}", max.shown));
        }
        if max.nanos > most.nanos {
            errors.invalid(&max_at, &max.shown, &format!("max is larger than capacity value: {}", most.shown));
        }
        if default.nanos > max.nanos {
            errors.invalid(&max_at, &default.shown, &format!("default is more than max: {}", max.shown));
        }
    }
    let Some(step) = get(range, "step").map(Amount::new) else { return };
    let added = min.nanos + step.nanos;
    if added > most.nanos {
        let format = quantity::format_of(&min.shown);
        let shown = quantity::text(quantity::Quantity { nanos: added }, format);
        errors.invalid(&step_at, &step.shown, &format!("one step {shown} is larger than capacity value: {}", most.shown));
    }
    for value in std::iter::once(default).chain(&max) {
        if step.whole() != 0 && (value.whole() - min.whole()) % step.whole() != 0 {
            let detail = format!("value is not a multiple of a given step ({}) from ({})", step.shown, min.shown);
            errors.invalid(&step_at, &value.shown, &detail);
        }
    }
}

/// upstream: validateDeviceBindingParameters
fn binding_conditions(errors: &mut Errors, device: &Value, path: &At<'_>) {
    let conditions: Vec<&str> = texts(device, "bindingConditions").collect();
    let failures: Vec<&str> = texts(device, "bindingFailureConditions").collect();
    for (field, given) in [("bindingConditions", &conditions), ("bindingFailureConditions", &failures)] {
        let at = path.child(field);
        if given.len() > 4 {
            errors.too_many(&at, given.len(), 4);
        }
        let mut seen = BTreeSet::new();
        for (i, name) in given.iter().enumerate() {
            if given.len() <= 4 {
                errors.invalid_each(&at.index(i), *name, names::qualified_name(name));
            }
            if !seen.insert(name) {
                errors.duplicate(&at.index(i), *name);
            }
        }
    }
    let failures_at = path.child("bindingFailureConditions");
    for (i, name) in failures.iter().enumerate().filter(|(_, n)| conditions.contains(n)) {
        errors.invalid(&failures_at.index(i), *name, "bindingFailureConditions must not overlap with bindingConditions");
    }
    let shown = |field| get(device, field).unwrap_or(NOTHING);
    if conditions.is_empty() && !failures.is_empty() {
        let detail = "bindingConditions are required to use bindingFailureConditions";
        errors.invalid(&path.child("bindingConditions"), shown("bindingConditions"), detail);
    }
    if failures.is_empty() && !conditions.is_empty() {
        let detail = "bindingFailureConditions are required to use bindingConditions";
        errors.invalid(&failures_at, shown("bindingFailureConditions"), detail);
    }
}

/// upstream: validateDeviceTaint
fn taint(errors: &mut Errors, taint: &Value, old: Option<&Value>, path: &At<'_>) {
    let (key, value) = (text(taint, "key"), text(taint, "value"));
    errors.invalid_each(&path.child("key"), key, names::qualified_name(key));
    if !value.is_empty() {
        errors.invalid_each(&path.child("value"), value, names::label_value(value));
    }
    let given = text(taint, "effect");
    if old.is_none_or(|old| text(old, "effect") != given) {
        let at = path.child("effect");
        if given.is_empty() {
            errors.required(&at, "");
        }
        effect(errors, given, &at);
    }
}

/// upstream: validateDeviceTaintRuleSpec
fn taint_rule(errors: &mut Errors, spec: &Value, old: Option<&Value>, path: &At<'_>) {
    if let Some(selector) = get(spec, "deviceSelector") {
        let at = path.child("deviceSelector");
        if let Some(name) = get(selector, "driver").and_then(Value::as_str) {
            driver(errors, name, &at.child("driver"));
        }
        if let Some(name) = get(selector, "pool").and_then(Value::as_str) {
            pool_name(errors, name, &at.child("pool"));
        }
        if let Some(name) = get(selector, "device").and_then(Value::as_str) {
            errors.invalid_each(&at.child("device"), name, names::dns1123_label(name));
        }
    }
    let old = old.and_then(|o| get(o, "taint"));
    taint(errors, get(spec, "taint").unwrap_or(NOTHING), old, &path.child("taint"));
}
