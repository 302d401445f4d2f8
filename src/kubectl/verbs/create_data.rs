//! `kubectl create configmap|secret`: entries of literals and files. upstream: kubectl/pkg/cmd/create

use serde_json::{Map, Value, json};
use sha2::Digest;

use super::super::flags::Flags;
use super::super::session::{Fault, Session};
use super::create::{named, own_flags};
use crate::kube::names;
use crate::source::FileKind;

/// What is made of entries; the sentences differ a little.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    ConfigMap,
    Secret,
}

/// The flags of secrets, each with the kind that knows it.
const OWN: [(&str, &str); 11] = [
    ("generic", "type"),
    ("generic", "from-literal"),
    ("generic", "from-env-file"),
    ("generic", "from-file"),
    ("docker-registry", "from-file"),
    ("tls", "cert"),
    ("tls", "key"),
    ("docker-registry", "docker-server"),
    ("docker-registry", "docker-username"),
    ("docker-registry", "docker-password"),
    ("docker-registry", "docker-email"),
];

/// Entries so far.
struct Entries<'a> {
    of: Of,
    name: &'a str,
    all: Vec<(String, Vec<u8>)>,
}

impl Entries<'_> {
    fn add(&mut self, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let wrong = names::config_key(key);
        let known = self.all.iter().find(|(k, _)| k == key);
        let quoted = crate::value::quote(key.as_bytes());
        let why = match (self.of, known) {
            (Of::ConfigMap, _) if !wrong.is_empty() => format!("{quoted} is not a valid key name for a ConfigMap: {}", wrong.join(",")),
            (Of::Secret, _) if !wrong.is_empty() => format!("{quoted} is not valid key name for a Secret {}", wrong.join(";")),
            (Of::ConfigMap, Some((_, was))) => {
                let field = if std::str::from_utf8(was).is_ok() { "Data" } else { "BinaryData" };
                let name = crate::value::quote(self.name.as_bytes());
                format!("cannot add key {quoted}, another key by that name already exists in {field} for ConfigMap {name}")
            }
            (Of::Secret, Some(_)) => format!("cannot add key {key}, another key by that name already exists"),
            _ => {
                self.all.push((key.to_owned(), bytes));
                return Ok(());
            }
        };
        Err(Fault::error(why))
    }
}

/// The name and the path of `--from-file`. upstream: util.ParseFileSource
fn file_source(given: &str) -> Result<(&str, &str), Fault> {
    let why = match (given.matches('=').count(), given.split_once('=')) {
        (0, _) | (_, None) => return Ok((given.trim_end_matches('/').rsplit('/').next().unwrap_or(given), given)),
        (1, Some(("", path))) => format!("key name for file path {path} missing"),
        (1, Some((key, ""))) => format!("file path for key name {key} missing"),
        (1, Some(pair)) => return Ok(pair),
        _ => "key names or file paths cannot contain '='".to_owned(),
    };
    Err(Fault::error(why))
}

fn read(session: &Session<'_>, path: &str, missing: &str) -> Result<Vec<u8>, Fault> {
    let failed = |e: crate::source::WorldError| {
        Fault::error(format!("{missing}{}", if e.not_found { "no such file or directory" } else { &e.message }))
    };
    session.world.read(path).map_err(failed)
}

/// The entries of `--from-file`, `--from-literal` and `--from-env-file`.
fn entries(session: &Session<'_>, flags: &Flags, name: &str, of: Of) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    if flags.given("from-env-file") && (flags.given("from-file") || flags.given("from-literal")) {
        return Err(Fault::error("from-env-file cannot be combined with from-file or from-literal"));
    }
    let mut out = Entries { of, name, all: Vec::new() };
    for given in flags.list("from-file") {
        let (key, path) = file_source(&given)?;
        if !matches!(session.world.kind(path), Ok(FileKind::Directory)) {
            out.add(key, read(session, path, &format!("error reading {path}: "))?)?;
            continue;
        }
        if given.contains('=') {
            return Err(Fault::error("cannot give a key name for a directory path"));
        }
        for entry in session.world.read_dir(path).map_err(|e| Fault::error(e.message))? {
            if entry.kind == FileKind::File {
                let full = format!("{}/{}", path.trim_end_matches('/'), entry.name);
                out.add(&entry.name, read(session, &full, &format!("open {full}: "))?)?;
            }
        }
    }
    for given in flags.all("from-literal") {
        let wrong = || Fault::error(format!("invalid literal source {given}, expected key=value"));
        let (key, value) = given.split_once('=').filter(|(k, _)| !k.is_empty()).ok_or_else(wrong)?;
        out.add(key, value.as_bytes().to_vec())?;
    }
    for path in flags.list("from-env-file") {
        if matches!(session.world.kind(&path), Ok(FileKind::Directory)) {
            let noun = if of == Of::ConfigMap { "config" } else { "secret" };
            return Err(Fault::error(format!("env {noun} file cannot be a directory")));
        }
        let bytes = read(session, &path, &format!("error reading {path}: "))?;
        environment(&bytes, &path, &mut |key, value| out.add(key, value.as_bytes().to_vec()))?;
    }
    Ok(out.all)
}

/// Reads a file of variables; those without a value have that of nobody's environment. upstream: util.AddFromEnvFile
fn environment(bytes: &[u8], path: &str, add: &mut dyn FnMut(&str, &str) -> Result<(), Fault>) -> Result<(), Fault> {
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(text) = std::str::from_utf8(line) else {
            let shown: Vec<String> = line.iter().map(u8::to_string).collect();
            return Err(Fault::error(format!("env file {path} contains invalid utf8 bytes at line {}: [{}]", i + 1, shown.join(" "))));
        };
        let text = if i == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text }.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let wrong = names::plain_env_name(key);
        if !wrong.is_empty() {
            return Err(Fault::error(format!("{} is not a valid key name: {}", crate::value::quote(key.as_bytes()), wrong.join(";"))));
        }
        add(key, value)?;
    }
    Ok(())
}

/// What `--append-hash` appends to a name. upstream: kubectl/pkg/util/hash
fn hash(object: &Value) -> String {
    let text = crate::value::json::to_json(&super::super::files::from_json(object)).unwrap_or_default();
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&text));
    let letter = |c: char| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    digest.chars().take(10).map(letter).collect()
}

fn coded(bytes: &[u8]) -> Value {
    data_encoding::BASE64.encode(bytes).into()
}

pub(super) fn config_map(session: &Session<'_>, flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "configmap", skip)?;
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (key, bytes) in entries(session, flags, name, Of::ConfigMap)? {
        match String::from_utf8(bytes) {
            Ok(text) => data.insert(key, text.into()),
            Err(e) => binary.insert(key, coded(e.as_bytes())),
        };
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    if flags.on("append-hash") {
        let mut hashed = json!({"kind": "ConfigMap", "name": name, "data": data});
        if !binary.is_empty() {
            hashed["binaryData"] = binary.clone().into();
        }
        object["metadata"]["name"] = format!("{name}-{}", hash(&hashed)).into();
    }
    if !data.is_empty() {
        object["data"] = data.into();
    }
    if !binary.is_empty() {
        object["binaryData"] = binary.into();
    }
    Ok(object)
}

pub(super) fn secret(session: &mut Session<'_>, flags: &Flags) -> Result<Value, Fault> {
    let Some(kind) = flags.args.get(1) else { return Err(super::help::bare(session, "create secret")) };
    if !matches!(kind.as_str(), "generic" | "tls" | "docker-registry") {
        return Err(super::no_such_command("create secret", flags.args.get(1..).unwrap_or_default()));
    }
    own_flags(flags, "secret", kind, &OWN)?;
    let (name, _) = named(flags, &format!("secret {kind}"), 2)?;
    let mut data = Map::new();
    let mut of = flags.text("type").to_owned();
    match kind.as_str() {
        "tls" => {
            let (cert, key) = (flags.text("cert"), flags.text("key"));
            if cert.is_empty() || key.is_empty() {
                return Err(Fault::error("key and cert must be specified"));
            }
            let text = |path: &str| read(session, path, &format!("Cannot read file {path}, open {path}: "));
            let (cert, key) = (text(cert)?, text(key)?);
            crate::sprig::key_pair(&cert, &key).map_err(Fault::error)?;
            data.insert("tls.crt".to_owned(), coded(&cert));
            data.insert("tls.key".to_owned(), coded(&key));
            "kubernetes.io/tls".clone_into(&mut of);
        }
        "docker-registry" => {
            data = registry(session, flags, name)?;
            "kubernetes.io/dockerconfigjson".clone_into(&mut of);
        }
        _ => data.extend(entries(session, flags, name, Of::Secret)?.into_iter().map(|(k, v)| (k, coded(&v)))),
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    if flags.on("append-hash") {
        let hashed = json!({"kind": "Secret", "type": of, "name": name, "data": data});
        object["metadata"]["name"] = format!("{name}-{}", hash(&hashed)).into();
    }
    if !data.is_empty() {
        object["data"] = data.into();
    }
    if !of.is_empty() {
        object["type"] = of.into();
    }
    Ok(object)
}

/// What a registry's secret holds. upstream: create_secret_docker.go
fn registry(session: &Session<'_>, flags: &Flags, name: &str) -> Result<Map<String, Value>, Fault> {
    const KEY: &str = ".dockerconfigjson";
    let (user, password, email) = (flags.text("docker-username"), flags.text("docker-password"), flags.text("docker-email"));
    let server = if flags.given("docker-server") { flags.text("docker-server") } else { "https://index.docker.io/v1/" };
    if flags.given("from-file") {
        let given = flags.list("from-file");
        let renamed: Vec<String> = given.iter().map(|f| if f.contains('=') { f.clone() } else { format!("{KEY}={f}") }).collect();
        let mut out = Entries { of: Of::Secret, name, all: Vec::new() };
        for one in &renamed {
            let (key, path) = file_source(one)?;
            out.add(key, read(session, path, &format!("error reading {path}: "))?)?;
        }
        return Ok(out.all.into_iter().map(|(k, v)| (k, coded(&v))).collect());
    }
    if user.is_empty() || password.is_empty() || server.is_empty() {
        return Err(Fault::error(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        ));
    }
    // The fields stand in the order of Go's type.
    let quoted =
        |text: &str| crate::value::json::to_json(&text.into()).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let mut text = format!("{{\"auths\":{{{}:{{\"username\":{},\"password\":{}", quoted(server), quoted(user), quoted(password));
    if !email.is_empty() {
        text.push_str(&format!(",\"email\":{}", quoted(email)));
    }
    let auth = data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes());
    text.push_str(&format!(",\"auth\":{}}}}}}}", quoted(&auth)));
    Ok(Map::from_iter([(KEY.to_owned(), coded(text.as_bytes()))]))
}
