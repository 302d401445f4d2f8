//! Go's fmt: `Sprint`, `Sprintln` and `Sprintf` over values, with fmt's own error marks. upstream: fmt/print.go, fmt/format.go

use super::float::format_float;
use super::go_type::{GoType, ReflectKind};
use super::kinds::{Kind, Value};
use super::object::{GoError, Object, Structure};
use super::quote::{can_backquote, quote_with};
use super::stack::stacked;
use super::unicode::is_print;

/// Values nested deeper than this are taken for cyclic.
const MAX_DEPTH: usize = 1_000;
/// Nothing printed may be larger.
const MAX_SIZE: usize = 256 << 20;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Flags {
    sharp: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    sharp_v: bool,
    plus_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

#[derive(Default)]
struct Printer {
    out: Vec<u8>,
    f: Flags,
    /// Set when a value was nested too deeply; everything after it is skipped.
    too_deep: bool,
    erroring: bool,
}

/// `fmt.Sprint(v)`.
///
/// # Errors
/// A value that contains itself.
pub fn print_value(v: &Value) -> Result<Vec<u8>, GoError> {
    // The two most frequent kinds need no printer.
    match &v.kind {
        Kind::Str(s) => return Ok(s.as_bytes().to_vec()),
        Kind::Int(_, i) => return Ok(i.to_string().into_bytes()),
        _ => {}
    }
    let mut p = Printer::default();
    p.arg(v, 'v');
    p.finish()
}

/// `fmt.Sprint(args...)`: a space between two operands when neither is a string.
///
/// # Errors
/// A value that contains itself.
pub fn sprint(args: &[Value]) -> Result<Vec<u8>, GoError> {
    let mut p = Printer::default();
    let mut was_string = true;
    for (i, v) in args.iter().enumerate() {
        let is_string = v.as_str().is_some();
        if i > 0 && !is_string && !was_string {
            p.out.push(b' ');
        }
        p.arg(v, 'v');
        was_string = is_string;
    }
    p.finish()
}

/// `fmt.Sprintln(args...)`.
///
/// # Errors
/// A value that contains itself.
pub fn sprintln(args: &[Value]) -> Result<Vec<u8>, GoError> {
    let mut p = Printer::default();
    for (i, v) in args.iter().enumerate() {
        if i > 0 {
            p.out.push(b' ');
        }
        p.arg(v, 'v');
    }
    p.out.push(b'\n');
    p.finish()
}

/// `fmt.Sprintf(format, args...)`.
///
/// # Errors
/// A value that contains itself.
pub fn sprintf(format: &[u8], args: &[Value]) -> Result<Vec<u8>, GoError> {
    let mut p = Printer::default();
    p.format(format, args);
    p.finish()
}

fn type_name(v: &Value) -> String {
    v.go_type_name().unwrap_or_else(|| "<nil>".to_owned())
}

fn rune_count(b: &[u8]) -> usize {
    b.utf8_chunks().map(|c| c.valid().chars().count() + c.invalid().len()).sum()
}

/// The first `n` runes.
fn first_runes(b: &[u8], n: usize) -> &[u8] {
    let mut left = n;
    let mut at = 0;
    for chunk in b.utf8_chunks() {
        for c in chunk.valid().chars() {
            if left == 0 {
                return &b[..at];
            }
            left -= 1;
            at += c.len_utf8();
        }
        for _ in chunk.invalid() {
            if left == 0 {
                return &b[..at];
            }
            left -= 1;
            at += 1;
        }
    }
    b
}

/// A number in `s` from `start`; `None` where there is none or it is absurdly large (then the rest is skipped).
fn parse_number(s: &[u8], start: usize) -> (Option<usize>, usize) {
    let mut n = None;
    let mut i = start;
    while i < s.len() && s[i].is_ascii_digit() {
        let so_far = n.unwrap_or(0usize);
        if so_far > 1_000_000 {
            return (None, s.len());
        }
        n = Some(so_far * 10 + usize::from(s[i] - b'0'));
        i += 1;
    }
    (n, i)
}

/// Where in the argument list we are.
struct Cursor {
    arg: usize,
    after_index: bool,
    reordered: bool,
    good: bool,
}

impl Cursor {
    /// Reads an explicit index such as `[2]` at `i`.
    fn index(&mut self, format: &[u8], i: usize, count: usize) -> usize {
        self.after_index = false;
        if format.get(i) != Some(&b'[') {
            return i;
        }
        self.reordered = true;
        let Some(close) = format[i..].iter().position(|b| *b == b']') else {
            self.good = false;
            return i + 1;
        };
        let (n, end) = parse_number(&format[..i + close], i + 1);
        let parsed = n.filter(|_| end == i + close);
        match parsed {
            Some(n) if n >= 1 && n <= count => {
                self.arg = n - 1;
                self.after_index = true;
            }
            Some(_) => self.good = false,
            None => self.good = false,
        }
        self.after_index = parsed.is_some() && self.good;
        i + close + 1
    }
}

fn int_arg(args: &[Value], cursor: &mut Cursor) -> Option<i64> {
    let v = args.get(cursor.arg)?;
    cursor.arg += 1;
    let n = match &v.kind {
        Kind::Int(_, n) => *n,
        Kind::Uint(_, n) => i64::try_from(*n).ok()?,
        _ => return None,
    };
    (-1_000_000..=1_000_000).contains(&n).then_some(n)
}

/// Writes the digits of `n`.
fn decimal(mut n: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[from..]);
}

impl Printer {
    fn finish(self) -> Result<Vec<u8>, GoError> {
        if self.too_deep {
            return Err(GoError::from("value is nested too deeply or contains itself"));
        }
        Ok(self.out)
    }

    fn text(&mut self, s: &str) {
        self.out.extend_from_slice(s.as_bytes());
    }

    fn format(&mut self, format: &[u8], args: &[Value]) {
        let mut cursor = Cursor { arg: 0, after_index: false, reordered: false, good: true };
        let mut i = 0;
        while i < format.len() {
            let next = format[i..].iter().position(|b| *b == b'%').map_or(format.len(), |n| i + n);
            self.out.extend_from_slice(&format[i..next]);
            i = next + 1;
            if next >= format.len() {
                break;
            }
            i = self.verb(format, i, args, &mut cursor);
        }
        if !cursor.reordered && cursor.arg < args.len() {
            self.f = Flags::default();
            self.text("%!(EXTRA ");
            for (n, v) in args[cursor.arg..].iter().enumerate() {
                if n > 0 {
                    self.text(", ");
                }
                if v.is_nil() {
                    self.text("<nil>");
                } else {
                    self.text(&type_name(v));
                    self.out.push(b'=');
                    self.arg(v, 'v');
                }
            }
            self.out.push(b')');
        }
    }

    /// Prints the directive that starts at `i` (after its `%`) and gives the place after it.
    fn verb(&mut self, format: &[u8], mut i: usize, args: &[Value], cursor: &mut Cursor) -> usize {
        cursor.good = true;
        self.f = Flags::default();
        cursor.after_index = false;
        while let Some(c) = format.get(i) {
            match c {
                b'#' => self.f.sharp = true,
                b'0' => self.f.zero = true,
                b'+' => self.f.plus = true,
                b'-' => self.f.minus = true,
                b' ' => self.f.space = true,
                _ => break,
            }
            i += 1;
        }
        i = cursor.index(format, i, args.len());
        if format.get(i) == Some(&b'*') {
            i += 1;
            match int_arg(args, cursor) {
                Some(n) => {
                    self.f.width = Some(n.unsigned_abs() as usize);
                    if n < 0 {
                        self.f.minus = true;
                        self.f.zero = false;
                    }
                }
                None => self.text("%!(BADWIDTH)"),
            }
            cursor.after_index = false;
        } else {
            (self.f.width, i) = parse_number(format, i);
            if cursor.after_index && self.f.width.is_some() {
                cursor.good = false;
            }
        }
        if format.get(i) == Some(&b'.') {
            i += 1;
            if cursor.after_index {
                cursor.good = false;
            }
            i = cursor.index(format, i, args.len());
            if format.get(i) == Some(&b'*') {
                i += 1;
                match int_arg(args, cursor) {
                    Some(n) => {
                        self.f.precision = usize::try_from(n).ok();
                        if n < 0 {
                            self.text("%!(BADPREC)");
                        }
                    }
                    None => self.text("%!(BADPREC)"),
                }
                cursor.after_index = false;
            } else {
                let (n, end) = parse_number(format, i);
                self.f.precision = Some(n.unwrap_or(0));
                i = end;
            }
        }
        if !cursor.after_index {
            i = cursor.index(format, i, args.len());
        }
        if i >= format.len() {
            self.text("%!(NOVERB)");
            return i;
        }
        let chunk = format[i..].utf8_chunks().next();
        let verb = chunk.and_then(|c| c.valid().chars().next());
        i += verb.map_or(1, char::len_utf8);
        let verb = verb.unwrap_or('\u{fffd}');
        if verb == '%' {
            self.out.push(b'%');
        } else if !cursor.good {
            self.text(&format!("%!{verb}(BADINDEX)"));
        } else if cursor.arg >= args.len() {
            self.text(&format!("%!{verb}(MISSING)"));
        } else {
            if verb == 'v' || verb == 'w' {
                self.f.sharp_v = std::mem::take(&mut self.f.sharp);
                self.f.plus_v = std::mem::take(&mut self.f.plus);
            }
            self.arg(&args[cursor.arg], verb);
            cursor.arg += 1;
        }
        i
    }

    fn padding(&mut self, n: usize) {
        let byte = if self.f.zero && !self.f.minus { b'0' } else { b' ' };
        if self.out.len() + n > MAX_SIZE {
            self.too_deep = true;
            return;
        }
        self.out.resize(self.out.len() + n, byte);
    }

    fn pad(&mut self, b: &[u8]) {
        let missing = self.f.width.map_or(0, |width| width.saturating_sub(rune_count(b)));
        if self.f.minus {
            self.out.extend_from_slice(b);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.out.extend_from_slice(b);
        }
    }

    fn pad_without_zero(&mut self, b: &[u8]) {
        let zero = std::mem::take(&mut self.f.zero);
        self.pad(b);
        self.f.zero = zero;
    }

    fn bad_verb(&mut self, v: &Value, verb: char) {
        self.erroring = true;
        self.text(&format!("%!{verb}("));
        if v.is_nil() {
            self.text("<nil>");
        } else {
            self.text(&type_name(v));
            self.out.push(b'=');
            self.value(v, 'v', 0);
        }
        self.out.push(b')');
        self.erroring = false;
    }

    fn arg(&mut self, v: &Value, verb: char) {
        match verb {
            'T' | 'v' if v.is_nil() => self.pad(b"<nil>"),
            _ if v.is_nil() => self.bad_verb(v, verb),
            'T' => {
                let name = type_name(v);
                self.string(name.as_bytes());
            }
            'w' => self.bad_verb(v, verb),
            'p' if matches!(v.reflect_kind(), ReflectKind::Map | ReflectKind::Slice | ReflectKind::Ptr | ReflectKind::Func) => {
                self.pointer(v, verb);
            }
            'p' => self.bad_verb(v, verb),
            _ => self.value(v, verb, 0),
        }
    }

    fn value(&mut self, v: &Value, verb: char, depth: usize) {
        if self.too_deep {
            return;
        }
        if depth > MAX_DEPTH || self.out.len() > MAX_SIZE {
            self.too_deep = true;
            return;
        }
        match &v.kind {
            Kind::Nil => {
                let text = if self.f.sharp_v { "interface {}(nil)" } else { "<nil>" };
                self.text(text);
            }
            Kind::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { b"true" } else { b"false" }),
                _ => self.bad_verb(v, verb),
            },
            Kind::Int(_, n) => self.int(v, n.unsigned_abs(), *n < 0, true, verb),
            Kind::Uint(_, n) => self.int(v, *n, false, false, verb),
            Kind::Float(f) => self.float(v, *f, verb),
            Kind::Complex(re, im) => self.complex(v, *re, *im, verb),
            Kind::Str(s) => self.str(v, s.as_bytes(), verb),
            Kind::List(list) => {
                if list.elem() == GoType::Uint(super::UintType::Uint8) {
                    if matches!(verb, 's' | 'q' | 'x' | 'X') {
                        let byte = |item: &Value| if let Kind::Uint(_, b) = item.kind { b as u8 } else { 0 };
                        let bytes = list.as_bytes().map_or_else(|| list.items().iter().map(byte).collect(), <[u8]>::to_vec);
                        self.bytes(&bytes, verb);
                        return;
                    }
                }
                stacked(|| self.items(v, v, verb, depth));
            }
            Kind::Map(_) => stacked(|| self.items(v, v, verb, depth)),
            Kind::Object(o) => stacked(|| self.object(v, &**o, verb, depth)),
        }
    }

    fn object(&mut self, v: &Value, o: &dyn Object, verb: char, depth: usize) {
        if !self.erroring {
            if self.f.sharp_v {
                if let Some(text) = o.go_string() {
                    self.string(text.as_bytes());
                    return;
                }
            } else if o.has_string() && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                let text = o.print();
                self.str(v, text.as_bytes(), verb);
                return;
            }
        }
        if let Some(number) = o.print_verb(verb) {
            self.value(&number, verb, depth);
        } else if let Some(s) = o.structure() {
            self.structure(v, &s, verb, depth);
        } else if verb == 'v' && !o.has_string() && self.f == Flags::default() {
            o.print_to(&mut self.out);
            self.too_deep |= self.out.len() > MAX_SIZE;
        } else if let Some(inner) = o.underlying() {
            if matches!(inner.kind, Kind::List(_) | Kind::Map(_)) {
                return self.items(v, &inner, verb, depth);
            }
            if matches!(inner.kind, Kind::Int(..)) && !matches!(verb, 'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' | 'c' | 'q' | 'U') {
                return self.bad_verb(v, verb);
            }
            self.value(&inner, verb, depth);
        } else if verb == 'v' {
            let text = o.print();
            self.pad(text.as_bytes());
        } else if o.has_string() {
            let text = o.print();
            self.str(v, text.as_bytes(), verb);
        } else {
            self.bad_verb(v, verb);
        }
    }

    fn structure(&mut self, v: &Value, s: &Structure, verb: char, depth: usize) {
        if s.pointer && depth > 0 {
            return self.pointer(v, verb);
        }
        if s.pointer {
            self.out.push(b'&');
        }
        if self.f.sharp_v {
            let name = type_name(v);
            self.text(name.trim_start_matches('*'));
        }
        self.out.push(b'{');
        for (i, (name, field)) in s.fields.iter().enumerate() {
            self.separate(i);
            if self.f.plus_v || self.f.sharp_v {
                self.text(name);
                self.out.push(b':');
            }
            self.value(field, verb, depth + 1);
        }
        self.out.push(b'}');
    }

    /// The items of a list or map; `named` has the type that `%#v` names.
    fn items(&mut self, named: &Value, v: &Value, verb: char, depth: usize) {
        match &v.kind {
            Kind::List(list) => {
                if self.f.sharp_v && list.is_nil() {
                    let name = type_name(named);
                    return self.text(&format!("{name}(nil)"));
                }
                self.open(named, "[", depth);
                for (i, item) in list.items().iter().enumerate() {
                    self.separate(i);
                    self.value(item, verb, depth + 1);
                }
                self.close();
            }
            Kind::Map(map) => {
                if self.f.sharp_v && map.is_nil() {
                    let name = type_name(named);
                    return self.text(&format!("{name}(nil)"));
                }
                self.open(named, "map[", depth);
                for (i, (key, item)) in map.borrow().iter().enumerate() {
                    self.separate(i);
                    self.value(&Value::from(key.clone()), verb, depth + 1);
                    self.out.push(b':');
                    self.value(item, verb, depth + 1);
                }
                self.close();
            }
            _ => {}
        }
    }

    fn open(&mut self, v: &Value, plain: &str, depth: usize) {
        if self.f.sharp_v {
            let name = type_name(v);
            // fmt has its own name for bytes that stand alone.
            self.text(if name == "[]uint8" && depth == 0 { "[]byte" } else { &name });
            self.out.push(b'{');
        } else {
            self.text(plain);
        }
    }

    fn separate(&mut self, i: usize) {
        if i > 0 {
            self.text(if self.f.sharp_v { ", " } else { " " });
        }
    }

    fn close(&mut self) {
        self.out.push(if self.f.sharp_v { b'}' } else { b']' });
    }

    /// Where something is in memory. Go tells another place in each run; the same input has to print the same here, so it is
    /// always this one, of the length that Go's have. upstream: fmt/print.go fmtPointer
    fn pointer(&mut self, v: &Value, verb: char) {
        const PLACE: u64 = 0xc0_0000_0000;
        let none = matches!(&v.kind, Kind::Object(o) if v.reflect_kind() == ReflectKind::Ptr && !o.truth());
        let place = if none { 0 } else { PLACE };
        let base = match verb {
            'v' | 'p' | 'x' | 'X' => 16,
            'b' => 2,
            'o' => 8,
            'd' => 10,
            _ => return self.bad_verb(v, verb),
        };
        if verb == 'v' && self.f.sharp_v {
            let name = type_name(v);
            self.text(&format!("({name})({place:#x})"));
            return;
        }
        let sharp = self.f.sharp;
        if matches!(verb, 'v' | 'p') {
            self.f.sharp = !sharp;
        }
        self.integer(place, false, base, verb, verb == 'X');
        self.f.sharp = sharp;
    }

    fn string(&mut self, s: &[u8]) {
        let s = self.f.precision.map_or(s, |n| first_runes(s, n));
        self.pad(s);
    }

    fn quoted(&mut self, s: &[u8]) {
        let s = self.f.precision.map_or(s, |n| first_runes(s, n));
        if self.f.sharp && can_backquote(s) {
            let text = [b"`", s, b"`"].concat();
            self.pad(&text);
            return;
        }
        let text = quote_with(s, '"', self.f.plus);
        self.pad(text.as_bytes());
    }

    fn bytes(&mut self, s: &[u8], verb: char) {
        match verb {
            'x' | 'X' => self.hex(s, verb),
            'q' => self.quoted(s),
            _ => self.string(s),
        }
    }

    fn str(&mut self, v: &Value, s: &[u8], verb: char) {
        match verb {
            'v' if self.f.sharp_v => self.quoted(s),
            'v' | 's' => self.string(s),
            'x' | 'X' => self.hex(s, verb),
            'q' => self.quoted(s),
            _ => self.bad_verb(v, verb),
        }
    }

    fn hex(&mut self, s: &[u8], verb: char) {
        let s = &s[..self.f.precision.unwrap_or(s.len()).min(s.len())];
        if s.is_empty() {
            self.padding(self.f.width.unwrap_or(0));
            return;
        }
        let prefix = match (self.f.sharp, verb) {
            (false, _) => "",
            (true, 'x') => "0x",
            (true, _) => "0X",
        };
        let mut text = prefix.to_owned();
        for (i, b) in s.iter().enumerate() {
            if self.f.space && i > 0 {
                text.push(' ');
                text.push_str(prefix);
            }
            text.push_str(&if verb == 'x' { format!("{b:02x}") } else { format!("{b:02X}") });
        }
        self.pad(text.as_bytes());
    }

    fn int(&mut self, v: &Value, n: u64, negative: bool, signed: bool, verb: char) {
        let raw = if negative { n.wrapping_neg() } else { n };
        match verb {
            'v' if self.f.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.f.sharp, true);
                self.integer(n, negative, 16, verb, false);
                self.f.sharp = sharp;
            }
            'v' | 'd' => self.integer(n, negative, 10, verb, false),
            'b' => self.integer(n, negative, 2, verb, false),
            'o' | 'O' => self.integer(n, negative, 8, verb, false),
            'x' => self.integer(n, negative, 16, verb, false),
            'X' => self.integer(n, negative, 16, verb, true),
            'c' => {
                let c = u32::try_from(raw).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                let mut buffer = [0; 4];
                let text = c.encode_utf8(&mut buffer).to_owned();
                self.pad(text.as_bytes());
            }
            'q' => {
                let c = u32::try_from(raw).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                let text = quote_with(c.to_string().as_bytes(), '\'', self.f.plus);
                self.pad(text.as_bytes());
            }
            'U' => self.unicode(raw),
            _ => self.bad_verb(v, verb),
        }
    }

    fn unicode(&mut self, n: u64) {
        let width = self.f.precision.filter(|p| *p > 4).unwrap_or(4);
        let mut text = format!("U+{n:0width$X}");
        if self.f.sharp {
            if let Some(c) = u32::try_from(n).ok().and_then(char::from_u32).filter(|c| is_print(*c)) {
                text.push_str(&format!(" '{c}'"));
            }
        }
        self.pad_without_zero(text.as_bytes());
    }

    fn integer(&mut self, n: u64, negative: bool, base: u32, verb: char, upper: bool) {
        let plain = self.f.width.is_none() && self.f.precision.is_none() && !(self.f.plus || self.f.space || self.f.sharp);
        if base == 10 && plain {
            // The bytes of a file may be printed as a list of numbers.
            if negative {
                self.out.push(b'-');
            }
            return decimal(n, &mut self.out);
        }
        let mut want = 0;
        if let Some(p) = self.f.precision {
            want = p;
            if p == 0 && n == 0 {
                let zero = std::mem::take(&mut self.f.zero);
                self.padding(self.f.width.unwrap_or(0));
                self.f.zero = zero;
                return;
            }
        } else if self.f.zero && !self.f.minus {
            if let Some(width) = self.f.width {
                want = width;
                if negative || self.f.plus || self.f.space {
                    want = want.saturating_sub(1);
                }
            }
        }
        let mut digits = match base {
            2 => format!("{n:b}"),
            8 => format!("{n:o}"),
            16 if upper => format!("{n:X}"),
            16 => format!("{n:x}"),
            _ => n.to_string(),
        };
        if digits.len() < want {
            digits.insert_str(0, &"0".repeat(want - digits.len()));
        }
        if self.f.sharp {
            match base {
                2 => digits.insert_str(0, "0b"),
                8 if !digits.starts_with('0') => digits.insert(0, '0'),
                16 => digits.insert_str(0, if upper { "0X" } else { "0x" }),
                _ => {}
            }
        }
        if verb == 'O' {
            digits.insert_str(0, "0o");
        }
        if negative {
            digits.insert(0, '-');
        } else if self.f.plus {
            digits.insert(0, '+');
        } else if self.f.space {
            digits.insert(0, ' ');
        }
        self.pad_without_zero(digits.as_bytes());
    }

    fn float(&mut self, v: &Value, f: f64, verb: char) {
        match verb {
            'v' => self.float_text(f, 'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.float_text(f, verb, None),
            'f' | 'e' | 'E' => self.float_text(f, verb, Some(6)),
            'F' => self.float_text(f, 'f', Some(6)),
            _ => self.bad_verb(v, verb),
        }
    }

    fn complex(&mut self, v: &Value, re: f64, im: f64, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(v, verb);
        }
        let plus = self.f.plus;
        self.out.push(b'(');
        self.float(v, re, verb);
        self.f.plus = true;
        self.float(v, im, verb);
        self.text("i)");
        self.f.plus = plus;
    }

    fn float_text(&mut self, f: f64, verb: char, precision: Option<usize>) {
        let precision = self.f.precision.or(precision);
        let mut num = format_float(f, verb, precision);
        if !num.starts_with(['-', '+']) {
            num.insert(0, '+');
        }
        if self.f.space && num.starts_with('+') && !self.f.plus {
            num.replace_range(..1, " ");
        }
        if f.is_infinite() || f.is_nan() {
            if f.is_nan() && !self.f.space && !self.f.plus {
                num.remove(0);
            }
            let positive = num.starts_with('+') && !self.f.plus;
            let text = if positive { num[1..].to_owned() } else { num };
            // Go keeps the sign of an infinity.
            let text = if positive && f.is_infinite() { format!("+{text}") } else { text };
            self.pad_without_zero(text.as_bytes());
            return;
        }
        if self.f.sharp && verb != 'b' {
            sharpen(&mut num, verb, precision);
        }
        if self.f.plus || !num.starts_with('+') {
            let width = self.f.width.unwrap_or(0);
            if self.f.zero && !self.f.minus && width > num.len() {
                self.text(&num[..1]);
                self.padding(width - num.len());
                self.text(&num[1..]);
                return;
            }
            self.pad(num.as_bytes());
            return;
        }
        self.pad(&num.as_bytes()[1..]);
    }
}

/// The `#` flag: a decimal point always, and trailing zeros up to the precision.
fn sharpen(num: &mut String, verb: char, precision: Option<usize>) {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let hex = matches!(verb, 'x' | 'X');
    let marks: &[char] = if hex { &['p', 'P'] } else { &['e', 'E', 'p', 'P'] };
    let tail = num.find(marks).map(|at| num.split_off(at)).unwrap_or_default();
    let mut nonzero = false;
    for c in num.chars().skip(1).filter(|c| *c != '.') {
        nonzero |= c != '0';
        digits -= i64::from(nonzero);
    }
    if !num.contains('.') {
        if num.len() == 2 && num.ends_with('0') {
            digits -= 1;
        }
        num.push('.');
    }
    for _ in 0..digits.max(0) {
        num.push('0');
    }
    num.push_str(&tail);
}

#[cfg(test)]
mod tests {
    use super::sprintf;
    use crate::value::{Map, Value};

    #[test]
    fn places_in_memory_are_the_same_in_each_run() {
        let map: Value = Map::default().into();
        let args = [map.clone(), map.clone(), map.clone(), map.clone(), map, Value::from("x")];
        let text = sprintf(b"%p|%#p|%+p|%-14p|%016p|%p", &args).expect("printed");
        let want = "0xc000000000|c000000000|+0xc000000000|0xc000000000  |0x000000c000000000|%!p(string=x)";
        assert_eq!(String::from_utf8_lossy(&text), want);
    }
}
