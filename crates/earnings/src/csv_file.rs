//! The book as a spreadsheet, and back.
//!
//! In: rows of a book and, by choice, prices in money; or a hostile file. Out: CSV with dates in RFC 3339, exact decimal amounts, block
//! numbers, prices and their sources; or the same rows again, so that totals are equal. Text that a spreadsheet would run as a
//! formula is disarmed. Money stands there only if somebody gave a rate.

use chain::Registration;
use types::{BlockNumber, Hash32, Hotkey, Rao, Uid};

use crate::amount::{FiatRate, Price, PriceAt, PriceSource, decimal, parse_decimal};
use crate::book::BookId;
use crate::days::rfc3339;
use crate::reward::{BlockTime, Reward};

/// Largest file that is read.
pub const MAX_CSV_BYTES: usize = 64 << 20;
/// The columns, in order; frozen.
const COLUMNS: [&str; 25] = [
    "time",
    "time_exact",
    "block",
    "block_hash",
    "hotkey",
    "network",
    "genesis",
    "uid",
    "registered_at",
    "unit",
    "amount",
    "amount_miner",
    "amount_validator",
    "status",
    "confirmed_at",
    "price",
    "price_per",
    "price_source",
    "price_block",
    "value",
    "all_miners",
    "burned",
    "minted",
    "fiat",
    "fiat_rate",
];

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsvError {
    /// Larger than any book.
    #[error("the file has {bytes} bytes; at most {MAX_CSV_BYTES} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Other columns than ours.
    #[error("the first line does not hold the columns of an earnings file")]
    Columns,
    /// A row does not hold.
    #[error("row {row}: `{column}` does not hold")]
    Row {
        /// Which row, the one after the columns is 1.
        row: usize,
        /// Which column.
        column: &'static str,
    },
    /// Not CSV, or it could not be written.
    #[error("not a CSV file: {0}")]
    Syntax(String),
}

/// Writes rows. Of `rates`, each row gets the one of the same UTC day that is nearest before it; none, and money stays blank.
///
/// # Errors
/// [`CsvError::Row`] for a time beyond the calendar.
pub fn export_csv(id: &BookId, rewards: &[Reward], rates: &[FiatRate]) -> Result<Vec<u8>, CsvError> {
    let syntax = |error: csv::Error| CsvError::Syntax(error.to_string());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(syntax)?;
    for (at, reward) in rewards.iter().enumerate() {
        let time = rfc3339(reward.time.ms).map_err(|_| CsvError::Row { row: at + 1, column: "time" })?;
        writer.write_record(fields(id, reward, time, rates)).map_err(syntax)?;
    }
    writer.into_inner().map_err(|error| CsvError::Syntax(error.to_string()))
}

fn fields(id: &BookId, reward: &Reward, time: String, rates: &[FiatRate]) -> [String; 25] {
    let decimals = id.network.decimals;
    let amount = |rao: Rao| decimal(rao.0, decimals);
    let optional = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
    let price = |of: fn(PriceAt) -> String| reward.price.map(of).unwrap_or_default();
    let rate = rate_of(reward, rates);
    let worth = rate.zip(reward.value()).and_then(|(rate, value)| rate.value(value));
    [
        time,
        if reward.time.exact { "yes" } else { "counted" }.into(),
        reward.block.to_string(),
        reward.hash.map(|hash| hash.to_string()).unwrap_or_default(),
        id.hotkey.ss58(),
        disarmed(&id.network.name),
        id.network.genesis.to_string(),
        optional(reward.standing.map(|place| u64::from(place.uid.0))),
        optional(reward.standing.map(|place| place.block.0)),
        disarmed(&id.network.symbol),
        amount(reward.amount()),
        amount(reward.miner),
        amount(reward.validator),
        if reward.confirmed_at.is_some() { "confirmed" } else { "pending" }.into(),
        optional(reward.confirmed_at.map(|block| block.0)),
        price(|at| at.price.rao.to_string()),
        price(|at| at.price.per.to_string()),
        price(|at| at.source.word().to_owned()),
        price(|at| at.block.to_string()),
        reward.value().map(|rao| decimal(rao.0, 9)).unwrap_or_default(),
        amount(reward.all_miners),
        amount(reward.burned),
        amount(reward.minted),
        worth.map(|worth| worth.to_string()).unwrap_or_default(),
        worth.and(rate).map(|rate| disarmed(&words(rate))).unwrap_or_default(),
    ]
}

fn rate_of<'a>(reward: &Reward, rates: &'a [FiatRate]) -> Option<&'a FiatRate> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    rates
        .iter()
        .filter(|rate| rate.at_ms <= reward.time.ms && rate.at_ms / DAY_MS == reward.time.ms / DAY_MS)
        .max_by_key(|rate| rate.at_ms)
}

/// `EUR 312.5 per unit, PriceFeed, 2026-11-24T10:00:00Z`.
fn words(rate: &FiatRate) -> String {
    let (price, at) = (decimal(rate.micros_per_unit, 6), rfc3339(rate.at_ms).unwrap_or_default());
    format!("{} {price} per unit, {}, {at}", rate.currency, rate.source)
}

/// Text that starts like a formula gets an apostrophe, as spreadsheets themselves do.
fn disarmed(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(128).collect();
    if text.starts_with(['=', '+', '-', '@', '\'', '|', '%']) { format!("'{text}") } else { text }
}

/// Reads rows back. They must be this book's: same key, same network, blocks ascending, every sum right.
///
/// # Errors
/// [`CsvError`] with the row and column.
pub fn import_csv(id: &BookId, bytes: &[u8]) -> Result<Vec<Reward>, CsvError> {
    if bytes.len() > MAX_CSV_BYTES {
        return Err(CsvError::TooLarge { bytes: bytes.len() });
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let columns = reader.headers().map_err(|error| CsvError::Syntax(error.to_string()))?;
    if !columns.iter().eq(COLUMNS) {
        return Err(CsvError::Columns);
    }
    let mut rewards: Vec<Reward> = Vec::new();
    for (at, record) in reader.records().enumerate() {
        let row = at + 1;
        let record = record.map_err(|error| CsvError::Syntax(error.to_string()))?;
        let reward = parse(id, &record).map_err(|column| CsvError::Row { row, column })?;
        if rewards.last().is_some_and(|before| before.block >= reward.block) {
            return Err(CsvError::Row { row, column: "block" });
        }
        rewards.push(reward);
    }
    Ok(rewards)
}

/// One row, or the column that does not hold.
fn parse(id: &BookId, record: &csv::StringRecord) -> Result<Reward, &'static str> {
    let text = |column: &'static str| -> Result<&str, &'static str> {
        let at = COLUMNS.iter().position(|name| *name == column).ok_or(column)?;
        record.get(at).ok_or(column)
    };
    let number = |column| parse_decimal(text(column)?, 0).map_err(|_| column);
    let optional = |column| if text(column)?.is_empty() { Ok(None) } else { number(column).map(Some) };
    let amount = |column| parse_decimal(text(column)?, id.network.decimals).map(Rao).map_err(|_| column);
    let time: jiff::Timestamp = text("time")?.parse().map_err(|_| "time")?;
    let exact = match text("time_exact")? {
        "yes" => true,
        "counted" => false,
        _ => return Err("time_exact"),
    };
    let hash = match text("block_hash")? {
        "" => None,
        hex => Some(hex.parse::<Hash32>().map_err(|_| "block_hash")?),
    };
    if text("hotkey")?.parse::<Hotkey>() != Ok(id.hotkey) {
        return Err("hotkey");
    }
    if text("genesis")?.parse::<Hash32>() != Ok(id.network.genesis) {
        return Err("genesis");
    }
    let standing = match (optional("uid")?, optional("registered_at")?) {
        (None, None) => None,
        (Some(uid), Some(block)) => {
            Some(Registration { uid: Uid(u16::try_from(uid).map_err(|_| "uid")?), block: BlockNumber(block) })
        }
        _ => return Err("uid"),
    };
    let price = match (optional("price")?, optional("price_per")?, optional("price_block")?) {
        (None, None, None) if text("price_source")?.is_empty() => None,
        (Some(rao), Some(per), Some(block)) => {
            let source = PriceSource::from_word(text("price_source")?).ok_or("price_source")?;
            Some(PriceAt { price: Price { rao, per }, source, block: BlockNumber(block) })
        }
        _ => return Err("price"),
    };
    let reward = Reward {
        block: BlockNumber(number("block")?),
        hash,
        time: BlockTime { ms: u64::try_from(time.as_millisecond()).map_err(|_| "time")?, exact },
        standing,
        miner: amount("amount_miner")?,
        validator: amount("amount_validator")?,
        all_miners: amount("all_miners")?,
        burned: amount("burned")?,
        minted: amount("minted")?,
        price,
        confirmed_at: optional("confirmed_at")?.map(BlockNumber),
    };
    reward.check().map_err(|_| "amount")?;
    let value = reward.value().map(|rao| decimal(rao.0, 9)).unwrap_or_default();
    let status = if reward.confirmed_at.is_some() { "confirmed" } else { "pending" };
    let agree = [
        ("amount", amount("amount")? == reward.amount()),
        ("status", text("status")? == status),
        ("value", text("value")? == value),
        ("network", text("network")? == disarmed(&id.network.name)),
        ("unit", text("unit")? == disarmed(&id.network.symbol)),
    ];
    agree.into_iter().find(|(_, holds)| !holds).map_or(Ok(reward), |(column, _)| Err(column))
}

#[cfg(test)]
mod tests;
