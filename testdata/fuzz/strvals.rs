//! `--set` and its siblings: any text ends in values or an error, and what it builds stays within its limits.

use kval::helm::strvals::{self, Mode};
use kval::value::{Kind, Map, Value};

use super::{Random, Target, recorded};

const MODES: [Mode; 5] = [Mode::Set, Mode::String, Mode::Json, Mode::File, Mode::Literal];

const WORDS: &[&[u8]] = &[
    b"=",
    b",",
    b".",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\\",
    b"\\,",
    b"\\.",
    b"a[0]",
    b"a[65536]",
    b"a[65537]",
    b"a[-1]",
    b"a[99999999999]",
    b"[0][0]",
    b"null",
    b"true",
    b"0123",
    b"1e3",
    b"9223372036854775807",
    b"9223372036854775808",
    b"{a,b,{c}}",
    b"={",
    b"\"",
    b"{\"a\":[1,{\"b\":null}]}",
    b"a.b.c",
    b"..",
    b"=,",
    b",,",
    b" ",
    b"\n",
    b"\t",
    "é日🎉".as_bytes(),
    b"\xff",
    b"a=",
    b"~",
    b"'",
    b"[]=",
];

fn name(r: &mut Random) -> String {
    let mut out = (*r.pick(&["a", "b", "list", "deep", "a b", "", "é", "1", "-"])).to_owned();
    for _ in 0..r.below(3) {
        match r.below(5) {
            0 => out += &format!("[{}]", r.below(4)),
            1 => out += r.word(&["[]", "[x]", "[-1]", "[65535]", "[0", "]", "[1e1]"]),
            2 => out += "\\.x",
            _ => out += &format!(".{}", r.pick(&["a", "b", "c", ""])),
        }
    }
    if r.one_in(200) {
        out = vec!["n"; 20 + r.below(30)].join(".");
    }
    if r.one_in(200) {
        out += &"[0]".repeat(r.below(1500));
    }
    out
}

fn value(r: &mut Random, depth: usize) -> String {
    match r.below(8) {
        0 if depth < 4 => {
            let items: Vec<String> = (0..r.below(4)).map(|_| value(r, depth + 1)).collect();
            format!("{{{}}}", items.join(","))
        }
        1 => (*r.pick(&["[1,2,{\"a\":null}]", "{\"a\":{\"b\":1.5}}", "\"x\"", "[", "{\"a\":1}x", "1 2"])).to_owned(),
        2 => "a\\,b".to_owned(),
        _ => (*r.pick(&["1", "true", "null", "", "text", "0x10", "-5", "1.5", "00", "\"q\"", "a=b", "9223372036854775808"])).to_owned(),
    }
}

fn make(r: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut text = if r.one_in(2) {
        r.pick(seeds).clone()
    } else {
        let pairs: Vec<String> = (0..=r.below(4)).map(|_| format!("{}={}", name(r), value(r, 0))).collect();
        pairs.join(",").into_bytes()
    };
    if r.below(3) > 0 {
        r.mutate(&mut text, seeds, WORDS);
    }
    text
}

fn holds(value: &Value, depth: usize) {
    assert!(depth < 3000, "nested too deeply");
    match &value.kind {
        Kind::List(list) => {
            assert!(list.items().len() <= 65_537 + 65_537, "a list of {}", list.items().len());
            list.items().iter().for_each(|v| holds(v, depth + 1));
        }
        Kind::Map(map) => map.borrow().iter().for_each(|(_, v)| holds(v, depth + 1)),
        _ => {}
    }
}

fn check(text: &[u8], variant: u64) {
    let text = String::from_utf8_lossy(text);
    let base = kval::yaml::decode_values(b"a: {b: [1, {c: 2}], c: null}\nlist: [1, [2, 3], x]\ndeep: text\n").expect("YAML");
    let read = |path: &str| if path.len() % 7 == 3 { Err("no such file".to_owned()) } else { Ok(b"content".to_vec()) };
    let mode = MODES[variant as usize % MODES.len()];
    let again = kval::helm::values::copy_map(&base);
    let first = strvals::parse_into(mode, &text, &base, &read, None);
    holds(&base.clone().into(), 0);
    let second = strvals::parse_into(mode, &text, &again, &read, Some(&mut kval::source::Origins::default()));
    assert_eq!(first, second, "with origins it says something else");
    let print = |m: &Map| kval::value::json::to_json(&m.clone().into());
    assert_eq!(print(&base), print(&again), "with origins it gives something else");
}

pub(crate) fn target() -> Target {
    let seeds = recorded("values", "arg");
    Target { name: "strvals", make: Box::new(move |r| make(r, &seeds)), check: Box::new(check) }
}
