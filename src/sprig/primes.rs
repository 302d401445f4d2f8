//! Random primes, for RSA and DSA keys.

use chacha20::ChaCha20Rng;
use num_bigint::BigUint;
use rand_core::Rng;
use rand_core::SeedableRng;

use super::powers::fermat;
use super::powers::powers;
use super::powers::side_by_side;

/// Candidates looked at from one random start.
const WINDOW: usize = 1 << 13;
/// Rounds of the Miller–Rabin test: for random numbers of these sizes the chance of an error is below 2⁻¹⁰⁰.
const ROUNDS: usize = 6;

/// The odd primes that are worth a trial division before the costly test of a number of so many bits.
fn small_primes(bits: usize) -> Vec<u32> {
    let end = (bits.pow(3) >> 15).clamp(1 << 9, 1 << 21);
    // By the halves of odd numbers.
    let mut composite = vec![false; end / 2];
    let mut primes = Vec::new();
    for half in 1..end / 2 {
        if composite[half] {
            continue;
        }
        let n = 2 * half + 1;
        primes.push(n as u32);
        (n * n / 2..end / 2).step_by(n).for_each(|m| composite[m] = true);
    }
    primes
}

/// The remainders of a number, prime by prime: several small primes share one division of all its digits.
fn residues<'a>(n: &BigUint, primes: &'a [u32]) -> impl Iterator<Item = (u64, u64)> + 'a {
    let digits = n.to_u64_digits();
    let together = move |primes: &'a [u32]| {
        let product: u64 = primes.iter().map(|p| u64::from(*p)).product();
        let modulus = u128::from(product);
        let rest = digits.iter().rev().fold(0, |rest, digit| ((u128::from(rest) << 64 | u128::from(*digit)) % modulus) as u64);
        primes.iter().map(move |p| (u64::from(*p), rest % u64::from(*p)))
    };
    // Three primes below 2 to the 21 have a product below 2 to the 63.
    primes.chunks(3).flat_map(together)
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

/// Whether an odd number above 3 that passed the test of Fermat for 2 is prime.
fn is_prime(n: &BigUint, random: &mut dyn FnMut(&mut [u8])) -> bool {
    let less = n - 1u8;
    let twos = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> twos;
    let one = BigUint::from(1u8);
    let passes = |mut x: BigUint| {
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
    let mut bases = vec![BigUint::from(2u8)];
    bases.extend((0..ROUNDS).map(|_| below(&(n - 3u8), random) + 2u8));
    let jobs: Vec<[&BigUint; 3]> = bases.iter().map(|base| [base, &odd, n]).collect();
    powers(&jobs).into_iter().all(passes)
}

/// The first prime among odd candidates above 3.
fn first_prime(candidates: impl Iterator<Item = BigUint>, bits: usize, random: &mut dyn FnMut(&mut [u8])) -> Option<BigUint> {
    let at_once = side_by_side(bits as u64);
    // The other prime of a key may be found already: its thread helps then, where tests take long.
    let shared = if at_once > 1 && bits > 1024 { 2 * at_once } else { at_once };
    let mut candidates = candidates.peekable();
    while candidates.peek().is_some() {
        let some: Vec<BigUint> = candidates.by_ref().take(shared).collect();
        let (near, far) = some.split_at(at_once.min(some.len()));
        let (near, far) = rayon::join(|| fermat(near), || fermat(far));
        let passed = near.into_iter().chain(far);
        let found = some.into_iter().zip(passed).find(|(n, passed)| *passed && is_prime(n, random));
        if let Some((n, _)) = found {
            return Some(n);
        }
    }
    None
}

/// The stream of random bytes that a seed starts.
fn stream(seed: [u8; 32]) -> impl FnMut(&mut [u8]) {
    let mut rng = ChaCha20Rng::from_seed(seed);
    move |buffer: &mut [u8]| rng.fill_bytes(buffer)
}

/// A prime of `bits` bits whose two highest bits are set and that `fits`; the seed decides which.
pub(super) fn prime(bits: usize, seed: [u8; 32], fits: &dyn Fn(&BigUint) -> bool) -> BigUint {
    let mut random = stream(seed);
    let primes = small_primes(bits);
    loop {
        let mut bytes = vec![0; bits / 8];
        random(&mut bytes);
        bytes[0] |= 0xc0;
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        let start = BigUint::from_bytes_be(&bytes);
        let step = BigUint::from(2u8);
        let candidates = progression(&start, &step, &primes).filter(|n| n.bits() == bits as u64 && fits(n));
        if let Some(n) = first_prime(candidates, bits, &mut random) {
            return n;
        }
    }
}

/// `start`, `start + step`, … without the multiples of small primes.
fn progression<'a>(start: &'a BigUint, step: &'a BigUint, primes: &[u32]) -> impl Iterator<Item = BigUint> + 'a {
    let mut composite = vec![false; WINDOW];
    for ((p, first), (_, step)) in residues(start, primes).zip(residues(step, primes)) {
        // The first index where the small prime divides.
        let Some(inverse) = inverse(step, p) else { continue };
        let at = (p - first) % p * inverse % p;
        (at as usize..WINDOW).step_by(p as usize).for_each(|i| composite[i] = true);
    }
    composite.into_iter().enumerate().filter(|(_, c)| !c).map(move |(i, _)| start + step * i)
}

/// The inverse modulo an odd prime, by Fermat; nothing has one that the prime divides.
fn inverse(n: u64, p: u64) -> Option<u64> {
    if n == 2 {
        return Some(p.div_ceil(2));
    }
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
    const BITS: usize = 2048;
    let q = prime(256, seed, &|_| true);
    let mut random = stream(seed.map(|b| !b));
    let primes = small_primes(BITS);
    let step = &q * 2u8;
    loop {
        let mut bytes = vec![0; BITS / 8];
        random(&mut bytes);
        bytes[0] |= 0xc0;
        let start = BigUint::from_bytes_be(&bytes);
        let start = &start - &start % &step + 1u8;
        let candidates = progression(&start, &step, &primes).filter(|n| n.bits() == BITS as u64);
        if let Some(p) = first_prime(candidates, BITS, &mut random) {
            return (p, q);
        }
    }
}
