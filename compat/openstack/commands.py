"""Every command of `openstack dis`, through the life of a stream, an app, its checkpoints and a dump task."""

import base64
import csv
import uuid

from cli import equal, that

TASK = {
    "agency_name": "dis_admin_agency",
    "deliver_time_interval": 30,
    "consumer_strategy": "TRIM_HORIZON",
    "file_prefix": "pre",
    "partition_format": "yyyy/MM/dd",
    "obs_bucket_path": "millpond-compat",
    "destination_file_type": "text",
    "record_delimiter": "|",
}

# Has the columns of the client's own template, with its spelling: the client sends an unknown member for
# `partitition_key`, and null for what a line leaves out. What is no base64 it encodes.
UPLOAD = """data,partition_id,partitition_key,explicit_hash_key
TXkgRGF0YQo=,1,2,12345678
My string data,1
MyData,1
"""


class Commands:
    """All commands once, as one user, on a stream and an app that nobody else has."""

    def __init__(self, cli, report, form):
        self.cli = cli
        self.report = report
        self.form = form
        run = uuid.uuid4().hex[:8]
        self.stream, self.app, self.task = (f"compat-{run}-{what}" for what in ("stream", "app", "task"))

    def check(self, call):
        return self.report.check(call, self.form)

    def all(self):
        self.streams()
        self.put()
        self.get()
        self.apps()
        self.checkpoints()
        self.dump_tasks()
        self.delete()

    def streams(self):
        cli, name = self.cli, self.stream
        with self.check("create stream"):
            made = cli.json("stream", "create", name, "--partition-count", 2, "--stream-type", "COMMON",
                            "--data-type", "BLOB", "--data-duration", 48, "--compression-format", "zip",
                            "--tag", "key=env,value=compat")
            equal("name and partitions", (made["name"], made["partition_count"]), (name, 2))
        with self.check("list streams"):
            rows = [row for row in cli.json("stream", "list") if row["Name"] == name]
            equal("the row", rows, [{"Name": name, "Stream Type": "COMMON", "Data Type": "BLOB",
                                     "Partition Count": 2, "AutoScale Enabled": False, "Status": "RUNNING"}])
        with self.check("describe stream"):
            got = cli.json("stream", "show", name)
            shown = ("name", "status", "stream_type", "data_type", "retention_period", "compression_format",
                     "tags", "readable_partition_count", "writable_partition_count", "has_more_partitions")
            equal("the stream", [got[member] for member in shown],
                  [name, "RUNNING", "COMMON", "BLOB", 48, "zip", [{"key": "env", "value": "compat"}], 2, 2, False])
            equal("partitions", [(part["partition_id"], part["status"]) for part in got["partitions"]],
                  [(shard(index), "ACTIVE") for index in range(2)])
            that(got["stream_id"] and got["id"] == got["stream_id"], f"stream_id is {got['stream_id']!r}")
            that(got["created_at"] > 1e12, f"create_time is {got['created_at']!r}, expected milliseconds")
        with self.check("describe stream, absent"):
            cli.refused("does not exist", "stream", "show", name + "-none")
        with self.check("change the number of partitions"):
            equal("the change", cli.json("stream", "update", "partition", name, "--partition-count", 3),
                  {"stream_name": name, "current_partition_count": 2, "target_partition_count": 3})
            equal("partitions", cli.json("stream", "show", name)["writable_partition_count"], 3)

    def put(self):
        cli, name = self.cli, self.stream
        with self.check("put records"):
            for text in TEXTS:
                put = cli.json("data", "upload", name, "--data", encoded(text), "--partition-id", 0,
                               "--partition-key", "key")
                equal("partitions", [record["partition_id"] for record in put["records"]], [shard(0)])
        with self.check("put records, from a CSV file"):
            path = cli.folder / "upload.csv"
            path.write_text(UPLOAD, encoding="utf-8")
            put = cli.json("data", "upload", name, "--filename", path)
            equal("partitions", [record["partition_id"] for record in put["records"]], [shard(1)] * 3)

    def get(self):
        cli = self.cli
        for kind, more, first in (
            ("TRIM_HORIZON", (), 0),
            ("AT_SEQUENCE_NUMBER", ("--starting-seq-num", 1), 1),
            ("AFTER_SEQUENCE_NUMBER", ("--starting-seq-num", 1), 2),
            ("LATEST", (), 3),
        ):
            cursor = None
            with self.check(f"get cursor, {kind}"):
                cursor = self.cursor(0, "--cursor-type", kind, *more)
            with self.check(f"get records, {kind}"):
                rows = cli.json("data", "download", "--partition-cursor", cursor)
                equal("the records", [decoded(row["Data"]) for row in rows], TEXTS[first:])
                numbers = [str(number) for number in range(first, len(TEXTS))]
                equal("sequence numbers", [row["Sequence Number"] for row in rows], numbers)
        with self.check("get cursor, AT_TIMESTAMP"):
            everything = cli.json("data", "download", "--partition-cursor", self.cursor(0))
            time = everything[-1]["Timestamp"]
            cursor = self.cursor(0, "--cursor-type", "AT_TIMESTAMP", "--timestamp", time)
            equal("the records", cli.json("data", "download", "--partition-cursor", cursor),
                  [row for row in everything if row["Timestamp"] >= time])
        with self.check("get cursor, partition absent"):
            cli.refused("Partition does not exist", "data", "cursor", "show", self.stream, "--partition-id", 77)
        with self.check("get records, into a CSV file"):
            path = cli.folder / "download.csv"
            rows = cli.json("data", "download", "--partition-cursor", self.cursor(1), "--filename", path)
            equal("the output", rows, [])
            with path.open(encoding="utf-8", newline="") as file:
                kept = [(row["sequence_number"], decoded(row["data"])) for row in csv.DictReader(file)]
            equal("the file", kept, [("0", "My Data\n"), ("1", "My string data"), ("2", "MyData")])

    def cursor(self, partition, *options):
        options = options or ("--cursor-type", "TRIM_HORIZON")
        got = self.cli.json("data", "cursor", "show", self.stream, "--partition-id", partition, *options)
        return got["partition_cursor"]

    def apps(self):
        cli, name = self.cli, self.app
        with self.check("create app"):
            equal("the app", cli.json("app", "create", name), {"name": name})
        with self.check("create app, present already"):
            cli.refused("app already exist", "app", "create", name)
        with self.check("list apps"):
            rows = [row for row in cli.json("app", "list") if row["App Name"] == name]
            equal("rows", len(rows), 1)
            that(rows[0]["Id"] and rows[0]["Created At"] > 1e12, f"the row is {rows[0]}")
        with self.check("describe app"):
            got = cli.json("app", "show", name)
            equal("the app", (got["name"], got["commit_checkpoint_stream_names"]), (name, []))

    def checkpoints(self):
        cli, stream, app = self.cli, self.stream, self.app
        with self.check("commit checkpoint"):
            made = cli.json("checkpoint", "create", stream, app, "--partition-id", 0, "--sequence-number", 2,
                            "--metadata", "by openstack")
            equal("the checkpoint", (made["sequence_number"], made["metadata"]), ("2", "by openstack"))
        with self.check("get checkpoint"):
            equal("the checkpoint", cli.json("checkpoint", "show", stream, app, "--partition-id", 0),
                  {"sequence_number": "2", "metadata": "by openstack"})
        with self.check("consuming state of an app"):
            rows = cli.json("app", "consumption", "list", stream, app)
            states = [(int(row["Partition Id"].rpartition("-")[2]), row["Sequence Number"], row["Checkpoint Type"])
                      for row in rows]
            equal("the rows", states, [(0, "2", "LAST_READ"), (1, "-1", "LAST_READ"), (2, "-1", "LAST_READ")])
        with self.check("list apps, of a stream"):
            rows = cli.json("app", "list", "--stream-name", stream, "--limit", 5)
            equal("the apps", [row["App Name"] for row in rows], [app])
        with self.check("delete checkpoint"):
            cli.quiet("checkpoint", "delete", stream, app, "--partition-id", 0)
            left = cli.json("checkpoint", "show", stream, app, "--partition-id", 0)
            equal("the checkpoint", left["sequence_number"], "-1")

    def dump_tasks(self):
        cli, stream, task = self.cli, self.stream, self.task
        task_id = None
        with self.check("create transfer task"):
            options = [word for name, value in TASK.items() for word in ("--" + name.replace("_", "-"), value)]
            self.is_the_task(cli.json("dump", "task", "create", stream, task, *options))
        with self.check("list transfer tasks"):
            rows = cli.json("dump", "task", "list", stream)
            equal("the tasks", [(row["Task Name"], row["Destination Type"], row["Status"]) for row in rows],
                  [(task, "OBS", "RUNNING")])
            task_id = rows[0]["Task Id"]
        with self.check("describe transfer task"):
            got = cli.json("dump", "task", "show", stream, task)
            self.is_the_task(got)
            equal("task_id", got["task_id"], task_id)
            equal("partitions", [part["partition_id"] for part in got["partitions"]],
                  [shard(index) for index in range(3)])
        for verb, name, status in (("pause", "stop", "PAUSED"), ("start", "start", "RUNNING")):
            with self.check(f"{name} transfer task"):
                cli.quiet("dump", "task", verb, stream, task_id)
                equal("the status", cli.json("dump", "task", "show", stream, task)["status"], status)
        with self.check("delete transfer task"):
            cli.quiet("dump", "task", "delete", stream, task)
            equal("the tasks", cli.json("dump", "task", "list", stream), [])

    def is_the_task(self, got):
        equal("the task", [got[member] for member in ("task_name", "stream_name", "destination_type", "status")],
              [self.task, self.stream, "OBS", "RUNNING"])
        described = got["obs_destination_description"]
        equal("its destination", {name: described[name] for name in TASK}, TASK)

    def delete(self):
        cli = self.cli
        with self.check("delete app"):
            cli.quiet("app", "delete", self.app)
            cli.refused("app not found", "app", "show", self.app)
        with self.check("delete stream"):
            cli.quiet("stream", "delete", self.stream)
            cli.refused("does not exist", "stream", "show", self.stream)


# The records of partition 0, in order.
TEXTS = [f"record {number} \u00e4\u6570" for number in range(3)]


def shard(index):
    return f"shardId-{index:010}"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def decoded(text):
    return base64.b64decode(text, validate=True).decode()
