//! Values as Go prints them in error messages, and Go's number texts.

use std::borrow::Cow;
use std::fmt::Write;

use super::compose::scalar;
use super::parser::{NONE, NodeId, RawKind, RawNode, Tree};
use super::resolve::Scalar;
use super::scanner::Fail;
use crate::value::quote;

/// Deeper values are cut in messages.
const MAX_DEPTH: usize = 64;
/// Longer values are cut in messages.
const MAX_LENGTH: usize = 1 << 16;
/// How many nodes a message shows at most: aliases may stand for more than any text could hold.
const MAX_NODES: usize = 1 << 16;

/// A node's value as `%#v` prints it. `open` are the aliases that are being followed: one that is met again is an error,
/// as it is for the decoder.
pub(super) fn value(tree: &Tree<'_>, id: NodeId, open: Vec<NodeId>) -> Result<String, Fail> {
    let mut out = String::new();
    if id == NONE {
        return Ok("<nil>".to_owned());
    }
    Printer { tree, open, left: MAX_NODES }.write(id, 0, &mut out)?;
    Ok(out)
}

struct Printer<'t, 's> {
    tree: &'t Tree<'s>,
    open: Vec<NodeId>,
    left: usize,
}

impl Printer<'_, '_> {
    fn write(&mut self, id: NodeId, depth: usize, out: &mut String) -> Result<(), Fail> {
        if depth > MAX_DEPTH || out.len() > MAX_LENGTH || self.left == 0 {
            out.push_str("...");
            return Ok(());
        }
        self.left -= 1;
        let tree = self.tree;
        let node = tree.node(id);
        match node.kind {
            RawKind::Alias(name, target) => {
                if self.open.contains(&id) {
                    return Err(Fail::contains_itself(name, node.start));
                }
                self.open.push(id);
                self.write(target, depth, out)?;
                self.open.pop();
            }
            RawKind::Sequence => {
                out.push_str("[]interface {}{");
                for (i, child) in tree.children(id).enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    self.write(child, depth + 1, out)?;
                }
                out.push('}');
            }
            RawKind::Mapping => self.write_mapping(id, depth, out)?,
            RawKind::Scalar(..) => write_scalar(node, depth, out)?,
        }
        Ok(())
    }

    fn write_mapping(&mut self, id: NodeId, depth: usize, out: &mut String) -> Result<(), Fail> {
        let tree = self.tree;
        let mut entries: Vec<(u8, String, String)> = Vec::new();
        let mut children = tree.children(id);
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let target = match tree.node(key).kind {
                RawKind::Alias(_, target) => target,
                _ => key,
            };
            let (mut k, mut v) = (String::new(), String::new());
            if matches!(tree.node(target).kind, RawKind::Sequence | RawKind::Mapping) {
                self.write(key, 0, &mut k)?;
                return Err(Fail::plain(format!("invalid map key: {k}"), Some(tree.node(id).start)));
            }
            self.write(key, depth + 1, &mut k)?;
            self.write(value, depth + 1, &mut v)?;
            let rank = match k.as_bytes().first() {
                Some(b'i') => 0,
                Some(b'"') => 3,
                Some(b't' | b'f') => 2,
                _ => 1,
            };
            entries.retain(|e| e.1 != k);
            entries.push((rank, k, v));
        }
        entries.sort();
        out.push_str("map[interface {}]interface {}{");
        for (i, (_, k, v)) in entries.iter().enumerate() {
            let _ = write!(out, "{}{k}:{v}", if i > 0 { ", " } else { "" });
        }
        out.push('}');
        Ok(())
    }
}

fn write_scalar(node: &RawNode<'_>, depth: usize, out: &mut String) -> Result<(), Fail> {
    let (found, text) = scalar(node)?;
    match found {
        Scalar::Null => out.push_str(if depth == 0 { "<nil>" } else { "interface {}(nil)" }),
        Scalar::Bool(b) => {
            let _ = write!(out, "{b}");
        }
        Scalar::Int(i) => {
            let _ = write!(out, "{i}");
        }
        Scalar::Uint(u) => {
            let _ = write!(out, "{u:#x}");
        }
        Scalar::Float(f) => out.push_str(&float_g(f, Digits::of(f))),
        Scalar::Timestamp | Scalar::Str => out.push_str(&quote(&text)),
    }
    Ok(())
}

/// A string as it comes back from JSON: every byte that is not UTF-8 becomes U+FFFD.
pub(super) fn valid(text: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(s) => {
                out.push_str(s);
                break;
            }
            Err(e) => {
                let (good, bad) = rest.split_at(e.valid_up_to());
                out.push_str(&String::from_utf8_lossy(good));
                out.push('\u{FFFD}');
                rest = &bad[1..];
            }
        }
    }
    Cow::Owned(out.into_bytes())
}

/// [`valid`] for a text that may be owned.
pub(super) fn valid_cow(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(b) => valid(b),
        Cow::Owned(v) => match valid(&v) {
            Cow::Owned(o) => Cow::Owned(o),
            Cow::Borrowed(_) => Cow::Owned(v),
        },
    }
}

/// The shortest decimal digits of a number.
pub(super) struct Digits {
    text: String,
    /// The exponent of the first digit.
    exponent: i32,
}

impl Digits {
    /// Those that tell it from other `float64`s.
    pub(super) fn of(f: f64) -> Self {
        Self::parse(&format!("{:e}", f.abs()))
    }

    fn of_single(f: f32) -> Self {
        Self::parse(&format!("{:e}", f.abs()))
    }

    fn parse(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        Self { text: mantissa.replace('.', ""), exponent: exponent.parse().unwrap_or(0) }
    }
}

/// Go's `%g` with the shortest digits.
pub(super) fn float_g(f: f64, digits: Digits) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let mut out = String::new();
    if f.is_sign_negative() {
        out.push('-');
    }
    let Digits { text, exponent } = digits;
    // With the shortest digits Go decides as if there were six.
    if !(-4..6).contains(&exponent) {
        out.push_str(&text[..1]);
        if text.len() > 1 {
            out.push('.');
            out.push_str(&text[1..]);
        }
        let _ = write!(out, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    } else if exponent < 0 {
        out.push_str("0.");
        (1..-exponent).for_each(|_| out.push('0'));
        out.push_str(&text);
    } else {
        let whole = exponent as usize + 1;
        if text.len() <= whole {
            out.push_str(&text);
            (text.len()..whole).for_each(|_| out.push('0'));
        } else {
            out.push_str(&text[..whole]);
            out.push('.');
            out.push_str(&text[whole..]);
        }
    }
    out
}

/// `strconv.FormatFloat(f, 'g', -1, 64)`, as go-yaml writes numbers.
pub(super) fn float_shortest(f: f64) -> String {
    match f {
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        f if f.is_nan() => ".nan".to_owned(),
        _ => float_g(f, Digits::of(f)),
    }
}

/// A float as a key: single precision, as sigs.k8s.io/yaml writes it.
pub(super) fn float_key(f: f64) -> String {
    let single = f as f32;
    if single.is_infinite() || single.is_nan() {
        return float_shortest(f64::from(single));
    }
    float_g(f64::from(single), Digits::of_single(single))
}
