//! `chart-secrets-in-package`: reports files that look like credentials (`.env`, private keys, a Git folder) and
//! that `.helmignore` does not leave out.

use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let mut git = false;
    for (name, file) in &chart.files {
        let last = name.rsplit('/').next().unwrap_or(name);
        if name.starts_with(".git/") {
            if !git {
                cx.report_file(chart, ".git", "the Git folder is packed into the chart", "add .git/ to .helmignore");
            }
            git = true;
            continue;
        }
        let private = || file.is_some_and(|f| cx.input.sources.get(f).text.contains("PRIVATE KEY-----"));
        let ending = last.rsplit_once('.').map_or("", |(_, e)| e);
        let secret =
            matches!(last, ".env" | "id_rsa" | "id_ed25519" | "id_ecdsa" | ".npmrc" | ".netrc" | ".pgpass" | "kubeconfig" | ".htpasswd")
                || last.starts_with(".env.") && !last.ends_with("example") && !last.ends_with("sample")
                || matches!(ending, "key" | "p12" | "pfx" | "jks" | "kubeconfig" | "keystore")
                || ending == "pem" && private();
        if secret {
            cx.report_file(
                chart,
                name,
                format!("`{name}` looks like a credential and is packed into the chart"),
                format!("add {last} to .helmignore"),
            );
        }
    }
}
