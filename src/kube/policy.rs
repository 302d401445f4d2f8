//! Admission policies: what validating policies say about an object.
//! upstream: apiserver pkg/admission/plugin/policy, pkg/admission/plugin/cel

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;
use serde_json::json;

use super::crd_formats;
use super::crd_schema::word;
use super::expressions::{compile_as, env};
use crate::cel::decl::Decl;
use crate::cel::library::Opaque;
use crate::cel::{CALL_LIMIT, Fail, Fields, Host, Map, Out, Program, Type, Val};

/// Longest message an expression may give.
const MESSAGE_LIMIT: usize = 5 * 1024;

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A request as policies see it.
pub struct Request<'a> {
    /// The object with its defaults.
    pub object: &'a Value,
    /// What it replaces.
    pub old: Option<&'a Value>,
    /// Its plural name.
    pub resource: &'a str,
    /// The namespace object, when there is one.
    pub namespace: Option<&'a Value>,
    /// The name of the user.
    pub user: &'a str,
}

/// What policies say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The sentence and the reason of the first denial.
    pub denied: Option<(String, String)>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Whether an object is one that policies are never asked about.
pub(super) fn is_exempt(object: &Value) -> bool {
    word(object, "apiVersion").starts_with("admissionregistration.k8s.io/")
        || matches!(word(object, "kind"), "SelfSubjectReview" | "TokenReview")
        || word(object, "kind").ends_with("AccessReview")
        || word(object, "kind") == "SelfSubjectRulesReview"
}

/// Whether a policy with a binding is asked about a request.
pub(super) fn applies(spec: &Value, binding: &Value, request: &Request<'_>) -> bool {
    let bound = binding["spec"].get("matchResources");
    matches(&spec["matchConstraints"], request) && bound.is_none_or(|m| m.is_null() || matches(m, request))
}

/// Evaluates the validating policies and bindings among `others` (in which parameters are looked up, too).
pub fn evaluate(others: &[Value], request: &Request<'_>) -> Decision {
    let mut out = Decision::default();
    let of = |kind: &'static str| others.iter().filter(move |o| o["kind"] == kind);
    for policy in of("ValidatingAdmissionPolicy") {
        if !matches(&policy["spec"]["matchConstraints"], request) {
            continue;
        }
        let name = word(&policy["metadata"], "name");
        for binding in of("ValidatingAdmissionPolicyBinding").filter(|b| word(&b["spec"], "policyName") == name) {
            if binding["spec"].get("matchResources").is_some_and(|m| !m.is_null() && !matches(m, request)) {
                continue;
            }
            let binding_name = word(&binding["metadata"], "name");
            let head = format!("ValidatingAdmissionPolicy '{name}' with binding '{binding_name}'");
            let actions = list(&binding["spec"], "validationActions");
            let acts = |action: &str| actions.iter().any(|a| a.as_str() == Some(action));
            let failures = match params(others, &policy["spec"], &binding["spec"], request) {
                Err(e) => {
                    // The binding itself does not work: only the failure policy counts.
                    if word(&policy["spec"], "failurePolicy") != "Ignore" && out.denied.is_none() {
                        out.denied = Some((format!("{head} denied request: failed to configure binding: {e}"), "Invalid".to_owned()));
                    }
                    continue;
                }
                Ok(params) => params.iter().flat_map(|p| validate(&policy["spec"], *p, request)).collect::<Vec<_>>(),
            };
            for (message, reason) in failures {
                if acts("Warn") {
                    out.warnings.push(format!("Validation failed for {head}: {message}"));
                }
                if acts("Deny") && out.denied.is_none() {
                    out.denied = Some((format!("{head} denied request: {message}"), reason));
                }
            }
        }
    }
    out
}

/// The parameters of a binding; one `None` for policies without.
pub(super) fn params<'a>(
    others: &'a [Value],
    policy: &Value,
    binding: &Value,
    request: &Request<'_>,
) -> Result<Vec<Option<&'a Value>>, String> {
    let Some(kind) = policy.get("paramKind").filter(|k| !k.is_null()) else { return Ok(vec![None]) };
    let Some(reference) = binding.get("paramRef").filter(|r| !r.is_null()) else { return Ok(vec![None]) };
    let own = word(&request.object["metadata"], "namespace");
    let namespace = match word(reference, "namespace") {
        "" => own,
        given => given,
    };
    let fits = |o: &&Value| {
        let at = match word(&o["metadata"], "namespace") {
            "" => "default",
            given => given,
        };
        o["kind"] == kind["kind"]
            && o["apiVersion"] == kind["apiVersion"]
            && (at == namespace || namespace.is_empty() || o["metadata"].get("namespace").is_none())
            && match word(reference, "name") {
                "" => selects(&reference["selector"], &o["metadata"]["labels"]),
                name => word(&o["metadata"], "name") == name,
            }
    };
    let mut found: Vec<&Value> = others.iter().filter(fits).collect();
    found.sort_by_key(|o| word(&o["metadata"], "name"));
    if found.is_empty() {
        return if word(reference, "parameterNotFoundAction") == "Allow" {
            Ok(Vec::new())
        } else {
            Err("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned())
        };
    }
    Ok(found.into_iter().map(Some).collect())
}

/// Whether a label selector selects; an absent one selects all.
fn selects(selector: &Value, labels: &Value) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let equal = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    equal.into_iter().all(|(k, v)| label(k) == v.as_str())
        && list(selector, "matchExpressions").iter().all(|e| {
            let has = label(word(e, "key"));
            let among = has.is_some_and(|v| list(e, "values").iter().any(|o| o.as_str() == Some(v)));
            match word(e, "operator") {
                "In" => among,
                "NotIn" => !among,
                "Exists" => has.is_some(),
                _ => has.is_none(),
            }
        })
}

fn matches(constraints: &Value, request: &Request<'_>) -> bool {
    let (group, version) = word(request.object, "apiVersion").split_once('/').unwrap_or(("", word(request.object, "apiVersion")));
    let none = Value::Null;
    let is_namespace = request.object["kind"] == "Namespace";
    let namespace_labels =
        if is_namespace { &request.object["metadata"]["labels"] } else { request.namespace.map_or(&none, |n| &n["metadata"]["labels"]) };
    let mut namespace_labels = namespace_labels.clone();
    if let Some(namespace) = request.namespace {
        if !namespace_labels.is_object() {
            namespace_labels = json!({});
        }
        namespace_labels["kubernetes.io/metadata.name"] = namespace["metadata"]["name"].clone();
    }
    if (request.namespace.is_some() || is_namespace) && !selects(&constraints["namespaceSelector"], &namespace_labels) {
        return false;
    }
    if !selects(&constraints["objectSelector"], &request.object["metadata"]["labels"]) {
        return false;
    }
    let operation = if request.old.is_some() { "UPDATE" } else { "CREATE" };
    let rule = |rule: &Value| {
        let any = |key: &str, value: &str| list(rule, key).iter().any(|v| matches!(v.as_str(), Some(s) if s == "*" || s == value));
        let names = list(rule, "resourceNames");
        // Equivalent versions of the same resource match, too.
        let equivalent = word(constraints, "matchPolicy") != "Exact";
        any("apiGroups", group)
            && (any("apiVersions", version) || equivalent)
            && any("operations", operation)
            && any("resources", request.resource)
            && (names.is_empty() || names.iter().any(|n| *n == request.object["metadata"]["name"]))
    };
    if list(constraints, "excludeResourceRules").iter().any(rule) {
        return false;
    }
    let rules = list(constraints, "resourceRules");
    rules.is_empty() || rules.iter().any(rule)
}

/// The variables of a policy, evaluated when first asked for.
struct Variables<'p, 'a> {
    programs: &'p BTreeMap<String, Result<Program, String>>,
    base: Base<'a>,
    done: RefCell<BTreeMap<String, Out<'a>>>,
    this: RefCell<Option<std::rc::Weak<Self>>>,
}

/// The variables every expression has.
#[derive(Clone)]
struct Base<'a> {
    object: &'a Value,
    old: Option<&'a Value>,
    params: Option<&'a Value>,
    namespace: Option<&'a Value>,
    request: &'a Value,
}

impl<'a> Base<'a> {
    fn get(&self, name: &str) -> Option<Out<'a>> {
        let dynamic = Decl::dynamic();
        let or_null = |v: Option<&'a Value>| Some(v.map_or(Ok(Val::Null), |v| Val::of(v, dynamic)));
        match name {
            "object" => Some(Val::of(self.object, dynamic)),
            "oldObject" => or_null(self.old),
            "params" => or_null(self.params),
            "namespaceObject" => or_null(self.namespace),
            "request" => Some(Val::of(self.request, dynamic)),
            "authorizer" => Some(Ok(Val::Opaque(Rc::new(Opaque::Authorization("kubernetes.authorization.Authorizer"))))),
            "authorizer.requestResource" => Some(Ok(Val::Opaque(Rc::new(Opaque::Authorization("kubernetes.authorization.ResourceCheck"))))),
            _ => None,
        }
    }
}

impl<'a> Fields<'a> for Variables<'_, 'a> {
    fn get(&self, name: &str) -> Option<Out<'a>> {
        if let Some(done) = self.done.borrow().get(name) {
            return Some(done.clone());
        }
        let program = self.programs.get(name)?;
        let wrap = |e: &str| Fail::new(format!("composited variable {} fails to evaluate: {e}", super::decode::quote(name)));
        let out = match program {
            Err(e) => Err(wrap(e)),
            Ok(program) => self.run(program).map_err(|e| wrap(e.text())),
        };
        self.done.borrow_mut().insert(name.to_owned(), out.clone());
        Some(out)
    }
}

impl<'p, 'a> Variables<'p, 'a>
where
    'p: 'a,
{
    fn value(&self) -> Option<Out<'a>> {
        let this = self.this.borrow().as_ref()?.upgrade()?;
        Some(Ok(Val::Map(Map::Lazy(this))))
    }
}

impl<'a> Variables<'_, 'a> {
    fn run(&self, program: &Program) -> Out<'a> {
        let variable = |name: &str| match name {
            "variables" => Some(Ok(Val::map(self.finished()))),
            other => self.base.get(other),
        };
        let host = Host { variable: &variable, format: &crd_formats::named, limit: CALL_LIMIT };
        program.run(&host).0
    }

    /// All variables that evaluate, for variables that name others.
    fn finished(&self) -> Vec<(Val<'a>, Val<'a>)> {
        let names: Vec<String> = self.programs.keys().cloned().collect();
        let mut out = Vec::new();
        for name in names {
            let done = self.done.borrow().get(&name).cloned();
            if let Some(Ok(value)) = done {
                out.push((Val::text(name), value));
            }
        }
        out
    }
}

/// The request as expressions see it.
fn asked(request: &Request<'_>) -> Value {
    let object = request.object;
    let (group, version) = word(object, "apiVersion").split_once('/').unwrap_or(("", word(object, "apiVersion")));
    let kind = json!({"group": group, "version": version, "kind": object["kind"]});
    let resource = json!({"group": group, "version": version, "resource": request.resource});
    json!({
        "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
        "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
        "operation": if request.old.is_some() { "UPDATE" } else { "CREATE" },
        "userInfo": {"username": request.user, "groups": ["system:masters", "system:authenticated"]},
        "dryRun": true,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    })
}

fn has_params(spec: &Value) -> bool {
    spec.get("paramKind").is_some_and(|p| !p.is_null())
}

fn resulted(text: &str, e: &str) -> String {
    format!("expression '{text}' resulted in error: {e}")
}

/// Whether the match conditions of a policy hold; the error is the first one's that cannot be evaluated, unless another
/// says no.
pub(super) fn conditions(spec: &Value, params: Option<&Value>, request: &Request<'_>) -> Result<bool, String> {
    let asked = asked(request);
    let plain = env(has_params(spec), true, false, None);
    let base = Base { object: request.object, old: request.old, params, namespace: None, request: &asked };
    let mut first = None;
    for condition in list(spec, "matchConditions") {
        let text = word(condition, "expression").trim();
        let variable = |name: &str| base.get(name);
        let host = Host { variable: &variable, format: &crd_formats::named, limit: CALL_LIMIT };
        match compile_as(text, &plain, &[Type::Bool]).map_err(Fail::new).and_then(|p| p.run(&host).0) {
            Ok(Val::Bool(true)) => {}
            Ok(_) => return Ok(false),
            Err(e) => drop(first.get_or_insert_with(|| resulted(text, e.text()))),
        }
    }
    first.map_or(Ok(true), Err)
}

/// Evaluates an expression, which must be of one of the types, to JSON.
type Evaluate<'e> = &'e dyn Fn(&str, &[Type]) -> Result<Value, Fail>;

/// Runs `body` with what evaluates the expressions of a policy with its variables; `mutation` ones may make objects.
fn with_variables<R>(
    spec: &Value,
    params: Option<&Value>,
    request: &Request<'_>,
    mutation: bool,
    body: impl FnOnce(Evaluate<'_>) -> R,
) -> R {
    let asked = asked(request);
    let has_params = has_params(spec);
    let base = Base { object: request.object, old: request.old, params, namespace: request.namespace, request: &asked };
    let mut known: BTreeMap<String, Type> = BTreeMap::new();
    let mut programs: BTreeMap<String, Result<Program, String>> = BTreeMap::new();
    let mut order = Vec::new();
    for variable in list(spec, "variables") {
        let name = word(variable, "name").to_owned();
        let program = compile_as(word(variable, "expression"), &env(has_params, true, false, Some(&known)), &[]);
        known.insert(name.clone(), program.as_ref().map_or(Type::Dyn, |p| p.result.clone()));
        programs.insert(name.clone(), program);
        order.push(name);
    }
    let composed = env(has_params, true, mutation, Some(&known));
    let variables =
        Rc::new(Variables { programs: &programs, base: base.clone(), done: RefCell::new(BTreeMap::new()), this: RefCell::new(None) });
    *variables.this.borrow_mut() = Some(Rc::downgrade(&variables));
    let evaluate = |text: &str, allowed: &[Type]| {
        if text.contains("variables") {
            // Variables are evaluated in their order, so that later ones see earlier ones; errors stay with their names.
            for name in &order {
                let _ = Fields::get(&*variables, name);
            }
        }
        let variable = |name: &str| match name {
            "variables" => variables.value(),
            other => base.get(other),
        };
        let host = Host { variable: &variable, format: &crd_formats::named, limit: CALL_LIMIT };
        let program = compile_as(text, &composed, allowed).map_err(Fail::new)?;
        program.run(&host).0.map(|value| value.to_json())
    };
    body(&evaluate)
}

/// What the expression of a mutation gives: a list of operations, or a configuration to apply.
pub(super) fn mutation(spec: &Value, params: Option<&Value>, request: &Request<'_>, text: &str, patch: bool) -> Result<Value, String> {
    let wanted = if patch { Type::list(Type::object("JSONPatch")) } else { Type::object("Object") };
    with_variables(spec, params, request, true, |evaluate| evaluate(text, &[wanted])).map_err(|e| e.text().to_owned())
}

/// The failures of a policy with one parameter: message and reason.
fn validate(spec: &Value, params: Option<&Value>, request: &Request<'_>) -> Vec<(String, String)> {
    let ignore = word(spec, "failurePolicy") == "Ignore";
    match conditions(spec, params, request) {
        Ok(true) => {}
        Ok(false) => return Vec::new(),
        Err(_) if ignore => return Vec::new(),
        Err(why) => return vec![(why, "Invalid".to_owned())],
    }
    with_variables(spec, params, request, false, |evaluate| {
        list(spec, "validations").iter().filter_map(|validation| one_validation(validation, ignore, evaluate)).collect()
    })
}

/// What a validation that does not hold says, with its reason.
fn one_validation(validation: &Value, ignore: bool, evaluate: Evaluate<'_>) -> Option<(String, String)> {
    let text = word(validation, "expression");
    match evaluate(text, &[Type::Bool]) {
        Ok(Value::Bool(true)) => None,
        Ok(_) => {
            let message = word(validation, "messageExpression");
            let given = if message.trim().is_empty() { None } else { evaluate(message, &[Type::Str]).ok() };
            let given = given.and_then(|v| v.as_str().map(|s| s.trim().to_owned()));
            let given = given.filter(|m| !m.is_empty() && !m.contains('\n') && m.len() <= MESSAGE_LIMIT);
            let message = given.unwrap_or_else(|| match word(validation, "message").trim() {
                "" => format!("failed expression: {}", text.trim()),
                stated => stated.to_owned(),
            });
            let reason = match word(validation, "reason") {
                "" => "Invalid",
                stated => stated,
            };
            Some((message, reason.to_owned()))
        }
        Err(_) if ignore => None,
        Err(e) => Some((resulted(text, e.text()), "Invalid".to_owned())),
    }
}

/// The plural name of a kind's resource.
pub fn resource_of(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_bytes() {
        _ if kind == "Endpoints" => lower,
        [.., b's' | b'x'] => format!("{lower}es"),
        [.., v, b'y'] if !b"aeiou".contains(v) => format!("{}ies", &lower[..lower.len() - 1]),
        _ => format!("{lower}s"),
    }
}

/// The HTTP status of a reason.
pub fn status_of(reason: &str) -> u16 {
    match reason {
        "Unauthorized" => 401,
        "Forbidden" => 403,
        "RequestEntityTooLarge" => 413,
        "InternalError" => 500,
        _ => 422,
    }
}
