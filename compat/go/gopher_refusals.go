package main

import (
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/apps"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/data"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// refusalRound makes requests that have to fail with a status and code that callers look for.
func (g gopher) refusalRound() {
	stream, app := g.of("refusals"), g.of("refused")
	absent := g.of("absent")
	g.check("create stream and app, for refusals", formNone, func() error {
		if err := streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 1}); err != nil {
			return err
		}
		return apps.CreateApp(g.dis, apps.CreateAppOpts{AppName: app})
	})
	cursor := func(cursorType, number string) error {
		_, err := data.GetCursor(g.dis, data.GetCursorOpts{
			StreamName: stream, PartitionId: "0", CursorType: cursorType, StartingSequenceNumber: number,
		})
		return err
	}
	for _, c := range []struct {
		call   string
		status int
		code   string
		send   func() error
	}{
		{"describe stream, absent", 400, "DIS.4301", func() error {
			_, err := g.stream(absent)
			return err
		}},
		{"create stream, present already", 400, "DIS.4307", func() error {
			return streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 1})
		}},
		{"delete stream, absent", 400, "DIS.4301", func() error { return streams.DeleteStream(g.dis, absent) }},
		{"create app, present already", 400, "DIS.4330", func() error {
			return apps.CreateApp(g.dis, apps.CreateAppOpts{AppName: app})
		}},
		{"delete app, absent", 400, "DIS.4332", func() error { return apps.DeleteApp(g.dis, absent) }},
		{"get cursor, number out of range", 400, "DIS.4224", func() error { return cursor("AT_SEQUENCE_NUMBER", "987654321") }},
		{"get cursor, unknown type", 400, "DIS.4215", func() error { return cursor("SOMEWHERE", "") }},
		{"get records, malformed cursor", 400, "DIS.4217", func() error {
			_, _, err := g.records("bm90LWEtY3Vyc29y", nil)
			return err
		}},
		{"put records, stream absent", 400, "DIS.4301", func() error {
			_, err := data.PutRecords(g.dis, data.PutRecordsOpts{
				StreamName: absent, Records: []data.PutRecordsRequestEntry{{Data: encoded("x")}},
			})
			return err
		}},
		{"describe stream, wrong secret key", 401, "DIS.4112", func() error {
			wrong, err := gopherSigned(g.settings, g.settings.secretKey+"x")
			if err != nil {
				return err
			}
			_, err = streams.GetStream(wrong, streams.GetStreamOpts{StreamName: stream})
			return err
		}},
	} {
		g.check(c.call, formNone, func() error { return gopherRefused(c.send(), c.status, c.code) })
	}
	g.check("delete app and stream, of refusals", formNone, func() error {
		if err := apps.DeleteApp(g.dis, app); err != nil {
			return err
		}
		return streams.DeleteStream(g.dis, stream)
	})
}
