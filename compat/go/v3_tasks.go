package main

import (
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

func (v v3) task(stream, task string) (*model.ShowTransferTaskResponse, error) {
	return call(v, v.dis.ShowTransferTask, &model.ShowTransferTaskRequest{StreamName: stream, TaskName: task}, 200)
}

// taskRound is the life of a transfer task. The models of this client have no task_id, so it starts and
// stops tasks by name, which the server has to take in its place (spec/09 §4.1).
func (v v3) taskRound() {
	stream, task := v.of("v3-dump"), v.of("v3-task")
	v.check("create stream, for a transfer task", formNone, func() error { return v.create(stream, 2) })
	sent := model.ObsDestinationDescriptorRequest{
		TaskName:            task,
		AgencyName:          agency,
		DeliverTimeInterval: 300,
		ConsumerStrategy:    to(model.GetObsDestinationDescriptorRequestConsumerStrategyEnum().LATEST),
		FilePrefix:          to("logs/a"),
		PartitionFormat:     to(model.GetObsDestinationDescriptorRequestPartitionFormatEnum().YYYY_MM_DD),
		ObsBucketPath:       v.settings.bucket,
		DestinationFileType: to(model.GetObsDestinationDescriptorRequestDestinationFileTypeEnum().TEXT),
		ProcessingSchema: &model.ProcessingSchema{
			TimestampName: "at", TimestampType: "String", TimestampFormat: to("yyyy-MM-dd HH:mm:ss"),
		},
		RecordDelimiter: to(`\n`), // the two characters; they come back as they are
	}
	v.check("create transfer task to OBS", formNone, func() error {
		return done(v, v.dis.CreateObsTransferTask, &model.CreateObsTransferTaskRequest{
			StreamName: stream,
			Body: &model.CreateTransferTaskReq{
				DestinationType:          model.GetCreateTransferTaskReqDestinationTypeEnum().OBS,
				ObsDestinationDescriptor: &sent,
			},
		}, 201)
	})
	v.check("describe transfer task", formNone, func() error {
		got, err := v.task(stream, task)
		if err != nil {
			return err
		}
		err = all(
			same("stream_name", got.StreamName, stream),
			same("task_name", got.TaskName, task),
			same("state", got.State, model.GetShowTransferTaskResponseStateEnum().RUNNING),
			same("destination_type", got.DestinationType, model.GetShowTransferTaskResponseDestinationTypeEnum().OBS),
			that(value(got.CreateTime) > 0, "create_time is absent"),
			that(got.LastTransferTimestamp != nil, "last_transfer_timestamp is absent"),
			v3Echoed(got.ObsDestinationDescription, sent),
			that(got.DwsDestinationDescripton == nil, "a task to OBS has a descriptor for DWS"),
			equal("the number of partitions", len(value(got.Partitions)), 2),
		)
		if err != nil {
			return err
		}
		return all(
			same("partition_id", (*got.Partitions)[0].PartitionId, partitionID(0)),
			same("status of the partition", (*got.Partitions)[0].Status, model.GetPartitionResultStatusEnum().ACTIVE),
		)
	})
	v.check("list transfer tasks", formNone, func() error {
		got, err := call(v, v.dis.ListTransferTasks, &model.ListTransferTasksRequest{StreamName: stream}, 200)
		if err != nil {
			return err
		}
		err = all(
			same("total_number", got.TotalNumber, 1),
			same("quota", got.Quota, 5),
			equal("the number of tasks", len(value(got.Tasks)), 1),
		)
		if err != nil {
			return err
		}
		found := (*got.Tasks)[0]
		return all(
			same("task_name", found.TaskName, task),
			same("state", found.State, model.GetTransferTaskStateEnum().RUNNING),
			same("destination_type", found.DestinationType, model.GetTransferTaskDestinationTypeEnum().OBS),
			that(value(found.CreateTime) > 0, "create_time is absent"),
		)
	})
	stateIs := func(state model.ShowTransferTaskResponseState) error {
		got, err := v.task(stream, task)
		if err != nil {
			return err
		}
		return same("state", got.State, state)
	}
	v.check("stop transfer task, by name", formNone, func() error {
		err := done(v, v.dis.BatchStopTransferTask, &model.BatchStopTransferTaskRequest{
			StreamName: stream,
			Body: &model.BatchStopTransferTaskReq{
				Action: model.GetBatchStopTransferTaskReqActionEnum().STOP, Tasks: []model.BatchTransferTask{{Id: task}},
			},
		}, 200)
		return all(err, stateIs(model.GetShowTransferTaskResponseStateEnum().PAUSED))
	})
	v.check("start transfer task, by name", formNone, func() error {
		err := done(v, v.dis.BatchStartTransferTask, &model.BatchStartTransferTaskRequest{
			StreamName: stream,
			Body: &model.BatchStartTransferTaskReq{
				Action: model.GetBatchStartTransferTaskReqActionEnum().START, Tasks: []model.BatchTransferTask{{Id: task}},
			},
		}, 200)
		return all(err, stateIs(model.GetShowTransferTaskResponseStateEnum().RUNNING))
	})
	v.check("delete transfer task", formNone, func() error {
		err := done(v, v.dis.DeleteTransferTask, &model.DeleteTransferTaskRequest{StreamName: stream, TaskName: task}, 204)
		if err != nil {
			return err
		}
		_, err = v.task(stream, task)
		return v3Refused(err, 400, "DIS.4354")
	})
	v.check("delete stream, of a transfer task", formNone, func() error { return v.delete(stream) })
}

// v3Echoed fails unless a descriptor comes back as it was sent (spec/09 §4.2).
func v3Echoed(got *model.ObsDestinationDescriptorRequest, sent model.ObsDestinationDescriptorRequest) error {
	if got == nil {
		return that(false, "obs_destination_description is absent")
	}
	err := all(
		equal("task_name of the descriptor", got.TaskName, sent.TaskName),
		equal("agency_name", got.AgencyName, sent.AgencyName),
		equal("deliver_time_interval", got.DeliverTimeInterval, sent.DeliverTimeInterval),
		same("consumer_strategy", got.ConsumerStrategy, *sent.ConsumerStrategy),
		same("file_prefix", got.FilePrefix, *sent.FilePrefix),
		same("partition_format", got.PartitionFormat, *sent.PartitionFormat),
		equal("obs_bucket_path", got.ObsBucketPath, sent.ObsBucketPath),
		same("destination_file_type", got.DestinationFileType, *sent.DestinationFileType),
		same("record_delimiter", got.RecordDelimiter, *sent.RecordDelimiter),
		that(got.ProcessingSchema != nil, "processing_schema is absent"),
	)
	if err != nil {
		return err
	}
	return all(
		equal("timestamp_name", got.ProcessingSchema.TimestampName, sent.ProcessingSchema.TimestampName),
		equal("timestamp_type", got.ProcessingSchema.TimestampType, sent.ProcessingSchema.TimestampType),
		same("timestamp_format", got.ProcessingSchema.TimestampFormat, *sent.ProcessingSchema.TimestampFormat),
	)
}
