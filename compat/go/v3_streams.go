package main

import (
	"errors"
	"fmt"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

func (v v3) create(stream string, partitions int32) error {
	return done(v, v.dis.CreateStream, &model.CreateStreamRequest{
		Body: &model.CreateStreamReq{StreamName: stream, PartitionCount: partitions},
	}, 201)
}

func (v v3) delete(stream string) error {
	return done(v, v.dis.DeleteStream, &model.DeleteStreamRequest{StreamName: stream}, 204)
}

func (v v3) stream(name string) (*model.ShowStreamResponse, error) {
	return call(v, v.dis.ShowStream, &model.ShowStreamRequest{StreamName: name}, 200)
}

// streamRound creates a stream with every attribute, reads them back, updates, rescales, pages and deletes.
func (v v3) streamRound() {
	stream := v.of("v3-stream")
	v.check("create stream, all attributes", formNone, func() error { return v.createFull(stream) })
	v.check("describe stream, all attributes", formNone, func() error { return v.describeFull(stream) })
	v.check("describe stream, by id", formNone, func() error {
		byName, err := v.stream(stream)
		if err != nil {
			return err
		}
		byID, err := v.stream(value(byName.StreamId))
		if err != nil {
			return err
		}
		return same("stream_name", byID.StreamName, stream)
	})
	v.check("update stream", formNone, func() error { return v.update(stream) })
	v.check("change the number of partitions", formNone, func() error { return v.rescale(stream) })
	v.check("describe stream, page by page", formNone, func() error { return v.pagePartitions(stream) })
	v.check("list streams", formNone, func() error { return v.listed(stream) })
	v.check("list streams, page by page", formNone, v.pageStreams)
	v.check("delete stream", formNone, func() error {
		if err := v.delete(stream); err != nil {
			return err
		}
		_, err := v.stream(stream)
		return v3Refused(err, 400, "DIS.4301")
	})
}

func (v v3) createFull(stream string) error {
	return done(v, v.dis.CreateStream, &model.CreateStreamRequest{Body: &model.CreateStreamReq{
		StreamName:                 stream,
		PartitionCount:             1,
		StreamType:                 to(model.GetCreateStreamReqStreamTypeEnum().ADVANCED),
		DataType:                   to(model.GetCreateStreamReqDataTypeEnum().CSV),
		DataDuration:               to(int32(48)),
		AutoScaleEnabled:           to(true),
		AutoScaleMinPartitionCount: to(int64(2)),
		AutoScaleMaxPartitionCount: to(int32(3)),
		DataSchema:                 to(avroSchema),
		CsvProperties:              &model.CsvProperties{Delimiter: to(";")},
		CompressionFormat:          to(model.GetCreateStreamReqCompressionFormatEnum().GZIP),
		Tags:                       &[]model.Tag{{Key: to("foo"), Value: to("bar")}},
		SysTags: &[]model.SysTag{{
			Key: to(model.GetSysTagKeyEnum().SYS_ENTERPRISE_PROJECT_ID), Value: to("0"),
		}},
	}}, 201)
}

func (v v3) describeFull(stream string) error {
	got, err := v.stream(stream)
	if err != nil {
		return err
	}
	err = all(
		same("stream_name", got.StreamName, stream),
		that(value(got.StreamId) != "", "stream_id is absent"),
		that(value(got.CreateTime) > 0, "create_time is absent"),
		that(value(got.LastModifiedTime) > 0, "last_modified_time is absent"),
		same("status", got.Status, model.GetShowStreamResponseStatusEnum().RUNNING),
		same("stream_type", got.StreamType, model.GetShowStreamResponseStreamTypeEnum().ADVANCED),
		same("data_type", got.DataType, model.GetShowStreamResponseDataTypeEnum().CSV),
		same("retention_period", got.RetentionPeriod, 48),
		same("data_schema", got.DataSchema, avroSchema),
		same("csv_properties.delimiter", value(got.CsvProperties).Delimiter, ";"),
		same("compression_format", got.CompressionFormat, model.GetShowStreamResponseCompressionFormatEnum().GZIP),
		same("auto_scale_enabled", got.AutoScaleEnabled, true),
		same("auto_scale_min_partition_count", got.AutoScaleMinPartitionCount, 2),
		same("auto_scale_max_partition_count", got.AutoScaleMaxPartitionCount, 3),
		same("writable_partition_count", got.WritablePartitionCount, 1),
		same("readable_partition_count", got.ReadablePartitionCount, 1),
		same("has_more_partitions", got.HasMorePartitions, false),
		equal("tags", pairs(got.Tags), []string{"foo=bar"}),
		equal("the number of sys_tags", len(value(got.SysTags)), 1),
		equal("the number of partitions", len(value(got.Partitions)), 1),
	)
	if err != nil {
		return err
	}
	system, partition := (*got.SysTags)[0], (*got.Partitions)[0]
	return all(
		same("the key of the system tag", system.Key, model.GetSysTagKeyEnum().SYS_ENTERPRISE_PROJECT_ID),
		same("the value of the system tag", system.Value, "0"),
		same("partition_id", partition.PartitionId, partitionID(0)),
		same("status of the partition", partition.Status, model.GetPartitionResultStatusEnum().ACTIVE),
		same("hash_range", partition.HashRange, hashRangeOfOne),
		same("sequence_number_range", partition.SequenceNumberRange, "[0 : 0]"),
		equal("parent_partitions", value(partition.ParentPartitions), ""),
	)
}

func (v v3) update(stream string) error {
	err := done(v, v.dis.UpdateStream, &model.UpdateStreamRequest{StreamName: stream, Body: &model.UpdateStreamReq{
		StreamName:                 stream,
		DataDuration:               to(int32(72)),
		DataType:                   to(model.GetUpdateStreamReqDataTypeEnum().JSON),
		AutoScaleMinPartitionCount: to(int64(1)),
		AutoScaleMaxPartitionCount: to(int64(5)),
	}}, 200)
	if err != nil {
		return err
	}
	got, err := v.stream(stream)
	if err != nil {
		return err
	}
	return all(
		same("retention_period", got.RetentionPeriod, 72),
		same("data_type", got.DataType, model.GetShowStreamResponseDataTypeEnum().JSON),
		same("auto_scale_enabled, not in the request", got.AutoScaleEnabled, true),
		same("auto_scale_min_partition_count", got.AutoScaleMinPartitionCount, 1),
		same("auto_scale_max_partition_count", got.AutoScaleMaxPartitionCount, 5),
		same("data_schema, not in the request", got.DataSchema, avroSchema),
	)
}

func (v v3) rescale(stream string) error {
	for _, target := range []int32{4, 2} {
		err := done(v, v.dis.UpdatePartitionCount, &model.UpdatePartitionCountRequest{
			StreamName: stream,
			Body:       &model.UpdatePartitionCountReq{StreamName: stream, TargetPartitionCount: target},
		}, 200)
		if err != nil {
			return fmt.Errorf("to %d: %w", target, err)
		}
		got, err := v.stream(stream)
		if err != nil {
			return err
		}
		err = all(
			same("writable_partition_count", got.WritablePartitionCount, target),
			equal("the number of partitions", len(value(got.Partitions)), 4),
		)
		if err != nil {
			return err
		}
	}
	got, err := v.stream(stream)
	if err != nil {
		return err
	}
	status := model.GetPartitionResultStatusEnum()
	err = all(
		same("status of the second partition", (*got.Partitions)[1].Status, status.ACTIVE),
		same("status of the third partition", (*got.Partitions)[2].Status, status.DELETED),
		same("hash_range of the first partition", (*got.Partitions)[0].HashRange, hashRangeFirstOfTwo),
		equal("the length of update_partition_counts", len(value(got.UpdatePartitionCounts)), 2),
	)
	if err != nil {
		return err
	}
	last := (*got.UpdatePartitionCounts)[1]
	return all(
		that(value(last.CreateTimestamp) > 0, "create_timestamp is absent"),
		same("src_partition_count", last.SrcPartitionCount, 4),
		same("target_partition_count", last.TargetPartitionCount, 2),
		same("auto_scale", last.AutoScale, false),
	)
}

func (v v3) pagePartitions(stream string) error {
	page := func(start *string) (*model.ShowStreamResponse, error) {
		return call(v, v.dis.ShowStream, &model.ShowStreamRequest{
			StreamName: stream, LimitPartitions: to(int32(3)), StartPartitionId: start,
		}, 200)
	}
	first, err := page(nil)
	if err != nil {
		return err
	}
	second, err := page(to(partitionID(2)))
	if err != nil {
		return err
	}
	err = all(
		same("has_more_partitions of the first page", first.HasMorePartitions, true),
		equal("the length of the first page", len(value(first.Partitions)), 3),
		same("has_more_partitions of the second page", second.HasMorePartitions, false),
		equal("the length of the second page", len(value(second.Partitions)), 1),
	)
	if err != nil {
		return err
	}
	return same("partition_id", (*second.Partitions)[0].PartitionId, partitionID(3))
}

// listed finds the stream in the list: it comes first after its own name without the last letter.
func (v v3) listed(stream string) error {
	got, err := call(v, v.dis.ListStreams, &model.ListStreamsRequest{
		Limit: to(int32(1)), StartStreamName: to(stream[:len(stream)-1]),
	}, 200)
	if err != nil {
		return err
	}
	err = all(
		that(value(got.TotalNumber) > 0, "total_number is absent or 0"),
		that(got.HasMoreStreams != nil, "has_more_streams is absent"),
		equal("stream_names", value(got.StreamNames), []string{stream}),
		equal("the length of stream_info_list", len(value(got.StreamInfoList)), 1),
	)
	if err != nil {
		return err
	}
	info := (*got.StreamInfoList)[0]
	return all(
		same("stream_name", info.StreamName, stream),
		that(value(info.CreateTime) > 0, "create_time is absent"),
		same("retention_period", info.RetentionPeriod, 72),
		same("status", info.Status, model.GetStreamInfoStatusEnum().RUNNING),
		same("stream_type", info.StreamType, model.GetStreamInfoStreamTypeEnum().ADVANCED),
		same("data_type", info.DataType, model.GetStreamInfoDataTypeEnum().JSON),
		same("partition_count", info.PartitionCount, 2),
		same("auto_scale_enabled", info.AutoScaleEnabled, true),
		equal("tags", pairs(info.Tags), []string{"foo=bar"}),
	)
}

func (v v3) pageStreams() error {
	var created, listed []string
	for i := range 3 {
		name := v.of(fmt.Sprintf("v3-page-%d", i))
		if err := v.create(name, 1); err != nil {
			return err
		}
		created = append(created, name)
	}
	start := v.of("v3-page")
	for range created {
		got, err := call(v, v.dis.ListStreams, &model.ListStreamsRequest{Limit: to(int32(1)), StartStreamName: &start}, 200)
		if err != nil {
			return err
		}
		if err := equal("the length of a page", len(value(got.StreamNames)), 1); err != nil {
			return err
		}
		listed = append(listed, (*got.StreamNames)[0])
		start = (*got.StreamNames)[0]
	}
	var errs []error
	for _, name := range created {
		errs = append(errs, v.delete(name))
	}
	return errors.Join(append(errs, equal("stream_names", listed, created))...)
}

// pairs are tags as key=value, in the order of the answer.
func pairs(tags *[]model.Tag) []string {
	var pairs []string
	for _, tag := range value(tags) {
		pairs = append(pairs, value(tag.Key)+"="+value(tag.Value))
	}
	return pairs
}
