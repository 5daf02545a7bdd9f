//! A schema out of a sample (spec/09 §6.3).
//!
//! ```text
//! {"id":7,"at":{"x":1.5},"tags":["a"],"note":null}
//!    long    record         array      ["null","string"]
//! ```

use std::{cell::Cell, fmt};

use millpond_model::limits;
use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::lenient;
use crate::{Code, Refusal};

/// The record's name. Those of records inside it have a number behind it, because Avro wants every name once.
const RECORD_NAME: &str = "RecordName";

/// Fewest bytes that a field takes in a schema: `{"name":"a","type":"long"},`.
const FIELD_BYTES_MIN: usize = 27;

/// Most fields of a schema that a stream may have.
const FIELDS_MAX: usize = limits::DATA_SCHEMA_BYTES_MAX / FIELD_BYTES_MIN;

/// Body of `POST /v1/{project_id}/schema`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferSchemaRequest {
    /// A record as producers send it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub source_data_sample: Option<String>,
}

/// Answer of `POST /v1/{project_id}/schema`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferSchemaResponse {
    /// The Avro schema of a record, as text.
    pub schema: String,
}

impl InferSchemaRequest {
    /// The schema that the sample fits.
    ///
    /// # Errors
    /// `DIS.4200` when the sample is absent, not a JSON object, has a member that Avro cannot name, or would
    /// need a schema larger than a stream may have.
    pub fn infer(&self) -> Result<InferSchemaResponse, Refusal> {
        let sample = self.source_data_sample.as_deref();
        let sample = sample.ok_or_else(|| Refusal::missing("source_data_sample"))?;
        let refused = |error: &serde_json::Error| {
            Code::InvalidRequest.about(format_args!("Invalid source_data_sample: {error}."))
        };
        let seen = Seen::default();
        let mut reader = serde_json::Deserializer::from_str(sample);
        let schema = Shape(&seen).deserialize(&mut reader).map_err(|error| refused(&error))?;
        reader.end().map_err(|error| refused(&error))?;
        if !matches!(schema, Schema::Record { .. }) {
            return Err(Refusal::unfit("source_data_sample", "a JSON object"));
        }
        let schema = serde_json::to_string(&schema).map_err(|error| refused(&error))?;
        if schema.len() > limits::DATA_SCHEMA_BYTES_MAX {
            let expected =
                format!("a sample whose schema has at most {} bytes", limits::DATA_SCHEMA_BYTES_MAX);
            return Err(Refusal::unfit("source_data_sample", &expected));
        }
        Ok(InferSchemaResponse { schema })
    }
}

/// A schema in Avro's JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Schema {
    Word(&'static str),
    /// Of nothing it cannot be told what else it might be.
    Nullable([&'static str; 2]),
    Array {
        r#type: &'static str,
        items: Box<Schema>,
    },
    Record {
        r#type: &'static str,
        name: String,
        fields: Vec<Field>,
    },
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    r#type: Schema,
}

const NULLABLE: Schema = Schema::Nullable(["null", "string"]);

/// How much of the sample was read.
#[derive(Debug, Default)]
struct Seen {
    records: Cell<usize>,
    fields: Cell<usize>,
}

/// Reads a value and keeps its shape only.
#[derive(Clone, Copy)]
struct Shape<'a>(&'a Seen);

impl<'de> DeserializeSeed<'de> for Shape<'_> {
    type Value = Schema;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Schema, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape<'_> {
    type Value = Schema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Schema, E> {
        Ok(NULLABLE)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Schema, E> {
        Ok(Schema::Word("boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Schema, E> {
        Ok(Schema::Word("long"))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Schema, E> {
        Ok(Schema::Word(if i64::try_from(number).is_ok() { "long" } else { "double" }))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Schema, E> {
        Ok(Schema::Word("double"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Schema, E> {
        Ok(Schema::Word("string"))
    }

    /// The first element speaks for all.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Schema, A::Error> {
        let items = Box::new(elements.next_element_seed(self)?.unwrap_or(NULLABLE));
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Schema::Array { r#type: "array", items })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Schema, A::Error> {
        let number = self.0.records.replace(self.0.records.get() + 1);
        let name = if number == 0 { RECORD_NAME.to_owned() } else { format!("{RECORD_NAME}{number}") };
        let mut fields: Vec<Field> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if fields.iter().any(|field| field.name == name) {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            self.admit(&name)?;
            let r#type = members.next_value_seed(self)?;
            fields.push(Field { name, r#type });
        }
        Ok(Schema::Record { r#type: "record", name, fields })
    }
}

impl Shape<'_> {
    /// Whether there may be one more field, of this name.
    fn admit<E: de::Error>(self, name: &str) -> Result<(), E> {
        if self.0.fields.replace(self.0.fields.get() + 1) >= FIELDS_MAX {
            return Err(E::custom(format_args!("more than {FIELDS_MAX} members")));
        }
        let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let starts = name.bytes().next().is_some_and(letter);
        if starts && name.bytes().all(|b| letter(b) || b.is_ascii_digit()) {
            return Ok(());
        }
        Err(E::custom(format_args!(
            "the member {name:?} cannot be a field of a schema, use letters, digits and _"
        )))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn infer(sample: &str) -> Result<String, String> {
        let request = InferSchemaRequest { source_data_sample: Some(sample.to_owned()) };
        request.infer().map(|response| response.schema).map_err(|refusal| refusal.message().to_owned())
    }

    #[test]
    fn samples_have_their_schemas() {
        let check = |sample: &str, fields: &str| {
            let expected = format!(r#"{{"type":"record","name":"RecordName","fields":[{fields}]}}"#);
            assert_eq!(infer(sample), Ok(expected), "{sample}");
        };
        check("{}", "");
        check(
            r#" {"s":"x","l":-7,"d":1.5,"b":true,"n":null} "#,
            concat!(
                r#"{"name":"s","type":"string"},{"name":"l","type":"long"},{"name":"d","type":"double"},"#,
                r#"{"name":"b","type":"boolean"},{"name":"n","type":["null","string"]}"#
            ),
        );
        check(
            r#"{"a":9223372036854775807,"b":9223372036854775808,"c":1e3}"#,
            r#"{"name":"a","type":"long"},{"name":"b","type":"double"},{"name":"c","type":"double"}"#,
        );
        check(
            r#"{"a":[1,"x",{}],"e":[],"r":[{"x":1},{"y":2}]}"#,
            concat!(
                r#"{"name":"a","type":{"type":"array","items":"long"}},"#,
                r#"{"name":"e","type":{"type":"array","items":["null","string"]}},"#,
                r#"{"name":"r","type":{"type":"array","items":{"type":"record","name":"RecordName1","#,
                r#""fields":[{"name":"x","type":"long"}]}}}"#
            ),
        );
        // Every record has a name of its own, and a member counts once.
        check(
            r#"{"o":{"i":{}},"p":{},"o":1}"#,
            concat!(
                r#"{"name":"o","type":{"type":"record","name":"RecordName1","fields":[{"name":"i","#,
                r#""type":{"type":"record","name":"RecordName2","fields":[]}}]}},"#,
                r#"{"name":"p","type":{"type":"record","name":"RecordName3","fields":[]}}"#
            ),
        );
    }

    #[test]
    fn what_has_no_schema_is_refused() {
        let check = |sample: &str, expected: &str| {
            assert_eq!(
                infer(sample),
                Err(format!("Invalid request. [Invalid source_data_sample{expected}]"))
            );
        };
        for sample in ["[]", "1", "\"x\"", "null", "[{}]"] {
            check(sample, ". Expected: a JSON object.");
        }
        check("{", ": EOF while parsing an object at line 1 column 1.");
        check("{} x", ": trailing characters at line 1 column 4.");
        let deep = format!("{}{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        check(&deep, ": recursion limit exceeded at line 1 column 636.");
        let name = |name: &str| infer(&format!(r#"{{"{name}":1}}"#)).unwrap_err();
        for bad in ["", "a b", "1a", "ключ", "a-b"] {
            assert!(name(bad).contains("cannot be a field of a schema"), "{bad}");
        }
        let absent = InferSchemaRequest::default().infer().unwrap_err();
        assert_eq!(absent.message(), "Invalid request. [Invalid source_data_sample null.]");
    }

    /// A schema is no larger than a stream may have it, however many members a sample has.
    #[test]
    fn large_samples_are_refused() {
        let members = |count: usize, name: &str| {
            let members: Vec<_> = (0..count).map(|i| format!(r#""{name}{i}":{{}}"#)).collect();
            infer(&format!("{{{}}}", members.join(",")))
        };
        assert!(members(100, "m").is_ok());
        let long = members(900, "m").unwrap_err();
        assert!(long.contains("a sample whose schema has at most"), "{long}");
        let many = members(100_000, "m").unwrap_err();
        assert!(many.contains("more than 1213 members"), "{many}");
    }

    proptest! {
        #[test]
        fn any_sample_is_read_without_panic(sample in r#"[{}\[\]",:a1.e\-nul t]{0,60}"#) {
            let _ = infer(&sample);
        }
    }
}
