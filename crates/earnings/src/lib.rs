//! What was earned, exactly, and the receipts of the rounds it was earned with.
//!
//! In: pay-outs that somebody read from a chain, energy that somebody measured, rounds that were trained; the time and the time
//! zone are arguments. Out: a book of rewards in one redb file, totals in integers, forecasts that say they are estimates, and
//! a hash-chained log of receipts. It opens no socket, reads no clock, runs no task and never books what was not paid.

mod amount;
mod attribution;
mod book;
mod coverage;
mod csv_file;
mod days;
mod energy;
mod error;
mod forecast;
mod pay_state;
pub mod receipts;
mod reward;
mod tariff;
mod totals;
mod view;

pub use amount::{AmountError, Fiat, FiatRate, Labelled, Mark, Price, PriceAt, PriceSource, decimal, parse_decimal};
pub use attribution::{Attribution, EpochShare, RoundShare, attribute, attribute_epochs};
pub use book::{Book, BookId, Taken};
pub use coverage::BlockRange;
pub use csv_file::{CsvError, MAX_CSV_BYTES, export_csv, import_csv};
pub use days::{Day, DayError, days_until, hour_of_week};
pub use energy::{Energy, EnergySample, EnergySource, SLOT_MS, SlotEnergy, power_sample};
pub use error::BookError;
pub use forecast::{Forecast, Pace, forecast};
pub use pay_state::{Facts, PayState, Standing};
pub use reward::{BlockTime, EpochFact, Reading, Reward, standing_at};
pub use tariff::{Currency, HOURS_PER_WEEK, Rate, Tariff, TariffError};
pub use totals::{DayPay, PendingPay, Split, Summary, SummaryInput, summary};
pub use view::EarningsText;
