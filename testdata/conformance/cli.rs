//! Sets that run the `kval` command in a folder: `sort`, `corpus`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{each, records, same};
use crate::Outcome;
use crate::data;

/// What a run of the command printed.
struct Run {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    exit: Option<i32>,
}

fn kval(args: &[String], dir: &Path) -> Result<Run, String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kval"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("TZ", "UTC")
        .env("HOME", dir)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut out = child.stdout.take().ok_or("no stdout")?;
    let mut err = child.stderr.take().ok_or("no stderr")?;
    let readers = (
        std::thread::spawn(move || {
            let mut b = Vec::new();
            let _ = out.read_to_end(&mut b);
            b
        }),
        std::thread::spawn(move || {
            let mut b = Vec::new();
            let _ = err.read_to_end(&mut b);
            b
        }),
    );
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if start.elapsed() > Duration::from_mins(2) => {
                let _ = child.kill();
                return Err("hangs (over 120 s)".to_owned());
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let stdout = readers.0.join().map_err(|_| "reader")?;
    let stderr = readers.1.join().map_err(|_| "reader")?;
    if status.code().is_none_or(|c| c == 101) || String::from_utf8_lossy(&stderr).contains("panicked at") {
        return Err(format!("CRASH {}", String::from_utf8_lossy(&stderr)));
    }
    Ok(Run { stdout, stderr, exit: status.code() })
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn strings(v: &Json) -> Vec<String> {
    v.as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect()
}

fn replace_all(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    String::from_utf8_lossy(text).replace(from, to).into_bytes()
}

fn tree(record: &Json, extra: &[&str]) -> Result<(), String> {
    let dir = scratch("tree").join(record["id"].as_str().ok_or("no id")?);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    for (name, content) in record["tree"].as_object().into_iter().flatten() {
        let path = dir.join(name);
        if name.ends_with('/') {
            fs::create_dir_all(&path).map_err(|e| e.to_string())?;
            continue;
        }
        fs::create_dir_all(path.parent().ok_or("parent")?).map_err(|e| e.to_string())?;
        fs::write(&path, data::value_bytes(content).ok_or("content")?).map_err(|e| e.to_string())?;
    }
    let mut args = strings(&record["args"]);
    args.extend(extra.iter().map(|s| (*s).to_owned()));
    let run = kval(&args, &dir);
    let _ = fs::remove_dir_all(&dir);
    let run = run?;
    let place = dir.to_string_lossy().into_owned();
    let out = &record["out"];
    if out["exit"].as_i64() != run.exit.map(i64::from) {
        return Err(format!("exit: want {} got {:?}: {}", out["exit"], run.exit, String::from_utf8_lossy(&run.stderr)));
    }
    same("stdout", &out.get("stdout").and_then(data::value_bytes).unwrap_or_default(), &replace_all(&run.stdout, &place, "$DIR"))?;
    let want = out.get("stderr").and_then(data::value_bytes).unwrap_or_default();
    same("stderr", &offline(&want), &offline(&replace_all(&run.stderr, &place, "$DIR")))
}

/// Why there is no cluster belongs to the machine that recorded it: the rest of such a line is not compared.
fn offline(text: &[u8]) -> Vec<u8> {
    const MARK: &str = "cluster unreachable: ";
    let text = String::from_utf8_lossy(text);
    let cut = |line: &str| line.find(MARK).map_or(line.len(), |at| at + MARK.len());
    text.split('\n').map(|line| &line[..cut(line)]).collect::<Vec<_>>().join("\n").into_bytes()
}

pub(super) fn sort(_: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records("vectors/sort.jsonl", |r| tree(r, &[]))?))
}

/// Sets `charts` and `charts_v3`: rarely used things of charts and of the command line, with Helm v4.3.1 and v3.22.0; a
/// debug build takes a part of them.
pub(super) fn charts(set: &str) -> Option<(bool, Vec<Outcome>)> {
    let extra: &[&str] = if set == "charts_v3" { &["--helm-compat", "3"] } else { &[] };
    let lines: Vec<Json> =
        data::lines(&format!("vectors/{set}.jsonl"))?.into_iter().step_by(if cfg!(debug_assertions) { 5 } else { 1 }).collect();
    Some((true, each(lines, |r| r["id"].as_str().unwrap_or("?").to_owned(), |r| tree(r, extra))))
}

/// Set `helmlint`: the same sentences in the same order.
pub(super) fn helmlint(_: &str) -> Option<(bool, Vec<Outcome>)> {
    Some((true, records("vectors/helmlint.jsonl", |r| tree(r, &["--format", "helm"]))?))
}

/// The unfolded corpus and its goldens.
struct Corpus {
    dir: PathBuf,
    golden: BTreeMap<String, Vec<u8>>,
    cases: Vec<Json>,
}

fn corpus_data() -> Option<&'static Corpus> {
    static CORPUS: OnceLock<Option<Corpus>> = OnceLock::new();
    CORPUS
        .get_or_init(|| {
            let cases = data::lines("corpus/cases.jsonl")?;
            let charts = data::lines("corpus/charts.jsonl")?;
            let pack = data::find("corpus/cases.jsonl")?.parent()?.to_owned();
            let dir = scratch("corpus");
            if !dir.join("unfolded").exists() {
                let _ = fs::remove_dir_all(&dir);
                let source: BTreeMap<&str, &str> =
                    charts.iter().filter_map(|c| Some((c["tgz"].as_str()?, c["source"].as_str()?))).collect();
                let known: BTreeSet<&str> = cases.iter().filter_map(|c| c["source"].as_str()).collect();
                copy(&pack.join("values"), &dir.join("values"));
                copy(&pack.join("charts"), &dir.join("charts"));
                for name in names(&pack.join("charts")) {
                    let guess = known.iter().filter(|k| name.starts_with(&format!("{k}-"))).max_by_key(|k| k.len());
                    let from = source.get(format!("charts/{name}").as_str()).or(guess).copied().unwrap_or("unknown");
                    unfold(&pack.join("charts").join(&name), &dir.join("x").join(from));
                }
                for name in names(&pack.join("raw")) {
                    unfold(&pack.join("raw").join(&name), &dir.join("raw"));
                }
                fs::write(dir.join("unfolded"), "").expect("writable");
            }
            let mut golden = BTreeMap::new();
            for name in names(&pack.join("golden")) {
                let file = fs::File::open(pack.join("golden").join(&name)).expect("golden");
                let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
                for entry in archive.entries().expect("tar") {
                    let mut entry = entry.expect("entry");
                    if entry.header().entry_type().is_file() {
                        let path = entry.path().expect("path").to_string_lossy().into_owned();
                        let mut content = Vec::new();
                        entry.read_to_end(&mut content).expect("content");
                        golden.insert(path, content);
                    }
                }
            }
            Some(Corpus { dir, golden, cases })
        })
        .as_ref()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir).into_iter().flatten().filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::write(&to, fs::read(&from).expect("readable")).expect("writable");
        }
    }
}

fn unfold(archive: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    let file = fs::File::open(archive).expect("archive");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries().expect("tar").flatten() {
        let mut entry = entry;
        let _ = entry.unpack_in(to);
    }
}

fn corpus_case(corpus: &Corpus, case: &Json, args: &[String]) -> Result<(), String> {
    let run = kval(args, &corpus.dir)?;
    let id = case["id"].as_str().ok_or("no id")?;
    if case["helm_crash"].as_bool() == Some(true) || case.get("helm_crash").is_some_and(Json::is_string) {
        return Ok(());
    }
    if case["exit"].as_i64() != run.exit.map(i64::from) {
        return Err(format!("exit: want {} got {:?}: {}", case["exit"], run.exit, String::from_utf8_lossy(&run.stderr)));
    }
    if case["nd_unaligned"].as_bool() == Some(true) {
        return Ok(());
    }
    let want = corpus.golden.get(&format!("{id}/stdout")).cloned().unwrap_or_default();
    let got = replace_all(&replace_all(&run.stdout, &corpus.dir.to_string_lossy(), "$PACK"), "/tmp/helm-lint0", "$TMP/helm-lint");
    let masked: BTreeSet<usize> = case["nd_lines"].as_array().into_iter().flatten().filter_map(|n| Some(n.as_u64()? as usize)).collect();
    if masked.is_empty() {
        return same("stdout", &want, &got);
    }
    let mask = |text: &[u8]| -> Vec<u8> {
        let lines = text.split(|b| *b == b'\n').enumerate();
        lines.map(|(i, l)| if masked.contains(&(i + 1)) { b"(masked)".as_slice() } else { l }).collect::<Vec<_>>().join(&b'\n')
    };
    same("stdout", &mask(&want), &mask(&got))
}

/// The folder with the unfolded charts, and the `template` cases; `None` in a debug build, where they would take minutes.
pub(super) fn corpus_templates() -> Option<(&'static Path, Vec<&'static Json>)> {
    if cfg!(debug_assertions) {
        return None;
    }
    let corpus = corpus_data()?;
    Some((&corpus.dir, corpus.cases.iter().filter(|c| c["kind"] == "template").collect()))
}

/// Set `corpus-helm3`: a sample of the corpus as Helm v3.22.0 renders it, by the digest of what it prints.
pub(super) fn corpus_v3(_: &str) -> Option<(bool, Vec<Outcome>)> {
    if cfg!(debug_assertions) {
        return None;
    }
    let corpus = corpus_data()?;
    let run = |record: &Json| {
        let case = corpus.cases.iter().find(|c| c["id"] == record["id"]).ok_or("no such case")?;
        let mut args = strings(&case["args"]);
        args.extend(["--helm-compat", "3"].map(str::to_owned));
        let run = kval(&args, &corpus.dir)?;
        if record["exit"].as_i64() != run.exit.map(i64::from) {
            return Err(format!("exit: want {} got {:?}: {}", record["exit"], run.exit, String::from_utf8_lossy(&run.stderr)));
        }
        let place = corpus.dir.to_string_lossy();
        if let Some(want) = record.get("stderr").and_then(Json::as_str) {
            same("stderr", want.as_bytes(), &replace_all(&run.stderr, &place, "$PACK"))?;
        }
        let digest = Sha256::digest(replace_all(&run.stdout, &place, "$PACK"));
        let want = record["stdout_sha256"].as_str().ok_or("no digest")?;
        same("digest of stdout", want.as_bytes(), data_encoding::HEXLOWER.encode(&digest).as_bytes())
    };
    Some((true, records("vectors/corpus_v3.jsonl", run)?))
}

/// Sets `corpus` (templates), `corpus-lint` and `corpus-show` (`show`, `dependency list`).
pub(super) fn corpus(set: &str) -> Option<(bool, Vec<Outcome>)> {
    let corpus = corpus_data()?;
    let kinds: &[&str] = match set {
        "corpus" => &["template"],
        "corpus-lint" => &["lint"],
        _ => &["show", "deps"],
    };
    let cases: Vec<&Json> = corpus.cases.iter().filter(|c| c["kind"].as_str().is_some_and(|k| kinds.contains(&k))).collect();
    // Third-party charts are only read from beside the checkout; in a debug build they would take minutes.
    if cfg!(debug_assertions) && set != "corpus-show" {
        return None;
    }
    let run = |case: &&Json| {
        let mut args = strings(&case["args"]);
        if set == "corpus-lint" {
            args.extend(["--format", "helm"].map(str::to_owned));
        }
        corpus_case(corpus, case, &args)
    };
    Some((true, each(cases, |c| c["id"].as_str().unwrap_or("?").to_owned(), run)))
}
