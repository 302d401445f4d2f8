//! Nothing a user writes may panic, hang or break a limit: seeded mutations of recorded inputs, a few seconds in a plain
//! run, as long as `KVAL_FUZZ_SECONDS` says otherwise (`KVAL_FUZZ_SEED` starts elsewhere).

use std::io::Read;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kval::helm::engine;
use kval::helm::load;
use kval::helm::strvals;
use kval::source::{FileId, MemoryWorld, Origins};
use kval::value::{GoType, Map, Str, Value};
use kval::yaml;

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A few changes: bytes flipped, removed, doubled; words put in; a piece of another input.
    fn mutate(&mut self, seeds: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
        let mut text = self.pick(seeds).clone();
        for _ in 0..=self.below(6) {
            let at = self.below(text.len() + 1);
            match self.below(7) {
                0 if at < text.len() => text[at] ^= 1 << self.below(8),
                1 => {
                    let end = (at + self.below(8)).min(text.len());
                    text.drain(at..end);
                }
                2 => {
                    let end = (at + self.below(40)).min(text.len());
                    let piece = text[at..end].to_vec();
                    text.splice(at..at, piece);
                }
                3 => {
                    let other = self.pick(seeds);
                    let from = self.below(other.len() + 1);
                    let piece = other[from..(from + self.below(60)).min(other.len())].to_vec();
                    text.splice(at..at, piece);
                }
                4 if at < text.len() => text[at] = self.next() as u8,
                _ => {
                    let word = self.pick(words).to_vec();
                    text.splice(at..at, word);
                }
            }
        }
        text
    }
}

/// The texts of a field of recorded vectors.
fn recorded(file: &str, field: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/testdata/vectors/{file}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let records = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    let texts: Vec<Vec<u8>> = records.filter_map(|r| r[field].as_str().map(|s| s.as_bytes().to_vec())).collect();
    texts.into_iter().filter(|t| t.len() < 4000).collect()
}

/// Runs `one` over mutated seeds until the time is over; a panic or a slow input fails the test with the input.
fn fuzz(name: &str, seeds: &[Vec<u8>], words: &[&[u8]], one: impl Fn(&[u8], u64)) {
    let seconds = std::env::var("KVAL_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    let seed = std::env::var("KVAL_FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut random = Random(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0u64;
    while Instant::now() < end {
        let text = random.mutate(seeds, words);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| one(&text, runs)));
        let took = start.elapsed();
        let shown = || String::from_utf8_lossy(&text).into_owned();
        assert!(outcome.is_ok(), "{name} panicked after {runs} runs on {:?}\nbytes {text:?}", shown());
        assert!(took < Duration::from_secs(20), "{name} took {took:?} on {:?}", shown());
        runs += 1;
    }
    println!("fuzz {name}: {runs} runs");
}

fn words() -> Vec<&'static [u8]> {
    let mut words: Vec<&'static [u8]> = vec![
        b"{{",
        b"}}",
        b"{{-",
        b"-}}",
        b"|",
        b"(",
        b")",
        b".Values.a",
        b"$x :=",
        b"$x =",
        b"\"",
        b"`",
        b"range ",
        b"end",
        b"with ",
        b"if ",
        b"else",
        b"define \"x\"",
        b"template \"x\" .",
        b"include \"x\" .",
        b"tpl ",
        b"nil",
        b"-1",
        b"9223372036854775807",
        b"1e308",
        b"0x",
        b"'\\u00",
        b"/*",
        b"*/",
        b"break",
        b"continue",
        b"\xff\xfe",
        "é日🎉".as_bytes(),
        b"printf \"%*.[2]d\"",
        b"&a",
        b"*a",
        b"<<: ",
        b"? ",
        b"- ",
        b": ",
        b"#",
        b"|2-\n",
        b">+\n",
        b"!!binary ",
        b"%YAML 1.1\n",
        b"---\n",
        b"...\n",
        b"\t",
        b"\r\n",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"=",
        b"a[0]",
        b"a[99999999]",
        b"\\,",
        b"null",
        b"~",
    ];
    words.extend(kval::sprig::functions().iter().map(|f| f.name.as_bytes()));
    words
}

#[test]
fn templates() {
    let mut seeds = recorded("template", "tpl");
    seeds.extend(recorded("functions_more", "tpl"));
    let values = yaml::decode_values(b"a: {b: [1, x, {c: null}], d: 1.5}\ns: \"text\\nmore\"\nl: [3, 1, 2]\nt: true\nn: null\n").unwrap();
    fuzz("templates", &seeds, &words(), |text, run| {
        let world = MemoryWorld { now: 1_700_000_000_000_000_000, seed: run, ..MemoryWorld::default() };
        let entries = [("Values", values.clone().into()), ("Files", Map::default().into()), ("Chart", Map::default().into())];
        let dot = Map::typed(GoType::Any, Some("common.Values"), entries.into_iter().map(|(k, v)| (Str::from(k), v)).collect());
        let template = engine::Template {
            name: "c/templates/t.yaml".to_owned(),
            text: Arc::from(text),
            file: FileId(0),
            base_path: "c/templates".to_owned(),
            dot: dot.into(),
            partial_only: false,
        };
        let origins = Origins::default();
        let mut options = engine::Options::new(&world);
        options.limits = engine::Limits { steps: 100_000, output: 1 << 20 };
        options.strict = run % 5 == 0;
        options.lint = run % 7 == 0;
        options.trace = (run % 2 == 0).then_some(&origins);
        let _ = engine::render(&[template], kval::sprig::functions(), &options);
    });
}

#[test]
fn values_arguments() {
    let seeds: Vec<Vec<u8>> = recorded("values", "arg");
    let modes = [strvals::Mode::Set, strvals::Mode::String, strvals::Mode::Json, strvals::Mode::File, strvals::Mode::Literal];
    fuzz("values arguments", &seeds, &words(), |text, run| {
        let text = String::from_utf8_lossy(text);
        let base = Map::default();
        let read = |_: &str| Ok(b"content".to_vec());
        let _ = strvals::parse_into(modes[run as usize % modes.len()], &text, &base, &read, None);
    });
}

#[test]
fn yaml_round_trip() {
    let seeds = recorded("fromyaml", "yaml");
    fuzz("yaml", &seeds, &words(), |text, _| {
        let _ = yaml::decode_documents(text);
        let parsed = yaml::parse(&String::from_utf8_lossy(text), FileId(0));
        drop(parsed);
        let Ok(value) = yaml::decode(text) else { return };
        let Ok(written) = yaml::to_yaml(&value) else { return };
        let _ = yaml::to_yaml_pretty(&value);
        let _ = yaml::to_yaml_traced(&value);
        // What Helm writes it can read, and it writes the same again (but for a key that reads as a merge).
        if written.windows(2).any(|w| w == b"<<") {
            return;
        }
        let again =
            yaml::decode(&written).unwrap_or_else(|e| panic!("cannot read back {:?}: {}", String::from_utf8_lossy(&written), e.message));
        let twice = yaml::to_yaml(&again).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&twice));
    });
}

/// A text that the line reader takes decodes, and what it picks is what decoding the whole gives.
#[test]
fn skimmed_heads() {
    let mut seeds = recorded("fromyaml", "yaml");
    let folder = format!("{}/testdata/seeds", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    seeds.extend(paths.iter().filter(|p| p.is_file()).map(|p| std::fs::read(p).unwrap()));
    let rich = "# c\napiVersion: v1\nkind: X # c\nmetadata:\n  name: 'a''b'\n  labels: {}\n  args: [a, \"b\"]\nspec:\n- a: |-\n    x\n\n    y\n  b: >\n   z\n- - p q\n    r\n  - \"s\n\n   t\"\n-\n  c:\n  - d\n  e: --f\n";
    seeds.extend(std::iter::repeat_n(rich.as_bytes().to_vec(), seeds.len()));
    let words: Vec<&[u8]> = vec![
        b"\n", b"\n  ", b"\n- ", b"\n    ", b" ", b": ", b":", b" #", b"'", b"\"", b"|\n", b">-\n", b"\t", b"- ", b"[", b"]", b"{}", b"\\",
        b"kind:", b"---\n",
    ];
    let taken = std::cell::Cell::new(0u64);
    fuzz("skim", &seeds, &words, |text, _| {
        let wanted = ["apiversion", "kind", "metadata", "a"];
        let Some(short) = yaml::skim(text, &wanted) else { return };
        taken.set(taken.get() + 1);
        let whole = yaml::decode(text).unwrap_or_else(|e| panic!("{}", e.message));
        let short = yaml::decode(&short).unwrap_or_else(|e| panic!("{}", e.message));
        let picked = Map::default();
        for (key, value) in whole.as_map().expect("the subset has mappings only").borrow().iter() {
            if wanted.contains(&key.to_str().to_lowercase().as_str()) {
                picked.insert(key.clone(), value.clone());
            }
        }
        assert_eq!(yaml::to_yaml(&picked.into()), yaml::to_yaml(&short));
    });
    assert!(taken.get() > 0);
}

fn archive(random: &mut Random) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, text) in [
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("c/values.yaml", "a: 1\n"),
        ("c/templates/a.yaml", "a: {{ .Values.a }}\n"),
        ("c/charts/d/Chart.yaml", "apiVersion: v2\nname: d\nversion: 1.0.0\n"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64 + u64::from(random.below(9) == 0));
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn archives() {
    let mut random = Random(9);
    let packed: Vec<Vec<u8>> = (0..20).map(|_| archive(&mut random)).collect();
    let unpacked: Vec<Vec<u8>> = packed
        .iter()
        .map(|bytes| {
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
            out
        })
        .collect();
    let names: [&[u8]; 8] = [b"../", b"/", b"c/../..", b"\0", b"0000777", b"ustar", b"C:\\", b"\xff"];
    fuzz("archives, packed", &packed, &names, |bytes, _| {
        if let Ok(files) = load::unpack(bytes) {
            let _ = load::load_files(files);
        }
    });
    fuzz("archives, tar", &unpacked, &names, |bytes, _| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(bytes).unwrap();
        if let Ok(files) = load::unpack(&gz.finish().unwrap()) {
            assert!(files.iter().all(|(name, _)| !name.split('/').any(|part| part == "..")), "a path leaves the chart: {files:?}");
            let _ = load::load_files(files);
        }
    });
}

/// A value that holds itself ends in an error, whatever prints it.
#[test]
fn cyclic_values() {
    let map = Map::default();
    map.insert("self", map.clone().into());
    let value = Value::from(map.clone());
    assert!(yaml::to_yaml(&value).is_err());
    assert!(kval::value::json::to_json(&value).is_err());
    assert!(kval::value::print_value(&value).is_err());
    map.remove("self");
}
