//! Webhooks and admission policies. upstream: pkg/apis/admissionregistration/validation

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::expressions;
use super::super::expressions::Scope;
use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, list, meta, text, texts, update, webhook};

const NOTHING: &Value = &Value::Null;
const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const MUTATING_OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "UPDATE"];
const REVIEW_VERSIONS: &[&str] = &["v1", "v1beta1"];
const QUIET: &[&str] = &["None", "NoneOnDryRun"];

/// What old objects may keep.
struct Options {
    any_condition: bool,
    quiet: bool,
    known_review: bool,
    unique_names: bool,
    any_label_value: bool,
}

const STRICT: Options = Options { any_condition: false, quiet: true, known_review: true, unique_names: true, any_label_value: false };

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    check(errors, kind, object, &STRICT);
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    meta::object_meta(errors, object, names::dns1123_subdomain);
    let options = if kind.ends_with("WebhookConfiguration") { hook_options(object, old) } else { policy_options(object, old) };
    check(errors, kind, object, &options);
}

fn hook_options(object: &Value, old: &Value) -> Options {
    let hooks = list(old, "webhooks");
    let conditions = |o: &Value| list(o, "webhooks").iter().map(|h| get(h, "matchConditions").cloned()).collect::<Vec<_>>();
    let quiet = |hook: &Value| QUIET.contains(&text(hook, "sideEffects"));
    let known = |hook: &Value| {
        list(hook, "admissionReviewVersions").is_empty() || texts(hook, "admissionReviewVersions").any(|v| REVIEW_VERSIONS.contains(&v))
    };
    let mut seen = BTreeSet::new();
    let wrong = |hook: &Value| ["namespaceSelector", "objectSelector"].iter().any(|f| get(hook, f).is_some_and(meta::malformed));
    Options {
        any_condition: conditions(object) == conditions(old),
        quiet: hooks.iter().all(quiet),
        known_review: hooks.iter().all(known),
        unique_names: hooks.iter().all(|h| seen.insert(text(h, "name"))),
        any_label_value: hooks.iter().any(wrong),
    }
}

fn policy_options(object: &Value, old: &Value) -> Options {
    let (spec, old) = (get(object, "spec").unwrap_or(NOTHING), get(old, "spec").unwrap_or(NOTHING));
    let same = ["paramKind", "matchConditions"].iter().all(|f| update::same(get(spec, f), get(old, f)));
    Options { any_condition: same, ..STRICT }
}

fn check(errors: &mut Errors, kind: &str, object: &Value, options: &Options) {
    let spec = get(object, "spec").unwrap_or(NOTHING);
    match kind {
        "ValidatingWebhookConfiguration" => hooks(errors, object, false, options),
        "MutatingWebhookConfiguration" => hooks(errors, object, true, options),
        "ValidatingAdmissionPolicy" => validating_policy(errors, object, spec, options),
        "MutatingAdmissionPolicy" => mutating_policy(errors, spec, options),
        "ValidatingAdmissionPolicyBinding" => binding(errors, spec, false),
        "MutatingAdmissionPolicyBinding" => binding(errors, spec, true),
        _ => {}
    }
}

/// upstream: validateValidatingWebhookConfiguration, validateMutatingWebhookConfiguration
fn hooks(errors: &mut Errors, object: &Value, mutating: bool, options: &Options) {
    let mut seen = BTreeSet::new();
    for (i, hook) in list(object, "webhooks").iter().enumerate() {
        let root = At::root();
        let at = root.item("webhooks", i);
        one_hook(errors, hook, mutating, options, &at);
        review_versions(errors, hook, options, &at.child("admissionReviewVersions"));
        let name = text(hook, "name");
        if options.unique_names && !name.is_empty() && !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
    }
}

/// upstream: validateAdmissionReviewVersions
fn review_versions(errors: &mut Errors, hook: &Value, options: &Options, at: &At<'_>) {
    let versions: Vec<&str> = texts(hook, "admissionReviewVersions").collect();
    if versions.is_empty() {
        return errors.required(at, "must specify one of v1, v1beta1");
    }
    let mut seen = BTreeSet::new();
    for (i, version) in versions.iter().enumerate() {
        if !seen.insert(version) {
            errors.invalid(&at.index(i), *version, "duplicate version");
            continue;
        }
        errors.invalid_each(&at.index(i), *version, names::dns1035_label(version));
    }
    if options.known_review && !versions.iter().any(|v| REVIEW_VERSIONS.contains(v)) {
        let shown = get(hook, "admissionReviewVersions").unwrap_or(NOTHING);
        errors.invalid(at, shown, "must include at least one of v1, v1beta1");
    }
}

/// upstream: IsFullyQualifiedName
fn qualified(errors: &mut Errors, name: &str, at: &At<'_>) {
    if name.is_empty() {
        return errors.required(at, "");
    }
    let wrong = names::dns1123_subdomain(name);
    if !wrong.is_empty() {
        return errors.invalid(at, name, &wrong.join(","));
    }
    if name.split('.').count() < 3 {
        errors.invalid(at, name, "should be a domain with at least three segments separated by dots");
    }
}

fn one_of(errors: &mut Errors, value: &Value, field: &str, known: &[&str], at: &At<'_>) {
    if let Some(given) = get(value, field).and_then(Value::as_str)
        && !known.contains(&given)
    {
        errors.unsupported(&at.child(field), given, known);
    }
}

/// upstream: validateValidatingWebhook, validateMutatingWebhook
fn one_hook(errors: &mut Errors, hook: &Value, mutating: bool, options: &Options, at: &At<'_>) {
    qualified(errors, text(hook, "name"), &at.child("name"));
    for (i, rule) in list(hook, "rules").iter().enumerate() {
        rule_with_operations(errors, rule, &at.item("rules", i));
    }
    one_of(errors, hook, "failurePolicy", &["Fail", "Ignore"], at);
    one_of(errors, hook, "matchPolicy", &["Equivalent", "Exact"], at);
    let classes: &[&str] = if options.quiet { QUIET } else { &["None", "NoneOnDryRun", "Some", "Unknown"] };
    if get(hook, "sideEffects").is_none() {
        errors.required(&at.child("sideEffects"), &format!("must specify one of {}", classes.join(", ")));
    }
    one_of(errors, hook, "sideEffects", classes, at);
    if let Some(seconds) = int(hook, "timeoutSeconds").filter(|s| !(1..=30).contains(s)) {
        errors.invalid(&at.child("timeoutSeconds"), seconds, "the timeout value must be between 1 and 30 seconds");
    }
    for field in ["namespaceSelector", "objectSelector"] {
        if let Some(selector) = get(hook, field) {
            update::selector_with(errors, selector, options.any_label_value, &at.child(field));
        }
    }
    if mutating {
        one_of(errors, hook, "reinvocationPolicy", &["IfNeeded", "Never"], at);
    }
    let client = get(hook, "clientConfig").unwrap_or(NOTHING);
    let client_at = at.child("clientConfig");
    match (get(client, "url").and_then(Value::as_str), get(client, "service")) {
        (Some(url), None) => webhook::url(errors, url, &client_at.child("url")),
        (None, Some(service)) => webhook::service(errors, service, true, &client_at.child("service")),
        _ => errors.required(&client_at, "exactly one of url or service is required"),
    }
    if !options.any_condition {
        match_conditions(errors, hook, false, &at.child("matchConditions"));
    }
}

/// upstream: validateRuleWithOperations
fn rule_with_operations(errors: &mut Errors, rule: &Value, at: &At<'_>) {
    let operations: Vec<&str> = texts(rule, "operations").collect();
    let operations_at = at.child("operations");
    if operations.is_empty() {
        errors.required(&operations_at, "");
    }
    alone(errors, rule, "operations", "if '*' is present, must not specify other operations", at);
    for (i, operation) in operations.iter().enumerate().filter(|(_, o)| !OPERATIONS.contains(o)) {
        errors.unsupported(&operations_at.index(i), *operation, OPERATIONS);
    }
    if list(rule, "apiGroups").is_empty() {
        errors.required(&at.child("apiGroups"), "");
    }
    alone(errors, rule, "apiGroups", "if '*' is present, must not specify other API groups", at);
    if list(rule, "apiVersions").is_empty() {
        errors.required(&at.child("apiVersions"), "");
    }
    alone(errors, rule, "apiVersions", "if '*' is present, must not specify other API versions", at);
    for (i, _) in texts(rule, "apiVersions").enumerate().filter(|(_, v)| v.is_empty()) {
        errors.required(&at.item("apiVersions", i), "");
    }
    resources(errors, rule, &at.child("resources"));
    one_of(errors, rule, "scope", &["*", "Cluster", "Namespaced"], at);
}

/// A `*` that is not alone.
fn alone(errors: &mut Errors, rule: &Value, field: &str, detail: &str, at: &At<'_>) {
    if list(rule, field).len() > 1 && texts(rule, field).any(|t| t == "*") {
        errors.invalid(&at.child(field), get(rule, field).unwrap_or(NOTHING), detail);
    }
}

/// upstream: validateResources
fn resources(errors: &mut Errors, rule: &Value, at: &At<'_>) {
    let all: Vec<&str> = texts(rule, "resources").collect();
    if all.is_empty() {
        errors.required(at, "");
    }
    let (mut whole, mut everywhere) = (BTreeSet::new(), BTreeSet::new());
    // Upstream keeps only what the last plain resource says.
    let mut plain = false;
    for (i, name) in all.iter().enumerate() {
        if name.is_empty() {
            errors.required(&at.index(i), "");
            continue;
        }
        let Some((resource, sub)) = name.split_once('/') else {
            plain = *name != "*";
            continue;
        };
        if whole.contains(resource) {
            errors.invalid(&at.index(i), *name, &format!("if '{resource}/*' is present, must not specify {name}"));
        }
        if everywhere.contains(sub) {
            errors.invalid(&at.index(i), *name, &format!("if '*/{sub}' is present, must not specify {name}"));
        }
        if sub == "*" {
            whole.insert(resource);
        }
        if resource == "*" {
            everywhere.insert(sub);
        }
    }
    let shown = get(rule, "resources").unwrap_or(NOTHING);
    if all.len() > 1 && all.contains(&"*/*") {
        errors.invalid(at, shown, "if '*/*' is present, must not specify other resources");
    }
    if all.contains(&"*") && plain {
        errors.invalid(at, shown, "if '*' is present, must not specify other resources without subresources");
    }
}

/// What keeps an expression from compiling.
fn refuse(errors: &mut Errors, expression: &str, refusal: Option<String>, at: &At<'_>) {
    if let Some(refusal) = refusal {
        uncompiled(errors, expression, &refusal, at);
    }
}

/// upstream: convertCELErrorToValidationError
pub(super) fn uncompiled(errors: &mut Errors, expression: &str, refusal: &str, at: &At<'_>) {
    if refusal.starts_with(expressions::UNPLANNABLE) {
        errors.add("InternalError", at, format!("Internal error: {refusal}"));
    } else {
        errors.invalid(at, expression, refusal);
    }
}

/// upstream: validateMatchConditions
fn match_conditions(errors: &mut Errors, owner: &Value, params: bool, at: &At<'_>) {
    let conditions = list(owner, "matchConditions");
    if conditions.len() > 64 {
        errors.too_many(at, conditions.len(), 64);
    }
    let mut seen = BTreeSet::new();
    for (i, condition) in conditions.iter().enumerate() {
        let at = at.index(i);
        let expression = text(condition, "expression").trim();
        if expression.is_empty() {
            errors.required(&at.child("expression"), "");
        } else {
            refuse(errors, expression, expressions::condition(expression, params), &at.child("expression"));
        }
        let name = text(condition, "name");
        if name.is_empty() {
            errors.required(&at.child("name"), "");
            continue;
        }
        errors.invalid_each(&at.child("name"), name, names::qualified_name(name));
        if !seen.insert(name) {
            errors.duplicate(&at.child("name"), name);
        }
    }
}

/// What both kinds of policy share, up to their variables; gives what the expressions to come may name.
fn policy_start(errors: &mut Errors, spec: &Value, mutating: bool, options: &Options) -> Scope {
    let path = At::new("spec");
    if get(spec, "failurePolicy").is_none() {
        errors.required(&path.child("failurePolicy"), "");
    }
    one_of(errors, spec, "failurePolicy", &["Fail", "Ignore"], &path);
    if let Some(kind) = get(spec, "paramKind") {
        param_kind(errors, kind, &path.child("paramKind"));
    }
    let at = path.child("matchConstraints");
    match get(spec, "matchConstraints") {
        None => errors.required(&at, ""),
        Some(constraints) => {
            match_resources(errors, constraints, &at);
            if list(constraints, "resourceRules").is_empty() {
                errors.required(&at.child("resourceRules"), "");
            }
            if mutating {
                mutating_operations(errors, constraints, &at);
            }
        }
    }
    if !options.any_condition {
        match_conditions(errors, spec, get(spec, "paramKind").is_some(), &path.child("matchConditions"));
    }
    let variables = list(spec, "variables");
    let mut scope = Scope::new(get(spec, "paramKind").is_some(), mutating || !variables.is_empty());
    for (i, variable) in variables.iter().enumerate() {
        let at = path.item("variables", i);
        let name = text(variable, "name");
        if name.trim().is_empty() {
            errors.required(&at.child("name"), "name is not specified");
        } else if !is_cel_identifier(name) {
            errors.invalid(&at.child("name"), name, "must be a valid CEL identifier");
        }
        let expression = text(variable, "expression");
        if expression.trim().is_empty() {
            errors.required(&at.child("expression"), "expression is not specified");
        } else {
            refuse(errors, expression, scope.variable(name, expression), &at.child("expression"));
        }
    }
    scope
}

fn mutating_operations(errors: &mut Errors, resources: &Value, at: &At<'_>) {
    for rule in list(resources, "resourceRules") {
        for operation in texts(rule, "operations").filter(|o| !MUTATING_OPERATIONS.contains(o)) {
            errors.unsupported(&at.child("resourceRules.operations"), operation, MUTATING_OPERATIONS);
        }
    }
}

/// upstream: validateValidatingAdmissionPolicySpec
fn validating_policy(errors: &mut Errors, object: &Value, spec: &Value, options: &Options) {
    let scope = policy_start(errors, spec, false, options);
    let path = At::new("spec");
    let (validations, annotations) = (list(spec, "validations"), list(spec, "auditAnnotations"));
    let annotations_at = path.child("auditAnnotations");
    if validations.is_empty() && annotations.is_empty() {
        let detail = "validations or auditAnnotations must contain at least one item";
        errors.required(&path.child("validations"), detail);
        return errors.required(&annotations_at, detail);
    }
    for (i, validation) in validations.iter().enumerate() {
        one_validation(errors, validation, &scope, &path.item("validations", i));
    }
    if annotations.len() > 20 {
        let ty = "[]admissionregistration.AuditAnnotation";
        let shown = update::shown_as(ty, get(spec, "auditAnnotations"));
        errors.invalid(&annotations_at, shown, "must not have more than 20 auditAnnotations");
    }
    let owner = get(object, "metadata").map_or("", |m| text(m, "name"));
    let mut keys = BTreeSet::new();
    for (i, annotation) in annotations.iter().enumerate() {
        let at = annotations_at.index(i);
        let key = text(annotation, "key");
        if owner.is_empty() {
            errors.invalid(&at.child("key"), key, "requires metadata.name be non-empty");
        } else {
            let full = format!("{owner}/{key}");
            errors.invalid_each(&at.child("key"), &full, names::qualified_name(&full));
        }
        let expression = text(annotation, "valueExpression").trim();
        if expression.is_empty() {
            errors.required(&at.child("valueExpression"), "valueExpression is not specified");
        } else if expression.len() > 5 * 1024 {
            errors.required(&at.child("valueExpression"), "must not exceed 5120 bytes in length");
        } else {
            // Upstream shows what was given, and compiles it trimmed.
            refuse(errors, text(annotation, "valueExpression"), scope.annotation(expression), &at.child("valueExpression"));
        }
        if !keys.insert(key) {
            errors.duplicate(&at.child("key"), key);
        }
    }
}

/// upstream: validateValidation
fn one_validation(errors: &mut Errors, validation: &Value, scope: &Scope, at: &At<'_>) {
    let expression = text(validation, "expression");
    if expression.trim().is_empty() {
        errors.required(&at.child("expression"), "expression is not specified");
    } else {
        refuse(errors, expression, scope.validation(expression), &at.child("expression"));
    }
    let blank = |field: &str| !text(validation, field).is_empty() && text(validation, field).trim().is_empty();
    let dynamic = text(validation, "messageExpression");
    if blank("messageExpression") {
        errors.invalid(&at.child("messageExpression"), dynamic, "must be non-empty if specified");
    } else if !dynamic.is_empty() {
        refuse(errors, dynamic, scope.message(dynamic), &at.child("messageExpression"));
    }
    let message = text(validation, "message");
    if blank("message") {
        errors.invalid(&at.child("message"), message, "must be non-empty if specified");
    } else if message.trim().contains(['\n', '\r']) {
        errors.invalid(&at.child("message"), message, "must not contain line breaks");
    }
    one_of(errors, validation, "reason", &["Forbidden", "Invalid", "RequestEntityTooLarge"], at);
}

/// upstream: validateMutatingAdmissionPolicySpec
fn mutating_policy(errors: &mut Errors, spec: &Value, options: &Options) {
    let scope = policy_start(errors, spec, true, options);
    let path = At::new("spec");
    let mutations = list(spec, "mutations");
    if mutations.is_empty() {
        errors.required(&path.child("mutations"), "mutations must contain at least one item");
    }
    for (i, mutation) in mutations.iter().enumerate() {
        one_mutation(errors, mutation, &scope, &path.item("mutations", i));
    }
    match text(spec, "reinvocationPolicy") {
        "" => errors.required(&path.child("reinvocationPolicy"), ""),
        _ => one_of(errors, spec, "reinvocationPolicy", &["IfNeeded", "Never"], &path),
    }
}

/// upstream: validateMutation
fn one_mutation(errors: &mut Errors, mutation: &Value, scope: &Scope, at: &At<'_>) {
    let (wanted, other) = match text(mutation, "patchType") {
        "" => return errors.required(&at.child("patchType"), ""),
        "JSONPatch" => ("jsonPatch", "applyConfiguration"),
        "ApplyConfiguration" => ("applyConfiguration", "jsonPatch"),
        unknown => return errors.unsupported(&at.child("patchType"), unknown, &["ApplyConfiguration", "JSONPatch"]),
    };
    let ty = text(mutation, "patchType");
    match get(mutation, wanted) {
        None => errors.required(&at.child(wanted), &format!("must be specified when patchType is {ty}")),
        Some(patch) => {
            let (at, expression) = (at.child(wanted), text(patch, "expression").trim());
            if expression.is_empty() {
                errors.required(&at.child("expression"), "");
            } else {
                refuse(errors, expression, scope.mutation(expression, ty == "JSONPatch"), &at.child("expression"));
            }
        }
    }
    if get(mutation, other).is_some() {
        let shown = format!("{{{other}}}");
        errors.invalid(&at.child(other), &shown, &format!("must not be specified when patchType is {ty}"));
    }
}

/// upstream: validateParamKind
fn param_kind(errors: &mut Errors, kind: &Value, path: &At<'_>) {
    let at = path.child("apiVersion");
    let version = text(kind, "apiVersion");
    match version.matches('/').count() {
        _ if version.is_empty() => errors.required(&at, ""),
        _ if version == "/" => errors.invalid(&at, version, "version must be specified"),
        0 | 1 => {
            let (group, short) = version.split_once('/').unwrap_or(("", version));
            let wrong = names::dns1123_subdomain(group);
            if !group.is_empty() && !wrong.is_empty() {
                errors.invalid(&at, group, &wrong.join(","));
            }
            let wrong = names::dns1035_label(short);
            if short.is_empty() {
                errors.invalid(&at, version, "version must be specified");
            } else if !wrong.is_empty() {
                errors.invalid(&at, short, &wrong.join(","));
            }
        }
        _ => errors.invalid(&at, version, &format!("unexpected GroupVersion string: {version}")),
    }
    let (at, name) = (path.child("kind"), text(kind, "kind"));
    let wrong = names::dns1035_label(&name.to_lowercase());
    if name.is_empty() {
        errors.required(&at, "");
    } else if !wrong.is_empty() {
        errors.invalid(&at, name, &format!("may have mixed case, but should otherwise match: {}", wrong.join(",")));
    }
}

/// upstream: validateMatchResources
fn match_resources(errors: &mut Errors, resources: &Value, at: &At<'_>) {
    if get(resources, "matchPolicy").is_none() {
        errors.required(&at.child("matchPolicy"), "");
    }
    one_of(errors, resources, "matchPolicy", &["Equivalent", "Exact"], at);
    for field in ["namespaceSelector", "objectSelector"] {
        match get(resources, field) {
            None => errors.required(&at.child(field), ""),
            Some(selector) => update::selector_with(errors, selector, false, &at.child(field)),
        }
    }
    for field in ["resourceRules", "excludeResourceRules"] {
        for (i, rule) in list(resources, field).iter().enumerate() {
            let at = at.item(field, i);
            let mut seen = BTreeSet::new();
            for (j, name) in texts(rule, "resourceNames").enumerate() {
                let at = at.item("resourceNames", j);
                errors.invalid_each(&at, name, names::path_segment(name));
                if !seen.insert(name) {
                    errors.duplicate(&at, name);
                }
            }
            rule_with_operations(errors, rule, &at);
        }
    }
}

/// upstream: validateValidatingAdmissionPolicyBindingSpec, validateMutatingAdmissionPolicyBindingSpec
fn binding(errors: &mut Errors, spec: &Value, mutating: bool) {
    let path = At::new("spec");
    let name = text(spec, "policyName");
    if name.is_empty() {
        errors.required(&path.child("policyName"), "");
    } else {
        errors.invalid_each(&path.child("policyName"), name, names::dns1123_subdomain(name));
    }
    if let Some(reference) = get(spec, "paramRef") {
        param_ref(errors, reference, &path.child("paramRef"));
    }
    if let Some(resources) = get(spec, "matchResources") {
        let at = path.child("matchResources");
        match_resources(errors, resources, &at);
        if mutating {
            mutating_operations(errors, resources, &at);
        }
    }
    if !mutating {
        actions(errors, spec, &path.child("validationActions"));
    }
}

/// upstream: validateValidationActions
fn actions(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let known = ["Audit", "Deny", "Warn"];
    let mut seen = BTreeSet::new();
    for (i, action) in texts(spec, "validationActions").enumerate() {
        if !known.contains(&action) {
            errors.unsupported(&at.index(i), action, &known);
        }
        if !seen.insert(action) {
            errors.duplicate(&at.index(i), action);
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        errors.invalid(at, get(spec, "validationActions").unwrap_or(NOTHING), detail);
    }
    if seen.is_empty() {
        errors.required(at, "at least one validation action is required");
    }
}

/// upstream: validateParamRef
fn param_ref(errors: &mut Errors, reference: &Value, at: &At<'_>) {
    let both = "name and selector are mutually exclusive";
    let (name, selector) = (text(reference, "name"), get(reference, "selector"));
    if !name.is_empty() {
        errors.invalid_each(&at.child("name"), name, names::path_segment(name));
        if selector.is_some() {
            errors.forbidden(&at.child("name"), both);
        }
    }
    if let Some(selector) = selector {
        update::selector_with(errors, selector, false, &at.child("selector"));
        if !name.is_empty() {
            errors.forbidden(&at.child("selector"), both);
        }
    }
    if name.is_empty() && selector.is_none() {
        errors.required(at, "one of name or selector must be specified");
    }
    match text(reference, "parameterNotFoundAction") {
        "" => errors.required(&at.child("parameterNotFoundAction"), ""),
        _ => one_of(errors, reference, "parameterNotFoundAction", &["Deny", "Allow"], at),
    }
}

/// upstream: isCELIdentifier
pub(super) fn is_cel_identifier(name: &str) -> bool {
    const RESERVED: &[&str] = &[
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ];
    name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
        && !RESERVED.contains(&name)
}
