//! Exact decimal arithmetic for `addf` and its siblings.

use num_bigint::BigInt;
use num_bigint::Sign;

/// Digits after the point that a division keeps.
const DIVISION_PRECISION: i32 = 16;

/// `mantissa × 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    mantissa: BigInt,
    exponent: i32,
}

fn power_of_ten(n: i32) -> BigInt {
    BigInt::from(10).pow(n.unsigned_abs())
}

impl Decimal {
    /// The shortest decimal that is the float.
    pub(super) fn from_float(f: f64) -> Result<Self, String> {
        if !f.is_finite() {
            let name = if f.is_nan() {
                "NaN"
            } else if f > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(format!("Cannot create a Decimal from {name}"));
        }
        let text = format!("{f:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = digits.split_once('.').map_or(0, |(_, f)| f.len() as i32);
        let mantissa = digits.replace('.', "").parse().unwrap_or_default();
        Ok(Self { mantissa, exponent: exponent.parse::<i32>().unwrap_or(0) - fraction })
    }

    /// The nearest float.
    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(0.0)
    }

    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i32) {
        let exponent = self.exponent.min(other.exponent);
        (&self.mantissa * power_of_ten(self.exponent - exponent), &other.mantissa * power_of_ten(other.exponent - exponent), exponent)
    }

    /// The sum.
    pub(super) fn add(&self, other: &Self) -> Self {
        let (a, b, exponent) = self.aligned(other);
        Self { mantissa: a + b, exponent }
    }

    /// The difference.
    pub(super) fn sub(&self, other: &Self) -> Self {
        let (a, b, exponent) = self.aligned(other);
        Self { mantissa: a - b, exponent }
    }

    /// The product.
    pub(super) fn mul(&self, other: &Self) -> Self {
        Self { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent.saturating_add(other.exponent) }
    }

    /// The quotient, rounded half away from zero.
    pub(super) fn div(&self, other: &Self) -> Result<Self, String> {
        if other.mantissa.sign() == Sign::NoSign {
            return Err("decimal division by 0".to_owned());
        }
        let shift = self.exponent.saturating_sub(other.exponent).saturating_add(DIVISION_PRECISION);
        let (mut numerator, mut denominator) = (self.mantissa.clone(), other.mantissa.clone());
        if shift >= 0 {
            numerator *= power_of_ten(shift);
        } else {
            denominator *= power_of_ten(shift);
        }
        let negative = (numerator.sign() == Sign::Minus) != (denominator.sign() == Sign::Minus);
        let (n, d) = (numerator.magnitude(), denominator.magnitude());
        let quotient = (n * 2u32 + d) / (d * 2u32);
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(Self { mantissa: BigInt::from_biguint(sign, quotient), exponent: -DIVISION_PRECISION })
    }
}
