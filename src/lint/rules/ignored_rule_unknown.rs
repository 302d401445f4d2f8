//! `ignored-rule-unknown`: reports an ignore comment that names a rule kval does not have.

use crate::diagnostic::similar;
use crate::lint::context::Context;
use crate::lint::suppress;

pub(super) fn check(cx: &Context) {
    for (_, ignore) in suppress::comments(cx.input) {
        for id in ignore.ids {
            if crate::lint::page(id).is_none() && crate::lint::named(id).is_err() {
                let help = similar(id, crate::lint::rules().iter().map(|r| r.id))
                    .map_or_else(|| "`kval explain` lists all rules".to_owned(), |n| format!("did you mean `{n}`?"));
                cx.report_span(ignore.span, format!("there is no rule `{id}`"), help);
            }
        }
    }
}
