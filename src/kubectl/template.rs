//! Go templates over objects, as `-o go-template` runs them. upstream: cli-runtime/pkg/printers.GoTemplatePrinter

use std::rc::Rc;
use std::sync::Arc;

use crate::gotmpl::{self, Function, Functions, Host, MissingKey, Out, Places, Runtime, Scope, Seen, Signature};
use crate::source::MemoryWorld;
use crate::value::{GoType, Kind, Str, Value};

/// The functions kubectl adds.
const FUNCTIONS: &[Function] = &[
    Function {
        name: "exists",
        params: &[GoType::Any, GoType::Any],
        variadic: true,
        result: GoType::Bool,
        call: |_, args| Ok(exists(args).into()),
    },
    Function {
        name: "base64decode",
        params: &[GoType::String],
        variadic: false,
        result: GoType::String,
        call: |_, args| {
            let given =
                args.first().map(|v| crate::value::sprint(std::slice::from_ref(v))).transpose().map_err(|e| e.0)?.unwrap_or_default();
            let bytes = data_encoding::BASE64
                .decode(&given)
                .map_err(|_| format!("base64 decode failed: illegal base64 data at input byte {}", wrong_byte(&given)))?;
            Ok(Value::from(Str::from(bytes.as_slice())))
        },
    },
];

/// Where a text stops being base64. upstream: encoding/base64.CorruptInputError
fn wrong_byte(text: &[u8]) -> usize {
    let known = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    text.iter().position(|b| !known(b)).unwrap_or(text.len() / 4 * 4)
}

/// Whether there is something at the end of a way through maps and lists. upstream: cli-runtime/pkg/printers.exists
fn exists(args: &[Value]) -> bool {
    let Some((first, way)) = args.split_first() else { return false };
    let mut here = first.clone();
    for step in way {
        let next = if let (Some(map), Some(key)) = (here.as_map(), step.as_str()) {
            map.get(key.as_bytes())
        } else if let (Some(list), Kind::Int(_, i)) = (here.as_list(), &step.kind) {
            usize::try_from(*i).ok().and_then(|i| list.items().get(i).cloned())
        } else {
            None
        };
        let Some(next) = next else { return false };
        here = next;
    }
    !here.is_nil()
}

fn known(name: &[u8]) -> bool {
    let own = FUNCTIONS.iter().any(|f| f.name.as_bytes() == name);
    own || std::str::from_utf8(name).is_ok_and(gotmpl::is_builtin)
}

/// What is wrong with a template; the sentence is Go's.
pub(super) fn check(text: &str) -> Result<(), String> {
    gotmpl::parse(&Str::from("output"), &text.as_bytes().into(), None, &known).map(|_| ()).map_err(|e| e.text)
}

struct Nothing;

impl Host for Nothing {
    fn signature(&self, _name: &str) -> Option<Signature> {
        None
    }

    fn call(&self, _runtime: &mut Runtime<'_>, name: &str, _args: &[Value]) -> gotmpl::Result<Value> {
        Err(gotmpl::ExecError::plain(format!("no function {name}")))
    }
}

/// Runs a template over a value: what it printed, and what stopped it.
///
/// `strict` makes a key that is not there an error.
pub(super) fn execute(text: &Arc<[u8]>, dot: &Value, strict: bool) -> (String, Option<String>) {
    static PLACES: Places = Places::of(FUNCTIONS);
    let trees = match gotmpl::parse(&Str::from("output"), text, None, &known) {
        Ok(trees) => trees,
        Err(wrong) => return (String::new(), Some(wrong.text)),
    };
    let scope = Rc::new(Scope::default());
    trees.iter().for_each(|tree| scope.add_always(tree));
    let world = MemoryWorld::default();
    let mut runtime = Runtime {
        host: &Nothing,
        functions: Functions::new(FUNCTIONS, &PLACES),
        missing: if strict { MissingKey::Error } else { MissingKey::Invalid },
        scope,
        world: &world,
        random: Box::new(|bytes| bytes.fill(0)),
        steps: 10_000_000,
        max_output: 64 << 20,
        tracer: None,
        depth: 0,
        seen: Seen::default(),
    };
    let mut out = Out::default();
    let ended = runtime.execute(b"output", "output", dot, &mut out);
    (String::from_utf8_lossy(&out.text).into_owned(), ended.err().map(|e| e.to_string()))
}
