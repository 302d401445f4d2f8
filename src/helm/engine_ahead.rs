//! Templates parsed ahead: while one thread decodes values and prepares the chart, others parse what rendering will need.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use super::engine::functions;
use super::engine_functions::knows;
use crate::gotmpl;
use crate::gotmpl::tree::Tree;
use crate::gotmpl::{Functions, Seen};
use crate::source::{FileId, all_cores};
use crate::value::Str;

/// Stands for the name of a text, which is known only when the whole chart is.
const UNNAMED: &str = "\u{fdd0}unnamed\u{fdd0}";

/// The trees of one text.
pub(super) type Trees = Vec<Arc<Tree>>;

/// Texts and their trees as far as they are parsed.
pub struct Ahead {
    functions: Functions,
    /// Whether the process ends with the rendering, which then leaves its memory to that end.
    once: bool,
    texts: Mutex<Texts>,
}

#[derive(Default)]
struct Texts {
    /// Those that nobody parses yet.
    waiting: VecDeque<Arc<Text>>,
    /// All, by their addresses: the same text may be there twice.
    all: FxHashMap<usize, Arc<Text>>,
}

struct Text {
    bytes: Arc<[u8]>,
    /// Empty inside when the text does not parse, or its trees were taken.
    trees: OnceLock<Mutex<Option<Trees>>>,
}

impl Ahead {
    /// No texts yet. With the functions of Helm 4 or of Helm 3; `once` is as in [`super::TemplateOptions`].
    pub(super) fn new(v3: bool, once: bool) -> Arc<Self> {
        Arc::new(Self { functions: functions(v3), once, texts: Mutex::default() })
    }

    /// Starts to parse the texts on the threads that have nothing to do.
    pub(super) fn start(self: &Arc<Self>) {
        all_cores();
        for _ in 1..rayon::current_num_threads() {
            let ahead = Arc::clone(self);
            rayon::spawn(move || ahead.work());
        }
    }

    /// Adds a text.
    pub(super) fn add(&self, bytes: &Arc<[u8]>) {
        let text = Arc::new(Text { bytes: Arc::clone(bytes), trees: OnceLock::new() });
        let mut texts = self.texts();
        texts.all.insert(address(bytes), Arc::clone(&text));
        texts.waiting.push_back(text);
    }

    /// Parses until no text is left that nobody parses.
    pub(super) fn work(&self) {
        let mut seen = Seen::for_many();
        while self.parse_one(&mut seen) {}
        if self.once {
            std::mem::forget(seen);
        }
    }

    /// Parses a text that nobody parses, when there is one. `seen` is what this thread saw in others.
    pub(super) fn parse_one(&self, seen: &mut Seen) -> bool {
        let Some(text) = self.texts().waiting.pop_front() else { return false };
        let parse = || gotmpl::parse_sharing(seen, &Str::from(UNNAMED), &text.bytes, None, &|name| knows(self.functions, name)).ok();
        // A text whose parsing fails, in whatever way, is parsed again with its name, for the error.
        let trees = catch_unwind(AssertUnwindSafe(parse)).ok().flatten();
        let _ = text.trees.set(Mutex::new(trees));
        true
    }

    /// The trees of a text of that name, when it is one of those parsed ahead; waits for the thread that parses it.
    /// Each text is given once. To be called when no text waits.
    pub(super) fn take(&self, name: &Str, bytes: &Arc<[u8]>, file: FileId) -> Option<Trees> {
        let text = Arc::clone(self.texts().all.get(&address(bytes))?);
        let mut trees = text.trees.wait().lock().unwrap_or_else(PoisonError::into_inner).take()?;
        // What a text defines under its own name replaces or is replaced by it: that is for the parser to decide.
        if trees.iter().any(|tree| tree.name == *name) {
            return None;
        }
        for tree in &mut trees {
            let tree = Arc::get_mut(tree)?;
            if tree.name.as_bytes() == UNNAMED.as_bytes() {
                tree.name = name.clone();
            }
            tree.parse_name = name.clone();
            tree.file = Some(file);
        }
        Some(trees)
    }

    fn texts(&self) -> MutexGuard<'_, Texts> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(text: &Arc<[u8]>) -> usize {
    text.as_ptr().addr()
}
