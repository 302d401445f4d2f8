//! `unused-ignore`: reports an ignore comment that silences nothing.

use crate::lint::context::Context;

/// Nothing is known before all findings are there: [`crate::lint::suppress()`] tells.
pub(super) fn check(_: &Context) {}
