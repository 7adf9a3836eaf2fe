//! `sealbook check`: is it true, and if not, why. No proof.

use market::haircut::AssetRates;
use market::import::layout;
use market::margin::{MarginTables, evaluate, explain};
use market::{array, solvency};
use records::units::phi_to_quote;
use serde_json::json;
use statements::margin::check_book;
use venue::import::states::{read_scenarios, read_state};
use venue::state::ticks;

use super::{find, print_json, read_market, solvency_inputs};
use crate::Failure;
use crate::cli::{InventoryArguments, MarginArguments, SolvencyArguments};
use crate::output::{note, say};

/// Accounts that are named; the others are counted.
const NAMED: usize = 20;

pub fn margin(arguments: &MarginArguments) -> Result<(), Failure> {
    let snapshot = read_market(&arguments.market, &arguments.origin)?;
    let book = layout::read_book(&arguments.book, &snapshot)?;
    let level = arguments.level.into();
    let input = |e: &dyn std::fmt::Display| Failure::Input(e.to_string());
    let Some(id) = &arguments.account else {
        let below = check_book(&snapshot, &book, level).map_err(|e| input(&e))?;
        let met = book.accounts().len() - below.len();
        if arguments.common.json {
            print_json(&json!({
                "true": below.is_empty(), "level": level.to_string(), "accounts": book.accounts().len(),
                "below": below.iter().map(|b| json!({
                    "account": b.account, "scenario": b.scenario, "equity": b.equity,
                    "requirement": b.requirement, "shortfall": b.shortfall })).collect::<Vec<_>>(),
            }));
        }
        if below.is_empty() {
            if !arguments.common.json {
                say!("true: all {met} accounts meet {level} margin");
            }
            return Ok(());
        }
        let named: Vec<String> = below.iter().take(NAMED).map(ToString::to_string).collect();
        let more = below.len() - named.len();
        let rest = if more > 0 {
            format!("\nand {more} more")
        } else {
            String::new()
        };
        return Err(Failure::False(format!(
            "{} of {} accounts do not meet {level} margin:\n{}{rest}",
            below.len(),
            book.accounts().len(),
            named.join("\n")
        )));
    };
    let account = find(&book, id, &arguments.book)?;
    let tables = MarginTables::new(&snapshot, level).map_err(|e| input(&e))?;
    account.validate(&snapshot).map_err(|e| input(&e))?;
    let result = evaluate(&snapshot, &tables, account);
    let quote = &snapshot.quote;
    if arguments.common.json {
        print_json(&json!({
            "true": result.is_met(), "account": id, "level": level.to_string(),
            "worst_scenario": array::column_name(&snapshot, result.worst),
            "equity": phi_to_quote(result.equity), "requirement": phi_to_quote(result.requirement()),
            "excess": phi_to_quote(result.least()), "quote": quote,
        }));
    }
    if !result.is_met() {
        return Err(Failure::False(
            explain(&snapshot, &tables, account, &result).to_string(),
        ));
    }
    if !arguments.common.json {
        say!(
            "true: account `{id}` meets {level} margin: equity {} {quote}, requirement {} {quote} in its \
             worst scenario ({})",
            phi_to_quote(result.equity),
            phi_to_quote(result.requirement()),
            array::column_name(&snapshot, result.worst),
        );
    }
    Ok(())
}

pub fn solvency(arguments: &SolvencyArguments) -> Result<(), Failure> {
    let inputs = solvency_inputs(arguments)?;
    for account in inputs.book.accounts() {
        let checked = account.validate(&inputs.snapshot);
        checked.map_err(|e| Failure::Input(e.to_string()))?;
    }
    let assets = &inputs.snapshot.assets;
    let rates: Vec<AssetRates> = assets
        .iter()
        .map(AssetRates::new)
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::Input(e.to_string()))?;
    let result = solvency::evaluate(&rates, inputs.book.accounts());
    let rows: Vec<_> = assets
        .iter()
        .zip(&result.totals)
        .map(|(a, t)| {
            let amount = |units| solvency::amount(a, units);
            (
                a.symbol.as_str(),
                amount(t.equity),
                amount(t.debt),
                amount(t.liabilities),
            )
        })
        .collect();
    let (reserves, strict) = (inputs.reserves.as_deref(), arguments.require_covered);
    let checked = result.check(assets, reserves, strict);
    if arguments.common.json {
        print_json(&json!({
            "true": checked.is_ok(),
            "accounts": inputs.book.accounts().len(),
            "totals": rows.iter().map(|(symbol, equity, debt, liabilities)| json!({
                "asset": symbol, "equity": equity, "debt": debt, "liabilities": liabilities,
            })).collect::<Vec<_>>(),
            "uncovered": result.uncovered.len(),
        }));
    } else {
        say!(
            "{:<10} {:>28} {:>28} {:>28}",
            "asset",
            "equity",
            "debt",
            "liabilities"
        );
        for (symbol, equity, debt, liabilities) in &rows {
            say!("{symbol:<10} {equity:>28} {debt:>28} {liabilities:>28}");
        }
    }
    for account in result.uncovered.iter().take(NAMED) {
        note!("not covered: {account}");
    }
    if result.uncovered.len() > NAMED {
        note!("and {} more", result.uncovered.len() - NAMED);
    }
    checked.map_err(|e| Failure::False(e.to_string()))?;
    if !arguments.common.json {
        let reserves = if inputs.reserves.is_some() {
            "reserves cover liabilities; "
        } else {
            ""
        };
        say!(
            "true: {reserves}{} account(s) with uncovered debts",
            result.uncovered.len()
        );
    }
    Ok(())
}

/// Whether a state holds what its account book adds up to.
pub fn inventory(arguments: &InventoryArguments) -> Result<(), Failure> {
    let snapshot = read_market(&arguments.market, &arguments.origin)?;
    let book = layout::read_book(&arguments.book, &snapshot)?;
    let set = read_scenarios(&arguments.scenarios)?;
    let state = read_state(&arguments.state, &set)?;
    let sum = venue::inventory::inventory(book.accounts(), &snapshot.instruments, &set.markets)
        .map_err(|e| Failure::Input(e.to_string()))?;
    let mismatch = sum.check(&state, &set.markets).err();
    if arguments.common.json {
        let quantities: serde_json::Map<String, serde_json::Value> = set
            .markets
            .iter()
            .zip(&sum.quantities)
            .map(|(market, lots)| (market.symbol.clone(), json!(lots)))
            .collect();
        print_json(&json!({
            "true": mismatch.is_none(), "accounts": book.accounts().len(), "quantities": quantities,
            "entry": ticks(sum.entry.into()), "quote": set.quote,
        }));
    }
    if let Some(mismatch) = mismatch {
        return Err(Failure::False(mismatch.to_string()));
    }
    if !arguments.common.json {
        say!(
            "true: the state holds what {} accounts add up to in {} market(s)",
            book.accounts().len(),
            set.markets.len()
        );
    }
    Ok(())
}
