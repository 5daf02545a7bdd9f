package main

import (
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/apps"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/checkpoints"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/data"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// checkpointRound commits behind records, with metadata, and reads back what is left to do.
func (g gopher) checkpointRound() {
	app, stream := g.of("reader"), g.of("read")
	g.check("create stream and app, for checkpoints", formNone, func() error {
		if err := streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 2}); err != nil {
			return err
		}
		_, err := data.PutRecords(g.dis, data.PutRecordsOpts{StreamName: stream, Records: []data.PutRecordsRequestEntry{
			{Data: encoded("x"), PartitionId: "1"}, {Data: encoded("y"), PartitionId: "1"},
		}})
		if err != nil {
			return err
		}
		return apps.CreateApp(g.dis, apps.CreateAppOpts{AppName: app})
	})
	g.check("commit checkpoint, with metadata", formNone, func() error {
		err := checkpoints.CommitCheckpoint(g.dis, checkpoints.CommitCheckpointOpts{
			AppName: app, CheckpointType: lastRead, StreamName: stream, PartitionId: "1",
			SequenceNumber: "1", Metadata: "my_first_checkpoint",
		})
		if err != nil {
			return err
		}
		got, err := checkpoints.GetCheckpoint(g.dis, checkpoints.GetCheckpointOpts{
			AppName: app, CheckpointType: lastRead, StreamName: stream, PartitionId: partitionID(1),
		})
		if err != nil {
			return err
		}
		return equal("the checkpoint", *got, checkpoints.GetCheckpointResponse{
			SequenceNumber: "1", Metadata: "my_first_checkpoint",
		})
	})
	g.check("consuming state of an app", formNone, func() error {
		got, err := apps.GetAppStatus(g.dis, apps.GetAppStatusOpts{
			AppName: app, StreamName: stream, CheckpointType: lastRead,
			Limit: to(1), StartPartitionId: partitionID(0),
		})
		if err != nil {
			return err
		}
		if err := equal("the number of states", len(got.PartitionConsumingStates), 1); err != nil {
			return err
		}
		state := got.PartitionConsumingStates[0]
		return all(
			equal("has_more", got.HasMore, false),
			equal("app_name", got.AppName, app),
			equal("stream_name", got.StreamName, stream),
			equal("sequence_number", state.SequenceNumber, "1"),
			equal("latest_offset", state.LatestOffset, 2),
			equal("earliest_offset", state.EarliestOffset, 0),
		)
	})
	g.check("list apps of a stream", formNone, func() error {
		got, err := apps.ListApps(g.dis, apps.ListAppOpts{StreamName: stream})
		if err != nil {
			return err
		}
		err = all(same("total_number", got.TotalNumber, 1), equal("the number of apps", len(got.Apps), 1))
		if err != nil {
			return err
		}
		return all(
			equal("app_name", got.Apps[0].AppName, app),
			equal("commit_checkpoint_stream_names", got.Apps[0].CommitCheckPointStreamNames, []string{stream}),
			same("has_more_app", got.HasMoreApp, false),
		)
	})
	g.check("delete app and stream, of checkpoints", formNone, func() error {
		if err := apps.DeleteApp(g.dis, app); err != nil {
			return err
		}
		return streams.DeleteStream(g.dis, stream)
	})
}
