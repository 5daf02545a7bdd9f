//! `POST` and `PUT …/transfer-tasks` (spec/09 §2, §6.0).

use millpond_model::{ConsumerStrategy, Descriptor, Destination, FileType, TaskLimits, TaskSpec};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    cloud_table,
    members::Members,
    rules::{
        CONSUMER_STRATEGY, DLI, DWS, FILE_TYPE, MRS, OBS, SECRET, TASK_NAME, check_all, check_dws_options,
        check_processing_schema, common, file_size,
    },
};
use crate::{Refusal, v2::lenient::Text};

/// Longest exception strategy, in characters. Nothing is documented of it.
const EXCEPTION_STRATEGY_CHARS_MAX: usize = 64;

/// The body of a request that creates or updates a task. The path names the stream.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TransferTaskRequest<'a> {
    #[serde(default, borrow)]
    destination_type: Text<'a>,
    #[serde(default, borrow)]
    exception_strategy: Text<'a>,
    #[serde(default, borrow)]
    obs_destination_descriptor: Option<&'a RawValue>,
    #[serde(default, borrow)]
    mrs_destination_descriptor: Option<&'a RawValue>,
    #[serde(default, borrow)]
    dli_destination_descriptor: Option<&'a RawValue>,
    #[serde(default, borrow)]
    dws_destination_descriptor: Option<&'a RawValue>,
    #[serde(default, borrow)]
    cloudtable_destination_descriptor: Option<&'a RawValue>,
}

/// A task whose destination is known, and the descriptor that says more.
#[derive(Clone, Debug)]
pub struct DescribedTask<'a> {
    destination: Destination,
    /// Whether the request says `OPENTSDB`.
    time_series: bool,
    exception_strategy: Text<'a>,
    descriptor: &'a RawValue,
}

impl<'a> TransferTaskRequest<'a> {
    /// Finds the destination and its descriptor: by the type, or without one by the only descriptor
    /// there is. Old words for types are understood (spec/09 §2).
    ///
    /// # Errors
    /// `DIS.4200` for an unknown type, or when the descriptor for the type is missing.
    pub fn described(self) -> Result<DescribedTask<'a>, Refusal> {
        let word = self.destination_type.0.to_ascii_uppercase();
        let destination = match word.as_str() {
            "" | "NOWHERE" | "DEFAULT" => self.only_destination()?,
            "UQUERY" => Destination::Dli,
            "OPENTSDB" => Destination::CloudTable,
            word => word.parse().map_err(|error: millpond_model::InvalidAttribute| {
                Refusal::invalid_expecting("destination_type", &self.destination_type.0, error.expected)
            })?,
        };
        let descriptor = match destination {
            // One client puts it into the other's place.
            Destination::Dli => self.dli_destination_descriptor.or(self.mrs_destination_descriptor),
            destination => self.descriptor(destination),
        };
        let descriptor = descriptor.ok_or_else(|| Refusal::missing(member(destination)))?;
        let time_series = word == "OPENTSDB";
        Ok(DescribedTask {
            destination,
            time_series,
            exception_strategy: self.exception_strategy,
            descriptor,
        })
    }

    fn descriptor(&self, of: Destination) -> Option<&'a RawValue> {
        match of {
            Destination::Obs => self.obs_destination_descriptor,
            Destination::Mrs => self.mrs_destination_descriptor,
            Destination::Dli => self.dli_destination_descriptor,
            Destination::Dws => self.dws_destination_descriptor,
            Destination::CloudTable => self.cloudtable_destination_descriptor,
        }
    }

    /// The destination of the only descriptor; that of OBS wins over others.
    fn only_destination(&self) -> Result<Destination, Refusal> {
        use Destination::{CloudTable, Dli, Dws, Mrs, Obs};
        let present = |of: &Destination| self.descriptor(*of).is_some();
        let mut others = [Mrs, Dli, Dws, CloudTable].into_iter().filter(present);
        match (present(&Obs), others.next(), others.next()) {
            (false, Some(only), None) => Ok(only),
            (false, Some(_), Some(_)) => Err(Refusal::missing("destination_type")),
            (true, ..) | (false, None, _) => Ok(Obs),
        }
    }
}

fn member(destination: Destination) -> &'static str {
    match destination {
        Destination::Obs => "obs_destination_descriptor",
        Destination::Mrs => "mrs_destination_descriptor",
        Destination::Dli => "dli_destination_descriptor",
        Destination::Dws => "dws_destination_descriptor",
        Destination::CloudTable => "cloudtable_destination_descriptor",
    }
}

impl DescribedTask<'_> {
    /// Checks the descriptor, member by member. All of it is kept but a password: answers must not show
    /// it (spec/09 §2.5), and nothing here needs it.
    ///
    /// # Errors
    /// `DIS.4200` about the first member that cannot be used; `DIS.4343`, `DIS.4345` and `DIS.4348`
    /// about the schemas of CLOUDTABLE.
    pub fn into_spec(self, within: TaskLimits) -> Result<TaskSpec, Refusal> {
        let name = member(self.destination);
        let members = Members::read(name, self.descriptor)?;
        let task_name = TASK_NAME.check(&members)?.ok_or_else(|| Refusal::missing("task_name"))?;
        check_all(&common(within), &members)?;
        self.check_destination(&members, within)?;
        let strategy = CONSUMER_STRATEGY.check(&members)?;
        let file_type = FILE_TYPE.check(&members)?;
        let exception_strategy = self.exception_strategy.get();
        if exception_strategy.is_some_and(|text| text.chars().nth(EXCEPTION_STRATEGY_CHARS_MAX).is_some()) {
            let expected = format!("at most {EXCEPTION_STRATEGY_CHARS_MAX} characters");
            return Err(Refusal::unfit("exception_strategy", &expected));
        }
        let unfit = |name: &str| Refusal::unfit(name, "a known word");
        Ok(TaskSpec {
            name: task_name.parse().map_err(|_| unfit("task_name"))?,
            destination: self.destination,
            consumer_strategy: match strategy {
                None => ConsumerStrategy::Latest,
                Some(word) => word.parse().map_err(|_| unfit("consumer_strategy"))?,
            },
            file_type: match file_type {
                None => FileType::Text,
                Some(word) => word.parse().map_err(|_| unfit("destination_file_type"))?,
            },
            descriptor: Descriptor::new(&members.write(SECRET))
                .map_err(|error| Refusal::unfit(name, &error.to_string()))?,
            exception_strategy: exception_strategy.map(Into::into),
        })
    }

    fn check_destination(&self, members: &Members<'_>, within: TaskLimits) -> Result<(), Refusal> {
        match self.destination {
            Destination::Obs => {
                check_all(OBS, members)?;
                file_size(within).check(members)?;
                check_processing_schema(members)
            }
            Destination::Mrs => check_all(MRS, members),
            Destination::Dli => check_all(DLI, members),
            Destination::Dws => check_all(DWS, members).and_then(|()| check_dws_options(members)),
            Destination::CloudTable => cloud_table::check(members, self.time_series),
        }
    }
}
