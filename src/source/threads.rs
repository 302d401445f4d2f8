//! The threads of a run: one that does the work, and those that help it where there is much.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

use super::cores::Pair;

/// The stack of the thread that does the work, and of each that helps it: templates may nest deeply, and a stack that is not
/// used costs nothing.
pub const STACK: usize = 256 << 20;

/// Whether the process ends soon.
static BRIEF: AtomicBool = AtomicBool::new(false);

/// Says that the process ends soon: the thread that makes others then keeps to its core as they do to theirs. A longer one
/// goes where others leave it room.
pub fn brief() {
    BRIEF.store(true, Ordering::Relaxed);
}

/// Makes the threads that help, one for each further core; the calling thread is one of them from then on. To be called before
/// work is shared, by the thread that does the work: making them takes longer than a small chart does.
pub fn all_cores() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let pair = Pair::of_cores();
        let count = pair.as_ref().map_or(0, |_| 2);
        // The calling thread goes on before the others run; what a pool for all threads does would wait for that.
        let threads = rayon::ThreadPoolBuilder::new().num_threads(count).use_current_thread().stack_size(STACK).build();
        // Where a program that uses this library has made threads already, those help.
        threads.into_iter().for_each(std::mem::forget);
        if let Some(pair) = pair {
            pair.part(BRIEF.load(Ordering::Relaxed));
        }
    });
}

/// Goes on helping for a moment, for a thread that did its part: to wake it, once it sleeps, takes as long as a template.
pub fn help_on() {
    const MOMENT: Duration = Duration::from_micros(300);
    let mut done = Instant::now();
    while done.elapsed() < MOMENT {
        match rayon::yield_now() {
            Some(Yield::Executed) => done = Instant::now(),
            Some(Yield::Idle) => std::thread::yield_now(),
            None => return,
        }
    }
}
