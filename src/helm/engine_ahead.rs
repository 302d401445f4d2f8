//! Templates parsed ahead: while one thread decodes values and prepares the chart, others parse what rendering will need.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use super::engine::known;
use super::engine_functions::knows;
use crate::gotmpl;
use crate::gotmpl::Function;
use crate::gotmpl::tree::Tree;
use crate::source::{FileId, all_cores};
use crate::value::Str;

/// Stands for the name of a text, which is known only when the whole chart is.
const UNNAMED: &str = "\u{fdd0}unnamed\u{fdd0}";

/// The trees of one text.
pub(super) type Trees = Vec<Arc<Tree>>;

/// Texts and their trees as far as they are parsed.
pub struct Ahead {
    texts: Vec<Arc<[u8]>>,
    functions: FxHashMap<&'static str, &'static Function>,
    /// One for each text; empty inside when the text does not parse, or its trees were taken.
    parsed: Vec<OnceLock<Mutex<Option<Trees>>>>,
    /// The first text that nobody parses yet.
    next: AtomicUsize,
    /// Where a text stands in `texts`, by its address: the same text may be there twice.
    places: FxHashMap<usize, usize>,
}

impl Ahead {
    /// Starts to parse `texts` on the threads that have nothing to do, with the functions of Helm 4 or of Helm 3.
    pub fn start(texts: Vec<Arc<[u8]>>, functions: &'static [Function], v3: bool) -> Arc<Self> {
        let ahead = Arc::new(Self {
            parsed: texts.iter().map(|_| OnceLock::new()).collect(),
            functions: known(functions, v3),
            next: AtomicUsize::new(0),
            places: texts.iter().enumerate().map(|(i, text)| (address(text), i)).collect(),
            texts,
        });
        all_cores();
        for _ in 1..rayon::current_num_threads() {
            let ahead = Arc::clone(&ahead);
            rayon::spawn(move || ahead.work());
        }
        ahead
    }

    /// Parses until no text is left that nobody parses.
    pub(super) fn work(&self) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let (Some(text), Some(place)) = (self.texts.get(i), self.parsed.get(i)) else { return };
            let parse = || gotmpl::parse(&Str::from(UNNAMED), text, None, &|name| knows(&self.functions, name)).ok();
            // A text whose parsing fails, in whatever way, is parsed again with its name, for the error.
            let trees = catch_unwind(AssertUnwindSafe(parse)).ok().flatten();
            let _ = place.set(Mutex::new(trees));
        }
    }

    /// The trees of a text of that name, when it is one of those parsed ahead; waits for the thread that parses it.
    /// Each text is given once.
    pub(super) fn take(&self, name: &Str, text: &Arc<[u8]>, file: FileId) -> Option<Trees> {
        let place = self.parsed.get(*self.places.get(&address(text))?)?;
        let mut trees = place.wait().lock().unwrap_or_else(PoisonError::into_inner).take()?;
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
}

fn address(text: &Arc<[u8]>) -> usize {
    text.as_ptr().addr()
}
