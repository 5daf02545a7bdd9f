//! Programs to paste, each complete: write one record, read it back.

/// What the programs need to know.
#[derive(Clone, Debug)]
pub struct Snippets {
    /// Scheme, host and port.
    pub endpoint: String,
    /// Region in signatures.
    pub region: String,
    /// The project of the key.
    pub project_id: String,
    /// The access key.
    pub ak: String,
    /// The secret key, or where it is.
    pub sk: String,
    /// Somebody who may log in, if there is anybody.
    pub login: Option<Login>,
    /// A stream that exists.
    pub stream: String,
    /// The data directory.
    pub data_dir: String,
    /// Whether unsigned requests pass.
    pub anonymous: bool,
}

/// How to log in.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password, or where it is.
    pub password: String,
    /// Name of the domain that user and project are in.
    pub domain: String,
    /// The project.
    pub project_id: String,
}

impl Snippets {
    /// The whole greeting of a development server.
    pub fn page(&self) -> String {
        let Self { endpoint, region, project_id, ak, data_dir, .. } = self;
        let version = env!("CARGO_PKG_VERSION");
        let curl = if self.anonymous {
            format!("# curl: unsigned requests pass on this server only\n{}", self.curl())
        } else {
            "# curl cannot sign requests; start without --require-signature to use it\n".to_owned()
        };
        format!(
            "millpond {version} for development, data in {data_dir} (remove it to begin anew)\n\n  \
             API      {endpoint}   region {region}\n  \
             project  {project_id}\n  \
             key      {ak}   secret in {data_dir}/credentials.toml\n{}\n\
             {curl}\n\
             # Python, v3 SDK: pip install huaweicloudsdkdis\n{}\n\
             # Python, legacy SDK: pip install huaweicloud-python-sdk-dis==2.0.4 protobuf==3.20.3\n{}\n\
             {}\
             # Command line\n{}",
            self.user_line(),
            self.python_v3(),
            self.python_legacy(),
            self.clouds(),
            self.command_line(),
        )
    }

    /// Unsigned requests with curl.
    pub fn curl(&self) -> String {
        let Self { endpoint, project_id, stream, .. } = self;
        // "aGVsbG8=" is "hello" in base64.
        format!(
            r#"BASE={endpoint}/v2/{project_id}
curl -sS -X POST "$BASE/records" -H 'Content-Type: application/json' -d '{{"stream_name":"{stream}","records":[{{"data":"aGVsbG8=","partition_id":"0"}}]}}'
CURSOR=$(curl -sS "$BASE/cursors?stream-name={stream}&partition-id=0&cursor-type=TRIM_HORIZON" | sed 's/.*"partition_cursor": *"\([^"]*\)".*/\1/')
curl -sS "$BASE/records?partition-cursor=$CURSOR"
"#
        )
    }

    /// The v3 SDK, `huaweicloudsdkdis`. Its callers encode the data themselves (spec/03 §1).
    pub fn python_v3(&self) -> String {
        let Self { endpoint, project_id, ak, sk, stream, .. } = self;
        format!(
            r#"import base64
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkdis import v2 as dis

credentials = BasicCredentials("{ak}", "{sk}", "{project_id}")
client = dis.DisClient.new_builder().with_credentials(credentials).with_endpoint("{endpoint}").build()
record = dis.PutRecordsRequestEntry(data=base64.b64encode(b"hello").decode(), partition_id="0")
body = dis.PutRecordsRequest(stream_name="{stream}", records=[record])
print(client.send_records(dis.SendRecordsRequest(body=body)).records[0].sequence_number)
cursor = client.show_cursor(dis.ShowCursorRequest(
    stream_name="{stream}", partition_id="0", cursor_type="TRIM_HORIZON")).partition_cursor
for record in client.consume_records(dis.ConsumeRecordsRequest(partition_cursor=cursor)).records:
    print(record.sequence_number, base64.b64decode(record.data).decode())
"#
        )
    }

    /// The legacy SDK, `huaweicloud-python-sdk-dis`, which encodes the data itself.
    pub fn python_legacy(&self) -> String {
        let Self { endpoint, region, project_id, ak, sk, stream, .. } = self;
        format!(
            r#"import urllib.parse
from dis_sdk_python import disclient
from dis_sdk_python.com.huaweicloud.dis.sdk.python.models import disauth

disauth.quote = urllib.parse.quote  # from Python 3.10 on the SDK misses this import of its own
client = disclient(endpoint="{endpoint}", ak="{ak}", sk="{sk}", projectid="{project_id}", region="{region}")
print(client.putRecords("{stream}", [{{"data": "hello", "partition_id": "0"}}]).recordResult)
cursor = client.getCursor("{stream}", "0", "TRIM_HORIZON").cursor
for record in client.getRecords(cursor).recordResult:
    print(record["sequence_number"], record["data"])
"#
        )
    }

    fn user_line(&self) -> String {
        let Some(Login { user, domain, .. }) = &self.login else { return String::new() };
        let Self { endpoint, data_dir, .. } = self;
        format!(
            "  user     {user}   domain {domain}   password in {data_dir}/credentials.toml   \
             log in at {endpoint}/v3\n"
        )
    }

    /// `clouds.yaml` of OpenStack clients, which log in; empty where nobody can.
    pub fn clouds(&self) -> String {
        let Some(Login { user, password, domain, project_id }) = &self.login else { return String::new() };
        let Self { endpoint, region, .. } = self;
        format!(
            r#"# OpenStack clients: clouds.yaml, then `openstack --os-cloud millpond dis stream list`
# (pip install python-openstackclient otcextensions)
clouds:
  millpond:
    region_name: {region}
    auth:
      auth_url: {endpoint}/v3
      user_domain_name: "{domain}"
      username: "{user}"
      password: "{password}"
      project_id: "{project_id}"

"#
        )
    }

    /// The command-line tool; the names of the variables are those that the cloud's SDKs read.
    pub fn command_line(&self) -> String {
        let Self { endpoint, project_id, ak, sk, stream, .. } = self;
        format!(
            "export MILLPOND_ENDPOINT={endpoint} HUAWEICLOUD_SDK_PROJECT_ID={project_id}\n\
             export HUAWEICLOUD_SDK_AK={ak} HUAWEICLOUD_SDK_SK='{sk}'\n\
             millpond put {stream} hello\n\
             millpond tail {stream}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn snippets(anonymous: bool) -> Snippets {
        Snippets {
            endpoint: "http://127.0.0.1:7347".into(),
            region: "local".into(),
            project_id: "0123456789abcdef0123456789abcdef".into(),
            ak: "AKEXAMPLE".into(),
            sk: "s3cret".into(),
            login: Some(Login {
                user: "dev".into(),
                password: "passw0rd".into(),
                domain: "Default".into(),
                project_id: "0123456789abcdef0123456789abcdef".into(),
            }),
            stream: "demo".into(),
            data_dir: "./.millpond".into(),
            anonymous,
        }
    }

    #[test]
    fn curl_sends_what_the_api_expects() {
        let text = snippets(true).curl();
        let body = text.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
        let expected = json!({"stream_name": "demo", "records": [{"data": "aGVsbG8=", "partition_id": "0"}]});
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
        assert!(text.contains("BASE=http://127.0.0.1:7347/v2/0123456789abcdef0123456789abcdef\n"), "{text}");
        // Names with dashes, as in spec/04 §1 and spec/03 §5.
        assert!(text.contains("/cursors?stream-name=demo&partition-id=0&cursor-type=TRIM_HORIZON"), "{text}");
        assert!(text.contains("/records?partition-cursor=$CURSOR"), "{text}");
    }

    #[test]
    fn programs_carry_address_key_and_stream() {
        let snippets = snippets(true);
        for text in [snippets.python_v3(), snippets.python_legacy(), snippets.command_line()] {
            for part in
                ["http://127.0.0.1:7347", "AKEXAMPLE", "s3cret", "0123456789abcdef0123456789abcdef", "demo"]
            {
                assert!(text.contains(part), "{part} is not in {text}");
            }
            for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
                assert_eq!(text.matches(open).count(), text.matches(close).count(), "{text}");
            }
            assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
        }
    }

    #[test]
    fn a_user_is_shown_where_there_is_one() {
        let with = snippets(true);
        for part in [
            "auth_url: http://127.0.0.1:7347/v3",
            "region_name: local",
            "username: \"dev\"",
            "password: \"passw0rd\"",
            "user_domain_name: \"Default\"",
            "project_id: \"0123456789abcdef0123456789abcdef\"",
        ] {
            assert!(with.page().contains(part), "{part} is not in {}", with.page());
        }
        assert!(with.page().contains("user     dev   domain Default"));
        let without = Snippets { login: None, ..with }.page();
        assert!(!without.contains("clouds.yaml") && !without.contains("user     "), "{without}");
    }

    #[test]
    fn the_page_says_when_curl_cannot_be_used() {
        assert!(snippets(true).page().contains("curl -sS -X POST"));
        let signed = snippets(false).page();
        assert!(!signed.contains("curl -sS") && signed.contains("--require-signature"), "{signed}");
    }
}
