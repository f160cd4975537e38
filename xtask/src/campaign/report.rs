//! What a campaign came to: each rehearsal judged, and the page that records it.

use super::account::{Account, number};
use super::{Campaign, Circumstances, Must, Variant};

/// A cheater may earn at most this share of an honest peer's credits.
const MAX_CHEATER_SHARE: f64 = 0.05;
/// A cheater may move the final loss by at most this share.
const MAX_LOSS_SHIFT: f64 = 0.01;

/// One rehearsal with what did not hold.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) args: &'static [&'static str],
    pub(super) account: Account,
    /// Final loss against the clean run's, as a share; above 0 is worse.
    pub(super) shift: Option<f64>,
    pub(super) failures: Vec<&'static str>,
}

impl Row {
    pub(super) fn new(variant: &Variant, account: Account, clean: &Account) -> Self {
        let shift = account.loss_last.zip(clean.loss_last).map(|(loss, clean)| loss / clean - 1.0);
        let mut failures = Vec::new();
        let mut must = |holds: bool, otherwise| {
            if !holds {
                failures.push(otherwise);
            }
        };
        must(account.theta_equal, "parameters differ");
        must(account.one_verdict_each, "a peer's round without exactly one verdict");
        must(account.credits_add_up, "credits do not add up");
        must(account.books_match, "a peer's book is not what it was paid");
        // Written so that an unknown or NaN loss does not hold.
        must(account.loss_last.zip(account.loss_first).is_some_and(|(last, first)| last < first), "loss did not fall");
        if variant.must == Must::CatchCheater {
            must(account.cheaters_paid.is_some_and(|share| share <= MAX_CHEATER_SHARE), "the cheater was paid");
            must(account.refused_some(), "nothing was refused");
            must(
                shift.is_some_and(|shift| shift <= MAX_LOSS_SHIFT),
                "the loss is more than 1 % worse than the clean run's",
            );
        }
        if variant.must == Must::Recover {
            must(account.restarts.is_some_and(|restarts| restarts > 0), "nothing was killed");
        }
        Self { name: variant.name, args: variant.args, account, shift, failures }
    }
}

/// The page.
pub(super) fn markdown(campaign: &Campaign, rows: &[Row], circumstances: &Circumstances) -> String {
    let Circumstances { date, commit, machine } = circumstances;
    let held = rows.iter().filter(|row| row.failures.is_empty()).count();
    let text = rows.first().map_or("unknown", |row| row.account.text.as_str());
    let mut page = format!(
        "# Campaign `{}`\n\n{}.\n\nWritten by `cargo xtask campaign {}` on {date}, commit {commit}, on {machine}.\n\
         Text: {text}. Every rehearsal is `covey-peer rehearse` with its defaults and the arguments of its row.\n\n\
         **{held} of {} hold.**\n\n\
         | rehearsal | arguments | peers | rounds | held-out loss | against clean | accepted | not accepted | cheaters' pay | \
         restarts | wall, s | holds |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        campaign.name,
        campaign.about,
        campaign.name,
        rows.len()
    );
    for row in rows {
        page.push_str(&line(row));
    }
    page.push_str(
        "\n*Holds*: equal parameter hashes in every round, exactly one verdict per peer and round, credits that add up \
         to what the ledger emitted, books of the peers that show what they were paid, a falling held-out loss; with a cheater also at most 5 % of an honest peer's \
         credits and a final loss at most 1 % above the clean run's; with a kill also a restart. *Cheaters' pay*: \
         share of an honest peer's mean credits.\n",
    );
    page
}

fn line(row: &Row) -> String {
    let account = &row.account;
    let percent = |share: Option<f64>| number(share.map(|share| share * 100.0), 2) + " %";
    let count = |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
    let holds = if row.failures.is_empty() { "yes".to_owned() } else { format!("**no**: {}", row.failures.join("; ")) };
    let arguments = if row.args.is_empty() { "none".to_owned() } else { format!("`{}`", row.args.join(" ")) };
    format!(
        "| {} | {arguments} | {} | {} | {} → {} | {} | {} | {} | {} | {} | {} | {holds} |\n",
        row.name,
        count(account.peers),
        count(account.rounds),
        number(account.loss_first, 4),
        number(account.loss_last, 4),
        percent(row.shift),
        count(account.accepted),
        account.refusals(),
        percent(account.cheaters_paid),
        count(account.restarts),
        number(account.wall_secs, 0),
    )
}
