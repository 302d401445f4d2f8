//! A large archive, unpacked on another thread: this one decodes values as they come, and both parse templates.

use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::archive::{AS_FILES, Packed, in_own_chart, is_archive};
use super::chart::File;
use super::engine_ahead::Ahead;
use super::load::{LoadError, VALUES};
use crate::gotmpl::Seen;
use crate::source::{all_cores, help_on};

/// A file of an archive that rendering may do without is passed over from so many bytes on, and unpacked when it is needed.
const LARGE_FILE: u64 = 32 * 1024;

/// From how many bytes on files are passed over, when `all` are to be printed or not.
pub(super) const fn large(all: bool) -> u64 {
    if all { u64::MAX } else { LARGE_FILE }
}

/// What another thread tells of an archive.
enum Told {
    /// The next file.
    File(File),
    /// There are no more: of a broken archive, why.
    End(Result<(), LoadError>),
}

/// An archive that another thread unpacks before anyone has asked for it.
#[derive(Clone)]
pub struct Begun {
    path: String,
    all: bool,
    pub(super) packed: Arc<Packed>,
    pub(super) ahead: Arc<Ahead>,
    files: Arc<Mutex<Option<Unpacking>>>,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Begun {
    /// The files of the archive at that path, once, when it is this one and unpacked so.
    pub(super) fn take(&self, path: &str, all: bool) -> Option<Unpacking> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).take_if(|_| self.path == path && self.all == all)
    }
}

/// Begins to unpack the archive at `path`, which has these bytes, for a rendering of [`super::Compat::V4`] that ends the process:
/// see [`super::TemplateOptions::begun`]. With `all`, no definition is passed over, for they are to be printed. What is wrong
/// with the archive shows when it is rendered. Only for a thread that alone gives others work to do.
pub fn begin(path: String, bytes: Vec<u8>, all: bool) -> Option<Begun> {
    if !is_archive(&bytes) {
        return None;
    }
    let (packed, ahead) = (Packed::new(bytes, large(all)), Ahead::new(false, true));
    let files = unpacking(&packed, &ahead)?;
    Some(Begun { path, all, packed, ahead, files: Arc::new(Mutex::new(Some(files))) })
}

/// The files of an archive as another thread unpacks them.
pub(super) struct Unpacking(Receiver<Told>);

/// The files of an archive; its templates are given to `ahead`, to be parsed, and `early` is given each values file as soon
/// as it is there. What is left to parse is parsed on after that. Only for a thread that alone gives others work to do: it waits
/// for one of them.
pub(super) fn unpack_ahead(packed: &Arc<Packed>, ahead: &Arc<Ahead>, early: impl FnMut(&File)) -> Result<Vec<File>, LoadError> {
    match unpacking(packed, ahead) {
        Some(unpacking) => unpacking.files(packed, ahead, early),
        None => packed.files(AS_FILES),
    }
}

/// Unpacks on another thread, where there is one.
fn unpacking(packed: &Arc<Packed>, ahead: &Arc<Ahead>) -> Option<Unpacking> {
    all_cores();
    if rayon::current_num_threads() < 2 {
        return None;
    }
    let (tell, told) = channel();
    let (packed, ahead) = (Arc::clone(packed), Arc::clone(ahead));
    // What fails here fails again on the thread that then unpacks alone.
    rayon::spawn(move || drop(catch_unwind(AssertUnwindSafe(|| unpack(&packed, &ahead, tell)))));
    Some(Unpacking(told))
}

impl Unpacking {
    /// As [`unpack_ahead`].
    pub(super) fn files(self, packed: &Arc<Packed>, ahead: &Ahead, mut early: impl FnMut(&File)) -> Result<Vec<File>, LoadError> {
        let told = self.0;
        let mut files = Vec::new();
        // It is left to the end of the process, which is not far.
        let mut seen = ManuallyDrop::new(Seen::for_many());
        loop {
            let next = match told.try_recv() {
                // As long as nothing comes there may be something to parse.
                Err(TryRecvError::Empty) if ahead.parse_one(&mut seen) => continue,
                Err(TryRecvError::Empty) => told.recv().ok(),
                next => next.ok(),
            };
            match next {
                Some(Told::File(file)) => {
                    if is_values(&file.name) {
                        early(&file);
                    }
                    files.push(file);
                }
                Some(Told::End(whole)) => return whole.map(|()| files),
                None => break,
            }
        }
        // The other thread met a defect of ours: this one will meet it too, where it is reported.
        packed.files(AS_FILES)
    }
}

fn unpack(packed: &Arc<Packed>, ahead: &Ahead, tell: Sender<Told>) {
    let whole = packed.each(AS_FILES, |file| {
        if is_template(&file.name) {
            ahead.add(file.data());
        }
        // Nobody listens any more only when the process ends.
        let _ = tell.send(Told::File(file));
    });
    let _ = tell.send(Told::End(whole));
    drop(tell);
    ahead.work();
    help_on();
}

/// Whether a file of a chart, or of one below it, is a template.
pub(super) fn is_template(name: &str) -> bool {
    name.starts_with("templates/") || name.contains("/templates/")
}

/// Whether a file has the values of a chart, or of one below it.
fn is_values(name: &str) -> bool {
    in_own_chart(name) == VALUES
}
