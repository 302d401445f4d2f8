//! The rule registry, suppression, object index, and one file per rule.
