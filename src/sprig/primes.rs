//! Random primes, for RSA and DSA keys.

use chacha20::ChaCha20Rng;
use num_bigint::BigUint;
use rand_core::Rng;
use rand_core::SeedableRng;

/// Candidates looked at from one random start.
const WINDOW: usize = 1 << 13;
/// Small primes below this sieve the candidates before any costly test.
const SMALL: usize = 1 << 14;
/// Rounds of the Miller–Rabin test: for random numbers of these sizes the chance of an error is below 2⁻¹⁰⁰.
const ROUNDS: usize = 6;

/// The odd primes below [`SMALL`].
fn small_primes() -> Vec<u32> {
    let mut composite = vec![false; SMALL];
    let mut primes = Vec::new();
    for n in (3..SMALL).step_by(2) {
        if composite[n] {
            continue;
        }
        primes.push(n as u32);
        (n * n..SMALL).step_by(n).for_each(|m| composite[m] = true);
    }
    primes
}

fn residue(n: &BigUint, modulus: u32) -> u32 {
    (n % modulus).iter_u32_digits().next().unwrap_or(0)
}

/// A random number below `limit`, which is not zero.
pub(super) fn below(limit: &BigUint, random: &mut dyn FnMut(&mut [u8])) -> BigUint {
    let bits = limit.bits() as usize;
    loop {
        let mut bytes = vec![0; bits.div_ceil(8)];
        random(&mut bytes);
        bytes[0] &= 0xff >> (bytes.len() * 8 - bits);
        let n = BigUint::from_bytes_be(&bytes);
        if n < *limit {
            return n;
        }
    }
}

/// Whether an odd number above 3 is prime.
pub(super) fn is_prime(n: &BigUint, random: &mut dyn FnMut(&mut [u8])) -> bool {
    let less = n - 1u8;
    let twos = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> twos;
    let one = BigUint::from(1u8);
    let passes = |base: &BigUint| {
        let mut x = base.modpow(&odd, n);
        if x == one || x == less {
            return true;
        }
        for _ in 1..twos {
            x = &x * &x % n;
            if x == less {
                return true;
            }
        }
        false
    };
    passes(&BigUint::from(2u8))
        && (0..ROUNDS).all(|_| {
            let base = below(&(n - 3u8), random) + 2u8;
            passes(&base)
        })
}

/// The stream of random bytes that a seed starts.
fn stream(seed: [u8; 32]) -> impl FnMut(&mut [u8]) {
    let mut rng = ChaCha20Rng::from_seed(seed);
    move |buffer: &mut [u8]| rng.fill_bytes(buffer)
}

/// A prime of `bits` bits whose two highest bits are set and that `fits`; the seed decides which.
pub(super) fn prime(bits: usize, seed: [u8; 32], fits: &dyn Fn(&BigUint) -> bool) -> BigUint {
    let mut random = stream(seed);
    let primes = small_primes();
    loop {
        let mut bytes = vec![0; bits / 8];
        random(&mut bytes);
        bytes[0] |= 0xc0;
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        let start = BigUint::from_bytes_be(&bytes);
        let found =
            progression(&start, &BigUint::from(2u8), &primes).find(|n| n.bits() == bits as u64 && fits(n) && is_prime(n, &mut random));
        if let Some(n) = found {
            return n;
        }
    }
}

/// `start`, `start + step`, … without the multiples of small primes.
fn progression<'a>(start: &'a BigUint, step: &'a BigUint, primes: &[u32]) -> impl Iterator<Item = BigUint> + 'a {
    let mut composite = vec![false; WINDOW];
    for &p in primes {
        let (first, step) = (u64::from(residue(start, p)), u64::from(residue(step, p)));
        if step == 0 {
            continue;
        }
        // The first index where the small prime divides, found by walking: primes are small.
        let Some(inverse) = inverse(step, u64::from(p)) else { continue };
        let at = (u64::from(p) - first) % u64::from(p) * inverse % u64::from(p);
        (at as usize..WINDOW).step_by(p as usize).for_each(|i| composite[i] = true);
    }
    composite.into_iter().enumerate().filter(|(_, c)| !c).map(move |(i, _)| start + step * i)
}

/// The inverse modulo a prime, by Fermat.
fn inverse(n: u64, p: u64) -> Option<u64> {
    let (mut result, mut base, mut exponent) = (1, n % p, p - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % p;
        }
        base = base * base % p;
        exponent >>= 1;
    }
    (!n.is_multiple_of(p)).then_some(result)
}

/// A prime `q` of 256 bits and a prime `p` of 2048 bits of which it divides `p - 1`.
pub(super) fn dsa_primes(seed: [u8; 32]) -> (BigUint, BigUint) {
    let q = prime(256, seed, &|_| true);
    let mut random = stream(seed.map(|b| !b));
    let primes = small_primes();
    let step = &q * 2u8;
    loop {
        let mut bytes = vec![0; 256];
        random(&mut bytes);
        bytes[0] |= 0xc0;
        let start = BigUint::from_bytes_be(&bytes);
        let start = &start - &start % &step + 1u8;
        let found = progression(&start, &step, &primes).find(|n| n.bits() == 2048 && is_prime(n, &mut random));
        if let Some(p) = found {
            return (p, q);
        }
    }
}
