use std::path::Path;

use super::*;

const KEYS: &str = "# Access keys\n\n[[key]]\nproject_id = \"first\"\nak = \"AK1\"\nsk = \"hush1\"\n\n\
                    [[key]]\nproject_id = \"second\"\nak = \"AK2\"\nsk = \"hush2\"\n";

fn directory(keys: Option<&str>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".millpond")).unwrap();
    if let Some(keys) = keys {
        fs::write(directory.path().join(development::KEYS), keys).unwrap();
    }
    directory
}

fn shown(settings: Settings) -> String {
    let who = match settings.credentials {
        Credentials::None => "nobody".to_owned(),
        Credentials::Token(token) => format!("token {}", token.expose()),
        Credentials::AccessKey { access_key, secret_key, security_token } => {
            let token = security_token.map(|token| format!("+{}", token.expose())).unwrap_or_default();
            format!("{access_key}:{}{token}", secret_key.expose())
        }
    };
    format!("{} {} {who}", settings.endpoint, settings.project)
}

fn check(args: &GlobalArgs, variables: &[(&str, &str)], keys: Option<&str>, expected: Result<&str, &str>) {
    let directory = directory(keys);
    let got = Settings::resolve(args, &Environment::of(variables, directory.path()));
    let got = got.map(shown).map_err(|failure| failure.message);
    match (&got, expected) {
        (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{variables:?}"),
        (Err(got), Err(expected)) => assert!(got.contains(expected), "{variables:?}: {got}"),
        _ => panic!("{variables:?}: {got:?} is not {expected:?}"),
    }
}

#[test]
fn the_environment_names_server_and_key() {
    let none = GlobalArgs::default();
    let own = [("MILLPOND_PROJECT_ID", "p"), ("MILLPOND_AK", "a"), ("MILLPOND_SK", "s")];
    check(&none, &own, None, Ok("http://127.0.0.1:7347 p a:s"));
    let cloud = [
        ("MILLPOND_ENDPOINT", "https://dis.example"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", "p"),
        ("HUAWEICLOUD_SDK_AK", "a"),
        ("HUAWEICLOUD_SDK_SK", "s"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "t"),
    ];
    check(&none, &cloud, Some(KEYS), Ok("https://dis.example p a:s+t"));
    let terraform = [("MILLPOND_PROJECT_ID", "p"), ("HW_ACCESS_KEY", "a"), ("HW_SECRET_KEY", "s")];
    check(&none, &terraform, None, Ok("http://127.0.0.1:7347 p a:s"));
    let token = [("MILLPOND_PROJECT_ID", "p"), ("MILLPOND_TOKEN", "t"), ("MILLPOND_AK", "")];
    check(&none, &token, None, Ok("http://127.0.0.1:7347 p token t"));
}

#[test]
fn halves_of_two_keys_are_never_put_together() {
    let none = GlobalArgs::default();
    let mixed = [("MILLPOND_PROJECT_ID", "p"), ("MILLPOND_AK", "a"), ("HUAWEICLOUD_SDK_SK", "s")];
    check(&none, &mixed, None, Err("MILLPOND_AK is set, but MILLPOND_SK is not"));
    let both = [
        ("MILLPOND_PROJECT_ID", "p"),
        ("MILLPOND_AK", "a"),
        ("MILLPOND_SK", "s"),
        ("HUAWEICLOUD_SDK_AK", "b"),
        ("HUAWEICLOUD_SDK_SK", "c"),
    ];
    check(&none, &both, None, Ok("http://127.0.0.1:7347 p a:s"));
}

#[test]
fn flags_come_first() {
    let flags = GlobalArgs {
        endpoint: Some("http://localhost:1".into()),
        project: Some("q".parse().unwrap()),
        access_key: Some("b".into()),
        secret_key: Some(SecretKey::new("t")),
        ..GlobalArgs::default()
    };
    let own = [("MILLPOND_PROJECT_ID", "p"), ("MILLPOND_AK", "a"), ("MILLPOND_SK", "s")];
    check(&flags, &own, Some(KEYS), Ok("http://localhost:1 q b:t"));
    let key_only = GlobalArgs { secret_key: None, ..flags.clone() };
    check(&key_only, &own, None, Ok("http://localhost:1 q b:s"));
    check(&key_only, &[], None, Err("--access-key needs a secret"));
    let secret_only = GlobalArgs { access_key: None, ..flags };
    check(&secret_only, &[], None, Err("--secret-key needs --access-key"));
}

#[test]
fn the_secret_may_be_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "s3cret\n").unwrap();
    let path = file.path().to_str().unwrap();
    let variables = [("MILLPOND_PROJECT_ID", "p"), ("MILLPOND_AK", "a"), ("MILLPOND_SK_FILE", path)];
    check(&GlobalArgs::default(), &variables, None, Ok("http://127.0.0.1:7347 p a:s3cret"));
    let missing = [("MILLPOND_PROJECT_ID", "p"), ("MILLPOND_AK", "a"), ("MILLPOND_SK_FILE", "/no/file")];
    check(&GlobalArgs::default(), &missing, None, Err("cannot read /no/file"));
}

#[test]
fn keys_of_a_development_server_are_found() {
    let none = GlobalArgs::default();
    check(&none, &[], Some(KEYS), Ok("http://127.0.0.1:7347 first AK1:hush1"));
    let second = GlobalArgs { project: Some("second".parse().unwrap()), ..GlobalArgs::default() };
    check(&second, &[], Some(KEYS), Ok("http://127.0.0.1:7347 second AK2:hush2"));
    let other = GlobalArgs { project: Some("third".parse().unwrap()), ..GlobalArgs::default() };
    check(&other, &[], Some(KEYS), Ok("http://127.0.0.1:7347 third nobody"));
    check(&none, &[("MILLPOND_ENDPOINT", "https://dis.example")], Some(KEYS), Err("no project"));
    check(&none, &[], None, Err("no project is named"));
    check(&none, &[], Some("sk = hush1"), Err("is not a file of keys"));
}

#[test]
fn the_form_of_the_output_is_checked() {
    let output = |value| Environment::of(&[("MILLPOND_OUTPUT", value)], Path::new(".")).output();
    assert_eq!(output("JSON").unwrap(), Some(Format::Json));
    assert_eq!(output("").unwrap(), None);
    assert!(output("xml").is_err());
}
