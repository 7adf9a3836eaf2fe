//! The risk of several venues together.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use statements::systemic::{self, Systemic, Venue};
use venue::evar::Confidence;
use venue::import::states::{read_scenarios, read_state};
use venue::scenarios::ScenarioSet;
use venue::state::VenueState;

use super::{Answer, Make};
use crate::Failure;
use crate::files::secret;
use crate::inputs::confidence;

/// The risk of several venues together.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The scenarios: .json.
    #[arg(long)]
    pub scenarios: PathBuf,
    /// The venues' states, one `--state` each: .json.
    #[arg(long, required = true)]
    pub state: Vec<PathBuf>,
    /// The files of the venues' secrets, in the order of their states; a missing file is made. Without any,
    /// fresh ones are used once.
    #[arg(long)]
    pub secret: Vec<PathBuf>,
    /// How sure: 0.95 means that the worst 5% count.
    #[arg(long, default_value = "0.95")]
    pub confidence: fixed::Decimal,
    /// EVaR of their losses together is at most this; the least that can be proven if not given.
    #[arg(long)]
    pub bound: Option<fixed::Decimal>,
}

impl Make for Arguments {
    type Statement = Systemic;
    const PROVING: &[&str] = &["secret"];

    fn check(&self) -> Result<Answer, Failure> {
        let inputs = self.inputs()?;
        let (set, states) = (&inputs.set, &inputs.states);
        let together = systemic::check(set, states, inputs.confidence, self.bound)?;
        let (bound, quote) = (together.bound, &set.quote);
        Ok(Answer {
            json: json!({ "bound": bound, "quote": quote }),
            lines: Vec::new(),
            sentence: Ok(format!(
                "EVaR of what {} venue(s) owe beyond their means is at most {bound} {quote}",
                states.len()
            )),
        })
    }

    fn prepare(&self) -> Result<systemic::Prepared, Failure> {
        let (secrets, states) = (self.secret.len(), self.state.len());
        if secrets != 0 && secrets != states {
            return Err(Failure::Input(format!(
                "{secrets} secrets for {states} states; give one --secret a --state, in their order"
            )));
        }
        let inputs = self.inputs()?;
        let venues = inputs.states.into_iter().enumerate().map(|(i, state)| {
            let secret = secret(self.secret.get(i).map(AsRef::as_ref))?;
            Ok(Venue { state, secret })
        });
        let venues = venues.collect::<Result<_, Failure>>()?;
        Ok(systemic::Prepared::new(
            &inputs.set,
            venues,
            inputs.confidence,
            self.bound,
        )?)
    }

    fn is_repeatable(&self) -> bool {
        !self.secret.is_empty()
    }
}

struct Inputs {
    set: ScenarioSet,
    states: Vec<VenueState>,
    confidence: Confidence,
}

impl Arguments {
    fn inputs(&self) -> Result<Inputs, Failure> {
        for (i, path) in self.state.iter().enumerate() {
            if self.state[..i].contains(path) {
                return Err(Failure::Input(format!(
                    "{}: is given twice; give each venue's state once",
                    path.display()
                )));
            }
        }
        let set = read_scenarios(&self.scenarios)?;
        let states = self.state.iter().map(|path| read_state(path, &set));
        Ok(Inputs {
            states: states.collect::<Result<_, _>>()?,
            confidence: confidence(self.confidence)?,
            set,
        })
    }
}
