//! A chart as its author wrote it, before any rendering: what rules about charts and templates look at.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::field::Field;
use crate::gotmpl;
use crate::gotmpl::ParseError;
use crate::gotmpl::tree::Tree;
use crate::helm::archive;
use crate::helm::dependency::compatible;
use crate::kube::Object;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;
use crate::value::Str;
use crate::yaml;
use crate::yaml::Comment;
use crate::yaml::Document;

/// A file that holds one YAML document, as a tree and as an object with field paths.
#[derive(Clone, Debug)]
pub struct YamlFile {
    /// Its text.
    pub file: FileId,
    /// The first document; `None` for an empty file and for one that is not YAML.
    pub object: Option<Object>,
    /// Its comments.
    pub comments: Vec<Comment>,
}

/// A file under `templates/`, parsed.
#[derive(Clone, Debug)]
pub struct Template {
    /// The path from the chart's top.
    pub name: String,
    /// Its text.
    pub file: FileId,
    /// What it defines, itself last; empty when it does not parse.
    pub trees: Vec<Arc<Tree>>,
    /// Why it does not parse.
    pub error: Option<ParseError>,
}

impl Template {
    /// Whether it is only there for what it defines.
    pub fn is_partial(&self) -> bool {
        self.name.rsplit('/').next().is_some_and(|n| n.starts_with('_'))
    }
}

/// A chart's files. Broken ones are kept: telling what is wrong with them is what this is for.
#[derive(Clone, Debug, Default)]
pub struct ChartSource {
    /// Where it was read from, for display.
    pub path: String,
    /// All files with their texts; `None` for those that are not text.
    pub files: Vec<(String, Option<FileId>)>,
    /// `Chart.yaml`
    pub metadata: Option<YamlFile>,
    /// `values.yaml`
    pub values: Option<YamlFile>,
    /// `Chart.lock`
    pub lock: Option<YamlFile>,
    /// `values.schema.json`
    pub schema: Option<YamlFile>,
    /// The files under `templates/`.
    pub templates: Vec<Template>,
    /// The charts in `charts/`, by folder or archive.
    pub below: Vec<(String, ChartSource)>,
}

/// Charts nested deeper than this are left out, as loading refuses them.
const MAX_DEPTH: usize = 64;

impl ChartSource {
    /// Parses the files of a chart (as [`crate::helm::load::read`] gives them). Texts that `sources` has already under the same name
    /// are used again, so that findings meet in one place.
    pub fn read(sources: &mut Sources, path: &str, files: Vec<(String, Vec<u8>)>) -> Self {
        let known: BTreeMap<String, FileId> = sources.iter().filter(|(_, f)| f.map.is_none()).map(|(id, f)| (f.name.clone(), id)).collect();
        Self::below(sources, &known, path, files, 0)
    }

    fn below(sources: &mut Sources, known: &BTreeMap<String, FileId>, path: &str, files: Vec<(String, Vec<u8>)>, depth: usize) -> Self {
        let path = path.trim_end_matches('/');
        let mut chart = Self { path: path.to_owned(), ..Self::default() };
        let mut inner: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
        for (name, data) in files {
            if let Some(rest) = name.strip_prefix("charts/").filter(|r| !r.ends_with(".prov") && !r.starts_with(['_', '.'])) {
                let top = rest.split('/').next().unwrap_or(rest);
                if rest.contains('/') || top.ends_with(".tgz") {
                    let below = rest[top.len()..].trim_start_matches('/').to_owned();
                    inner.entry(top.to_owned()).or_default().push((below, data));
                }
                continue;
            }
            let shown = format!("{path}/{name}");
            let file = known.get(&shown).copied().or_else(|| Some(sources.add(shown, std::str::from_utf8(&data).ok()?)));
            if let Some(file) = file {
                chart.place(sources, &name, file);
            }
            chart.files.push((name, file));
        }
        if depth < MAX_DEPTH {
            for (name, mut files) in inner {
                if name.ends_with(".tgz") {
                    files = files.first().and_then(|(_, data)| archive::unpack(data).ok()).unwrap_or_default();
                }
                let child = Self::below(sources, known, &format!("{path}/charts/{name}"), files, depth + 1);
                if child.metadata.is_some() {
                    chart.below.push((name, child));
                }
            }
        }
        chart
    }

    fn place(&mut self, sources: &Sources, name: &str, file: FileId) {
        let slot = match name {
            "Chart.yaml" => &mut self.metadata,
            "values.yaml" => &mut self.values,
            "Chart.lock" | "requirements.lock" => &mut self.lock,
            "values.schema.json" => &mut self.schema,
            _ if name.starts_with("templates/") => {
                self.templates.push(template(sources, name, file));
                return;
            }
            _ => return,
        };
        *slot = Some(yaml_file(sources, file));
    }

    /// Its name, by `Chart.yaml` or else by its folder.
    pub fn name(&self) -> &str {
        let named = self.metadata.as_ref().and_then(|m| m.object.as_ref()?.value.get("name")?.as_str());
        named.unwrap_or_else(|| self.path.rsplit('/').next().unwrap_or_default())
    }

    /// Whether it only holds definitions for other charts.
    pub fn is_library(&self) -> bool {
        let kind = self.metadata.as_ref().and_then(|m| m.object.as_ref()?.value.get("type")?.as_str());
        kind.is_some_and(|k| k.eq_ignore_ascii_case("library"))
    }

    /// The object of `Chart.yaml`, when there is one.
    pub fn about(&self) -> Option<&Object> {
        self.metadata.as_ref()?.object.as_ref()
    }

    /// The text of a file by its path from the chart's top.
    pub fn file(&self, name: &str) -> Option<FileId> {
        self.files.iter().find(|(n, _)| n == name)?.1
    }

    /// The manifests under `crds/`.
    pub fn crd_files(&self) -> Vec<(&str, FileId)> {
        let manifest = |n: &str| [".yaml", ".yml", ".json"].iter().any(|e| n.ends_with(e));
        self.files.iter().filter(|(n, _)| n.starts_with("crds/") && manifest(n)).filter_map(|(n, f)| Some((n.as_str(), (*f)?))).collect()
    }

    /// The start of `Chart.yaml`, where findings about absent files are shown.
    pub fn start(&self) -> Option<Span> {
        self.metadata.as_ref().map(|m| Span::new(m.file, 0, 0))
    }

    /// The keys in comments of `values.yaml`: those that users may give.
    pub(super) fn mentioned<'s>(&self, sources: &'s Sources) -> BTreeSet<&'s str> {
        let text = self.values.as_ref().map_or("", |v| &*sources.get(v.file).text);
        text.lines().filter_map(commented).collect()
    }

    /// The dependencies that `Chart.yaml` declares.
    fn dependencies(&self) -> Vec<Field<'_>> {
        self.about().map(|about| Field::root(about).items("dependencies")).unwrap_or_default()
    }

    /// The keys of the values that are for charts below, by name or alias. A dependency whose version the chart in `charts/`
    /// does not have gets nothing.
    pub(super) fn keys_below(&self) -> BTreeSet<String> {
        let mut out: BTreeSet<String> = self.below.iter().map(|(_, c)| c.name().to_owned()).collect();
        for dependency in self.dependencies() {
            let name = dependency.text("name").unwrap_or("");
            let mut there = self.below.iter().map(|(_, c)| c).filter(|c| c.name() == name).peekable();
            if there.peek().is_none() || there.any(|c| c.serves(&dependency)) {
                out.extend(dependency.text("alias").or(Some(name)).map(str::to_owned));
            }
        }
        out
    }

    /// Whether this is a chart that a dependency may mean.
    fn serves(&self, dependency: &Field) -> bool {
        let version = self.about().and_then(|a| a.value.get("version")?.as_str()).unwrap_or("");
        dependency.get("version").and_then(|v| v.scalar()).is_none_or(|wanted| wanted.is_empty() || compatible(&wanted, version))
    }

    /// The chart below that values under a key are for.
    pub(super) fn called(&self, key: &str) -> Option<&ChartSource> {
        let named = |name: &str| self.below.iter().map(|(_, c)| c).filter(move |c| c.name() == name).collect::<Vec<_>>();
        let dependencies = self.dependencies();
        let of_key = dependencies.iter().find(|d| d.text("alias").or_else(|| d.text("name")) == Some(key));
        let declared = of_key.and_then(|d| named(d.text("name")?).into_iter().find(|c| c.serves(d)));
        declared.or_else(|| named(key).into_iter().next())
    }

    /// This chart and all below it.
    pub fn all(&self) -> Vec<&ChartSource> {
        let mut out = vec![self];
        let mut next = 0;
        while let Some(chart) = out.get(next).copied() {
            out.extend(chart.below.iter().map(|(_, c)| c));
            next += 1;
        }
        out
    }
}

/// The key that a line holds in a comment: `# name: value`.
fn commented(line: &str) -> Option<&str> {
    let body = line.trim_start().strip_prefix('#')?.trim_start_matches(['#', ' ', '-']);
    let (key, rest) = body.split_once(':')?;
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (plain && (rest.is_empty() || rest.starts_with(' '))).then_some(key)
}

fn yaml_file(sources: &Sources, file: FileId) -> YamlFile {
    let documents: Vec<Document> = yaml::parse(&sources.get(file).text, file);
    let comments = documents.iter().flat_map(|d| d.comments.iter().cloned()).collect();
    let root = documents.into_iter().next().and_then(|d| d.root);
    let object = root.map(|root| Object::new(file, Arc::clone(&root)));
    YamlFile { file, object, comments }
}

fn template(sources: &Sources, name: &str, file: FileId) -> Template {
    let text: Arc<[u8]> = Arc::from(sources.get(file).text.as_bytes());
    // Unknown functions have a rule of their own, which tells more than a parse error.
    let parsed = gotmpl::parse(&Str::from(name), &text, Some(file), &|_| true);
    let (trees, error) = match parsed {
        Ok(trees) => (trees, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    Template { name: name.to_owned(), file, trees, error }
}
