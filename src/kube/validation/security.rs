//! Security contexts, profiles and operating systems. upstream: pkg/apis/core/validation

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::pod::each_container;
use super::volume::relative_path;
use super::{Errors, NOTHING, Raw, entries, flag, get, int, json, list, part, text};

fn ids(errors: &mut Errors, context: &Value, fields: &[&str], at: &At<'_>) {
    for field in fields {
        if let Some(id) = int(context, field) {
            errors.invalid_number(&at.child(field), id, names::user_id(id));
        }
    }
}

fn choice(errors: &mut Errors, context: &Value, field: &str, known: &[&str], at: &At<'_>) {
    if let Some(value) = get(context, field).and_then(Value::as_str)
        && !known.contains(&value)
    {
        errors.unsupported_json(&at.child(field), value, known);
    }
}

/// upstream: validatePodSpecSecurityContext
pub(super) fn pod_context(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let Some(context) = get(spec, "securityContext") else { return };
    ids(errors, context, &["fsGroup", "runAsUser", "runAsGroup"], at);
    for (i, id) in list(context, "supplementalGroups").iter().filter_map(Value::as_i64).enumerate() {
        errors.invalid_number(&at.item("supplementalGroups", i), id, names::user_id(id));
    }
    if flag(spec, "shareProcessNamespace") && flag(spec, "hostPID") {
        errors.invalid(&at.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
    }
    sysctls(errors, context, spec, &at.child("sysctls"));
    choice(errors, context, "fsGroupChangePolicy", &["Always", "OnRootMismatch"], at);
    seccomp(errors, context, &at.child("seccompProfile"));
    windows_options(errors, context, &at.child("windowsOptions"));
    app_armor(errors, context, &at.child("appArmorProfile"));
    choice(errors, context, "supplementalGroupsPolicy", &["Merge", "Strict"], at);
    choice(errors, context, "seLinuxChangePolicy", &["Recursive"], at);
}

/// upstream: ValidateSecurityContext
pub(super) fn container_context(errors: &mut Errors, context: &Value, host_users: bool, at: &At<'_>) {
    if context.is_null() {
        return;
    }
    ids(errors, context, &["runAsUser", "runAsGroup"], at);
    if let Some(mount) = get(context, "procMount").and_then(Value::as_str) {
        choice(errors, context, "procMount", &["Default", "Unmasked"], at);
        if host_users && mount == "Unmasked" {
            errors.invalid(&at.child("procMount"), mount, "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(errors, context, &at.child("seccompProfile"));
    if get(context, "allowPrivilegeEscalation").and_then(Value::as_bool) == Some(false) {
        if flag(context, "privileged") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            errors.invalid(at, Raw(context_text(context)), detail);
        }
        for _ in list(part(context, "capabilities"), "add").iter().filter(|c| *c == "CAP_SYS_ADMIN") {
            let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            errors.invalid(at, Raw(context_text(context)), detail);
        }
    }
    windows_options(errors, context, &at.child("windowsOptions"));
    app_armor(errors, context, &at.child("appArmorProfile"));
}

/// A struct as Go's JSON of a type without tags: every field, in order.
fn fields_text(value: &Value, fields: &[(&str, &str)]) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let shown: Vec<String> = fields.iter().map(|(go, key)| format!("\"{go}\":{}", json(part(value, key)))).collect();
    format!("{{{}}}", shown.join(","))
}

fn profile_text(value: &Value) -> String {
    if value.is_null() {
        return "null".to_owned();
    }
    let (kind, local) = (json(&text(value, "type").into()), json(part(value, "localhostProfile")));
    format!("{{\"Type\":{kind},\"LocalhostProfile\":{local}}}")
}

fn context_text(context: &Value) -> String {
    let plain = |key: &str| json(part(context, key));
    let linux = {
        let options = part(context, "seLinuxOptions");
        if options.is_null() {
            "null".to_owned()
        } else {
            let field = |go: &str, key: &str| format!("\"{go}\":{}", json(&text(options, key).into()));
            format!("{{{},{},{},{}}}", field("User", "user"), field("Role", "role"), field("Type", "type"), field("Level", "level"))
        }
    };
    let windows = fields_text(
        part(context, "windowsOptions"),
        &[
            ("GMSACredentialSpecName", "gmsaCredentialSpecName"),
            ("GMSACredentialSpec", "gmsaCredentialSpec"),
            ("RunAsUserName", "runAsUserName"),
            ("HostProcess", "hostProcess"),
        ],
    );
    format!(
        "{{\"Capabilities\":{},\"Privileged\":{},\"SELinuxOptions\":{linux},\"WindowsOptions\":{windows},\"RunAsUser\":{},\"RunAsGroup\":{},\"RunAsNonRoot\":{},\"ReadOnlyRootFilesystem\":{},\"AllowPrivilegeEscalation\":{},\"ProcMount\":{},\"SeccompProfile\":{},\"AppArmorProfile\":{}}}",
        fields_text(part(context, "capabilities"), &[("Add", "add"), ("Drop", "drop")]),
        plain("privileged"),
        plain("runAsUser"),
        plain("runAsGroup"),
        plain("runAsNonRoot"),
        plain("readOnlyRootFilesystem"),
        plain("allowPrivilegeEscalation"),
        plain("procMount"),
        profile_text(part(context, "seccompProfile")),
        profile_text(part(context, "appArmorProfile")),
    )
}

const SYSCTL: &str = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
static SYSCTL_SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SYSCTL).ok());

/// upstream: validateSysctls
fn sysctls(errors: &mut Errors, context: &Value, spec: &Value, at: &At<'_>) {
    let mut seen = BTreeSet::new();
    for (i, sysctl) in list(context, "sysctls").iter().enumerate() {
        let at = at.index(i);
        let at = at.child("name");
        let name = text(sysctl, "name");
        if name.is_empty() {
            errors.required(&at, "");
        } else if name.len() > 253 || !SYSCTL_SHAPE.as_ref().is_none_or(|r| r.is_match(name)) {
            errors.invalid(&at, name, &format!("must have at most 253 characters and match regex {SYSCTL}"));
        } else if seen.contains(name) {
            errors.duplicate(&at, name);
        }
        match namespace_of(name) {
            Some("net") if flag(spec, "hostNetwork") => errors.invalid(&at, name, "may not be specified when 'hostNetwork' is true"),
            Some("ipc") if flag(spec, "hostIPC") => errors.invalid(&at, name, "may not be specified when 'hostIPC' is true"),
            _ => {}
        }
        seen.insert(name);
    }
}

/// The kernel namespace of a sysctl. upstream: component-helpers/node/util/sysctl/namespace.go
fn namespace_of(name: &str) -> Option<&'static str> {
    // The first separator says which of dot and slash separates.
    let dotted = match name.find(['.', '/']) {
        Some(i) if name.as_bytes()[i] == b'/' => name
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                c => c,
            })
            .collect(),
        _ => name.to_owned(),
    };
    let ipc = ["kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"];
    if ipc.contains(&dotted.as_str()) || dotted.starts_with("kernel.msg") || dotted.starts_with("fs.mqueue.") {
        return Some("ipc");
    }
    dotted.starts_with("net.").then_some("net")
}

/// upstream: validateSeccompProfileField
fn seccomp(errors: &mut Errors, context: &Value, at: &At<'_>) {
    let Some(profile) = get(context, "seccompProfile") else { return };
    let kind = text(profile, "type");
    match kind {
        "Localhost" | "RuntimeDefault" | "Unconfined" => {}
        "" => errors.required(&at.child("type"), "type is required when seccompProfile is set"),
        other => errors.unsupported_json(&at.child("type"), other, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
    let path = at.child("localhostProfile");
    match (kind, get(profile, "localhostProfile").and_then(Value::as_str)) {
        ("Localhost", None) => errors.required(&path, "must be set when seccomp type is Localhost"),
        ("Localhost", Some(local)) => relative_path(errors, local, &path),
        (_, Some(_)) => errors.invalid(&path, Raw(profile_text(profile)), "can only be set when seccomp type is Localhost"),
        _ => {}
    }
}

/// upstream: ValidateAppArmorProfileField
fn app_armor(errors: &mut Errors, context: &Value, at: &At<'_>) {
    let Some(profile) = get(context, "appArmorProfile") else { return };
    let path = at.child("localhostProfile");
    let local = get(profile, "localhostProfile").and_then(Value::as_str);
    const MISSING: &str = "must be set when AppArmor type is Localhost";
    match text(profile, "type") {
        "Localhost" => match local {
            None => errors.required(&path, MISSING),
            Some(local) => {
                if local.trim() != local {
                    errors.invalid(&path, local, "must not be padded with whitespace");
                } else if local.is_empty() {
                    errors.required(&path, MISSING);
                }
                if local.len() > 4095 {
                    errors.too_long(&path, 4095);
                }
            }
        },
        "RuntimeDefault" | "Unconfined" => {
            if let Some(local) = local {
                errors.invalid(&path, local, "can only be set when AppArmor type is Localhost");
            }
        }
        "" => errors.required(&at.child("type"), "type is required when appArmorProfile is set"),
        other => errors.unsupported_json(&at.child("type"), other, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

static NETBIOS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^[^\\/:\*\?"<>|\.][^\\/:\*\?"<>|]{0,14}$"#).ok());
static DOMAIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    Regex::new(&format!(r"^{label}(?:\.{label})*$")).ok()
});

/// upstream: validateWindowsSecurityContextOptions
fn windows_options(errors: &mut Errors, context: &Value, at: &At<'_>) {
    let Some(options) = get(context, "windowsOptions") else { return };
    if let Some(name) = get(options, "gmsaCredentialSpecName").and_then(Value::as_str) {
        errors.invalid_text(&at.child("gmsaCredentialSpecName"), name, names::dns1123_subdomain(name));
    }
    if let Some(spec) = get(options, "gmsaCredentialSpec").and_then(Value::as_str) {
        let at = at.child("gmsaCredentialSpec");
        if spec.is_empty() {
            errors.invalid(&at, spec, "gmsaCredentialSpec cannot be an empty string");
        } else if spec.len() > 64 * 1024 {
            errors.invalid(&at, spec, "gmsaCredentialSpec size must be under 64 KiB");
        }
    }
    let Some(whole) = get(options, "runAsUserName").and_then(Value::as_str) else { return };
    let at = at.child("runAsUserName");
    let mut wrong = |detail: &str| errors.invalid(&at, whole, &format!("runAsUserName{detail}"));
    if whole.is_empty() {
        return wrong(" cannot be an empty string");
    }
    if whole.chars().any(|c| c.is_ascii_control()) {
        return wrong(" cannot contain control characters");
    }
    let parts: Vec<&str> = whole.split('\\').collect();
    let (domain, user) = match parts.as_slice() {
        [user] => (None, *user),
        [domain, user] => (Some(*domain), *user),
        _ => return wrong(" cannot contain more than one backslash"),
    };
    if let Some(domain) = domain {
        if domain.len() >= 256 {
            wrong("'s Domain length must be under 256 characters");
        }
        let matches = |r: &LazyLock<Option<Regex>>| r.as_ref().is_some_and(|r| r.is_match(domain));
        if !matches(&NETBIOS) && !matches(&DOMAIN) {
            wrong("'s Domain doesn't match the NetBios nor the DNS format");
        }
    }
    if user.is_empty() {
        wrong("'s User cannot be empty");
    } else if user.len() > 104 {
        wrong("'s User length must not be longer than 104 characters");
    }
    if !user.is_empty() && user.chars().all(|c| matches!(c, '.' | ' ')) {
        wrong("'s User cannot contain only periods or spaces");
    }
    if user.contains(['"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']']) {
        wrong("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
    }
}

/// upstream: validateWindowsHostProcessPod
pub(super) fn host_process(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let of = |context: &Value| part(part(context, "securityContext"), "windowsOptions").get("hostProcess").and_then(Value::as_bool);
    let of_pod = of(spec);
    let (mut all, mut hosted) = (0, 0);
    each_container(spec, at, |container, at| {
        all += 1;
        let own = of(container);
        if let (Some(pod), Some(own)) = (of_pod, own)
            && pod != own
        {
            let detail = format!("pod hostProcess value must be identical if both are specified, was {pod}");
            errors.invalid(&at.child("securityContext.windowsOptions.hostProcess"), own, &detail);
        }
        hosted += usize::from(own.or(of_pod) == Some(true));
    });
    if hosted > 0 {
        if hosted != all {
            errors.invalid(at, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers");
        }
        if !flag(spec, "hostNetwork") {
            errors.invalid(&at.child("hostNetwork"), false, "hostNetwork must be true if pod contains any hostProcess containers");
        }
    }
}

/// upstream: validateOS, validateLinux, validateWindows
pub(super) fn operating_system(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    let Some(os) = get(spec, "os") else { return };
    match text(os, "name") {
        "" => errors.required(&at.child("os.name"), ""),
        "linux" => linux(errors, spec, at),
        "windows" => windows(errors, spec, at),
        other => errors.unsupported_json(&at.child("os"), other, &["linux", "windows"]),
    }
}

fn linux(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    const DETAIL: &str = "windows options cannot be set for a linux pod";
    let set = |holder: &Value| get(part(holder, "securityContext"), "windowsOptions").is_some();
    if set(spec) {
        errors.forbidden(&at.child("securityContext.windowsOptions"), DETAIL);
    }
    each_container(spec, at, |container, at| {
        if set(container) {
            errors.forbidden(&at.child("securityContext.windowsOptions"), DETAIL);
        }
    });
}

fn windows(errors: &mut Errors, spec: &Value, at: &At<'_>) {
    const DETAIL: &str = "cannot be set for a windows pod";
    let context = part(spec, "securityContext");
    for field in ["appArmorProfile", "seLinuxOptions"] {
        if get(context, field).is_some() {
            errors.forbidden(&at.child("securityContext").child(field), DETAIL);
        }
    }
    if get(spec, "hostUsers").is_some() {
        errors.forbidden(&at.child("hostUsers"), DETAIL);
    }
    for field in ["hostPID", "hostIPC"] {
        if flag(spec, field) {
            errors.forbidden(&at.child(field), DETAIL);
        }
    }
    let fields = [
        "seccompProfile",
        "fsGroup",
        "fsGroupChangePolicy",
        "sysctls",
        "runAsUser",
        "runAsGroup",
        "supplementalGroups",
        "supplementalGroupsPolicy",
        "seLinuxChangePolicy",
    ];
    for field in fields {
        if get(context, field).is_some_and(|v| field != "sysctls" || v.as_array().is_some_and(|a| !a.is_empty())) {
            errors.forbidden(&at.child("securityContext").child(field), DETAIL);
        }
    }
    if get(spec, "shareProcessNamespace").is_some() {
        errors.forbidden(&at.child("shareProcessNamespace"), DETAIL);
    }
    each_container(spec, at, |container, at| {
        let context = get(container, "securityContext").unwrap_or(NOTHING);
        for field in [
            "appArmorProfile",
            "seLinuxOptions",
            "seccompProfile",
            "capabilities",
            "readOnlyRootFilesystem",
            "privileged",
            "allowPrivilegeEscalation",
            "procMount",
            "runAsUser",
            "runAsGroup",
        ] {
            if get(context, field).is_some() {
                errors.forbidden(&at.child("securityContext").child(field), DETAIL);
            }
        }
    });
}

fn seccomp_annotation(errors: &mut Errors, value: &str, at: &At<'_>) {
    match value {
        "runtime/default" | "docker/default" | "unconfined" => {}
        _ => match value.strip_prefix("localhost/") {
            Some(path) => relative_path(errors, path, at),
            None => errors.invalid(at, value, "must be a valid seccomp profile"),
        },
    }
}

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// upstream: ValidateSeccompPodAnnotations, ValidateAppArmorPodAnnotations
pub(super) fn profile_annotations(errors: &mut Errors, meta: &Value, spec: &Value, at: &At<'_>) {
    let annotations = || entries(meta, "annotations").map(|(k, v)| (k, v.as_str().unwrap_or("")));
    for (key, value) in annotations() {
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            // The name is one step of the path, dots and all.
            let mut found = Errors::default();
            seccomp_annotation(&mut found, value, &At::root());
            let mut place = super::super::field::Place::path(at);
            place.0.push(super::super::field::Step::Field(key.to_owned()));
            errors.graft(&place, found);
        }
    }
    for (key, value) in annotations() {
        let Some(name) = key.strip_prefix(APP_ARMOR) else { continue };
        let mut known = false;
        each_container(spec, at, |container, _| known |= text(container, "name") == name);
        if !known {
            errors.invalid(&at.key(key), name, "container not found");
        }
        if !["", "runtime/default", "unconfined"].contains(&value) && !value.starts_with("localhost/") {
            errors.invalid(&at.key(key), value, &format!("invalid AppArmor profile name: {}", super::quote(value)));
        }
    }
}

/// Whether an annotation says the same as a profile; else the field that differs.
fn same_profile(annotation: &str, profile: &Value, defaults: &[&str]) -> Option<&'static str> {
    match text(profile, "type") {
        "Unconfined" if annotation != "unconfined" => Some("type"),
        "RuntimeDefault" if !defaults.contains(&annotation) => Some("type"),
        "Localhost" => match annotation.strip_prefix("localhost/") {
            None => Some("type"),
            Some(path) if get(profile, "localhostProfile").is_none_or(|p| p != path) => Some("localhostProfile"),
            Some(_) => None,
        },
        _ => None,
    }
}

/// upstream: validateSeccompAnnotationsAndFields, validateAppArmorAnnotationsAndFieldsMatchOnCreate
pub(super) fn annotations_match(errors: &mut Errors, meta: &Value, spec: &Value, at: &At<'_>) {
    let annotations = part(meta, "annotations");
    let differs = |errors: &mut Errors, what: &str, field: &'static str, at: &At<'_>| {
        let word = if field == "type" { "type" } else { "profile" };
        errors.forbidden(&at.child(field), &format!("{what} {word} in annotation and field must match"));
    };
    let seccomp_defaults = ["runtime/default", "docker/default"];
    let of_pod = part(spec, "securityContext");
    if let (Some(profile), Some(annotation)) = (get(of_pod, "seccompProfile"), annotations.get(SECCOMP_POD).and_then(Value::as_str))
        && let Some(field) = same_profile(annotation, profile, &seccomp_defaults)
    {
        differs(errors, "seccomp", field, &at.child("securityContext.seccompProfile"));
    }
    each_container(spec, at, |container, at| {
        let key = format!("{SECCOMP_CONTAINER}{}", text(container, "name"));
        if let (Some(profile), Some(annotation)) =
            (get(part(container, "securityContext"), "seccompProfile"), annotations.get(&key).and_then(Value::as_str))
            && let Some(field) = same_profile(annotation, profile, &seccomp_defaults)
        {
            differs(errors, "seccomp", field, &at.child("securityContext.seccompProfile"));
        }
    });
    if text(part(spec, "os"), "name") == "windows" {
        return;
    }
    each_container(spec, at, |container, at| {
        let key = format!("{APP_ARMOR}{}", text(container, "name"));
        let own = get(part(container, "securityContext"), "appArmorProfile").or(get(of_pod, "appArmorProfile"));
        if let (Some(profile), Some(annotation)) = (own, annotations.get(&key).and_then(Value::as_str))
            && let Some(field) = same_profile(annotation, profile, &["runtime/default"])
        {
            differs(errors, "apparmor", field, &at.child("securityContext.appArmorProfile"));
        }
    });
}
