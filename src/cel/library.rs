//! The types of Kubernetes' libraries: URLs, addresses, quantities, semantic versions, named formats, authorization.
//! upstream: apiserver pkg/cel, pkg/cel/library

use std::cmp::Ordering;
use std::net::IpAddr;

use super::url::Url;
use crate::value::quantity::Quantity;

/// A value of one of the library types.
#[derive(Clone, Debug, PartialEq)]
pub enum Opaque {
    /// `kubernetes.URL`
    Url(Url),
    /// `net.IP`
    Ip(IpAddr),
    /// `net.CIDR`
    Cidr(IpAddr, u8),
    /// `kubernetes.Quantity`
    Quantity(Quantity),
    /// `kubernetes.Semver`
    Semver(Semver),
    /// `kubernetes.NamedFormat`
    Format(&'static str),
    /// One of the types of `kubernetes.authorization`, by its name.
    Authorization(&'static str),
}

impl Opaque {
    /// The type's name.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Url(_) => "kubernetes.URL",
            Self::Ip(_) => "net.IP",
            Self::Cidr(..) => "net.CIDR",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Authorization(name) => name,
        }
    }

    /// The size that costs are counted by.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Ip(ip) => Some(if ip.is_ipv4() { 4 } else { 16 }),
            Self::Cidr(_, bits) => Some(u64::from(*bits).div_ceil(8)),
            _ => None,
        }
    }

    /// As text.
    pub fn show(&self) -> String {
        match self {
            Self::Url(url) => url.text.clone(),
            Self::Ip(ip) => ip.to_string(),
            Self::Cidr(ip, bits) => format!("{ip}/{bits}"),
            Self::Quantity(q) => format!("{}", q.nanos as f64 / 1e9),
            Self::Semver(v) => v.show(),
            Self::Format(name) => (*name).to_owned(),
            Self::Authorization(name) => (*name).to_owned(),
        }
    }
}

fn quoted(text: &str) -> String {
    crate::value::quote(text.as_bytes())
}

/// What Go's `netip.ParseAddr` says against a text.
fn ip_error(text: &str) -> String {
    let plain = format!("ParseAddr({}): unable to parse IP", quoted(text));
    let Some(c) = text.chars().find(|c| matches!(c, '.' | ':' | '%')) else { return plain };
    let because = |why: &str| format!("ParseAddr({}): {why}", quoted(text));
    if c == '%' {
        return because("missing IPv6 address");
    }
    if c == '.' {
        let fields: Vec<&str> = text.split('.').collect();
        let mut seen = 0;
        for (i, field) in fields.iter().enumerate() {
            if i >= 4 {
                return because("IPv4 address too long");
            }
            if let Some(at) = field.find(|c: char| !c.is_ascii_digit()) {
                let rest = &text[seen + at..];
                return format!("ParseAddr({}): unexpected character (at {})", quoted(text), quoted(rest));
            }
            if field.is_empty() {
                let why = "IPv4 field must have at least one digit";
                return format!("ParseAddr({}): {why} (at {})", quoted(text), quoted(&text[seen.min(text.len())..]));
            }
            if field.len() > 1 && field.starts_with('0') {
                return because("IPv4 field has octet with leading zero");
            }
            if field.parse::<u16>().map_or(true, |n| n > 255) {
                return because("IPv4 field has value >255");
            }
            seen += field.len() + 1;
        }
        return because("IPv4 address too short");
    }
    because("unable to parse IP")
}

/// Reads an address as `ip()` does.
pub fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let bare = text.split_once('%').map_or(text, |(bare, _)| bare);
    let Ok(ip) = bare.parse::<IpAddr>() else {
        return Err(format!("IP Address {} parse error during conversion from string: {}", quoted(text), ip_error(text)));
    };
    if bare.len() != text.len() {
        return Err(format!("IP address {} with zone value is not allowed", quoted(text)));
    }
    if is_mapped(ip) {
        return Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)));
    }
    Ok(ip)
}

fn is_mapped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())
}

/// Reads a network as `cidr()` does.
pub fn parse_cidr(text: &str) -> Result<(IpAddr, u8), String> {
    // The sentence is given twice, as upstream wraps it twice.
    let fail = |why: String| {
        let inner = format!("netip.ParsePrefix({}): {why}", quoted(text));
        Err(format!("network address parse error during conversion from string: {inner}"))
    };
    let Some((address, bits)) = text.rsplit_once('/') else { return fail("no '/'".to_owned()) };
    let Ok(ip) = address.parse::<IpAddr>() else {
        if address.contains('%') {
            return fail("IPv6 zones cannot be present in a prefix".to_owned());
        }
        return fail(ip_error(address));
    };
    let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) && !(bits.len() > 1 && bits.starts_with('0'));
    let Some(count) = digits.then(|| bits.parse::<u32>().ok()).flatten() else {
        return fail(format!("bad bits after slash: {}", quoted(bits)));
    };
    if count > if ip.is_ipv4() { 32 } else { 128 } {
        return fail("prefix length out of range".to_owned());
    }
    if is_mapped(ip) {
        return Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)));
    }
    Ok((ip, count as u8))
}

/// The network's first address.
pub fn masked(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

/// Whether a network holds an address.
pub fn contains_ip(network: (IpAddr, u8), ip: IpAddr) -> bool {
    network.0.is_ipv4() == ip.is_ipv4() && masked(network.0, network.1) == masked(ip, network.1)
}

/// One of the yes-or-no questions about an address.
pub fn ip_is(ip: IpAddr, question: &str) -> bool {
    let (unspecified, loopback, multicast, link_local) = match ip {
        IpAddr::V4(v4) => (v4.is_unspecified(), v4.is_loopback(), v4.is_multicast(), v4.is_link_local()),
        IpAddr::V6(v6) => (v6.is_unspecified(), v6.is_loopback(), v6.is_multicast(), v6.segments()[0] & 0xffc0 == 0xfe80),
    };
    match question {
        "isUnspecified" => unspecified,
        "isLoopback" => loopback,
        "isLinkLocalMulticast" => match ip {
            IpAddr::V4(v4) => v4.octets()[..3] == [224, 0, 0],
            IpAddr::V6(v6) => v6.segments()[0] & 0xff0f == 0xff02,
        },
        "isLinkLocalUnicast" => link_local,
        _ => !unspecified && !loopback && !multicast && !link_local && ip != IpAddr::from([255, 255, 255, 255]),
    }
}

/// A semantic version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Semver {
    /// Major, minor and patch.
    pub numbers: [u64; 3],
    pre: Vec<String>,
    build: Vec<String>,
}

impl Semver {
    /// The version as text.
    fn show(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut out = format!("{major}.{minor}.{patch}");
        if !self.pre.is_empty() {
            out = format!("{out}-{}", self.pre.join("."));
        }
        if !self.build.is_empty() {
            out = format!("{out}+{}", self.build.join("."));
        }
        out
    }

    /// The order of versions; build data do not count.
    pub fn order(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                for (a, b) in self.pre.iter().zip(&other.pre) {
                    let order = match (a.parse::<u64>(), b.parse::<u64>()) {
                        (Ok(a), Ok(b)) => a.cmp(&b),
                        (Ok(_), Err(_)) => Ordering::Less,
                        (Err(_), Ok(_)) => Ordering::Greater,
                        _ => a.cmp(b),
                    };
                    if order != Ordering::Equal {
                        return order;
                    }
                }
                self.pre.len().cmp(&other.pre.len())
            }
        })
    }
}

/// Reads a semantic version, strictly. upstream: blang/semver v4
pub fn parse_semver(text: &str) -> Result<Semver, String> {
    if text.is_empty() {
        return Err("Version string empty".to_owned());
    }
    let parts: Vec<&str> = text.splitn(3, '.').collect();
    let [major, minor, rest] = parts[..] else { return Err("No Major.Minor.Patch elements found".to_owned()) };
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(r, b)| (r, Some(b)));
    let (patch, pre) = rest.split_once('-').map_or((rest, None), |(r, p)| (r, Some(p)));
    let mut out = Semver::default();
    for (i, (name, part)) in [("major", major), ("minor", minor), ("patch", patch)].into_iter().enumerate() {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            if part.is_empty() {
                return Err(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(part)));
            }
            return Err(format!("Invalid character(s) found in {name} number {}", quoted(part)));
        }
        if part.len() > 1 && part.starts_with('0') {
            let mut upper = name.to_owned();
            upper[..1].make_ascii_uppercase();
            return Err(format!("{upper} number must not contain leading zeroes {}", quoted(part)));
        }
        out.numbers[i] = part.parse().map_err(|_| format!("strconv.ParseUint: parsing {}: value out of range", quoted(part)))?;
    }
    let word = |s: &str| s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    for part in pre.into_iter().flat_map(|p| p.split('.')) {
        if part.is_empty() {
            return Err("Prerelease is empty".to_owned());
        }
        if part.bytes().all(|b| b.is_ascii_digit()) {
            if part.len() > 1 && part.starts_with('0') {
                return Err(format!("Numeric PreRelease version must not contain leading zeroes {}", quoted(part)));
            }
        } else if !word(part) {
            return Err(format!("Invalid character(s) found in prerelease {}", quoted(part)));
        }
        out.pre.push(part.to_owned());
    }
    for part in build.into_iter().flat_map(|p| p.split('.')) {
        if part.is_empty() {
            return Err("Build meta data is empty".to_owned());
        }
        if !word(part) {
            return Err(format!("Invalid character(s) found in build meta data {}", quoted(part)));
        }
        out.build.push(part.to_owned());
    }
    Ok(out)
}

/// Reads a version that may be short, prefixed with `v` or have leading zeroes.
pub fn parse_semver_loose(text: &str) -> Result<Semver, String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(str::to_owned).collect();
    for part in &mut parts {
        if part.len() > 1 {
            let trimmed = part.trim_start_matches('0');
            *part = if trimmed.starts_with(|c: char| c.is_ascii_digit()) { trimmed.to_owned() } else { format!("0{trimmed}") };
        }
    }
    if parts.len() < 3 {
        if parts.last().is_some_and(|p| p.contains(['+', '-'])) {
            return Err("short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, "0".to_owned());
    }
    parse_semver(&parts.join("."))
}

/// The named formats, by the names of their functions.
pub const FORMATS: [&str; 13] = [
    "byte",
    "date",
    "datetime",
    "dns1035Label",
    "dns1035LabelPrefix",
    "dns1123Label",
    "dns1123LabelPrefix",
    "dns1123Subdomain",
    "dns1123SubdomainPrefix",
    "labelValue",
    "qualifiedName",
    "uri",
    "uuid",
];
