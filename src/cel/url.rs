//! URLs as Go's net/url reads them. upstream: net/url url.go

/// A parsed URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// The text.
    pub text: String,
    /// Such as `https`, in lower case.
    pub scheme: String,
    /// Host and port.
    pub host: String,
    /// The path, escaped.
    pub path: String,
    /// The text after the question mark.
    pub query: String,
}

impl Url {
    /// The host without port and brackets.
    pub fn hostname(&self) -> &str {
        if let Some(rest) = self.host.strip_prefix('[') {
            return rest.split_once(']').map_or(rest, |(name, _)| name);
        }
        self.host.split_once(':').map_or(&self.host, |(name, _)| name)
    }

    /// The port.
    pub fn port(&self) -> &str {
        let after = self.host.rfind(']').map_or(&*self.host, |i| &self.host[i..]);
        after.split_once(':').map_or("", |(_, port)| port)
    }

    /// The values of the query by key, in order of appearance.
    pub fn query_values(&self) -> Vec<(String, Vec<String>)> {
        let mut out: Vec<(String, Vec<String>)> = Vec::new();
        for part in self.query.split('&').filter(|p| !p.is_empty() && !p.contains(';')) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(key), Some(value)) = (unescape(&key.replace('+', " ")), unescape(&value.replace('+', " "))) else { continue };
            match out.iter_mut().find(|(k, _)| *k == key) {
                Some((_, values)) => values.push(value),
                None => out.push((key, vec![value])),
            }
        }
        out
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let hex = text.get(i + 1..i + 3)?;
            out.push(u8::from_str_radix(hex, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The first escape that is none.
fn bad_escape(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(i) = rest.find('%') {
        let digits: String = rest[i..].chars().take(3).collect();
        if digits.len() < 3 || !digits[1..].bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(digits);
        }
        rest = &rest[i + 3..];
    }
    None
}

/// Go's `ParseRequestURI` followed by `Parse`; the error is Go's, with the text quoted.
pub fn parse(text: &str) -> Result<Url, String> {
    let fail = |why: &str| Err(format!("parse {}: {why}", crate::value::quote(text.as_bytes())));
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return fail("net/url: invalid control character in URL");
    }
    if text.is_empty() {
        return fail("empty url");
    }
    let mut url = Url { text: text.to_owned(), ..Url::default() };
    if text == "*" {
        url.path = "*".to_owned();
        return Ok(url);
    }
    let mut rest = text;
    for (i, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if i > 0 => {}
            ':' if i == 0 => return fail("missing protocol scheme"),
            ':' => {
                url.scheme = text[..i].to_lowercase();
                rest = &text[i + 1..];
                break;
            }
            _ => break,
        }
    }
    // A request URI has no fragment; it is cut off after this check.
    let checked = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !checked.starts_with('/') {
        if !url.scheme.is_empty() {
            // Opaque: what follows the scheme is not looked at.
            let without = rest.split_once('#').map_or(rest, |(before, _)| before);
            url.query = without.split_once('?').map_or("", |(_, q)| q).to_owned();
            return Ok(url);
        }
        return fail("invalid URI for request");
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    let mut path = rest;
    if !url.scheme.is_empty() || !rest.starts_with("///") {
        if let Some(after) = rest.strip_prefix("//") {
            let end = after.find('/').unwrap_or(after.len());
            let (authority, tail) = after.split_at(end);
            path = tail;
            url.host = match host(authority) {
                Ok(host) => host,
                Err(why) => return fail(&why),
            };
        }
    }
    if let Some(bad) = bad_escape(path) {
        return fail(&format!("invalid URL escape {}", crate::value::quote(bad.as_bytes())));
    }
    url.path = escape_path(path);
    Ok(url)
}

fn host(authority: &str) -> Result<String, String> {
    let quoted = |s: &str| crate::value::quote(s.as_bytes());
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
    if let Some(user) = user {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if !user.chars().all(allowed) {
            return Err("net/url: invalid userinfo".to_owned());
        }
    }
    let port = if host.starts_with('[') {
        let end = host.rfind(']').ok_or("missing ']' in host")?;
        &host[end + 1..]
    } else {
        host.rfind(':').map_or("", |i| &host[i..])
    };
    let good = port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    if !port.is_empty() && !good {
        return Err(format!("invalid port {} after host", quoted(port)));
    }
    if let Some(bad) = bad_escape(host) {
        return Err(format!("invalid URL escape {}", quoted(&bad)));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c);
    if let Some(c) = host.chars().find(|c| !allowed(*c)) {
        return Err(format!("invalid character {} in host name", quoted(&c.to_string())));
    }
    Ok(host.to_owned())
}

/// The path with the bytes escaped that Go escapes.
fn escape_path(path: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*%[]".contains(&b);
    path.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let url = parse("https://u@h.example:80/x%20y?k=1&k=2#f").unwrap();
        assert_eq!((url.scheme.as_str(), url.hostname(), url.port(), url.path.as_str()), ("https", "h.example", "80", "/x%20y"));
        assert_eq!(url.query_values(), vec![("k".to_owned(), vec!["1".to_owned(), "2".to_owned()])]);
        assert_eq!(parse("x"), Err("parse \"x\": invalid URI for request".to_owned()));
    }
}
