//! The expressions of admission policies, webhooks and device selectors: what they may name, and whether they compile.
//! upstream: apiserver pkg/admission/plugin/cel/compile.go, dynamic-resource-allocation/cel/compile.go

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;

use crate::cel::decl::{Decl, DeclField, DeclKind};
use crate::cel::{Env, Program, Type, compile};

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

/// Compiles an expression that must be of one of the types; the error is the server's.
pub(crate) fn compile_as(text: &str, env: &Env, allowed: &[Type]) -> Result<Program, String> {
    let program = compile(text, env).map_err(|e| format!("compilation failed: {e}"))?;
    if allowed.is_empty() || allowed.contains(&program.result) {
        return Ok(program);
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

/// What is wrong with the expression of a device selector, if anything.
pub(crate) fn selector(text: &str) -> Option<Selector> {
    let mut env = Env::default();
    let quantity = Type::Opaque("kubernetes.Quantity".into(), Vec::new());
    let both = |value: Type| Type::map(Type::Str, Type::map(Type::Str, value));
    let fields =
        [("driver", Type::Str), ("allowMultipleAllocations", Type::Bool), ("attributes", both(Type::Dyn)), ("capacity", both(quantity))];
    env.object("kubernetes.DRADevice", fields.into_iter().map(|(n, t)| (n.to_owned(), t)));
    let env = env.with("device", Type::object("kubernetes.DRADevice"));
    let program = match compile(text, &env) {
        Ok(program) => program,
        Err(e) => return Some(Selector::Broken(format!("compilation failed: {e}"))),
    };
    if !matches!(program.result, Type::Bool | Type::Dyn) {
        let got = type_text(&program.result);
        return Some(Selector::Broken(format!("must evaluate to bool or the unknown type, not {got}")));
    }
    let cost = program.estimate(&|name| (name == "device").then_some(&*DEVICE)).max;
    (cost > SELECTOR_LIMIT).then_some(Selector::Expensive)
}
