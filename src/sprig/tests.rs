//! The functions against what real Helm v4.3.1 answered; the engine's wording around errors is the engine's to prove.

use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::semver::Constraints;
use super::semver::Version;
use crate::gotmpl::Function;
use crate::gotmpl::Host;
use crate::gotmpl::MissingKey;
use crate::gotmpl::Out;
use crate::gotmpl::Runtime;
use crate::gotmpl::Scope;
use crate::gotmpl::Signature;
use crate::source::MemoryWorld;
use crate::value::Map;
use crate::value::Str;
use crate::value::Value;

struct NoHost;

impl Host for NoHost {
    fn signature(&self, _name: &str) -> Option<Signature> {
        None
    }

    fn call(&self, _runtime: &mut Runtime<'_>, _name: &str, _args: &[Value]) -> crate::gotmpl::Result<Value> {
        Ok(Value::NIL)
    }
}

fn render(text: &str, values: &str) -> Result<Vec<u8>, String> {
    let functions: FxHashMap<&str, &Function> = super::functions().iter().map(|f| (f.name, f)).collect();
    let known = |name: &[u8]| std::str::from_utf8(name).is_ok_and(|n| functions.contains_key(n) || crate::gotmpl::is_builtin(n));
    let scope: Rc<Scope> = Rc::default();
    let name = Str::from("c/templates/t.yaml");
    for tree in crate::gotmpl::parse(&name, &Rc::from(text.as_bytes()), None, &known).map_err(|e| e.message)? {
        scope.add(&tree);
    }
    let world = MemoryWorld { now: 1_700_000_000_000_000_000, ..MemoryWorld::default() };
    let mut counter = 0u64;
    let random = Box::new(move |buffer: &mut [u8]| {
        for b in buffer {
            counter = counter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (counter >> 33) as u8;
        }
    });
    let mut runtime = Runtime {
        host: &NoHost,
        functions: &functions,
        missing: MissingKey::Invalid,
        scope: Rc::clone(&scope),
        world: &world,
        random,
        steps: 1_000_000,
        max_output: 1 << 24,
        tracer: None,
        depth: 0,
    };
    let values = crate::yaml::decode_values(values.as_bytes()).expect("the context is YAML");
    let dot = Map::new(BTreeMap::from([(Str::from("Values"), Value::from(values))]));
    let mut out = Out::default();
    runtime
        .execute(b"c/templates/t.yaml", "c/templates/t.yaml", &dot.into(), &mut out)
        .map_err(|e| e.chain().last().map(|l| l.message.clone()).unwrap_or_default())?;
    out.delete(b"<no value>");
    Ok(out.text)
}

fn check_semver(v: &serde_json::Value) -> Result<(), String> {
    let text = |key: &str| v[key].as_str().unwrap_or("");
    let mut got = serde_json::Map::new();
    let version = Version::parse(text("version"));
    match &version {
        Ok(x) => {
            got.insert("string".into(), x.to_string().into());
            got.insert("original".into(), x.original.as_str().into());
            got.insert("parts".into(), format!("{}.{}.{}|{}|{}", x.major, x.minor, x.patch, x.pre, x.metadata).into());
        }
        Err(e) => {
            got.insert("version_err".into(), e.as_str().into());
        }
    }
    if let Err(e) = Version::parse_strict(text("version")) {
        got.insert("strict_err".into(), e.into());
    }
    if let Some(c) = v["constraint"].as_str() {
        match Constraints::parse(c) {
            Err(e) => {
                got.insert("constraint_err".into(), e.into());
            }
            Ok(c) => {
                got.insert("constraint_string".into(), c.to_string().into());
                if let Ok(x) = &version {
                    let verdict = c.validate(x);
                    got.insert("match".into(), verdict.is_ok().into());
                    if let Err(reasons) = verdict {
                        got.insert("reasons".into(), reasons.into());
                    }
                }
            }
        }
    }
    if let (Some(o), Ok(x)) = (v["other"].as_str(), &version) {
        if let Ok(o) = Version::parse(o) {
            got.insert("compare".into(), (x.compare(&o) as i32).into());
        }
    }
    let want = &v["out"];
    let got = serde_json::Value::Object(got);
    if *want == got { Ok(()) } else { Err(format!("want {want}\n     got  {got}")) }
}

fn check_template(v: &serde_json::Value, contexts: &serde_json::Value) -> Result<(), String> {
    let values = v["ctx"].as_str().and_then(|c| contexts[c].as_str()).or(v["values"].as_str()).unwrap_or("");
    let got = render(v["tpl"].as_str().unwrap_or(""), values);
    if let Some(want) = v["err"].as_str() {
        return match got {
            Err(e) if want.contains(e.trim()) => Ok(()),
            Err(e) => Err(format!("want error {want}\n     got  error {e}")),
            Ok(o) => Err(format!("want error {want}\n     got  {}", String::from_utf8_lossy(&o))),
        };
    }
    let want = v["out"].as_str().map(|s| s.as_bytes().to_vec()).or_else(|| {
        let b64 = v["out_b64"].as_str().or(v["out"]["b64"].as_str())?;
        data_encoding::BASE64.decode(b64.as_bytes()).ok()
    });
    match (want, got) {
        (Some(w), Ok(g)) if w == g => Ok(()),
        (w, Ok(g)) => Err(format!("want {}\n     got  {}", String::from_utf8_lossy(&w.unwrap_or_default()), String::from_utf8_lossy(&g))),
        (w, Err(e)) => Err(format!("want {}\n     got  error {e}", String::from_utf8_lossy(&w.unwrap_or_default()))),
    }
}

/// Functions whose bodies are the engine's.
const ENGINE: [&str; 5] = ["include", "tpl", "required", "fail", "lookup"];

#[test]
#[allow(clippy::print_stderr)]
fn functions_answer_as_helm_does() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/vectors");
    let Ok(packed) = std::fs::read(format!("{folder}/functions.jsonl.gz")) else { return };
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("the vectors are gzip");
    let contexts = std::fs::read_to_string(format!("{folder}/contexts.json")).expect("the contexts are there");
    let contexts: serde_json::Value = serde_json::from_str(&contexts).expect("the contexts are JSON");
    let (mut total, mut failed) = (0, BTreeMap::<String, Vec<String>>::new());
    for line in text.lines() {
        let v: serde_json::Value = serde_json::from_str(line).expect("a vector is JSON");
        let name = v["fn"].as_str().unwrap_or("").to_owned();
        let source = v["tpl"].as_str().unwrap_or("");
        if ENGINE.iter().any(|e| name == *e || source.contains(e)) || v["files"].is_object() {
            continue;
        }
        total += 1;
        let verdict = if v["kind"] == "semver" { check_semver(&v) } else { check_template(&v, &contexts) };
        if let Err(difference) = verdict {
            failed.entry(name).or_default().push(format!("{source}{} {}\n     {difference}", v["version"], v["constraint"]));
        }
    }
    let count: usize = failed.values().map(Vec::len).sum();
    if std::env::var_os("SHOW_FAILURES").is_some() {
        for (name, list) in &failed {
            eprintln!("== {name}: {}", list.len());
            for difference in list.iter().take(6) {
                eprintln!("   {difference}");
            }
        }
    }
    eprintln!("{} of {total}", total - count);
    assert!(count * 20 <= total, "{count} of {total} functions' vectors differ");
}
