//! `chart-maintainer-invalid`: reports a maintainer without name, or with an e-mail or web address that is none.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(about) = cx.about() else { return };
    for maintainer in about.items("maintainers") {
        if maintainer.text("name").unwrap_or("").is_empty() {
            cx.report(maintainer.place("name"), "the maintainer has no name", "add it");
        }
        if let Some(email) = maintainer.get("email").filter(|e| e.str().is_some_and(|t| !t.is_empty() && !is_email(t))) {
            cx.report(email, format!("`{}` is no e-mail address", email.str().unwrap_or("")), "mend it");
        }
        if let Some(url) = maintainer
            .get("url")
            .filter(|u| u.str().is_some_and(|t| !t.is_empty() && (t.contains(' ') || !t.contains('.') && !t.contains("://"))))
        {
            cx.report(url, format!("`{}` is no web address", url.str().unwrap_or("")), "mend it");
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((user, host)) = text.rsplit_once('@') else { return false };
    !user.is_empty()
        && !text.contains(char::is_whitespace)
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !user.contains('@')
}
