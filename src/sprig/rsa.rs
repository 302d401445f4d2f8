//! RSA keys: generation, Go's checks of a given key, PKCS #1 in and out, signatures. upstream: crypto/rsa, crypto/x509

use num_bigint::BigUint;
use sha2::Digest;
use sha2::Sha256;

use super::der;
use super::der::Fields;
use super::powers::powers;
use super::primes::prime;
use crate::source::all_cores;

/// A private key of two primes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RsaKey {
    pub(super) n: BigUint,
    pub(super) e: BigUint,
    d: BigUint,
    p: BigUint,
    q: BigUint,
    dp: BigUint,
    dq: BigUint,
    qinv: BigUint,
}

/// The public exponent of generated keys.
const EXPONENT: u32 = 65537;
/// The smallest key Go signs with.
const MIN_BITS: u64 = 1024;

fn one() -> BigUint {
    BigUint::from(1u8)
}

fn gcd(a: &BigUint, b: &BigUint) -> BigUint {
    let (mut a, mut b) = (a.clone(), b.clone());
    while b != BigUint::ZERO {
        (a, b) = (b.clone(), a % b);
    }
    a
}

/// The header of a SHA-256 hash in a PKCS #1 v1.5 signature.
const SHA256_PREFIX: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

impl RsaKey {
    /// A new key; the seeds decide its primes.
    pub(super) fn generate(bits: usize, random: &mut dyn FnMut(&mut [u8])) -> Self {
        loop {
            let (mut first, mut second) = ([0; 32], [0; 32]);
            random(&mut first);
            random(&mut second);
            let fits = |n: &BigUint| n % EXPONENT != one();
            all_cores();
            let (p, q) = rayon::join(|| prime(bits / 2, first, &fits), || prime(bits / 2, second, &fits));
            if let Some(key) = Self::of_primes(p, q) {
                return key;
            }
        }
    }

    fn of_primes(p: BigUint, q: BigUint) -> Option<Self> {
        let (p, q) = if p < q { (q, p) } else { (p, q) };
        let e = BigUint::from(EXPONENT);
        let (p1, q1) = (&p - 1u8, &q - 1u8);
        let lambda = &p1 * &q1 / gcd(&p1, &q1);
        let d = e.modinv(&lambda)?;
        let qinv = q.modinv(&p)?;
        Some(Self { n: &p * &q, dp: &d % &p1, dq: &d % &q1, e, d, p, q, qinv })
    }

    /// PKCS #1.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let numbers = [&self.n, &self.e, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qinv].map(der::integer);
        let mut parts = vec![der::small(0)];
        parts.extend(numbers);
        der::tlv(der::SEQUENCE, &parts.concat())
    }

    /// The public key in PKCS #1.
    pub(super) fn public_der(&self) -> Vec<u8> {
        der::sequence(&[&der::integer(&self.n), &der::integer(&self.e)])
    }

    /// Reads PKCS #1; the error is Go's sentence.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (mut fields, rest) = Fields::of(bytes, "pkcs1PrivateKey")?;
        if !rest.is_empty() {
            return Err("asn1: syntax error: trailing data".to_owned());
        }
        let version = fields.int()?;
        let mut numbers = Vec::new();
        for (i, name) in ["*big.Int", "int", "*big.Int", "*big.Int", "*big.Int"].into_iter().enumerate() {
            let (negative, amount) = fields.number(name)?;
            numbers.push((i == 1, negative, amount));
        }
        let mut given = Vec::new();
        while given.len() < 3 && fields.has(der::INTEGER) {
            given.push(fields.number("*big.Int")?);
        }
        if version > 1 {
            return Err("x509: unsupported private key version".to_owned());
        }
        let bad = |negative: bool, amount: &BigUint| negative || *amount == BigUint::ZERO;
        if numbers.iter().any(|(exponent, negative, n)| !exponent && bad(*negative, n)) || given.iter().any(|(s, n)| bad(*s, n)) {
            return Err("x509: private key contains zero or negative value".to_owned());
        }
        let negative_exponent = numbers[1].1;
        let mut numbers = numbers.into_iter().map(|(_, _, n)| n);
        let mut next = || numbers.next().unwrap_or_default();
        let (n, e, d, p, q) = (next(), next(), next(), next(), next());
        if version == 1 {
            return Err("crypto/rsa: multi-prime keys are not supported".to_owned());
        }
        Self::check_public(&n, &e, negative_exponent)?;
        let (p1, q1) = (&p - 1u8, &q - 1u8);
        if p1 == BigUint::ZERO || q1 == BigUint::ZERO || p >= n || q >= n {
            return Err("crypto/rsa: invalid prime".to_owned());
        }
        if &p * &q != n {
            return Err("crypto/rsa: p * q != n".to_owned());
        }
        let (dp, dq, qinv) = match given.as_slice() {
            [(_, dp), (_, dq), (_, qinv)] => (dp.clone(), dq.clone(), qinv.clone()),
            _ => (&d % &p1, &d % &q1, q.modinv(&p).unwrap_or_default()),
        };
        let key = Self { n, e, d, p, q, dp, dq, qinv };
        key.check_parts(&p1, &q1)?;
        Ok(key)
    }

    fn check_public(n: &BigUint, e: &BigUint, negative: bool) -> Result<(), String> {
        let even = |n: &BigUint| !n.bit(0);
        let told = if even(n) {
            "public modulus is even"
        } else if negative || *e < BigUint::from(2u8) {
            "public exponent too small or negative"
        } else if even(e) {
            "public exponent is even"
        } else if e.bits() > 31 {
            "public exponent too large"
        } else {
            return Ok(());
        };
        Err(format!("crypto/rsa: {told}"))
    }

    fn check_parts(&self, p1: &BigUint, q1: &BigUint) -> Result<(), String> {
        let pairs = [(&self.dp, p1), (&self.dq, q1)];
        let told = if pairs.iter().any(|(exponent, m)| exponent >= m || &self.e * *exponent % *m != one()) {
            "invalid CRT exponent"
        } else if &self.qinv * &self.q % &self.p != one() {
            "invalid CRT coefficient"
        } else if &self.d % p1 != self.dp {
            "d does not match dP"
        } else if &self.d % q1 != self.dq {
            "d does not match dQ"
        } else {
            return Ok(());
        };
        Err(format!("crypto/rsa: {told}"))
    }

    /// A PKCS #1 v1.5 signature of the SHA-256 hash.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        if self.n.bits() < MIN_BITS {
            return Err(format!(
                "crypto/rsa: {}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)",
                self.n.bits()
            ));
        }
        let size = self.n.bits().div_ceil(8) as usize;
        let hash = Sha256::digest(message);
        let tail = [&SHA256_PREFIX[..], &hash].concat();
        let mut padded = vec![0xff; size];
        padded[0] = 0;
        padded[1] = 1;
        padded[size - tail.len() - 1] = 0;
        padded[size - tail.len()..].copy_from_slice(&tail);
        let m = BigUint::from_bytes_be(&padded);
        let parts = powers(&[[&m, &self.dp, &self.p], [&m, &self.dq, &self.q]]);
        let (m1, m2) = (&parts[0], &parts[1]);
        let h = (&self.qinv * (m1 + &self.p - m2 % &self.p)) % &self.p;
        let bytes = (m2 + h * &self.q).to_bytes_be();
        Ok([vec![0; size - bytes.len()], bytes].concat())
    }
}
