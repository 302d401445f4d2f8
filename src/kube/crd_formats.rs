//! String formats of OpenAPI, and the named formats of rules. upstream: kube-openapi pkg/validation/strfmt

use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

use super::names;
use crate::cel::time::{Stamp, parse_loose_duration};
use crate::cel::url;

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("a literal pattern"));
    };
}
pattern!(
    HOSTNAME,
    r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$"
);
pattern!(UUID, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
pattern!(UUID3, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
pattern!(UUID4, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$");
pattern!(UUID5, r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$");
pattern!(
    CARD,
    r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$"
);
pattern!(SSN, r"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$");
pattern!(HEX_COLOR, r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$");
pattern!(
    RGB,
    r"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*\)$"
);
pattern!(OBJECT_ID, r"^[0-9a-fA-F]{24}$");
pattern!(DATE_TIME, r"^([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$");
pattern!(EMAIL, r"^(?:[^\s@<>()\[\],;:\\]+)@[^\s@<>()\[\],;:\\]+$");

/// Whether a schema's format is one the server checks for texts.
pub(crate) fn is_supported(format: &str) -> bool {
    matches!(
        format.replace('-', "").as_str(),
        "bsonobjectid"
            | "uri"
            | "email"
            | "hostname"
            | "ipv4"
            | "ipv6"
            | "cidr"
            | "mac"
            | "uuid"
            | "uuid3"
            | "uuid4"
            | "uuid5"
            | "isbn"
            | "isbn10"
            | "isbn13"
            | "creditcard"
            | "ssn"
            | "hexcolor"
            | "rgbcolor"
            | "byte"
            | "password"
            | "date"
            | "duration"
            | "datetime"
            | "k8sshortname"
            | "k8slongname"
    )
}

fn isbn(text: &str, length: usize) -> bool {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if digits.len() != length {
        return false;
    }
    let value = |c: char| c.to_digit(10);
    if length == 10 {
        let mut sum = 0;
        for (i, c) in digits.iter().enumerate() {
            let v = if i == 9 && *c == 'X' { Some(10) } else { value(*c) };
            let Some(v) = v else { return false };
            sum += (i as u32 + 1) * v;
        }
        return sum % 11 == 0;
    }
    let mut sum = 0;
    for (i, c) in digits.iter().enumerate() {
        let Some(v) = value(*c) else { return false };
        sum += v * if i % 2 == 0 { 1 } else { 3 };
    }
    sum % 10 == 0
}

fn luhn(digits: &str) -> bool {
    let mut sum = 0;
    for (i, c) in digits.chars().rev().enumerate() {
        let Some(v) = c.to_digit(10) else { return false };
        let v = if i % 2 == 1 { v * 2 } else { v };
        sum += if v > 9 { v - 9 } else { v };
    }
    sum % 10 == 0
}

fn mac(text: &str) -> bool {
    let group = |sep: char, size: usize, counts: &[usize]| {
        let parts: Vec<&str> = text.split(sep).collect();
        counts.contains(&parts.len()) && parts.iter().all(|p| p.len() == size && p.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    group(':', 2, &[6, 8, 20]) || group('-', 2, &[6, 8, 20]) || group('.', 4, &[3, 4, 10])
}

fn sloppy(text: &str) -> String {
    let trim = |octet: &str| match octet.trim_start_matches('0') {
        "" if !octet.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    if text.contains(':') || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return text.to_owned();
    }
    text.split('.').map(trim).collect::<Vec<_>>().join(".")
}

fn date(text: &str) -> bool {
    text.len() == 10 && Stamp::parse(&format!("{text}T00:00:00Z")).is_some()
}

fn date_time(text: &str) -> bool {
    if text.len() < 4 {
        return false;
    }
    let lower = text.to_lowercase();
    let Some((day, time)) = lower.split_once('t') else { return false };
    if !date(day) {
        return false;
    }
    let Some(parts) = DATE_TIME.captures(time) else { return false };
    let part = |i: usize| parts.get(i).and_then(|m| m.as_str().parse::<u32>().ok()).unwrap_or(99);
    part(1) <= 23 && part(2) <= 59 && part(3) <= 59
}

/// Whether a text has a format; formats that are not checked are had by all.
pub(crate) fn has_format(format: &str, text: &str) -> bool {
    // Leading zeros in octets are read as decimals, as the server always did.
    let ip = |text: &str| sloppy(text).parse::<IpAddr>().ok();
    match format.replace('-', "").as_str() {
        "bsonobjectid" => OBJECT_ID.is_match(text),
        "uri" => url::parse(text).is_ok(),
        "email" => EMAIL.is_match(text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'))),
        "hostname" => HOSTNAME.is_match(text) && text.len() <= 255 && text.split('.').all(|label| label.len() <= 63),
        // Texts with a colon are addresses of the newer kind, even when they hold an old one.
        "ipv4" => ip(text).is_some() && text.contains('.'),
        "ipv6" => ip(text).is_some() && text.contains(':'),
        "cidr" => match text.split_once('/') {
            Some((address, bits)) => {
                let limit = ip(address).map(|a| if a.is_ipv4() { 32 } else { 128 });
                limit.is_some_and(|limit| bits.bytes().all(|b| b.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|n| n <= limit))
            }
            None => false,
        },
        "mac" => mac(text),
        "uuid" => UUID.is_match(text),
        "uuid3" => UUID3.is_match(text),
        "uuid4" => UUID4.is_match(text),
        "uuid5" => UUID5.is_match(text),
        "isbn" => isbn(text, 10) || isbn(text, 13),
        "isbn10" => isbn(text, 10),
        "isbn13" => isbn(text, 13),
        "creditcard" => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            CARD.is_match(&digits) && luhn(&digits)
        }
        "ssn" => SSN.is_match(text),
        "hexcolor" => HEX_COLOR.is_match(text),
        "rgbcolor" => RGB.is_match(text),
        "byte" => !text.is_empty() && data_encoding::BASE64.decode(text.as_bytes()).is_ok(),
        "date" => date(text),
        "duration" => parse_loose_duration(text).is_some(),
        "datetime" => date_time(text),
        "k8sshortname" => names::dns1123_label(text).is_empty(),
        "k8slongname" => names::dns1123_subdomain(text).is_empty(),
        _ => true,
    }
}

/// What is wrong with a text in one of the named formats of rules. upstream: apiserver pkg/cel/library/format.go
pub(crate) fn named(format: &str, text: &str) -> Vec<String> {
    let prefix = |check: fn(&str) -> Vec<String>| match text.strip_suffix('-') {
        Some(head) if !head.is_empty() => check(&format!("{head}a")),
        _ => check(text),
    };
    let plain = |format: &str, sentence: &str| if has_format(format, text) { Vec::new() } else { vec![sentence.to_owned()] };
    match format {
        "dns1123Label" => names::dns1123_label(text),
        "dns1123Subdomain" => names::dns1123_subdomain(text),
        "dns1035Label" => names::dns1035_label(text),
        "dns1123LabelPrefix" => prefix(names::dns1123_label),
        "dns1123SubdomainPrefix" => prefix(names::dns1123_subdomain),
        "dns1035LabelPrefix" => prefix(names::dns1035_label),
        "qualifiedName" => names::qualified_name(text),
        "labelValue" => names::label_value(text),
        "uri" => url::parse(text).err().into_iter().collect(),
        "uuid" => plain("uuid", "does not match the UUID format"),
        "byte" => plain("byte", "invalid base64"),
        "date" => plain("date", "invalid date"),
        "datetime" => plain("datetime", "invalid datetime"),
        _ => Vec::new(),
    }
}
