//! One file per family of template functions.
