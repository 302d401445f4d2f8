//! Fuzzing without a special toolchain: inputs follow from a seed and the number of the run alone, so any run can be
//! repeated. [`targets`] names what is tried; `benches/fuzz.rs` runs for minutes, a test runs for a second.

mod archive;
mod strvals;
mod template;
mod yaml;

use std::collections::BTreeMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What one input may take of the processor: it may be rendered twice, each time up to the limit of steps.
const MOST_TIME: Duration = Duration::from_secs(30);
/// What the process may take of memory.
const MOST_MEMORY: u64 = 1 << 30;

/// Random choices: `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    /// The choices of one run.
    pub(crate) fn new(seed: u64, run: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ run.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// True once in `n`.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    /// A few changes: bytes flipped, removed, doubled; words put in; a piece of another input.
    pub(crate) fn mutate(&mut self, text: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]]) {
        for _ in 0..=self.below(6) {
            let at = self.below(text.len() + 1);
            match self.below(8) {
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
                5 if self.one_in(20) => {
                    let end = (at + self.below(12)).min(text.len());
                    let piece = text[at..end].repeat(self.below(400));
                    text.splice(at..at, piece);
                }
                _ => {
                    let word = self.pick(words).to_vec();
                    text.splice(at..at, word);
                }
            }
        }
    }
}

/// The texts of a field of recorded vectors.
pub(crate) fn recorded(file: &str, field: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/testdata/vectors/{file}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).expect("vectors")).read_to_string(&mut text).expect("gzip");
    let records = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON"));
    let texts: Vec<Vec<u8>> = records.filter_map(|r| r[field].as_str().map(|s| s.as_bytes().to_vec())).collect();
    texts.into_iter().filter(|t| t.len() < 4000).collect()
}

/// What is tried: how inputs are made, and what must hold of each. `check` panics where it does not; its number chooses
/// among the ways the input is tried.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) make: Box<dyn Fn(&mut Random) -> Vec<u8>>,
    pub(crate) check: Box<dyn Fn(&[u8], u64)>,
}

/// All targets.
pub(crate) fn targets() -> Vec<Target> {
    vec![template::target(), strvals::target(), yaml::target(), archive::target()]
}

/// One target.
pub(crate) fn target(name: &str) -> Option<Target> {
    match name {
        "template" => Some(template::target()),
        "strvals" => Some(strvals::target()),
        "yaml" => Some(yaml::target()),
        "archive" => Some(archive::target()),
        _ => None,
    }
}

/// When to stop: by the clock, or by the processor's time of the process.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Elapsed(Duration),
    Cpu(Duration),
}

/// A failure: the run, the variant, the input and what happened.
pub(crate) struct Failure {
    pub(crate) run: u64,
    pub(crate) input: Vec<u8>,
    pub(crate) what: String,
}

/// What a fuzzing gave.
pub(crate) struct Report {
    pub(crate) runs: u64,
    pub(crate) peak: u64,
    /// How long the slowest run took, and which it was.
    pub(crate) slowest: (Duration, u64),
    /// One failure for each place where something failed.
    pub(crate) failures: Vec<Failure>,
}

fn proc_number(file: &str, key: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key)).unwrap_or("0");
    line.split_whitespace().next().and_then(|w| w.parse().ok()).unwrap_or(0)
}

/// The most memory the process has held since [`forget_peak`], in bytes.
fn peak() -> u64 {
    proc_number("/proc/self/status", "VmHWM:") * 1024
}

fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The processor's time of this process.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut fields = text.rsplit(')').next().unwrap_or("").split_whitespace().skip(11);
    let ticks: u64 = fields.by_ref().take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The processor's time of this thread.
fn thread_cpu() -> Duration {
    Duration::from_nanos(proc_number("/proc/thread-self/schedstat", ""))
}

/// Runs `check`; the place and text of a panic, when there was one.
fn panics(check: impl FnOnce()) -> Option<String> {
    static LAST: Mutex<String> = Mutex::new(String::new());
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let text = info.payload().downcast_ref::<String>().cloned();
            let text = text.or_else(|| info.payload().downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default();
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            *LAST.lock().expect("no panic in here") = format!("{place}: {text}");
        }));
    });
    catch_unwind(AssertUnwindSafe(check)).err().map(|_| LAST.lock().expect("no panic in here").clone())
}

/// Runs on a stack as deep as the program's own.
pub(crate) fn deep<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(kval::source::STACK).spawn_scoped(scope, run).expect("a thread");
        thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    })
}

/// Tries one input: what is wrong with it, if anything.
pub(crate) fn try_one(target: &Target, input: &[u8], variant: u64) -> Option<String> {
    let start = Instant::now();
    if let Some(what) = panics(|| (target.check)(input, variant)) {
        return Some(format!("panic at {what}"));
    }
    if start.elapsed() > MOST_TIME {
        // Others may have kept the processor: what counts is this thread's own time.
        let before = thread_cpu();
        (target.check)(input, variant);
        let took = thread_cpu().saturating_sub(before);
        if took > MOST_TIME {
            return Some(format!("slow: {took:?}"));
        }
    }
    None
}

/// Takes away from an input what its failure does not need.
fn shrink(target: &Target, input: &[u8], variant: u64, what: &str) -> Vec<u8> {
    let place = |text: &str| text.split(": ").next().unwrap_or("").to_owned();
    let want = place(what);
    let mut best = input.to_vec();
    let end = Instant::now() + Duration::from_secs(20);
    let mut size = best.len() / 2;
    while size > 0 && Instant::now() < end {
        let mut at = 0;
        let before = best.len();
        while at + size <= best.len() && Instant::now() < end {
            let mut less = best.clone();
            less.drain(at..at + size);
            if try_one(target, &less, variant).is_some_and(|w| place(&w) == want) {
                best = less;
            } else {
                at += size;
            }
        }
        if best.len() == before {
            size /= 2;
        }
    }
    best
}

/// Runs a target from a run on until the time is over. An input that never ends, or that ends the process, is found by
/// the number that is printed: `hanging` is told the run that takes minutes of the processor's time.
pub(crate) fn fuzz(target: &Target, seed: u64, from: u64, until: Until, hanging: impl Fn(u64) + Send + 'static) -> Report {
    let current = Arc::new((AtomicU64::new(from), AtomicU64::new(0)));
    let watched = Arc::clone(&current);
    std::thread::spawn(move || {
        let mut seen = (u64::MAX, cpu());
        while watched.1.load(Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(200));
            let run = watched.0.load(Relaxed);
            if run != seen.0 {
                seen = (run, cpu());
            } else if cpu().saturating_sub(seen.1) > MOST_TIME * 4 {
                hanging(run);
                seen.1 = cpu();
            }
        }
    });
    forget_peak();
    let (begin, begin_cpu) = (Instant::now(), cpu());
    let mut report = Report { runs: 0, peak: 0, slowest: (Duration::ZERO, from), failures: Vec::new() };
    let mut places: BTreeMap<String, u64> = BTreeMap::new();
    loop {
        let run = from + report.runs;
        if match until {
            Until::Elapsed(time) => begin.elapsed() >= time,
            Until::Cpu(time) => report.runs.is_multiple_of(64) && cpu().saturating_sub(begin_cpu) >= time,
        } {
            break;
        }
        current.0.store(run, Relaxed);
        let input = (target.make)(&mut Random::new(seed, run));
        let start = Instant::now();
        let mut failed = try_one(target, &input, run);
        let took = start.elapsed();
        report.slowest = report.slowest.max((took, run));
        if report.runs.is_multiple_of(256) || took > Duration::from_millis(100) {
            let most = peak();
            report.peak = report.peak.max(most);
            if most > MOST_MEMORY {
                failed = failed.or_else(|| Some(format!("memory: {} MB", most >> 20)));
                forget_peak();
            }
        }
        if let Some(what) = failed {
            let place = what.split(": ").next().unwrap_or("").to_owned();
            let count = places.entry(place).or_default();
            *count += 1;
            if *count == 1 {
                let input = if what.starts_with("panic") { shrink(target, &input, run, &what) } else { input };
                report.failures.push(Failure { run, input, what });
            }
        }
        report.runs += 1;
    }
    current.1.store(1, Relaxed);
    report.peak = report.peak.max(peak());
    report
}
