//! `control-plane-flags`: reports flags of a control plane component (kube-apiserver, controller-manager,
//! scheduler, etcd) that the CIS benchmark forbids.

use crate::lint::context::Context;
use crate::lint::shell;

/// A program, a flag, what its value must not contain, and why.
const FORBIDDEN: &[(&str, &str, &str, &str)] = &[
    ("kube-apiserver", "--anonymous-auth", "true", "anonymous requests are served"),
    ("kube-apiserver", "--authorization-mode", "AlwaysAllow", "AlwaysAllow authorizes everything"),
    ("kube-apiserver", "--insecure-port", "8", "the insecure port is open"),
    ("kube-apiserver", "--token-auth-file", "", "tokens are static"),
    ("kube-apiserver", "--basic-auth-file", "", "passwords are static"),
    ("kube-apiserver", "--kubelet-https", "false", "kubelets are reached without TLS"),
    ("kube-apiserver", "--enable-admission-plugins", "AlwaysAdmit", "AlwaysAdmit admits everything"),
    ("kube-apiserver", "--profiling", "true", "profiling is open"),
    ("kube-apiserver", "--service-account-lookup", "false", "deleted service accounts stay valid"),
    ("kube-controller-manager", "--profiling", "true", "profiling is open"),
    ("kube-controller-manager", "--use-service-account-credentials", "false", "all controllers share one credential"),
    ("kube-scheduler", "--profiling", "true", "profiling is open"),
    ("etcd", "--client-cert-auth", "false", "clients need no certificate"),
    ("etcd", "--auto-tls", "true", "certificates are self-signed"),
    ("etcd", "--peer-client-cert-auth", "false", "peers need no certificate"),
    ("etcd", "--peer-auto-tls", "true", "certificates are self-signed"),
    ("kubelet", "--anonymous-auth", "true", "anonymous requests are served"),
    ("kubelet", "--read-only-port", "10255", "the read-only port is open"),
];

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers() {
        let words = shell::words(&container.field);
        let program = words.iter().find_map(|w| {
            let name = w.str()?.rsplit('/').next()?;
            FORBIDDEN.iter().map(|f| f.0).find(|p| *p == name)
        });
        let Some(program) = program else { continue };
        for word in &words {
            let Some(text) = word.str() else { continue };
            let (flag, value) = text.split_once('=').unwrap_or((text, "true"));
            if let Some((_, _, _, why)) = FORBIDDEN.iter().find(|(p, f, bad, _)| *p == program && *f == flag && value.contains(bad)) {
                cx.report(word, format!("{program}: {why}"), "follow the CIS benchmark");
            }
        }
    }
}
