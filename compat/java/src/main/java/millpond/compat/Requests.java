package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.iface.data.request.CommitCheckpointRequest;
import com.huaweicloud.dis.iface.data.request.DeleteCheckpointRequest;
import com.huaweicloud.dis.iface.data.request.GetCheckpointRequest;
import com.huaweicloud.dis.iface.data.request.GetPartitionCursorRequest;
import com.huaweicloud.dis.iface.data.request.GetRecordsRequest;
import com.huaweicloud.dis.iface.data.request.PutRecordRequest;
import com.huaweicloud.dis.iface.data.request.PutRecordsRequest;
import com.huaweicloud.dis.iface.data.request.PutRecordsRequestEntry;
import com.huaweicloud.dis.iface.stream.request.CreateStreamRequest;
import com.huaweicloud.dis.iface.stream.request.DeleteStreamRequest;
import com.huaweicloud.dis.iface.stream.request.DescribeStreamRequest;
import com.huaweicloud.dis.iface.stream.request.UpdatePartitionCountRequest;
import com.huaweicloud.dis.iface.stream.response.DescribeStreamResult;
import com.huaweicloud.dis.util.CheckpointTypeEnum;
import com.huaweicloud.dis.util.PartitionCursorTypeEnum;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Builds the SDK's request objects. */
final class Requests {
    private Requests() {
    }

    static CreateStreamRequest createStream(String stream, int partitions) {
        CreateStreamRequest request = new CreateStreamRequest();
        request.setStreamName(stream);
        request.setPartitionCount(partitions);
        request.setStreamType(CreateStreamRequest.STREAM_TYPE_COMMON);
        request.setDataDuration(24);
        request.setDataType("BLOB");
        return request;
    }

    static DescribeStreamRequest describeStream(String stream) {
        DescribeStreamRequest request = new DescribeStreamRequest();
        request.setStreamName(stream);
        request.setLimitPartitions(100);
        return request;
    }

    static UpdatePartitionCountRequest scale(String stream, int target) {
        UpdatePartitionCountRequest request = new UpdatePartitionCountRequest();
        request.setStreamName(stream);
        request.setTargetPartitionCount(target);
        return request;
    }

    static DeleteStreamRequest deleteStream(String stream) {
        return new DeleteStreamRequest().withStreamName(stream);
    }

    static PutRecordsRequest putRecords(String stream, List<PutRecordsRequestEntry> records) {
        PutRecordsRequest request = new PutRecordsRequest();
        request.setStreamName(stream);
        request.setRecords(records);
        return request;
    }

    /** A record without any placement. */
    static PutRecordsRequestEntry record(byte[] data) {
        PutRecordsRequestEntry record = new PutRecordsRequestEntry();
        record.setData(ByteBuffer.wrap(data));
        return record;
    }

    static PutRecordsRequestEntry recordTo(String partition, String text) {
        PutRecordsRequestEntry record = record(text.getBytes(StandardCharsets.UTF_8));
        record.setPartitionId(partition);
        return record;
    }

    static PutRecordsRequestEntry recordOf(String key, String text) {
        PutRecordsRequestEntry record = record(text.getBytes(StandardCharsets.UTF_8));
        record.setPartitionKey(key);
        return record;
    }

    static PutRecordRequest putRecord(String stream, String key, String text) {
        PutRecordRequest request = new PutRecordRequest();
        request.setStreamName(stream);
        request.setPartitionKey(key);
        request.setData(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        return request;
    }

    static GetPartitionCursorRequest cursor(String stream, String partition, PartitionCursorTypeEnum type) {
        GetPartitionCursorRequest request = new GetPartitionCursorRequest();
        request.setStreamName(stream);
        request.setPartitionId(partition);
        request.setCursorType(type.name());
        return request;
    }

    static GetPartitionCursorRequest cursorAt(String stream, String partition, long sequenceNumber) {
        GetPartitionCursorRequest request = cursor(stream, partition, PartitionCursorTypeEnum.AT_SEQUENCE_NUMBER);
        request.setStartingSequenceNumber(Long.toString(sequenceNumber));
        return request;
    }

    static GetRecordsRequest getRecords(String cursor) {
        GetRecordsRequest request = new GetRecordsRequest();
        request.setPartitionCursor(cursor);
        return request;
    }

    static CommitCheckpointRequest commit(String app, String stream, String partition, long sequenceNumber) {
        CommitCheckpointRequest request = new CommitCheckpointRequest();
        request.setAppName(app);
        request.setStreamName(stream);
        request.setPartitionId(partition);
        request.setSequenceNumber(Long.toString(sequenceNumber));
        request.setMetadata("");
        request.setCheckpointType(CheckpointTypeEnum.LAST_READ.name());
        return request;
    }

    static GetCheckpointRequest getCheckpoint(String app, String stream, String partition) {
        GetCheckpointRequest request = new GetCheckpointRequest();
        request.setAppName(app);
        request.setStreamName(stream);
        request.setPartitionId(partition);
        request.setCheckpointType(CheckpointTypeEnum.LAST_READ.name());
        return request;
    }

    static DeleteCheckpointRequest deleteCheckpoint(String app, String stream, String partition) {
        DeleteCheckpointRequest request = new DeleteCheckpointRequest();
        request.setAppName(app);
        request.setStreamName(stream);
        request.setPartitionId(partition);
        request.setCheckpointType(CheckpointTypeEnum.LAST_READ.name());
        return request;
    }

    /** Describes {@code stream} with all its partitions. */
    static DescribeStreamResult describe(DIS client, String stream) {
        return client.describeStream(describeStream(stream));
    }

    /** The cursor of {@code request} as a text. */
    static String cursor(DIS client, GetPartitionCursorRequest request) {
        return client.getPartitionCursor(request).getPartitionCursor();
    }
}
