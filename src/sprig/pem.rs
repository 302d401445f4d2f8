//! PEM blocks as Go's encoding/pem writes and finds them.

use data_encoding::BASE64;

use super::args::find;
use super::encoding::decode_base64;

/// A block: its type and its bytes.
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

const LINE: usize = 64;
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";

/// Writes a block without headers.
pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    let mut out = format!("-----BEGIN {kind}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The next line without its end and trailing space, and what follows it.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match data.iter().position(|b| *b == b'\n') {
        Some(i) => (data[..i].strip_suffix(b"\r").unwrap_or(&data[..i]), &data[i + 1..]),
        None => (data, &data[data.len()..]),
    };
    let end = line.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).map_or(0, |i| i + 1);
    (&line[..end], rest)
}

/// The first well-formed block.
pub(super) fn decode(data: &[u8]) -> Option<Block> {
    decode_next(data).map(|found| found.0)
}

/// The first well-formed block, and what follows it.
pub(super) fn decode_next(data: &[u8]) -> Option<(Block, &[u8])> {
    let mut rest = data;
    loop {
        let end = find(rest, END)?;
        let after_end = &rest[end + END.len()..];
        let begin = rest[..end].windows(BEGIN.len()).rposition(|w| w == BEGIN);
        if let Some(block) = begin.filter(|b| *b == 0 || rest[*b - 1] == b'\n').and_then(|b| block(&rest[b + BEGIN.len()..], after_end)) {
            return Some((block, after_end));
        }
        rest = after_end;
    }
}

/// The block whose type starts `data`; `trailer` follows the dashes of its end.
fn block(data: &[u8], trailer: &[u8]) -> Option<Block> {
    let (first, mut rest) = line(data);
    let kind = first.strip_suffix(b"-----")?;
    let mut headers = false;
    loop {
        if rest.is_empty() {
            return None;
        }
        let (text, next) = line(rest);
        if !text.contains(&b':') {
            break;
        }
        headers = true;
        rest = next;
    }
    let (last, _) = line(trailer);
    if last.strip_suffix(b"-----") != Some(kind) {
        return None;
    }
    // An empty block's end stands right after its begin, without a line end of its own.
    let body_end = (data.len() - rest.len()..data.len()).find(|i| data[*i..].starts_with(END)).map(|i| i - (data.len() - rest.len()));
    let body = match body_end {
        Some(n) => &rest[..n],
        None if headers => return None,
        None => &[],
    };
    let text: Vec<u8> = body.iter().copied().filter(|b| !matches!(b, b' ' | b'\t')).collect();
    let bytes = decode_base64(&text).ok()?;
    Some(Block { kind: String::from_utf8_lossy(kind).into_owned(), bytes })
}
