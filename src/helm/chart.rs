//! The chart: its metadata, templates, values and files, and the charts below it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::load::LoadError;
use super::strvals::{is_print, quote};
use crate::value::{Map, float_text};
use crate::yaml::{Node, NodeKind};

/// A file of a chart; what nobody may look at is read when somebody does.
#[derive(Clone)]
pub struct File {
    /// The path from the chart's top, with `/`.
    pub name: String,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Read(Arc<[u8]>),
    Unread(Arc<Unread>),
}

/// Reads a file; on failure, Helm's sentence.
pub(super) type Reader = Box<dyn Fn() -> Result<Arc<[u8]>, LoadError> + Send + Sync>;

struct Unread {
    size: u64,
    read: Reader,
    /// What was read, nothing where that failed, and why.
    read_once: OnceLock<(Arc<[u8]>, Option<LoadError>)>,
}

impl File {
    /// A file of a name and content.
    pub fn new(name: impl Into<String>, data: Vec<u8>) -> Self {
        Self { name: name.into(), content: Content::Read(data.into()) }
    }

    /// A file of a name and content, which it shares.
    pub(super) fn of(name: &str, data: Arc<[u8]>) -> Self {
        Self { name: name.to_owned(), content: Content::Read(data) }
    }

    /// A file of so many bytes that is read when it is needed.
    pub(super) fn later(name: String, size: u64, read: Reader) -> Self {
        Self { name, content: Content::Unread(Arc::new(Unread { size, read, read_once: OnceLock::new() })) }
    }

    /// How many bytes it has, as far as that is known without reading it.
    pub(super) fn size(&self) -> u64 {
        match &self.content {
            Content::Read(data) => data.len() as u64,
            Content::Unread(file) => file.size,
        }
    }

    /// The content; nothing when it is read only now and that fails, which [`Chart::all_read`] tells.
    pub fn data(&self) -> &Arc<[u8]> {
        match &self.content {
            Content::Read(data) => data,
            Content::Unread(file) => {
                let read = || match (file.read)() {
                    Ok(data) => (data, None),
                    Err(e) => (Arc::default(), Some(e)),
                };
                &file.read_once.get_or_init(read).0
            }
        }
    }

    /// Why it could not be read when it was needed.
    fn failure(&self) -> Option<&LoadError> {
        match &self.content {
            Content::Read(_) => None,
            Content::Unread(file) => file.read_once.get().and_then(|read| read.1.as_ref()),
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("File").field(&self.name).finish()
    }
}

/// A chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// `Chart.yaml`
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock`
    pub lock: Option<Vec<Dependency>>,
    /// Everything under `templates/`.
    pub templates: Vec<File>,
    /// The default values; `None` without `values.yaml`.
    pub values: Option<Map>,
    /// `values.schema.json`
    pub schema: Option<Arc<[u8]>>,
    /// All other files.
    pub files: Vec<File>,
    /// Where it was read from, for display; empty for charts in memory.
    pub path: String,
    /// The files at its top as they were read.
    pub raw: Vec<File>,
    /// The charts below.
    pub dependencies: Vec<Chart>,
}

impl Chart {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether only its `_` templates count.
    pub fn is_library(&self) -> bool {
        self.metadata.chart_type.eq_ignore_ascii_case("library")
    }

    /// Reads all files that were left unread so far.
    ///
    /// # Errors
    /// Those of [`Chart::all_read`].
    pub fn read_all(&self) -> Result<(), LoadError> {
        self.files.iter().chain(&self.raw).for_each(|f| _ = f.data());
        self.dependencies.iter().try_for_each(Self::read_all)?;
        self.all_read()
    }

    /// Whether all files that somebody looked at could be read.
    ///
    /// # Errors
    /// Helm's sentence for the first that could not.
    pub fn all_read(&self) -> Result<(), LoadError> {
        if let Some(e) = self.files.iter().chain(&self.raw).find_map(File::failure) {
            return Err(e.clone());
        }
        self.dependencies.iter().try_for_each(Self::all_read)
    }

    /// The custom resource definitions of this chart and those below: full path and file.
    pub fn crds(&self) -> Vec<(String, &File)> {
        let mut out = Vec::new();
        self.collect_crds(self.name(), &mut out);
        out
    }

    fn collect_crds<'a>(&'a self, path: &str, out: &mut Vec<(String, &'a File)>) {
        let manifest =
            |name: &str| Path::new(name).extension().is_some_and(|e| ["yaml", "yml", "json"].iter().any(|x| e.eq_ignore_ascii_case(x)));
        out.extend(
            self.files.iter().filter(|f| f.name.starts_with("crds/") && manifest(&f.name)).map(|f| (format!("{path}/{}", f.name), f)),
        );
        for chart in &self.dependencies {
            chart.collect_crds(&format!("{path}/charts/{}", chart.name()), out);
        }
    }
}

/// Someone who looks after a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// How values of a child get into the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportValue {
    /// A key under the child's `exports`.
    Export(String),
    /// A path in the child and a path in the parent, printed as Go's `%v` does.
    Path {
        /// In the child.
        child: String,
        /// In the parent.
        parent: String,
    },
    /// Neither: ignored.
    Other,
}

/// An entry of `dependencies`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Dependency {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Vec<String>,
    pub enabled: bool,
    pub import_values: Vec<ImportValue>,
    pub alias: String,
}

/// `Chart.yaml`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Option<Vec<String>>,
    pub version: String,
    pub description: String,
    pub keywords: Option<Vec<String>>,
    /// `None` for an empty entry, which is an error.
    pub maintainers: Option<Vec<Option<Maintainer>>>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub annotations: Option<Vec<(String, String)>>,
    pub kube_version: String,
    /// `None` for an empty entry, which is an error.
    pub dependencies: Option<Vec<Option<Dependency>>>,
    pub chart_type: String,
}

impl Maintainer {
    /// Its fields in `Chart.yaml`.
    pub const FIELDS: [&str; 3] = ["name", "email", "url"];
}

impl Dependency {
    /// Its fields in `Chart.yaml`.
    pub const FIELDS: [&str; 8] = ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
}

impl Metadata {
    /// The fields of `Chart.yaml`, in the order in which Go declares them.
    pub const FIELDS: [&str; 17] = [
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ];

    /// The dependencies, without empty entries.
    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().flatten().flatten()
    }

    /// Reads `Chart.yaml` (or `requirements.yaml`) over what is there, as Go's JSON decoder does.
    pub fn decode(&mut self, node: &Node) -> Result<(), LoadError> {
        let mut d = Decoder::default();
        d.object(node, "Metadata", "v2.Metadata", |d, key, node| match key {
            "name" => d.string(node, &mut self.name),
            "home" => d.string(node, &mut self.home),
            "sources" => d.strings(node, &mut self.sources),
            "version" => d.string(node, &mut self.version),
            "description" => d.string(node, &mut self.description),
            "keywords" => d.strings(node, &mut self.keywords),
            "maintainers" => d.list(node, "[]*v2.Maintainer", &mut self.maintainers, |d, node| {
                let mut m = Maintainer::default();
                d.object(node, "Maintainer", "v2.Maintainer", |d, key, node| match key {
                    "name" => d.string(node, &mut m.name),
                    "email" => d.string(node, &mut m.email),
                    "url" => d.string(node, &mut m.url),
                    _ => {}
                })
                .then_some(m)
            }),
            "icon" => d.string(node, &mut self.icon),
            "apiversion" => d.string(node, &mut self.api_version),
            "condition" => d.string(node, &mut self.condition),
            "tags" => d.string(node, &mut self.tags),
            "appversion" => d.string(node, &mut self.app_version),
            "deprecated" => d.bool(node, &mut self.deprecated),
            "annotations" => d.string_map(node, &mut self.annotations),
            "kubeversion" => d.string(node, &mut self.kube_version),
            "dependencies" => d.list(node, "[]*v2.Dependency", &mut self.dependencies, decode_dependency),
            "type" => d.string(node, &mut self.chart_type),
            _ => {}
        });
        d.finish()
    }

    /// Cleans the strings and checks the rules.
    pub fn validate(&mut self, valid_version: impl Fn(&str) -> bool) -> Result<(), LoadError> {
        let invalid = |why: String| Err(LoadError(format!("validation: {why}")));
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = sanitize(text);
        }
        for text in self.sources.iter_mut().chain(&mut self.keywords).flatten() {
            *text = sanitize(text);
        }
        if self.api_version.is_empty() {
            return invalid("chart.metadata.apiVersion is required".to_owned());
        }
        if self.name.is_empty() {
            return invalid("chart.metadata.name is required".to_owned());
        }
        if self.name == "." || self.name == ".." {
            return invalid(format!("chart.metadata.name {} is not allowed", quote(&self.name)));
        }
        if self.name.contains('/') {
            return invalid(format!("chart.metadata.name {} is invalid", quote(&self.name)));
        }
        if self.version.is_empty() {
            return invalid("chart.metadata.version is required".to_owned());
        }
        if !valid_version(&self.version) {
            return invalid(format!("chart.metadata.version {} is invalid", quote(&self.version)));
        }
        if !matches!(self.chart_type.as_str(), "" | "application" | "library") {
            return invalid("chart.metadata.type must be application or library".to_owned());
        }
        for maintainer in self.maintainers.iter_mut().flatten() {
            let Some(m) = maintainer else { return invalid("maintainers must not contain empty or null nodes".to_owned()) };
            for text in [&mut m.name, &mut m.email, &mut m.url] {
                *text = sanitize(text);
            }
        }
        let mut seen: Vec<String> = Vec::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            let Some(d) = dependency else { return invalid("dependencies must not contain empty or null nodes".to_owned()) };
            for text in [&mut d.name, &mut d.version, &mut d.repository, &mut d.condition].into_iter().chain(&mut d.tags) {
                *text = sanitize(text);
            }
            if !d.alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
                return invalid(format!("dependency {} has disallowed characters in the alias", quote(&d.name)));
            }
            let key = if d.alias.is_empty() { &d.name } else { &d.alias };
            if seen.contains(key) {
                return invalid(format!("more than one dependency with name or alias {}", quote(key)));
            }
            seen.push(key.clone());
        }
        Ok(())
    }
}

fn decode_dependency(d: &mut Decoder, node: &Node) -> Option<Dependency> {
    let mut out = Dependency::default();
    let mut tags = None;
    d.object(node, "Dependency", "v2.Dependency", |d, key, node| match key {
        "name" => d.string(node, &mut out.name),
        "version" => d.string(node, &mut out.version),
        "repository" => d.string(node, &mut out.repository),
        "condition" => d.string(node, &mut out.condition),
        "tags" => d.strings(node, &mut tags),
        "enabled" => d.bool(node, &mut out.enabled),
        "import-values" => {
            let mut list = None;
            d.list(node, "[]interface {}", &mut list, |_, node| Some(import_value(node)));
            out.import_values = list.unwrap_or_default().into_iter().map(|v| v.unwrap_or(ImportValue::Other)).collect();
        }
        "alias" => d.string(node, &mut out.alias),
        _ => {}
    })
    .then(|| {
        out.tags = tags.unwrap_or_default();
        out
    })
}

fn import_value(node: &Node) -> ImportValue {
    let print = |key: &str| match node.get(key).map(|e| &e.value.kind) {
        None | Some(NodeKind::Null) => "<nil>".to_owned(),
        Some(NodeKind::Str(s)) => s.clone(),
        Some(NodeKind::Bool(b)) => b.to_string(),
        Some(NodeKind::Int(i)) => i.to_string(),
        Some(NodeKind::Uint(u)) => u.to_string(),
        Some(NodeKind::Float(f)) => float_text(*f),
        Some(_) => String::new(),
    };
    match &node.kind {
        NodeKind::Str(s) => ImportValue::Export(s.clone()),
        NodeKind::Mapping(_) => ImportValue::Path { child: print("child"), parent: print("parent") },
        _ => ImportValue::Other,
    }
}

/// The dependencies that a lock file records.
pub fn decode_lock(node: &Node) -> Result<Vec<Dependency>, LoadError> {
    let mut d = Decoder::default();
    let mut out = None;
    d.object(node, "Lock", "v2.Lock", |d, key, node| {
        let mut digest = String::new();
        match key {
            "digest" => d.string(node, &mut digest),
            "dependencies" => d.list(node, "[]*v2.Dependency", &mut out, decode_dependency),
            _ => {}
        }
    });
    d.finish()?;
    Ok(out.unwrap_or_default().into_iter().flatten().collect())
}

/// White space becomes a blank, what cannot be printed goes.
fn sanitize(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c => is_print(c).then_some(c),
        })
        .collect()
}

/// Decodes a tree into Go-like structs. As with encoding/json the first type error is kept and decoding goes on; as with
/// sigs.k8s.io/yaml a scalar becomes a string where a string is wanted.
#[derive(Default)]
pub(crate) struct Decoder {
    /// The innermost struct at each level.
    structs: Vec<&'static str>,
    path: Vec<String>,
    error: Option<String>,
}

impl Decoder {
    /// The first error, as sigs.k8s.io/yaml words it.
    pub(crate) fn finish(self) -> Result<(), LoadError> {
        self.error.map_or(Ok(()), |e| Err(LoadError(format!("error unmarshaling JSON: while decoding JSON: {e}"))))
    }

    /// Keeps an error of the caller's, unless there is one.
    pub(crate) fn refuse(&mut self, error: String) {
        self.error.get_or_insert(error);
    }

    fn mismatch(&mut self, node: &Node, want: &str) {
        if self.error.is_some() {
            return;
        }
        let have = match &node.kind {
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "bool",
            NodeKind::Int(_) | NodeKind::Uint(_) | NodeKind::Float(_) => "number",
            NodeKind::Str(_) => "string",
            NodeKind::Sequence(_) => "array",
            NodeKind::Mapping(_) => "object",
        };
        self.error = Some(match self.structs.last() {
            Some(name) if !self.path.is_empty() => {
                format!("json: cannot unmarshal {have} into Go struct field {name}.{} of type {want}", self.path.join("."))
            }
            _ => format!("json: cannot unmarshal {have} into Go value of type {want}"),
        });
    }

    /// A struct: `field` gets each key in lower case (Go matches without case). False for null.
    pub(crate) fn object(&mut self, node: &Node, name: &'static str, full: &str, mut field: impl FnMut(&mut Self, &str, &Node)) -> bool {
        match &node.kind {
            NodeKind::Null => false,
            NodeKind::Mapping(entries) => {
                self.structs.push(name);
                for entry in entries {
                    self.path.push(entry.key.clone());
                    field(self, &entry.key.to_lowercase(), &entry.value);
                    self.path.pop();
                }
                self.structs.pop();
                true
            }
            _ => {
                self.mismatch(node, full);
                true
            }
        }
    }

    /// A string.
    pub(crate) fn string(&mut self, node: &Node, out: &mut String) {
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Str(s) => s.clone_into(out),
            NodeKind::Bool(b) => *out = b.to_string(),
            NodeKind::Int(i) => *out = i.to_string(),
            NodeKind::Uint(u) => *out = u.to_string(),
            NodeKind::Float(f) => *out = float_text(*f),
            _ => self.mismatch(node, "string"),
        }
    }

    fn bool(&mut self, node: &Node, out: &mut bool) {
        match &node.kind {
            NodeKind::Null => {}
            NodeKind::Bool(b) => *out = *b,
            _ => self.mismatch(node, "bool"),
        }
    }

    /// A list; `None` for null.
    pub(crate) fn list<T>(
        &mut self,
        node: &Node,
        want: &str,
        out: &mut Option<Vec<Option<T>>>,
        mut item: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) {
        match &node.kind {
            NodeKind::Null => *out = None,
            NodeKind::Sequence(items) => *out = Some(items.iter().map(|n| item(self, n)).collect()),
            _ => self.mismatch(node, want),
        }
    }

    fn strings(&mut self, node: &Node, out: &mut Option<Vec<String>>) {
        let mut list = None;
        self.list(node, "[]string", &mut list, |d, node| {
            let mut text = String::new();
            d.string(node, &mut text);
            Some(text)
        });
        *out = list.map(|l| l.into_iter().flatten().collect());
    }

    /// A `map[string]string`.
    pub(crate) fn string_map(&mut self, node: &Node, out: &mut Option<Vec<(String, String)>>) {
        match &node.kind {
            NodeKind::Null => *out = None,
            NodeKind::Mapping(entries) => {
                let map = out.get_or_insert_default();
                for entry in entries {
                    let mut text = String::new();
                    self.path.push(entry.key.clone());
                    self.string(&entry.value, &mut text);
                    self.path.pop();
                    map.retain(|(k, _)| *k != entry.key);
                    map.push((entry.key.clone(), text));
                }
            }
            _ => self.mismatch(node, "map[string]string"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::helm::TemplateOptions;
    use crate::helm::release::template;
    use crate::source::{DirEntry, FileKind, MemoryWorld, Opened, World, WorldError};

    /// A world in which text files can be opened and then not be read.
    struct Broken(MemoryWorld);

    impl World for Broken {
        fn read(&self, path: &str) -> Result<Vec<u8>, WorldError> {
            self.0.read(path)
        }
        fn open(&self, path: &str) -> Result<Opened, WorldError> {
            let (path, message) = (path.to_owned(), format!("read {path}: input/output error"));
            Ok(Opened::Later(1, Box::new(move || Err(WorldError { path: path.clone(), message: message.clone(), not_found: false }))))
        }
        fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, WorldError> {
            self.0.read_dir(path)
        }
        fn kind(&self, path: &str) -> Result<FileKind, WorldError> {
            self.0.kind(path)
        }
        fn stdin(&self) -> Result<Vec<u8>, WorldError> {
            self.0.stdin()
        }
        fn now(&self) -> i128 {
            0
        }
        fn seed(&self) -> u64 {
            0
        }
        fn env(&self, _: &str) -> Option<String> {
            None
        }
        fn current_dir(&self) -> String {
            self.0.current_dir()
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_fails_only_what_needs_it() {
        let rendered = |text: &str, include_crds: bool| {
            let files = [
                ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
                ("c/templates/t.yaml", text),
                ("c/notes.txt", "x"),
                ("c/crds/a.yaml", "x"),
            ];
            let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into();
            let world = Broken(MemoryWorld { files, ..MemoryWorld::default() });
            let options = TemplateOptions { chart: "c".to_owned(), include_crds, ..TemplateOptions::default() };
            template(&world, &options).map(|_| ()).map_err(|e| e.message)
        };
        assert_eq!(rendered("a: 1", false), Ok(()));
        assert_eq!(rendered("a: 1", true), Err("error reading crds/a.yaml: read /c/crds/a.yaml: input/output error".to_owned()));
        assert_eq!(
            rendered("a: {{ .Files.Get \"notes.txt\" }}", false),
            Err("error reading notes.txt: read /c/notes.txt: input/output error".to_owned())
        );
        // What fails for want of the content is not told instead.
        assert_eq!(
            rendered("a: {{ required \"no notes\" (.Files.Get \"notes.txt\") }}", false),
            Err("error reading notes.txt: read /c/notes.txt: input/output error".to_owned())
        );
    }
}
