//! The vectors of the real programs, when they are there.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::{decode, decode_strict, decode_values, decode_values_traced, parse, to_yaml, to_yaml_pretty, to_yaml_traced};
use crate::source::{FileId, Origin, Origins};
use crate::value::json::{from_json, to_json, to_json_pretty, to_json_raw};
use crate::value::{Kind, Map, Value};

fn vectors(name: &str) -> Option<Vec<Json>> {
    let shared = std::env::var_os("KVAL_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("vectors").join(name)).ok();
    if text.is_none() {
        eprintln!("no vectors: {name} skipped");
    }
    Some(text?.lines().map(|l| serde_json::from_str(l).expect("a vector is JSON")).collect())
}

#[derive(Default)]
struct Tally {
    total: usize,
    passed: usize,
    failed: Vec<String>,
}

impl Tally {
    fn check(&mut self, id: &str, field: &str, expected: Option<&[u8]>, got: Option<&[u8]>) {
        if expected.is_none() && got.is_none() {
            return;
        }
        self.total += 1;
        if expected == got {
            self.passed += 1;
        } else {
            let show = |t: Option<&[u8]>| t.map_or("(none)".to_owned(), |t| format!("{:.200?}", String::from_utf8_lossy(t)));
            self.failed.push(format!("{id} {field}\n   expected {}\n   got      {}", show(expected), show(got)));
        }
    }

    fn report(&self, name: &str) {
        eprintln!("{name}: {}/{}", self.passed, self.total);
        let limit = std::env::var("KVAL_SHOW").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
        self.failed.iter().take(limit).for_each(|f| eprintln!("  {f}"));
        assert!(self.passed * 100 >= self.total * 99, "{name}: too many differences");
    }
}

fn field(out: &Json, name: &str) -> Option<Vec<u8>> {
    if let Some(text) = out.get(name).and_then(Json::as_str) {
        return Some(text.as_bytes().to_vec());
    }
    let packed = out.get(format!("{name}_b64"))?.as_str()?;
    data_encoding::BASE64.decode(packed.as_bytes()).ok()
}

fn typed(value: &Value, out: &mut String) {
    match &value.kind {
        Kind::Float(f) => {
            out.push_str(&super::go_syntax::float_shortest(*f));
            out.push('f');
        }
        Kind::Str(s) => out.push_str(&crate::value::quote(s.as_bytes())),
        Kind::List(l) => {
            out.push('[');
            for (i, v) in l.items().iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                typed(v, out);
            }
            out.push(']');
        }
        Kind::Map(m) => typed_map(m, out),
        _ => out.push_str(&String::from_utf8(to_json_raw(value).expect("plain")).expect("UTF-8")),
    }
}

fn typed_map(map: &Map, out: &mut String) {
    out.push('{');
    for (i, (k, v)) in map.borrow().iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        typed(&Value::from(k.clone()), out);
        out.push(':');
        typed(v, out);
    }
    out.push('}');
}

#[test]
fn fromyaml_vectors() {
    let Some(vectors) = vectors("fromyaml.jsonl") else { return };
    let mut tally = Tally::default();
    for v in &vectors {
        let id = v["id"].as_str().expect("id");
        let text = field(v, "yaml").expect("yaml");
        let out = &v["out"];
        let decoded = decode(&text);
        let json = decoded.as_ref().ok().and_then(|v| to_json(v).ok());
        tally.check(id, "json", field(out, "json").as_deref(), json.as_deref());
        let error = decoded.as_ref().err().map(|e| e.message.as_bytes().to_vec());
        tally.check(id, "unmarshal_err", field(out, "unmarshal_err").as_deref(), error.as_deref());
        let reemit = decoded.as_ref().ok().and_then(|v| to_yaml(v).ok());
        tally.check(id, "reemit", field(out, "reemit").as_deref(), reemit.as_deref());
        let strict = decode_strict(&text).err().map(|e| e.message.into_bytes());
        tally.check(id, "strict_err", field(out, "strict_err").as_deref(), strict.as_deref());
        let values = decode_values(&text);
        let error = values.as_ref().err().map(|e| e.message.as_bytes().to_vec());
        tally.check(id, "values_err", field(out, "values_err").as_deref(), error.as_deref());
        let printed = values.ok().map(|m| {
            let mut s = String::new();
            typed_map(&m, &mut s);
            s.into_bytes()
        });
        tally.check(id, "values", field(out, "values").as_deref(), printed.as_deref());
    }
    tally.report("fromyaml");
}

#[test]
fn toyaml_vectors() {
    let Some(vectors) = vectors("toyaml.jsonl") else { return };
    let mut tally = Tally::default();
    for v in &vectors {
        let id = v["id"].as_str().expect("id");
        let text = field(v, "json").expect("json");
        let value = from_json(&text).unwrap_or_else(|e| panic!("{id}: {e}"));
        let trim = |t: Vec<u8>| t.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(t);
        let out = &v["out"];
        let got = [
            ("toYaml", to_yaml(&value).map(trim)),
            ("toYamlPretty", to_yaml_pretty(&value).map(trim)),
            ("toJson", to_json(&value)),
            ("toRawJson", to_json_raw(&value)),
            ("toPrettyJson", to_json_pretty(&value)),
        ];
        for (name, got) in got {
            // Helm's toYaml answers nothing when it fails.
            let got = got.ok().or_else(|| (name == "toYaml").then(Vec::new));
            tally.check(id, name, field(out, name).as_deref(), got.as_deref());
        }
    }
    tally.report("toyaml");
}

#[test]
fn a_map_that_holds_itself_is_an_error() {
    let map = Map::default();
    map.insert("self", map.clone().into());
    let value = Value::from(map.clone());
    let cycle = "json: unsupported value: encountered a cycle via map[string]interface {}";
    assert_eq!(to_json(&value), Err(cycle.to_owned()));
    assert_eq!(to_yaml(&value), Err(format!("error marshaling into JSON: {cycle}")));
    assert!(to_yaml_pretty(&value).is_err());
    map.remove("self");
}

#[test]
fn keys_and_values_know_their_places() {
    let text = b"image:\r\n  tags: [a, 'b c']\r\n---\nother: &x\n  z: 1\n";
    let mut origins = Origins::new();
    let values = decode_values_traced(text, FileId(3), &mut origins).expect("valid");
    let find = |value: &Value| match origins.get(value.origin) {
        Some(Origin::Key { value, key, path }) => (text[value.range()].to_vec(), text[key.range()].to_vec(), path.clone()),
        other => panic!("{other:?}"),
    };
    let image = values.get("image").expect("image");
    let tags = image.as_map().and_then(|m| m.get("tags")).expect("tags");
    assert_eq!(find(&tags).2, "image.tags");
    assert_eq!(find(&tags).1, b"tags");
    let item = tags.as_list().expect("a list").items()[1].clone();
    assert_eq!(find(&item), (b"'b c'".to_vec(), b"'b c'".to_vec(), "image.tags[1]".to_owned()));
    let z = values.get("other").and_then(|v| v.as_map().and_then(|m| m.get("z"))).expect("z");
    assert_eq!(find(&z), (b"1".to_vec(), b"z".to_vec(), "other.z".to_owned()));
    let (out, pieces) = to_yaml_traced(&Value::from(values)).expect("plain");
    let shown: Vec<&[u8]> = pieces.iter().map(|p| &out[p.start as usize..p.end as usize]).collect();
    let expected: Vec<&[u8]> = vec![b"image", b"tags", b"a", b"b c", b"other", b"z", b"1"];
    assert_eq!(shown, expected);
}

#[test]
fn a_broken_document_does_not_hide_the_next() {
    let text = "# top\na: 1 # one\n---\nb: [\n---\nc: 3\n# end\n";
    let documents = parse(text, FileId(0));
    let shown: Vec<_> =
        documents.iter().map(|d| (d.root.is_some(), d.error.as_ref().map(|e| e.message.as_str()), d.comments.len())).collect();
    assert_eq!(shown, [(true, None, 2), (false, Some("yaml: line 4: did not find expected node content"), 0), (true, None, 1)]);
    let entry = documents[2].root.as_ref().and_then(|r| r.get("c")).expect("c");
    assert_eq!(&text[entry.value.span.range()], "3");
    assert_eq!(&text[documents[0].root.as_ref().expect("root").span.range()], "a: 1");
}

#[test]
fn reading_and_writing_are_linear() {
    let text: String =
        (0..40_000).map(|i| format!("key{i}:\n  name: \"value {i}\"\n  list: [1, two, 3.5]\n  text: some plain text here\n")).collect();
    let start = std::time::Instant::now();
    let value = decode(text.as_bytes()).expect("valid");
    let read = start.elapsed();
    let out = to_yaml(&value).expect("plain");
    eprintln!("{} bytes read in {read:?}, {} bytes written in {:?}", text.len(), out.len(), start.elapsed().saturating_sub(read));
}
