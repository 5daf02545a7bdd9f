package main

import (
	"errors"
	"fmt"

	"github.com/opentelekomcloud/gophertelekomcloud/openstack/common/tags"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// avroSchema has blanks and a line end that have to come back as they were sent.
const avroSchema = "{\"type\": \"record\",\n \"name\": \"RecordName\", \"fields\": [{\"name\": \"id\", \"type\": \"string\"}]}"

// streamRound creates a stream with every attribute, reads them back, pages and rescales.
func (g gopher) streamRound() {
	stream := g.of("attributes")
	g.check("create stream, all attributes", formNone, func() error {
		return streams.CreateStream(g.dis, streams.CreateStreamOpts{
			StreamName: stream, PartitionCount: 1, StreamType: "COMMON", DataType: "CSV", DataDuration: to(48),
			AutoScaleEnabled: to(true), AutoScaleMinPartitionCount: to(2), AutoScaleMaxPartitionCount: to(3),
			DataSchema: avroSchema, CsvProperties: streams.CsvProperties{Delimiter: ";"}, CompressionFormat: "zip",
			Tags: []tags.ResourceTag{{Key: "foo", Value: "bar"}},
		})
	})
	g.check("describe stream, all attributes", formNone, func() error {
		got, err := g.stream(stream)
		if err != nil {
			return err
		}
		err = all(
			equal("data_type", got.DataType, "CSV"),
			same("retention_period", got.RetentionPeriod, 48),
			equal("data_schema", got.DataSchema, avroSchema),
			equal("csv_properties.delimiter", got.CsvProperties.Delimiter, ";"),
			equal("compression_format", got.CompressionFormat, "zip"),
			same("auto_scale_enabled", got.AutoScaleEnabled, true),
			same("auto_scale_min_partition_count", got.AutoScaleMinPartitionCount, 2),
			same("auto_scale_max_partition_count", got.AutoScaleMaxPartitionCount, 3),
			equal("tags", got.Tags, []tags.ResourceTag{{Key: "foo", Value: "bar"}}),
			that(value(got.CreatedAt) > 0, "create_time is absent"),
			that(value(got.LastModifiedTime) > 0, "last_modified_time is absent"),
			same("readable_partition_count", got.ReadablePartitionCount, 1),
			equal("the number of partitions", len(got.Partitions), 1),
		)
		if err != nil {
			return err
		}
		return equal("the partition", got.Partitions[0], streams.PartitionResult{
			Status: "ACTIVE", PartitionId: partitionID(0), HashRange: hashRangeOfOne, SequenceNumberRange: "[0 : 0]",
		})
	})
	g.check("change the number of partitions, up and down", formNone, func() error { return g.rescale(stream) })
	g.check("describe stream, page by page", formNone, func() error { return g.pagePartitions(stream) })
	g.check("update stream, refused as by the service", formNone, func() error { return g.updateStream(stream) })
	g.check("add policy", formNone, func() error { return g.addPolicy(stream) })
	g.check("list policies", formNone, func() error { return g.listPolicies(stream) })
	g.check("delete stream, and create it anew", formNone, func() error { return g.createAnew(stream) })
	g.check("list streams, page by page", formNone, g.pageStreams)
}

func (g gopher) stream(name string) (*streams.DescribeStreamResponse, error) {
	return streams.GetStream(g.dis, streams.GetStreamOpts{StreamName: name})
}

// streamInfo finds a stream in the list; it comes first after its own name without the last letter.
func (g gopher) streamInfo(name string) (streams.StreamInfo, error) {
	before := name[:len(name)-1]
	list, err := streams.ListStreams(g.dis, streams.ListStreamsOpts{Limit: to(1), StartStreamName: before})
	if err != nil {
		return streams.StreamInfo{}, err
	}
	err = all(
		that(value(list.TotalNumber) > 0, "total_number is absent or 0"),
		that(list.HasMoreStreams != nil, "has_more_streams is absent"),
		equal("stream_names", list.StreamNames, []string{name}),
		equal("the length of stream_info_list", len(list.StreamInfoList), 1),
	)
	if err != nil {
		return streams.StreamInfo{}, err
	}
	return list.StreamInfoList[0], equal("stream_name", list.StreamInfoList[0].StreamName, name)
}

func (g gopher) rescale(stream string) error {
	for _, target := range []int{2, 1, 2} {
		err := streams.UpdatePartitionCount(g.dis, streams.UpdatePartitionCountOpts{
			StreamName: stream, TargetPartitionCount: target,
		})
		if err != nil {
			return fmt.Errorf("to %d: %w", target, err)
		}
		got, err := g.stream(stream)
		if err != nil {
			return err
		}
		if err := same("writable_partition_count", got.WritablePartitionCount, target); err != nil {
			return err
		}
	}
	got, err := g.stream(stream)
	if err != nil {
		return err
	}
	err = all(
		equal("the number of partitions", len(got.Partitions), 2),
		equal("hash_range of the first", nth(got.Partitions, 0).HashRange, hashRangeFirstOfTwo),
		equal("the length of update_partition_counts", len(got.UpdatePartitionCounts), 3),
	)
	if err != nil {
		return err
	}
	first := got.UpdatePartitionCounts[0]
	return all(
		that(value(first.CreatedAt) > 0, "create_timestamp is absent"),
		same("src_partition_count", first.SrcPartitionCount, 1),
		same("target_partition_count", first.TargetPartitionCount, 2),
		same("auto_scale", first.AutoScale, false),
	)
}

func (g gopher) pagePartitions(stream string) error {
	first, err := streams.GetStream(g.dis, streams.GetStreamOpts{StreamName: stream, LimitPartitions: to(1)})
	if err != nil {
		return err
	}
	err = all(
		same("has_more_partitions of the first page", first.HasMorePartitions, true),
		equal("the length of the first page", len(first.Partitions), 1),
	)
	if err != nil {
		return err
	}
	second, err := streams.GetStream(g.dis, streams.GetStreamOpts{
		StreamName: stream, LimitPartitions: to(1), StartPartitionId: first.Partitions[0].PartitionId,
	})
	if err != nil {
		return err
	}
	return all(
		same("has_more_partitions of the second page", second.HasMorePartitions, false),
		equal("the length of the second page", len(second.Partitions), 1),
		equal("partition_id", nth(second.Partitions, 0).PartitionId, partitionID(1)),
	)
}

// updateStream sends attributes to the route that changes the number of partitions, a defect of the
// client; the service refuses that, and so has the server (spec/02 §4).
func (g gopher) updateStream(stream string) error {
	err := streams.UpdateStream(g.dis, streams.UpdateStreamOpts{StreamName: stream, DataType: "JSON"})
	if err := gopherRefused(err, 400, "DIS.4200"); err != nil {
		return err
	}
	got, err := g.stream(stream)
	if err != nil {
		return err
	}
	return equal("data_type after the refusal", got.DataType, "CSV")
}

func (g gopher) addPolicy(stream string) error {
	described, err := g.stream(stream)
	if err != nil {
		return err
	}
	return streams.CreatePolicyRule(g.dis, streams.CreatePolicyRuleOpts{
		StreamName: stream, StreamId: described.StreamId, PrincipalName: "someone.*",
		ActionType: "putRecords", Effect: "accept",
	})
}

func (g gopher) listPolicies(stream string) error {
	described, err := g.stream(stream)
	if err != nil {
		return err
	}
	got, err := streams.GetPolicyRule(g.dis, stream)
	if err != nil {
		return err
	}
	err = all(
		equal("stream_id", got.StreamId, described.StreamId),
		equal("the number of rules", len(got.Rules), 1),
	)
	if err != nil {
		return err
	}
	return all(
		equal("principal_name", got.Rules[0].PrincipalName, "someone.*"),
		equal("action_type", got.Rules[0].ActionType, "putRecords"),
		equal("effect", got.Rules[0].Effect, "accept"),
	)
}

// createAnew is what Terraform does to replace a stream: the name is free as soon as the delete returns.
func (g gopher) createAnew(stream string) error {
	before, err := g.stream(stream)
	if err != nil {
		return err
	}
	if err := streams.DeleteStream(g.dis, stream); err != nil {
		return err
	}
	if err := streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 1}); err != nil {
		return err
	}
	after, err := g.stream(stream)
	if err != nil {
		return err
	}
	return errors.Join(streams.DeleteStream(g.dis, stream), all(
		that(after.StreamId != before.StreamId, "the new stream has the id of the old one"),
		equal("the number of partitions", len(after.Partitions), 1),
		equal("data_type", after.DataType, "BLOB"),
		equal("tags", len(after.Tags), 0),
	))
}

func (g gopher) pageStreams() error {
	var created, listed []string
	for i := range 3 {
		name := g.of(fmt.Sprintf("page-%d", i))
		if err := streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: name, PartitionCount: 1}); err != nil {
			return err
		}
		created = append(created, name)
	}
	start := g.of("page")
	for range created {
		list, err := streams.ListStreams(g.dis, streams.ListStreamsOpts{Limit: to(1), StartStreamName: start})
		if err != nil {
			return err
		}
		if err := equal("the length of a page", len(list.StreamNames), 1); err != nil {
			return err
		}
		start = list.StreamNames[0]
		listed = append(listed, start)
	}
	for _, name := range created {
		if err := streams.DeleteStream(g.dis, name); err != nil {
			return err
		}
	}
	return equal("stream_names", listed, created)
}
