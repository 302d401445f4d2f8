//! What an expression may name: functions, variables and types with fields.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::LazyLock;

use super::types::Type;

/// One overload of a function.
#[derive(Clone, Debug)]
pub struct Overload {
    /// Its id, such as `add_int64`.
    pub id: &'static str,
    /// Whether it is called on a receiver.
    pub member: bool,
    /// Types of the arguments, the receiver first.
    pub args: Vec<Type>,
    /// Type of the result.
    pub result: Type,
    /// The names of its type parameters.
    pub params: Vec<Arc<str>>,
}

/// The functions of Kubernetes' base environment (1.36), one overload a line:
/// kind, function, id, argument types, result type.
static DECLARATIONS: &str = include_str!("declarations.txt");

static FUNCTIONS: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut functions: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for line in DECLARATIONS.lines() {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or("");
        let (kind, name, id, args, result) = (cell(), cell(), cell(), cell(), cell());
        let args: Vec<Type> = args.split(';').filter(|a| !a.is_empty()).map(Type::parse).collect();
        let result = Type::parse(result);
        let mut params = Vec::new();
        for t in args.iter().chain([&result]) {
            type_params(t, &mut params);
        }
        functions.entry(name).or_default().push(Overload { id, member: kind == "M", args, result, params });
    }
    functions
});

fn type_params(t: &Type, out: &mut Vec<Arc<str>>) {
    match t {
        Type::Param(name) if !out.contains(name) => out.push(Arc::clone(name)),
        Type::List(item) => type_params(item, out),
        Type::Map(key, value) => {
            type_params(key, out);
            type_params(value, out);
        }
        Type::Type(Some(of)) => type_params(of, out),
        Type::Opaque(_, params) => params.iter().for_each(|p| type_params(p, out)),
        _ => {}
    }
}

/// The variables and object types of an expression.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Variables by name.
    pub variables: BTreeMap<String, Type>,
    /// Fields of object types by type name.
    pub objects: HashMap<String, BTreeMap<String, Type>>,
    /// Whether object types may be constructed (`Object{…}`, `JSONPatch{…}`), with their free form.
    pub constructs: bool,
    /// Whether a value can be given a name with `cel.bind`.
    pub binds: bool,
}

impl Env {
    /// With a variable.
    #[must_use]
    pub fn with(mut self, name: &str, t: Type) -> Self {
        self.variables.insert(name.to_owned(), t);
        self
    }

    /// With an object type.
    pub fn object(&mut self, name: &str, fields: impl IntoIterator<Item = (String, Type)>) {
        self.objects.insert(name.to_owned(), fields.into_iter().collect());
    }

    /// The overloads of a function.
    pub fn function(&self, name: &str) -> Option<(&'static str, &'static [Overload])> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if name == "jsonpatch.escapeKey" {
            return self.constructs.then(|| ("jsonpatch.escapeKey", std::slice::from_ref(&*ESCAPE_KEY)));
        }
        FUNCTIONS.get_key_value(name).map(|(k, v)| (*k, v.as_slice()))
    }

    /// The type of a variable or of a type's name.
    pub fn ident(&self, name: &str) -> Option<(String, Type)> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some(t) = self.variables.get(name) {
            return Some((name.to_owned(), t.clone()));
        }
        let of = |t: Type| Some((name.to_owned(), Type::Type(Some(Arc::new(t)))));
        let param = |n: &str| Type::Param(n.into());
        match name {
            "bool" => of(Type::Bool),
            "bytes" => of(Type::Bytes),
            "double" => of(Type::Double),
            "int" => of(Type::Int),
            "uint" => of(Type::Uint),
            "string" => of(Type::Str),
            "null_type" => of(Type::Null),
            "list" => of(Type::list(param("A"))),
            "map" => of(Type::map(param("A"), param("B"))),
            "type" => of(Type::Type(None)),
            "google.protobuf.Duration" => of(Type::Duration),
            "google.protobuf.Timestamp" => of(Type::Timestamp),
            _ if self.has_object(name) => of(Type::object(name)),
            _ => None,
        }
    }

    /// Whether there is such an object type.
    pub fn has_object(&self, name: &str) -> bool {
        self.objects.contains_key(name) || self.is_free(name)
    }

    /// Whether it is one of the types of mutations, which take any field: `Object`, `Object.spec`, …
    fn is_free(&self, name: &str) -> bool {
        self.constructs && (name == "Object" || name.starts_with("Object."))
    }

    /// The type of an object's field.
    pub fn field(&self, object: &str, field: &str) -> Option<Type> {
        if self.is_free(object) {
            return Some(Type::Dyn);
        }
        self.objects.get(object)?.get(field).cloned()
    }
}

static ESCAPE_KEY: LazyLock<Overload> = LazyLock::new(|| Overload {
    id: "string_jsonpatch_escapeKey_string",
    member: false,
    args: vec![Type::Str],
    result: Type::Str,
    params: Vec::new(),
});
