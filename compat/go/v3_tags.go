package main

import (
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

// tagRound adds, lists, finds by and removes tags, one by one and in batches.
func (v v3) tagRound() {
	stream, id := v.of("v3-tags"), ""
	a, b, c := v.of("a"), v.of("b"), v.of("c")
	v.check("create stream, for tags", formNone, func() error {
		if err := v.create(stream, 1); err != nil {
			return err
		}
		got, err := v.stream(stream)
		if err != nil {
			return err
		}
		id = value(got.StreamId)
		return nil
	})
	tagsAre := func(expected ...string) error {
		got, err := call(v, v.dis.ShowStreamTags, &model.ShowStreamTagsRequest{StreamId: id}, 200)
		if err != nil {
			return err
		}
		return equal("tags", pairs(got.Tags), expected)
	}
	v.check("create tag", formNone, func() error {
		err := done(v, v.dis.CreateTag, &model.CreateTagRequest{
			StreamId: id, Body: &model.CreateTagReq{Tag: &model.Tag{Key: to(a), Value: to("1")}},
		}, 204)
		if err != nil {
			return err
		}
		return tagsAre(a + "=1")
	})
	v.check("batch create tags", formNone, func() error {
		err := done(v, v.dis.BatchCreateTags, &model.BatchCreateTagsRequest{StreamId: id, Body: &model.BatchCreateTagsReq{
			Action: model.GetBatchCreateTagsReqActionEnum().CREATE,
			Tags:   []model.Tag{{Key: to(a), Value: to("2")}, {Key: to(b), Value: to("")}, {Key: to(c), Value: to("3")}},
		}}, 204)
		if err != nil {
			return err
		}
		return tagsAre(a+"=2", b+"=", c+"=3")
	})
	v.check("list tags of a stream", formNone, func() error { return tagsAre(a+"=2", b+"=", c+"=3") })
	v.check("list tags of the project", formNone, func() error {
		got, err := call(v, v.dis.ListTags, &model.ListTagsRequest{}, 200)
		if err != nil {
			return err
		}
		for _, tag := range value(got.Tags) {
			if value(tag.Key) == a {
				return same("values", tag.Values, []string{"2"})
			}
		}
		return that(false, "the tag %s is not listed", a)
	})
	v.check("find streams by tags, filter", formNone, func() error { return v.findByTag(stream, id, a) })
	v.check("find streams by tags, count", formNone, func() error {
		got, err := call(v, v.dis.ListResourcesByTags, &model.ListResourcesByTagsRequest{Body: &model.ListResourceInstancesReq{
			Action:  model.GetListResourceInstancesReqActionEnum().COUNT,
			TagsAny: &[]model.Tags{{Key: to(a), Values: &[]string{"2"}}, {Key: to(b), Values: &[]string{}}},
		}}, 200)
		if err != nil {
			return err
		}
		return all(same("total_count", got.TotalCount, 1), that(got.Resources == nil, "resources is there, count has none"))
	})
	v.check("delete tag", formNone, func() error {
		if err := done(v, v.dis.DeleteTag, &model.DeleteTagRequest{StreamId: id, Key: b}, 204); err != nil {
			return err
		}
		return tagsAre(a+"=2", c+"=3")
	})
	v.check("batch delete tags", formNone, func() error {
		err := done(v, v.dis.BatchDeleteTags, &model.BatchDeleteTagsRequest{StreamId: id, Body: &model.BatchDeleteTagsReq{
			Action: model.GetBatchDeleteTagsReqActionEnum().DELETE,
			Tags:   []model.Tag{{Key: to(a), Value: to("2")}, {Key: to(c), Value: to("3")}},
		}}, 204)
		if err != nil {
			return err
		}
		return tagsAre()
	})
	v.check("delete stream, of tags", formNone, func() error { return v.delete(stream) })
}

func (v v3) findByTag(stream, id, key string) error {
	got, err := call(v, v.dis.ListResourcesByTags, &model.ListResourcesByTagsRequest{Body: &model.ListResourceInstancesReq{
		Action: model.GetListResourceInstancesReqActionEnum().FILTER,
		Limit:  to("10"), Offset: to("0"),
		Tags: &[]model.Tags{{Key: to(key), Values: &[]string{"1", "2"}}},
	}}, 200)
	if err != nil {
		return err
	}
	err = all(
		same("total_count", got.TotalCount, 1),
		equal("the number of resources", len(value(got.Resources)), 1),
	)
	if err != nil {
		return err
	}
	found := (*got.Resources)[0]
	return all(
		same("resource_id", found.ResourceId, id),
		same("resource_name", found.ResourceName, stream),
		equal("the number of tags", len(value(found.Tags)), 3),
	)
}
