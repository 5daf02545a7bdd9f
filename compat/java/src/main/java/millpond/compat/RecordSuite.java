package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.DISClient;
import com.huaweicloud.dis.DISConfig;
import com.huaweicloud.dis.iface.data.request.GetPartitionCursorRequest;
import com.huaweicloud.dis.iface.data.request.GetRecordsRequest;
import com.huaweicloud.dis.iface.data.request.PutRecordsRequestEntry;
import com.huaweicloud.dis.iface.data.response.GetRecordsResult;
import com.huaweicloud.dis.iface.data.response.PutRecordResult;
import com.huaweicloud.dis.iface.data.response.PutRecordsResult;
import com.huaweicloud.dis.iface.data.response.PutRecordsResultEntry;
import com.huaweicloud.dis.iface.data.response.Record;
import com.huaweicloud.dis.util.PartitionCursorTypeEnum;
import java.util.List;

/** Placement of records, the kinds of cursor, and reading in parts (spec/03 and spec/04). */
final class RecordSuite implements Suite {
    /** Times that the producer gives to the records {@code r0} to {@code r4}, in milliseconds. */
    private static final long STEP = 1000;

    private final Settings settings;
    private final DIS client;
    private final String stream;
    private final long firstTime = System.currentTimeMillis() - 10 * STEP;

    RecordSuite(Settings settings) {
        this.settings = settings;
        client = settings.client(Form.JSON);
        stream = settings.name("records");
    }

    @Override
    public void run(Report report) {
        Report.Client sdk = report.client(Settings.SDK, "-");
        sdk.check("create stream for records", () -> client.createStream(Requests.createStream(stream, 4)));
        sdk.check("put records with times", this::putTimed);
        sdk.check("cursor TRIM_HORIZON", () -> expectFrom(PartitionCursorTypeEnum.TRIM_HORIZON, null, null,
                "r0", "r1", "r2", "r3", "r4"));
        sdk.check("cursor AT_SEQUENCE_NUMBER", () -> expectFrom(PartitionCursorTypeEnum.AT_SEQUENCE_NUMBER, "3", null,
                "r3", "r4"));
        sdk.check("cursor AFTER_SEQUENCE_NUMBER", () -> expectFrom(PartitionCursorTypeEnum.AFTER_SEQUENCE_NUMBER, "3",
                null, "r4"));
        sdk.check("cursor AT_TIMESTAMP", () -> expectFrom(PartitionCursorTypeEnum.AT_TIMESTAMP, null,
                firstTime + 2 * STEP, "r2", "r3", "r4"));
        sdk.check("cursor LATEST", this::latest);
        sdk.check("get records in parts", this::parts);
        sdk.check("get records with their times and keys", this::members);
        sdk.check("put record", this::single);
        sdk.check("put records by key", this::byKey);
        sdk.check("put records by hash key", this::byHashKey);
        sdk.check("put and get compressed records", () -> opaque(DISConfig.PROPERTY_DATA_COMPRESS_ENABLED));
        sdk.check("delete stream of records", () -> client.deleteStream(Requests.deleteStream(stream)));
    }

    private void putTimed() {
        for (int number = 0; number < 5; number++) {
            PutRecordsRequestEntry record = Requests.recordTo("shardId-0000000000", "r" + number);
            record.setPartitionKey("key-" + number);
            record.setTimestamp(firstTime + number * STEP);
            PutRecordsResult result = client.putRecords(Requests.putRecords(stream, List.of(record)));
            Expect.equal("failed records", 0, result.getFailedRecordCount().get());
            Expect.equal("partition", "shardId-0000000000", result.getRecords().get(0).getPartitionId());
            Expect.equal("sequence number", "" + number, result.getRecords().get(0).getSequenceNumber());
        }
    }

    private void expectFrom(PartitionCursorTypeEnum type, String sequenceNumber, Long time, String... texts) {
        GetPartitionCursorRequest request = Requests.cursor(stream, "0", type);
        request.setStartingSequenceNumber(sequenceNumber);
        request.setTimestamp(time);
        Expect.equal("records", List.of(texts), Reading.texts(client, Requests.cursor(client, request)));
    }

    private void latest() {
        String cursor = Requests.cursor(client, Requests.cursor(stream, "1", PartitionCursorTypeEnum.LATEST));
        Expect.equal("records at first", List.of(), Reading.texts(client, cursor));
        client.putRecords(Requests.putRecords(stream, List.of(Requests.recordTo("1", "late"))));
        Expect.equal("records", List.of("late"), Reading.texts(client, cursor));
    }

    private void parts() {
        GetRecordsRequest request = Requests.getRecords(
                Requests.cursor(client, Requests.cursor(stream, "0", PartitionCursorTypeEnum.TRIM_HORIZON)));
        request.setLimit(2);
        GetRecordsResult first = client.getRecords(request);
        Expect.equal("first part", List.of("r0", "r1"), Reading.texts(first.getRecords()));
        request.setPartitionCursor(first.getNextPartitionCursor());
        Expect.equal("second part", List.of("r2", "r3"), Reading.texts(client.getRecords(request).getRecords()));
        request.setLimit(null);
        request.setMaxFetchBytes(1L);
        Expect.equal("part of 1 byte", List.of(), Reading.texts(client.getRecords(request).getRecords()));
    }

    private void members() {
        Record record = Reading.all(client, stream, "0").get(4);
        Expect.equal("sequence number", "4", record.getSequenceNumber());
        Expect.equal("key", "key-4", record.getPartitionKey());
        Expect.equal("time", firstTime + 4 * STEP, record.getTimestamp());
        Expect.equal("kind of time", "CreateTime", record.getTimestampType());
    }

    private void single() {
        PutRecordResult result = client.putRecord(Requests.putRecord(stream, "single", "one"));
        List<Record> records = Reading.from(client, Requests.cursor(client,
                Requests.cursorAt(stream, result.getPartitionId(), Long.parseLong(result.getSequenceNumber()))));
        Expect.equal("records", List.of("one"), Reading.texts(records));
    }

    private void byKey() {
        PutRecordsResult first = client.putRecords(Requests.putRecords(stream, List.of(
                Requests.recordOf("same", "k0"), Requests.recordOf("same", "k1"))));
        PutRecordsResult second = client.putRecords(Requests.putRecords(stream, List.of(
                Requests.recordOf("same", "k2"))));
        String partition = first.getRecords().get(0).getPartitionId();
        Expect.equal("partition of record 2", partition, first.getRecords().get(1).getPartitionId());
        Expect.equal("partition of record 3", partition, second.getRecords().get(0).getPartitionId());
    }

    private void byHashKey() {
        PutRecordsRequestEntry lowest = Requests.recordOf("ignored", "h0");
        lowest.setExplicitHashKey("0");
        PutRecordsRequestEntry highest = Requests.recordOf("ignored", "h1");
        highest.setExplicitHashKey(Long.toString(Long.MAX_VALUE));
        List<PutRecordsResultEntry> placed =
                client.putRecords(Requests.putRecords(stream, List.of(lowest, highest))).getRecords();
        Expect.equal("partition of the lowest hash", "shardId-0000000000", placed.get(0).getPartitionId());
        Expect.equal("partition of the highest hash", "shardId-0000000003", placed.get(1).getPartitionId());
    }

    /** What the client does to each record by itself must come back unchanged. */
    private void opaque(String property) {
        DIS changing = new DISClient(settings.config(Form.JSON).set(property, "true"));
        String cursor = Requests.cursor(changing, Requests.cursor(stream, "2", PartitionCursorTypeEnum.LATEST));
        changing.putRecords(Requests.putRecords(stream, List.of(Requests.recordTo("2", "opaque text"))));
        Expect.equal("records", List.of("opaque text"), Reading.texts(changing, cursor));
    }
}
