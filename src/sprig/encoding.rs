//! base64, base32, JSON and YAML.

use data_encoding::BASE32;
use data_encoding::BASE64;

use crate::gotmpl::Function;

use super::args::STR;
use super::args::bytes;
use super::args::fixed;
use super::args::string;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("b64enc", &[STR], STR, |_, a| string(BASE64.encode(bytes(a, 0)))),
    fixed("b64dec", &[STR], STR, |_, a| string(decode(bytes(a, 0), &BASE_64).unwrap_or_else(String::into_bytes))),
    fixed("b32enc", &[STR], STR, |_, a| string(BASE32.encode(bytes(a, 0)))),
    fixed("b32dec", &[STR], STR, |_, a| string(decode(bytes(a, 0), &BASE_32).unwrap_or_else(String::into_bytes))),
];

/// How a base groups its digits.
struct Base {
    name: &'static str,
    bits: u32,
    /// Digits of a full group.
    group: usize,
    /// How many digits a padded group may have.
    partial: &'static [usize],
    digit: fn(u8) -> Option<u8>,
}

const BASE_64: Base = Base {
    name: "base64",
    bits: 6,
    group: 4,
    partial: &[2, 3],
    digit: |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    },
};

const BASE_32: Base = Base {
    name: "base32",
    bits: 5,
    group: 8,
    partial: &[2, 4, 5, 7],
    digit: |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    },
};

/// base64 with padding, as Go decodes it.
pub(super) fn decode_base64(s: &[u8]) -> Result<Vec<u8>, String> {
    decode(s, &BASE_64)
}

/// Decodes as Go's encoding packages do: line ends are skipped, padding is required, the first bad byte is named.
fn decode(s: &[u8], base: &Base) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal {} data at input byte {at}", base.name);
    // base32 counts without the line ends, base64 with them.
    let input: Vec<(usize, u8)> = s.iter().copied().enumerate().filter(|(_, b)| !matches!(b, b'\n' | b'\r')).collect();
    let place = |i: usize| if base.bits == 6 { input.get(i).map_or(s.len(), |p| p.0) } else { i };
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < input.len() {
        let start = i;
        let mut digits = Vec::with_capacity(base.group);
        while digits.len() < base.group && i < input.len() {
            match (base.digit)(input[i].1) {
                Some(d) => digits.push(d),
                None => break,
            }
            i += 1;
        }
        let full = digits.len() == base.group;
        if !full {
            let Some(&(_, b)) = input.get(i) else {
                let at = if base.bits == 6 { s.len() - (i - start) } else { input.len() - (i - start) };
                return Err(corrupt(at));
            };
            if b != b'=' || digits.len() < 2 {
                return Err(corrupt(place(i)));
            }
            let padding = base.group - digits.len();
            for k in 0..padding {
                match input.get(i + k) {
                    Some((_, b'=')) => {}
                    Some(_) => return Err(corrupt(place(i + k))),
                    None => return Err(corrupt(if base.bits == 6 { s.len() } else { input.len() })),
                }
            }
            if !base.partial.contains(&digits.len()) {
                return Err(corrupt(place(i)));
            }
            i += padding;
            if i < input.len() {
                return Err(corrupt(place(i)));
            }
        }
        let bits = digits.iter().fold(0u64, |n, d| n << base.bits | u64::from(*d));
        let count = digits.len() as u32 * base.bits;
        out.extend((0..count / 8).map(|k| (bits >> (count - 8 * (k + 1))) as u8));
    }
    Ok(out)
}
