//! `chart-lock-out-of-date`: reports a `Chart.lock` that does not fit the dependencies of `Chart.yaml`.

use crate::helm::dependency::compatible;
use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(about)) = (cx.chart(), cx.about()) else { return };
    let Some(lock) = chart.lock.as_ref().and_then(|l| l.object.as_ref()).map(Field::root) else { return };
    // The first version of charts declares dependencies elsewhere.
    if chart.file("requirements.yaml").is_some() {
        return;
    }
    let wanted = about.items("dependencies");
    let locked = lock.items("dependencies");
    let help = "run `helm dependency update` and commit Chart.lock";
    for entry in &locked {
        let name = entry.text("name").unwrap_or("");
        let of_name: Vec<&Field> = wanted.iter().filter(|d| d.text("name") == Some(name)).collect();
        if of_name.is_empty() {
            cx.report(entry.place("name"), format!("Chart.yaml has no dependency `{name}`"), help);
            continue;
        }
        let version = entry.get("version").and_then(|v| v.scalar()).unwrap_or_default();
        let fits = |d: &&Field| d.get("version").and_then(|v| v.scalar()).is_none_or(|w| w.is_empty() || compatible(&w, &version));
        if !of_name.iter().any(fits) {
            let want = of_name[0].get("version").and_then(|v| v.scalar()).unwrap_or_default();
            cx.report(entry.place("version"), format!("the locked version {version} is not {want}, which Chart.yaml asks for"), help);
        }
        let same = |d: &&Field| {
            d.text("repository").unwrap_or("").trim_end_matches('/') == entry.text("repository").unwrap_or("").trim_end_matches('/')
        };
        // Names of repositories (@name) stand for addresses.
        let named = of_name.iter().any(|d| d.text("repository").is_none_or(|r| r.starts_with(['@', 'a']) && !r.contains("://")));
        if !of_name.iter().any(same) && !named {
            cx.report(entry.place("repository"), format!("the locked repository of `{name}` is another than in Chart.yaml"), help);
        }
    }
    for dependency in &wanted {
        let name = dependency.text("name").unwrap_or("");
        if !locked.iter().any(|l| l.text("name") == Some(name)) {
            cx.report(lock.place("dependencies"), format!("the lock does not hold the dependency `{name}`"), help);
        }
    }
}
