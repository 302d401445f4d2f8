//! The checks of Pod Security, in the server's order. upstream: pod-security-admission policy/check_*.go

use std::collections::BTreeSet;

use serde_json::Value;

/// A pod and the minor version it is judged by.
pub(crate) struct Pod<'a> {
    /// Its metadata.
    pub(crate) meta: &'a Value,
    /// Its spec.
    pub(crate) spec: &'a Value,
    /// The version's minor number.
    pub(crate) minor: u32,
}

/// One check.
pub(crate) struct Check {
    /// Its id.
    pub(crate) id: &'static str,
    /// Whether only the restricted level has it.
    pub(crate) restricted: bool,
    /// The first minor version with it.
    pub(crate) since: u32,
    /// The checks of the baseline it stands for.
    pub(crate) overrides: &'static [&'static str],
    /// The reason and the detail of a violation.
    pub(crate) run: fn(&Pod<'_>) -> Option<(String, String)>,
}

const fn baseline(id: &'static str, since: u32, run: fn(&Pod<'_>) -> Option<(String, String)>) -> Check {
    Check { id, restricted: false, since, overrides: &[], run }
}

const fn restricted(
    id: &'static str,
    since: u32,
    overrides: &'static [&'static str],
    run: fn(&Pod<'_>) -> Option<(String, String)>,
) -> Check {
    Check { id, restricted: true, since, overrides, run }
}

/// All checks, sorted by id within their level.
pub(crate) const CHECKS: &[Check] = &[
    baseline("appArmorProfile", 0, app_armor),
    baseline("capabilities_baseline", 0, capabilities_baseline),
    baseline("hostNamespaces", 0, host_namespaces),
    baseline("hostPathVolumes", 0, host_path),
    baseline("hostPorts", 0, host_ports),
    baseline("hostProbesAndHostLifecycle", 34, probe_hosts),
    baseline("privileged", 0, privileged),
    baseline("procMount", 0, proc_mount_baseline),
    baseline("seLinuxOptions", 0, selinux),
    baseline("seccompProfile_baseline", 0, seccomp_baseline),
    baseline("sysctls", 0, sysctls),
    baseline("windowsHostProcess", 0, host_process),
    restricted("allowPrivilegeEscalation", 8, &[], privilege_escalation),
    restricted("capabilities_restricted", 22, &["capabilities_baseline"], capabilities_restricted),
    restricted("procMount_restricted", 35, &["procMount"], proc_mount),
    restricted("restrictedVolumes", 0, &["hostPathVolumes"], restricted_volumes),
    restricted("runAsNonRoot", 0, &[], run_as_non_root),
    restricted("runAsUser", 23, &[], run_as_user),
    restricted("seccompProfile_restricted", 19, &["seccompProfile_baseline"], seccomp_restricted),
];

impl Pod<'_> {
    fn containers(&self) -> impl Iterator<Item = &Value> {
        ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .flat_map(|key| self.spec.get(key).and_then(Value::as_array).into_iter().flatten())
    }

    fn context(&self) -> &Value {
        self.spec.get("securityContext").unwrap_or(&Value::Null)
    }

    fn is_windows(&self) -> bool {
        self.minor >= 25 && self.spec.pointer("/os/name").and_then(Value::as_str) == Some("windows")
    }

    /// Whether user namespaces relax the rules.
    fn is_relaxed(&self) -> bool {
        self.minor >= 35 && self.spec.get("hostUsers").and_then(Value::as_bool) == Some(false)
    }

    /// The names of the containers that are `bad`.
    fn named(&self, mut bad: impl FnMut(&Value) -> bool) -> Vec<String> {
        self.containers().filter(|c| bad(c)).map(|c| text(c, "name").to_owned()).collect()
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// A field of a container's security context.
fn context<'a>(container: &'a Value, key: &str) -> Option<&'a Value> {
    container.get("securityContext")?.get(key).filter(|v| !v.is_null())
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn quoted<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| format!("\"{}\"", i.as_ref())).collect();
    items.join(", ")
}

fn plural<'a>(one: &'a str, many: &'a str, count: usize) -> &'a str {
    if count == 1 { one } else { many }
}

/// `container "a"` or `containers "a", "b"`.
fn containers(names: &[String]) -> String {
    format!("{} {}", plural("container", "containers", names.len()), quoted(names))
}

fn found(reason: &str, detail: String) -> Option<(String, String)> {
    Some((reason.to_owned(), detail))
}

/// `pod` and the containers that set something.
fn setters(pod: bool, names: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    if pod {
        out.push("pod".to_owned());
    }
    if !names.is_empty() {
        out.push(containers(names));
    }
    out
}

fn app_armor(pod: &Pod<'_>) -> Option<(String, String)> {
    const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
    let mut values = BTreeSet::new();
    let mut bad = |profile: Option<&Value>| {
        let Some(profile) = profile else { return false };
        let kind = text(profile, "type");
        let wrong = !matches!(kind, "RuntimeDefault" | "Localhost");
        if wrong {
            values.insert(kind.to_owned());
        }
        wrong
    };
    let pod_bad = bad(pod.context().get("appArmorProfile").filter(|v| !v.is_null()));
    let names = pod.named(|c| bad(context(c, "appArmorProfile")));
    let mut by = setters(pod_bad, &names);
    let mut shown: Vec<String> = values.into_iter().collect();
    let annotations = pod.meta.get("annotations").and_then(Value::as_object);
    let mut forbidden: Vec<String> = annotations
        .into_iter()
        .flatten()
        .filter_map(|(k, v)| Some((k, v.as_str()?)))
        .filter(|(k, v)| k.starts_with(PREFIX) && !v.is_empty() && *v != "runtime/default" && !v.starts_with("localhost/"))
        .map(|(k, v)| format!("{k}={}", super::decode::quote(v)))
        .collect();
    if !forbidden.is_empty() {
        forbidden.sort();
        by.push(plural("annotation", "annotations", forbidden.len()).to_owned());
        shown.extend(forbidden);
    }
    if by.is_empty() {
        return None;
    }
    let reason = plural("forbidden AppArmor profile", "forbidden AppArmor profiles", shown.len());
    found(reason, format!("{} must not set AppArmor profile type to {}", by.join(" and "), quoted(&shown)))
}

fn added(container: &Value) -> impl Iterator<Item = &str> {
    context(container, "capabilities").into_iter().flat_map(|c| list(c, "add")).filter_map(Value::as_str)
}

/// The capabilities that the baseline lets containers add.
pub const BASELINE_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn capabilities_baseline(pod: &Pod<'_>) -> Option<(String, String)> {
    let mut wrong = BTreeSet::new();
    let names = pod.named(|c| {
        let bad: Vec<String> = added(c).filter(|a| !BASELINE_CAPABILITIES.contains(a)).map(str::to_owned).collect();
        let any = !bad.is_empty();
        wrong.extend(bad);
        any
    });
    if names.is_empty() {
        return None;
    }
    found(
        "non-default capabilities",
        format!("{} must not include {} in securityContext.capabilities.add", containers(&names), quoted(wrong)),
    )
}

fn capabilities_restricted(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.is_windows() {
        return None;
    }
    let mut details = Vec::new();
    let missing = pod.named(|c| {
        let dropped = context(c, "capabilities").is_some_and(|c| list(c, "drop").any(|d| d.as_str() == Some("ALL")));
        !dropped
    });
    if !missing.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&missing)));
    }
    let mut wrong = BTreeSet::new();
    let adding = pod.named(|c| {
        let bad: Vec<String> = added(c).filter(|a| *a != "NET_BIND_SERVICE").map(str::to_owned).collect();
        let any = !bad.is_empty();
        wrong.extend(bad);
        any
    });
    if !adding.is_empty() {
        details.push(format!("{} must not include {} in securityContext.capabilities.add", containers(&adding), quoted(wrong)));
    }
    if details.is_empty() { None } else { found("unrestricted capabilities", details.join("; ")) }
}

fn host_namespaces(pod: &Pod<'_>) -> Option<(String, String)> {
    let set: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|key| pod.spec.get(*key).and_then(Value::as_bool) == Some(true))
        .map(|key| format!("{key}=true"))
        .collect();
    if set.is_empty() { None } else { found("host namespaces", set.join(", ")) }
}

fn host_path(pod: &Pod<'_>) -> Option<(String, String)> {
    let bad: Vec<&str> =
        list(pod.spec, "volumes").filter(|v| v.get("hostPath").is_some_and(|h| !h.is_null())).map(|v| text(v, "name")).collect();
    if bad.is_empty() {
        return None;
    }
    found("hostPath volumes", format!("{} {}", plural("volume", "volumes", bad.len()), quoted(&bad)))
}

fn host_ports(pod: &Pod<'_>) -> Option<(String, String)> {
    let mut ports = BTreeSet::new();
    let names = pod.named(|c| {
        let used: Vec<String> =
            list(c, "ports").filter_map(|p| p.get("hostPort")?.as_i64()).filter(|p| *p != 0).map(|p| p.to_string()).collect();
        let any = !used.is_empty();
        ports.extend(used);
        any
    });
    if names.is_empty() {
        return None;
    }
    let shown: Vec<String> = ports.into_iter().collect();
    let use_word = plural("uses", "use", names.len());
    let port_word = plural("hostPort", "hostPorts", shown.len());
    found("hostPort", format!("{} {use_word} {port_word} {}", containers(&names), shown.join(", ")))
}

fn probe_hosts(pod: &Pod<'_>) -> Option<(String, String)> {
    let mut hosts = BTreeSet::new();
    let mut names = BTreeSet::new();
    for container in pod.containers() {
        let handlers = ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/postStart", "/lifecycle/preStop"];
        for handler in handlers.iter().filter_map(|p| container.pointer(p)) {
            for kind in ["httpGet", "tcpSocket"] {
                let host = handler.get(kind).map_or("", |h| text(h, "host"));
                if !host.is_empty() {
                    hosts.insert(host.to_owned());
                    names.insert(text(container, "name").to_owned());
                }
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let names: Vec<String> = names.into_iter().collect();
    let use_word = plural("uses", "use", names.len());
    let host_word = plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.len());
    found("probe or lifecycle host", format!("{} {use_word} {host_word} {}", containers(&names), quoted(hosts)))
}

fn privileged(pod: &Pod<'_>) -> Option<(String, String)> {
    let names = pod.named(|c| context(c, "privileged").and_then(Value::as_bool) == Some(true));
    if names.is_empty() {
        return None;
    }
    found("privileged", format!("{} must not set securityContext.privileged=true", containers(&names)))
}

fn proc_mount_baseline(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.is_relaxed() { None } else { proc_mount(pod) }
}

fn proc_mount(pod: &Pod<'_>) -> Option<(String, String)> {
    let mut kinds = BTreeSet::new();
    let names = pod.named(|c| {
        let kind = context(c, "procMount").and_then(Value::as_str).filter(|k| *k != "Default");
        kinds.extend(kind.map(str::to_owned));
        kind.is_some()
    });
    if names.is_empty() {
        return None;
    }
    found("procMount", format!("{} must not set securityContext.procMount to {}", containers(&names), quoted(kinds)))
}

fn selinux(pod: &Pod<'_>) -> Option<(String, String)> {
    let engine = pod.minor >= 31;
    let (mut kinds, mut user, mut role) = (BTreeSet::new(), false, false);
    let mut bad = |options: Option<&Value>| {
        let Some(options) = options else { return false };
        let kind = text(options, "type");
        let mut wrong = false;
        if !(matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t") || (engine && kind == "container_engine_t")) {
            kinds.insert(kind.to_owned());
            wrong = true;
        }
        if !text(options, "user").is_empty() {
            (wrong, user) = (true, true);
        }
        if !text(options, "role").is_empty() {
            (wrong, role) = (true, true);
        }
        wrong
    };
    let pod_bad = bad(pod.context().get("seLinuxOptions").filter(|v| !v.is_null()));
    let names = pod.named(|c| bad(context(c, "seLinuxOptions")));
    let by = setters(pod_bad, &names);
    if by.is_empty() {
        return None;
    }
    let mut data = Vec::new();
    if !kinds.is_empty() {
        data.push(format!("{} {}", plural("type", "types", kinds.len()), quoted(&kinds)));
    }
    if user {
        data.push("user may not be set".to_owned());
    }
    if role {
        data.push("role may not be set".to_owned());
    }
    found("seLinuxOptions", format!("{} set forbidden securityContext.seLinuxOptions: {}", by.join(" and "), data.join("; ")))
}

fn seccomp_ok(profile: &Value) -> bool {
    matches!(text(profile, "type"), "Localhost" | "RuntimeDefault")
}

fn seccomp_annotations(pod: &Pod<'_>) -> Option<(String, String)> {
    let good = |v: &str| matches!(v, "runtime/default" | "docker/default") || v.starts_with("localhost/");
    let mut keys = vec!["seccomp.security.alpha.kubernetes.io/pod".to_owned()];
    keys.extend(pod.containers().map(|c| format!("container.seccomp.security.alpha.kubernetes.io/{}", text(c, "name"))));
    let annotations = pod.meta.get("annotations").unwrap_or(&Value::Null);
    let forbidden: BTreeSet<String> = keys
        .iter()
        .filter_map(|k| Some((k, annotations.get(k)?.as_str()?)))
        .filter(|(_, v)| !good(v))
        .map(|(k, v)| format!("{k}={}", super::decode::quote(v)))
        .collect();
    if forbidden.is_empty() {
        return None;
    }
    let shown: Vec<String> = forbidden.into_iter().collect();
    found("seccompProfile", format!("forbidden {} {}", plural("annotation", "annotations", shown.len()), shown.join(", ")))
}

/// The profiles that are set to something forbidden.
fn seccomp_bad(pod: &Pod<'_>) -> Option<(String, String)> {
    let mut kinds = BTreeSet::new();
    let mut bad = |profile: Option<&Value>| {
        let wrong = profile.filter(|p| !seccomp_ok(p));
        kinds.extend(wrong.map(|p| text(p, "type").to_owned()));
        wrong.is_some()
    };
    let pod_bad = bad(pod.context().get("seccompProfile").filter(|v| !v.is_null()));
    let names = pod.named(|c| bad(context(c, "seccompProfile")));
    let by = setters(pod_bad, &names);
    if by.is_empty() {
        return None;
    }
    found("seccompProfile", format!("{} must not set securityContext.seccompProfile.type to {}", by.join(" and "), quoted(kinds)))
}

fn seccomp_baseline(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.minor < 19 { seccomp_annotations(pod) } else { seccomp_bad(pod) }
}

fn seccomp_restricted(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.is_windows() {
        return None;
    }
    if let Some(bad) = seccomp_bad(pod) {
        return Some(bad);
    }
    let pod_set = pod.context().get("seccompProfile").is_some_and(|p| !p.is_null() && seccomp_ok(p));
    let names = pod.named(|c| !pod_set && context(c, "seccompProfile").is_none());
    if names.is_empty() {
        return None;
    }
    let sentence = "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"";
    found("seccompProfile", format!("pod or {} {sentence}", containers(&names)))
}

fn sysctls(pod: &Pod<'_>) -> Option<(String, String)> {
    let allowed = |name: &str| {
        let since = match name {
            "kernel.shm_rmid_forced"
            | "net.ipv4.ip_local_port_range"
            | "net.ipv4.tcp_syncookies"
            | "net.ipv4.ping_group_range"
            | "net.ipv4.ip_unprivileged_port_start" => 0,
            "net.ipv4.ip_local_reserved_ports" => 27,
            "net.ipv4.tcp_keepalive_time"
            | "net.ipv4.tcp_fin_timeout"
            | "net.ipv4.tcp_keepalive_intvl"
            | "net.ipv4.tcp_keepalive_probes" => 29,
            "net.ipv4.tcp_rmem" | "net.ipv4.tcp_wmem" => 32,
            _ => return false,
        };
        pod.minor >= since
    };
    let bad: Vec<&str> = list(pod.context(), "sysctls").map(|s| text(s, "name")).filter(|n| !allowed(n)).collect();
    if bad.is_empty() { None } else { found("forbidden sysctls", bad.join(", ")) }
}

fn host_process(pod: &Pod<'_>) -> Option<(String, String)> {
    let set = |options: Option<&Value>| options.and_then(|o| o.get("hostProcess")).and_then(Value::as_bool) == Some(true);
    let by = setters(set(pod.context().get("windowsOptions")), &pod.named(|c| set(context(c, "windowsOptions"))));
    if by.is_empty() {
        return None;
    }
    found("hostProcess", format!("{} must not set securityContext.windowsOptions.hostProcess=true", by.join(" and ")))
}

fn privilege_escalation(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.is_windows() {
        return None;
    }
    let names = pod.named(|c| context(c, "allowPrivilegeEscalation").and_then(Value::as_bool) != Some(false));
    if names.is_empty() {
        return None;
    }
    let sentence = "must set securityContext.allowPrivilegeEscalation=false";
    found("allowPrivilegeEscalation != false", format!("{} {sentence}", containers(&names)))
}

/// The types of volumes that the restricted standard allows.
pub const RESTRICTED_VOLUMES: &[&str] =
    &["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];

fn restricted_volumes(pod: &Pod<'_>) -> Option<(String, String)> {
    const KINDS: [&str; 21] = [
        "hostPath",
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "gitRepo",
        "nfs",
        "iscsi",
        "glusterfs",
        "rbd",
        "flexVolume",
        "cinder",
        "cephfs",
        "flocker",
        "fc",
        "azureFile",
        "vsphereVolume",
        "quobyte",
        "azureDisk",
        "photonPersistentDisk",
        "portworxVolume",
        "scaleIO",
        "storageos",
    ];
    let has = |volume: &Value, key: &str| volume.get(key).is_some_and(|v| !v.is_null());
    let mut kinds = BTreeSet::new();
    let mut names = Vec::new();
    for volume in list(pod.spec, "volumes") {
        // A volume without a source is an emptyDir by default.
        let bare = volume.as_object().is_some_and(|v| v.iter().all(|(k, v)| k == "name" || v.is_null()));
        if bare || RESTRICTED_VOLUMES.iter().any(|key| has(volume, key)) {
            continue;
        }
        names.push(text(volume, "name"));
        kinds.insert(KINDS.iter().find(|key| has(volume, key)).map_or("unknown", |key| *key));
    }
    if names.is_empty() {
        return None;
    }
    let volume_word = plural("volume", "volumes", names.len());
    let use_word = plural("uses", "use", names.len());
    let kind_word = plural("restricted volume type", "restricted volume types", kinds.len());
    found("restricted volume types", format!("{volume_word} {} {use_word} {kind_word} {}", quoted(&names), quoted(kinds)))
}

fn run_as_non_root(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.is_relaxed() {
        return None;
    }
    let pod_value = pod.context().get("runAsNonRoot").and_then(Value::as_bool);
    let value = |c: &Value| context(c, "runAsNonRoot").and_then(Value::as_bool);
    let by = setters(pod_value == Some(false), &pod.named(|c| value(c) == Some(false)));
    if !by.is_empty() {
        return found("runAsNonRoot != true", format!("{} must not set securityContext.runAsNonRoot=false", by.join(" and ")));
    }
    let implicit = pod.named(|c| pod_value != Some(true) && value(c).is_none());
    if implicit.is_empty() {
        return None;
    }
    found("runAsNonRoot != true", format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&implicit)))
}

fn run_as_user(pod: &Pod<'_>) -> Option<(String, String)> {
    if pod.is_relaxed() {
        return None;
    }
    let root = |v: Option<&Value>| v.and_then(Value::as_i64) == Some(0);
    let by = setters(root(pod.context().get("runAsUser")), &pod.named(|c| root(context(c, "runAsUser"))));
    if by.is_empty() { None } else { found("runAsUser=0", format!("{} must not set runAsUser=0", by.join(" and "))) }
}
