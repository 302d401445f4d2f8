//! gzip in memory, as Go's reader takes it: members one behind the other, and what comes before an error is there all the
//! same. upstream: compress/gzip/gunzip.go

use std::cell::RefCell;
use std::fmt;
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};

/// No name and no comment is longer.
const MAX_TEXT: usize = 512;
/// So much of a large archive is unpacked at once: it stays near the processor until it is read.
const WINDOW: usize = 64 << 10;
/// So much of another: to ask for more memory takes longer than it saves.
const SMALL_WINDOW: usize = 16 << 10;
/// How many bytes a large archive has at least.
const LARGE: usize = 64 << 10;

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

/// Unpacks as far as somebody reads.
pub(super) struct Unzip<'a> {
    /// What is not unpacked yet.
    packed: &'a [u8],
    member: Option<Member>,
    /// What was unpacked last; `read..filled` of it waits to be read.
    window: Vec<u8>,
    read: usize,
    filled: usize,
    /// Bytes unpacked.
    made: usize,
    /// The most of them.
    limit: usize,
    /// Whether there is no more; after an error that one.
    over: bool,
    end: Option<Broken>,
}

/// A member that is being unpacked, and the checksum so far.
struct Member {
    unpack: Decompress,
    sum: Hasher,
}

impl<'a> Unzip<'a> {
    /// Of `packed`, at most `limit` bytes of what it holds.
    pub(super) fn new(packed: &'a [u8], limit: usize) -> Self {
        let window = vec![0; if packed.len() < LARGE { SMALL_WINDOW } else { WINDOW }];
        Self { packed, member: None, window, read: 0, filled: 0, made: 0, limit, over: false, end: None }
    }

    /// What ended the data, for a reader that needed more.
    pub(super) fn end(&self) -> Broken {
        self.end.unwrap_or(Broken::Cut)
    }

    /// Whether all is read and ends within a block of a tar archive.
    pub(super) fn ends_within_block(&mut self) -> bool {
        self.unread(1).is_empty() && !self.made.is_multiple_of(512)
    }

    /// Whether what was read last is all there is, but for a block of a tar archive that is not filled up.
    pub(super) fn ends_unfilled(&mut self) -> bool {
        let rest = self.place().next_multiple_of(512) - self.place();
        self.unread(rest).len() < rest && self.end.is_none()
    }

    /// The next block of a tar archive, empty at the end; nothing when what is there ends within it or with an error.
    pub(super) fn next_block(&mut self) -> Option<&[u8]> {
        let (left, broken) = (self.unread(512).len(), self.end.is_some());
        match left {
            0 if broken => None,
            0 | 512.. => self.window.get(self.read..self.read + left.min(512)),
            _ => None,
        }
    }

    /// How much was read.
    fn place(&self) -> usize {
        self.made - (self.filled - self.read)
    }

    /// What can be read at once: `least` bytes or more, fewer only at the end.
    fn unread(&mut self, least: usize) -> &[u8] {
        while self.filled - self.read < least && !self.over {
            self.window.copy_within(self.read..self.filled, 0);
            self.filled -= self.read;
            self.read = 0;
            if let Err(e) = self.fill() {
                self.end = Some(e);
                self.over = true;
            }
        }
        self.window.get(self.read..self.filled).unwrap_or_default()
    }

    /// Unpacks into what is free of the window.
    fn fill(&mut self) -> std::result::Result<(), Broken> {
        if self.made >= self.limit || self.member.is_none() && self.packed.is_empty() {
            self.over = true;
            return Ok(());
        }
        if self.member.is_none() {
            skip_header(&mut self.packed)?;
        }
        let member = self.member.get_or_insert_with(|| Member { unpack: Decompress::new(false), sum: Hasher::new() });
        let end = self.window.len().min(self.filled + (self.limit - self.made));
        let room = self.window.get_mut(self.filled..end).unwrap_or_default();
        let before = (member.unpack.total_in(), member.unpack.total_out());
        let done = member.unpack.decompress(self.packed, room, FlushDecompress::None);
        let (taken, made) = ((member.unpack.total_in() - before.0) as usize, (member.unpack.total_out() - before.1) as usize);
        member.sum.update(room.get(..made).unwrap_or_default());
        self.filled += made;
        self.made += made;
        let status = done.map_err(|_| Broken::Corrupt(member.unpack.total_in()))?;
        self.packed = self.packed.get(taken..).unwrap_or_default();
        match status {
            Status::StreamEnd => {
                let size = member.unpack.total_out() as u32;
                let sum = self.member.take().map(|member| member.sum.finalize());
                let mut word = || take(&mut self.packed, 4).and_then(|w| w.try_into().map_err(|_| Broken::Cut)).map(u32::from_le_bytes);
                if (sum, size) == (Some(word()?), word()?) { Ok(()) } else { Err(Broken::Checksum) }
            }
            _ if taken == 0 && made == 0 => Err(Broken::Cut),
            _ => Ok(()),
        }
    }
}

/// Reads what is unpacked.
#[derive(Clone, Copy)]
pub(super) struct Reader<'c, 'a>(pub(super) &'c RefCell<Unzip<'a>>);

impl Read for Reader<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let from = &mut *self.0.borrow_mut();
        let n = from.unread(1).read(into)?;
        from.read += n;
        if n == 0 && !into.is_empty() && from.end.is_some() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(n) }
    }
}

/// Passes over data: there is nothing to go back for.
impl Seek for Reader<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let SeekFrom::Current(by) = to else { return Err(ErrorKind::Unsupported.into()) };
        let mut left = usize::try_from(by).unwrap_or(usize::MAX);
        let from = &mut *self.0.borrow_mut();
        while left > 0 {
            let n = from.unread(1).len().min(left);
            if n == 0 {
                // As one who reads over it would find out.
                return Err(if from.end.is_some() { ErrorKind::UnexpectedEof.into() } else { Error::other("unexpected EOF") });
            }
            from.read += n;
            left -= n;
        }
        Ok(from.place() as u64)
    }
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
