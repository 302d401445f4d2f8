//! Go templates over objects, as `-o go-template` runs them. upstream: cli-runtime/pkg/printers.GoTemplatePrinter

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::gotmpl::{self, Function, Host, MissingKey, Out, Runtime, Scope, Signature};
use crate::source::MemoryWorld;
use crate::value::{GoType, Str, Value};

/// The functions kubectl adds.
const FUNCTIONS: &[Function] = &[Function {
    name: "base64decode",
    params: &[GoType::String],
    variadic: false,
    result: GoType::String,
    call: |_, args| {
        let given = args.first().map(|v| crate::value::sprint(std::slice::from_ref(v))).transpose().map_err(|e| e.0)?.unwrap_or_default();
        let bytes = data_encoding::BASE64.decode(&given).map_err(|e| format!("base64 decode failed: {e}"))?;
        Ok(Value::from(Str::from(bytes.as_slice())))
    },
}];

struct Nothing;

impl Host for Nothing {
    fn signature(&self, _name: &str) -> Option<Signature> {
        None
    }

    fn call(&self, _runtime: &mut Runtime<'_>, name: &str, _args: &[Value]) -> gotmpl::Result<Value> {
        Err(gotmpl::ExecError::plain(format!("no function {name}")))
    }
}

/// Runs a template over a value.
pub(super) fn execute(text: &Arc<[u8]>, dot: Value) -> Result<String, String> {
    let functions: FxHashMap<&str, &Function> = FUNCTIONS.iter().map(|f| (f.name, f)).collect();
    let known = |name: &[u8]| FUNCTIONS.iter().any(|f| f.name.as_bytes() == name);
    let trees = gotmpl::parse(&Str::from("output"), text, None, &known).map_err(|e| e.message)?;
    let scope = Rc::new(Scope::default());
    trees.iter().for_each(|tree| scope.add_always(tree));
    let world = MemoryWorld::default();
    let mut runtime = Runtime {
        host: &Nothing,
        functions: &functions,
        missing: MissingKey::Invalid,
        scope,
        world: &world,
        random: Box::new(|bytes| bytes.fill(0)),
        steps: 10_000_000,
        max_output: 64 << 20,
        tracer: None,
        depth: 0,
    };
    let mut out = Out::default();
    runtime.execute(b"output", "output", &dot, &mut out).map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&out.text).into_owned())
}
