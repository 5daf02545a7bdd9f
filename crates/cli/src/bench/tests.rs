use clap::Parser;
use millpond_client::Credentials;

use super::{
    args::{BenchCommand, By, Form},
    *,
};
use crate::testing::words;

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    args: BenchArgs,
}

fn parse(line: &str) -> Result<BenchArgs, clap::Error> {
    Program::try_parse_from(words(&format!("bench {line}"))).map(|program| program.args)
}

fn maker(form: Form) -> Maker {
    let settings = Settings {
        endpoint: "http://h:1".to_owned(),
        project: "p".parse().unwrap(),
        credentials: Credentials::None,
        origin: String::new(),
        region: None,
        certificates: Vec::new(),
    };
    Maker::new("h:1", &settings, form, false)
}

#[test]
fn loads_fill_in_what_is_not_given() {
    let check = |line: &str, expected: Option<(u32, u32, u32)>| {
        let shape = parse(line).ok().and_then(|args| Shape::of(&args.command).ok());
        assert_eq!(
            shape.map(|shape| (shape.connections, shape.records, shape.partitions)),
            expected,
            "{line}"
        );
    };
    check("put", Some((64, 100, 16)));
    check("put -n 500 -c 8 -P 4", Some((8, 500, 4)));
    check("e2e", Some((64, 1, 64)));
    check("e2e -c 4 -P 8", Some((4, 1, 8)));
    check("e2e -c 4 -P 3", None);
    check("get", Some((64, 1000, 16)));
    check("get --walk", None);
    check("get --walk --endpoint http://h -s s", Some((64, 1000, 16)));
    check("put --stream s", None);
    check("put --rate 0", None);
    check("put --duration 5m", None);
    check("put --duration 0s", None);
    check("put -c 0", None);
    check("put --data-dir d --endpoint http://h", None);
}

#[test]
fn requests_reach_every_partition() {
    let args = parse("put -n 3 -P 7 -b 10").unwrap();
    let shape = Shape::of(&args.command).unwrap();
    let BenchCommand::Put(load) = &args.command else { panic!("not put") };
    assert_eq!(load.by, By::Partition);
    let text: String = maker(Form::Json)
        .puts("s", &shape, By::Partition)
        .iter()
        .map(|request| String::from_utf8(request.to_vec()).unwrap())
        .collect();
    for partition in 0..7 {
        assert!(text.contains(&format!("shardId-{partition:010}")), "{partition}");
    }
    let first = maker(Form::Json).put_into("s", &shape, 5);
    let (head, body) = std::str::from_utf8(&first).unwrap().split_once("\r\n\r\n").unwrap();
    assert_eq!(
        head,
        format!(
            "POST /v2/p/records HTTP/1.1\r\nhost: h:1\r\ncontent-type: application/json\r\ncontent-length: {}",
            body.len()
        )
    );
    assert_eq!(body.matches("shardId-0000000005").count(), 3);
}

#[test]
fn addresses_have_a_port() {
    assert_eq!(address("127.0.0.1:7347").unwrap().port(), 7347);
    assert_eq!(address("127.0.0.1").unwrap().port(), 80);
}
