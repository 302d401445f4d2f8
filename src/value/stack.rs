//! Room on the stack for values that nest deeper than a thread's own stack allows.

/// Runs `f` with enough stack for one more level of nesting.
pub fn stacked<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(256 << 10, 4 << 20, f)
}
