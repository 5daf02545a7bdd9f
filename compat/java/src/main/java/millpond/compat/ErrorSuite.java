package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.DISClient;
import com.huaweicloud.dis.exception.DISAuthenticationException;
import com.huaweicloud.dis.exception.DISClientException;
import com.huaweicloud.dis.exception.DISConsumerMemberNotExistsException;
import com.huaweicloud.dis.exception.DISPartitionNotExistsException;
import com.huaweicloud.dis.exception.DISRequestEntityTooLargeException;
import com.huaweicloud.dis.exception.DISSequenceNumberOutOfRangeException;
import com.huaweicloud.dis.exception.DISStreamNotExistsException;
import com.huaweicloud.dis.exception.DISTimestampOutOfRangeException;
import com.huaweicloud.dis.iface.data.request.CommitCheckpointRequest;
import com.huaweicloud.dis.iface.data.request.GetPartitionCursorRequest;
import com.huaweicloud.dis.iface.data.request.PutRecordsRequestEntry;
import com.huaweicloud.dis.iface.data.response.PutRecordsResult;
import com.huaweicloud.dis.iface.data.response.PutRecordsResultEntry;
import com.huaweicloud.dis.util.PartitionCursorTypeEnum;
import java.util.Collections;
import java.util.List;

/** What goes wrong reaches the program as the SDK's own exceptions (spec/08 §2). */
final class ErrorSuite implements Suite {
    /** A body of this many records of the largest size is above the limit of any sensible server. */
    private static final int TOO_MANY_LARGE_RECORDS = 16;
    private static final int LARGEST_RECORD = 1024 * 1024;

    private final Settings settings;
    private final DIS client;
    private final String stream;
    private final String missing;
    private final String app;
    private final String missingApp;

    ErrorSuite(Settings settings) {
        this.settings = settings;
        client = settings.client(Form.JSON);
        stream = settings.name("errors");
        missing = settings.name("missing");
        app = settings.name("errors-app");
        missingApp = settings.name("missing-app");
    }

    @Override
    public void run(Report report) {
        Report.Client sdk = report.client(Settings.SDK, "-");
        sdk.check("create stream for errors", () -> {
            client.createStream(Requests.createStream(stream, 1));
            client.putRecords(Requests.putRecords(stream, List.of(Requests.recordTo("0", "a"))));
            client.createApp(app);
        });
        missingStream(sdk);
        for (Form form : Form.values()) {
            report.client(Settings.SDK, form).check("error: put to a missing stream", () -> putToMissing(form));
            report.client(Settings.SDK, form).check("error: record for a missing partition", () -> putAstray(form));
        }
        cursors(sdk);
        names(sdk);
        checkpoints(sdk);
        credentials(sdk);
        for (Form form : List.of(Form.JSON, Form.PROTOBUF)) {
            report.client(Settings.SDK, form).check("error: body too large", () -> Expect.failure(
                    DISRequestEntityTooLargeException.class, "413", () -> putTooMuch(form)));
        }
        sdk.check("delete stream of errors", () -> {
            client.deleteApp(app);
            client.deleteStream(Requests.deleteStream(stream));
        });
    }

    private void missingStream(Report.Client sdk) {
        sdk.check("error: describe a missing stream", () -> expectMissing(() -> Requests.describe(client, missing)));
        sdk.check("error: scale a missing stream", () -> expectMissing(
                () -> client.updatePartitionCount(Requests.scale(missing, 2))));
        sdk.check("error: delete a missing stream", () -> expectMissing(
                () -> client.deleteStream(Requests.deleteStream(missing))));
        sdk.check("error: cursor in a missing stream", () -> expectMissing(() -> client.getPartitionCursor(
                Requests.cursor(missing, "0", PartitionCursorTypeEnum.LATEST))));
        sdk.check("error: checkpoint of a missing stream", () -> expectMissing(
                () -> client.getCheckpoint(Requests.getCheckpoint(app, missing, "0"))));
    }

    private void expectMissing(Report.Check call) throws Exception {
        DISStreamNotExistsException failure =
                Expect.failure(DISStreamNotExistsException.class, "DIS.4301", call);
        Expect.equal("stream name in the exception", missing, failure.getStreamName());
    }

    private void putToMissing(Form form) throws Exception {
        DIS sender = settings.client(form);
        expectMissing(() -> sender.putRecords(
                Requests.putRecords(missing, List.of(Requests.recordTo("0", "lost")))));
    }

    /** One record of two has no partition: the call succeeds, the answer tells which record failed. */
    private void putAstray(Form form) {
        DIS sender = settings.client(form);
        PutRecordsResult result = sender.putRecords(Requests.putRecords(stream, List.of(
                Requests.recordTo("77", "lost"), Requests.recordTo("0", "kept"))));
        Expect.equal("failed records", 1, result.getFailedRecordCount().get());
        PutRecordsResultEntry lost = result.getRecords().get(0);
        Expect.equal("error code", "DIS.4302", lost.getErrorCode());
        // The SDK gives an empty text where a protobuf answer has no partition.
        Expect.that(lost.getPartitionId() == null || lost.getPartitionId().isEmpty(),
                "the failed record has the partition " + lost.getPartitionId());
        PutRecordsResultEntry kept = result.getRecords().get(1);
        Expect.equal("error code of the other record", null, kept.getErrorCode());
        Expect.equal("partition of the other record", "shardId-0000000000", kept.getPartitionId());
    }

    private void cursors(Report.Client sdk) {
        sdk.check("error: cursor in a missing partition", () -> Expect.failure(DISPartitionNotExistsException.class,
                "DIS.4302", () -> client.getPartitionCursor(
                        Requests.cursor(stream, "77", PartitionCursorTypeEnum.LATEST))));
        sdk.check("error: cursor out of range", () -> {
            long next = Reading.all(client, stream, "0").size();
            DISSequenceNumberOutOfRangeException failure = Expect.failure(DISSequenceNumberOutOfRangeException.class,
                    "DIS.4224", () -> client.getPartitionCursor(Requests.cursorAt(stream, "0", 987_654_321)));
            Expect.equal("number in the exception", 987_654_321L, failure.getInvalidSequenceNumber());
            Expect.equal("earliest number in the exception", 0L, failure.getEarliestSequenceNumber());
            Expect.equal("latest number in the exception", next, failure.getLatestSequenceNumber());
        });
        sdk.check("error: cursor at a time too old", () -> {
            GetPartitionCursorRequest request = Requests.cursor(stream, "0", PartitionCursorTypeEnum.AT_TIMESTAMP);
            request.setTimestamp(1_000_000_000_000L);
            DISTimestampOutOfRangeException failure = Expect.failure(DISTimestampOutOfRangeException.class,
                    "DIS.4300", () -> client.getPartitionCursor(request));
            long earliest = failure.getEarliestTimestamp();
            Expect.that(earliest > request.getTimestamp(), "no earliest time in the exception");
            request.setTimestamp(earliest);
            Expect.that(!client.getPartitionCursor(request).getPartitionCursor().isEmpty(), "no cursor");
        });
        sdk.check("error: made up cursor", () -> Expect.failure(DISClientException.class, "DIS.4217",
                () -> client.getRecords(Requests.getRecords("bm90LWEtY3Vyc29y"))));
    }

    private void names(Report.Client sdk) {
        sdk.check("error: create a stream twice", () -> Expect.failure(DISClientException.class, "DIS.4307",
                () -> client.createStream(Requests.createStream(stream, 1))));
        sdk.check("error: create an app twice", () -> Expect.failure(DISClientException.class, "DIS.4330",
                () -> client.createApp(app)));
        sdk.check("error: describe a missing app", () -> Expect.failure(DISClientException.class, "DIS.4332",
                () -> client.describeApp(missingApp)));
        sdk.check("error: delete a missing app", () -> Expect.failure(DISClientException.class, "DIS.4332",
                () -> client.deleteApp(missingApp)));
    }

    private void checkpoints(Report.Client sdk) {
        sdk.check("error: commit for a missing app", () -> Expect.failure(DISClientException.class, "DIS.4332",
                () -> client.commitCheckpoint(Requests.commit(missingApp, stream, "0", 0))));
        sdk.check("error: commit out of range", () -> Expect.failure(DISSequenceNumberOutOfRangeException.class,
                "DIS.4224", () -> client.commitCheckpoint(Requests.commit(app, stream, "0", 987_654_321))));
        sdk.check("error: commit for a missing partition", () -> Expect.failure(DISPartitionNotExistsException.class,
                "DIS.4302", () -> client.commitCheckpoint(Requests.commit(app, stream, "77", 0))));
        sdk.check("error: commit of an unknown group member", () -> {
            CommitCheckpointRequest request = Requests.commit(app, stream, "0", 0);
            request.setClientId("nobody");
            request.setGenerationId(1L);
            Expect.failure(DISConsumerMemberNotExistsException.class, "DIS.4702",
                    () -> client.commitCheckpoint(request));
        });
    }

    private void credentials(Report.Client sdk) {
        sdk.check("error: wrong secret key", () -> Expect.failure(DISAuthenticationException.class, "DIS.41",
                () -> Requests.describe(new DISClient(settings.config(Form.JSON).setSK("wrong")), stream)));
        sdk.check("error: unknown access key", () -> Expect.failure(DISAuthenticationException.class, "DIS.41",
                () -> Requests.describe(new DISClient(settings.config(Form.JSON).setAK("UNKNOWN")), stream)));
        sdk.check("error: project of someone else", () -> Expect.failure(DISClientException.class, "DIS.4117",
                () -> Requests.describe(new DISClient(settings.config(Form.JSON)
                        .setProjectId("ffffffffffffffffffffffffffffffff")), stream)));
    }

    private void putTooMuch(Form form) {
        PutRecordsRequestEntry large = Requests.record(new byte[LARGEST_RECORD]);
        settings.client(form).putRecords(
                Requests.putRecords(stream, Collections.nCopies(TOO_MANY_LARGE_RECORDS, large)));
    }
}
