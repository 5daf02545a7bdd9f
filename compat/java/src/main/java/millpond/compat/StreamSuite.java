package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.exception.DISStreamNotExistsException;
import com.huaweicloud.dis.iface.stream.request.CreateStreamRequest;
import com.huaweicloud.dis.iface.stream.request.DescribeStreamRequest;
import com.huaweicloud.dis.iface.stream.request.ListStreamsRequest;
import com.huaweicloud.dis.iface.stream.request.Tag;
import com.huaweicloud.dis.iface.stream.request.UpdateStreamRequest;
import com.huaweicloud.dis.iface.stream.response.DescribeStreamResult;
import com.huaweicloud.dis.iface.stream.response.ListStreamsResult;
import com.huaweicloud.dis.iface.stream.response.PartitionResult;
import com.huaweicloud.dis.iface.stream.response.StreamInfo;
import com.huaweicloud.dis.iface.stream.response.UpdatePartitionCountResult;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The life of streams and partitions (spec/02). */
final class StreamSuite implements Suite {
    private final DIS client;
    private final String stream;
    private final String advanced;

    StreamSuite(Settings settings) {
        client = settings.client(Form.JSON);
        stream = settings.name("life");
        advanced = settings.name("life-advanced");
    }

    @Override
    public void run(Report report) {
        Report.Client sdk = report.client(Settings.SDK, "-");
        sdk.check("create stream", this::create);
        sdk.check("create stream with tags", this::createWithTags);
        sdk.check("describe stream", this::describe);
        sdk.check("describe stream by id", this::describeById);
        sdk.check("describe stream in pages", this::describeInPages);
        sdk.check("list streams", this::list);
        sdk.check("scale up", this::scaleUp);
        sdk.check("scale down", this::scaleDown);
        sdk.check("update stream", this::update);
        sdk.check("delete stream", () -> delete(stream));
        sdk.check("delete stream with tags", () -> delete(advanced));
    }

    private void create() {
        client.createStream(Requests.createStream(stream, 2));
    }

    private void createWithTags() {
        Tag tag = new Tag();
        tag.setKey("team");
        tag.setValue("blue");
        CreateStreamRequest request = Requests.createStream(advanced, 1);
        request.setStreamType(CreateStreamRequest.STREAM_TYPE_ADVANCED);
        request.setTags(List.of(tag));
        client.createStream(request);
        DescribeStreamResult found = Requests.describe(client, advanced);
        Expect.equal("stream type", "ADVANCED", found.getStreamType());
        Expect.equal("number of tags", 1, found.getTags().size());
        Expect.equal("tag", "team=blue", found.getTags().get(0).getKey() + "=" + found.getTags().get(0).getValue());
    }

    private void describe() {
        DescribeStreamResult found = Requests.describe(client, stream);
        Expect.equal("stream name", stream, found.getStreamName());
        Expect.equal("status", "RUNNING", found.getStatus());
        Expect.equal("stream type", "COMMON", found.getStreamType());
        Expect.equal("data type", "BLOB", found.getDataType());
        Expect.equal("retention", 24, found.getRetentionPeriod());
        Expect.equal("writable partitions", 2, found.getWritablePartitionCount());
        Expect.equal("readable partitions", 2, found.getReadablePartitionCount());
        Expect.equal("more partitions", false, found.getHasMorePartitions());
        Expect.that(found.getCreateTime() > 0, "create time missing");
        PartitionResult last = found.getPartitions().get(1);
        Expect.equal("partition id", "shardId-0000000001", last.getPartitionId());
        Expect.equal("partition status", "ACTIVE", last.getStatus());
        Expect.equal("hash range", "[4611686018427387903 : 9223372036854775807]", last.getHashRange());
        Expect.equal("sequence numbers", "[0 : 0]", last.getSequenceNumberRange());
    }

    private void describeById() {
        DescribeStreamRequest request = Requests.describeStream(stream);
        request.setStreamId(client.describeStream(request).getStreamId());
        request.setStreamName(null);
        Expect.equal("stream name", stream, client.describeStream(request).getStreamName());
    }

    private void describeInPages() {
        DescribeStreamRequest request = Requests.describeStream(stream);
        request.setLimitPartitions(1);
        DescribeStreamResult first = client.describeStream(request);
        Expect.equal("partitions of page 1", 1, first.getPartitions().size());
        Expect.equal("more after page 1", true, first.getHasMorePartitions());
        request.setStartPartitionId(first.getPartitions().get(0).getPartitionId());
        DescribeStreamResult second = client.describeStream(request);
        Expect.equal("partition of page 2", "shardId-0000000001", second.getPartitions().get(0).getPartitionId());
        Expect.equal("more after page 2", false, second.getHasMorePartitions());
    }

    private void list() {
        List<String> names = new ArrayList<>();
        ListStreamsRequest request = new ListStreamsRequest();
        request.setLimit(1);
        ListStreamsResult page;
        do {
            page = client.listStreams(request);
            Expect.equal("length of the two lists of a page", page.getStreamNames().size(),
                    page.getStreamInfos().size());
            Expect.that(page.getStreamNames().size() <= 1, "a page is longer than its limit");
            names.addAll(page.getStreamNames());
            for (StreamInfo info : page.getStreamInfos()) {
                if (info.getStreamName().equals(stream)) {
                    Expect.equal("partition count in the list", 2, info.getPartitionCount());
                    Expect.equal("status in the list", "RUNNING", info.getStatus());
                }
            }
            request.setExclusiveStartStreamName(names.get(names.size() - 1));
        } while (page.getHasMoreStreams());
        Expect.that(names.contains(stream) && names.contains(advanced), "streams missing in the list " + names);
        Expect.equal("order of the list", new ArrayList<>(new TreeSet<>(names)), names);
        Expect.equal("total number", page.getStreamNumber(), names.size());
    }

    private void scaleUp() {
        UpdatePartitionCountResult result = client.updatePartitionCount(Requests.scale(stream, 4));
        Expect.equal("count before", 2, result.getCurrentPartitionCount());
        Expect.equal("count after", 4, result.getTargetPartitionCount());
        DescribeStreamResult found = Requests.describe(client, stream);
        Expect.equal("writable partitions", 4, found.getWritablePartitionCount());
        Expect.equal("partition states", "ACTIVE ACTIVE ACTIVE ACTIVE", states(found));
        Expect.equal("history entries", 1, found.getUpdatePartitionCounts().size());
        Expect.equal("history target", 4, found.getUpdatePartitionCounts().get(0).getTargetPartitionCount());
    }

    private void scaleDown() {
        client.updatePartitionCount(Requests.scale(stream, 1));
        DescribeStreamResult found = Requests.describe(client, stream);
        Expect.equal("writable partitions", 1, found.getWritablePartitionCount());
        Expect.equal("readable partitions", 4, found.getReadablePartitionCount());
        Expect.equal("partition states", "ACTIVE DELETED DELETED DELETED", states(found));
    }

    private static String states(DescribeStreamResult stream) {
        return stream.getPartitions().stream().map(PartitionResult::getStatus).collect(Collectors.joining(" "));
    }

    private void update() {
        UpdateStreamRequest request = new UpdateStreamRequest();
        request.setStreamName(stream);
        request.setDataType("JSON");
        client.updateStream(request);
        Expect.equal("data type", "JSON", Requests.describe(client, stream).getDataType());
    }

    private void delete(String name) throws Exception {
        client.deleteStream(Requests.deleteStream(name));
        DISStreamNotExistsException gone = Expect.failure(DISStreamNotExistsException.class, "DIS.4301",
                () -> Requests.describe(client, name));
        Expect.equal("stream name in the exception", name, gone.getStreamName());
    }
}
