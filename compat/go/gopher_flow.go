package main

import (
	"time"

	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/apps"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/checkpoints"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/data"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/monitors"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// lastRead is the only type of checkpoint.
const lastRead = "LAST_READ"

// acceptanceFlow is the library's own acceptance test, in its order (spec/14 §5). Where that test wants a
// clean account, this one counts what was there before.
func (g gopher) acceptanceFlow(round string) {
	start := time.Now().Unix()
	app, stream := g.of(round+"-app"), g.of(round+"-stream")
	g.flowApp(app)
	g.flowStream(app, stream)
	g.flowCheckpoint(app, stream)
	g.flowRecords(stream)
	g.flowMetrics(stream, start)
	g.flowCleanUp(app, stream)
}

func (g gopher) flowApp(app string) {
	before := 0
	g.check("list apps, before", formNone, func() error {
		list, err := apps.ListApps(g.dis, apps.ListAppOpts{Limit: to(10)})
		if err != nil {
			return err
		}
		before = value(list.TotalNumber)
		return that(list.TotalNumber != nil, "total_number is absent")
	})
	g.check("create app", formNone, func() error {
		return apps.CreateApp(g.dis, apps.CreateAppOpts{AppName: app})
	})
	g.check("describe app", formNone, func() error {
		got, err := apps.GetApp(g.dis, app)
		if err != nil {
			return err
		}
		return all(
			equal("app_name", got.AppName, app),
			that(got.AppId != "", "app_id is empty"),
			that(value(got.CreateTime) > 0, "create_time is absent"),
			equal("commit_checkpoint_stream_names", len(got.CommitCheckPointStreamNames), 0),
		)
	})
	g.check("list apps", formNone, func() error {
		list, err := apps.ListApps(g.dis, apps.ListAppOpts{Limit: to(10)})
		if err != nil {
			return err
		}
		return same("total_number", list.TotalNumber, before+1)
	})
}

func (g gopher) flowStream(app, stream string) {
	g.check("create stream", formNone, func() error {
		return streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 3})
	})
	g.check("consuming state of an app, before any commit", formNone, func() error {
		status, err := apps.GetAppStatus(g.dis, apps.GetAppStatusOpts{
			AppName: app, StreamName: stream, CheckpointType: lastRead,
		})
		if err != nil {
			return err
		}
		if err := equal("the number of states", len(status.PartitionConsumingStates), 3); err != nil {
			return err
		}
		first := status.PartitionConsumingStates[0]
		return all(
			equal("sequence_number", first.SequenceNumber, "-1"),
			equal("checkpoint_type", first.CheckpointType, lastRead),
			equal("status", first.Status, "ACTIVE"),
			equal("latest_offset", first.LatestOffset, 0),
			equal("earliest_offset", first.EarliestOffset, 0),
		)
	})
	g.check("describe stream", formNone, func() error {
		got, err := streams.GetStream(g.dis, streams.GetStreamOpts{StreamName: stream})
		if err != nil {
			return err
		}
		return all(
			equal("stream_name", got.StreamName, stream),
			equal("status", got.Status, "RUNNING"),
			equal("stream_type", got.StreamType, "COMMON"),
			same("retention_period", got.RetentionPeriod, 24),
			same("writable_partition_count", got.WritablePartitionCount, 3),
			same("has_more_partitions", got.HasMorePartitions, false),
			equal("the number of partitions", len(got.Partitions), 3),
		)
	})
	g.check("change the number of partitions", formNone, func() error {
		err := streams.UpdatePartitionCount(g.dis, streams.UpdatePartitionCountOpts{
			StreamName: stream, TargetPartitionCount: 4,
		})
		if err != nil {
			return err
		}
		got, err := streams.GetStream(g.dis, streams.GetStreamOpts{StreamName: stream})
		if err != nil {
			return err
		}
		return all(
			same("writable_partition_count", got.WritablePartitionCount, 4),
			equal("the number of partitions", len(got.Partitions), 4),
		)
	})
	g.check("list streams", formNone, func() error {
		got, err := g.streamInfo(stream)
		if err != nil {
			return err
		}
		return all(
			equal("data_type", got.DataType, "BLOB"),
			same("partition_count", got.PartitionCount, 4),
			equal("status", got.Status, "RUNNING"),
		)
	})
}

func (g gopher) flowCheckpoint(app, stream string) {
	g.check("commit checkpoint, before any record", formNone, func() error {
		return checkpoints.CommitCheckpoint(g.dis, checkpoints.CommitCheckpointOpts{
			AppName: app, CheckpointType: lastRead, StreamName: stream, PartitionId: "0", SequenceNumber: "0",
		})
	})
	g.check("get checkpoint", formNone, func() error {
		got, err := checkpoints.GetCheckpoint(g.dis, checkpoints.GetCheckpointOpts{
			AppName: app, StreamName: stream, PartitionId: "0", CheckpointType: lastRead,
		})
		if err != nil {
			return err
		}
		return equal("sequence_number", got.SequenceNumber, "0")
	})
}

func (g gopher) flowRecords(stream string) {
	place := data.PutRecordsResultEntry{PartitionId: "0"}
	g.check("put records, one record with only data", formJSON, func() error {
		described, err := streams.GetStream(g.dis, streams.GetStreamOpts{StreamName: stream})
		if err != nil {
			return err
		}
		result, err := data.PutRecords(g.dis, data.PutRecordsOpts{
			StreamName: stream,
			StreamId:   described.StreamId,
			Records:    []data.PutRecordsRequestEntry{{Data: encoded("test string")}},
		})
		if err != nil {
			return err
		}
		err = all(
			same("failed_record_count", result.FailedRecordCount, 0),
			equal("the number of results", len(result.Records), 1),
		)
		if err != nil {
			return err
		}
		place = result.Records[0]
		return equal("sequence_number", place.SequenceNumber, "0")
	})
	cursor := ""
	g.check("get cursor, only stream and partition", formNone, func() error {
		got, err := data.GetCursor(g.dis, data.GetCursorOpts{StreamName: stream, PartitionId: place.PartitionId})
		if err != nil {
			return err
		}
		cursor = got.PartitionCursor
		return that(cursor != "", "partition_cursor is empty")
	})
	g.check("get records", formJSON, func() error {
		got, next, err := g.records(cursor, nil)
		if err != nil {
			return err
		}
		return all(readsAre(got, 0, "test string"), that(next != "", "next_partition_cursor is empty"))
	})
}

// flowMetrics checks the labels over the short interval of the acceptance test, which may end before the
// minute in which the record was counted, and the values over one that surely has it.
func (g gopher) flowMetrics(stream string, start int64) {
	g.check("stream metrics", formNone, func() error {
		const label = "total_put_bytes_per_stream"
		short, err := monitors.GetStreamMonitor(g.dis, monitors.GetStreamMonitorOpts{
			StreamName: stream, Label: label, StartTime: start, EndTime: start + 50,
		})
		if err != nil {
			return err
		}
		long, err := monitors.GetStreamMonitor(g.dis, monitors.GetStreamMonitorOpts{
			StreamName: stream, Label: label, StartTime: start - 120, EndTime: time.Now().Unix() + 60,
		})
		if err != nil {
			return err
		}
		return all(
			equal("label", short.Metrics.Label, label),
			equal("label", long.Metrics.Label, label),
			equal("the sum over data_points", sum(long.Metrics), int64(len("test string"))),
		)
	})
	g.check("partition metrics", formNone, func() error {
		const label = "total_put_bytes_per_partition"
		got, err := monitors.GetPartitionMonitor(g.dis, monitors.GetPartitionMonitorOpts{
			StreamName: stream, PartitionId: "0", Label: label, StartTime: start, EndTime: start + 50,
		})
		if err != nil {
			return err
		}
		return equal("label", got.Metrics.Label, label)
	})
}

func sum(metrics monitors.Metrics) int64 {
	var total int64
	for _, point := range metrics.DataPoints {
		total += point.Value
	}
	return total
}

func (g gopher) flowCleanUp(app, stream string) {
	g.check("delete checkpoint", formNone, func() error {
		err := checkpoints.DeleteCheckpoint(g.dis, checkpoints.DeleteCheckpointOpts{
			AppName: app, StreamName: stream, PartitionId: "0", CheckpointType: lastRead,
		})
		if err != nil {
			return err
		}
		got, err := checkpoints.GetCheckpoint(g.dis, checkpoints.GetCheckpointOpts{
			AppName: app, StreamName: stream, PartitionId: "0", CheckpointType: lastRead,
		})
		if err != nil {
			return err
		}
		return equal("sequence_number", got.SequenceNumber, "-1")
	})
	g.check("delete stream", formNone, func() error {
		if err := streams.DeleteStream(g.dis, stream); err != nil {
			return err
		}
		_, err := streams.GetStream(g.dis, streams.GetStreamOpts{StreamName: stream})
		return gopherRefused(err, 400, "DIS.4301")
	})
	g.check("delete app", formNone, func() error {
		if err := apps.DeleteApp(g.dis, app); err != nil {
			return err
		}
		_, err := apps.GetApp(g.dis, app)
		return gopherRefused(err, 400, "DIS.4332")
	})
}
