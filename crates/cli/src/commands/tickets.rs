//! `sealbook board tickets`: blind tickets, in three steps between a trader and a venue.

use std::collections::BTreeMap;
use std::path::Path;

use board::Hex;
use board::ticket::{Answer, Issuer, Request, Ticket, Wish};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::board_arguments::{AskTickets, IssueTickets, TakeTickets, Tickets as Command};
use crate::boards::{VenueKeys, kept, must_be_new, read_board, wrong};
use crate::files::{read_json, write_json, write_private_json};
use crate::output::say;

/// An account's tickets of an epoch, as its trader keeps them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purse {
    account: String,
    /// The epoch's public key.
    epoch: Hex<96>,
    /// Those that the venue was asked for and has not answered yet.
    asked: Vec<String>,
    /// Those that are not spent.
    tickets: Vec<String>,
}

/// What a trader sends.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    account: String,
    epoch: Hex<96>,
    requests: Vec<Request>,
}

/// What the venue answers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    epoch: Hex<96>,
    answers: Vec<Answer>,
}

/// How many tickets accounts have had, by epoch.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ledger {
    epochs: BTreeMap<String, BTreeMap<String, u32>>,
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Ask(arguments) => ask(arguments),
        Command::Issue(arguments) => issue(arguments),
        Command::Take(arguments) => take(arguments),
    }
}

impl Purse {
    /// Takes tickets out, for entries of an epoch.
    pub fn spend(
        &mut self,
        path: &Path,
        epoch: &Hex<96>,
        count: usize,
    ) -> Result<Vec<Ticket>, Failure> {
        if self.epoch != *epoch {
            return Err(wrong(
                path.display(),
                "has tickets of another epoch than the board's; ask for tickets of this one",
            ));
        }
        let Some(left) = self.tickets.len().checked_sub(count) else {
            let told = format!(
                "{count} orders need as many tickets, and it has {}; ask for more",
                self.tickets.len()
            );
            return Err(wrong(path.display(), told));
        };
        let spent = self.tickets.split_off(left);
        let tickets: Option<_> = spent.iter().map(|text| Ticket::from_hex(text)).collect();
        tickets.ok_or_else(|| {
            wrong(
                path.display(),
                "field `tickets`: one is no ticket; copy the file whole",
            )
        })
    }
}

fn ask(arguments: &AskTickets) -> Result<(), Failure> {
    must_be_new(&arguments.out)?;
    let epoch = read_board(&arguments.board)?.header().terms.tickets.key;
    let (path, account) = (&arguments.tickets, &arguments.account);
    records::text::check_id(account).map_err(|e| wrong("--account", e))?;
    let mut purse = match path.exists() {
        true => read_json(path)?,
        false => Purse {
            account: account.clone(),
            epoch,
            asked: Vec::new(),
            tickets: Vec::new(),
        },
    };
    if purse.account != *account || purse.epoch != epoch {
        return Err(wrong(
            path.display(),
            "is of another account or epoch; name another file",
        ));
    }
    if !purse.asked.is_empty() {
        return Err(wrong(
            path.display(),
            "the venue's last answer is not taken yet; do that first, with `board tickets take`",
        ));
    }
    let wishes: Vec<Wish> = (0..arguments.count).map(|_| Wish::random()).collect();
    purse.asked = wishes.iter().map(Wish::to_hex).collect();
    write_private_json(path, &purse)?;
    let account = account.clone();
    let requests = wishes.iter().map(|wish| wish.request(&epoch)).collect();
    write_json(
        &arguments.out,
        &Asked {
            account,
            epoch,
            requests,
        },
    )?;
    say!(
        "{}: a request for {} tickets, for the venue",
        arguments.out.display(),
        arguments.count
    );
    Ok(())
}

fn issue(arguments: &IssueTickets) -> Result<(), Failure> {
    let board = read_board(&arguments.board)?;
    let terms = &board.header().terms.tickets;
    let keys = kept(&arguments.venue_secret, VenueKeys::parse)?;
    let issuer = Issuer::new(&keys.seed, terms.epoch, terms.each);
    if issuer.key() != terms.key {
        return Err(wrong(
            arguments.venue_secret.display(),
            "is not the secret of the board's venue; give the one it was opened with",
        ));
    }
    let asked: Asked = read_json(&arguments.request)?;
    let request = |problem: String| wrong(arguments.request.display(), problem);
    if asked.epoch != terms.key {
        return Err(request(
            "field `epoch`: is another epoch than the board's; ask again with this board".into(),
        ));
    }
    let mut ledger: Ledger = match arguments.ledger.exists() {
        true => read_json(&arguments.ledger)?,
        false => Ledger::default(),
    };
    let accounts = ledger.epochs.entry(terms.key.to_string()).or_default();
    let had = accounts.entry(asked.account.clone()).or_default();
    let mut answers = Vec::with_capacity(asked.requests.len());
    for (place, one) in asked.requests.iter().enumerate() {
        let answer = issuer.issue(*had, one);
        answers.push(answer.map_err(|e| request(format!("requests[{place}]: {e}")))?);
        *had += 1;
    }
    let (had, epoch) = (*had, terms.key);
    // The count first: after a break an account has fewer tickets, not more.
    write_private_json(&arguments.ledger, &ledger)?;
    write_json(&arguments.out, &Answered { epoch, answers })?;
    say!(
        "{}: {} tickets for `{}`, which has had {had} of {}",
        arguments.out.display(),
        asked.requests.len(),
        asked.account,
        terms.each
    );
    Ok(())
}

fn take(arguments: &TakeTickets) -> Result<(), Failure> {
    let path = &arguments.tickets;
    let mut purse: Purse = read_json(path)?;
    let answered: Answered = read_json(&arguments.answer)?;
    let answer = |problem: String| wrong(arguments.answer.display(), problem);
    if answered.epoch != purse.epoch || answered.answers.len() != purse.asked.len() {
        return Err(answer(
            "is not the answer to this account's last request; get it from the venue again".into(),
        ));
    }
    let wishes = std::mem::take(&mut purse.asked);
    for ((wish, one), place) in wishes.iter().zip(&answered.answers).zip(0..) {
        let wish = Wish::from_hex(wish).ok_or_else(|| {
            wrong(
                path.display(),
                format!("asked[{place}]: is no secret; copy the file whole"),
            )
        })?;
        let ticket = wish.finish(&purse.epoch, one);
        purse.tickets.push(
            ticket
                .map_err(|e| answer(format!("answers[{place}]: {e}")))?
                .to_hex(),
        );
    }
    write_private_json(path, &purse)?;
    say!(
        "{}: {} tickets of `{}`",
        path.display(),
        purse.tickets.len(),
        purse.account
    );
    Ok(())
}
