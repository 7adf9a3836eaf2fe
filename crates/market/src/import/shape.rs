//! Which columns of an exchange's user file are whose: by their names, and where these do not tell, by their neighbours.
//!
//! | files | columns |
//! |---|---|
//! | a large exchange's prover, and ours | `rn, id`, of each asset `e_x, d_x, x, vl_x, m_x, pm_x`, `total_net_balance_usdt` |
//! | Gate's snapshots | `rn`, `id` or `main_uid_hashed`, of each asset `e_x, d_x, x`, then of each `x_usdt_price` (or `x_udst_price`) |
//! | OKX's snapshots (JSON) | `id`, of each asset `x`: what the user has; nothing is owed |
//!
//! An asset's name may be that of another column: one is called `id`. The net `x` of an asset is the column right after `e_x, d_x`, if
//! there is one; only what is left after that is looked for by its name.

use std::collections::HashMap;

use records::files::{At, ImportError};
use records::json::Pairs;
use records::layout::{Layout, Source};

/// The columns of an asset in a record, by their prefixes.
pub(super) const PREFIXES: [&str; 6] = ["e_", "d_", "vl_", "m_", "pm_", ""];
/// Names of the column of ids.
const IDS: [&str; 2] = ["id", "main_uid_hashed"];
/// How the columns of prices end.
pub(super) const PRICES: [&str; 2] = ["_usdt_price", "_udst_price"];
/// Columns that are not read.
const PASSED_OVER: [&str; 2] = ["rn", "total_net_balance_usdt"];

/// A layout that reads nothing, with which a header is looked at.
pub(super) fn nothing(record: &str) -> Layout {
    with(record, Vec::new())
}

fn with(record: &str, columns: Vec<(String, Source)>) -> Layout {
    Layout {
        record: record.into(),
        about: String::new(),
        delimiter: None,
        header: true,
        count: None,
        decimal_comma: false,
        columns: Pairs(columns),
    }
}

/// A layout that reads columns at their places in the header: by names if all are different, else by position.
pub(super) fn placed(
    record: &str,
    header: &[String],
    columns: impl Iterator<Item = (String, Option<usize>)>,
) -> Layout {
    let mut names: Vec<&String> = header.iter().collect();
    names.sort_unstable();
    let distinct = names.windows(2).all(|w| w[0] != w[1]);
    let source = |place: Option<usize>| {
        let mut source = Source::default();
        match place {
            None => source.absent = true,
            Some(place) if distinct => source.column = Some(header[place].clone()),
            Some(place) => source.position = Some(place + 1),
        }
        source
    };
    with(
        record,
        columns.map(|(name, place)| (name, source(place))).collect(),
    )
}

/// Where the columns of a user record stand: the id, then of each asset those of [`PREFIXES`].
///
/// # Errors
/// Names a column that is missing, stands twice, or is of an asset that the asset file does not have.
pub(super) fn places(
    at: &At,
    header: &[String],
    symbols: &[&str],
) -> Result<Vec<Option<usize>>, ImportError> {
    let mut columns = Columns::new(at, header);
    let is_full = header.iter().any(|name| name.starts_with("e_"));
    let found = match is_full {
        true => columns.full(symbols)?,
        false => columns.plain(symbols)?,
    };
    let mut id = None;
    for name in IDS {
        id = match id {
            None => columns.take(name)?,
            some => some,
        };
    }
    if id.is_none() {
        return Err(columns.missing("id"));
    }
    columns.check_rest(is_full)?;
    Ok(std::iter::once(id)
        .chain(found.into_iter().flatten())
        .collect())
}

struct Columns<'a> {
    at: &'a At,
    header: &'a [String],
    by_name: HashMap<&'a str, Vec<usize>>,
    taken: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn new(at: &'a At, header: &'a [String]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, name) in header.iter().enumerate() {
            by_name.entry(name).or_default().push(place);
        }
        Self {
            at,
            header,
            by_name,
            taken: vec![false; header.len()],
        }
    }

    fn missing(&self, name: &str) -> ImportError {
        let problem = "the column is missing; add it to the header and every line";
        self.at.error(Some(name), problem)
    }

    fn twice(&self, name: &str, [first, second]: [usize; 2]) -> ImportError {
        let problem = format!(
            "the column stands twice, as columns {} and {}; remove one, or rename it",
            first + 1,
            second + 1
        );
        self.at.error(Some(name), problem)
    }

    /// Takes the column of a name, of those that are left.
    fn take(&mut self, name: &str) -> Result<Option<usize>, ImportError> {
        let places = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let mut left = places.iter().copied().filter(|p| !self.taken[*p]);
        match (left.next(), left.next()) {
            (Some(first), Some(second)) => Err(self.twice(name, [first, second])),
            (None, _) => Ok(None),
            (Some(place), None) => {
                self.taken[place] = true;
                Ok(Some(place))
            }
        }
    }

    fn need(&mut self, name: &str) -> Result<Option<usize>, ImportError> {
        match self.take(name)? {
            Some(place) => Ok(Some(place)),
            None => Err(self.missing(name)),
        }
    }

    /// Takes what stands side by side under these names.
    fn take_run(&mut self, first: usize, names: &[String]) -> bool {
        let there = self.header.get(first..first + names.len());
        let is_run = there == Some(names);
        if is_run {
            self.taken[first..first + names.len()].fill(true);
        }
        is_run
    }

    /// Equity, debt and net of each asset, and pledges of all or none.
    fn full(&mut self, symbols: &[&str]) -> Result<Vec<[Option<usize>; 6]>, ImportError> {
        let named = |symbol: &str| PREFIXES.map(|prefix| format!("{prefix}{symbol}"));
        let mut found = vec![[None; 6]; symbols.len()];
        for (places, symbol) in found.iter_mut().zip(symbols) {
            let [e, d, vl, m, pm, net] = named(symbol);
            let starts = self.by_name.get(e.as_str()).cloned().unwrap_or_default();
            let run = [e, d, net];
            for start in starts {
                if places[0].is_none() && self.take_run(start, &run) {
                    (places[0], places[1], places[5]) =
                        (Some(start), Some(start + 1), Some(start + 2));
                    let start = start + 3;
                    if self.take_run(start, &[vl.clone(), m.clone(), pm.clone()]) {
                        [places[2], places[3], places[4]] = [start, start + 1, start + 2].map(Some);
                    }
                }
            }
        }
        for (places, symbol) in found.iter_mut().zip(symbols) {
            let names = named(symbol);
            if IDS.contains(symbol) && places[5].is_none() {
                let problem = format!(
                    "of asset `{symbol}` the column of its net cannot be told from that of the ids; put {}, {} and {symbol} side by side",
                    names[0], names[1]
                );
                return Err(self.at.error(Some(&names[0]), problem));
            }
            for i in [0, 1, 5] {
                if places[i].is_none() {
                    places[i] = self.need(&names[i])?;
                }
            }
            let mut pledges = 0;
            for i in 2..5 {
                if places[i].is_none() {
                    places[i] = self.take(&names[i])?;
                }
                pledges += usize::from(places[i].is_some());
            }
            if let (1 | 2, Some(i)) = (pledges, (2..5).find(|i| places[*i].is_none())) {
                return Err(self.missing(&names[i]));
            }
        }
        Ok(found)
    }

    /// What users have of each asset, where the file says no more.
    fn plain(&mut self, symbols: &[&str]) -> Result<Vec<[Option<usize>; 6]>, ImportError> {
        let mut found = vec![[None; 6]; symbols.len()];
        for (places, symbol) in found.iter_mut().zip(symbols) {
            if IDS.contains(symbol) {
                let problem = format!(
                    "asset `{symbol}` has the name of the column of ids; rename one of them"
                );
                return Err(self.at.error(Some(symbol), problem));
            }
            places[0] = match self.take(symbol)? {
                Some(place) => Some(place),
                // What a file with debts would be called.
                None => return Err(self.missing(&format!("e_{symbol}"))),
            };
        }
        Ok(found)
    }

    /// Refuses assets that would be left out of all sums, and names that stand twice.
    fn check_rest(&self, is_full: bool) -> Result<(), ImportError> {
        for (place, name) in self
            .header
            .iter()
            .enumerate()
            .filter(|(p, _)| !self.taken[*p])
        {
            // What is not read may have the name of an asset.
            let counts =
                |p: usize| p != place && (!self.taken[p] || !PASSED_OVER.contains(&name.as_str()));
            let mut others = self.by_name[name.as_str()].iter().copied();
            if let Some(other) = others.find(|p| counts(*p)) {
                return Err(self.twice(name, [other.min(place), other.max(place)]));
            }
            let passed = PASSED_OVER.contains(&name.as_str())
                || IDS.contains(&name.as_str())
                || PRICES.iter().any(|end| name.ends_with(end));
            let symbol = match is_full {
                true => name.strip_prefix("e_"),
                false => Some(name.as_str()).filter(|_| !passed),
            };
            if let Some(symbol) = symbol {
                let problem = format!("asset `{symbol}` is not in the asset file; add it there");
                return Err(self.at.error(Some(name), problem));
            }
        }
        Ok(())
    }
}
