//! `chart-dependency-unpinned`: reports a dependency with a range of versions and without `Chart.lock`.

use crate::lint::context::Context;
use crate::sprig::semver::Version;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(about)) = (cx.chart(), cx.about()) else { return };
    if chart.lock.is_some() {
        return;
    }
    let packed = chart.path.ends_with(".tgz") || chart.path.ends_with(".tar.gz");
    for dependency in about.items("dependencies") {
        // Charts beside this one have the version they have.
        if dependency.text("repository").unwrap_or("").is_empty() || dependency.text("repository").is_some_and(|r| r.starts_with("file://"))
        {
            continue;
        }
        // A packed chart holds the version that was chosen.
        let name = dependency.text("name").unwrap_or("");
        if packed && chart.below.iter().any(|(_, below)| below.name() == name) {
            continue;
        }
        let version = dependency.get("version").and_then(|v| v.scalar()).unwrap_or_default();
        if Version::parse_strict(version.trim_start_matches(['=', ' ']).trim_start_matches('v')).is_err() {
            cx.report(
                dependency.place("version"),
                format!("the version `{version}` is a range, and there is no Chart.lock"),
                "commit Chart.lock, or name one version",
            );
        }
    }
}
