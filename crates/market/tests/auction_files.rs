//! What an auction is held by, from its file.

use fixed::Decimal;
use market::auction::{Band, Fees};
use market::import::auctions::{Auction, read_auction, write_auction};
use market::{Snapshot, sample};
use records::units::Ticks;

fn read(text: &str) -> Result<Auction, String> {
    read_in(text, &sample::snapshot())
}

fn read_in(text: &str, snapshot: &Snapshot) -> Result<Auction, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auction.json");
    std::fs::write(&path, text).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read_auction(&path, snapshot).map_err(|e| e.to_string().replace(&prefix, ""))
}

fn band(ends: [u64; 2], step: u64, reference: u64) -> Band {
    Band::new(ends.map(Ticks), Ticks(step), Ticks(reference)).unwrap()
}

#[test]
fn instruments_say_what_the_defaults_do_not() {
    let auction = read(
        r#"{"batch": 17, "venue": "example",
            "defaults": {"band_percent": "10", "step": "0.5", "fee_bps": "5", "rebate_bps": "2.25"},
            "instruments": [
              {"symbol": "ETH-PERP", "step": "0.05", "low": "3400", "high": "3800.05", "fee_bps": "0", "rebate_bps": "0"},
              {"symbol": "BTC-PERP"},
              {"symbol": "BTC-30JAN26", "reference": "65000", "band_percent": "0.5", "rebate_bps": "0"}]}"#,
    )
    .unwrap();
    assert_eq!((auction.batch, auction.venue.as_str()), (17, "example"));
    let held: Vec<_> = auction
        .instruments
        .iter()
        .map(|h| (h.band, h.fees))
        .collect();
    let fees = |fee, rebate| Fees::new(fee, rebate).unwrap();
    assert_eq!(
        held,
        [
            // The mark 65,100.22 is nearest to 65,100; 10% of it to both sides are 58,590 and 71,610. A lot is 0.001.
            (
                band([58_590_000, 71_610_000], 500, 65_100_000),
                fees(500, 225)
            ),
            (
                band([64_675_000, 65_325_000], 500, 65_000_000),
                fees(500, 0)
            ),
            // 3,620.56 is nearest to 3,620.55. A lot is 0.01.
            (band([34_000_000, 38_000_500], 500, 36_205_500), fees(0, 0)),
        ]
    );
    let numbers: Vec<usize> = auction.instruments.iter().map(|h| h.instrument).collect();
    let snapshot = sample::snapshot();
    assert_eq!(
        numbers,
        ["BTC-PERP", "BTC-30JAN26", "ETH-PERP"].map(|s| snapshot.instrument(s).unwrap())
    );
}

#[test]
fn without_a_list_all_instruments_in_the_quote_currency_have_an_auction() {
    let snapshot = sample::trading(20);
    let text = r#"{"batch": 0, "venue": "v", "defaults": {"band_percent": "50", "step": "0.01"}}"#;
    let auction = read_in(text, &snapshot).unwrap();
    assert_eq!(auction.instruments.len(), 20);
    assert!(
        auction
            .instruments
            .iter()
            .all(|h| h.fees == Fees::default())
    );
    let mut mixed = snapshot;
    mixed.instruments = sample::snapshot().instruments;
    let auction = read_in(text, &mixed).unwrap();
    assert!(auction.instruments.len() < mixed.instruments.len());
}

#[test]
fn the_sample_is_read_from_its_file() {
    let snapshot = sample::trading(64);
    let file = sample::auction(&snapshot, 9);
    let at = records::files::At::file(std::path::Path::new("auction.json"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auction.json");
    write_auction(&path, &file).unwrap();
    let auction = file.auction(&at, &snapshot).unwrap();
    assert_eq!(read_auction(&path, &snapshot).unwrap(), auction);
    for held in auction.instruments {
        let band = held.band;
        let count = (band.high().0 - band.low().0) / band.step().0;
        assert!(
            (100..100_000).contains(&count),
            "{}: {count}",
            held.instrument
        );
    }
}

/// Files, and what is said of them.
const NO_AUCTIONS: &[(&str, &str)] = &[
    (
        r#"{"batch": 65536, "venue": "v"}"#,
        "auction.json: field `batch`: 65536 is no number of a batch, which are below 65536",
    ),
    (
        r#"{"batch": 1, "venue": "the venue"}"#,
        "auction.json: field `venue`: `the venue` is no name; write 1 to 64 letters, digits or any of -_./+&#%*, without spaces",
    ),
    (
        r#"{"batch": -1, "venue": "v"}"#,
        "auction.json:1: column 12: invalid value: integer `-1`, expected u64",
    ),
    (
        r#"{"batch": 1, "venue": "v", "tick": 1}"#,
        "auction.json:1: column 33: unknown field `tick`, expected one of `batch`, `venue`, `defaults`, `instruments`",
    ),
    (
        r#"{"batch": 1, "venue": "v", "instruments": []}"#,
        "auction.json: field `instruments`: no instrument has an auction; name one that is settled in the quote currency",
    ),
    (
        r#"{"batch": 1, "venue": "v", "instruments": [{"symbol": "X"}]}"#,
        "auction.json: instruments[0]: field `symbol`: instrument `X` is not in the market; add it there or correct the name",
    ),
    (
        r#"{"batch": 1, "venue": "v", "defaults": {"step": "1", "band_percent": "5"}, "instruments": [{"symbol": "BTC-PERP"}, {"symbol": "BTC-PERP"}]}"#,
        "auction.json: instruments[1]: field `symbol`: `BTC-PERP` stands twice, first at instruments[0]; remove one",
    ),
    (
        r#"{"batch": 1, "venue": "v", "instruments": [{"symbol": "BTC-PERP-COIN"}]}"#,
        "auction.json: instruments[0]: field `symbol`: `BTC-PERP-COIN` is settled in a coin; only instruments settled in the quote currency trade",
    ),
    (
        r#"{"batch": 1, "venue": "v"}"#,
        "auction.json: defaults, for `BTC-PERP`: field `step`: is missing; give it here or among the defaults",
    ),
];

/// Terms of an instrument, and what is said of them.
const NO_TERMS: &[(&str, &str)] = &[
    (
        "",
        "field `step`: is missing; give it here or among the defaults",
    ),
    (
        r#", "step": "0.5""#,
        "field `band_percent`: is missing; give it here or among the defaults, or give `low` and `high`",
    ),
    (
        r#", "step": "0.5", "low": "60000""#,
        "field `high`: is missing; a band has both ends",
    ),
    (
        r#", "step": "0.5", "high": "60000""#,
        "field `low`: is missing; a band has both ends",
    ),
    (
        r#", "step": "0", "band_percent": "5""#,
        "field `step`: 0 is no price; it must be above zero",
    ),
    (
        r#", "step": "0.0005", "band_percent": "5""#,
        "field `step`: 0.0005 is not a whole number of ticks of 0.000001 for a lot of 0.001; the nearest is 0.001",
    ),
    (
        r#", "step": "0.5", "band_percent": "0""#,
        "field `band_percent`: 0 is not above 0 and at most 100",
    ),
    (
        r#", "step": "100", "band_percent": "0.01", "reference": "65050""#,
        "field `band_percent`: 0.01% around 65050 holds no multiple of the step 100; give a smaller step or a \
             wider band",
    ),
    (
        r#", "step": "0.5", "low": "6000", "high": "7000""#,
        "field `low`: 6000 is more than 10 times off the mark 65100.22; correct one of them",
    ),
    (
        r#", "step": "0.5", "low": "60000", "high": "700000""#,
        "field `high`: 700000 is more than 10 times off the mark 65100.22; correct one of them",
    ),
    (
        r#", "step": "0.5", "low": "70000", "high": "60000""#,
        "field `low`: 70000 is above `high`, which is 60000; exchange them",
    ),
    (
        r#", "step": "0.5", "low": "60000", "high": "70000", "reference": "65000.2""#,
        "field `reference`: 65000.2 is no whole number of steps of 0.5 from the band's lower end 60000; round it to a \
             step",
    ),
    (
        r#", "step": "0.5", "low": "60000", "high": "70000.1""#,
        "field `high`: 70000.1 is no whole number of steps of 0.5 from the band's lower end 60000; round it to a step",
    ),
    (
        r#", "step": "2000000", "low": "60000", "high": "60000", "reference": "1098060000""#,
        "field `step`: the band from 60000 to 60000 has more than 2^30 steps, or prices near 2^40 ticks a lot; give a \
             larger step, or a smaller lot",
    ),
    (
        r#", "step": "0.5", "band_percent": "5", "fee_bps": "-1""#,
        "field `fee_bps`: -1 is negative; what is paid to quotes is `rebate_bps`",
    ),
    (
        r#", "step": "0.5", "band_percent": "5", "fee_bps": "1000.01""#,
        "field `fee_bps`: 1000.01 is above 1000, which is 10%; a hundredth of a percent is 1",
    ),
    (
        r#", "step": "0.5", "band_percent": "5", "fee_bps": "0.005""#,
        "field `fee_bps`: 0.005 has more than 2 decimals; round it",
    ),
    (
        r#", "step": "0.5", "band_percent": "5", "fee_bps": "1", "rebate_bps": "1.01""#,
        "field `rebate_bps`: is above the fee, so that who trades with themselves is paid for it; lower it",
    ),
];

#[test]
fn what_cannot_be_right_is_refused_with_what_to_do() {
    for (text, says) in NO_AUCTIONS {
        assert_eq!(&read(text).unwrap_err(), says);
    }
    for (terms, says) in NO_TERMS {
        let text = format!(
            r#"{{"batch": 1, "venue": "v", "instruments": [{{"symbol": "BTC-PERP"{terms}}}]}}"#
        );
        let error = read(&text).unwrap_err();
        assert_eq!(
            error.strip_prefix("auction.json: instruments[0]: "),
            Some(*says),
            "{error}"
        );
    }
}

#[test]
fn a_band_that_rounds_below_a_step_starts_at_the_first() {
    let mut snapshot = sample::snapshot();
    snapshot.instruments[0].mark = "0.2".parse::<Decimal>().unwrap();
    let text = r#"{"batch": 1, "venue": "v", "instruments": [{"symbol": "BTC-PERP", "step": "1", "band_percent": "100"}]}"#;
    let auction = read_in(text, &snapshot).unwrap();
    assert_eq!(
        auction.instruments[0].band,
        band([1_000, 2_000], 1_000, 1_000)
    );
}
