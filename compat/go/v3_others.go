package main

import (
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

// policyRound only lists: the generated client can neither add nor delete a policy.
func (v v3) policyRound() {
	stream := v.of("v3-policies")
	v.check("list policies", formNone, func() error {
		if err := v.create(stream, 1); err != nil {
			return err
		}
		described, err := v.stream(stream)
		if err != nil {
			return err
		}
		got, err := call(v, v.dis.ListPolicies, &model.ListPoliciesRequest{StreamName: stream}, 200)
		if err != nil {
			return err
		}
		return all(
			same("stream_id", got.StreamId, value(described.StreamId)),
			same("rules", got.Rules, []model.PrincipalRule{}),
			v.delete(stream),
		)
	})
}

// metricRound writes three records and finds them counted.
func (v v3) metricRound() {
	stream := v.of("v3-metrics")
	v.check("create stream, for metrics", formNone, func() error {
		if err := v.create(stream, 2); err != nil {
			return err
		}
		entry := model.PutRecordsRequestEntry{Data: encoded("12345"), PartitionId: to("1")}
		_, err := v.put(stream, entry, entry, entry)
		return err
	})
	now := time.Now().Unix()
	start, end := now-120, now+120
	v.check("stream metrics", formNone, func() error {
		label := model.GetShowStreamMetricsRequestLabelEnum().TOTAL_PUT_RECORDS_PER_STREAM
		got, err := call(v, v.dis.ShowStreamMetrics, &model.ShowStreamMetricsRequest{
			StreamName: stream, Label: &label, StartTime: start, EndTime: end,
		}, 200)
		if err != nil {
			return err
		}
		return metricsAre(value(got.Metrics), label.Value(), 3)
	})
	v.check("stream metrics, list of labels", formNone, func() error {
		got, err := call(v, v.dis.ShowStreamMetrics, &model.ShowStreamMetricsRequest{
			StreamName: stream, LabelList: to("total_put_bytes_per_stream,total_put_req_suc_per_stream"),
			StartTime: start, EndTime: end,
		}, 200)
		if err != nil {
			return err
		}
		if err := equal("the length of metrics_list", len(value(got.MetricsList)), 2); err != nil {
			return err
		}
		return all(
			metricsAre((*got.MetricsList)[0], "total_put_bytes_per_stream", 15),
			metricsAre((*got.MetricsList)[1], "total_put_req_suc_per_stream", 1),
			metricsAre(value(got.Metrics), "total_put_bytes_per_stream", 15),
		)
	})
	v.check("partition metrics", formNone, func() error {
		label := model.GetShowPartitionMetricsRequestLabelEnum().TOTAL_PUT_BYTES_PER_PARTITION
		for partition, total := range map[string]int64{"0": 0, partitionID(1): 15} {
			got, err := call(v, v.dis.ShowPartitionMetrics, &model.ShowPartitionMetricsRequest{
				StreamName: stream, PartitionId: partition, Label: &label, StartTime: start, EndTime: end,
			}, 200)
			if err != nil {
				return err
			}
			if err := metricsAre(value(got.Metrics), label.Value(), total); err != nil {
				return err
			}
		}
		return nil
	})
	v.check("delete stream, of metrics", formNone, func() error { return v.delete(stream) })
}

func metricsAre(got model.Metrics, label string, total int64) error {
	var sum int64
	for _, point := range value(got.DataPoints) {
		sum += value(point.Value)
	}
	return all(
		same("label", got.Label, label),
		that(got.DataPoints != nil, "dataPoints of %s is absent", label),
		equal("the sum over dataPoints of "+label, sum, total),
	)
}

// refusalRound makes requests that have to fail with a status and code that callers look for.
func (v v3) refusalRound() {
	stream, app, absent := v.of("v3-refusals"), v.of("v3-refused"), v.of("v3-absent")
	v.check("create stream and app, for refusals", formNone, func() error {
		return all(v.create(stream, 1), v.createApp(app))
	})
	for _, c := range []struct {
		call   string
		status int
		code   string
		send   func() error
	}{
		{"describe stream, absent", 400, "DIS.4301", func() error {
			_, err := v.stream(absent)
			return err
		}},
		{"create stream, present already", 400, "DIS.4307", func() error { return v.create(stream, 1) }},
		{"delete stream, absent", 400, "DIS.4301", func() error { return v.delete(absent) }},
		{"create app, present already", 400, "DIS.4330", func() error { return v.createApp(app) }},
		{"delete app, absent", 400, "DIS.4332", func() error { return v.deleteApp(absent) }},
		{"get cursor, number out of range", 400, "DIS.4224", func() error {
			_, err := v.cursor(model.ShowCursorRequest{
				StreamName: stream, PartitionId: "0", StartingSequenceNumber: to("987654321"),
				CursorType: to(model.GetShowCursorRequestCursorTypeEnum().AT_SEQUENCE_NUMBER),
			})
			return err
		}},
		{"get records, malformed cursor", 400, "DIS.4217", func() error {
			_, _, err := v.records("bm90LWEtY3Vyc29y", nil)
			return err
		}},
		{"put records, stream absent", 400, "DIS.4301", func() error {
			_, err := v.put(absent, model.PutRecordsRequestEntry{Data: encoded("x")})
			return err
		}},
		{"describe transfer task, absent", 400, "DIS.4354", func() error {
			_, err := v.task(stream, absent)
			return err
		}},
		{"describe stream, wrong secret key", 401, "DIS.4112", func() error {
			wrong, err := v3Signed(v.settings, v.settings.secretKey+"x", false)
			if err != nil {
				return err
			}
			_, err = wrong.ShowStream(&model.ShowStreamRequest{StreamName: stream})
			return err
		}},
	} {
		v.check(c.call, formNone, func() error { return v3Refused(c.send(), c.status, c.code) })
	}
	v.check("delete app and stream, of refusals", formNone, func() error {
		return all(v.deleteApp(app), v.delete(stream))
	})
}
