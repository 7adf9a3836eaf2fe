//! What an account has of each asset of a list, stored for the few that it holds.

use std::ops::{Index, IndexMut};

use crate::book::Balance;

/// The balance of an asset that an account does not hold.
static NOTHING: Balance = Balance {
    equity: 0,
    debt: 0,
    loan: 0,
    margin: 0,
    portfolio: 0,
};

/// One balance per asset of a list, in its order. Read, it is as long as the list; stored is what is not zero, and what was
/// written to.
#[derive(Clone, Debug, Default)]
pub struct Balances {
    assets: usize,
    /// Numbers of assets, rising, and their balances.
    held: Vec<(usize, Balance)>,
}

impl Balances {
    /// Nothing of any of so many assets.
    pub fn none(assets: usize) -> Self {
        Self {
            assets,
            held: Vec::new(),
        }
    }

    /// How many assets the list has.
    pub fn len(&self) -> usize {
        self.assets
    }

    /// Whether the list has no assets.
    pub fn is_empty(&self) -> bool {
        self.assets == 0
    }

    /// What is not zero, with the number of its asset, in the order of the list.
    pub fn held(&self) -> impl Iterator<Item = (usize, &Balance)> {
        let held = self.held.iter().map(|(asset, balance)| (*asset, balance));
        held.filter(|(_, balance)| **balance != NOTHING)
    }

    /// The balance of each asset.
    pub fn iter(&self) -> impl Iterator<Item = &Balance> {
        let mut held = self.held.iter().peekable();
        (0..self.assets).map(move |asset| {
            let next = held.next_if(|(number, _)| *number == asset);
            next.map_or(&NOTHING, |(_, balance)| balance)
        })
    }

    /// The balance of each asset, to be written. All of them are stored afterwards.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Balance> {
        self.held = self.iter().copied().enumerate().collect();
        self.held.iter_mut().map(|(_, balance)| balance)
    }

    /// Makes all balances the same.
    pub fn fill(&mut self, balance: Balance) {
        *self = (0..self.assets).map(|_| balance).collect();
    }

    /// A balance of one more asset.
    pub fn push(&mut self, balance: Balance) {
        self.assets += 1;
        let last = self.assets - 1;
        self[last] = balance;
    }

    /// Leaves so many assets.
    pub fn truncate(&mut self, assets: usize) {
        self.assets = self.assets.min(assets);
        self.held.retain(|(asset, _)| *asset < assets);
    }
}

impl PartialEq for Balances {
    fn eq(&self, other: &Self) -> bool {
        self.assets == other.assets && self.held().eq(other.held())
    }
}

impl Eq for Balances {}

impl Index<usize> for Balances {
    type Output = Balance;

    /// # Panics
    /// If the list has no such asset.
    fn index(&self, asset: usize) -> &Balance {
        assert!(asset < self.assets, "the list has {} assets", self.assets);
        match self.held.binary_search_by_key(&asset, |held| held.0) {
            Ok(at) => &self.held[at].1,
            Err(_) => &NOTHING,
        }
    }
}

impl IndexMut<usize> for Balances {
    /// # Panics
    /// If the list has no such asset.
    fn index_mut(&mut self, asset: usize) -> &mut Balance {
        assert!(asset < self.assets, "the list has {} assets", self.assets);
        let at = match self.held.binary_search_by_key(&asset, |held| held.0) {
            Ok(at) => at,
            Err(at) => {
                self.held.insert(at, (asset, NOTHING));
                at
            }
        };
        &mut self.held[at].1
    }
}

impl FromIterator<Balance> for Balances {
    fn from_iter<I: IntoIterator<Item = Balance>>(balances: I) -> Self {
        let mut assets = 0;
        let numbered = balances.into_iter().inspect(|_| assets += 1).enumerate();
        let held = numbered
            .filter(|(_, balance)| *balance != NOTHING)
            .collect();
        Self { assets, held }
    }
}

impl From<Vec<Balance>> for Balances {
    fn from(balances: Vec<Balance>) -> Self {
        balances.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(equity: u64) -> Balance {
        Balance {
            equity,
            ..Balance::default()
        }
    }

    /// However it was made, it is the list of its balances.
    #[test]
    fn balances_are_a_list() {
        let list = vec![of(0), of(3), of(0), of(5), of(0)];
        let balances = Balances::from(list.clone());
        assert_eq!(balances.len(), 5);
        assert_eq!(balances.iter().copied().collect::<Vec<_>>(), list);
        let held: Vec<_> = balances.held().map(|(i, b)| (i, b.equity)).collect();
        assert_eq!(held, [(1, 3), (3, 5)]);
        let mut written = Balances::none(5);
        written[3] = of(5);
        written[0] = of(7);
        assert_ne!(written, balances);
        written[1].equity = 3;
        written[0] = of(0);
        assert_eq!(written, balances);
        for (i, balance) in written.iter_mut().enumerate() {
            balance.debt = i as u64;
        }
        assert_eq!(written[4].debt, 4);
        assert_eq!((0..5).map(|i| written[i].equity).sum::<u64>(), 8);
        written.truncate(4);
        written.push(of(9));
        assert_eq!((written.len(), written[4]), (5, of(9)));
        written.fill(of(1));
        assert_eq!(written.held().count(), 5);
        assert_ne!(Balances::none(4), Balances::none(5));
    }

    #[test]
    #[should_panic(expected = "the list has 2 assets")]
    fn an_asset_beyond_the_list_is_none() {
        let _ = Balances::none(2)[2];
    }
}
