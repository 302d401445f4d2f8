//! Plain manifests that only the API server judges: each document is read, judged and forgotten before the next one, so
//! that a tree of any size takes the memory of its largest documents. What others of the input are judged by stays.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::inputs::STDIN;
use super::run::{self, Checks, Unit, bug};
use super::surroundings;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::kube;
use crate::kube::Deciders;
use crate::kube::Object;
use crate::kube::Surroundings;
use crate::simulate::listing;
use crate::simulate::piece::Piece;
use crate::simulate::piece::Pool;
use crate::source::FileId;
use crate::source::Sources;
use crate::source::Span;
use crate::source::World;
use crate::source::WorldError;
use crate::yaml;
use crate::yaml::Document;

/// A definition of custom resources, to be read again when one of its resources turns up.
struct Definition {
    group: String,
    kind: String,
    span: Span,
}

/// How objects are judged, where they are, and what pods as pieces share, where pieces are wanted.
type Judging<'c> = Option<(&'c Checks, Option<&'c Pool>)>;

/// Which objects stay.
type Keep<'k> = &'k (dyn Fn(&Object) -> bool + Sync);

/// What is left of a file that was read.
#[derive(Default)]
struct Left {
    /// The text, where something points at it.
    text: Option<Arc<str>>,
    /// Documents with comments that may silence findings, and those that the server does not take.
    documents: Vec<Document>,
    /// Objects that take part in judging others, in order.
    objects: Vec<Object>,
    findings: Vec<Diagnostic>,
    definitions: Vec<Definition>,
    /// All objects as pieces, where they are wanted.
    pieces: Vec<(Piece, Span)>,
    /// Where refused objects stand.
    refused: BTreeSet<Span>,
    /// How many objects were judged.
    count: usize,
    /// Whether it is a manifest at all.
    manifest: bool,
    /// Whether the text is not what the file holds, byte by byte.
    mended: bool,
}

/// The manifests as a unit whose objects were judged one by one, the places of those that were refused, what is known
/// beside them, and how many objects there are.
///
/// # Errors
/// When a file that was named cannot be read.
pub(super) fn judged(
    world: &dyn World,
    paths: &[(&str, bool)],
    checks: &Checks,
    common: &Surroundings,
    around: &dyn Fn(&Surroundings, &[Object]) -> Surroundings,
) -> Result<(Unit, BTreeSet<usize>, Surroundings, usize), WorldError> {
    // Of pods there may be very many.
    let stays = |object: &Object| checks.pieces && object.id.kind != "Pod";
    let first = |object: &Object| stays(object) || kube::is_custom(object) || kube::may_decide(object);
    let pool = checks.pieces.then(Pool::default);
    let mut left = pass(world, paths, Some((checks, pool.as_ref())), &first)?;
    let mut refused: BTreeSet<Span> = BTreeSet::new();
    left.iter_mut().for_each(|l| refused.append(&mut l.refused));
    let mut custom: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    let mut kinds: BTreeSet<(&str, &str)> = BTreeSet::new();
    for object in left.iter().flat_map(|l| &l.objects).filter(|o| kube::is_custom(o)) {
        let (api_version, kind) = (object.id.api_version.as_str(), object.id.kind.as_str());
        custom.entry((api_version, kind)).or_default().push(&object.value);
        kinds.insert((kube::group_of(api_version), kind));
    }
    let instances = |api_version: &str, kind: &str| custom.get(&(api_version, kind)).cloned().unwrap_or_default();
    let needed = |(l, (path, _)): (&Left, &(&str, bool))| {
        let needed: Vec<&Definition> = l.definitions.iter().filter(|d| kinds.contains(&(d.group.as_str(), d.kind.as_str()))).collect();
        if needed.is_empty() {
            return Ok(Vec::new());
        }
        let mut places: Vec<Span> = needed.iter().map(|d| d.span).collect();
        places.sort_unstable();
        let texts = if l.mended || *path == STDIN {
            let text = run::text_of(world, path)?;
            places.iter().filter_map(|place| text.get(place.range())).map(str::to_owned).collect()
        } else {
            texts_at(world, path, &places)?
        };
        Ok(texts.into_par_iter().flat_map_iter(|text| surroundings::definitions_in(&text, Some(&instances))).collect())
    };
    let found: Vec<Vec<Value>> = left.par_iter().zip(paths).map(needed).collect::<Result<_, WorldError>>()?;
    let mut common = common.clone();
    if found.iter().any(|some| !some.is_empty()) {
        Arc::make_mut(&mut common.definitions).extend(found.into_iter().flatten());
    }
    let deciders = {
        let objects: Vec<&Object> = left.iter().flat_map(|l| &l.objects).collect();
        Deciders::of(&objects, &common)
    };
    if let Some(deciders) = deciders {
        // Admission looks at more objects than those: they are read again.
        let all = pass(world, paths, None, &|object| first(object) || deciders.concern(object))?;
        for (l, more) in left.iter_mut().zip(all) {
            l.objects = more.objects;
            l.text = l.text.take().or(more.text);
        }
    }
    let mut unit = Unit::default();
    let mut places = BTreeSet::new();
    let mut count = 0;
    for (l, (path, _)) in left.into_iter().zip(paths) {
        let file = unit.sources.add(run::shown(path), l.text.unwrap_or_default());
        unit.findings.extend(l.findings);
        unit.pieces.extend(l.pieces);
        unit.documents.extend(l.documents.into_iter().map(|d| (file, d)));
        unit.files += usize::from(l.manifest);
        count += l.count;
        for object in l.objects {
            if refused.contains(&object.node.span) {
                places.insert(unit.objects.len());
            }
            unit.objects.push(object);
        }
    }
    let around = around(&common, &unit.objects);
    Ok((unit, places, around, count))
}

/// The texts at places of a file, which are in order, without holding all of it.
fn texts_at(world: &dyn World, path: &str, places: &[Span]) -> Result<Vec<String>, WorldError> {
    let mut found = vec![Vec::new(); places.len()];
    let mut at = 0;
    world.read_parts(path, &mut |part| {
        let end = at + part.len();
        for (place, text) in places.iter().map(|place| place.range()).zip(&mut found) {
            let (from, to) = (place.start.clamp(at, end) - at, place.end.clamp(at, end) - at);
            text.extend_from_slice(&part[from..to.max(from)]);
        }
        at = end;
        places.last().is_some_and(|last| at < last.end as usize)
    })?;
    // A file that was changed meanwhile may hold anything.
    Ok(found.into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
}

/// Gives findings the texts that they point at, where those were not kept, and finds the lines of all. A file that is gone
/// stays without.
pub(super) fn fill(world: &dyn World, paths: &[(&str, bool)], sources: &mut Sources, findings: &[Diagnostic]) {
    let files: BTreeSet<FileId> = findings.iter().filter_map(|f| f.span).map(|span| span.file).collect();
    let read = |file: &FileId| {
        let (path, _) = paths.get(file.0 as usize).filter(|_| sources.get(*file).text.is_empty())?;
        Some((*file, run::text_of(world, path).ok()?))
    };
    let texts: Vec<(FileId, String)> = files.par_iter().filter_map(read).collect();
    texts.into_iter().for_each(|(file, text)| sources.supply(file, text));
    let sources = &*sources;
    files.par_iter().for_each(|file| {
        sources.get(*file).line_starts();
    });
}

thread_local! {
    /// Where this thread reads files, one after the other.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Larger buffers are not kept.
const MAX_BUFFER: usize = 1 << 20;

/// Reads all files, and judges them where there are `checks`; `keep` says which objects stay.
fn pass(world: &dyn World, paths: &[(&str, bool)], checks: Judging<'_>, keep: Keep<'_>) -> Result<Vec<Left>, WorldError> {
    let one = |(i, (path, named)): (usize, &(&str, bool))| {
        let mut buffer = BUFFER.take();
        buffer.clear();
        match path {
            &STDIN => buffer = world.stdin()?,
            path => world.read_into(path, &mut buffer)?,
        }
        // Checking is many times faster than mending.
        let text = std::str::from_utf8(&buffer).map_or_else(|_| String::from_utf8_lossy(&buffer), Cow::Borrowed);
        let file = FileId(i as u32);
        let read = catch_unwind(AssertUnwindSafe(|| read(&text, file, *named, checks, keep)));
        let mut left = read.unwrap_or_else(|panic| Left {
            findings: vec![bug(run::shown(path), &*panic).at(Span::new(file, 0, 0))],
            manifest: true,
            ..Left::default()
        });
        left.mended = matches!(text, Cow::Owned(_));
        // What is said later about objects that stay is rare: their file is read again then. Of pieces much may be said.
        let stays = !left.objects.is_empty() && (!left.documents.is_empty() || *path == STDIN) || !left.pieces.is_empty();
        if left.manifest && (!left.findings.is_empty() || stays) {
            left.text = Some(text.into());
        }
        if buffer.capacity() <= MAX_BUFFER {
            BUFFER.set(buffer);
        }
        Ok(left)
    };
    paths.par_iter().enumerate().map(one).collect()
}

fn read(text: &str, file: FileId, named: bool, checks: Judging<'_>, keep: Keep<'_>) -> Left {
    let mut left = Left { manifest: named, ..Left::default() };
    let chunks = yaml::chunks(text, CHUNK);
    let chunks: Vec<Left> = chunks.par_iter().map(|chunk| read_chunk(text, chunk, file, checks, keep)).collect();
    chunks.into_iter().for_each(|chunk| left.add(chunk));
    if !left.manifest && !run::looks_like_manifest(text) {
        // Trees hold other YAML too: values, workflows, compose files.
        let findings = if checks.is_some() { vec![run::no_object(file)] } else { Vec::new() };
        return Left { findings, ..Left::default() };
    }
    left.manifest = true;
    left
}

/// How much of a large file one thread takes at a time.
const CHUNK: usize = 256 << 10;

fn read_chunk(text: &str, chunk: &yaml::Chunk, file: FileId, checks: Judging<'_>, keep: Keep<'_>) -> Left {
    let mut left = Left::default();
    let newest = checks.filter(|(c, _)| c.at_newest());
    let plain = newest.is_some_and(|(c, _)| c.skip.is_empty() && c.reject.is_empty() && !c.judge);
    let pool = checks.and_then(|(_, pool)| pool);
    let newest = newest.filter(|(_, pool)| pool.is_none());
    yaml::outline_chunk(text, chunk, file, &mut |parsed| {
        // Comments may be about a finding or about none.
        if plain
            && let yaml::Parsed::Outline(outline) = &parsed
            && !outline.comments().any(|c| is_for_us(text, c))
            && kube::is_sound(outline)
            && let Some(piece) = piece_of(outline, pool)
        {
            left.manifest = true;
            left.count += 1;
            left.pieces.extend(piece);
            return;
        }
        // Definitions are large, and hardly anything in them can be wrong.
        if newest.is_some()
            && let yaml::Parsed::Outline(outline) = &parsed
            && let Some(document) = kube::essential(outline)
        {
            let found = judge(text, file, document, checks, keep);
            if found.findings.is_empty() && found.objects.is_empty() && found.documents.is_empty() {
                return left.add(found);
            }
        }
        left.add(judge(text, file, parsed.document(), checks, keep));
    });
    left
}

/// What is kept of a sound document: nothing, or where pieces are wanted the pod; `None` for others, which stay whole.
#[allow(clippy::option_option)]
fn piece_of(outline: &yaml::Outline<'_>, pool: Option<&Pool>) -> Option<Option<(Piece, Span)>> {
    let Some(pool) = pool else { return Some(None) };
    let root = outline.root().filter(|root| root.get("kind").and_then(yaml::Part::text).is_some_and(|kind| kind == "Pod"))?;
    Some(Some((pool.piece(listing::object_of(root)), root.span())))
}

/// Whether a comment may silence a finding.
fn is_for_us(text: &str, comment: Span) -> bool {
    text.get(comment.range()).is_some_and(|c| c.contains("kval:ignore"))
}

impl Left {
    /// Takes what is left of a further document.
    fn add(&mut self, mut more: Self) {
        self.documents.append(&mut more.documents);
        self.objects.append(&mut more.objects);
        self.findings.append(&mut more.findings);
        self.definitions.append(&mut more.definitions);
        self.pieces.append(&mut more.pieces);
        self.refused.append(&mut more.refused);
        self.count += more.count;
        self.manifest |= more.manifest;
    }
}

fn judge(text: &str, file: FileId, mut document: Document, checks: Judging<'_>, keep: Keep<'_>) -> Left {
    let mut left = Left { manifest: run::is_object(&document), ..Left::default() };
    if let Some((checks, pool)) = checks {
        let unreadable = run::unreadable(file, &document);
        let objects = if unreadable.is_empty() { kube::light_objects(file, &document) } else { Vec::new() };
        left.findings.extend(unreadable);
        for object in objects {
            if checks.skips(&object) {
                continue;
            }
            left.count += 1;
            let found = run::guarded(&object, checks, &run::Replaced::new());
            if found.iter().any(|f| f.severity >= Severity::Error) {
                left.refused.insert(object.node.span);
            }
            left.findings.extend(found);
            if let Some((group, kind)) = kube::defines(&object) {
                left.definitions.push(Definition { group, kind, span: document.span });
            }
            if let Some(pool) = pool {
                left.pieces.push((pool.piece(object.node.to_json()), object.node.span));
            }
            if keep(&object) {
                left.objects.push(object.whole());
            }
        }
    } else {
        left.objects.extend(kube::light_objects(file, &document).into_iter().filter(|o| keep(o)).map(Object::whole));
    }
    if document.comments.iter().any(|c| is_for_us(text, c.span)) {
        document.root = None;
        left.documents.push(document);
    }
    left
}
