//! DER, as far as keys and certificates need it: writing, strict reading, and reading with Go's sentences about what is
//! wrong. upstream: encoding/asn1, golang.org/x/crypto/cryptobyte

use num_bigint::BigUint;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The context-specific tag `[n]` of a constructed value.
pub(super) const fn context(n: u8) -> u8 {
    0xa0 | n
}

/// A value with its tag and length.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let len = content.len();
    if len < 0x80 {
        out.push(len as u8);
    } else {
        let bytes = len.to_be_bytes();
        let significant = &bytes[bytes.iter().take_while(|b| **b == 0).count()..];
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(content);
    out
}

/// A sequence of finished values.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A number that is not negative.
pub(super) fn integer(n: &BigUint) -> Vec<u8> {
    let mut bytes = n.to_bytes_be();
    if bytes.first().is_some_and(|b| b & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    tlv(INTEGER, &bytes)
}

/// A small number.
pub(super) fn small(n: u8) -> Vec<u8> {
    integer(&BigUint::from(n))
}

/// Whole bytes as a bit string.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// Reads values one after the other; every answer is `None` when the bytes are not what was asked for.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn peek(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next value whatever its tag: tag, all its bytes, its content.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let head = header(self.0, 0).ok()?;
        // Tags above 30 take several bytes; nothing here uses them.
        let (start, end) = (head.start, head.start.checked_add(head.len)?);
        let content = self.0.get(start..end)?;
        let all = &self.0[..end];
        self.0 = &self.0[end..];
        (head.tag < 31).then_some((all[0], all, content))
    }

    /// The content of the next value, which has this tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|(_, content)| content)
    }

    /// The next value with this tag: all its bytes and its content.
    pub(super) fn element(&mut self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        let mut ahead = *self;
        let (found, all, content) = ahead.any()?;
        (found == tag).then(|| {
            *self = ahead;
            (all, content)
        })
    }

    /// The next value as a reader of its parts.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.read(tag).map(Reader)
    }

    /// An integer: its sign and its amount.
    pub(super) fn integer(&mut self) -> Option<(bool, BigUint)> {
        number(self.read(INTEGER)?).ok()
    }

    /// The bytes of a bit string without unused bits.
    pub(super) fn bits(&mut self) -> Option<&'a [u8]> {
        let content = self.read(BIT_STRING)?;
        let (unused, bytes) = content.split_first()?;
        (*unused == 0 || (*unused < 8 && !bytes.is_empty())).then_some(bytes)
    }
}

/// Whether negative, and the amount.
fn number(content: &[u8]) -> Result<(bool, BigUint), String> {
    match content {
        [] => return Err("asn1: structure error: empty integer".to_owned()),
        [0, b, ..] if b & 0x80 == 0 => return Err("asn1: structure error: integer not minimally-encoded".to_owned()),
        [0xff, b, ..] if b & 0x80 != 0 => return Err("asn1: structure error: integer not minimally-encoded".to_owned()),
        _ => {}
    }
    if content[0] & 0x80 == 0 {
        return Ok((false, BigUint::from_bytes_be(content)));
    }
    let inverted: Vec<u8> = content.iter().map(|b| !b).collect();
    Ok((true, BigUint::from_bytes_be(&inverted) + 1u8))
}

/// What stands before a value's content.
struct Header {
    class: u8,
    compound: bool,
    tag: u32,
    start: usize,
    len: usize,
}

fn header(bytes: &[u8], at: usize) -> Result<Header, String> {
    let syntax = |text: &str| Err(format!("asn1: syntax error: {text}"));
    let structure = |text: &str| Err(format!("asn1: structure error: {text}"));
    let mut rest = bytes.iter().copied().enumerate().skip(at);
    let Some((_, first)) = rest.next() else { return syntax("sequence truncated") };
    let mut tag = u32::from(first & 0x1f);
    if tag == 31 {
        tag = 0;
        loop {
            let Some((_, b)) = rest.next() else { return syntax("truncated base 128 integer") };
            if tag > 1 << 23 {
                return structure("base 128 integer too large");
            }
            tag = tag << 7 | u32::from(b & 0x7f);
            if b & 0x80 == 0 {
                break;
            }
        }
        if tag < 31 {
            return syntax("non-minimal tag");
        }
    }
    let Some((mut last, b)) = rest.next() else { return syntax("truncated tag or length") };
    let mut len = usize::from(b & 0x7f);
    if b & 0x80 != 0 {
        let count = len;
        if count == 0 {
            return syntax("indefinite length found (not DER)");
        }
        len = 0;
        for _ in 0..count {
            let Some((i, b)) = rest.next() else { return syntax("truncated tag or length") };
            if len >= 1 << 23 {
                return structure("length too large");
            }
            len = len << 8 | usize::from(b);
            last = i;
            if len == 0 {
                return structure("superfluous leading zeros in length");
            }
        }
        if len < 0x80 {
            return structure("non-minimal length");
        }
    }
    Ok(Header { class: first >> 6, compound: first & 0x20 != 0, tag, start: last + 1, len })
}

/// Reads the fields of one sequence with Go's sentences.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the Go struct `name`, and what follows the sequence.
    pub(super) fn of(bytes: &'a [u8], name: &str) -> Result<(Self, &'a [u8]), String> {
        let mut outer = Self { bytes, at: 0 };
        let content = outer.next(SEQUENCE, name)?;
        Ok((Self { bytes: content, at: 0 }, &bytes[outer.at..]))
    }

    /// Whether a field of this tag is next.
    pub(super) fn has(&self, tag: u8) -> bool {
        self.bytes.get(self.at) == Some(&tag)
    }

    /// The content of the next field, which is of the Go type `name`.
    pub(super) fn next(&mut self, tag: u8, name: &str) -> Result<&'a [u8], String> {
        let head = header(self.bytes, self.at)?;
        let found = (head.class, head.compound, head.tag);
        if found != (tag >> 6, tag & 0x20 != 0, u32::from(tag & 0x1f)) {
            return Err(format!(
                "asn1: structure error: tags don't match ({} vs {{class:{} tag:{} length:{} isCompound:{}}}) {{optional:false \
                 explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false \
                 omitEmpty:false}} {name} @{}",
                tag & 0x1f,
                head.class,
                head.tag,
                head.len,
                head.compound,
                head.start
            ));
        }
        let end = head.start.checked_add(head.len).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err("asn1: syntax error: data truncated".to_owned()) };
        self.at = end;
        Ok(&self.bytes[head.start..end])
    }

    /// A number: whether negative, and the amount.
    pub(super) fn number(&mut self, name: &str) -> Result<(bool, BigUint), String> {
        number(self.next(INTEGER, name)?)
    }

    /// A Go `int`.
    pub(super) fn int(&mut self) -> Result<i64, String> {
        let (negative, amount) = self.number("int")?;
        let amount = i64::try_from(amount).map_err(|_| "asn1: structure error: integer too large".to_owned())?;
        Ok(if negative { -amount } else { amount })
    }
}
