//! The threads of a run: one that does the work, and those that help it where there is much.

use std::sync::Once;

/// The stack of the thread that does the work, and of each that helps it: templates may nest deeply, and a stack that is not
/// used costs nothing.
pub const STACK: usize = 256 << 20;

/// What a thread asks of the allocator at once.
const RESERVE: usize = 16 << 20;

/// Makes glibc take a thread's memory in one step, not page by page. The first request lifts its thresholds, the second one's
/// memory then stays with the thread; untouched, it costs nothing.
pub fn reserve() {
    for _ in 0..2 {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(RESERVE)));
    }
}

/// Makes the threads that help, one for each further core; the calling thread is one of them from then on. To be called before
/// work is shared, by the thread that does the work: making them takes longer than a small chart does.
pub fn all_cores() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        // Where a program that uses this library has made threads already, those help.
        let _ = rayon::ThreadPoolBuilder::new().use_current_thread().stack_size(STACK).start_handler(|_| reserve()).build_global();
    });
}
