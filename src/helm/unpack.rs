//! A large archive, unpacked on another thread: this one decodes values as they come, and both parse templates.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, TryRecvError, channel};

use super::archive::{AS_FILES, Packed, in_own_chart};
use super::chart::File;
use super::engine_ahead::Ahead;
use super::load::{LoadError, VALUES};
use crate::gotmpl::Seen;
use crate::source::all_cores;

/// What another thread tells of an archive.
enum Told {
    /// The next file.
    File(File),
    /// There are no more: of a broken archive, why.
    End(Result<(), LoadError>),
}

/// The files of an archive; its templates are given to `ahead`, to be parsed, and `early` is given each values file as soon
/// as it is there. What is left to parse is parsed on after that. Only for a thread that alone gives others work to do: it waits
/// for one of them.
pub(super) fn unpack_ahead(packed: &Arc<Packed>, ahead: &Arc<Ahead>, mut early: impl FnMut(&File)) -> Result<Vec<File>, LoadError> {
    let (tell, told) = channel();
    let work = {
        let (packed, ahead) = (Arc::clone(packed), Arc::clone(ahead));
        // What fails here fails again on the thread that then unpacks alone.
        move || drop(catch_unwind(AssertUnwindSafe(|| unpack(&packed, &ahead, tell))))
    };
    all_cores();
    if rayon::current_num_threads() < 2 {
        return packed.files(AS_FILES);
    }
    rayon::spawn(work);
    let mut files = Vec::new();
    let mut seen = Seen::default();
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
}

/// Whether a file of a chart, or of one below it, is a template.
pub(super) fn is_template(name: &str) -> bool {
    name.starts_with("templates/") || name.contains("/templates/")
}

/// Whether a file has the values of a chart, or of one below it.
fn is_values(name: &str) -> bool {
    in_own_chart(name) == VALUES
}
