use millpond_model::{Descriptor, Destination, FileType, TaskState};

use super::*;
use crate::{PlusReading, v2::parse_body};

fn spec(body: &str) -> Result<millpond_model::TaskSpec, Refusal> {
    parse_body::<TransferTaskRequest<'_>>(body.as_bytes())?
        .described()?
        .into_spec(millpond_model::Limits::default().tasks)
}

/// A body with one descriptor.
fn body(kind: &str, member: &str, descriptor: &str) -> String {
    format!(r#"{{"destination_type":"{kind}","{member}_destination_descriptor":{descriptor}}}"#)
}

fn obs(members: &str) -> String {
    body("OBS", "obs", &format!(r#"{{"task_name":"t","obs_bucket_path":"b"{members}}}"#))
}

const MRS: &str = r#"{"task_name":"t","mrs_cluster_name":"c","mrs_cluster_id":"i","mrs_hdfs_path":"/user","obs_bucket_path":"b"}"#;
const DLI: &str = r#"{"task_name":"t","dli_database_name":"d","dli_table_name":"t","obs_bucket_path":"b"}"#;
const DWS: &str = r#"{"task_name":"t","dws_cluster_name":"c","dws_cluster_id":"i","dws_database_name":"d","dws_schema":"s","dws_table_name":"t","dws_delimiter":"","user_name":"u","user_password":"hidden","kms_user_key_name":"k","kms_user_key_id":"k","obs_bucket_path":"b"}"#;
const ROW: &str = r#"{"row_key":[{"value":"a","type":"String"}],"columns":[{"column_family_name":"f","column_name":"c_1","value":"b","type":"bigint"}]}"#;
const SERIES: &str = r#"{"metric":[{"type":"Constant","value":"a.b"}],"timestamp":{"type":"String","value":"t","format":"yyyy-MM-dd HH:mm:ss"},"value":{"type":"Double","value":"v"},"tags":[{"name":"n","type":"String","value":"v"}]}"#;

fn cloud_table(members: &str) -> String {
    format!(r#"{{"task_name":"t","cloudtable_cluster_name":"c","cloudtable_cluster_id":"i"{members}}}"#)
}

#[test]
fn the_destination_is_found_in_every_spelling() {
    let check = |body: &str, expected: Destination| {
        assert_eq!(spec(body).map(|spec| spec.destination), Ok(expected), "{body}");
    };
    let wide = cloud_table(&format!(r#","cloudtable_table_name":"t","cloudtable_schema":{ROW}"#));
    let series = cloud_table(&format!(r#","opentsdb_schema":[{SERIES}]"#));
    let one_series = cloud_table(&format!(r#","opentsdb_schema":{SERIES}"#));
    check(&obs(""), Destination::Obs);
    check(&obs("").replace("OBS", "obs"), Destination::Obs);
    check(&obs("").replace("OBS", ""), Destination::Obs);
    check(&obs("").replace("OBS", "NOWHERE"), Destination::Obs);
    check(&obs("").replace("\"OBS\"", "null"), Destination::Obs);
    check(
        &format!(r#"{{"obs_destination_descriptor":[{}]}}"#, r#"{"task_name":"t","obs_bucket_path":"b"}"#),
        Destination::Obs,
    );
    check(&body("MRS", "mrs", MRS), Destination::Mrs);
    check(&body("MRS", "mrs", &MRS.replace("hdfs_path", "hdfs_patch")), Destination::Mrs);
    check(&body("", "mrs", MRS), Destination::Mrs);
    check(&body("DLI", "dli", DLI), Destination::Dli);
    check(&body("UQUERY", "dli", &DLI.replace("dli_", "uquery_")), Destination::Dli);
    check(&body("DLI", "mrs", DLI), Destination::Dli);
    check(&body("DWS", "dws", DWS), Destination::Dws);
    check(&body("CLOUDTABLE", "cloudtable", &wide), Destination::CloudTable);
    check(&body("CLOUDTABLE", "cloudtable", &series), Destination::CloudTable);
    check(&body("OPENTSDB", "cloudtable", &one_series), Destination::CloudTable);
    check(&body("default", "cloudtable", &series), Destination::CloudTable);
}

#[test]
fn requests_without_a_descriptor_say_which_one_is_missing() {
    let check = |body: &str, missing: &str| {
        let refusal = spec(body).unwrap_err();
        let expected = format!("Invalid request. [Invalid {missing} null.]");
        assert_eq!((refusal.code_str(), refusal.message()), ("DIS.4200", expected.as_str()), "{body}");
    };
    check("{}", "obs_destination_descriptor");
    check(r#"{"destination_type":"MRS"}"#, "mrs_destination_descriptor");
    check(&body("DWS", "dli", DLI), "dws_destination_descriptor");
    check(r#"{"destination_type":"OBS","obs_destination_descriptor":null}"#, "obs_destination_descriptor");
    let two = format!(r#"{{"dli_destination_descriptor":{DLI},"mrs_destination_descriptor":{MRS}}}"#);
    check(&two, "destination_type");
    check(&body("OPENTSDB", "cloudtable", &cloud_table("")), "opentsdb_schema");
    check(&body("CLOUDTABLE", "cloudtable", &cloud_table("")), "cloudtable_schema");
}

#[test]
fn members_are_refused_by_name() {
    let check = |body: &str, message: &str| {
        let refusal = spec(body).unwrap_err();
        let shown = refusal.message().trim_start_matches("Invalid request. ");
        assert_eq!((refusal.code_str(), shown), ("DIS.4200", message), "{body}");
    };
    let invalid = |members: &str, message: &str| check(&obs(members), message);
    check(
        &obs("").replace("OBS", "X"),
        "[Invalid destination_type X. Expected: OBS, MRS, DLI, DWS or CLOUDTABLE.]",
    );
    check(
        &obs("").replace("\"t\"", "\"a.b\""),
        "[Invalid task_name a.b. Expected: 1 to 64 of A-Z a-z 0-9 _ -.]",
    );
    check(&obs("").replace("\"t\"", "\"\""), "[Invalid task_name null.]");
    check(&obs("").replace("\"b\"", "null"), "[Invalid obs_bucket_path null.]");
    check(&obs("").replace("\"b\"", "{}"), "[Invalid obs_bucket_path. Expected: a text.]");
    invalid(r#","deliver_time_interval":29"#, "[Invalid deliver_time_interval 29. Expected: 30 to 900.]");
    invalid(r#","deliver_time_interval":"901""#, "[Invalid deliver_time_interval 901. Expected: 30 to 900.]");
    invalid(r#","deliver_time_interval":30.5"#, "[Invalid deliver_time_interval 30.5. Expected: 30 to 900.]");
    invalid(r#","retry_duration":"7201""#, "[Invalid retry_duration 7201. Expected: 0 to 7200.]");
    invalid(r#","retry_duration":-1"#, "[Invalid retry_duration -1. Expected: 0 to 7200.]");
    invalid(
        r#","consumer_strategy":"EARLIEST""#,
        "[Invalid consumer_strategy EARLIEST. Expected: LATEST or TRIM_HORIZON.]",
    );
    invalid(
        r#","file_prefix":"/a""#,
        "[Invalid file_prefix /a. Expected: at most 50 of A-Z a-z 0-9 _ /, the first no /.]",
    );
    invalid(
        r#","partition_format":"yy""#,
        "[Invalid partition_format yy. Expected: yyyy, yyyy/MM, yyyy/MM/dd, yyyy/MM/dd/HH or yyyy/MM/dd/HH/mm.]",
    );
    invalid(
        r#","destination_file_type":"carbon""#,
        "[Invalid destination_file_type carbon. Expected: text or parquet.]",
    );
    invalid(
        r#","record_delimiter":"x""#,
        "[Invalid record_delimiter x. Expected: a comma, a semicolon, | or a new line.]",
    );
    invalid(r#","deliver_size_interval":301"#, "[Invalid deliver_size_interval 301. Expected: 1 to 300.]");
    invalid(r#","compression_format":"zip""#, "[Invalid compression_format zip. Expected: none or gzip.]");
    let agency = format!(r#","agency_name":"{}""#, "a".repeat(65));
    invalid(&agency, "[Invalid agency_name. Expected: at most 64 characters.]");
    invalid(
        r#","processing_schema":{"timestamp_name":"n","timestamp_type":"Date"}"#,
        "[Invalid timestamp_type Date. Expected: String or Timestamp.]",
    );
    invalid(r#","processing_schema":7"#, "[Invalid processing_schema. Expected: an object of texts.]");
    let format = spec(&obs(r#","processing_schema":{"timestamp_name":"n","timestamp_type":"STRING"}"#));
    assert!(format.unwrap_err().message().starts_with("Invalid request. [Invalid timestamp_format ."));
    let object = "[Invalid obs_destination_descriptor. Expected: an object, each of its members once.]";
    for descriptor in ["7", "[]", "[{},{}]", r#"{"task_name":"t","task_name":"u"}"#] {
        check(&body("OBS", "obs", descriptor), object);
    }
    let long = format!(r#","x":"{}""#, "x".repeat(16 * 1024));
    invalid(&long, "[Invalid obs_destination_descriptor. Expected: at most 16384 bytes.]");
    check(
        &body("MRS", "mrs", &MRS.replace("/user", "user")),
        "[Invalid mrs_hdfs_path user. Expected: an absolute path.]",
    );
    check(&body("DLI", "dli", &DLI.replace("dli_table_name", "x")), "[Invalid dli_table_name null.]");
    check(&body("DWS", "dws", &DWS.replace("user_password", "x")), "[Invalid user_password null.]");
    let secret = DWS.replace("hidden", &"hidden".repeat(100));
    check(&body("DWS", "dws", &secret), "[Invalid user_password. Expected: at most 256 characters.]");
    let options = |text: &str| body("DWS", "dws", &DWS.replace('}', &format!(r#","options":{text}}}"#)));
    check(&options("[]"), "[Invalid options. Expected: an object.]");
    check(
        &options(r#"{"fill_missing_fields":"yes"}"#),
        "[Invalid fill_missing_fields yes. Expected: true, on, false or off.]",
    );
    check(
        &options(r#"{"reject_limit":"many"}"#),
        "[Invalid reject_limit many. Expected: an integer or unlimited.]",
    );
    assert!(spec(&options(r#"{"reject_limit":"unlimited","ignore_extra_data":"on"}"#)).is_ok());
    let strategy =
        obs("").replace("{\"dest", &format!(r#"{{"exception_strategy":"{}","dest"#, "x".repeat(65)));
    check(&strategy, "[Invalid exception_strategy. Expected: at most 64 characters.]");
}

#[test]
fn schemas_of_tables_have_codes_of_their_own() {
    let check = |members: &str, code: &str| {
        let members = format!(r#","cloudtable_table_name":"t",{members}"#);
        let refusal = spec(&body("CLOUDTABLE", "cloudtable", &cloud_table(&members)));
        assert_eq!(refusal.map_err(|refusal| refusal.code_str()).err(), Some(code), "{members}");
    };
    let wide = |from: &str, to: &str, code: &str| {
        check(&format!(r#""cloudtable_schema":{}"#, ROW.replacen(from, to, 1)), code);
    };
    wide("row_key", "x", "DIS.4345");
    wide(r#"{"value":"a","type":"String"}"#, "", "DIS.4345");
    wide("String", "Text", "DIS.4345");
    wide("c_1", "c-1", "DIS.4345");
    wide("bigint", "", "DIS.4345");
    wide(r#""f""#, r#""""#, "DIS.4343");
    wide(r#""column_family_name":"f","#, "", "DIS.4343");
    let series = |from: &str, to: &str| {
        check(&format!(r#""opentsdb_schema":[{}]"#, SERIES.replacen(from, to, 1)), "DIS.4348");
    };
    series("metric", "x");
    series("Constant", "Double");
    series("a.b", "a_b");
    series("yyyy-MM-dd HH:mm:ss", "yyyy");
    series("Double", "x");
    series(r#""n""#, r#""""#);
    check(r#""opentsdb_schema":[]"#, "DIS.4348");
    check(&format!(r#""opentsdb_schema":[{SERIES}],"cloudtable_schema":{ROW}"#), "DIS.4200");
}

#[test]
fn what_was_sent_is_kept_byte_for_byte_but_for_a_password() {
    let check = |body: &str, kept: &str| assert_eq!(spec(body).unwrap().descriptor.as_str(), kept, "{body}");
    let members = r#","deliver_time_interval":"30","record_delimiter":"\\n","file_prefix":"_pf","processing_schema":{"timestamp_name": "","timestamp_type":""},"agency_name":"\u00fc","carbon_properties":null,"new":[1.0,2e3]"#;
    check(&obs(members), &format!(r#"{{"task_name":"t","obs_bucket_path":"b"{members}}}"#));
    check(
        "{\"obs_destination_descriptor\" : { \"task_name\" : \"t\" ,\n\"obs_bucket_path\":\t\"b\" } }",
        r#"{"task_name":"t","obs_bucket_path":"b"}"#,
    );
    check(&body("DWS", "dws", DWS), &DWS.replace(r#""user_password":"hidden","#, ""));
    let spec =
        spec(&obs(r#","destination_file_type":"parquet","consumer_strategy":"TRIM_HORIZON""#)).unwrap();
    assert_eq!((spec.file_type, spec.consumer_strategy.as_str()), (FileType::Parquet, "TRIM_HORIZON"));
}

#[test]
fn descriptions_have_the_names_that_clients_know() {
    let check = |destination: Destination, sent: &str, shown: &str| {
        let description = DestinationDescription { destination, descriptor: Descriptor::new(sent).unwrap() };
        assert_eq!(serde_json::to_string(&description).unwrap(), shown);
    };
    check(
        Destination::Obs,
        r#"{"record_delimiter":"\\n"}"#,
        r#"{"obs_destination_description":{"record_delimiter":"\\n","retry_duration":0}}"#,
    );
    check(
        Destination::Obs,
        r#"{"retry_duration":"5"}"#,
        r#"{"obs_destination_description":{"retry_duration":"5"}}"#,
    );
    check(
        Destination::Mrs,
        r#"{"deliver_time_interval":"30"}"#,
        r#"{"mrs_destination_description":{"deliver_time_interval":"30","hdfs_prefix_folder":"","retry_duration":"1800"}}"#,
    );
    check(
        Destination::Dli,
        r#"{"deliver_time_interval":30}"#,
        r#"{"dli_destination_description":{"deliver_time_interval":30,"retry_duration":1800}}"#,
    );
    check(
        Destination::Dws,
        r#"{"dws_table_columns":"a","retry_duration":1}"#,
        concat!(
            r#"{"dws_destination_descripton":{"dws_table_columns":"a","retry_duration":1},"#,
            r#""dws_destination_description":{"dws_table_columns":"a","retry_duration":1}}"#
        ),
    );
    let table = r#"{"backup_file_prefix":"p","retry_duration":1,"cloudtable_row_key_delimiter":"."}"#;
    check(
        Destination::CloudTable,
        r#"{"backup_file_prefix":"p","retry_duration":1}"#,
        &format!(
            r#"{{"cloudtable_destination_descripton":{table},"cloudtable_destination_description":{table},"cloud_table_destination_description":{table}}}"#
        ),
    );
}

#[test]
fn actions_are_read() {
    let check = |body: &str, expected: Result<(TaskState, &[&str]), &str>| {
        let action =
            parse_body::<TaskActionRequest<'_>>(body.as_bytes()).and_then(TaskActionRequest::into_action);
        let got = action.map(|action| (action.state, action.tasks));
        match (got, expected) {
            (Ok((state, tasks)), Ok((expected, ids))) => {
                let tasks: Vec<&str> = tasks.iter().map(millpond_model::TaskSelector::as_str).collect();
                assert_eq!((state, tasks.as_slice()), (expected, ids), "{body}");
            }
            (Err(refusal), Err(message)) => assert_eq!(refusal.message(), message, "{body}"),
            (got, _) => panic!("{body}: {got:?}"),
        }
    };
    check(r#"{"action":"start","tasks":[{"id":"a"}]}"#, Ok((TaskState::Running, &["a"])));
    check(
        r#"{"action":"STOP","stream_name":"s","tasks":[{"id":"a"},{"id":7}]}"#,
        Ok((TaskState::Paused, &["a", "7"])),
    );
    let invalid = "Invalid request. [Invalid action pause. Expected: start or stop.]";
    check(r#"{"action":"pause","tasks":[{"id":"a"}]}"#, Err(invalid));
    check("{}", Err("Invalid request. [Invalid action null.]"));
    check(r#"{"action":"stop","tasks":null}"#, Err("Invalid request. [Invalid tasks null.]"));
    check(r#"{"action":"stop","tasks":[{"id":""}]}"#, Err("Invalid request. [Invalid id null.]"));
    let many = format!(r#"{{"action":"stop","tasks":[{}]}}"#, [r#"{"id":"a"}"#; 101].join(","));
    check(&many, Err("Invalid request. [Invalid tasks. Expected: at most 100 tasks.]"));
}

#[test]
fn lists_take_the_parameters_of_real_clients() {
    let check = |raw: &str, limit: u32, start: Option<&str>| {
        let query = crate::Query::parse(raw, PlusReading::Space).unwrap();
        let expected = ListTasksQuery { limit, start_after: start.map(str::to_owned) };
        assert_eq!(ListTasksQuery::parse(&query), Ok(expected), "{raw}");
    };
    check("start_task_name&limit=0", 100, None);
    check("stream_name=s&limit=10&", 10, None);
    check("limit=2&start_task_name=a", 2, Some("a"));
}
