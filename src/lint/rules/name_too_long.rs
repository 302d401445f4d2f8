//! `name-too-long`: reports a name that leaves no room for the names made from it: 52 characters for a CronJob, 63
//! for what becomes a label or a host name.

use crate::lint::context::Context;

/// Kinds, the longest name that works, and what it runs into. A StatefulSet's pods carry `NAME-HASH` (a hash of up to
/// ten characters) as a label.
const LIMITS: &[(&str, usize, &str)] = &[
    ("CronJob", 52, "Jobs get a suffix of 11 characters"),
    ("StatefulSet", 52, "the label controller-revision-hash of its pods holds the name and a hash"),
    ("Job", 63, "its pods carry the name as a label"),
    ("Service", 63, "it is a host name"),
    ("Namespace", 63, "it is a label of host names"),
];

pub(super) fn check(cx: &Context) {
    for (kind, limit, why) in LIMITS {
        for object in cx.all(kind) {
            let length = object.object.id.name.len();
            if length > *limit {
                cx.report(
                    object.place("metadata.name"),
                    format!("the name has {length} characters, more than {limit}: {why}"),
                    "shorten it",
                );
            }
        }
    }
}
