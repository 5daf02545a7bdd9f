//! `millpond get`.

use std::{fmt, str::FromStr};

use millpond_client::Reader;
use millpond_model::{PartitionId, SequenceNumber, StreamName, Timestamp};
use millpond_wire::v2::cursors::CursorStart;

use crate::{
    exit::{Exit, exit_codes, help},
    failure::{Failure, Outcome},
    global::GlobalArgs,
    record::{Printer, ShowArgs},
    session::Session,
    time::{self, InvalidWhen, When},
};

pub(crate) const HELP: &str = help!(
    "\
Examples:
  millpond get orders -p 0                         the ten oldest records
  millpond get orders -p 0 --from 42 --count 1     record 42
  millpond get orders -p 0 --from 15m --count 1000
  millpond get orders -p 0 --from 2026-11-22T10:00+01:00
  millpond get orders --format raw > file          the data alone

It stops at the end of the partition; `millpond tail -f` waits for more."
);

/// Most records that are asked for at a time (spec/03 §5).
const PAGE_RECORDS: u32 = 1000;

/// `millpond get`.
#[derive(Debug, clap::Args)]
pub struct GetArgs {
    /// The stream's name or id.
    stream: StreamName,
    /// The partition: 0 or shardId-0000000000.
    #[arg(short, long, default_value = "0")]
    partition: PartitionId,
    /// earliest, latest, a sequence number, a time, or a duration before now.
    #[arg(long, value_name = "PLACE", default_value = "earliest")]
    from: Place,
    /// Most records.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    count: u64,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// Where to start in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// With the oldest record.
    Earliest,
    /// Behind the newest record.
    Latest,
    /// With this record.
    Number(SequenceNumber),
    /// With the first record of this time or later.
    Time(When),
}

impl Place {
    /// As the API asks for it.
    pub(crate) fn start(self, now: Timestamp) -> CursorStart {
        match self {
            Self::Earliest => CursorStart::TrimHorizon,
            Self::Latest => CursorStart::Latest,
            Self::Number(number) => CursorStart::At(Some(number)),
            Self::Time(when) => CursorStart::AtTimestamp(when.resolve(now)),
        }
    }
}

/// The text is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidPlace;

impl fmt::Display for InvalidPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "earliest, latest, a sequence number, or {InvalidWhen}")
    }
}

impl std::error::Error for InvalidPlace {}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => match text.parse() {
                Ok(number) => Ok(Self::Number(number)),
                Err(_) => text.parse().map(Self::Time).map_err(|_| InvalidPlace),
            },
        }
    }
}

/// Reads and prints.
pub(crate) async fn run(args: GetArgs, session: &mut Session) -> Outcome {
    let Session { client, out, .. } = session;
    let mut printer = Printer::new(args.show, out, false)?;
    let start = args.from.start(time::now());
    let mut reader = Reader::new(client.clone(), args.stream.clone(), args.partition, start);
    let mut left = args.count;
    let mut next = None;
    while left > 0 {
        let limit = u32::try_from(left).unwrap_or(PAGE_RECORDS).min(PAGE_RECORDS);
        reader.set_limit(limit);
        let page = reader.read().await.map_err(about_place)?;
        if page.records.is_empty() {
            break;
        }
        // A server that does not know limits may send more than was asked for.
        for record in page.records.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            printer.print(out, args.partition, record)?;
            left -= 1;
            next = Some(record.sequence_number.plus(1));
        }
        out.flush()?;
    }
    printer.finish(out)?;
    let index = args.partition.index();
    match next.filter(|_| left == 0) {
        Some(next) => {
            out.note(format_args!("Go on with: millpond get {} -p {index} --from {next}", args.stream));
        }
        None => out.note(format_args!("End of partition {index}.")),
    }
    Ok(Exit::Ok)
}

/// With advice when the place that was named is not kept any more.
fn about_place(error: millpond_client::Error) -> Failure {
    let expired = is_before_retention(&error);
    let failure = Failure::from(error);
    if expired {
        failure.hint("`--from earliest` begins with the oldest record that is kept")
    } else {
        failure
    }
}

/// Whether `error` says that the time that was named lies before everything that is kept (spec/04 §3).
pub(crate) fn is_before_retention(error: &millpond_client::Error) -> bool {
    error.code() == Some("DIS.4300")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn places_are_words_numbers_and_times() {
        let check = |text: &str, expected: Result<Place, InvalidPlace>| {
            assert_eq!(text.parse(), expected, "{text}");
        };
        check("earliest", Ok(Place::Earliest));
        check("latest", Ok(Place::Latest));
        check("42", Ok(Place::Number(SequenceNumber::new(42).unwrap())));
        check("15m", Ok(Place::Time(When::Ago(Duration::from_mins(15)))));
        check("2026-11-22T10:00:00Z", Ok(Place::Time(When::At(Timestamp::from_millis(1_795_341_600_000)))));
        check("-1", Err(InvalidPlace));
        check("yesterday", Err(InvalidPlace));
    }

    #[test]
    fn places_become_cursors() {
        let now = Timestamp::from_millis(1_000_000);
        let check = |place: Place, start: CursorStart| assert_eq!(place.start(now), start);
        check(Place::Earliest, CursorStart::TrimHorizon);
        check(Place::Latest, CursorStart::Latest);
        check(
            Place::Time(When::Ago(Duration::from_secs(400))),
            CursorStart::AtTimestamp(Timestamp::from_millis(600_000)),
        );
    }
}
