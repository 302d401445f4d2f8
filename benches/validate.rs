//! Validation as a whole process, beside parsing alone and beside kubeconform:
//! `cargo bench --bench validate [-- DOCUMENTS [KUBECONFORM SCHEMAS]]`.
//!
//! DOCUMENTS is a directory of manifests (the recorded valid objects without one). KUBECONFORM is the real program, SCHEMAS a
//! directory as its `-schema-location` has them, for Kubernetes 1.36.0. Medians of eleven runs, and the largest memory.

#![allow(clippy::print_stdout)]

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use kval::source::FileId;
use rayon::prelude::*;

/// The program's own, so that parsing alone is measured alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 11;

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Seconds and mebibytes of a command: GNU time tells the memory.
fn measure(program: &str, args: &[&str]) -> (f64, f64) {
    let (mut seconds, mut most) = (Vec::new(), 0.0_f64);
    for _ in 0..RUNS {
        let start = Instant::now();
        let run = Command::new("/usr/bin/time").args(["-f", "%M", program]).args(args).stdout(Stdio::null()).output();
        let run = run.expect("GNU time at /usr/bin/time");
        seconds.push(start.elapsed().as_secs_f64());
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        most = said.lines().last().and_then(|l| l.parse::<f64>().ok()).map_or(most, |kib| most.max(kib / 1024.0));
    }
    (median(seconds), most)
}

fn recorded(folder: &Path) {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/validation/valid.jsonl.gz")).expect("recorded objects");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
    std::fs::create_dir_all(folder).expect("a folder for the documents");
    for (i, line) in text.lines().enumerate() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        std::fs::write(folder.join(format!("{i:05}.json")), record["manifest"].to_string()).expect("a document");
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("documents");
    let documents = args.first().cloned().unwrap_or_else(|| {
        recorded(&own);
        own.to_string_lossy().into_owned()
    });
    let files: Vec<_> = std::fs::read_dir(&documents).expect("DOCUMENTS").filter_map(|e| Some(e.ok()?.path())).collect();
    let parsing = (0..RUNS).map(|_| {
        let start = Instant::now();
        files.par_iter().for_each(|file| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            kval::yaml::parse_each(&text, FileId::default(), &mut drop);
        });
        start.elapsed().as_secs_f64()
    });
    let parsing = median(parsing.collect());
    let (seconds, memory) = measure(env!("CARGO_BIN_EXE_kval"), &["validate", &documents, "--isolated", "--format", "concise"]);
    println!("parsing alone {:.0} ms", parsing * 1000.0);
    println!("kval          {:.0} ms, {memory:.0} MiB; {:.1} times parsing", seconds * 1000.0, seconds / parsing);
    if let [_, kubeconform, schemas] = args.as_slice() {
        let flags = ["-schema-location", schemas, "-kubernetes-version", "1.36.0", "-ignore-missing-schemas", &documents];
        let (other, other_memory) = measure(kubeconform, &flags);
        println!("kubeconform   {:.0} ms, {other_memory:.0} MiB", other * 1000.0);
        println!("kval is {:.1} times as fast with {:.2} of the memory", other / seconds, memory / other_memory);
    }
}
