//! Archives of charts: unpacked as Helm unpacks them, file by file, as far as somebody needs what they hold.
//! upstream: pkg/chart/loader/archive/archive.go

use std::cell::RefCell;
use std::io::{ErrorKind, Read, copy, sink};
use std::iter::repeat_n;
use std::sync::{Arc, OnceLock};

use super::chart::{File, Reader};
use super::gunzip::{self, Unzip};
use super::load::{LoadError, MAX_FILES, MAX_SIZE, VALUES};
use super::strvals::quote;

/// What is made of a file's name and bytes.
#[derive(Clone, Copy)]
pub(super) struct Make<'a, T> {
    pub(super) now: &'a (dyn Fn(&str, Arc<[u8]>) -> T + Sync),
    /// For files that may never be looked at.
    pub(super) later: Option<&'a (dyn Fn(String, u64, Reader) -> T + Sync)>,
}

/// Files of a chart.
pub(super) const AS_FILES: Make<'static, File> = Make { now: &|name, data| File::of(name, data), later: Some(&File::later) };

/// Names and copies of what files hold.
pub(super) const COPIED: Make<'static, (String, Vec<u8>)> = Make { now: &|name, data| (name.to_owned(), data.to_vec()), later: None };

/// The path of a file in the chart that it belongs to, at the top or below `charts`.
pub(super) fn in_own_chart(name: &str) -> &str {
    let mut rest = name;
    while let Some((_, inner)) = rest.strip_prefix("charts/").and_then(|below| below.split_once('/')) {
        rest = inner;
    }
    rest
}

/// Whether rendering may do without a file: all but templates, values and what describes a chart.
pub(super) fn may_wait(name: &str) -> bool {
    let own = in_own_chart(name);
    let needed = ["Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", VALUES, "values.schema.json"];
    // What is left of `charts` is an archive, or a single file.
    !own.starts_with("templates/") && !own.starts_with("charts/") && !needed.contains(&own)
}

/// Whether a file is there for others than the chart's templates: for people, or to be installed before the chart is.
fn is_rarely_read(name: &str) -> bool {
    let own = in_own_chart(name);
    own.starts_with("crds/") || own.ends_with(".md") || own == "LICENSE"
}

/// An archive in memory. What it holds is unpacked file by file, and again when somebody needs what was passed over.
pub(super) struct Packed {
    bytes: Vec<u8>,
    /// Files that rendering may do without are passed over from so many bytes on.
    large: u64,
    /// What was passed over, by the place of the file; unpacked once somebody needs one of them.
    passed: OnceLock<Vec<(usize, Arc<[u8]>)>>,
}

impl Packed {
    /// An archive's bytes.
    pub(super) fn new(bytes: Vec<u8>, large: u64) -> Arc<Self> {
        Arc::new(Self { bytes, large, passed: OnceLock::new() })
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives `take` what is made of each file, one after the other; of a broken archive those before the error.
    pub(super) fn each<T>(self: &Arc<Self>, make: Make<'_, T>, mut take: impl FnMut(T)) -> Result<(), LoadError> {
        let wanted = |name: &str, size: u64| make.later.is_none() || !self.passes(name, size);
        unpack_each(&self.bytes, &wanted, &mut |place, name, data| {
            take(match (data, make.later.filter(|_| may_wait(name))) {
                (Err(size), Some(later)) => {
                    let packed = Arc::clone(self);
                    later(name.to_owned(), size, Box::new(move || Ok(packed.passed(place))))
                }
                (Ok(data), Some(later)) => {
                    let data = without_bom(data);
                    later(name.to_owned(), data.len() as u64, Box::new(move || Ok(Arc::clone(&data))))
                }
                (data, None) => (make.now)(name, without_bom(data.unwrap_or_default())),
            });
        })
    }

    /// What is made of all files.
    pub(super) fn files<T>(self: &Arc<Self>, make: Make<'_, T>) -> Result<Vec<T>, LoadError> {
        let mut files = Vec::new();
        self.each(make, |file| files.push(file))?;
        Ok(files)
    }

    /// Whether a file is passed over: one that hardly any chart reads, from a smaller size on.
    fn passes(&self, name: &str, size: u64) -> bool {
        let least = if is_rarely_read(name) { self.large / 32 } else { self.large };
        size >= least && may_wait(name)
    }

    /// A file that was passed over.
    fn passed(&self, place: usize) -> Arc<[u8]> {
        let again = || {
            let mut passed = Vec::new();
            let wanted = |name: &str, size: u64| self.passes(name, size);
            // The archive was whole when the file was passed over.
            let _ = unpack_each(&self.bytes, &wanted, &mut |place, _, data| {
                passed.extend(data.ok().map(|data| (place, without_bom(data))));
            });
            passed
        };
        self.passed.get_or_init(again).iter().find(|(at, _)| *at == place).map(|(_, data)| Arc::clone(data)).unwrap_or_default()
    }
}

/// Without the mark of its byte order.
pub(super) fn without_bom(data: Arc<[u8]>) -> Arc<[u8]> {
    data.strip_prefix(b"\xef\xbb\xbf").map(Arc::from).unwrap_or(data)
}

/// Whether it begins as an archive does.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08")
}

/// Whether it looks like an archive; Helm's sentence when it does not.
pub(super) fn ensure_archive(path: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if is_archive(bytes) {
        return Ok(());
    }
    if [".yml", ".yaml"].iter().any(|e| path.ends_with(e)) {
        return Err(LoadError(format!("file '{path}' seems to be a YAML file, but expected a gzipped archive")));
    }
    let kind = content_type(&bytes[..bytes.len().min(512)]);
    Err(LoadError(format!("file '{path}' does not appear to be a gzipped archive; got '{kind}'")))
}

/// What Go's `http.DetectContentType` says of the files people mistake for charts. Go looks at a buffer of 512 bytes, so
/// a shorter file ends in zeros.
fn content_type(head: &[u8]) -> &'static str {
    let binary = |b: &u8| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    match head {
        h if h.starts_with(b"PK\x03\x04") => "application/zip",
        h if h.starts_with(b"%PDF-") => "application/pdf",
        h if h.len() < 512 || h.iter().any(binary) => "application/octet-stream",
        _ => "text/plain; charset=utf-8",
    }
}

/// Unpacks an archive: the first folder of each name is dropped.
pub fn unpack(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    let mut files = Vec::new();
    unpack_each(bytes, &|_, _| true, &mut |_, name, data| {
        files.push((name.to_owned(), without_bom(data.unwrap_or_default()).to_vec()));
    })?;
    Ok(files)
}

/// Whether a file of that name and size is to be unpacked.
type Wanted<'a> = &'a dyn Fn(&str, u64) -> bool;
/// Takes the place, the name and the content of a file, or its size when it is not wanted.
type Take<'a> = &'a mut dyn FnMut(usize, &str, Result<Arc<[u8]>, u64>);

fn unpack_each(bytes: &[u8], wanted: Wanted<'_>, take: Take<'_>) -> Result<(), LoadError> {
    if bytes.len() < 10 {
        return Err(if bytes.is_empty() { "EOF".into() } else { "unexpected EOF".into() });
    }
    if !is_archive(bytes) {
        return Err(gunzip::Broken::Header.to_string().into());
    }
    // The limit is on what is unpacked, headers and padding included.
    let unzip = RefCell::new(Unzip::new(bytes, (MAX_SIZE + MAX_SIZE / 4) as usize));
    let mut tar = tar::Archive::new(gunzip::Reader(&unzip));
    match files_of(&mut tar, &unzip, wanted, take) {
        Ok(0) => Err("no files in chart archive".into()),
        Ok(_) => Ok(()),
        Err(Broken::Chart(e)) => Err(e),
        Err(Broken::Archive(e)) if e.kind() == ErrorKind::UnexpectedEof => Err(LoadError(unzip.borrow().end().to_string())),
        Err(Broken::Archive(_)) if unzip.borrow_mut().ends_within_block() => Err("unexpected EOF".into()),
        Err(Broken::Archive(_)) => Err(NO_TAR.into()),
    }
}

/// What ends the reading of an archive.
enum Broken {
    Chart(LoadError),
    Archive(std::io::Error),
}

impl From<LoadError> for Broken {
    fn from(e: LoadError) -> Self {
        Self::Chart(e)
    }
}

impl From<std::io::Error> for Broken {
    fn from(e: std::io::Error) -> Self {
        Self::Archive(e)
    }
}

/// How much more memory a file is given at once: what a header says of its size may be wrong.
const AT_ONCE: u64 = 4 << 20;

/// How many files there are.
fn files_of(
    archive: &mut tar::Archive<gunzip::Reader<'_, '_>>,
    unzip: &RefCell<Unzip<'_>>,
    wanted: Wanted<'_>,
    take: Take<'_>,
) -> Result<usize, Broken> {
    let too_large = || LoadError(format!("decompressed chart is larger than the maximum size {MAX_SIZE}"));
    let mut left = MAX_SIZE;
    let mut count = 0;
    for entry in archive.entries_with_seek()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() || raw.ends_with('/') || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let name = entry_name(&raw)?;
        let size = entry.size();
        if size > left {
            return Err(too_large().into());
        }
        let whole = kind.is_file() || kind.is_contiguous();
        let passed = whole && size > 0 && !wanted(&name, size);
        let (read, data) = match whole {
            true if passed => (copy(&mut entry, &mut sink())?, Err(size)),
            true => filled(&mut entry, size).map(|(read, data)| (read, Ok(data)))?,
            false if kind.is_gnu_sparse() => filled(&mut entry, left).map(|(read, data)| (read, Ok(data)))?,
            false => (0, Ok(Arc::default())),
        };
        if whole && read < size {
            return Err(Broken::Archive(ErrorKind::UnexpectedEof.into()));
        }
        left -= read;
        if left == 0 {
            return Err(too_large().into());
        }
        if count >= MAX_FILES {
            return Err(LoadError(format!("chart holds more than {MAX_FILES} files")).into());
        }
        take(count, &name, data);
        count += 1;
        // Without the zeros that fill its last block a file is whole all the same.
        if kind.is_file() && unzip.borrow_mut().ends_unfilled() {
            return Ok(count);
        }
    }
    // A block of zeros ends an archive when another one follows, or nothing.
    match unzip.borrow_mut().next_block() {
        Some([]) => Ok(count),
        Some(block) if block.iter().all(|byte| *byte == 0) => Ok(count),
        Some(_) => Err(LoadError(NO_TAR.to_owned()).into()),
        None => Err(Broken::Archive(ErrorKind::UnexpectedEof.into())),
    }
}

/// Reads at most so many bytes: how many there were, and them.
fn filled(from: &mut impl Read, most: u64) -> std::io::Result<(u64, Arc<[u8]>)> {
    if most > AT_ONCE {
        let mut memory = Vec::new();
        let mut read = 0;
        while read < most {
            memory.resize(most.min(read + AT_ONCE) as usize, 0);
            let more = fill(memory.get_mut(read as usize..).unwrap_or_default(), from)?;
            read += more as u64;
            memory.truncate(read as usize);
            if more == 0 {
                break;
            }
        }
        return Ok((read, memory.into()));
    }
    // Where it is to stay, without a copy.
    let mut data: Arc<[u8]> = repeat_n(0, most as usize).collect();
    let read = fill(Arc::get_mut(&mut data).unwrap_or_default(), from)?;
    Ok((read as u64, if read == data.len() { data } else { data.get(..read).unwrap_or_default().into() }))
}

/// Reads as much as there is room for, or as there is: how much.
fn fill(room: &mut [u8], from: &mut impl Read) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match from.read(room.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// What Go says of what is no tar archive.
const NO_TAR: &str = "archive/tar: invalid tar header";

/// The name inside the chart, when it is one that stays inside.
fn entry_name(raw: &str) -> Result<String, LoadError> {
    let delimiter = if raw.contains('\\') { '\\' } else { '/' };
    let (top, rest) = raw.split_once(delimiter).unwrap_or((raw, ""));
    let name = rest.replace(delimiter, "/");
    if name.starts_with('/') {
        return Err("chart illegally contains absolute paths".into());
    }
    let name = super::release::clean_path(&name);
    if name == "." {
        return Err(LoadError(format!("chart illegally contains content outside the base directory: {}", quote(raw))));
    }
    if name.starts_with("..") {
        return Err("chart illegally references parent directory".into());
    }
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1..].starts_with(b":/") {
        return Err("chart contains illegally named files".into());
    }
    if top == "Chart.yaml" {
        return Err("chart yaml not in base directory".into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap()
    }

    /// A header with these flags and fields, then what is packed as `bytes` are.
    fn with_header(flags: u8, fields: &[u8], bytes: &[u8]) -> Vec<u8> {
        [b"\x1f\x8b\x08".as_slice(), &[flags], &[0, 0, 0, 0, 0, 0xff], fields, &zipped(bytes)[10..]].concat()
    }

    fn flipped(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        bytes
    }

    /// As Helm v3.22.0 answers archives of these kinds.
    #[test]
    fn archives_end_as_they_do_in_helm() {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, data) in [("a/Chart.yaml", "name: a\n"), ("a/values.yaml", "a: 1\n")] {
            let mut header = tar::Header::new_ustar();
            header.set_size(data.len() as u64);
            tar.append_data(&mut header, name, data.as_bytes()).unwrap();
        }
        let raw = tar.into_inner().unwrap();
        let (half, rest) = raw.split_at(1030);
        let whole = zipped(&raw);
        let cut_off = |packed: &[u8], n: usize| packed[..packed.len() - n].to_vec();
        let cut = |n: usize| cut_off(&whole, n);
        let join = |a: &[u8], b: &[u8]| [a, b].concat();
        let mut flush = flate2::Compress::new(flate2::Compression::default(), false);
        let mut open = Vec::with_capacity(4096);
        flush.compress_vec(half, &mut open, flate2::FlushCompress::Full).unwrap();
        let corrupt = format!("flate: corrupt input before offset {}", open.len() + 1);
        let bad_end = |n: usize| {
            let (mut flush, mut open) = (flate2::Compress::new(flate2::Compression::default(), false), Vec::with_capacity(4096));
            flush.compress_vec(&raw[..n], &mut open, flate2::FlushCompress::Full).unwrap();
            [b"\x1f\x8b\x08\0\0\0\0\0\0\xff".as_slice(), &open, &[0xff; 50]].concat()
        };
        let bad_block = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff".as_slice(), &open, &[0xff; 50]].concat();
        let sum = crc32fast::hash(b"\x1f\x8b\x08\x02\0\0\0\0\0\xff").to_le_bytes();
        let fine = "";
        for (name, bytes, expected) in [
            ("whole", whole.clone(), fine),
            ("nothing", Vec::new(), "EOF"),
            ("cut in the header", whole[..9].to_vec(), "unexpected EOF"),
            ("cut in the checksum", cut(6), fine),
            ("cut in the data", whole[..whole.len() / 2].to_vec(), "unexpected EOF"),
            ("wrong checksum at the end", flipped(whole.clone(), 8), fine),
            ("wrong checksum before the end", join(&flipped(zipped(half), 8), &zipped(rest)), "gzip: invalid checksum"),
            ("wrong size before the end", join(&flipped(zipped(half), 4), &zipped(rest)), "gzip: invalid checksum"),
            ("text behind", join(&whole, b"hello world, this is it"), fine),
            ("two members", join(&zipped(half), &zipped(rest)), fine),
            ("text for a member", join(&zipped(half), b"garbage garbage garbage"), "gzip: invalid header"),
            ("a block of no kind", bad_block, &corrupt),
            ("tar cut in a file", zipped(half), "unexpected EOF"),
            ("tar cut in a header", zipped(&raw[..1100]), "unexpected EOF"),
            ("tar without padding", zipped(&raw[..1541]), fine),
            ("tar without an end", zipped(&raw[..2048]), fine),
            ("one block of zeros", zipped(&raw[..2560]), fine),
            ("text behind a block of zeros", zipped(&join(&raw[..2560], &[b'x'; 512])), "archive/tar: invalid tar header"),
            ("a file behind a block of zeros", zipped(&join(&raw[..2560], &raw)), "archive/tar: invalid tar header"),
            ("text behind two blocks of zeros", zipped(&join(&raw, &[b'x'; 512])), fine),
            ("cut behind a block of zeros", zipped(&raw[..2660]), "unexpected EOF"),
            ("cut in the checksum behind a block of zeros", cut_off(&zipped(&raw[..2560]), 6), "unexpected EOF"),
            ("corrupt behind a block of zeros", bad_end(2560), "flate: corrupt input before offset"),
            ("corrupt behind two blocks of zeros", bad_end(3072), fine),
            ("no tar", zipped(&b"hello".repeat(400)), "archive/tar: invalid tar header"),
            ("a short text", zipped(b"hello"), "unexpected EOF"),
            ("an empty tar", zipped(&[0; 1024]), "no files in chart archive"),
            ("an empty text", zipped(b""), "no files in chart archive"),
            ("a name", with_header(8, b"chart.tar\0", &raw), fine),
            ("a long name", with_header(8, &join(&[b'x'; 600], b"\0"), &raw), "gzip: invalid header"),
            ("a name without end", b"\x1f\x8b\x08\x08\0\0\0\0\0\xffabc".to_vec(), "unexpected EOF"),
            ("further fields", with_header(4, b"\x04\0abcd", &raw), fine),
            ("a comment", with_header(16, b"hi\0", &raw), fine),
            ("a checksum of the header", with_header(2, &sum[..2], &raw), fine),
            ("a wrong checksum of the header", with_header(2, b"\x01\x02", &raw), "gzip: invalid header"),
            ("unknown flags", with_header(0xe0, b"", &raw), fine),
        ] {
            let got = unpack(&bytes).err().map_or(String::new(), |e| e.0);
            let exact = !expected.ends_with("offset");
            assert!(got == expected || !exact && got.starts_with(expected), "{name}: {got}");
        }
    }
}
