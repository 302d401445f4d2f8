//! IP addresses and CIDR blocks as the API server reads and judges them.
//! upstream: apimachinery/pkg/util/validation/ip.go, k8s.io/utils/net

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use super::decode::quote;

/// A block of addresses: the address as written and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address, with the bits beyond the prefix; an IPv4-mapped one is IPv4 here.
    pub address: IpAddr,
    /// The length of the prefix.
    pub prefix: u8,
    /// Whether it was written as an IPv4-mapped IPv6 address.
    pub mapped: bool,
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Cidr {
    fn mask(self) -> u128 {
        let host = u32::from(width(self.address).saturating_sub(self.prefix));
        if host == 128 { 0 } else { u128::MAX << host }
    }

    /// The first address of the block.
    pub fn network(self) -> IpAddr {
        match self.address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from(u32::from(v4) & (self.mask() & u128::from(u32::MAX)) as u32)),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & self.mask())),
        }
    }

    /// Whether an address lies in the block.
    pub fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && bits(address) & self.mask() == bits(self.address) & self.mask()
    }

    fn written(self) -> String {
        format!("{}/{}", self.network(), self.prefix)
    }
}

/// Leading zeros of every group dropped, as lenient readers do.
fn without_zeros(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find([':', '.']).unwrap_or(rest.len());
        let group = &rest[..end];
        let short = group.trim_start_matches('0');
        out.push_str(if short.is_empty() && !group.is_empty() { "0" } else { short });
        match rest[end..].chars().next() {
            Some(separator) => out.push(separator),
            None => break,
        }
        rest = &rest[end + 1..];
    }
    out
}

/// An address, leading zeros allowed; IPv4-mapped ones become IPv4. upstream: ParseIPSloppy
pub fn parse(text: &str) -> Option<IpAddr> {
    parse_raw(text).map(unmapped)
}

fn parse_raw(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| without_zeros(text).parse().ok())
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// A block, leading zeros allowed. upstream: ParseCIDRSloppy
pub fn parse_cidr(text: &str) -> Option<Cidr> {
    let (address, prefix) = text.split_once('/')?;
    let raw = parse_raw(address)?;
    if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = prefix.trim_start_matches('0');
    let prefix: u8 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    if prefix > width(raw) {
        return None;
    }
    let address = unmapped(raw);
    let mapped = address != raw;
    // A mapped block that is shorter than the mapping itself stays IPv6.
    match (mapped, prefix.checked_sub(96)) {
        (true, Some(short)) => Some(Cidr { address, prefix: short, mapped }),
        (true, None) => Some(Cidr { address: raw, prefix, mapped }),
        _ => Some(Cidr { address, prefix, mapped }),
    }
}

const WRONG_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const WRONG_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// What is wrong with an address in a field that does not ask for the canonical form. upstream: IsValidIPForLegacyField
pub fn legacy_ip(text: &str) -> Vec<String> {
    let Some(raw) = parse_raw(text) else { return vec![WRONG_IP.to_owned()] };
    let mut out = Vec::new();
    if text.parse::<IpAddr>().is_err() {
        out.push("must not have leading 0s".to_owned());
    } else if unmapped(raw) != raw {
        out.push("must not be an IPv4-mapped IPv6 address".to_owned());
    }
    out
}

/// What is wrong with an address. upstream: IsValidIP
pub fn strict_ip(text: &str) -> Vec<String> {
    let mut out = legacy_ip(text);
    if let Some(address) = parse(text).filter(|a| out.is_empty() && a.to_string() != text) {
        out.push(format!("must be in canonical form ({})", quote(&address.to_string())));
    }
    out
}

/// What is wrong with a block in a field that does not ask for the canonical form. upstream: IsValidCIDRForLegacyField
pub fn legacy_cidr(text: &str) -> Vec<String> {
    let Some(cidr) = parse_cidr(text) else { return vec![WRONG_CIDR.to_owned()] };
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let mut out = Vec::new();
    if address.parse::<IpAddr>().is_err() || (prefix.len() > 1 && prefix.starts_with('0')) {
        out.push("must not have leading 0s in IP or prefix length".to_owned());
    } else if cidr.mapped {
        out.push("must not have an IPv4-mapped IPv6 address".to_owned());
    } else if cidr.network() != cidr.address {
        out.push("must not have bits set beyond the prefix length".to_owned());
    }
    out
}

/// What is wrong with a block. upstream: IsValidCIDR
pub fn strict_cidr(text: &str) -> Vec<String> {
    let mut out = legacy_cidr(text);
    if let Some(cidr) = parse_cidr(text).filter(|c| out.is_empty() && c.written() != text) {
        out.push(format!("must be in canonical form ({})", quote(&cidr.written())));
    }
    out
}

/// What is wrong with an address and the length of its network. upstream: IsValidInterfaceAddress
pub fn interface_address(text: &str) -> Vec<String> {
    let Some(cidr) = parse_cidr(text) else {
        return vec!["must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)".to_owned()];
    };
    let canonical = format!("{}/{}", unmapped(cidr.address), cidr.prefix);
    if canonical == text { Vec::new() } else { vec![format!("must be in canonical form ({})", quote(&canonical))] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("10.0.0.1", ""),
            ("010.0.0.1", "must not have leading 0s"),
            ("::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"),
            ("FE80:0::0abc", "must be in canonical form (\"fe80::abc\")"),
            ("1.2.3", WRONG_IP),
            ("", WRONG_IP),
        ];
        for (text, want) in cases {
            assert_eq!(strict_ip(text).join("|"), want, "{text}");
        }
    }

    #[test]
    fn blocks() {
        let cases = [
            ("10.0.0.0/8", ""),
            ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
            ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
            ("2001:DB8::/32", "must be in canonical form (\"2001:db8::/32\")"),
            ("10.0.0.0", WRONG_CIDR),
            ("10.0.0.0/33", WRONG_CIDR),
            ("0.0.0.0/0", ""),
            ("::/0", ""),
        ];
        for (text, want) in cases {
            assert_eq!(strict_cidr(text).join("|"), want, "{text}");
        }
        assert!(parse_cidr("10.0.0.0/8").unwrap().contains("10.9.9.9".parse().unwrap()));
        assert!(!parse_cidr("::/0").unwrap().contains("10.9.9.9".parse().unwrap()));
    }
}
