//! `kval lint --watch` and the count of charts on a terminal: what happens while a run lasts.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::output::Output;

/// How often files are looked at.
const PAUSE: Duration = Duration::from_millis(300);
/// Runs shorter than this show no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// Folders deeper than this are not watched.
const MAX_DEPTH: usize = 64;

/// When each file below some paths was changed last, and its size.
type Stamps = BTreeMap<std::path::PathBuf, (Option<SystemTime>, u64)>;

fn stamps(paths: &[String]) -> Stamps {
    let mut out = Stamps::new();
    for path in paths {
        stamp(std::path::Path::new(path), 0, &mut out);
    }
    out
}

fn stamp(path: &std::path::Path, depth: usize, out: &mut Stamps) {
    let Ok(about) = std::fs::metadata(path) else { return };
    if !about.is_dir() {
        out.insert(path.to_owned(), (about.modified().ok(), about.len()));
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    if depth > MAX_DEPTH {
        return;
    }
    for entry in entries.flatten() {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden || entry.file_name() == ".kval.toml" {
            stamp(&entry.path(), depth + 1, out);
        }
    }
}

/// Runs again and again, each time one of the paths has changed; ends with the process.
pub(super) fn forever(paths: &[String], mut run: impl FnMut(&mut Output) -> u8) -> ! {
    loop {
        let before = stamps(paths);
        let mut output = Output::default();
        if std::io::stdout().is_terminal() {
            output.stdout.extend_from_slice(b"\x1b[2J\x1b[H");
        }
        let code = run(&mut output);
        output.note("watching for changes; stop with Ctrl-C");
        output.send(&mut std::io::stdout(), &mut std::io::stderr(), code);
        while stamps(paths) == before {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Shows on a terminal how many charts are done, while it lives.
pub(super) struct Progress {
    over: Arc<AtomicBool>,
    shows: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    /// Begins to show `done` of `all` after a while, where standard error is a terminal.
    pub(super) fn start(done: Arc<AtomicUsize>, all: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let shows = (std::io::stderr().is_terminal() && all > 1).then(|| {
            std::thread::spawn(move || {
                let began = std::time::Instant::now();
                let mut shown = false;
                while !stop.load(Ordering::Relaxed) {
                    if began.elapsed() >= PATIENCE {
                        shown = true;
                        let _ = write!(std::io::stderr(), "\r{} of {all} charts", done.load(Ordering::Relaxed));
                    }
                    std::thread::park_timeout(PAUSE);
                }
                if shown {
                    let _ = write!(std::io::stderr(), "\r\x1b[K");
                }
            })
        });
        Self { over, shows }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.shows.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
