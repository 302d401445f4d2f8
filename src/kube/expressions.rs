//! The expressions of admission policies, webhooks and device selectors: what they may name, and whether they compile.
//! upstream: apiserver pkg/admission/plugin/cel/compile.go, dynamic-resource-allocation/cel/compile.go

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::LazyLock;

use serde_json::Value;

use crate::cel::decl::{Decl, DeclField, DeclKind};
use crate::cel::library::{Opaque, parse_semver};
use crate::cel::{Env, Fields, Host, Map, Out, Program, Type, Val, compile};

/// What an expression of a device selector may cost.
const SELECTOR_LIMIT: u64 = 1_000_000;

/// The environment of an expression.
pub(crate) fn env(params: bool, authorizer: bool, mutation: bool, variables: Option<&BTreeMap<String, Type>>) -> Env {
    let text_map = || Type::map(Type::Str, Type::Str);
    let mut env = Env { constructs: mutation, ..Env::default() };
    let object = |env: &mut Env, name: &str, fields: &[(&str, Type)]| {
        env.object(name, fields.iter().map(|(n, t)| ((*n).to_owned(), t.clone())));
    };
    let strings = || Type::list(Type::Str);
    object(&mut env, "kubernetes.GroupVersionKind", &[("group", Type::Str), ("version", Type::Str), ("kind", Type::Str)]);
    object(&mut env, "kubernetes.GroupVersionResource", &[("group", Type::Str), ("version", Type::Str), ("resource", Type::Str)]);
    let extra = Type::map(Type::Str, strings());
    object(&mut env, "kubernetes.UserInfo", &[("username", Type::Str), ("uid", Type::Str), ("groups", strings()), ("extra", extra)]);
    let (gvk, gvr) = (Type::object("kubernetes.GroupVersionKind"), Type::object("kubernetes.GroupVersionResource"));
    object(
        &mut env,
        "kubernetes.AdmissionRequest",
        &[
            ("kind", gvk.clone()),
            ("resource", gvr.clone()),
            ("subResource", Type::Str),
            ("requestKind", gvk),
            ("requestResource", gvr),
            ("requestSubResource", Type::Str),
            ("name", Type::Str),
            ("namespace", Type::Str),
            ("operation", Type::Str),
            ("userInfo", Type::object("kubernetes.UserInfo")),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    );
    object(
        &mut env,
        "kubernetes.NamespaceMetadata",
        &[
            ("name", Type::Str),
            ("generateName", Type::Str),
            ("namespace", Type::Str),
            ("labels", text_map()),
            ("annotations", text_map()),
            ("UID", Type::Str),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::Str),
            ("finalizers", strings()),
        ],
    );
    object(&mut env, "kubernetes.NamespaceSpec", &[("finalizers", strings())]);
    object(&mut env, "kubernetes.NamespaceStatus", &[("phase", Type::Str)]);
    object(
        &mut env,
        "kubernetes.Namespace",
        &[
            ("metadata", Type::object("kubernetes.NamespaceMetadata")),
            ("spec", Type::object("kubernetes.NamespaceSpec")),
            ("status", Type::object("kubernetes.NamespaceStatus")),
        ],
    );
    let mut env = env
        .with("object", Type::Dyn)
        .with("oldObject", Type::Dyn)
        .with("namespaceObject", Type::object("kubernetes.Namespace"))
        .with("request", Type::object("kubernetes.AdmissionRequest"));
    if params {
        env = env.with("params", Type::Dyn);
    }
    if authorizer {
        env = env
            .with("authorizer", Type::object("kubernetes.authorization.Authorizer"))
            .with("authorizer.requestResource", Type::object("kubernetes.authorization.ResourceCheck"));
    }
    if mutation {
        let patch = [("op", Type::Str), ("path", Type::Str), ("from", Type::Str), ("value", Type::Dyn)];
        env.object("JSONPatch", patch.into_iter().map(|(n, t)| (n.to_owned(), t)));
    }
    if let Some(variables) = variables {
        env.object("kubernetes.variables", variables.clone());
        env = env.with("variables", Type::object("kubernetes.variables"));
    }
    env
}

/// A type as this part of the server prints it.
fn type_text(t: &Type) -> String {
    match t {
        Type::Null => "null_type".to_owned(),
        Type::Timestamp | Type::Duration => t.runtime_name().to_owned(),
        Type::List(item) => format!("list({})", type_text(item)),
        Type::Map(key, value) => format!("map({}, {})", type_text(key), type_text(value)),
        other => other.to_string(),
    }
}

/// How an error of the server's own kind starts, which is no invalid value.
pub(crate) const UNPLANNABLE: &str = "program instantiation failed: ";

fn planned(program: Program) -> Result<Program, String> {
    match program.unplannable() {
        None => Ok(program),
        Some(e) => Err(format!("{UNPLANNABLE}{e}")),
    }
}

/// Compiles an expression that must be of one of the types; the error is the server's.
pub(crate) fn compile_as(text: &str, env: &Env, allowed: &[Type]) -> Result<Program, String> {
    let program = compile(text, env).map_err(|e| format!("compilation failed: {e}"))?;
    if allowed.is_empty() || allowed.contains(&program.result) {
        return planned(program);
    }
    let got = type_text(&program.result);
    Err(match allowed {
        [one] => format!("must evaluate to {} but got {got}", type_text(one)),
        many => {
            let names: Vec<String> = many.iter().map(type_text).collect();
            format!("must evaluate to one of [{}] but got {got}", names.join(" "))
        }
    })
}

/// What the expressions of one policy have in common; it learns the variables one by one.
pub(crate) struct Scope {
    params: bool,
    known: Option<BTreeMap<String, Type>>,
}

impl Scope {
    /// Of a policy with or without parameters. Validating policies without variables have no `variables` either.
    pub(crate) fn new(params: bool, composed: bool) -> Self {
        Self { params, known: composed.then(BTreeMap::new) }
    }

    fn refusal(&self, text: &str, authorizer: bool, mutation: bool, allowed: &[Type]) -> Option<String> {
        compile_as(text, &env(self.params, authorizer, mutation, self.known.as_ref()), allowed).err()
    }

    /// Why a variable does not compile; it can be named from now on either way.
    pub(crate) fn variable(&mut self, name: &str, text: &str) -> Option<String> {
        let made = compile_as(text, &env(self.params, true, false, self.known.as_ref()), &[]);
        let known = self.known.get_or_insert_default();
        known.insert(name.to_owned(), made.as_ref().map_or(Type::Dyn, |p| p.result.clone()));
        made.err()
    }

    /// Why a validation does not compile.
    pub(crate) fn validation(&self, text: &str) -> Option<String> {
        self.refusal(text, true, false, &[Type::Bool])
    }

    /// Why the expression of a message does not compile.
    pub(crate) fn message(&self, text: &str) -> Option<String> {
        self.refusal(text, false, false, &[Type::Str])
    }

    /// Why the expression of an audit annotation does not compile.
    pub(crate) fn annotation(&self, text: &str) -> Option<String> {
        self.refusal(text, true, false, &[Type::Str, Type::Null])
    }

    /// Why a mutation does not compile: an apply configuration, or a JSON patch.
    pub(crate) fn mutation(&self, text: &str, patch: bool) -> Option<String> {
        let wanted = if patch { Type::list(Type::object("JSONPatch")) } else { Type::object("Object") };
        self.refusal(text, true, true, &[wanted])
    }
}

/// Why a match condition does not compile.
pub(crate) fn condition(text: &str, params: bool) -> Option<String> {
    compile_as(text, &env(params, true, false, None), &[Type::Bool]).err()
}

/// What is wrong with the expression of a device selector.
pub(crate) enum Selector {
    /// It does not compile.
    Broken(String),
    /// It may cost too much.
    Expensive,
}

static DEVICE: LazyLock<Decl> = LazyLock::new(|| {
    let sized = |kind: DeclKind, max: u64| Arc::new(Decl { max: Some(max), nullable: false, ..Decl::new(kind) });
    let both = |value: Arc<Decl>| sized(DeclKind::Map(sized(DeclKind::Map(value), 32)), 32);
    let field = |name: &str, decl: Arc<Decl>| (name.to_owned(), DeclField { json: name.to_owned(), decl });
    let fields = [
        field("driver", sized(DeclKind::Str, 63)),
        field("allowMultipleAllocations", sized(DeclKind::Bool, 1)),
        field("attributes", both(sized(DeclKind::Dynamic, 64))),
        field("capacity", both(Arc::new(Decl::new(DeclKind::Preserved)))),
    ];
    Decl::new(DeclKind::Object(fields.into_iter().collect()))
});

/// Compiles the expression of a device selector; the error is the server's.
fn compile_selector(text: &str) -> Result<Program, String> {
    let mut env = Env { binds: true, ..Env::default() };
    let quantity = Type::object("kubernetes.Quantity");
    let both = |value: Type| Type::map(Type::Str, Type::map(Type::Str, value));
    let fields =
        [("driver", Type::Str), ("allowMultipleAllocations", Type::Bool), ("attributes", both(Type::Dyn)), ("capacity", both(quantity))];
    env.object("kubernetes.DRADevice", fields.into_iter().map(|(n, t)| (n.to_owned(), t)));
    let env = env.with("device", Type::object("kubernetes.DRADevice"));
    let program = compile(text, &env).map_err(|e| format!("compilation failed: {e}"))?;
    if !matches!(program.result, Type::Bool | Type::Dyn) {
        return Err(format!("must evaluate to bool or the unknown type, not {}", type_text(&program.result)));
    }
    planned(program)
}

/// What is wrong with the expression of a device selector, if anything.
pub(crate) fn selector(text: &str) -> Option<Selector> {
    let program = match compile_selector(text) {
        Ok(program) => program,
        Err(e) => return Some(Selector::Broken(e)),
    };
    let cost = program.estimate(&|name| (name == "device").then_some(&*DEVICE)).max;
    (cost > SELECTOR_LIMIT).then_some(Selector::Expensive)
}

/// The expression of a device selector, ready to be asked about devices.
#[derive(Clone, Debug)]
pub(crate) struct DeviceProgram(Program);

/// Compiles the expression of a device selector.
pub(crate) fn device_program(text: &str) -> Result<DeviceProgram, String> {
    compile_selector(text).map(DeviceProgram)
}

/// Attributes or capacities by domain: a domain that is not there is an empty map.
struct Domains<'a>(BTreeMap<String, Vec<(Val<'a>, Val<'a>)>>);

impl<'a> Fields<'a> for Domains<'a> {
    fn get(&self, name: &str) -> Option<Out<'a>> {
        Some(Ok(Val::map(self.0.get(name).cloned().unwrap_or_default())))
    }
}

/// A device as a selector sees it.
struct Seen<'a> {
    driver: &'a str,
    shared: bool,
    attributes: Rc<Domains<'a>>,
    capacity: Rc<Domains<'a>>,
}

impl<'a> Fields<'a> for Seen<'a> {
    fn get(&self, name: &str) -> Option<Out<'a>> {
        Some(Ok(match name {
            "driver" => Val::text(self.driver),
            "allowMultipleAllocations" => Val::Bool(self.shared),
            "attributes" => Val::Map(Map::Lazy(Rc::clone(&self.attributes) as Rc<dyn Fields<'a> + 'a>)),
            "capacity" => Val::Map(Map::Lazy(Rc::clone(&self.capacity) as Rc<dyn Fields<'a> + 'a>)),
            _ => return None,
        }))
    }
}

fn domains<'a>(
    driver: &str,
    all: &'a BTreeMap<String, Value>,
    read: impl Fn(&str, &'a Value) -> Result<Val<'a>, String>,
) -> Result<Rc<Domains<'a>>, String> {
    let mut out: BTreeMap<String, Vec<(Val<'a>, Val<'a>)>> = BTreeMap::new();
    for (name, value) in all {
        let (domain, id) = name.split_once('/').unwrap_or((driver, name));
        out.entry(domain.to_owned()).or_default().push((Val::text(id), read(name, value)?));
    }
    Ok(Rc::new(Domains(out)))
}

impl DeviceProgram {
    /// Whether a device of a driver matches; its attributes and capacities are as a ResourceSlice has them.
    /// upstream: dynamic-resource-allocation/cel/compile.go DeviceMatches
    pub(crate) fn matches(
        &self,
        driver: &str,
        shared: bool,
        attributes: &BTreeMap<String, Value>,
        capacity: &BTreeMap<String, Value>,
    ) -> Result<bool, String> {
        let attribute = |name: &str, value: &Value| {
            let get = |kind: &str| value.get(kind).filter(|v| !v.is_null());
            let number = |v: &Value| v.as_i64().or_else(|| v.as_str()?.parse().ok());
            if let Some(i) = get("int").and_then(number) {
                return Ok(Val::Int(i));
            }
            if let Some(b) = get("bool").and_then(Value::as_bool) {
                return Ok(Val::Bool(b));
            }
            if let Some(s) = get("string").and_then(Value::as_str) {
                return Ok(Val::text(s));
            }
            let version = get("version").and_then(Value::as_str);
            let version = version.ok_or_else(|| format!("attribute {name}: unsupported attribute value"))?;
            let version = parse_semver(version).map_err(|e| format!("attribute {name}: parse semantic version: {e}"))?;
            Ok(Val::Opaque(Rc::new(Opaque::Semver(version))))
        };
        let amount = |_: &str, value: &Value| {
            let text = match value.get("value") {
                Some(Value::String(s)) => s.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            Ok(Val::Opaque(Rc::new(Opaque::Quantity(super::quantity::parse(&text).unwrap_or_default()))))
        };
        let (attributes, capacity) = (domains(driver, attributes, attribute)?, domains(driver, capacity, amount)?);
        let seen = Rc::new(Seen { driver, shared, attributes, capacity });
        let variable = |name: &str| (name == "device").then(|| Ok(Val::Map(Map::Lazy(Rc::clone(&seen) as Rc<dyn Fields<'_>>))));
        let host = Host { variable: &variable, format: &super::crd_formats::named, limit: SELECTOR_LIMIT };
        match self.0.run(&host).0.map_err(|e| e.text().to_owned())? {
            Val::Bool(matches) => Ok(matches),
            other => Err(format!("CEL result of type {} could not be converted to bool", other.type_name())),
        }
    }
}
