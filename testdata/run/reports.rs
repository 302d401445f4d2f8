//! The reports of `kval lint` keep to their schemas: our own of JSON, that of SARIF 2.1.0 (without its descriptions, in
//! `testdata/lint/schemas`), Ant's of JUnit.

use std::io::Read;
use std::process::Command;

use kval::helm;
use kval::helm::TemplateOptions;
use kval::source::MemoryWorld;

/// Charts and manifests with findings of all kinds: with origins, fixes, calls and failures, and without any.
const INPUTS: &[&[&str]] = &[
    &["testdata/charts/app", "--set", "containerPort=80808", "--strict"],
    &["testdata/lint/fix", "--profile", "all"],
    &["testdata/lint/matrix", "--values-matrix", "--profile", "all"],
    &["testdata/charts/broken", "testdata/lint/custom/web.yaml"],
    &["testdata/charts/app", "--select", "latest-tag"],
];

fn report(format: &str, input: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_kval"))
        .args(["lint", "--format", format])
        .args(input)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .output()
        .expect("kval runs");
    assert!(matches!(run.status.code(), Some(0 | 1)), "{input:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("reports are UTF-8")
}

/// What a JSON schema has against a document: the document is the values of a chart, and the schema that of its values.
fn against(schema: &str, document: String) -> Result<(), String> {
    let mut world = MemoryWorld::default();
    world.files.insert("c/Chart.yaml".to_owned(), b"apiVersion: v2\nname: c\nversion: 0.1.0\n".to_vec());
    world.files.insert("c/values.schema.json".to_owned(), schema.as_bytes().to_vec());
    world.files.insert("c/values.yaml".to_owned(), document.into_bytes());
    let options = TemplateOptions { chart: "c".to_owned(), ..TemplateOptions::default() };
    helm::template(&world, &options).map(|_| ()).map_err(|error| error.message)
}

fn sarif_schema() -> String {
    let packed = include_bytes!("../lint/schemas/sarif-2.1.0.json.gz");
    let mut out = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut out).expect("gzip");
    out
}

#[test]
fn json_keeps_to_its_schema() {
    let schema = include_str!("../../schemas/report.schema.json");
    for input in INPUTS {
        let text = report("json", input);
        assert_eq!(against(schema, text.clone()), Ok(()), "{input:?}");
        let wrong = text.replacen("\"severity\"", "\"gravity\"", 1);
        assert!(wrong == text || against(schema, wrong).is_err(), "the schema takes anything");
    }
}

#[test]
fn sarif_keeps_to_its_schema() {
    let schema = sarif_schema();
    for input in INPUTS {
        let text = report("sarif", input);
        assert_eq!(against(&schema, text.clone()), Ok(()), "{input:?}");
        assert!(against(&schema, text.replacen("\"runs\"", "\"walks\"", 1)).is_err(), "the schema takes anything");
    }
}

/// The elements of Ant's JUnit schema: their attributes, where `?` is for those that may be absent, and their children in
/// order, where `*` is for those that come as often as they like and `?` for those that may be absent.
const JUNIT: &[(&str, &[&str], &[&str])] = &[
    ("testsuites", &[], &["testsuite*"]),
    (
        "testsuite",
        &["name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped?", "time"],
        &["properties", "testcase*", "system-out", "system-err"],
    ),
    ("properties", &[], &["property*"]),
    ("property", &["name", "value"], &[]),
    ("testcase", &["name", "classname", "time"], &["skipped?", "error?", "failure?"]),
    ("error", &["message?", "type"], &[]),
    ("failure", &["message?", "type"], &[]),
    ("skipped", &[], &[]),
    ("system-out", &[], &[]),
    ("system-err", &[], &[]),
];

/// An element: its name, its attributes, and the names of its children.
struct Element {
    name: String,
    attributes: Vec<String>,
    children: Vec<String>,
}

/// The elements of a text that has no comments and no sections of data.
fn elements(xml: &str) -> Vec<Element> {
    let mut done = Vec::new();
    let mut open: Vec<Element> = Vec::new();
    for (i, tag) in xml.split('<').enumerate().skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>') && !text.contains("& "), "text {i} is escaped: {text}");
        if tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().expect("something is open");
            assert_eq!(element.name, name);
            done.push(element);
            continue;
        }
        let (inner, empty) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let (name, rest) = inner.split_once(' ').unwrap_or((inner, ""));
        // Between quotes, every second piece is a value.
        let names = rest.split('"').step_by(2).map(|n| n.trim().trim_end_matches('=').to_owned());
        let element = Element { name: name.to_owned(), attributes: names.filter(|n| !n.is_empty()).collect(), children: Vec::new() };
        if let Some(parent) = open.last_mut() {
            parent.children.push(name.to_owned());
        }
        if empty { done.push(element) } else { open.push(element) }
    }
    assert!(open.is_empty());
    done
}

fn check(element: &Element) -> Result<(), String> {
    let (_, attributes, children) =
        JUNIT.iter().find(|(name, _, _)| *name == element.name).ok_or(format!("there is no element {}", element.name))?;
    for wanted in attributes.iter().filter(|a| !a.ends_with('?')) {
        if !element.attributes.iter().any(|a| a == wanted) {
            return Err(format!("{} has no {wanted}", element.name));
        }
    }
    if let Some(other) = element.attributes.iter().find(|a| !attributes.iter().any(|k| k.trim_end_matches('?') == *a)) {
        return Err(format!("{} may have no {other}", element.name));
    }
    let mut left = element.children.iter().peekable();
    for child in *children {
        let name = child.trim_end_matches(['*', '?']);
        let mut count = 0;
        while left.next_if(|c| *c == name).is_some() {
            count += 1;
        }
        if count == 0 && name == *child || count > 1 && !child.ends_with('*') {
            return Err(format!("{} has {count} {name}", element.name));
        }
    }
    left.next().map_or(Ok(()), |c| Err(format!("{} has a {c} too much", element.name)))
}

#[test]
fn junit_keeps_to_its_schema() {
    for input in INPUTS {
        let text = report("junit", input);
        let elements = elements(&text);
        assert!(elements.len() > 3, "{text}");
        for element in &elements {
            assert_eq!(check(element), Ok(()), "{input:?}");
        }
        // The numbers are those of the cases.
        let count = |name: &str| elements.iter().filter(|e| e.name == name).count();
        let sum = |attribute: &str| -> usize {
            let of = |rest: &str| rest.split('"').next().and_then(|n| n.parse::<usize>().ok()).expect("a number");
            text.split(&format!(" {attribute}=\"")).skip(1).map(of).sum()
        };
        assert_eq!((sum("tests"), sum("failures"), sum("errors")), (count("testcase"), count("failure"), count("error")));
    }
}
