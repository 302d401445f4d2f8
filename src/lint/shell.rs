//! Command lines of containers and hooks, as far as rules read them.

use super::field::Field;

/// The words of `command` and `args`, with their places.
pub(super) fn words<'a>(container: &Field<'a>) -> Vec<Field<'a>> {
    let mut words = container.items("command");
    words.extend(container.items("args"));
    words
}
