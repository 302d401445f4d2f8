//! YAML: any text decodes or is refused, the tree's spans lie in the text, and what is written reads back as the same.

use kval::source::FileId;
use kval::value::{IntType, Kind, List, Map, Value};
use kval::yaml;

use super::{Random, Target, recorded};

const WORDS: &[&[u8]] = &[
    b"&a",
    b"*a",
    b"&a [*a]",
    b"<<: ",
    b"<<: *a\n",
    b"<<: [*a, *b]\n",
    b"? ",
    b"- ",
    b"-\n",
    b": ",
    b":\n",
    b"#",
    b" # c\n",
    b"|\n",
    b"|2-\n",
    b"|+\n",
    b">\n",
    b">+\n",
    b">-1\n",
    b"!!binary ",
    b"!!str ",
    b"!!int ",
    b"!!float ",
    b"!!null ",
    b"!!set ",
    b"!!omap ",
    b"!!timestamp ",
    b"!x ",
    b"!<tag:x> ",
    b"%YAML 1.1\n",
    b"%TAG ! x\n",
    b"---\n",
    b"--- ",
    b"...\n",
    b"\t",
    b"\r\n",
    b"\r",
    b"\n",
    b"\n  ",
    b"\n    ",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"null",
    b"~",
    b"yes",
    b"off",
    b"0x1F",
    b"0o17",
    b"017",
    b"0b11",
    b"1_000",
    b"1:30",
    b"190:20:30",
    b".inf",
    b"-.INF",
    b".nan",
    b"1e400",
    b"-0",
    b"9223372036854775808",
    b"18446744073709551616",
    b"2001-01-01",
    b"2001-12-14t21:59:43.10-05:00",
    b"'",
    b"\"",
    b"''",
    b"\"\\x41\\u00e9\\U0001F600\\n\\",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    "é日🎉".as_bytes(),
    b"@",
    b"`",
    b"%",
    b"=",
    b"a: b: c",
    b"- - - x",
    b"key: |\n  text\n",
];

const STRINGS: &[&str] = &[
    "",
    " ",
    "a",
    "text",
    " lead",
    "trail ",
    "a\nb",
    "a\nb\n",
    "\n",
    "\n\n",
    "a\n\n",
    "  a\nb",
    "\ta",
    "a\tb",
    "null",
    "~",
    "true",
    "yes",
    "Off",
    "1",
    "1.5",
    "0x1F",
    "0o7",
    "1_0",
    "1e3",
    "1:30",
    ".inf",
    ".NaN",
    "2001-01-01",
    "-",
    "- a",
    "--- a",
    "---",
    "...",
    "?",
    "? a",
    ":",
    "a: b",
    "a:",
    ": a",
    "#",
    "a #b",
    "a# b",
    "@a",
    "`a",
    "%a",
    "!a",
    "&a",
    "*a",
    "[a",
    "a]",
    "{a",
    "a}",
    ",",
    "a, b",
    "'",
    "\"",
    "a'b",
    "a\"b",
    "\\",
    "\\n",
    "=",
    "|",
    ">",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}a",
    "é日",
    "🎉",
    "\u{0}",
    "\u{1b}",
    "a\r\nb",
    "\r",
    "long words that go on and on so that the line is wider than what the emitter likes to write in one go, as texts of real charts are",
    "averyverylongwordwithoutanyspacesatallthatcannotbefoldedanywhereasitisjustoneverylongword and more",
    "x  y",
    "a\n  b\n c",
    "a \nb",
    "0",
    "-1",
    "+1",
    "09",
    "1.",
    ".5",
    "y",
    "n",
    "0b1",
    "1__",
    "_",
    "1e",
    "12e03",
    "-.5",
    "-",
    "a\u{a0}b",
    "\u{fffd}",
    "\u{e000}",
    "<<x",
    "!!str",
];

fn string(r: &mut Random) -> String {
    match r.below(6) {
        0 => format!("{}{}", r.pick(STRINGS), r.pick(STRINGS)),
        1 => (0..r.below(12))
            .map(|_| *r.pick(&['a', ' ', '\n', ':', '-', '#', '\'', '"', '1', '.', '\t', 'é', '{', ',', '\\', '|', '!', '&']))
            .collect(),
        2 => (0..r.below(30)).map(|_| format!("{} ", r.pick(STRINGS))).collect(),
        _ => (*r.pick(STRINGS)).to_owned(),
    }
}

fn value(r: &mut Random, depth: usize) -> Value {
    match r.below(if depth > 5 { 7 } else { 11 }) {
        0 => Value::default(),
        1 => Value::from(r.one_in(2)),
        2 => Value::from(Kind::Int(IntType::Int64, r.below(2000) as i64 - 1000)),
        3 => Value::from(*r.pick(&[0.5, 1.0, -2.25, 1e6, 1e20, 1e21, 1e-7, 123_456_789.0, 0.1, 1e300])),
        4..=6 => Value::from(string(r).as_str()),
        7 | 8 => List::any((0..r.below(4)).map(|_| value(r, depth + 1)).collect()).into(),
        _ => map(r, depth).into(),
    }
}

fn map(r: &mut Random, depth: usize) -> Map {
    let map = Map::default();
    for _ in 0..r.below(5) {
        map.insert(string(r).as_str(), value(r, depth + 1));
    }
    map
}

/// A text written as people write them, from the same values: blocks, flows, anchors, comments.
fn text(r: &mut Random, depth: usize, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match r.below(if depth > 4 { 4 } else { 9 }) {
        0 => *out += r.word(STRINGS),
        1 => *out += &format!("{:?}", r.pick(STRINGS)),
        2 => *out += &format!("'{}'", r.pick(STRINGS)),
        3 => {
            *out += &format!(
                "{}\n{pad}  {}\n{pad}  {}\n",
                r.pick(&["|", ">", "|-", ">-", "|+", ">+", "|2", ">1-", "|9"]),
                r.pick(STRINGS),
                r.pick(STRINGS)
            );
        }
        4 => {
            *out += r.word(&["[", "{", "&a [", "!!set {", "[a, "]);
            for _ in 0..r.below(4) {
                text(r, depth + 3, indent, out);
                *out += r.word(&[", ", ",", ": ", " ", "\n"]);
            }
            *out += r.word(&["]", "}", "]", "}", ""]);
        }
        5 | 6 => {
            for _ in 0..=r.below(3) {
                *out += &format!("\n{pad}- {}", r.pick(&["", "", "", "&a ", "*a", "# c", "!!str "]));
                text(r, depth + 1, indent + 2, out);
            }
        }
        _ => {
            for _ in 0..=r.below(3) {
                let key = r.pick(&["a", "b", "c", "'q'", "\"d\"", "? x\n:", "1", "<<", "true", "[k]", "*a ", "&a k", "~", ""]);
                *out += &format!("\n{pad}{key}: {}", r.pick(&["", "", "", "", "&a ", "*a", "# c", "!!binary "]));
                let deeper = indent + 1 + r.below(3);
                text(r, depth + 1, deeper, out);
            }
        }
    }
}

fn make(r: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut out = match r.below(4) {
        0 => yaml::to_yaml(&value(r, 0)).unwrap_or_default(),
        1 => {
            let mut out = String::new();
            text(r, 0, 0, &mut out);
            out.into_bytes()
        }
        _ => r.pick(seeds).clone(),
    };
    if r.below(4) > 0 {
        r.mutate(&mut out, seeds, WORDS);
    }
    out
}

fn spans(node: &yaml::Node, len: usize, depth: usize) {
    assert!(node.span.start <= node.span.end && node.span.end as usize <= len, "a span outside the text: {:?}", node.span);
    if depth > 100 {
        return;
    }
    match &node.kind {
        yaml::NodeKind::Sequence(items) => items.iter().for_each(|i| spans(i, len, depth + 1)),
        yaml::NodeKind::Mapping(entries) => entries.iter().for_each(|e| spans(&e.value, len, depth + 1)),
        _ => {}
    }
}

/// What Helm writes it can read, and it writes the same again.
fn round_trip(value: &Value) {
    let Ok(written) = yaml::to_yaml(value) else { return };
    assert_eq!(yaml::to_yaml_traced(value).map(|t| t.0).as_deref(), Ok(written.as_slice()), "traced it is written otherwise");
    let _ = yaml::to_yaml_pretty(value);
    // A key that reads as a merge, which the real program does not quote either.
    if written.windows(2).any(|w| w == b"<<") {
        return;
    }
    let shown = || String::from_utf8_lossy(&written).into_owned();
    let again = yaml::decode(&written).unwrap_or_else(|e| panic!("cannot read back {:?}: {}", shown(), e.message));
    let twice = yaml::to_yaml(&again).unwrap_or_default();
    assert_eq!(shown(), String::from_utf8_lossy(&twice), "written twice");
    let (before, after) = (kval::value::json::to_json(value), kval::value::json::to_json(&again));
    assert_eq!(before.is_ok(), after.is_ok());
}

fn check(input: &[u8], variant: u64) {
    let documents = yaml::decode_documents(input);
    if let Ok(text) = std::str::from_utf8(input) {
        if documents.is_ok() || variant.is_multiple_of(4) {
            for document in yaml::parse(text, FileId(0)) {
                if let Some(root) = &document.root {
                    spans(root, text.len(), 0);
                }
            }
        }
    }
    let strict = yaml::decode_strict(input);
    let value = yaml::decode(input);
    assert!(strict.is_err() || value.is_ok(), "strict reading takes what reading does not");
    if let Ok(value) = value {
        round_trip(&value);
    }
    let _ = yaml::decode_values(input);
}

pub(crate) fn target() -> Target {
    let mut seeds = recorded("fromyaml", "yaml");
    seeds.extend(recorded("template", "values"));
    Target { name: "yaml", make: Box::new(move |r| make(r, &seeds)), check: Box::new(check) }
}
