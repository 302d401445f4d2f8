//! Private keys of all kinds the certificate functions know: generated, read from PEM, written, used to sign.
//! upstream: crypto/x509/{pkcs8,sec1}.go

use num_bigint::BigUint;
use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;

use super::der;
use super::der::Fields;
use super::pem;
use super::pem::Block;
use super::primes::below;
use super::primes::dsa_primes;
use super::rsa::RsaKey;

/// The bits of an RSA key that `genPrivateKey` makes.
const LARGE: usize = 4096;
/// The bits of an RSA key that the certificate functions make for themselves.
pub(super) const USUAL: usize = 2048;

pub(super) const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(super) const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const SHA256_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ECDSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];

/// A private key on a NIST curve.
pub(super) enum EcKey {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
}

/// A private key.
pub(super) enum PrivateKey {
    Rsa(Box<RsaKey>),
    Ec(EcKey),
    Ed25519(ed25519_compact::KeyPair),
    /// Kept as read: it can sign nothing here.
    Dsa(Vec<u8>),
    /// The same.
    X25519,
}

impl EcKey {
    fn of(curve: &[u8], scalar: &[u8]) -> Option<Self> {
        match curve {
            OID_P256 => p256::SecretKey::from_slice(scalar).ok().map(Self::P256),
            OID_P384 => p384::SecretKey::from_slice(scalar).ok().map(Self::P384),
            OID_P521 => p521::SecretKey::from_slice(scalar).ok().map(Self::P521),
            _ => None,
        }
    }

    fn curve(&self) -> &'static [u8] {
        match self {
            Self::P256(_) => OID_P256,
            Self::P384(_) => OID_P384,
            Self::P521(_) => OID_P521,
        }
    }

    fn scalar(&self) -> Vec<u8> {
        match self {
            Self::P256(k) => k.to_bytes().to_vec(),
            Self::P384(k) => k.to_bytes().to_vec(),
            Self::P521(k) => k.to_bytes().to_vec(),
        }
    }

    /// The public point, uncompressed.
    fn point(&self) -> Vec<u8> {
        match self {
            Self::P256(k) => k.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(k) => k.public_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::P521(k) => k.public_key().to_sec1_point(false).as_bytes().to_vec(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(k) => {
                let signature: p256::ecdsa::DerSignature = p256::ecdsa::SigningKey::from(k).sign(message);
                signature.as_bytes().to_vec()
            }
            Self::P384(k) => {
                let signature: p384::ecdsa::DerSignature = p384::ecdsa::SigningKey::from(k).sign(message);
                signature.as_bytes().to_vec()
            }
            Self::P521(k) => {
                let signature: p521::ecdsa::DerSignature = p521::ecdsa::SigningKey::from(k).sign(message);
                signature.as_bytes().to_vec()
            }
        }
    }

    /// SEC 1.
    fn to_der(&self) -> Vec<u8> {
        der::sequence(&[
            &der::small(1),
            &der::tlv(der::OCTET_STRING, &self.scalar()),
            &der::tlv(der::context(0), &der::tlv(der::OID, self.curve())),
            &der::tlv(der::context(1), &der::bit_string(&self.point())),
        ])
    }
}

/// The bytes of a scalar on a curve; `None` for a curve that is not known.
fn scalar_size(curve: &[u8]) -> Option<usize> {
    match curve {
        OID_P256 => Some(32),
        OID_P384 => Some(48),
        OID_P521 => Some(66),
        _ => None,
    }
}

impl PrivateKey {
    /// An RSA key of the usual size.
    pub(super) fn rsa(random: &mut dyn FnMut(&mut [u8])) -> Self {
        Self::Rsa(Box::new(RsaKey::generate(USUAL, random)))
    }

    /// A key of the kind that `genPrivateKey` names.
    pub(super) fn generate(kind: &[u8], random: &mut dyn FnMut(&mut [u8])) -> Option<Self> {
        match kind {
            b"" | b"rsa" => Some(Self::Rsa(Box::new(RsaKey::generate(LARGE, random)))),
            b"dsa" => Some(Self::Dsa(generate_dsa(random))),
            b"ecdsa" => loop {
                let mut scalar = [0; 32];
                random(&mut scalar);
                if let Some(key) = EcKey::of(OID_P256, &scalar) {
                    return Some(Self::Ec(key));
                }
            },
            b"ed25519" => {
                let mut seed = [0; 32];
                random(&mut seed);
                Some(Self::Ed25519(ed25519_of(seed)))
            }
            _ => None,
        }
    }

    /// As a PEM block.
    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => pem::encode("RSA PRIVATE KEY", &key.to_der()),
            Self::Ec(key) => pem::encode("EC PRIVATE KEY", &key.to_der()),
            Self::Dsa(der) => pem::encode("DSA PRIVATE KEY", der),
            Self::Ed25519(key) => {
                let seed = der::tlv(der::OCTET_STRING, &*key.sk.seed());
                let algorithm = der::sequence(&[&der::tlv(der::OID, OID_ED25519)]);
                pem::encode("PRIVATE KEY", &der::sequence(&[&der::small(0), &algorithm, &der::tlv(der::OCTET_STRING, &seed)]))
            }
            Self::X25519 => String::new(),
        }
    }

    /// Reads a PEM text; the error is sprig's sentence.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let Some(Block { kind, bytes }) = pem::decode(text) else { return Err("no PEM data in input".to_owned()) };
        if kind == "PRIVATE KEY" {
            return from_pkcs8(&bytes).map_err(|e| format!("decoding PEM as PKCS#8: {e}"));
        }
        let Some(word) = kind.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {kind}"));
        };
        match word {
            "RSA" => match from_pkcs1(&bytes) {
                Ok(key) => Ok(key),
                Err(e) => Err(format!("parsing RSA private key from PEM: {e}")),
            },
            "EC" => from_sec1(None, &bytes).map_err(|e| format!("parsing EC private key from PEM: {e}")),
            "DSA" => from_dsa(&bytes).map_err(|e| format!("parsing DSA private key from PEM: {e}")),
            other => Err(format!("invalid private key type {other}")),
        }
    }

    /// The public key: its algorithm identifier and its bytes.
    pub(super) fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        Some(match self {
            Self::Rsa(key) => (der::sequence(&[&der::tlv(der::OID, OID_RSA), &der::tlv(der::NULL, &[])]), key.public_der()),
            Self::Ec(key) => (der::sequence(&[&der::tlv(der::OID, OID_EC), &der::tlv(der::OID, key.curve())]), key.point()),
            Self::Ed25519(key) => (der::sequence(&[&der::tlv(der::OID, OID_ED25519)]), key.pk.to_vec()),
            Self::Dsa(_) | Self::X25519 => return None,
        })
    }

    /// The identifier of the algorithm it signs with.
    pub(super) fn algorithm(&self) -> Result<Vec<u8>, String> {
        Ok(match self {
            Self::Rsa(_) => der::sequence(&[&der::tlv(der::OID, SHA256_RSA), &der::tlv(der::NULL, &[])]),
            Self::Ec(EcKey::P256(_)) => der::sequence(&[&der::tlv(der::OID, ECDSA_SHA256)]),
            Self::Ec(EcKey::P384(_)) => der::sequence(&[&der::tlv(der::OID, ECDSA_SHA384)]),
            Self::Ec(EcKey::P521(_)) => der::sequence(&[&der::tlv(der::OID, ECDSA_SHA512)]),
            Self::Ed25519(_) => der::sequence(&[&der::tlv(der::OID, OID_ED25519)]),
            Self::Dsa(_) | Self::X25519 => return Err("x509: certificate private key does not implement crypto.Signer".to_owned()),
        })
    }

    /// A signature.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa(key) => key.sign(message),
            Self::Ec(key) => Ok(key.sign(message)),
            Self::Ed25519(key) => Ok(key.sk.sign(message, None).to_vec()),
            Self::Dsa(_) | Self::X25519 => self.algorithm(),
        }
    }
}

/// The Ed25519 key of a seed.
fn ed25519_of(seed: [u8; 32]) -> ed25519_compact::KeyPair {
    ed25519_compact::KeyPair::from_seed(ed25519_compact::Seed::new(seed))
}

fn generate_dsa(random: &mut dyn FnMut(&mut [u8])) -> Vec<u8> {
    let mut seed = [0; 32];
    random(&mut seed);
    let (p, q) = dsa_primes(seed);
    let exponent = (&p - 1u8) / &q;
    let one = BigUint::from(1u8);
    let mut base = BigUint::from(2u8);
    let mut g = base.modpow(&exponent, &p);
    while g == one {
        base += 1u8;
        g = base.modpow(&exponent, &p);
    }
    let x = below(&(&q - 1u8), random) + 1u8;
    let y = g.modpow(&x, &p);
    let parts = [&BigUint::ZERO, &p, &q, &g, &y, &x].map(der::integer);
    der::tlv(der::SEQUENCE, &parts.concat())
}

const USE_EC: &str = "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)";
const USE_PKCS8: &str = "x509: failed to parse private key (use ParsePKCS8PrivateKey instead for this key format)";
const USE_PKCS1: &str = "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)";

/// Whether the bytes have the shape of a SEC 1 key.
fn looks_ec(bytes: &[u8]) -> bool {
    ec_fields(bytes).is_ok()
}

fn looks_pkcs8(bytes: &[u8]) -> bool {
    pkcs8_fields(bytes).is_ok()
}

fn looks_pkcs1(bytes: &[u8]) -> bool {
    let numbers = |bytes| -> Result<(), String> {
        let (mut fields, _) = Fields::of(bytes, "")?;
        (0..6).try_for_each(|_| fields.number("").map(|_| ()))
    };
    numbers(bytes).is_ok()
}

fn from_pkcs1(bytes: &[u8]) -> Result<PrivateKey, String> {
    RsaKey::parse(bytes).map(|k| PrivateKey::Rsa(Box::new(k))).map_err(|e| match e {
        e if !e.starts_with("asn1: ") || e.ends_with("trailing data") => e,
        _ if looks_ec(bytes) => USE_EC.to_owned(),
        _ if looks_pkcs8(bytes) => USE_PKCS8.to_owned(),
        e => e,
    })
}

/// The version, scalar and curve of a SEC 1 key.
fn ec_fields(bytes: &[u8]) -> Result<(i64, &[u8], Option<&[u8]>), String> {
    let (mut fields, _) = Fields::of(bytes, "ecPrivateKey")?;
    let version = fields.int()?;
    let scalar = fields.next(der::OCTET_STRING, "[]uint8")?;
    let mut curve = None;
    if fields.has(der::context(0)) {
        let mut inner = der::Reader(fields.next(der::context(0), "asn1.ObjectIdentifier")?);
        curve = inner.read(der::OID);
    }
    Ok((version, scalar, curve))
}

fn from_sec1(curve: Option<&[u8]>, bytes: &[u8]) -> Result<PrivateKey, String> {
    let (version, mut scalar, own) = match ec_fields(bytes) {
        Ok(fields) => fields,
        Err(_) if looks_pkcs8(bytes) => return Err(USE_PKCS8.to_owned()),
        Err(_) if looks_pkcs1(bytes) => return Err(USE_PKCS1.to_owned()),
        Err(e) => return Err(format!("x509: failed to parse EC private key: {e}")),
    };
    if version != 1 {
        return Err(format!("x509: unknown EC private key version {version}"));
    }
    let named = curve.or(own).and_then(|c| scalar_size(c).map(|size| (c, size)));
    let Some((curve, size)) = named else { return Err("x509: unknown elliptic curve".to_owned()) };
    while scalar.len() > size {
        match scalar.split_first() {
            Some((0, rest)) => scalar = rest,
            _ => return Err("x509: invalid private key length".to_owned()),
        }
    }
    let padded = [vec![0; size - scalar.len()], scalar.to_vec()].concat();
    EcKey::of(curve, &padded).map(PrivateKey::Ec).ok_or_else(|| "crypto/ecdsa: invalid private key".to_owned())
}

/// The algorithm, its parameters and the key of a PKCS #8 key.
fn pkcs8_fields(bytes: &[u8]) -> Result<(&[u8], &[u8], &[u8]), String> {
    let (mut fields, _) = Fields::of(bytes, "pkcs8")?;
    fields.int()?;
    let mut algorithm = der::Reader(fields.next(der::SEQUENCE, "pkix.AlgorithmIdentifier")?);
    let oid = algorithm.read(der::OID).ok_or("asn1: structure error: invalid object identifier")?;
    Ok((oid, algorithm.0, fields.next(der::OCTET_STRING, "[]uint8")?))
}

fn from_pkcs8(bytes: &[u8]) -> Result<PrivateKey, String> {
    let (oid, parameters, key) = match pkcs8_fields(bytes) {
        Ok(fields) => fields,
        Err(_) if looks_ec(bytes) => return Err(USE_EC.to_owned()),
        Err(_) if looks_pkcs1(bytes) => return Err(USE_PKCS1.to_owned()),
        Err(e) => return Err(e),
    };
    let seed = |name: &str| {
        if !parameters.is_empty() {
            return Err(format!("x509: invalid {name} private key parameters"));
        }
        let seed = der::Reader(key).read(der::OCTET_STRING).unwrap_or(&[]);
        <[u8; 32]>::try_from(seed).map_err(|_| format!("x509: invalid {name} private key length: {}", seed.len()))
    };
    match oid {
        OID_RSA => from_pkcs1(key).map_err(|e| format!("x509: failed to parse RSA private key embedded in PKCS#8: {e}")),
        OID_EC => {
            let curve = der::Reader(parameters).read(der::OID);
            from_sec1(curve, key).map_err(|e| format!("x509: failed to parse EC private key embedded in PKCS#8: {e}"))
        }
        OID_ED25519 => seed("Ed25519").map(|s| PrivateKey::Ed25519(ed25519_of(s))),
        OID_X25519 => seed("X25519").map(|_| PrivateKey::X25519),
        other => Err(format!("x509: PKCS#8 wrapping contained private key with unknown algorithm: {}", dotted(other))),
    }
}

/// An object identifier in figures.
fn dotted(oid: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut n = 0u64;
    for b in oid {
        n = n << 7 | u64::from(b & 0x7f);
        if b & 0x80 == 0 {
            if parts.is_empty() {
                let first = (n / 40).min(2);
                parts.extend([first.to_string(), (n - first * 40).to_string()]);
            } else {
                parts.push(n.to_string());
            }
            n = 0;
        }
    }
    parts.join(".")
}

fn from_dsa(bytes: &[u8]) -> Result<PrivateKey, String> {
    let (mut fields, _) = Fields::of(bytes, "sprig.DSAKeyFormat")?;
    fields.int()?;
    (0..5).try_for_each(|_| fields.number("*big.Int").map(|_| ()))?;
    Ok(PrivateKey::Dsa(bytes.to_vec()))
}
