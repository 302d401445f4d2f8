//! Random texts and numbers, from the random stream of the rendering.

use data_encoding::BASE64;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::Value;

use super::args::INT;
use super::args::Reply;
use super::args::STR;
use super::args::bytes;
use super::args::fixed;
use super::args::int;
use super::args::runes;
use super::args::string;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("randAlphaNum", &[INT], STR, |e, a| characters(e, a, |b| b.is_ascii_alphanumeric())),
    fixed("randAlpha", &[INT], STR, |e, a| characters(e, a, |b| b.is_ascii_alphabetic())),
    fixed("randAscii", &[INT], STR, |e, a| characters(e, a, |b| (32..127).contains(&b))),
    fixed("randNumeric", &[INT], STR, |e, a| characters(e, a, |b| b.is_ascii_digit())),
    fixed("randBytes", &[INT], STR, |e, a| {
        let count = usize::try_from(int(a, 0)).ok().filter(|&n| n <= MAX_BYTES);
        let Some(count) = count else { return Err("runtime error: makeslice: len out of range".to_owned()) };
        let mut buffer = vec![0; count];
        (e.random)(&mut buffer);
        string(BASE64.encode(&buffer))
    }),
    fixed("randInt", &[INT, INT], INT, |e, a| {
        let (low, high) = (int(a, 0), int(a, 1));
        let width = high.wrapping_sub(low);
        if width <= 0 {
            return Err("invalid argument to Intn".to_owned());
        }
        Ok(Value::int(low.wrapping_add(below(e, width as u64) as i64)))
    }),
    fixed("shuffle", &[STR], STR, |e, a| {
        let mut all: Vec<char> = runes(bytes(a, 0)).collect();
        for i in (1..all.len()).rev() {
            let j = below(e, i as u64 + 1) as usize;
            all.swap(i, j);
        }
        string(all.into_iter().collect::<String>())
    }),
    fixed("uuidv4", &[], STR, |e, _| {
        let mut id = [0u8; 16];
        (e.random)(&mut id);
        id[6] = (id[6] & 0x0f) | 0x40;
        id[8] = (id[8] & 0x3f) | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&id);
        string(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
    }),
];

/// The longest random text made.
const MAX_BYTES: usize = 1 << 26;

/// An unbiased number below a limit.
pub(super) fn below(env: &mut Env<'_>, limit: u64) -> u64 {
    let zone = u64::MAX - u64::MAX % limit.max(1);
    loop {
        let mut buffer = [0; 8];
        (env.random)(&mut buffer);
        let n = u64::from_le_bytes(buffer);
        if n < zone {
            return n % limit.max(1);
        }
    }
}

fn characters(env: &mut Env<'_>, a: &[Value], keep: fn(u8) -> bool) -> Reply {
    // A negative count is an error that the function drops.
    let count = usize::try_from(int(a, 0)).unwrap_or(0);
    if count > MAX_BYTES {
        return Err("runtime error: makeslice: len out of range".to_owned());
    }
    let alphabet: Vec<u8> = (0..128).filter(|&b| keep(b)).collect();
    let text: Vec<u8> = (0..count).map(|_| alphabet[below(env, alphabet.len() as u64) as usize]).collect();
    string(text)
}
