//! What the profiles limit, from the command line to the answer.

use serde_json::json;

use super::support::{
    api::{Client, Key},
    http::get,
    server::{SERVE, Server, millpond},
};

/// How many of so many small records, put in one request, are taken.
fn taken(client: &mut Client, count: usize) -> u64 {
    let records = vec![json!({"data": "eA==", "partition_id": "0"}); count];
    let answer = client.must("POST", "/records", Some(&json!({"stream_name": "s", "records": records})));
    count as u64 - answer["failed_record_count"].as_u64().unwrap()
}

#[test]
fn the_profile_decides_what_is_limited() {
    for (profile, expected) in [("", 5000), ("--profile default", 5000), ("--profile cloud", 1000)] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(millpond(dir.path(), &format!("{SERVE} {profile}")));
        let mut client = Client::new(server.port(), &Key::of(&dir.path().join("data")));
        client.create_stream("s", 1);
        // The bucket is full, and one request is decided on at one moment.
        assert_eq!(taken(&mut client, 5000), expected, "{profile:?}");
        let create = json!({"stream_name": "t", "partition_count": 50});
        let created = client.call("POST", "/streams", Some(&create)).unwrap();
        let expected = if expected == 5000 { (201, "") } else { (400, "DIS.4308") };
        let code = if created.status == 201 { String::new() } else { created.code() };
        assert_eq!((created.status, &*code), expected, "{profile:?}");
    }
}

#[test]
fn single_limits_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let limits = "--profile cloud --set limits.common_put_records_per_second=7 \
        --set limits.requests_per_second_per_project=unlimited --set limits.auth_failures_per_address=3";
    let server = Server::start(millpond(dir.path(), &format!("{SERVE} {limits}")));
    let key = Key::of(&dir.path().join("data"));
    let mut client = Client::new(server.port(), &key);
    client.create_stream("s", 1);
    assert_eq!(taken(&mut client, 20), 7);
    // All of this comes from one address.
    let mut thief = Client::new(server.port(), &Key { sk: "guessed".to_owned(), ..key });
    for _ in 0..3 {
        assert_eq!(thief.call("GET", "/streams", None).unwrap().code(), "DIS.4112");
    }
    for client in [&mut thief, &mut client] {
        let refused = client.call("GET", "/streams", None).unwrap();
        assert_eq!((refused.status, &*refused.code()), (400, "DIS.4309"));
    }
    assert_eq!(get(server.port(), "/readyz").status, 200);
}
