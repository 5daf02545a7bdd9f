package main

import (
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

func (v v3) put(stream string, entries ...model.PutRecordsRequestEntry) (*model.SendRecordsResponse, error) {
	return call(v, v.dis.SendRecords, &model.SendRecordsRequest{
		Body: &model.PutRecordsRequest{StreamName: stream, Records: entries},
	}, 200)
}

// records reads behind a cursor; a nil limit means none.
func (v v3) records(cursor string, limit *int32) ([]read, string, error) {
	got, err := call(v, v.dis.ConsumeRecords, &model.ConsumeRecordsRequest{PartitionCursor: cursor, MaxFetchBytes: limit}, 200)
	if err != nil {
		return nil, "", err
	}
	var records []read
	for _, record := range value(got.Records) {
		records = append(records, read{
			sequence: value(record.SequenceNumber), data: value(record.Data), key: value(record.PartitionKey),
			timestamp: value(record.Timestamp), timestampType: value(record.TimestampType),
		})
	}
	return records, value(got.NextPartitionCursor), that(got.Records != nil, "records is absent")
}

func (v v3) cursor(message model.ShowCursorRequest) (string, error) {
	got, err := call(v, v.dis.ShowCursor, &message, 200)
	if err != nil {
		return "", err
	}
	return value(got.PartitionCursor), that(value(got.PartitionCursor) != "", "partition_cursor is absent")
}

// from reads what a new cursor points to.
func (v v3) from(message model.ShowCursorRequest) ([]read, string, error) {
	cursor, err := v.cursor(message)
	if err != nil {
		return nil, "", err
	}
	return v.records(cursor, nil)
}

// recordRound places records in all ways and reads them with cursors of all types.
func (v v3) recordRound() {
	stream := v.of("v3-records")
	v.check("create stream, for records", formNone, func() error { return v.create(stream, 2) })
	texts := []string{"a0", "a1", "a2", ""}
	v.check("put records, all kinds of placement", formJSON, func() error {
		got, err := v.put(stream,
			model.PutRecordsRequestEntry{Data: encoded(texts[0]), PartitionId: to("0")},
			model.PutRecordsRequestEntry{Data: encoded(texts[1]), PartitionId: to(partitionID(0)), PartitionKey: to("k1")},
			model.PutRecordsRequestEntry{Data: encoded(texts[2]), ExplicitHashKey: to(hashKeyFirstOfTwo), PartitionKey: to("k1")},
			model.PutRecordsRequestEntry{Data: encoded(texts[3]), ExplicitHashKey: to(hashKeyFirstOfTwo)},
			model.PutRecordsRequestEntry{Data: encoded("b0"), ExplicitHashKey: to(hashKeySecondOfTwo)},
			model.PutRecordsRequestEntry{Data: encoded("refused"), PartitionId: to("7")},
		)
		if err != nil {
			return err
		}
		return all(
			same("failed_record_count", got.FailedRecordCount, 1),
			equal("the results", v3Places(got.Records), []string{
				partitionID(0) + " 0", partitionID(0) + " 1", partitionID(0) + " 2", partitionID(0) + " 3",
				partitionID(1) + " 0", "DIS.4302",
			}),
		)
	})
	v.check("put records, one key is one partition", formJSON, func() error { return v.putByKey(stream) })
	v.check("get records", formJSON, func() error {
		got, next, err := v.from(model.ShowCursorRequest{
			StreamName: stream, PartitionId: "0", CursorType: to(model.GetShowCursorRequestCursorTypeEnum().TRIM_HORIZON),
		})
		if err != nil {
			return err
		}
		if err := readsAre(got, 0, texts...); err != nil {
			return err
		}
		rest, _, err := v.records(next, nil)
		if err != nil {
			return err
		}
		return all(
			equal("partition_key of a record without one", got[0].key, ""),
			equal("partition_key", got[1].key, "k1"),
			readsAre(rest, len(texts)),
		)
	})
	v.checkCursors(stream, texts)
	v.check("get records, page by page with max_fetch_bytes", formJSON, func() error {
		cursor, err := v.cursor(model.ShowCursorRequest{StreamName: stream, PartitionId: "0"})
		if err != nil {
			return err
		}
		first, next, err := v.records(cursor, to(int32(2*len(texts[0]))))
		if err != nil {
			return err
		}
		second, _, err := v.records(next, nil)
		if err != nil {
			return err
		}
		return all(readsAre(first, 0, texts[:2]...), readsAre(second, 2, texts[2:]...))
	})
	v.check("delete stream, of records", formNone, func() error { return v.delete(stream) })
}

// v3Places is where each record went, or the code with which it was refused.
func v3Places(results *[]model.PutRecordsResultEntry) []string {
	var places []string
	for _, result := range value(results) {
		if result.ErrorCode != nil {
			places = append(places, *result.ErrorCode)
		} else {
			places = append(places, value(result.PartitionId)+" "+value(result.SequenceNumber))
		}
	}
	return places
}

// putByKey writes to the second partition, so that the cursors' checks know what the first holds.
func (v v3) putByKey(stream string) error {
	key := to(keyOfSecondOfTwo)
	result, err := v.put(stream,
		model.PutRecordsRequestEntry{Data: encoded("b1"), PartitionKey: key},
		model.PutRecordsRequestEntry{Data: encoded("b2"), PartitionKey: key},
	)
	if err != nil {
		return err
	}
	got, _, err := v.from(model.ShowCursorRequest{
		StreamName: stream, PartitionId: partitionID(1), CursorType: to(model.GetShowCursorRequestCursorTypeEnum().TRIM_HORIZON),
	})
	if err != nil {
		return err
	}
	return all(
		same("failed_record_count", result.FailedRecordCount, 0),
		equal("the results", v3Places(result.Records), []string{partitionID(1) + " 1", partitionID(1) + " 2"}),
		readsAre(got, 0, "b0", "b1", "b2"),
		equal("partition_key", nth(got, 1).key, *key),
	)
}

func (v v3) checkCursors(stream string, texts []string) {
	types := model.GetShowCursorRequestCursorTypeEnum()
	typed := func(cursorType model.ShowCursorRequestCursorType) model.ShowCursorRequest {
		return model.ShowCursorRequest{StreamName: stream, PartitionId: partitionID(0), CursorType: &cursorType}
	}
	for _, c := range []struct {
		cursorType model.ShowCursorRequestCursorType
		number     *string
		first      int
	}{
		{types.TRIM_HORIZON, nil, 0},
		{types.AT_SEQUENCE_NUMBER, to("2"), 2},
		{types.AFTER_SEQUENCE_NUMBER, to("2"), 3},
		{types.LATEST, nil, len(texts)},
	} {
		v.check("get cursor, "+c.cursorType.Value(), formNone, func() error {
			message := typed(c.cursorType)
			message.StartingSequenceNumber = c.number
			got, _, err := v.from(message)
			if err != nil {
				return err
			}
			return readsAre(got, c.first, texts[c.first:]...)
		})
	}
	v.check("get cursor, AT_TIMESTAMP", formNone, func() error {
		everything, _, err := v.from(typed(types.TRIM_HORIZON))
		if err != nil {
			return err
		}
		timestamp := nth(everything, len(texts)-1).timestamp
		message := typed(types.AT_TIMESTAMP)
		message.Timestamp = &timestamp
		got, _, err := v.from(message)
		if err != nil {
			return err
		}
		first := firstAtOrAfter(everything, timestamp)
		return readsAre(got, first, texts[first:]...)
	})
}
