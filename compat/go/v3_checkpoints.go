package main

import (
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

func (v v3) createApp(app string) error {
	return done(v, v.dis.CreateApp, &model.CreateAppRequest{Body: &model.CreateAppReq{AppName: app}}, 201)
}

func (v v3) deleteApp(app string) error {
	return done(v, v.dis.DeleteApp, &model.DeleteAppRequest{AppName: app}, 204)
}

func (v v3) app(name string) (*model.ShowAppResponse, error) {
	return call(v, v.dis.ShowApp, &model.ShowAppRequest{AppName: name}, 200)
}

func (v v3) checkpoint(app, stream, partition string) (*model.ShowCheckpointResponse, error) {
	return call(v, v.dis.ShowCheckpoint, &model.ShowCheckpointRequest{
		StreamName: stream, PartitionId: partition, AppName: app,
		CheckpointType: model.GetShowCheckpointRequestCheckpointTypeEnum().LAST_READ,
	}, 200)
}

// checkpointRound is the life of an app: it commits, reads back what is left to do, and goes.
func (v v3) checkpointRound() {
	app, stream := v.of("v3-app"), v.of("v3-read")
	v.check("create stream, for checkpoints", formNone, func() error {
		if err := v.create(stream, 2); err != nil {
			return err
		}
		_, err := v.put(stream,
			model.PutRecordsRequestEntry{Data: encoded("x"), PartitionId: to("1")},
			model.PutRecordsRequestEntry{Data: encoded("y"), PartitionId: to("1")},
		)
		return err
	})
	v.check("create app", formNone, func() error { return v.createApp(app) })
	id := ""
	v.check("describe app", formNone, func() error {
		got, err := v.app(app)
		if err != nil {
			return err
		}
		id = value(got.AppId)
		return all(
			same("app_name", got.AppName, app),
			that(id != "", "app_id is absent"),
			that(value(got.CreateTime) > 0, "create_time is absent"),
			same("commit_checkpoint_stream_names", got.CommitCheckpointStreamNames, []string{}),
		)
	})
	v.check("get checkpoint, before any commit", formNone, func() error {
		got, err := v.checkpoint(app, stream, "1")
		if err != nil {
			return err
		}
		return all(same("sequence_number", got.SequenceNumber, "-1"), same("metadata", got.Metadata, ""))
	})
	v.check("commit checkpoint", formNone, func() error {
		return done(v, v.dis.CommitCheckpoint, &model.CommitCheckpointRequest{Body: &model.CommitCheckpointReq{
			AppName: app, StreamName: stream, PartitionId: "1", SequenceNumber: "2", Metadata: to("behind the last"),
			CheckpointType: model.GetCommitCheckpointReqCheckpointTypeEnum().LAST_READ,
		}}, 201)
	})
	v.check("get checkpoint", formNone, func() error {
		got, err := v.checkpoint(app, stream, partitionID(1))
		if err != nil {
			return err
		}
		return all(same("sequence_number", got.SequenceNumber, "2"), same("metadata", got.Metadata, "behind the last"))
	})
	v.check("consuming state of an app", formNone, func() error { return v.consumingState(app, stream) })
	v.check("consuming state of an app, page by page", formNone, func() error { return v.pageStates(app, stream) })
	v.check("list apps", formNone, func() error { return v.listApps(app, id, stream) })
	v.check("delete checkpoint", formNone, func() error {
		err := done(v, v.dis.DeleteCheckpoint, &model.DeleteCheckpointRequest{
			StreamName: stream, AppName: app, PartitionId: to("1"),
			CheckpointType: model.GetDeleteCheckpointRequestCheckpointTypeEnum().LAST_READ,
		}, 204)
		if err != nil {
			return err
		}
		got, err := v.checkpoint(app, stream, "1")
		if err != nil {
			return err
		}
		return same("sequence_number", got.SequenceNumber, "-1")
	})
	v.check("delete app", formNone, func() error {
		if err := v.deleteApp(app); err != nil {
			return err
		}
		_, err := v.app(app)
		return v3Refused(err, 400, "DIS.4332")
	})
	v.check("delete stream, of checkpoints", formNone, func() error { return v.delete(stream) })
}

func (v v3) states(app, stream string, limit *int32, start *string) (*model.ShowConsumerStateResponse, error) {
	return call(v, v.dis.ShowConsumerState, &model.ShowConsumerStateRequest{
		AppName: app, StreamName: stream, Limit: limit, StartPartitionId: start,
		CheckpointType: model.GetShowConsumerStateRequestCheckpointTypeEnum().LAST_READ,
	}, 200)
}

func (v v3) consumingState(app, stream string) error {
	got, err := v.states(app, stream, nil, nil)
	if err != nil {
		return err
	}
	err = all(
		same("has_more", got.HasMore, false),
		same("app_name", got.AppName, app),
		same("stream_name", got.StreamName, stream),
		equal("the number of states", len(value(got.PartitionConsumingStates)), 2),
	)
	if err != nil {
		return err
	}
	first, second := (*got.PartitionConsumingStates)[0], (*got.PartitionConsumingStates)[1]
	return all(
		same("sequence_number of the first", first.SequenceNumber, "-1"),
		same("latest_offset of the first", first.LatestOffset, 0),
		same("sequence_number of the second", second.SequenceNumber, "2"),
		same("latest_offset of the second", second.LatestOffset, 2),
		same("earliest_offset of the second", second.EarliestOffset, 0),
		same("checkpoint_type", second.CheckpointType, model.GetPartitionConsumingStatesCheckpointTypeEnum().LAST_READ),
		same("status", second.Status, model.GetPartitionConsumingStatesStatusEnum().ACTIVE),
	)
}

func (v v3) pageStates(app, stream string) error {
	first, err := v.states(app, stream, to(int32(1)), nil)
	if err != nil {
		return err
	}
	second, err := v.states(app, stream, to(int32(1)), to(partitionID(0)))
	if err != nil {
		return err
	}
	err = all(
		same("has_more of the first page", first.HasMore, true),
		equal("the length of the first page", len(value(first.PartitionConsumingStates)), 1),
		same("has_more of the second page", second.HasMore, false),
		equal("the length of the second page", len(value(second.PartitionConsumingStates)), 1),
	)
	if err != nil {
		return err
	}
	return same("sequence_number of the second page", (*second.PartitionConsumingStates)[0].SequenceNumber, "2")
}

// listApps finds the app by the stream that it committed to; no other app did.
func (v v3) listApps(app, id, stream string) error {
	got, err := call(v, v.dis.ListApp, &model.ListAppRequest{Limit: to(int32(10)), StreamName: to(stream)}, 200)
	if err != nil {
		return err
	}
	err = all(
		same("has_more_app", got.HasMoreApp, false),
		same("total_number", got.TotalNumber, 1),
		equal("the number of apps", len(value(got.Apps)), 1),
	)
	if err != nil {
		return err
	}
	found := (*got.Apps)[0]
	behind, err := call(v, v.dis.ListApp, &model.ListAppRequest{StartAppName: to(app), StreamName: to(stream)}, 200)
	if err != nil {
		return err
	}
	return all(
		same("app_name", found.AppName, app),
		same("app_id", found.AppId, id),
		same("commit_checkpoint_stream_names", found.CommitCheckpointStreamNames, []string{stream}),
		equal("the number of apps behind the last", len(value(behind.Apps)), 0),
	)
}
