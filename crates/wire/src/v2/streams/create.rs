//! `POST /streams` (spec/02 §1).

use millpond_model::{
    AutoScale, Limits, PartitionCount, RetentionHours, StreamName, StreamSpec, StreamType, limits,
};
use serde::{Deserialize, Serialize};

use super::{TagEntry, auto_scale_bound, data_schema, data_type, retention, tags, word};
use crate::{Refusal, v2::lenient};

/// The body of a create request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateStreamRequest {
    /// 1 to 64 of `A-Z a-z 0-9 _ -`.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_name: Option<String>,
    /// 1 or more.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub partition_count: Option<i64>,
    /// `COMMON` or `ADVANCED`.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub stream_type: Option<String>,
    /// `BLOB`, `JSON`, `CSV` or `FILE`.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// Hours to keep records; 0 is the default.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub data_duration: Option<i64>,
    /// Automatic scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scale_enabled: Option<bool>,
    /// Least partitions of automatic scaling.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub auto_scale_min_partition_count: Option<i64>,
    /// Most partitions of automatic scaling.
    #[serde(default, deserialize_with = "lenient::int", skip_serializing_if = "Option::is_none")]
    pub auto_scale_max_partition_count: Option<i64>,
    /// Avro schema text.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub data_schema: Option<String>,
    /// How CSV records are separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv_properties: Option<CsvProperties>,
    /// `snappy`, `gzip` or `zip`.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub compression_format: Option<String>,
    /// At most ten, unless the server admits more.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagEntry>,
    /// The platform's tag.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub sys_tags: Vec<TagEntry>,
}

/// How CSV records are separated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvProperties {
    /// The delimiter.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
}

impl CreateStreamRequest {
    /// What the stream shall be.
    ///
    /// # Errors
    /// `DIS.4200` about the first member that cannot be used; `DIS.4601` for too many tags.
    pub fn into_spec(self, within: &Limits) -> Result<StreamSpec, Refusal> {
        let name = stream_name(self.stream_name.as_deref(), within.stream_name_chars)?;
        let partitions = partition_count("partition_count", self.partition_count)?;
        let mut spec = StreamSpec::new(name, partitions);
        if let Some(text) = &self.stream_type {
            spec.stream_type = word::<StreamType>("stream_type", text)?;
        }
        if let Some(data_type) = data_type(self.data_type.as_deref())? {
            spec.data_type = data_type;
        }
        let default = || RetentionHours::new(within.retention.default).unwrap_or_default();
        spec.retention = retention(self.data_duration, within.retention)?.unwrap_or_else(default);
        spec.auto_scale = self.auto_scale()?;
        spec.csv_delimiter = csv_delimiter(self.csv_properties)?;
        spec.compression_format =
            self.compression_format.as_deref().map(|text| word("compression_format", text)).transpose()?;
        spec.tags = tags::tags(&self.tags, within.stream_tags)?;
        spec.sys_tags = tags::system_tags(&self.sys_tags)?;
        spec.data_schema = data_schema(self.data_schema)?;
        Ok(spec)
    }

    fn auto_scale(&self) -> Result<AutoScale, Refusal> {
        let enabled = self.auto_scale_enabled.unwrap_or(false);
        let min = auto_scale_bound("auto_scale_min_partition_count", self.auto_scale_min_partition_count)?;
        let max = auto_scale_bound("auto_scale_max_partition_count", self.auto_scale_max_partition_count)?;
        if enabled && min == 0 {
            return Err(Refusal::missing("auto_scale_min_partition_count"));
        }
        if enabled && max < min {
            let expected = format!("{min} or more, the least partition count");
            return Err(Refusal::invalid_expecting("auto_scale_max_partition_count", max, &expected));
        }
        Ok(AutoScale { enabled, min, max })
    }
}

fn stream_name(text: Option<&str>, chars_max: usize) -> Result<StreamName, Refusal> {
    let expected = format!("1 to {chars_max} of A-Z a-z 0-9 _ -");
    let refusal = || Refusal::invalid_expecting("stream_name", text.unwrap_or("null"), &expected);
    // A name has only letters of one byte.
    let fitting = text.filter(|text| text.len() <= chars_max);
    fitting.and_then(|text| text.parse().ok()).ok_or_else(refusal)
}

/// A partition count of 1 to 10,000; absent is refused as `null`.
pub(super) fn partition_count(name: &str, value: Option<i64>) -> Result<PartitionCount, Refusal> {
    let value = value.ok_or_else(|| Refusal::missing(name))?;
    let expected = format!("1 to {}", limits::STREAM_PARTITIONS_MAX);
    let count = u32::try_from(value).ok().and_then(|count| PartitionCount::new(count).ok());
    count.ok_or_else(|| Refusal::invalid_expecting(name, value, &expected))
}

fn csv_delimiter(properties: Option<CsvProperties>) -> Result<Option<std::sync::Arc<str>>, Refusal> {
    let delimiter = properties.and_then(|properties| properties.delimiter);
    match delimiter {
        Some(text) if text.len() > limits::CSV_DELIMITER_BYTES_MAX => {
            let expected = format!("at most {} bytes", limits::CSV_DELIMITER_BYTES_MAX);
            Err(Refusal::unfit("delimiter", &expected))
        }
        text => Ok(text.map(Into::into)),
    }
}

#[cfg(test)]
mod tests {
    use millpond_model::{CompressionFormat, DataType, RetentionHours, Tag};

    use super::*;
    use crate::v2::parse_body;

    fn parse(body: &str) -> Result<StreamSpec, Refusal> {
        parse_body::<CreateStreamRequest>(body.as_bytes())?.into_spec(&Limits::default())
    }

    fn spec(name: &str, partitions: u32) -> StreamSpec {
        StreamSpec::new(name.parse().unwrap(), PartitionCount::new(partitions).unwrap())
    }

    #[test]
    fn what_real_clients_send_becomes_a_stream() {
        let check = |body: &str, expected: StreamSpec| assert_eq!(parse(body), Ok(expected), "{body}");
        let go = r#"{"stream_name":"s","partition_count":3,"stream_type":"COMMON","data_duration":24,
            "data_type":"BLOB","data_schema":"","tags":null}"#;
        check(go, spec("s", 3));
        let java = r#"{"private":false,"stream_name":"s","stream_type":"COMMON","partition_count":1,
            "is_private":false}"#;
        check(java, spec("s", 1));
        check(r#"{"stream_name":"null","partition_count":"2","csv_properties":{}}"#, spec("null", 2));
        check(
            r#"{"stream_name":"s","partition_count":1,"data_duration":0,"auto_scale_enabled":null,
                "auto_scale_min_partition_count":0,"auto_scale_max_partition_count":0,"csv_properties":null}"#,
            spec("s", 1),
        );
        check(
            r#"{"stream_name":"s","partition_count":1,"stream_type":"ADVANCED","data_type":"CSV",
                "data_duration":168,"auto_scale_enabled":true,"auto_scale_min_partition_count":2,
                "auto_scale_max_partition_count":3,"data_schema":"{}","csv_properties":{"delimiter":";"},
                "compression_format":"zip","tags":[{"key":"k","value":null}],
                "sys_tags":[{"key":"_sys_enterprise_project_id","value":"0"}]}"#,
            StreamSpec {
                stream_type: StreamType::Advanced,
                data_type: DataType::Csv,
                retention: RetentionHours::new(168).unwrap(),
                auto_scale: AutoScale { enabled: true, min: 2, max: 3 },
                data_schema: Some("{}".into()),
                csv_delimiter: Some(";".into()),
                compression_format: Some(CompressionFormat::Zip),
                tags: vec![Tag::new("k", "").unwrap()],
                sys_tags: vec![Tag::system(Tag::SYSTEM_KEY, "0").unwrap()],
                ..spec("s", 1)
            },
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |body: &str, code: &str, part: &str| {
            let refusal = parse(body).unwrap_err();
            assert_eq!(refusal.code_str(), code, "{body}");
            assert!(refusal.message().contains(part), "{body}: {}", refusal.message());
        };
        let with = |members: &str| format!(r#"{{"stream_name":"s","partition_count":1,{members}}}"#);
        let tags = |count: usize, same: bool| {
            let tag = |i: usize| format!(r#"{{"key":"k{}","value":"v"}}"#, if same { 0 } else { i });
            with(&format!(r#""tags":[{}]"#, (0..count).map(tag).collect::<Vec<_>>().join(",")))
        };
        check("", "DIS.4202", "Empty request.");
        check("{}", "DIS.4200", "[Invalid stream_name null.");
        check(
            r#"{"stream_name":"bad name","partition_count":1}"#,
            "DIS.4200",
            "[Invalid stream_name bad name.",
        );
        check(r#"{"stream_name":"s"}"#, "DIS.4200", "[Invalid partition_count null.]");
        check(r#"{"stream_name":"s","partition_count":0}"#, "DIS.4200", "[Invalid partition_count 0.");
        check(r#"{"stream_name":"s","partition_count":-1}"#, "DIS.4200", "[Invalid partition_count -1.");
        check(r#"{"stream_name":"s","partition_count":10001}"#, "DIS.4200", "Expected: 1 to 10000.]");
        check(r#"{"stream_name":"s","partition_count":"x"}"#, "DIS.4200", "Invalid JSON at line 1");
        check(&with(r#""stream_type":"BIG""#), "DIS.4200", "Expected: COMMON or ADVANCED.");
        check(&with(r#""data_type":"blob""#), "DIS.4200", "[Invalid data_type blob.");
        check(&with(r#""data_duration":169"#), "DIS.4200", "[Invalid data_duration 169.");
        check(&with(r#""data_duration":-1"#), "DIS.4200", "[Invalid data_duration -1.");
        check(&with(r#""compression_format":"rar""#), "DIS.4200", "[Invalid compression_format rar.");
        check(&with(r#""auto_scale_enabled":true"#), "DIS.4200", "auto_scale_min_partition_count null.");
        let scaling = r#""auto_scale_enabled":true,"auto_scale_min_partition_count":3,"auto_scale_max_partition_count":2"#;
        check(&with(scaling), "DIS.4200", "[Invalid auto_scale_max_partition_count 2.");
        check(
            &with(r#""auto_scale_min_partition_count":-1"#),
            "DIS.4200",
            "auto_scale_min_partition_count -1.",
        );
        check(
            &with(r#""csv_properties":{"delimiter":"12345678901234567"}"#),
            "DIS.4200",
            "[Invalid delimiter",
        );
        check(
            &with(&format!(r#""data_schema":"{}""#, "x".repeat(32_769))),
            "DIS.4200",
            "[Invalid data_schema",
        );
        check(&with(r#""sys_tags":[{"key":"k","value":"0"}]"#), "DIS.4200", "[Invalid sys_tag k=0.");
        check(&with(r#""tags":[{"key":"a b"}]"#), "DIS.4200", "[Invalid tag a b=.");
        check(&tags(11, false), "DIS.4601", "The number of resource tags has reached the maximum.");
        check(&tags(2, true), "DIS.4200", "Expected: each key once.");
        assert!(parse(&tags(10, false)).is_ok());
    }
}
