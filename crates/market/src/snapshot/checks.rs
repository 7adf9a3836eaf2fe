//! What a snapshot is checked for.

use std::collections::HashSet;

use fixed::Decimal;

use super::{
    Asset, Instrument, Kind, MAX_ASSETS, MAX_DECIMALS, MAX_GROUPS, MAX_INSTRUMENTS, MAX_PRICES,
    MAX_SCENARIOS, OFFSET_DECIMALS, Scenario, ScenarioGrid, Settlement, Snapshot, SnapshotError,
    Tier,
};

impl Snapshot {
    /// How much there is to check, and to price.
    pub(super) fn check_size(&self) -> Result<(), SnapshotError> {
        // Counted before they are made: a grid may come from a stranger.
        let count = |grid: &ScenarioGrid| {
            (grid.price_moves.len())
                .saturating_mul(grid.volatility_shifts.len())
                .saturating_add(grid.extremes.len())
        };
        let grids = self.grids.values().chain([&self.grid]);
        let scenarios = grids.map(count).max().unwrap_or(0);
        let instruments = self.instruments.len();
        let groups = &self.parameters.offset_groups;
        let largest = groups.iter().map(|group| group.underlyings.len()).max();
        for (field, count, most, what) in [
            ("assets", self.assets.len(), MAX_ASSETS, "assets"),
            ("instruments", instruments, MAX_INSTRUMENTS, "instruments"),
            ("grid", scenarios, MAX_SCENARIOS, "scenarios"),
            (
                "parameters.offset_groups",
                groups.len(),
                MAX_GROUPS,
                "groups",
            ),
            (
                "parameters.offset_groups",
                largest.unwrap_or(0),
                MAX_GROUPS,
                "underlyings in a group",
            ),
        ] {
            if count > most {
                let problem = format!("has {count} {what}; at most {most} are possible");
                return Err(SnapshotError::new(field, problem));
            }
        }
        if instruments * (scenarios + 1) > MAX_PRICES {
            return Err(SnapshotError::new(
                "instruments",
                format!(
                    "{instruments} instruments in {scenarios} scenarios; at most {} are possible with so many scenarios",
                    MAX_PRICES / (scenarios + 1)
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn check_instrument(
        &self,
        instrument: &Instrument,
        at: &dyn Fn(&str) -> String,
    ) -> Result<(), SnapshotError> {
        let positive = |field: &str, value: &Decimal| {
            if *value > Decimal::ZERO {
                Ok(())
            } else {
                Err(SnapshotError::new(
                    at(field),
                    format!("{value} must be above zero"),
                ))
            }
        };
        positive("lot", &instrument.lot)?;
        positive("contract_size", &instrument.contract_size)?;
        if let Kind::Option { strike, .. } = &instrument.kind {
            positive("strike", strike)?;
            match &instrument.forward {
                Some(forward) => positive("forward", forward)?,
                None => {
                    return Err(SnapshotError::new(
                        at("forward"),
                        "an option needs a forward price",
                    ));
                }
            }
            if instrument.mark.is_negative() {
                return Err(SnapshotError::new(at("mark"), "must not be negative"));
            }
        } else {
            positive("mark", &instrument.mark)?;
            if let Some(forward) = &instrument.forward {
                positive("forward", forward)?;
            }
        }
        if instrument.underlying.is_empty() {
            return Err(SnapshotError::new(
                at("underlying"),
                "is missing; name what its price follows, such as `BTC`: instruments on one underlying offset each other",
            ));
        }
        self.check_underlying(instrument, at)?;
        if let Settlement::Inverse(asset) = &instrument.settlement {
            let problem = match self.asset(asset) {
                _ if *asset != instrument.underlying => format!(
                    "is in `{asset}`, another coin than the underlying `{}`; such contracts are not supported",
                    instrument.underlying
                ),
                None => format!("there is no asset `{asset}`; add it to `assets`"),
                Some(i) if self.assets[i].price.is_zero() => format!(
                    "asset `{asset}` has no price; give it the price that profits in it are valued at"
                ),
                Some(_) => return Ok(()),
            };
            return Err(SnapshotError::new(at("settlement"), problem));
        }
        Ok(())
    }

    fn check_underlying(
        &self,
        instrument: &Instrument,
        at: &dyn Fn(&str) -> String,
    ) -> Result<(), SnapshotError> {
        if !records::names::is_name(&instrument.underlying) {
            return Err(SnapshotError::new(
                at("underlying"),
                records::names::NO_NAME,
            ));
        }
        if instrument.underlying == self.quote {
            return Err(SnapshotError::new(
                at("underlying"),
                format!(
                    "prices are in `{}`; name what they are prices of",
                    self.quote
                ),
            ));
        }
        if self
            .parameters
            .stable_assets
            .contains(&instrument.underlying)
        {
            return Err(SnapshotError::new(
                at("underlying"),
                format!(
                    "`{}` is among the stable assets, whose price no scenario moves; remove it there",
                    instrument.underlying
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn check_grids(&self) -> Result<(), SnapshotError> {
        let known = self.underlyings();
        for name in self.grids.keys() {
            if !known.contains(&name.as_str()) {
                return Err(SnapshotError::new(
                    "grids",
                    format!("`{name}` is no underlying of an instrument and no asset that moves"),
                ));
            }
        }
        let own = self.grids.iter().map(|(u, g)| (format!("grids.{u}"), g));
        for (field, grid) in [("grid".to_string(), &self.grid)].into_iter().chain(own) {
            self.check_grid(grid, &field)?;
        }
        Ok(())
    }

    fn check_grid(&self, grid: &ScenarioGrid, field: &str) -> Result<(), SnapshotError> {
        if grid.price_moves.is_empty() != grid.volatility_shifts.is_empty() {
            return Err(SnapshotError::new(
                field,
                "price moves and volatility shifts are combined, so that one list without the other makes no scenario; fill both, or \
                 neither",
            ));
        }
        let scenarios = grid.scenarios();
        let zero = |s: &Scenario| s.price_move.is_zero() && s.volatility_shift.is_zero();
        if !self.instruments.is_empty() && !scenarios.iter().any(zero) {
            return Err(SnapshotError::new(
                field,
                "needs the scenario without any move, which keeps losses from being negative",
            ));
        }
        let factor = self.parameters.largest_factor();
        for s in &scenarios {
            let minus_one = Decimal::from_int(-1);
            if s.price_move <= minus_one || s.volatility_shift < minus_one {
                return Err(SnapshotError::new(field, "a move must be above -1 (-100%)"));
            }
            if s.fraction.is_negative() || s.fraction > Decimal::ONE {
                return Err(SnapshotError::new(
                    format!("{field}.extremes"),
                    "a fraction lies between 0 and 1",
                ));
            }
            let counted =
                (s.price_move.abs().checked_mul(&s.fraction)).and_then(|m| m.checked_mul(&factor));
            if !counted.is_ok_and(|m| m <= Decimal::ONE) {
                return Err(SnapshotError::new(
                    field,
                    format!(
                        "a move of {} counts for more than the whole price at the factor {factor}; lower one of them",
                        s.price_move
                    ),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn check_parameters(&self) -> Result<(), SnapshotError> {
        let p = &self.parameters;
        let rates = [
            ("perpetual_contingency", p.perpetual_contingency),
            ("future_contingency", p.future_contingency),
            ("option_contingency", p.option_contingency),
            ("short_option_minimum", p.short_option_minimum),
            ("buffer", p.buffer),
            ("volatility_power_short", p.volatility_power_short),
            ("volatility_power_long", p.volatility_power_long),
        ];
        for (name, rate) in rates {
            if rate.is_negative() {
                return Err(SnapshotError::new(
                    format!("parameters.{name}"),
                    "must not be negative",
                ));
            }
        }
        for (name, power) in [
            ("volatility_power_short", p.volatility_power_short),
            ("volatility_power_long", p.volatility_power_long),
        ] {
            if power > Decimal::ONE {
                return Err(SnapshotError::new(
                    format!("parameters.{name}"),
                    "must be at most 1",
                ));
            }
        }
        for symbol in &p.stable_assets {
            if self.asset(symbol).is_none() {
                return Err(SnapshotError::new(
                    "parameters.stable_assets",
                    format!("there is no asset `{symbol}`"),
                ));
            }
        }
        self.check_offsets()?;
        if p.initial_factor < Decimal::ONE {
            return Err(SnapshotError::new(
                "parameters.initial_factor",
                "must be at least 1",
            ));
        }
        Ok(())
    }
}

impl Snapshot {
    /// Groups: known underlyings, each once, that have scenarios of one shape.
    fn check_offsets(&self) -> Result<(), SnapshotError> {
        let known = self.underlyings();
        let shape = |name: &str| {
            let grid = self.grid_of(name);
            [
                grid.price_moves.len(),
                grid.volatility_shifts.len(),
                grid.extremes.len(),
            ]
        };
        let mut grouped = HashSet::new();
        for (i, group) in self.parameters.offset_groups.iter().enumerate() {
            let fail = |problem: String| {
                let field = format!("parameters.offset_groups[{i}]");
                Err(SnapshotError::new(field, problem))
            };
            let millionths = group.offset.rescale_exact(OFFSET_DECIMALS);
            if !millionths.is_ok_and(|m| (0..=1_000_000).contains(&m)) {
                return fail(format!(
                    "the offset {} must be from 0 to 1, with at most {OFFSET_DECIMALS} decimals",
                    group.offset
                ));
            }
            if group.underlyings.len() < 2 {
                return fail("needs two underlyings or more; losses on one offset anyway".into());
            }
            for name in &group.underlyings {
                if !known.contains(&name.as_str()) {
                    return fail(format!(
                        "`{name}` is no underlying of an instrument and no asset that moves"
                    ));
                }
                if !grouped.insert(name) {
                    return fail(format!(
                        "`{name}` is in a group already; remove it from one"
                    ));
                }
                if shape(name) != shape(&group.underlyings[0]) {
                    return fail(format!(
                        "`{name}` and `{}` have grids of different shapes, so that no joint scenarios are defined; give both as \
                         many price moves, volatility shifts and extremes",
                        group.underlyings[0]
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Checks assets: distinct symbols, prices, tiers.
///
/// # Errors
/// Names the first field that is wrong.
pub fn check_assets(assets: &[Asset]) -> Result<(), SnapshotError> {
    let mut symbols = HashSet::new();
    for (i, asset) in assets.iter().enumerate() {
        let at = |field: &str| format!("assets[{i}].{field}");
        if !records::names::is_name(&asset.symbol) {
            return Err(SnapshotError::new(at("symbol"), records::names::NO_NAME));
        }
        if !symbols.insert(&asset.symbol) {
            return Err(SnapshotError::new(
                at("symbol"),
                format!("`{}` stands twice; remove one", asset.symbol),
            ));
        }
        if asset.price.is_negative() {
            return Err(SnapshotError::new(at("price"), "must not be negative"));
        }
        if asset.decimals > MAX_DECIMALS {
            return Err(SnapshotError::new(
                at("decimals"),
                format!("must be at most {MAX_DECIMALS}"),
            ));
        }
        for (schedule, name) in
            asset
                .haircuts
                .all()
                .into_iter()
                .zip(["loan", "margin", "portfolio"])
        {
            let mut before: Option<&Tier> = None;
            for tier in schedule {
                let field = at(&format!("haircuts.{name}"));
                let hundred = Decimal::from_int(100);
                if tier.percent.is_negative() || tier.percent > hundred {
                    return Err(SnapshotError::new(
                        field,
                        "a percentage lies between 0 and 100",
                    ));
                }
                if tier.up_to <= before.map_or(Decimal::ZERO, |t| t.up_to) {
                    return Err(SnapshotError::new(
                        field,
                        "tiers must rise; sort them by `up_to`",
                    ));
                }
                if before.is_some_and(|t| tier.percent > t.percent) {
                    return Err(SnapshotError::new(
                        field,
                        "a larger holding cannot count for more",
                    ));
                }
                before = Some(tier);
            }
        }
    }
    Ok(())
}
