"""What schemathesis needs to know of the API: things that exist, and codes that are documented.

Generated names belong to nothing, so that nearly every request would be refused at once. Three of four requests
therefore get the names of things that exist, chosen by a checksum of the request: the same seed sends the same.
"""

import os
import time
import zlib

import requests
import schemathesis
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

ENDPOINT = os.environ["MILLPOND_ENDPOINT"].rstrip("/")
PROJECT = os.environ["MILLPOND_PROJECT_ID"]
HEADERS = {"X-Auth-Token": os.environ["MILLPOND_TOKEN"]}
USER = os.environ.get("MILLPOND_USER")
PASSWORD = os.environ.get("MILLPOND_PASSWORD")

STREAM, APP, TASK, MEMBER = "orders", "billing", "standing", "consumer-1"

# Has no group, whose members would keep it from being deleted.
SPARE_APP = "spare"

# More would only make the run slow.
PARTITIONS_MAX = 8

# Of a cursor's 5 minutes.
CURSOR_SECONDS = 120

NAMES = {
    "stream": STREAM,
    "stream_name": STREAM,
    "stream-name": STREAM,
    "app": APP,
    "group": APP,
    "app_name": APP,
    "task": TASK,
    "client": MEMBER,
    "partition": "0",
    "partition_id": "0",
    "partition-id": "shardId-0000000001",
    "starting-sequence-number": "0",
    "sequence_number": "0",
}

# What these have to be given a name for.
CREATIONS = {"create_stream": "stream_name", "create_app": "app_name"}

known = {"cursor": "", "until": 0.0, "stream_id": "", "task_id": "", "token": ""}


def api(method, path, **arguments):
    """Sends a request of the project's own, outside of what is tested."""
    url = f"{ENDPOINT}/v2/{PROJECT}/{path}"
    return requests.request(method, url, headers=HEADERS, timeout=30, **arguments)


def restore():
    """Makes what the names above mean, as far as it is not there."""
    api("POST", "streams", json={"stream_name": STREAM, "partition_count": 2, "tags": [{"key": "env", "value": "prod"}]})
    api("POST", f"stream/{STREAM}/tags", json={"tag": {"key": "env", "value": "prod"}})
    api("POST", "records", json={"stream_name": STREAM, "records": [{"data": "aGVsbG8=", "partition_id": "0"}]})
    api("POST", "apps", json={"app_name": APP})
    api("POST", "apps", json={"app_name": SPARE_APP})
    descriptor = {"task_name": TASK, "obs_bucket_path": "bucket"}
    api("POST", f"streams/{STREAM}/transfer-tasks", json={"obs_destination_descriptor": descriptor})
    known["task_id"] = api("GET", f"streams/{STREAM}/transfer-tasks/{TASK}").json().get("task_id", "")
    described = api("GET", f"streams/{STREAM}").json()
    if described.get("stream_id") != known["stream_id"]:
        known.update(stream_id=described.get("stream_id", ""), until=0.0)


def cursor():
    """A cursor that is not too old."""
    if time.monotonic() > known["until"]:
        place = {"stream-name": STREAM, "partition-id": "0", "cursor-type": "TRIM_HORIZON"}
        got = api("GET", "cursors", params=place).json()
        known.update(cursor=got.get("partition_cursor", ""), until=time.monotonic() + CURSOR_SECONDS)
    return known["cursor"]


def token():
    """A token of the user."""
    if not known["token"]:
        got = requests.post(f"{ENDPOINT}/v3/auth/tokens", json={"auth": {"identity": login()}}, timeout=30)
        known["token"] = got.headers.get("X-Subject-Token", "")
    return known["token"]


def login():
    return {"methods": ["password"], "password": {"user": {"name": USER, "password": PASSWORD}}}


def operation_of(case):
    return case.operation.definition.raw.get("operationId", "")


def bound(members):
    """Draws counts of partitions to what a test can afford."""
    for name in ("partition_count", "target_partition_count"):
        if isinstance(members.get(name), int) and members[name] > PARTITIONS_MAX:
            members[name] = PARTITIONS_MAX


def name_things(members):
    """Puts the names of things that exist in the place of generated ones."""
    for name in members.keys() & NAMES.keys():
        members[name] = NAMES[name]
    for name in members.keys() & {"partition-cursor", "partition_cursor"}:
        members[name] = cursor()
    now = int(time.time())
    for name, moment in (("start_time", now - 600), ("end_time", now)):
        if name in members:
            members[name] = moment


def choose_destination(members, number):
    """Leaves one of the descriptors of a task, which then says where it delivers to."""
    descriptors = sorted(name for name in members if name.endswith("_descriptor"))
    if not descriptors:
        return
    chosen = descriptors[number % len(descriptors)]
    for name in descriptors:
        if name != chosen:
            del members[name]
    members.pop("destination_type", None)


@schemathesis.hook
def before_call(context, case, kwargs):
    path, query, body = case.path_parameters, case.query, case.body
    number = zlib.crc32(repr((operation_of(case), path, query, body)).encode("utf-8", "replace"))
    case.headers = CaseInsensitiveDict(case.headers or {})
    case.headers.update(HEADERS if number % 64 else {"X-Auth-Token": "of nobody"})
    if isinstance(path, dict) and "project_id" in path and number % 16:
        path["project_id"] = PROJECT
    if isinstance(body, dict):
        bound(body)
    if number // 16 % 4 == 0:
        return
    if USER and operation_of(case) == "show_token":
        case.headers.update({"X-Auth-Token": token(), "X-Subject-Token": token()})
    if USER and operation_of(case) == "create_token" and isinstance(body, dict):
        auth = body.get("auth")
        if isinstance(auth, dict):
            auth["identity"] = login()
    if operation_of(case) == "get_records" and number // 64 % 2:
        case.headers["Content-Type"] = "application/x-protobuf"
    if isinstance(path, dict):
        name_things(path)
        if operation_of(case) == "delete_app":
            path["app"] = SPARE_APP
        if operation_of(case) == "get_transfer_task_log":
            path["task"] = known["task_id"]
    if isinstance(query, dict):
        name_things(query)
    if isinstance(body, dict) and CREATIONS.get(operation_of(case)) in body:
        body[CREATIONS[operation_of(case)]] = f"made-{number}"
    elif isinstance(body, dict):
        name_things(body)
        if "stream_id" in body and "action_type" in body:
            body["stream_id"] = known["stream_id"]
        if "transfer_task" in operation_of(case):
            choose_destination(body, number // 64)
        if operation_of(case) == "update_transfer_task":
            for descriptor in body.values():
                if isinstance(descriptor, dict):
                    descriptor["task_name"] = TASK
        for task in body["tasks"] if isinstance(body.get("tasks"), list) else []:
            if isinstance(task, dict):
                task["id"] = TASK


@schemathesis.hook
def after_call(context, case, response):
    """Takes away what was made, and makes again what was deleted."""
    if not 200 <= response.status_code < 300:
        return
    operation, body = operation_of(case), case.body
    if case.method.upper() == "DELETE":
        restore()
    elif operation == "create_stream" and body["stream_name"] != STREAM:
        api("DELETE", f"streams/{body['stream_name']}")
    elif operation == "create_app" and body["app_name"] != APP:
        api("DELETE", f"apps/{body['app_name']}")
    elif operation == "create_transfer_task":
        tasks = api("GET", f"streams/{STREAM}/transfer-tasks").json().get("tasks", [])
        for task in tasks:
            if task["task_name"] != TASK:
                api("DELETE", f"streams/{STREAM}/transfer-tasks/{task['task_name']}")


@schemathesis.check
def documented_code(context, response, case):
    """A refusal has one of the codes that the document lists for its status."""
    if case.method.upper() != case.operation.method.upper():
        return
    document = case.operation.schema.raw_schema
    responses = case.operation.definition.raw["responses"]
    documented = responses.get(str(response.status_code), {})
    if "$ref" in documented:
        documented = document["components"]["responses"][documented["$ref"].rsplit("/", 1)[1]]
    codes = documented.get("x-codes")
    if codes is None:
        return
    code = response.json().get("errorCode")
    if code not in codes:
        raise AssertionError(f"The code {code} is not documented for {response.status_code}")


def field(number, content):
    """A member of a protobuf message, of fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


PUT = st.binary(max_size=40).map(lambda data: field(1, STREAM.encode()) + field(2, field(3, data)))

schemathesis.openapi.media_type("application/x-protobuf", PUT | st.binary(max_size=64))

restore()
