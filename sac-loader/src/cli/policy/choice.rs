// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which policy holds and why the others do not, in words and for programs.

use super::plain;
use sac_policy::{
    choose::{Choice, LostBy, MatchedBy, Unmet},
    policy::Logins,
};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Says which policy holds, and why the others do not.
pub(super) fn write(out: &mut impl Write, choice: &Choice<'_>, who: &str) -> io::Result<()> {
    match choice.winner {
        None => writeln!(out, "Policy   none is for this login of {who}, so it is refused")?,
        Some(winner) => {
            let (name, file) = (&winner.policy.name, winner.policy.file().display());
            writeln!(out, "Policy   {name}, because {} ({file})", by(winner.by))?;
            if winner.policy.logins == Logins::Refuse {
                writeln!(out, "         new logins are refused; what follows is for sessions that are open")?;
            }
        }
    }
    for (name, because) in others(choice) {
        writeln!(out, "         not {name}: {because}")?;
    }
    Ok(())
}

/// The same for programs: what there is of it is `null` where no policy holds.
pub(super) fn json(choice: &Choice<'_>) -> Value {
    let others: Vec<_> =
        others(choice).map(|(name, because)| json!({"policy": name, "because": because})).collect();
    json!({
        "policy": choice.winner.map(|winner| &winner.policy.name),
        "policy_file": choice.winner.map(|winner| winner.policy.file().to_string_lossy()),
        "because": choice.winner.map(|winner| by(winner.by)),
        "new_logins": match choice.winner {
            Some(winner) if winner.policy.logins == Logins::Allow => "allow",
            _ => "refuse",
        },
        "other_policies": others,
    })
}

fn by(by: MatchedBy<'_>) -> String {
    match by {
        MatchedBy::User(id) => format!("it names the user {}", plain(&id.to_string())),
        MatchedBy::Group(id) => format!("it names the group {}", plain(&id.to_string())),
        MatchedBy::Everyone => "it is for everyone".to_owned(),
    }
}

/// The policies that are for the person and do not hold, and why.
fn others<'c>(choice: &'c Choice<'_>) -> impl Iterator<Item = (&'c str, &'static str)> {
    let losers = choice.losers.iter().map(|loser| {
        let because = match loser.because {
            LostBy::Priority => "its priority is lower",
            LostBy::Specificity => "it names the person less closely",
            LostBy::Conditions => "it has fewer conditions on the login",
            LostBy::Name => "all else is equal, and its name sorts later",
        };
        (loser.matched.policy.name.as_str(), because)
    });
    let excluded = choice.excluded.iter().map(|excluded| {
        let because = match excluded.because {
            Unmet::Service => "it is for logins by other services",
            Unmet::Origin => "it is for logins from elsewhere",
            Unmet::Terminal => "it is for logins with or without a terminal, and this is the other kind",
            Unmet::Time => "it holds at other times",
        };
        (excluded.matched.policy.name.as_str(), because)
    });
    losers.chain(excluded)
}
