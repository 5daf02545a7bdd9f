package main

import (
	"errors"
	"fmt"

	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/dump"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// agency is the credentials profile of transfer tasks that a server has without being configured.
const agency = "dis_admin_agency"

// dumpFlow is the library's acceptance test of dump tasks, in its order (spec/14 §5).
func (g gopher) dumpFlow() {
	stream, task := g.of("dump"), g.of("task")
	g.check("create stream, for a transfer task", formNone, func() error {
		return streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 3})
	})
	sent := dump.OBSDestinationDescriptorOpts{
		TaskName:            task,
		AgencyName:          agency,
		ConsumerStrategy:    "LATEST",
		DestinationFileType: "text",
		OBSBucketPath:       g.settings.bucket,
		FilePrefix:          "_pf",
		PartitionFormat:     "yyyy/MM/dd/HH/mm",
		RecordDelimiter:     "|",
		DeliverTimeInterval: to(30),
	}
	g.check("create transfer task to OBS", formNone, func() error {
		return dump.CreateOBSDumpTask(g.dis, dump.CreateOBSDumpTaskOpts{
			StreamName: stream, DestinationType: "OBS", OBSDestinationDescriptor: sent,
		})
	})
	id := ""
	g.check("describe transfer task", formNone, func() error {
		got, err := g.task(stream, task)
		if err != nil {
			return err
		}
		id = got.TaskId
		return all(
			that(id != "", "task_id is empty"),
			equal("task_name", got.TaskName, task),
			equal("stream_name", got.StreamName, stream),
			equal("destination_type", got.DestinationType, "OBS"),
			equal("state", got.State, "RUNNING"),
			that(value(got.CreatedAt) > 0, "create_time is absent"),
			echoed(got.OBSDestinationDescription, sent),
			equal("the number of partitions", len(got.Partitions), 3),
			equal("partition_id", nth(got.Partitions, 0).PartitionId, partitionID(0)),
			equal("status of the partition", nth(got.Partitions, 0).Status, "ACTIVE"),
			that(nth(got.Partitions, 0).HashRange != "", "hash_range is empty"),
		)
	})
	g.check("stop transfer task", formNone, func() error { return g.act(stream, task, id, "stop", "PAUSED") })
	g.check("list transfer tasks", formNone, func() error {
		list, err := dump.ListTransferTasks(g.dis, stream)
		if err != nil {
			return err
		}
		err = all(same("total_number", list.TotalNumber, 1), equal("the number of tasks", len(list.Tasks), 1))
		if err != nil {
			return err
		}
		got := list.Tasks[0]
		return all(
			equal("task_name", got.TaskName, task),
			equal("task_id", got.TaskId, id),
			equal("state", got.State, "PAUSED"),
			equal("destination_type", got.DestinationType, "OBS"),
			that(value(got.CreatedAt) > 0, "create_time is absent"),
		)
	})
	g.check("start transfer task", formNone, func() error { return g.act(stream, task, id, "start", "RUNNING") })
	g.check("delete transfer task", formNone, func() error {
		err := dump.DeleteTransferTask(g.dis, dump.DeleteTransferTaskOpts{StreamName: stream, TaskName: task})
		if err != nil {
			return err
		}
		_, err = g.task(stream, task)
		return gopherRefused(err, 400, "DIS.4354")
	})
	g.check("delete stream, of a transfer task", formNone, func() error {
		return streams.DeleteStream(g.dis, stream)
	})
}

func (g gopher) task(stream, task string) (*dump.GetTransferTaskResponse, error) {
	return dump.GetTransferTask(g.dis, dump.GetTransferTaskOpts{StreamName: stream, TaskName: task})
}

// act starts or stops a task; the very next look has to show the new state.
func (g gopher) act(stream, task, id, action, state string) error {
	if id == "" {
		return errors.New("there is no task_id to call it with; see the check of describe transfer task")
	}
	err := dump.TransferTaskAction(g.dis, dump.TransferTaskActionOpts{
		StreamName: stream, Action: action, Tasks: []dump.BatchTransferTask{{Id: id}},
	})
	if err != nil {
		return err
	}
	got, err := g.task(stream, task)
	if err != nil {
		return err
	}
	return equal("state", got.State, state)
}

// echoed fails unless a descriptor comes back as it was sent. The Terraform provider built on this client
// makes a task anew when any of these members differs (spec/09 §4.2).
func echoed(got, sent dump.OBSDestinationDescriptorOpts) error {
	members := []struct{ name, got, sent string }{
		{"task_name", got.TaskName, sent.TaskName},
		{"agency_name", got.AgencyName, sent.AgencyName},
		{"deliver_time_interval", fmt.Sprint(value(got.DeliverTimeInterval)), fmt.Sprint(value(sent.DeliverTimeInterval))},
		{"consumer_strategy", got.ConsumerStrategy, sent.ConsumerStrategy},
		{"file_prefix", got.FilePrefix, sent.FilePrefix},
		{"partition_format", got.PartitionFormat, sent.PartitionFormat},
		{"obs_bucket_path", got.OBSBucketPath, sent.OBSBucketPath},
		{"destination_file_type", got.DestinationFileType, sent.DestinationFileType},
		{"record_delimiter", got.RecordDelimiter, sent.RecordDelimiter},
	}
	for _, member := range members {
		if err := equal(member.name+" of the descriptor", member.got, member.sent); err != nil {
			return err
		}
	}
	return nil
}
