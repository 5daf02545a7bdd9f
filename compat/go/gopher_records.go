package main

import (
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/data"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// records reads behind a cursor; a nil limit means none.
func (g gopher) records(cursor string, limit *int) ([]read, string, error) {
	got, err := data.GetRecords(g.dis, data.GetRecordsOpts{PartitionCursor: cursor, MaxFetchBytes: limit})
	if err != nil {
		return nil, "", err
	}
	var records []read
	for _, record := range got.Records {
		records = append(records, read{
			sequence: record.SequenceNumber, data: record.Data, key: record.PartitionKey,
			timestamp: value(record.CreatedAt), timestampType: record.TimestampType,
		})
	}
	return records, got.NextPartitionCursor, nil
}

// from reads what a new cursor of these options points to.
func (g gopher) from(options data.GetCursorOpts) ([]read, string, error) {
	cursor, err := data.GetCursor(g.dis, options)
	if err != nil {
		return nil, "", err
	}
	return g.records(cursor.PartitionCursor, nil)
}

// recordRound places records in all ways and reads them with cursors of all types.
func (g gopher) recordRound() {
	stream := g.of("records")
	g.check("create stream, for records", formNone, func() error {
		return streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 2})
	})
	texts := []string{"a0", "a1", "a2", ""}
	g.check("put records, all kinds of placement", formJSON, func() error {
		result, err := data.PutRecords(g.dis, data.PutRecordsOpts{StreamName: stream, Records: []data.PutRecordsRequestEntry{
			{Data: encoded(texts[0]), PartitionId: "0"},
			{Data: encoded(texts[1]), PartitionId: partitionID(0), PartitionKey: "k1"},
			{Data: encoded(texts[2]), ExplicitHashKey: hashKeyFirstOfTwo, PartitionKey: "k1"},
			{Data: encoded(texts[3]), ExplicitHashKey: hashKeyFirstOfTwo},
			{Data: encoded("b0"), ExplicitHashKey: hashKeySecondOfTwo},
			{Data: encoded("refused"), PartitionId: "7"},
		}})
		if err != nil {
			return err
		}
		return all(
			same("failed_record_count", result.FailedRecordCount, 1),
			equal("the results", placesOf(result.Records), []string{
				partitionID(0) + " 0", partitionID(0) + " 1", partitionID(0) + " 2", partitionID(0) + " 3",
				partitionID(1) + " 0", "DIS.4302",
			}),
		)
	})
	g.check("put records, one key is one partition", formJSON, func() error { return g.putByKey(stream) })
	options := data.GetCursorOpts{StreamName: stream, PartitionId: partitionID(0)}
	g.checkCursors(options, texts)
	g.check("get records, page by page with max_fetch_bytes", formJSON, func() error {
		cursor, err := data.GetCursor(g.dis, data.GetCursorOpts{StreamName: stream, PartitionId: "0", CursorType: "TRIM_HORIZON"})
		if err != nil {
			return err
		}
		first, next, err := g.records(cursor.PartitionCursor, to(2*len(texts[0])))
		if err != nil {
			return err
		}
		second, _, err := g.records(next, nil)
		if err != nil {
			return err
		}
		return all(readsAre(first, 0, texts[:2]...), readsAre(second, 2, texts[2:]...))
	})
	g.check("delete stream, of records", formNone, func() error { return streams.DeleteStream(g.dis, stream) })
}

// placesOf is where each record went, or the code with which it was refused.
func placesOf(results []data.PutRecordsResultEntry) []string {
	var places []string
	for _, result := range results {
		if result.ErrorCode != "" {
			places = append(places, result.ErrorCode)
		} else {
			places = append(places, result.PartitionId+" "+result.SequenceNumber)
		}
	}
	return places
}

// putByKey writes to the second partition, so that the cursors' checks know what the first holds.
func (g gopher) putByKey(stream string) error {
	const key = keyOfSecondOfTwo
	result, err := data.PutRecords(g.dis, data.PutRecordsOpts{StreamName: stream, Records: []data.PutRecordsRequestEntry{
		{Data: encoded("b1"), PartitionKey: key}, {Data: encoded("b2"), PartitionKey: key},
	}})
	if err != nil {
		return err
	}
	got, _, err := g.from(data.GetCursorOpts{StreamName: stream, PartitionId: "1", CursorType: "TRIM_HORIZON"})
	if err != nil {
		return err
	}
	return all(
		same("failed_record_count", result.FailedRecordCount, 0),
		equal("the results", placesOf(result.Records), []string{partitionID(1) + " 1", partitionID(1) + " 2"}),
		readsAre(got, 0, "b0", "b1", "b2"),
		equal("partition_key", nth(got, 1).key, key),
	)
}

func (g gopher) checkCursors(options data.GetCursorOpts, texts []string) {
	typed := func(cursorType, number string) data.GetCursorOpts {
		typed := options
		typed.CursorType, typed.StartingSequenceNumber = cursorType, number
		return typed
	}
	for _, c := range []struct {
		options data.GetCursorOpts
		first   int
	}{
		{typed("TRIM_HORIZON", ""), 0},
		{typed("AT_SEQUENCE_NUMBER", "2"), 2},
		{typed("AFTER_SEQUENCE_NUMBER", "2"), 3},
		{typed("LATEST", ""), len(texts)},
	} {
		g.check("get cursor, "+c.options.CursorType, formNone, func() error {
			got, next, err := g.from(c.options)
			if err != nil {
				return err
			}
			return all(readsAre(got, c.first, texts[c.first:]...), that(next != "", "next_partition_cursor is empty"))
		})
	}
	g.check("get cursor, AT_TIMESTAMP", formNone, func() error {
		everything, _, err := g.from(typed("TRIM_HORIZON", ""))
		if err != nil {
			return err
		}
		timestamp := nth(everything, len(texts)-1).timestamp
		at := typed("AT_TIMESTAMP", "")
		at.Timestamp = &timestamp
		got, _, err := g.from(at)
		if err != nil {
			return err
		}
		first := firstAtOrAfter(everything, timestamp)
		return readsAre(got, first, texts[first:]...)
	})
}
