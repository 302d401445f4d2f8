//! Places of keys and values, broken documents, cycles. The recorded answers are the conformance run's.

use super::tree::by_tokens;
use super::{decode, decode_values_traced, parse, to_yaml, to_yaml_pretty, to_yaml_traced};
use crate::source::{FileId, Origin, Origins};
use crate::value::json::to_json;
use crate::value::{Map, Value};

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

/// What a text is read as: the documents with all their places.
fn shown(documents: &[super::Document]) -> Vec<String> {
    documents.iter().map(|d| format!("{:?} {:?} {:?} {:?}", d.span, d.root, d.comments, d.error)).collect()
}

fn both_ways_agree(text: &str) {
    let mut expected = Vec::new();
    by_tokens(text, FileId(0), &mut |document| expected.push(document));
    let (found, expected) = (shown(&parse(text, FileId(0))), shown(&expected));
    for (i, expected) in expected.iter().enumerate() {
        let found = found.get(i).map_or("", String::as_str);
        if found != expected {
            let at = found.bytes().zip(expected.bytes()).position(|(a, b)| a != b).unwrap_or(0);
            let near = |s: &str| s.bytes().skip(at.saturating_sub(200)).take(300).map(char::from).collect::<String>();
            panic!("document {i} of {:?}:\n{}\n--- by tokens\n{}", text.get(..200).unwrap_or(text), near(found), near(expected));
        }
    }
    assert_eq!(found.len(), expected.len(), "{text:?}");
}

/// Every text is read line by line as by tokens, or left to the tokens.
#[test]
fn lines_are_read_as_tokens_are() {
    for text in [
        "a: 1\n",
        "# c\na: 1 # d\n# e\n---\n# f\nb:\n# g\n",
        "--- # head\na: b\n---\n---\nc:\n- d\n- e: f\n  g:\n  - h\n-\n- - i\n  - j\n",
        "a: |\n  b\n\n   c\n\nd: >-\n  e\n  f\n\n\n  g\n   h\ni: |+\n\n  j\n\n\nk: |\n",
        "a: b\n  c\n\n  d # e\nf: 'g''h\n\n  i'\n\"j\": \"k\\nl \\\n  m\"\n",
        "a: [b, 'c', 1, true]\nd: {}\ne: []\nyes: no\non: 0x10\nf: 1e3\ng: ~\nh: 1_000\ni: 2020-01-01\n",
        "a:\n  b\nc:\n- d\n  e\n-\n  f\n",
        "---\na: 1\n---\nb: {c: d}\n---\ne: 1\n--- f\n---\ng: 1",
        "a: x: y\n---\nb: 1\n---\n\tc: 1\n",
        "# only\n",
        "# before\n---\na: 1\n",
        "",
        "\n\n",
        "---\n",
        "a: |\n  x\n---\nb: >\n\n\n---\nc: \"\"\n",
        "a: \n  - b: c   \n    d: |-\n      e\n  # f\n  - g\n",
        "a: b\n    # c\nd: 1\ne:\n- f\n    # g\n\n- h\n",
        "a: b\n    # c\n    d\n",
        "a:\n  b: c\n\n      # d\n\n      # e\n  f: g # h\n      # i\n   j: k\n",
        "a: [ ]\nb: { }\nc: [_d, _e_ ,f]\nd: [  ] # g\n",
        "a:\n- ::1\n- :b\n- ::\n- \"c'd\"\n- \"e\\\\f\"\n- \"g'h\": i\n",
    ] {
        both_ways_agree(text);
        // Cut anywhere, texts are broken in many ways.
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            both_ways_agree(&text[..at]);
            both_ways_agree(&format!("{}\n{}", &text[..at], &text[at..]));
            both_ways_agree(&format!("{} {}", &text[..at], &text[at..]));
            both_ways_agree(&text[at..]);
        }
    }
}
