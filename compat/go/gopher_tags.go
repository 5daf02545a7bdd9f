package main

import (
	"fmt"

	"github.com/opentelekomcloud/gophertelekomcloud/openstack/common/tags"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// tagRound is what the Terraform provider does when tags change: all old ones away, all new ones on.
func (g gopher) tagRound() {
	const resource = "stream" // singular, and addressed by its id (spec/10)
	stream, id := g.of("tags"), ""
	g.check("create stream, for tags", formNone, func() error {
		if err := streams.CreateStream(g.dis, streams.CreateStreamOpts{StreamName: stream, PartitionCount: 1}); err != nil {
			return err
		}
		got, err := g.stream(stream)
		if err != nil {
			return err
		}
		id = got.StreamId
		return nil
	})
	sent := []tags.ResourceTag{{Key: g.of("a"), Value: "1"}, {Key: g.of("b"), Value: ""}}
	g.check("batch create tags", formNone, func() error {
		if err := tags.Create(g.dis, resource, id, sent).ExtractErr(); err != nil {
			return err
		}
		got, err := g.stream(stream)
		if err != nil {
			return err
		}
		return equal("tags of the stream", got.Tags, sent)
	})
	g.check("list tags of a stream", formNone, func() error {
		got, err := tags.Get(g.dis, resource, id).Extract()
		if err != nil {
			return err
		}
		return equal("tags", got, sent)
	})
	g.check("list tags of the project", formNone, func() error {
		list, err := tags.List(g.dis, resource).Extract()
		if err != nil {
			return err
		}
		for _, tag := range list {
			if tag.Key == sent[0].Key {
				return equal("values", tag.Values, []string{sent[0].Value})
			}
		}
		return fmt.Errorf("the tag %s is not listed", sent[0].Key)
	})
	g.check("batch delete tags", formNone, func() error {
		if err := tags.Delete(g.dis, resource, id, sent).ExtractErr(); err != nil {
			return err
		}
		got, err := g.stream(stream)
		if err != nil {
			return err
		}
		return equal("the number of tags", len(got.Tags), 0)
	})
	g.check("delete stream, of tags", formNone, func() error { return streams.DeleteStream(g.dis, stream) })
}
