//! Nanoseconds per option price: `cargo run --release -p market --example pricing_speed`.

use std::hint::black_box;
use std::time::Instant;

use fixed::{Decimal, DomainError, Interval};
use market::OptionType::{Call, Put};
use market::pricing::{OptionTerms, black76_price, black76_ratio, greeks, price};

const ROUNDS: u32 = 200;

fn main() -> Result<(), DomainError> {
    let point = |units: i128, scale| Interval::from_decimal(&Decimal::new(units, scale));
    let mut options = Vec::new();
    for strike in (30_000..100_000).step_by(1000) {
        for years in [10, 80, 250, 900] {
            options.push(OptionTerms {
                option_type: if strike > 65_000 { Call } else { Put },
                underlying: point(6_510_022, 2)?,
                strike: point(strike, 0)?,
                years: point(years, 3)?,
                rate: point(4, 2)?,
                carry: Interval::ZERO,
                volatility: point(strike / 1000, 2)?,
            });
        }
    }
    // The parts that the callers of the faster forms have at hand.
    let parts: Vec<_> = options
        .iter()
        .map(|o| {
            let ratio = o.strike.div(&o.underlying)?;
            let deviation = o.volatility.mul(&o.years.sqrt()?)?;
            Ok((o, ratio.ln()?.neg(), ratio, deviation, point(99, 2)?))
        })
        .collect::<Result<_, DomainError>>()?;

    let measure = |name: &str, run: &dyn Fn() -> Result<(), DomainError>| {
        run()?;
        let start = Instant::now();
        for _ in 0..ROUNDS {
            run()?;
        }
        let each = start.elapsed().as_nanos() / (u128::from(ROUNDS) * options.len() as u128);
        println!("{name:14} {each:5} ns");
        Ok::<_, DomainError>(())
    };
    measure("black76_ratio", &|| {
        for (o, log, ratio, deviation, _) in &parts {
            black_box(black76_ratio(o.option_type, log, ratio, deviation)?);
        }
        Ok(())
    })?;
    measure("black76_price", &|| {
        for (o, _, _, deviation, discount) in &parts {
            black_box(black76_price(
                o.option_type,
                &o.underlying,
                &o.strike,
                deviation,
                discount,
            )?);
        }
        Ok(())
    })?;
    measure("price", &|| {
        for o in &options {
            black_box(price(o)?);
        }
        Ok(())
    })?;
    measure("greeks", &|| {
        for o in &options {
            black_box(greeks(o)?);
        }
        Ok(())
    })
}
