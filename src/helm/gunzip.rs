//! gzip in memory, as Go's reader takes it: members one behind the other, and what comes before an error is there all the
//! same. upstream: compress/gzip/gunzip.go

use std::fmt;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

/// No name and no comment is longer.
const MAX_TEXT: usize = 512;
/// Deflate packs no text into less than this part of it.
const MAX_RATIO: usize = 1032;

/// What was unpacked, and the error that ended it: none at the end or the limit.
#[derive(Debug)]
pub(super) struct Unzipped {
    data: Vec<u8>,
    end: Option<Broken>,
}

/// What ends an archive before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Cut,
    Header,
    Checksum,
    /// So many bytes of a member's packed data were read.
    Corrupt(u64),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("unexpected EOF"),
            Self::Header => f.write_str("gzip: invalid header"),
            Self::Checksum => f.write_str("gzip: invalid checksum"),
            Self::Corrupt(offset) => write!(f, "flate: corrupt input before offset {offset}"),
        }
    }
}

/// Reads what was unpacked.
pub(super) struct Reader<'a> {
    from: &'a Unzipped,
    read: usize,
}

impl Unzipped {
    /// From the start.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { from: self, read: 0 }
    }

    /// Whether it ends within a block of a tar archive, and `reader` has read that.
    pub(super) fn ends_within_block(&self, reader: &Reader<'_>) -> bool {
        reader.read == self.data.len() && !self.data.len().is_multiple_of(512)
    }

    /// Whether there is nothing behind the block that a part ends in.
    pub(super) fn ends_at(&self, from: u64, length: u64) -> bool {
        self.end.is_none() && (from + length).next_multiple_of(512) > self.data.len() as u64
    }

    /// The data.
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    /// The place of a part of the data, when it is long enough.
    pub(super) fn part(&self, from: u64, length: u64) -> Result<Range<usize>> {
        let place = usize::try_from(from).ok().and_then(|from| Some(from..from.checked_add(usize::try_from(length).ok()?)?));
        place.filter(|place| place.end <= self.data.len()).ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }

    /// What ended the data, for a reader that needed more.
    pub(super) fn end(&self) -> Broken {
        self.end.unwrap_or(Broken::Cut)
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut rest = self.from.data.get(self.read..).unwrap_or_default();
        let n = rest.read(into)?;
        self.read += n;
        if n == 0 && !into.is_empty() && self.from.end.is_some() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(n) }
    }
}

/// Passes over data: there is nothing to go back for.
impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let SeekFrom::Current(by) = to else { return Err(ErrorKind::Unsupported.into()) };
        let place = usize::try_from(by).ok().and_then(|by| self.read.checked_add(by)).filter(|place| *place <= self.from.data.len());
        let Some(place) = place else {
            // As one who reads over it would find out.
            self.read = self.from.data.len();
            return Err(if self.from.end.is_some() { ErrorKind::UnexpectedEof.into() } else { Error::other("unexpected EOF") });
        };
        self.read = place;
        Ok(place as u64)
    }
}

/// Unpacks `bytes`, at most `limit` bytes of what they hold.
pub(super) fn gunzip(bytes: &[u8], limit: usize) -> Unzipped {
    let mut rest = bytes;
    let told = bytes.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize);
    // What the system gives is zero already: it is not written twice.
    let mut out = Unpacked { data: vec![0; told.min(limit).min(bytes.len().saturating_mul(MAX_RATIO)) + 1], filled: 0 };
    let mut end = None;
    while !rest.is_empty() && out.filled < limit {
        if let Err(error) = member(&mut rest, &mut out, limit) {
            end = Some(error);
            break;
        }
    }
    let Unpacked { mut data, filled } = out;
    data.truncate(filled.min(limit));
    Unzipped { data, end }
}

/// Room for what is unpacked, and how much of it is.
struct Unpacked {
    data: Vec<u8>,
    filled: usize,
}

/// One member: header, packed data, checksum and size.
fn member(rest: &mut &[u8], out: &mut Unpacked, limit: usize) -> std::result::Result<(), Broken> {
    skip_header(rest)?;
    let from = out.filled;
    let mut unpack = Decompress::new(false);
    loop {
        if out.filled == out.data.len() {
            out.data.resize(out.filled + out.filled.clamp(1 << 12, 1 << 20), 0);
        }
        let room = out.data.get_mut(out.filled..).unwrap_or_default();
        let before = (unpack.total_in(), unpack.total_out());
        let done = unpack.decompress(rest, room, FlushDecompress::None);
        let (taken, made) = ((unpack.total_in() - before.0) as usize, (unpack.total_out() - before.1) as usize);
        out.filled += made;
        let status = done.map_err(|_| Broken::Corrupt(unpack.total_in()))?;
        *rest = rest.get(taken..).unwrap_or_default();
        match status {
            Status::StreamEnd => break,
            _ if out.filled >= limit => return Ok(()),
            _ if taken == 0 && made == 0 => return Err(Broken::Cut),
            _ => {}
        }
    }
    let mut word = || take(rest, 4).and_then(|w| w.try_into().map_err(|_| Broken::Cut)).map(u32::from_le_bytes);
    let (sum, size) = (word()?, word()?);
    let made = out.data.get(from..out.filled).unwrap_or_default();
    if sum == crc32fast::hash(made) && size == made.len() as u32 { Ok(()) } else { Err(Broken::Checksum) }
}

/// The next `n` bytes.
fn take<'a>(rest: &mut &'a [u8], n: usize) -> std::result::Result<&'a [u8], Broken> {
    let (taken, behind) = rest.split_at_checked(n).ok_or(Broken::Cut)?;
    *rest = behind;
    Ok(taken)
}

/// Reads over a member's header. What is no header is [`Broken::Header`].
fn skip_header(rest: &mut &[u8]) -> std::result::Result<(), Broken> {
    let whole = *rest;
    let fixed = take(rest, 10)?;
    if !fixed.starts_with(b"\x1f\x8b\x08") {
        return Err(Broken::Header);
    }
    let flags = fixed.get(3).copied().unwrap_or_default();
    if flags & 4 != 0 {
        let length = take(rest, 2)?;
        let length = length.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
        take(rest, length)?;
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let window = rest.get(..rest.len().min(MAX_TEXT)).unwrap_or_default();
            match memchr::memchr(0, window) {
                Some(at) => drop(take(rest, at + 1)?),
                None if window.len() < MAX_TEXT => return Err(Broken::Cut),
                None => return Err(Broken::Header),
            }
        }
    }
    if flags & 2 != 0 {
        let read = whole.get(..whole.len() - rest.len()).unwrap_or_default();
        let sum = take(rest, 2)?;
        if sum != crc32fast::hash(read).to_le_bytes().get(..2).unwrap_or_default() {
            return Err(Broken::Header);
        }
    }
    Ok(())
}
