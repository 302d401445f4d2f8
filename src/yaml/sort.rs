//! The order of keys in emitted YAML: letters, then numbers by value, as go-yaml sorts.

use super::scalar_text::Dialect;
use crate::value::{Str, Value, is_digit, is_letter};

/// Sorts entries that are in byte order. go-yaml's comparison is not transitive for some keys, so the
/// sort must bear any answers: it is a merge sort, and stable.
pub(super) fn sort_keys(entries: &mut Vec<(Str, Value)>, dialect: Dialect) {
    sort_by_key(entries, |entry| entry.0.as_bytes(), dialect);
}

/// As [`sort_keys`], of entries of any kind.
pub(super) fn sort_by_key<T>(entries: &mut Vec<T>, key: impl Fn(&T) -> &[u8], dialect: Dialect) {
    if entries.windows(2).all(|w| !less(key(&w[1]), key(&w[0]), dialect)) {
        return;
    }
    let n = entries.len();
    let mut order: Vec<usize> = (0..n).collect();
    let mut merged: Vec<usize> = Vec::with_capacity(n);
    let mut width = 1;
    while width < n {
        merged.clear();
        for start in (0..n).step_by(width * 2) {
            let middle = (start + width).min(n);
            let end = (start + width * 2).min(n);
            let (mut a, mut b) = (start, middle);
            while a < middle && b < end {
                if less(key(&entries[order[b]]), key(&entries[order[a]]), dialect) {
                    merged.push(order[b]);
                    b += 1;
                } else {
                    merged.push(order[a]);
                    a += 1;
                }
            }
            merged.extend_from_slice(&order[a..middle]);
            merged.extend_from_slice(&order[b..end]);
        }
        std::mem::swap(&mut order, &mut merged);
        width *= 2;
    }
    let mut slots: Vec<Option<T>> = std::mem::take(entries).into_iter().map(Some).collect();
    entries.extend(order.into_iter().filter_map(|i| slots[i].take()));
}

fn less(a: &[u8], b: &[u8], dialect: Dialect) -> bool {
    // Most keys differ in letters, or one goes on where the other ends.
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    match (a.get(common), b.get(common)) {
        (Some(x), Some(y)) if x.is_ascii_alphabetic() && y.is_ascii_alphabetic() => return x < y,
        _ => {}
    }
    let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    if same == a.len() || same == b.len() {
        return a.len() < b.len();
    }
    let start = (0..=same).rev().find(|i| a.is_char_boundary(*i) && b.is_char_boundary(*i)).unwrap_or(0);
    let (mut ar, mut br) = (a[start..].chars(), b[start..].chars());
    let (Some(ac), Some(bc)) = (ar.next(), br.next()) else { return a.len() < b.len() };
    let (al, bl) = (is_letter(ac), is_letter(bc));
    if al && bl {
        return ac < bc;
    }
    if al || bl {
        if dialect == Dialect::V3 {
            // Whether the common part ends in a digit.
            let digits = a[..start].chars().next_back().is_some_and(is_digit);
            return if digits { al } else { bl };
        }
        return bl;
    }
    let (mut an, mut bn) = (0i64, 0i64);
    if ac == '0' || bc == '0' {
        for c in a[..start].chars().rev().take_while(|c| is_digit(*c)) {
            if c != '0' {
                (an, bn) = (1, 1);
                break;
            }
        }
    }
    let run = |text: &str, n: &mut i64| {
        let mut length = 0;
        for c in text.chars().take_while(|c| is_digit(*c)) {
            *n = n.wrapping_mul(10).wrapping_add(i64::from(c as u32) - 48);
            length += 1;
        }
        length
    };
    let ai = run(&a[start..], &mut an);
    let bi = run(&b[start..], &mut bn);
    if an != bn {
        return an < bn;
    }
    if ai != bi {
        return ai < bi;
    }
    ac < bc
}
