//! Finding bytes that are not far away, eight at a time.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Marks the first of eight bytes that is `byte`; higher ones may be marked in vain.
#[inline]
pub(crate) fn marks(eight: u64, byte: u8) -> u64 {
    let other = eight ^ (ONES * u64::from(byte));
    other.wrapping_sub(ONES) & !other & HIGH
}

/// Marks the first of eight bytes that is below a blank.
#[inline]
pub(crate) fn marks_control(eight: u64) -> u64 {
    eight.wrapping_sub(ONES * u64::from(b' ')) & !eight & HIGH
}

/// The first byte from `at` on that `marks` marks in eight bytes and `is` in one, or the end. It is near: that is
/// why nothing wider is worth its start.
#[inline]
pub(crate) fn find(text: &[u8], mut at: usize, marks: impl Fn(u64) -> u64, is: impl Fn(u8) -> bool) -> usize {
    while let Some(eight) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = marks(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < text.len() && !is(text[at]) {
        at += 1;
    }
    at
}
