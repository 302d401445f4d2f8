//! Keys and certificates, from the random stream of the rendering and the world's clock. upstream: sprig/crypto.go

use std::any::Any;
use std::net::IpAddr;
use std::net::Ipv4Addr;

use num_bigint::BigUint;

use crate::gotmpl::Env;
use crate::gotmpl::Function;
use crate::value::GoError;
use crate::value::GoType;
use crate::value::List;
use crate::value::Map;
use crate::value::Object;
use crate::value::ReflectKind;
use crate::value::Str;
use crate::value::Structure;
use crate::value::Value;
use crate::value::print_value;

use super::args::INT;
use super::args::LIST;
use super::args::Reply;
use super::args::STR;
use super::args::any;
use super::args::bytes;
use super::args::fixed;
use super::args::int;
use super::args::string;
use super::encoding::decode_base64;
use super::keys::PrivateKey;
use super::pem;
use super::x509;
use super::x509::Parent;
use super::x509::Template;

const CERTIFICATE: GoType = GoType::Named("sprig.certificate", ReflectKind::Struct);

/// What keys and signatures take of the steps of a rendering: charts make a few of them.
const KEY_STEPS: usize = 300_000;
const LARGE_KEY_STEPS: usize = 1_000_000;
const EC_KEY_STEPS: usize = 2_000;
const SIGN_STEPS: usize = 20_000;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("genPrivateKey", &[STR], STR, |e, a| {
        e.spend(if matches!(bytes(a, 0), b"ecdsa" | b"ed25519") { EC_KEY_STEPS } else { LARGE_KEY_STEPS })?;
        match PrivateKey::generate(bytes(a, 0), e.random) {
            Some(key) => string(key.to_pem()),
            None => string([b"Unknown type ", bytes(a, 0)].concat()),
        }
    }),
    fixed("genCA", &[STR, INT], CERTIFICATE, |e, a| {
        e.spend(KEY_STEPS)?;
        let key = PrivateKey::rsa(e.random);
        authority(e, a, &key)
    }),
    fixed("genCAWithKey", &[STR, INT, STR], CERTIFICATE, |e, a| {
        e.spend(SIGN_STEPS)?;
        let key = given_key(a, 2)?;
        authority(e, a, &key)
    }),
    fixed("genSelfSignedCert", &[STR, LIST, LIST, INT], CERTIFICATE, |e, a| {
        e.spend(KEY_STEPS)?;
        let key = PrivateKey::rsa(e.random);
        self_signed(e, a, &key)
    }),
    fixed("genSelfSignedCertWithKey", &[STR, LIST, LIST, INT, STR], CERTIFICATE, |e, a| {
        e.spend(SIGN_STEPS)?;
        let key = given_key(a, 4)?;
        self_signed(e, a, &key)
    }),
    fixed("genSignedCert", &[STR, LIST, LIST, INT, CERTIFICATE], CERTIFICATE, |e, a| {
        e.spend(KEY_STEPS)?;
        let key = PrivateKey::rsa(e.random);
        signed(e, a, &key)
    }),
    fixed("genSignedCertWithKey", &[STR, LIST, LIST, INT, CERTIFICATE, STR], CERTIFICATE, |e, a| {
        e.spend(SIGN_STEPS)?;
        let key = given_key(a, 5)?;
        signed(e, a, &key)
    }),
    fixed("buildCustomCert", &[STR, STR], CERTIFICATE, |_, a| build(bytes(a, 0), bytes(a, 1))),
];

/// `sprig.certificate`
#[derive(Debug)]
struct Certificate {
    cert: Str,
    key: Str,
}

impl Object for Certificate {
    fn go_type(&self) -> GoType {
        CERTIFICATE
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.clone().into()),
            "Key" => Some(self.key.clone().into()),
            _ => None,
        }
    }

    fn print(&self) -> String {
        format!("{{{} {}}}", self.cert, self.key)
    }

    fn has_string(&self) -> bool {
        false
    }

    fn structure(&self) -> Option<Structure> {
        Some(Structure { pointer: false, fields: vec![("Cert", self.cert.clone().into()), ("Key", self.key.clone().into())] })
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        let map = Map::default();
        map.insert("Cert", self.cert.clone().into());
        map.insert("Key", self.key.clone().into());
        Ok(map.into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn certificate(cert: impl Into<Str>, key: impl Into<Str>) -> Reply {
    Ok(Value::object(Certificate { cert: cert.into(), key: key.into() }))
}

fn given_key(a: &[Value], i: usize) -> Result<PrivateKey, String> {
    PrivateKey::from_pem(bytes(a, i)).map_err(|e| format!("parsing private key: {e}"))
}

/// The items of a list argument.
fn items(a: &[Value], i: usize) -> Vec<Value> {
    any(a, i).as_list().map(List::items).unwrap_or_default().to_vec()
}

fn shown(value: &Value) -> String {
    String::from_utf8_lossy(&print_value(value).unwrap_or_default()).into_owned()
}

/// An address as Go's `net.ParseIP` reads it: no zone, no leading zeros in IPv4.
fn address(text: &str) -> Option<IpAddr> {
    let parsed: IpAddr = text.parse().ok()?;
    Some(match parsed {
        IpAddr::V6(a) => a.to_ipv4_mapped().map_or(parsed, |a: Ipv4Addr| a.into()),
        IpAddr::V4(_) => parsed,
    })
}

fn template<'a>(env: &mut Env<'_>, name: &'a [u8], addresses: &[Value], names: &[Value], days: i64) -> Result<Template<'a>, String> {
    let mut ips = Vec::new();
    for ip in addresses {
        let Some(text) = ip.as_str() else { return Err(format!("error parsing ip: {} is not a string", nil_or(ip))) };
        ips.push(address(&text.to_str()).ok_or_else(|| format!("error parsing ip: {text}"))?);
    }
    let mut dns = Vec::new();
    for name in names {
        let Some(text) = name.as_str() else {
            return Err(format!("error processing alternate dns name: {} is not a string", nil_or(name)));
        };
        dns.push(text.as_bytes().to_vec());
    }
    let mut serial = [0; 16];
    (env.random)(&mut serial);
    let now = env.world.now();
    // Go's durations are 64-bit nanoseconds that overflow silently.
    let span = 86_400_000_000_000i64.wrapping_mul(days);
    let seconds = |nanos: i128| nanos.div_euclid(1_000_000_000) as i64;
    Ok(Template {
        common_name: name,
        serial: BigUint::from_bytes_be(&serial),
        not_before: seconds(now),
        not_after: seconds(now + i128::from(span)),
        addresses: ips,
        names: dns,
        authority: false,
    })
}

fn nil_or(value: &Value) -> String {
    if value.is_nil() { "<nil>".to_owned() } else { shown(value) }
}

fn finish(t: &Template<'_>, key: &PrivateKey, parent: Option<&Parent>, signer: &PrivateKey) -> Reply {
    let der = x509::create(t, key, parent, signer).map_err(|e| format!("error creating certificate: {e}"))?;
    certificate(pem::encode("CERTIFICATE", &der), key.to_pem())
}

fn authority(env: &mut Env<'_>, a: &[Value], key: &PrivateKey) -> Reply {
    let mut t = template(env, bytes(a, 0), &[], &[], int(a, 1))?;
    t.authority = true;
    finish(&t, key, None, key)
}

fn self_signed(env: &mut Env<'_>, a: &[Value], key: &PrivateKey) -> Reply {
    let t = template(env, bytes(a, 0), &items(a, 1), &items(a, 2), int(a, 3))?;
    finish(&t, key, None, key)
}

fn signed(env: &mut Env<'_>, a: &[Value], key: &PrivateKey) -> Reply {
    let ca = match &any(a, 4).kind {
        crate::value::Kind::Object(o) => o.as_any().downcast_ref::<Certificate>(),
        _ => None,
    };
    let Some(block) = ca.and_then(|ca| pem::decode(ca.cert.as_bytes())) else {
        return Err("unable to decode certificate".to_owned());
    };
    let parent = x509::parse(&block.bytes).map_err(|e| format!("error parsing certificate: decodedSignerCert.Bytes: x509: {e}"))?;
    let signer = PrivateKey::from_pem(ca.map_or(&[], |ca| ca.key.as_bytes())).map_err(|e| format!("error parsing private key: {e}"))?;
    let t = template(env, bytes(a, 0), &items(a, 1), &items(a, 2), int(a, 3))?;
    finish(&t, key, Some(&parent), &signer)
}

fn build(cert: &[u8], key: &[u8]) -> Reply {
    let cert = decode_base64(cert).map_err(|_| "unable to decode base64 certificate")?;
    let key = decode_base64(key).map_err(|_| "unable to decode base64 private key")?;
    let Some(block) = pem::decode(&cert) else { return Err("unable to decode certificate".to_owned()) };
    x509::parse(&block.bytes).map_err(|e| format!("error parsing certificate: decodedCert.Bytes: x509: {e}"))?;
    PrivateKey::from_pem(&key).map_err(|e| format!("error parsing private key: {e}"))?;
    certificate(cert, key)
}
