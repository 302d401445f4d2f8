//! `urlParse` and `urlJoin`, as Go's net/url takes URLs apart and puts them together.

use crate::gotmpl::Function;
use crate::value::Map;
use crate::value::Value;

use super::args::DICT;
use super::args::NIL_DEREFERENCE;
use super::args::Reply;
use super::args::STR;
use super::args::dict;
use super::args::fixed;
use super::args::string;
use super::args::text;
use super::kinds::kind_name;
use super::text::quote;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("urlParse", &[STR], DICT, |_, a| {
        let source = text(a, 0);
        let url = parse(&source).map_err(|e| format!("unable to parse url: parse {}: {e}", quote(source.as_bytes())))?;
        Ok(url.to_dict().into())
    }),
    fixed("urlJoin", &[DICT], STR, |_, a| join(&dict(a, 0))),
];

/// A URL in its parts.
#[derive(Clone, Default)]
pub(crate) struct Url {
    scheme: String,
    opaque: String,
    user: Option<(String, Option<String>)>,
    host: String,
    path: Vec<u8>,
    raw_path: String,
    omit_host: bool,
    force_query: bool,
    query: String,
    fragment: Vec<u8>,
    raw_fragment: String,
}

/// The parts of a URL that the API server looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlParts {
    /// In lower case; empty for none.
    pub scheme: String,
    /// With its port.
    pub host: String,
    /// The user as it is written, with a password.
    pub user: Option<String>,
    /// Without `?`.
    pub query: String,
    /// Without `#`.
    pub fragment: String,
}

/// Takes a URL apart as Go's `url.Parse`; the error is Go's sentence.
pub fn url_parts(source: &str) -> Result<UrlParts, String> {
    let url = parse(source).map_err(|e| format!("parse {}: {e}", quote(source.as_bytes())))?;
    let user = url.user.map(|(name, password)| {
        let name = escape(name.as_bytes(), Part::User);
        password.map_or_else(|| name.clone(), |p| format!("{name}:{}", escape(p.as_bytes(), Part::User)))
    });
    Ok(UrlParts { scheme: url.scheme, host: url.host, user, query: url.query, fragment: utf8(url.fragment) })
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Path,
    Segment,
    Host,
    Zone,
    User,
    Fragment,
}

/// `url.PathUnescape`.
pub(crate) fn unescape_path(text: &str) -> Result<String, String> {
    unescape(text, Part::Segment).map(utf8)
}

/// `url.PathEscape`.
pub(crate) fn escape_path_segment(text: &str) -> String {
    escape(text.as_bytes(), Part::Segment)
}

fn should_escape(b: u8, part: Part) -> bool {
    if b.is_ascii_alphanumeric() {
        return false;
    }
    if matches!(part, Part::Host | Part::Zone) && b"!$&'()*+,;=:[]<>\"".contains(&b) {
        return false;
    }
    match b {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => b == b'?',
            Part::Segment => matches!(b, b'/' | b';' | b',' | b'?'),
            Part::User => matches!(b, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => false,
            Part::Host | Part::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' if part == Part::Fragment => false,
        _ => true,
    }
}

fn escape(s: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(s.len());
    for &b in s {
        if should_escape(b, part) {
            out.push_str(&format!("%{b:02X}"));
        } else {
            out.push(char::from(b));
        }
    }
    out
}

fn unescape(s: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = s.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let pair = bytes.get(i + 1..i + 3).filter(|p| p.iter().all(u8::is_ascii_hexdigit));
            let Some(pair) = pair else {
                let end = bytes.len().min(i + 3);
                return Err(format!("invalid URL escape {}", quote(&bytes[i..end])));
            };
            let code = std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()).unwrap_or(0);
            if part == Part::Host && code < 0x80 && code != 0x25 {
                return Err(format!("invalid URL escape {}", quote(&bytes[i..i + 3])));
            }
            if part == Part::Zone && code != b'%' && code != b' ' && should_escape(code, Part::Host) {
                return Err(format!("invalid URL escape {}", quote(&bytes[i..i + 3])));
            }
            out.push(code);
            i += 3;
            continue;
        }
        if matches!(part, Part::Host | Part::Zone) && bytes[i] < 0x80 && should_escape(bytes[i], part) {
            return Err(format!("invalid character {} in host name", quote(&bytes[i..=i])));
        }
        out.push(bytes[i]);
        i += 1;
    }
    Ok(out)
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn scheme(raw: &str) -> Result<(&str, &str), String> {
    for (i, b) in raw.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                if i == 0 {
                    return Ok(("", raw));
                }
            }
            b':' => {
                if i == 0 {
                    return Err("missing protocol scheme".to_owned());
                }
                return Ok((&raw[..i], &raw[i + 1..]));
            }
            _ => return Ok(("", raw)),
        }
    }
    Ok(("", raw))
}

/// `url.Parse`; the error without the URL.
pub(crate) fn parse(source: &str) -> Result<Url, String> {
    let (raw, fragment) = source.split_once('#').unwrap_or((source, ""));
    if source.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url::default();
    if raw == "*" {
        url.path = b"*".to_vec();
    } else {
        parse_rest(raw, &mut url)?;
    }
    url.fragment = unescape(fragment, Part::Fragment)?;
    if escape(&url.fragment, Part::Fragment) != fragment {
        url.raw_fragment = fragment.to_owned();
    }
    Ok(url)
}

fn parse_rest(raw: &str, url: &mut Url) -> Result<(), String> {
    let (name, mut rest) = scheme(raw)?;
    url.scheme = name.to_lowercase();
    if rest.ends_with('?') && rest.matches('?').count() == 1 {
        url.force_query = true;
        rest = &rest[..rest.len() - 1];
    } else if let Some((before, query)) = rest.split_once('?') {
        rest = before;
        url.query = query.to_owned();
    }
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_owned();
            return Ok(());
        }
        if rest.split('/').next().is_some_and(|s| s.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    if (!url.scheme.is_empty() || !rest.starts_with("///")) && rest.starts_with("//") {
        let tail = &rest[2..];
        let cut = tail.find('/').unwrap_or(tail.len());
        parse_authority(&tail[..cut], url)?;
        rest = &tail[cut..];
    } else if !url.scheme.is_empty() && rest.starts_with('/') {
        url.omit_host = true;
    }
    url.set_path(rest)
}

fn parse_authority(authority: &str, url: &mut Url) -> Result<(), String> {
    let (info, host) = authority.rfind('@').map_or((None, authority), |i| (Some(&authority[..i]), &authority[i + 1..]));
    url.host = parse_host(host)?;
    let Some(info) = info else { return Ok(()) };
    let valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !info.chars().all(valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    url.user = Some(match info.split_once(':') {
        None => (utf8(unescape(info, Part::User)?), None),
        Some((name, password)) => (utf8(unescape(name, Part::User)?), Some(utf8(unescape(password, Part::User)?))),
    });
    Ok(())
}

fn valid_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

fn parse_host(host: &str) -> Result<String, String> {
    let invalid_port = |port: &str| format!("invalid port {} after host", quote(port.as_bytes()));
    if let Some(open) = host.rfind('[') {
        let Some(close) = host.rfind(']') else { return Err("missing ']' in host".to_owned()) };
        if open > 0 {
            return Err("invalid IP-literal".to_owned());
        }
        let port = &host[close + 1..];
        if !valid_port(port) {
            return Err(invalid_port(port));
        }
        if let Some(zone) = host[..close].find("%25") {
            let parts =
                [unescape(&host[..zone], Part::Host)?, unescape(&host[zone..close], Part::Zone)?, unescape(&host[close..], Part::Host)?];
            return Ok(utf8(parts.concat()));
        }
        let address = &host[1..close];
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("invalid IP-literal".to_owned());
        }
    } else if let Some(i) = host.rfind(':') {
        let port = &host[i..];
        if !valid_port(port) {
            return Err(invalid_port(port));
        }
        if host[..i].contains(':') {
            return Err(invalid_port(&host[host.find(':').unwrap_or(i)..]));
        }
    }
    Ok(utf8(unescape(host, Part::Host)?))
}

impl Url {
    fn set_path(&mut self, path: &str) -> Result<(), String> {
        self.path = unescape(path, Part::Path)?;
        self.raw_path = if escape(&self.path, Part::Path) == path { String::new() } else { path.to_owned() };
        Ok(())
    }

    /// In lower case; empty for none.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// With its port.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Decoded.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// As spelled, where that is not the usual spelling.
    pub(crate) fn raw_path(&self) -> &str {
        &self.raw_path
    }

    fn escaped_path(&self) -> String {
        let usual = |b: u8| !should_escape(b, Part::Path) || b"!'()*[]%".contains(&b);
        let faithful = || unescape(&self.raw_path, Part::Path).is_ok_and(|p| p == self.path);
        if !self.raw_path.is_empty() && self.raw_path.bytes().all(usual) && faithful() {
            return self.raw_path.clone();
        }
        escaped_path(&self.path)
    }

    /// `URL.ResolveReference`, where what has no path of its own keeps the opaque part.
    pub(crate) fn resolve(&self, reference: &Self) -> Self {
        let mut url = reference.clone();
        let settle = |url: &mut Self, path: &str| {
            // A path put together from two good ones is good.
            let _ = url.set_path(path);
        };
        if !reference.scheme.is_empty() || !reference.host.is_empty() || reference.user.is_some() {
            if reference.scheme.is_empty() {
                url.scheme.clone_from(&self.scheme);
            }
            settle(&mut url, &resolve_path(&reference.escaped_path(), ""));
            return url;
        }
        url.scheme.clone_from(&self.scheme);
        if reference.path.is_empty() && !reference.force_query && reference.query.is_empty() {
            url.query.clone_from(&self.query);
            if reference.fragment.is_empty() {
                url.fragment.clone_from(&self.fragment);
                url.raw_fragment.clone_from(&self.raw_fragment);
            }
        }
        if !self.opaque.is_empty() {
            url.opaque.clone_from(&self.opaque);
            if reference.path.is_empty() {
                return url;
            }
        }
        url.host.clone_from(&self.host);
        url.user.clone_from(&self.user);
        settle(&mut url, &resolve_path(&self.escaped_path(), &reference.escaped_path()));
        url
    }

    fn userinfo(&self) -> String {
        match &self.user {
            None => String::new(),
            Some((name, password)) => {
                let mut out = escape(name.as_bytes(), Part::User);
                if let Some(password) = password {
                    out.push(':');
                    out.push_str(&escape(password.as_bytes(), Part::User));
                }
                out
            }
        }
    }

    /// Without its port and brackets.
    pub(crate) fn hostname(&self) -> &str {
        let host = match self.host.rfind(':') {
            Some(i) if valid_port(&self.host[i..]) => &self.host[..i],
            _ => &self.host,
        };
        host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
    }

    fn to_dict(&self) -> Map {
        let map = Map::default();
        let bytes = |b: &[u8]| Value::from(crate::value::Str::from(b));
        map.insert("scheme", self.scheme.as_str().into());
        map.insert("host", self.host.as_str().into());
        map.insert("hostname", self.hostname().into());
        map.insert("path", bytes(&self.path));
        map.insert("query", self.query.as_str().into());
        map.insert("opaque", self.opaque.as_str().into());
        map.insert("fragment", bytes(&self.fragment));
        map.insert("userinfo", self.userinfo().into());
        map
    }

    /// `URL.String`.
    pub(crate) fn print(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            let path = self.escaped_path();
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                let hidden = self.omit_host && self.host.is_empty() && self.user.is_none();
                if !hidden {
                    if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                        out.push_str("//");
                    }
                    if self.user.is_some() {
                        out.push_str(&self.userinfo());
                        out.push('@');
                    }
                    out.push_str(&escape(self.host.as_bytes(), Part::Host));
                }
            }
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|s| s.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if self.force_query || !self.query.is_empty() {
            out.push('?');
            out.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            out.push_str(&escape(&self.fragment, Part::Fragment));
        }
        out
    }
}

/// Joins two paths and takes out `.` and `..`.
fn resolve_path(base: &str, reference: &str) -> String {
    let full = match reference {
        "" => base.to_owned(),
        r if r.starts_with('/') => r.to_owned(),
        r => format!("{}{r}", &base[..base.rfind('/').map_or(0, |i| i + 1)]),
    };
    if full.is_empty() {
        return full;
    }
    let mut out = "/".to_owned();
    let mut first = true;
    let mut last = "";
    for part in full.split('/') {
        last = part;
        match part {
            "." => first = false,
            ".." => {
                let kept = out[1..].rfind('/').map(|i| out[1..=i].to_owned());
                first = kept.is_none();
                out = format!("/{}", kept.unwrap_or_default());
            }
            part => {
                if !first {
                    out.push('/');
                }
                out.push_str(part);
                first = false;
            }
        }
    }
    if last == "." || last == ".." {
        out.push('/');
    }
    if out.starts_with("//") { out[1..].to_owned() } else { out }
}

fn escaped_path(path: &[u8]) -> String {
    if path == b"*" { "*".to_owned() } else { escape(path, Part::Path) }
}

fn entry(map: &Map, key: &str) -> Result<String, String> {
    let Some(value) = map.get(key) else { return Ok(String::new()) };
    if value.is_nil() {
        return Err(NIL_DEREFERENCE.to_owned());
    }
    match value.as_str() {
        Some(s) => Ok(s.to_string()),
        None => Err(format!("unable to parse {key} key, must be of type string, but {} found", kind_name(&value))),
    }
}

fn join(map: &Map) -> Reply {
    let mut url = Url {
        scheme: entry(map, "scheme")?,
        host: entry(map, "host")?,
        path: entry(map, "path")?.into_bytes(),
        query: entry(map, "query")?,
        opaque: entry(map, "opaque")?,
        fragment: entry(map, "fragment")?.into_bytes(),
        ..Url::default()
    };
    let info = entry(map, "userinfo")?;
    if !info.is_empty() {
        let source = format!("proto://{info}@host");
        let parsed = parse(&source).map_err(|e| format!("unable to parse userinfo in dict: parse {}: {e}", quote(source.as_bytes())))?;
        url.user = parsed.user;
    }
    string(url.print())
}
