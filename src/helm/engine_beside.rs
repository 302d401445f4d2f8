//! Files rendered by other threads: the first thread renders from the first file on, the others from the last one on, each with
//! values of its own, until they meet.
//!
//! In Helm one file is rendered after the other, and each sees what those before it changed in the values. Few change
//! anything. What another thread rendered counts as long as no file before it changed a value, and where it fails or
//! takes more than is left, the first thread renders the file itself. So the outcome is that of one thread.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use super::engine::{Limits, Options, ROOT, Template, name_template, runtime, stream};
use super::engine_functions::Engine;
use super::files::Files;
use crate::gotmpl::tree::Tree;
use crate::gotmpl::{Functions, Out, Scope};
use crate::source::{World, all_cores};
use crate::value::{Kind, List, Map, Parcel, noticing};

/// From how many bytes of templates on others are asked to render some: to hand them the values takes longer than less.
const MANY: usize = 20 * 1024;

/// Of charts with more bytes of files only one thread renders: some print all of them, as numbers, for each file they render.
const HEAVY: u64 = 1 << 20;

/// The files of a rendering that several threads share.
pub(super) struct Beside<'a> {
    files: Vec<File<'a>>,
    /// The maps that the files see, of all charts.
    dots: Parcel,
    /// All trees, in the order in which they are defined.
    trees: &'a [Arc<Tree>],
    functions: Functions,
    world: &'a dyn World,
    strict: bool,
    compat: u8,
    limits: Limits,
    once: bool,
    waiting: Mutex<Waiting>,
    /// Of each file that another thread took: what it rendered, or nothing.
    done: Vec<OnceLock<Option<Done>>>,
}

/// What another thread knows of a file.
struct File<'a> {
    name: &'a str,
    base_path: &'a str,
    size: usize,
    /// The number of its chart's map.
    dot: usize,
    /// The file of the same chart before it.
    before: Option<usize>,
}

/// A file that another thread rendered.
pub(super) struct Done {
    /// The text.
    pub(super) text: Arc<Vec<u8>>,
    /// What it took.
    pub(super) steps: u64,
}

/// The files that nobody renders yet.
struct Waiting {
    /// No file before this one is for other threads.
    least: usize,
    from: usize,
    to: usize,
    stopped: bool,
}

impl<'a> Beside<'a> {
    /// The files `order`, when they are worth another thread and may be rendered by one. With partials they have so many bytes.
    pub(super) fn new(
        order: &[&'a Template],
        size: usize,
        trees: &'a [Arc<Tree>],
        functions: Functions,
        options: &Options<'a>,
    ) -> Option<Self> {
        let plain = options.trace.is_none() && options.lookup.is_none() && !options.lint && !options.keep_going;
        if !plain || order.len() < 2 || size < MANY {
            return None;
        }
        all_cores();
        if rayon::current_num_threads() < 2 {
            return None;
        }
        let mut dots: Vec<&Map> = Vec::new();
        let mut numbers: FxHashMap<usize, usize> = FxHashMap::default();
        let mut last: Vec<Option<usize>> = Vec::new();
        let mut files = Vec::with_capacity(order.len());
        for (i, t) in order.iter().enumerate() {
            let map = t.dot.as_map()?;
            let dot = *numbers.entry(map.address()).or_insert_with(|| {
                dots.push(map);
                last.push(None);
                dots.len() - 1
            });
            files.push(File { name: &t.name, base_path: &t.base_path, size: t.text.len(), dot, before: last[dot].replace(i) });
        }
        let heavy: Vec<bool> = dots.iter().map(|dot| is_heavy(dot)).collect();
        let least = files.iter().rposition(|file| heavy[file.dot]).map_or(0, |last| last + 1);
        if least == files.len() {
            return None;
        }
        let dots = Parcel::pack(&List::any(dots.into_iter().map(|dot| dot.clone().into()).collect()).into())?;
        Some(Self {
            done: files.iter().map(|_| OnceLock::new()).collect(),
            waiting: Mutex::new(Waiting { least, from: 0, to: files.len(), stopped: false }),
            files,
            dots,
            trees,
            functions,
            world: options.world,
            strict: options.strict,
            compat: options.compat,
            limits: options.limits,
            once: options.once,
        })
    }

    /// Whether the first thread is to render this file, which is the next one; if not, another one does.
    pub(super) fn is_mine(&self, file: usize) -> bool {
        let mut waiting = self.waiting();
        let mine = file < waiting.to;
        if mine {
            waiting.from = file + 1;
        }
        mine
    }

    /// What another thread made of a file that it took, when that is what comes out with so many steps and bytes left.
    pub(super) fn wait(&self, file: usize, steps: u64, output: usize) -> Option<&Done> {
        self.done[file].wait().as_ref().filter(|done| done.steps <= steps && most(&self.limits) <= output)
    }

    /// Lets the other threads end: what they render is of no use.
    pub(super) fn stop(&self) {
        self.waiting().stopped = true;
    }

    /// Takes the last file that nobody renders.
    fn take(&self) -> Option<usize> {
        let mut waiting = self.waiting();
        (!waiting.stopped && waiting.from.max(waiting.least) < waiting.to).then(|| {
            waiting.to -= 1;
            waiting.to
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renders files until none waits or one fails. To be called by other threads.
    pub(super) fn work(&self) {
        let Some(first) = self.take() else { return };
        let taken = Cell::new(first);
        // The thread may be one that renders a file and waits for others in the middle of it.
        let _ = noticing(|| catch_unwind(AssertUnwindSafe(|| self.work_from(&taken))));
        // For a file that could not be rendered somebody may wait.
        let _ = self.done[taken.get()].set(None);
    }

    fn work_from(&self, taken: &Cell<usize>) {
        let options = Options { strict: self.strict, compat: self.compat, ..Options::new(self.world) };
        let host = Engine::new(&options, self.functions);
        let scope = Rc::new(Scope::default());
        self.trees.iter().for_each(|tree| scope.add(tree));
        let limits = Limits { output: most(&self.limits), ..self.limits };
        let mut runtime = runtime(&host, self.functions, &Options { limits, ..options }, scope);
        let dots = self.dots.unpack();
        // Each chart's map tells which of its files was rendered last.
        let dot = |file: &File<'_>| dots.as_list().and_then(|all| all.items()[file.dot].as_map());
        let name = |file: &File<'_>| dot(file).map(|dot| name_template(dot, file.name, file.base_path, self.compat));
        self.files.iter().for_each(|file| _ = name(file));
        let mut at = self.files.len() - 1;
        loop {
            let number = taken.get();
            while at > number {
                match self.files[at].before {
                    Some(before) => _ = name(&self.files[before]),
                    None => _ = dot(&self.files[at]).and_then(|dot| dot.remove("Template")),
                }
                at -= 1;
            }
            let file = &self.files[number];
            let Some(map) = dot(file) else { break };
            runtime.steps = limits.steps;
            runtime.random = stream(self.world.seed(), number);
            let mut out = Out { text: Vec::with_capacity(file.size), pieces: Vec::new() };
            let (rendered, changed) = noticing(|| runtime.execute(file.name.as_bytes(), ROOT, &map.clone().into(), &mut out));
            // A step that was not there to be taken shows only in that none is left.
            if rendered.is_err() || changed || runtime.steps == 0 {
                break;
            }
            out.delete(b"<no value>");
            let _ = self.done[number].set(Some(Done { text: Arc::new(out.text), steps: limits.steps - runtime.steps }));
            match self.take() {
                Some(next) => taken.set(next),
                None => break,
            }
        }
        if self.once {
            std::mem::forget((runtime.scope, runtime.seen, dots));
        }
    }
}

/// Whether a chart, of which this is what its files see, has many bytes of files.
fn is_heavy(dot: &Map) -> bool {
    match dot.get("Files").map(|files| files.kind) {
        Some(Kind::Object(files)) => files.as_any().downcast_ref().is_some_and(|files: &Files| files.size() > HEAVY),
        _ => false,
    }
}

/// How many bytes a file may print that another thread renders.
fn most(limits: &Limits) -> usize {
    limits.output / 4
}

#[cfg(test)]
mod tests {
    use super::super::engine::{Output, RenderError, render};
    use super::*;
    use crate::source::{FileId, MemoryWorld};
    use crate::value::Value;

    /// A chart with a chart below it, whose files have these texts in the order of rendering.
    fn files(texts: &[String]) -> Vec<Template> {
        let values = Map::default();
        values.insert("list", List::any((0..9).map(Value::int).collect()).into());
        values.insert("sub", Map::default().into());
        let (top, sub, subcharts) = (Map::default(), Map::default(), Map::default());
        sub.insert("Values", values.get("sub").unwrap_or_default());
        subcharts.insert("sub", sub.clone().into());
        top.insert("Values", values.into());
        top.insert("Subcharts", subcharts.into());
        let file = |(i, text): (usize, &String)| {
            let (folder, dot) = if i < 3 { ("c/charts/sub/templates", &sub) } else { ("c/templates", &top) };
            Template {
                name: format!("{folder}/{:03}.yaml", 999 - i),
                text: text.as_bytes().into(),
                file: FileId(0),
                base_path: folder.to_owned(),
                dot: dot.clone().into(),
                partial_only: false,
            }
        };
        texts.iter().enumerate().map(file).collect()
    }

    fn rendered(texts: &[String], limits: Limits, alone: bool) -> String {
        let world = MemoryWorld { seed: 7, ..MemoryWorld::default() };
        let state = |_: &str, _: &str, _: &str, _: &str| Ok(Map::default().into());
        // A rendering that may look into a cluster is one thread's.
        let lookup = alone.then_some(&state as super::super::engine::Lookup<'_>);
        let options = Options { lookup, limits, ..Options::new(&world) };
        let shown = |out: Result<Output, RenderError>| match out {
            Ok(out) => out.files.iter().map(|(name, file)| format!("{name}: {}\n", String::from_utf8_lossy(&file.text))).collect(),
            Err(e) => e.text,
        };
        shown(render(&files(texts), &options))
    }

    #[test]
    fn the_outcome_is_that_of_one_thread() {
        let filler = format!("{{{{/* {} */}}}}", "x".repeat(2000));
        let plain = format!(
            "{filler}{{{{ range .Values.list }}}}{{{{ . }}}}{{{{ end }}}} {{{{ .Template.Name }}}} {{{{ tpl \"{{{{ .Values }}}}\" . }}}}"
        );
        let special = [
            "{{ $_ := set .Values \"new\" .Template.Name }}",
            "{{ $_ := unset .Values \"list\" }}",
            "{{ $_ := set (dict) \"new\" 1 }}{{ $x := merge (dict \"a\" 1) .Values }}",
            "{{ $_ := mergeOverwrite .Values (dict \"sub\" (dict \"a\" 1)) }}",
            "{{ with .Subcharts }}{{ toJson .sub.Template }}{{ end }}",
            "{{ toYaml . }}",
            "{{ randAlphaNum 20 }}",
            "{{ fail \"no\" }}",
            "{{ range until 3000 }}{{ . }}{{ end }}",
            "{{ define \"t\" }}x{{ end }}{{ include \"t\" . }}",
            "{{ $_ := set . \"Template\" (dict \"Name\" \"mine\") }}{{ .Template.Name }}",
        ];
        let alone = |texts: &[String], limits| rendered(texts, limits, true);
        let beside = |texts: &[String], limits| rendered(texts, limits, false);
        for one in special {
            for other in special {
                for at in [0, 2, 3, 7, 11] {
                    let mut texts = vec![plain.clone(); 12];
                    texts[at].push_str(one);
                    texts[9].push_str(other);
                    assert_eq!(beside(&texts, Limits::default()), alone(&texts, Limits::default()), "{one} at {at}, {other}");
                }
            }
        }
        let texts = vec![plain; 12];
        for i in 0..60 {
            let limits = Limits { steps: i * 40, ..Limits::default() };
            assert_eq!(beside(&texts, limits), alone(&texts, limits), "{limits:?}");
            let limits = Limits { output: i as usize * 60, ..Limits::default() };
            assert_eq!(beside(&texts, limits), alone(&texts, limits), "{limits:?}");
        }
    }
}
