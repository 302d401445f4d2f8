//! X.509 certificates: writing those the certificate functions make, reading those given to them with Go's sentences.
//! upstream: crypto/x509/{x509,parser}.go

use std::net::IpAddr;

use num_bigint::BigUint;
use sha2::Digest;
use sha2::Sha256;

use super::der;
use super::der::Reader;
use super::keys::OID_EC;
use super::keys::OID_ED25519;
use super::keys::OID_RSA;
use super::keys::PrivateKey;
use super::time_object::Time;
use super::time_object::Zone;
use crate::value::quote;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// What a new certificate says.
pub(super) struct Template<'a> {
    pub(super) common_name: &'a [u8],
    pub(super) serial: BigUint,
    /// Unix seconds.
    pub(super) not_before: i64,
    /// Unix seconds.
    pub(super) not_after: i64,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<Vec<u8>>,
    pub(super) authority: bool,
}

/// What of a signer's certificate goes into the new one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parent {
    /// The subject as it stands there.
    pub(super) subject: Vec<u8>,
    /// The subject key identifier, maybe empty.
    pub(super) key_id: Vec<u8>,
    /// The public key: algorithm and bytes; `None` when Go does not know the algorithm.
    pub(super) public: Option<(Vec<u8>, Vec<u8>)>,
}

fn oid(content: &[u8]) -> Vec<u8> {
    der::tlv(der::OID, content)
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::tlv(der::BOOLEAN, &[0xff]) } else { Vec::new() };
    der::sequence(&[&oid(id), &critical, &der::tlv(der::OCTET_STRING, value)])
}

/// A name of nothing but a common name.
fn subject(name: &[u8]) -> Result<Vec<u8>, String> {
    if name.is_empty() {
        return Ok(der::sequence(&[]));
    }
    let printable = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'\'' | b'('..=b')' | b'+'..=b'/' | b':' | b'=' | b'?');
    let tag = if name.iter().all(printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    if std::str::from_utf8(name).is_err() {
        return Err("asn1: string not valid UTF-8".to_owned());
    }
    let attribute = der::sequence(&[&oid(COMMON_NAME), &der::tlv(tag, name)]);
    Ok(der::sequence(&[&der::tlv(der::SET, &attribute)]))
}

fn time(seconds: i64) -> Result<Vec<u8>, String> {
    let c = Time::from_nanos(i128::from(seconds) * 1_000_000_000, Zone::Utc).civil();
    let tail = format!("{:02}{:02}{:02}{:02}{:02}Z", c.month, c.day, c.hour, c.minute, c.second);
    match c.year {
        1950..2050 => Ok(der::tlv(der::UTC_TIME, format!("{:02}{tail}", c.year % 100).as_bytes())),
        0..=9999 => Ok(der::tlv(der::GENERALIZED_TIME, format!("{:04}{tail}", c.year).as_bytes())),
        _ => Err("asn1: structure error: cannot represent time as GeneralizedTime".to_owned()),
    }
}

fn alternative_names(t: &Template<'_>) -> Result<Vec<u8>, String> {
    let mut names = Vec::new();
    for name in &t.names {
        if !name.is_ascii() {
            return Err(format!("x509: {} cannot be encoded as an IA5String", quote(name)));
        }
        names.extend(der::tlv(0x82, name));
    }
    for address in &t.addresses {
        let bytes = match address.to_canonical() {
            IpAddr::V4(a) => a.octets().to_vec(),
            IpAddr::V6(a) => a.octets().to_vec(),
        };
        names.extend(der::tlv(0x87, &bytes));
    }
    Ok(der::tlv(der::SEQUENCE, &names))
}

/// A certificate for `key`, signed by `signer`; without a parent it signs itself.
pub(super) fn create(t: &Template<'_>, key: &PrivateKey, parent: Option<&Parent>, signer: &PrivateKey) -> Result<Vec<u8>, String> {
    let algorithm = signer.algorithm()?;
    let unsupported = || "x509: only RSA, ECDSA and Ed25519 keys supported".to_owned();
    let (key_algorithm, key_bytes) = key.public().ok_or_else(unsupported)?;
    let subject = subject(t.common_name)?;
    let issuer = parent.map_or(&subject, |p| &p.subject);
    let authority_id: &[u8] = parent.map_or(&[], |p| if p.subject == subject { &[] } else { &p.key_id });
    if parent.is_some_and(|p| p.public.is_some() && p.public != signer.public()) {
        return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned());
    }

    let usage: [u8; 2] = if t.authority { [2, 0xa4] } else { [5, 0xa0] };
    let constraint = if t.authority { der::tlv(der::BOOLEAN, &[0xff]) } else { Vec::new() };
    let mut extensions = vec![
        extension(KEY_USAGE, true, &der::tlv(der::BIT_STRING, &usage)),
        extension(EXT_KEY_USAGE, false, &der::sequence(&[&oid(SERVER_AUTH), &oid(CLIENT_AUTH)])),
        extension(BASIC_CONSTRAINTS, true, &der::sequence(&[&constraint])),
    ];
    if t.authority {
        let id = &Sha256::digest(&key_bytes)[..20];
        extensions.push(extension(SUBJECT_KEY_ID, false, &der::tlv(der::OCTET_STRING, id)));
    }
    if !authority_id.is_empty() {
        extensions.push(extension(AUTHORITY_KEY_ID, false, &der::sequence(&[&der::tlv(0x80, authority_id)])));
    }
    if !t.names.is_empty() || !t.addresses.is_empty() {
        extensions.push(extension(ALT_NAME, t.common_name.is_empty(), &alternative_names(t)?));
    }

    let body = der::sequence(&[
        &der::tlv(der::context(0), &der::small(2)),
        &der::integer(&t.serial),
        &algorithm,
        issuer,
        &der::sequence(&[&time(t.not_before)?, &time(t.not_after)?]),
        &subject,
        &der::sequence(&[&key_algorithm, &der::bit_string(&key_bytes)]),
        &der::tlv(der::context(3), &der::tlv(der::SEQUENCE, &extensions.concat())),
    ]);
    let signature = signer.sign(&body)?;
    Ok(der::sequence(&[&body, &algorithm, &der::bit_string(&signature)]))
}

type Step<T> = Result<T, &'static str>;

/// Reads a certificate; the error is Go's sentence without its `x509: `.
pub(super) fn parse(bytes: &[u8]) -> Step<Parent> {
    const BAD: &str = "malformed certificate";
    let mut outer = Reader(bytes);
    let mut input = outer.inside(der::SEQUENCE).ok_or(BAD)?;
    if !outer.is_empty() {
        return Err("trailing data");
    }
    let mut tbs = input.inside(der::SEQUENCE).ok_or("malformed tbs certificate")?;
    let mut version = 0u8;
    if tbs.peek(der::context(0)) {
        let number = tbs.inside(der::context(0)).and_then(|mut v| v.integer());
        let (negative, amount) = number.ok_or("malformed version")?;
        if negative {
            return Err("malformed version");
        }
        version = u8::try_from(amount).unwrap_or(u8::MAX);
    }
    if version > 2 {
        return Err("invalid version");
    }
    if tbs.integer().ok_or("malformed serial number")?.0 {
        return Err("negative serial number");
    }
    let inner_algorithm = tbs.read(der::SEQUENCE).ok_or("malformed signature algorithm identifier")?;
    if input.read(der::SEQUENCE).ok_or("malformed algorithm identifier")? != inner_algorithm {
        return Err("inner and outer signature algorithm identifiers don't match");
    }
    identifier(Reader(inner_algorithm))?;
    name(tbs.inside(der::SEQUENCE).ok_or("malformed issuer")?)?;
    let mut validity = tbs.inside(der::SEQUENCE).ok_or("malformed validity")?;
    for _ in 0..2 {
        date(&mut validity)?;
    }
    let (subject, content) = tbs.element(der::SEQUENCE).ok_or("malformed issuer")?;
    name(Reader(content))?;
    let mut info = tbs.inside(der::SEQUENCE).ok_or("malformed spki")?;
    let (algorithm, content) = info.element(der::SEQUENCE).ok_or("malformed public key algorithm identifier")?;
    let (kind, parameters) = identifier(Reader(content))?;
    let key = info.bits().ok_or("malformed subjectPublicKey")?;
    check_key(kind, parameters, key)?;
    let known = matches!(kind, OID_RSA | OID_EC | OID_ED25519);
    let key_id = extensions(&mut tbs, version)?;
    input.bits().ok_or("malformed signature")?;
    Ok(Parent { subject: subject.to_vec(), key_id, public: known.then(|| (algorithm.to_vec(), key.to_vec())) })
}

/// An algorithm and its parameters.
fn identifier(mut der: Reader<'_>) -> Step<(&[u8], &[u8])> {
    let kind = der.read(der::OID).ok_or("malformed OID")?;
    let parameters = der.0;
    if !der.is_empty() {
        der.any().ok_or("malformed parameters")?;
    }
    Ok((kind, parameters))
}

fn name(mut sequence: Reader<'_>) -> Step<()> {
    while !sequence.is_empty() {
        let mut set = sequence.inside(der::SET).ok_or("invalid RDNSequence")?;
        while !set.is_empty() {
            let mut attribute = set.inside(der::SEQUENCE).ok_or("invalid RDNSequence: invalid attribute")?;
            attribute.read(der::OID).ok_or("invalid RDNSequence: invalid attribute type")?;
            let (tag, _, value) = attribute.any().ok_or("invalid RDNSequence: invalid attribute value")?;
            if tag == der::UTF8_STRING && std::str::from_utf8(value).is_err() {
                return Err("invalid RDNSequence: invalid attribute value: invalid UTF-8 string");
            }
        }
    }
    Ok(())
}

fn date(validity: &mut Reader<'_>) -> Step<()> {
    let shaped = |text: &[u8], digits: usize| {
        text.len() > digits && text[..digits].iter().all(u8::is_ascii_digit) && matches!(text[digits], b'Z' | b'+' | b'-')
    };
    if validity.peek(der::UTC_TIME) {
        let ok = validity.read(der::UTC_TIME).is_some_and(|t| shaped(t, 12) || shaped(t, 10));
        return if ok { Ok(()) } else { Err("malformed UTCTime") };
    }
    if validity.peek(der::GENERALIZED_TIME) {
        let ok = validity.read(der::GENERALIZED_TIME).is_some_and(|t| shaped(t, 14));
        return if ok { Ok(()) } else { Err("malformed GeneralizedTime") };
    }
    Err("unsupported time format")
}

fn check_key(kind: &[u8], parameters: &[u8], key: &[u8]) -> Step<()> {
    match kind {
        OID_RSA => {
            if parameters != [der::NULL, 0] {
                return Err("RSA key missing NULL parameters");
            }
            let mut numbers = Reader(key).inside(der::SEQUENCE).ok_or("invalid RSA public key")?;
            let (negative, n) = numbers.integer().ok_or("invalid RSA modulus")?;
            let (negative_e, e) = numbers.integer().ok_or("invalid RSA public exponent")?;
            if negative || n == BigUint::ZERO {
                return Err("RSA modulus is not a positive number");
            }
            if negative_e || e == BigUint::ZERO {
                return Err("RSA public exponent is not a positive number");
            }
        }
        OID_EC => {
            Reader(parameters).read(der::OID).ok_or("invalid ECDSA parameters")?;
        }
        OID_ED25519 if !parameters.is_empty() => return Err("Ed25519 key encoded with illegal parameters"),
        OID_ED25519 if key.len() != 32 => return Err("wrong Ed25519 public key size"),
        _ => {}
    }
    Ok(())
}

/// The subject key identifier among the extensions.
fn extensions(tbs: &mut Reader<'_>, version: u8) -> Step<Vec<u8>> {
    let mut key_id = Vec::new();
    if version < 1 {
        return Ok(key_id);
    }
    for tag in [0x81, 0x82] {
        if tbs.peek(tag) {
            tbs.read(tag).ok_or(if tag == 0x81 { "malformed issuerUniqueID" } else { "malformed subjectUniqueID" })?;
        }
    }
    if version < 2 || !tbs.peek(der::context(3)) {
        return Ok(key_id);
    }
    let list = tbs.inside(der::context(3)).and_then(|mut r| r.inside(der::SEQUENCE));
    let mut list = list.ok_or("malformed extensions")?;
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let mut one = list.inside(der::SEQUENCE).ok_or("malformed extension")?;
        let id = one.read(der::OID).ok_or("malformed extension OID field")?;
        let critical = one.peek(der::BOOLEAN);
        if critical {
            one.read(der::BOOLEAN).filter(|b| matches!(b, [0 | 0xff])).ok_or("malformed extension critical field")?;
        }
        let value = one.read(der::OCTET_STRING).ok_or("malformed extension value field")?;
        if seen.contains(&id) {
            return Err("certificate contains duplicate extensions");
        }
        seen.push(id);
        if id == SUBJECT_KEY_ID {
            if critical {
                return Err("subject key identifier incorrectly marked critical");
            }
            key_id = Reader(value).read(der::OCTET_STRING).ok_or("invalid subject key identifier")?.to_vec();
        }
    }
    Ok(key_id)
}
