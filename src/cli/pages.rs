//! How large the pages are in which the system hands out memory. A command on a large cluster spends a sixth of its time on
//! asking for small ones; a short one would clear large ones in vain, and take half as much memory again.

/// From how many bytes of state on a cluster is a large one.
const LARGE: u64 = 1 << 20;

/// Pages of the smallest size from now on.
pub(super) fn small() {
    ask(true);
}

/// Pages that fit a cluster whose state has so many bytes, from now on.
pub(super) fn fit(state: u64) {
    if state >= LARGE {
        ask(false);
    }
}

/// A system that refuses goes on as before: only time depends on it.
#[cfg(target_os = "linux")]
fn ask(small: bool) {
    let _ = rustix::thread::disable_transparent_huge_pages(small);
}

#[cfg(not(target_os = "linux"))]
const fn ask(_small: bool) {}
