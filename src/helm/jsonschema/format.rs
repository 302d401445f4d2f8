//! `format`: texts of a known form.

use crate::sprig::{go_date, urls};
use crate::value;

/// Whether a text has a form, or why not.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// The form with this name; unknown ones hold nothing.
pub(super) fn named(name: &str) -> Option<(&'static str, Check)> {
    const FORMATS: &[(&str, Check)] = &[
        ("json-pointer", json_pointer),
        ("relative-json-pointer", relative_json_pointer),
        ("uuid", uuid),
        ("duration", duration),
        ("period", period),
        ("ipv4", ipv4),
        ("ipv6", ipv6),
        ("hostname", hostname),
        ("email", email),
        ("date", date),
        ("time", time),
        ("date-time", date_time),
        ("uri", uri),
        ("iri", uri),
        ("uri-reference", uri_reference),
        ("iri-reference", uri_reference),
        ("uri-template", uri_template),
        ("semver", semver),
        ("regex", regex),
    ];
    FORMATS.iter().find(|f| f.0 == name).copied()
}

fn no(why: &str) -> Result<(), String> {
    Err(why.to_owned())
}

fn ensure(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { no(why) }
}

/// Go's `%q` of a character.
fn shown(c: char) -> String {
    value::quote_with(c.to_string().as_bytes(), '\'', false)
}

fn regex(s: &str) -> Result<(), String> {
    crate::sprig::Pattern::compile(s.as_bytes()).map(|_| ())
}

fn json_pointer(s: &str) -> Result<(), String> {
    if s.is_empty() {
        return Ok(());
    }
    ensure(s.starts_with('/'), "not starting with /")?;
    for step in s.split('/').skip(1) {
        let mut parts = step.split('~');
        parts.next();
        ensure(parts.all(|p| p.starts_with(['0', '1'])), "~ must be followed by 0 or 1")?;
    }
    Ok(())
}

fn relative_json_pointer(s: &str) -> Result<(), String> {
    let digits = s.bytes().take_while(u8::is_ascii_digit).count();
    ensure(digits > 0, "must start with non-negative integer")?;
    ensure(digits == 1 || !s.starts_with('0'), "starts with zero")?;
    if &s[digits..] == "#" { Ok(()) } else { json_pointer(&s[digits..]) }
}

fn uuid(s: &str) -> Result<(), String> {
    let groups: Vec<&str> = s.split('-').collect();
    ensure(groups.len() == 5, "must have 5 elements")?;
    for (i, (group, length)) in groups.iter().zip([8, 4, 4, 4, 12]).enumerate() {
        ensure(group.len() == length, &format!("element {} must be {length} characters long", i + 1))?;
        if let Some(c) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(format!("non-hex character {}", shown(c)));
        }
    }
    Ok(())
}

fn duration(s: &str) -> Result<(), String> {
    let Some(s) = s.strip_prefix('P') else { return no("must start with P") };
    ensure(!s.is_empty(), "nothing after P")?;
    if let Some(weeks) = s.strip_suffix('W') {
        ensure(!weeks.is_empty(), "no number in week")?;
        return ensure(weeks.bytes().all(|b| b.is_ascii_digit()), "invalid week");
    }
    for (i, part) in s.split('T').enumerate() {
        ensure(i == 0 || !part.is_empty(), "no time elements")?;
        let Some(all) = ["YMD", "HMS"].get(i) else { return no("more than one T") };
        let (mut units, mut rest) = (*all, part);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            ensure(digits > 0, "missing number")?;
            rest = &rest[digits..];
            let Some(unit) = rest.bytes().next() else { return no("missing unit") };
            let shown = shown(char::from(unit));
            let Some(at) = units.bytes().position(|u| u == unit) else {
                return Err(if all.as_bytes().contains(&unit) {
                    format!("unit {shown} out of order")
                } else {
                    format!("invalid unit {shown}")
                });
            };
            units = &units[at + 1..];
            rest = &rest[1..];
        }
    }
    Ok(())
}

fn period(s: &str) -> Result<(), String> {
    let Some((start, end)) = s.split_once('/') else { return no("missing slash") };
    let instant = |text, which| date_time(text).map_err(|e| format!("invalid {which} date-time: {e}"));
    let length = |text, which| duration(text).map_err(|e| format!("invalid {which} duration: {e}"));
    if start.starts_with('P') {
        length(start, "start")?;
        return instant(end, "end");
    }
    instant(start, "start")?;
    if end.starts_with('P') { length(end, "end") } else { instant(end, "end") }
}

/// Go's `strconv.Atoi`.
fn atoi(s: &str) -> Result<i64, String> {
    let fail = |why: &str| Err(format!("strconv.Atoi: parsing {}: {why}", value::quote(s.as_bytes())));
    let digits = s.strip_prefix(['+', '-']).unwrap_or(s);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return fail("invalid syntax");
    }
    s.parse().or_else(|_| fail("value out of range"))
}

fn ipv4(s: &str) -> Result<(), String> {
    let groups: Vec<&str> = s.split('.').collect();
    ensure(groups.len() == 4, "expected four decimals")?;
    for group in groups {
        ensure(group.len() == 1 || !group.starts_with('0'), "leading zeros")?;
        ensure((0..=255).contains(&atoi(group)?), "decimal must be between 0 and 255")?;
    }
    Ok(())
}

fn ipv6(s: &str) -> Result<(), String> {
    ensure(s.contains(':'), "missing colon")?;
    match parse_address(s) {
        Err((why, at)) => {
            let at = if at.is_empty() { String::new() } else { format!(" (at {})", value::quote(at.as_bytes())) };
            Err(format!("ParseAddr({}): {why}{at}", value::quote(s.as_bytes())))
        }
        Ok(()) => ensure(!s.contains('%'), "zone id is not a part of ipv6 address"),
    }
}

/// Why an address is none, and where.
type AddressError<'a> = (&'static str, &'a str);

/// upstream: net/netip `ParseAddr`
fn parse_address(s: &str) -> Result<(), AddressError<'_>> {
    match s.bytes().find(|b| b".:%".contains(b)) {
        Some(b'.') => parse_ipv4(s),
        Some(b':') => parse_ipv6(s),
        Some(_) => Err(("missing IPv6 address", "")),
        None => Err(("unable to parse IP", "")),
    }
}

fn parse_ipv4(s: &str) -> Result<(), AddressError<'_>> {
    let bytes = s.as_bytes();
    let (mut value, mut position, mut digits) = (0, 0, 0);
    for (i, b) in bytes.iter().enumerate() {
        match b {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(("IPv4 field has octet with leading zero", ""));
                }
                value = value * 10 + i32::from(b - b'0');
                digits += 1;
                if value > 255 {
                    return Err(("IPv4 field has value >255", ""));
                }
            }
            b'.' => {
                if i == 0 || i == bytes.len() - 1 || bytes[i - 1] == b'.' {
                    return Err(("IPv4 field must have at least one digit", &s[i..]));
                }
                if position == 3 {
                    return Err(("IPv4 address too long", ""));
                }
                position += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(("unexpected character", &s[i..])),
        }
    }
    if position < 3 { Err(("IPv4 address too short", "")) } else { Ok(()) }
}

fn parse_ipv6(whole: &str) -> Result<(), AddressError<'_>> {
    let mut s = whole;
    if let Some((address, zone)) = whole.split_once('%') {
        if zone.is_empty() {
            return Err(("zone must be a non-empty string", ""));
        }
        s = address;
    }
    let mut ellipsis = None;
    if let Some(rest) = s.strip_prefix("::") {
        ellipsis = Some(0);
        s = rest;
        if s.is_empty() {
            return Ok(());
        }
    }
    let mut filled = 0;
    while filled < 16 {
        let digits = s.bytes().take_while(u8::is_ascii_hexdigit).count();
        if digits > 4 {
            return Err(("each group must have 4 or less digits", s));
        }
        if digits == 0 {
            return Err(("each colon-separated field must have at least one digit", s));
        }
        if s.as_bytes().get(digits) == Some(&b'.') {
            if ellipsis.is_none() && filled != 12 {
                return Err(("embedded IPv4 address must replace the final 2 fields of the address", s));
            }
            if filled + 4 > 16 {
                return Err(("too many hex fields to fit an embedded IPv4 at the end of the address", s));
            }
            parse_ipv4(s)?;
            s = "";
            filled += 4;
            break;
        }
        filled += 2;
        s = &s[digits..];
        if s.is_empty() {
            break;
        }
        let Some(rest) = s.strip_prefix(':') else { return Err(("unexpected character, want colon", s)) };
        if rest.is_empty() {
            return Err(("colon must be followed by more characters", s));
        }
        s = rest;
        if let Some(rest) = s.strip_prefix(':') {
            if ellipsis.is_some() {
                return Err(("multiple :: in address", s));
            }
            ellipsis = Some(filled);
            s = rest;
            if s.is_empty() {
                break;
            }
        }
    }
    match ellipsis {
        _ if !s.is_empty() => Err(("trailing garbage after address", s)),
        None if filled < 16 => Err(("address string too short", "")),
        Some(_) if filled >= 16 => Err(("the :: must expand to at least one field of zeros", "")),
        _ => Ok(()),
    }
}

fn hostname(s: &str) -> Result<(), String> {
    let s = s.strip_suffix('.').unwrap_or(s);
    ensure(s.len() <= 253, "more than 253 characters long")?;
    for label in s.split('.') {
        ensure((1..=63).contains(&label.len()), "label must be 1 to 63 characters long")?;
        ensure(!label.starts_with('-'), "label starts with hyphen")?;
        ensure(!label.ends_with('-'), "label ends with hyphen")?;
        if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!("invalid character {}", shown(c)));
        }
    }
    Ok(())
}

fn email(s: &str) -> Result<(), String> {
    ensure(s.len() <= 254, "more than 255 characters long")?;
    let Some((local, domain)) = s.rsplit_once('@') else { return no("missing @") };
    ensure(local.len() <= 64, "local part more than 64 characters long")?;
    if local.len() > 1 && local.starts_with('"') && local.ends_with('"') {
        let inside = &local[1..local.len() - 1];
        ensure(!inside.contains(['\\', '"']), "backslash and quote are not allowed within quoted local part")?;
    } else {
        ensure(!local.starts_with('.'), "starts with dot")?;
        ensure(!local.ends_with('.'), "ends with dot")?;
        ensure(!local.contains(".."), "consecutive dots")?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
        if let Some(c) = local.chars().find(|c| !allowed(*c)) {
            return Err(format!("invalid character {}", shown(c)));
        }
    }
    if let Some(address) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        return match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|e| format!("invalid ipv6 address: {e}")),
            None => ipv4(address).map_err(|e| format!("invalid ipv4 address: {e}")),
        };
    }
    hostname(domain).map_err(|e| format!("invalid domain: {e}"))
}

fn date(s: &str) -> Result<(), String> {
    go_date(s.as_bytes())
}

/// Numbers between colons, each with its own sentences.
fn clock(text: &[u8], parts: usize, what: &str) -> Result<Vec<i64>, String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let mut out = Vec::new();
    for part in text.splitn(parts, ':') {
        let number = atoi(part).map_err(|_| format!("invalid {what}"))?;
        ensure(number >= 0, &format!("non-positive {what}"))?;
        out.push(number);
    }
    Ok(out)
}

fn time(s: &str) -> Result<(), String> {
    time_bytes(s.as_bytes())
}

fn time_bytes(s: &[u8]) -> Result<(), String> {
    ensure(s.len() >= 9, "less than 9 characters long")?;
    ensure(s[2] == b':' && s[5] == b':', "missing colon in correct place")?;
    let parts = clock(&s[..8], 3, "hour/min/sec")?;
    let (mut hour, mut minute, second) = (parts[0], parts[1], parts[2]);
    ensure(hour <= 23 && minute <= 59 && second <= 60, "hour/min/sec out of range")?;
    let mut rest = &s[8..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        ensure(digits > 0, "no digits in second fraction")?;
        rest = &fraction[digits..];
    }
    if rest != b"z" && rest != b"Z" {
        ensure(rest.len() == 6, "offset must be 6 characters long")?;
        let sign = match rest[0] {
            b'+' => -1,
            b'-' => 1,
            _ => return no("offset must begin with plus/minus"),
        };
        ensure(rest[3] == b':', "missing colon in offset in correct place")?;
        let offset = clock(&rest[1..], 2, "hour/min in offset")?;
        ensure(offset[0] <= 23 && offset[1] <= 59, "hour/min in offset out of range")?;
        let mut minutes = hour * 60 + minute + sign * (offset[0] * 60 + offset[1]);
        if minutes < 0 {
            minutes += 24 * 60;
        }
        (hour, minute) = (minutes / 60, minutes % 60);
    }
    ensure(second < 60 || (hour == 23 && minute == 59), "invalid leap second")
}

fn date_time(s: &str) -> Result<(), String> {
    let bytes = s.as_bytes();
    ensure(bytes.len() >= 20, "less than 20 characters long")?;
    ensure(matches!(bytes[10], b't' | b'T'), "11th character must be t or T")?;
    go_date(&bytes[..10]).map_err(|e| format!("invalid date element: {e}"))?;
    time_bytes(&bytes[11..]).map_err(|e| format!("invalid time element: {e}"))
}

fn parse_url(s: &str) -> Result<urls::Url, String> {
    let url = urls::parse(s).map_err(|e| format!("parse {}: {e}", value::quote(s.as_bytes())))?;
    let host = url.hostname();
    if host.contains(':') {
        ensure(url.host().contains('[') && url.host().contains(']'), "ipv6 address not enclosed in brackets")?;
        ipv6(host).map_err(|e| format!("invalid ipv6 address: {e}"))?;
    }
    Ok(url)
}

fn uri(s: &str) -> Result<(), String> {
    ensure(!parse_url(s)?.scheme().is_empty(), "relative url")
}

fn uri_reference(s: &str) -> Result<(), String> {
    ensure(!s.contains('\\'), "contains \\")?;
    parse_url(s).map(|_| ())
}

fn uri_template(s: &str) -> Result<(), String> {
    let url = parse_url(s)?;
    for step in url.raw_path().split('/') {
        let step = urls::unescape_path(step).map_err(|e| format!("percent decode failed: {e}"))?;
        let mut open = false;
        for c in step.chars().filter(|c| matches!(c, '{' | '}')) {
            ensure((c == '{') != open, "nested curly braces")?;
            open = !open;
        }
        ensure(!open, "no matching closing brace")?;
    }
    Ok(())
}

fn semver(s: &str) -> Result<(), String> {
    let identifier = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let (s, build) = s.split_once('+').map_or((s, None), |(s, b)| (s, Some(b)));
    if let Some(build) = build {
        ensure(!build.is_empty(), "build is empty")?;
        for part in build.split('.') {
            ensure(!part.is_empty(), "build identifier is empty")?;
            if let Some(c) = part.chars().find(|c| !identifier(c)) {
                return Err(format!("invalid character {} in build identifier", shown(c)));
            }
        }
    }
    let (core, before) = s.split_once('-').map_or((s, None), |(s, p)| (s, Some(p)));
    for part in before.into_iter().flat_map(|b| b.split('.')) {
        ensure(!part.is_empty(), "pre-release identifier is empty")?;
        if let Some(c) = part.chars().find(|c| !identifier(c)) {
            return Err(format!("invalid character {} in pre-release identifier", shown(c)));
        }
        let number = part.bytes().all(|b| b.is_ascii_digit());
        ensure(!(number && part.len() > 1 && part.starts_with('0')), "pre-release numeric identifier starts with zero")?;
    }
    let versions: Vec<&str> = core.split('.').collect();
    ensure(versions.len() == 3, "versionCore must have 3 numbers separated by dot")?;
    for (version, name) in versions.iter().zip(["major", "minor", "patch"]) {
        ensure(!version.is_empty(), &format!("{name} is empty"))?;
        ensure(version.len() == 1 || !version.starts_with('0'), &format!("{name} starts with zero"))?;
        ensure(version.bytes().all(|b| b.is_ascii_digit()), &format!("{name} contains non-digit"))?;
    }
    Ok(())
}
