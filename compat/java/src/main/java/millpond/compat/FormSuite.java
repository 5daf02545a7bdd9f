package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.iface.data.request.CommitCheckpointRequest;
import com.huaweicloud.dis.iface.data.request.PutRecordsRequestEntry;
import com.huaweicloud.dis.iface.data.response.GetCheckpointResult;
import com.huaweicloud.dis.iface.data.response.PutRecordsResult;
import com.huaweicloud.dis.iface.data.response.Record;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Records and checkpoints in every form of body; each form reads what all others wrote (spec/00 §5 and §6). */
final class FormSuite implements Suite {
    private static final String PARTITION = "shardId-0000000000";

    private final DIS admin;
    private final String stream;
    private final String app;
    private final Map<Form, DIS> clients = new EnumMap<>(Form.class);
    /** Sequence number of the first record that a form wrote. */
    private final Map<Form, Integer> firstOf = new EnumMap<>(Form.class);
    private final List<byte[]> payloads = payloads();

    FormSuite(Settings settings) {
        admin = settings.client(Form.JSON);
        stream = settings.name("forms");
        app = settings.name("forms-app");
        for (Form form : Form.values()) {
            clients.put(form, settings.client(form));
        }
    }

    @Override
    public void run(Report report) {
        Report.Client setup = report.client(Settings.SDK, "-");
        setup.check("create stream for forms", () -> admin.createStream(Requests.createStream(stream, 1)));
        for (Form form : Form.values()) {
            report.client(Settings.SDK, form).check("put records", () -> put(form));
        }
        for (Form form : Form.values()) {
            Report.Client sdk = report.client(Settings.SDK, form);
            sdk.check("get records of all forms", () -> get(form));
            sdk.check("create app", () -> clients.get(form).createApp(app));
            sdk.check("commit checkpoint", () -> commit(form));
            sdk.check("get checkpoint", () -> expectCheckpoint(form, "3", "read by " + form + " ✓"));
            sdk.check("delete checkpoint", () -> deleteCheckpoint(form));
            sdk.check("delete app", () -> clients.get(form).deleteApp(app));
            sdk.check("scale", () -> scale(form));
        }
        setup.check("delete stream of forms", () -> admin.deleteStream(Requests.deleteStream(stream)));
    }

    /** Empty, every byte, text, one that compresses well and one that does not. */
    private static List<byte[]> payloads() {
        byte[] everyByte = new byte[256];
        for (int value = 0; value < everyByte.length; value++) {
            everyByte[value] = (byte) value;
        }
        byte[] even = new byte[200_000];
        Arrays.fill(even, (byte) 'm');
        byte[] random = new byte[50_000];
        new Random(7).nextBytes(random);
        return List.of(new byte[0], everyByte, "text — Текст — 文本".getBytes(StandardCharsets.UTF_8), even, random);
    }

    private void put(Form form) {
        List<PutRecordsRequestEntry> records = new ArrayList<>();
        for (byte[] payload : payloads) {
            PutRecordsRequestEntry record = Requests.record(payload);
            record.setPartitionId(PARTITION);
            record.setPartitionKey(form.toString());
            records.add(record);
        }
        PutRecordsResult result = clients.get(form).putRecords(Requests.putRecords(stream, records));
        Expect.equal("failed records", 0, result.getFailedRecordCount().get());
        Expect.equal("results", payloads.size(), result.getRecords().size());
        int first = Integer.parseInt(result.getRecords().get(0).getSequenceNumber());
        for (int index = 0; index < payloads.size(); index++) {
            Expect.equal("partition", PARTITION, result.getRecords().get(index).getPartitionId());
            Expect.equal("sequence number", "" + (first + index), result.getRecords().get(index).getSequenceNumber());
        }
        firstOf.put(form, first);
    }

    private void get(Form reader) {
        List<Record> records = Reading.all(clients.get(reader), stream, PARTITION);
        Expect.equal("forms that wrote", Form.values().length, firstOf.size());
        Expect.equal("records", Form.values().length * payloads.size(), records.size());
        for (Form writer : Form.values()) {
            for (int index = 0; index < payloads.size(); index++) {
                int number = firstOf.get(writer) + index;
                Record record = records.get(number);
                String what = "record " + index + " written as " + writer;
                Expect.equal("sequence number of " + what, "" + number, record.getSequenceNumber());
                Expect.equal("key of " + what, writer.toString(), record.getPartitionKey());
                Expect.that(Arrays.equals(payloads.get(index), Reading.bytes(record)), what + " has other bytes");
            }
        }
    }

    private void commit(Form form) {
        CommitCheckpointRequest request = Requests.commit(app, stream, PARTITION, 3);
        request.setMetadata("read by " + form + " ✓");
        clients.get(form).commitCheckpoint(request);
    }

    private void expectCheckpoint(Form form, String sequenceNumber, String metadata) {
        GetCheckpointResult found = clients.get(form).getCheckpoint(Requests.getCheckpoint(app, stream, PARTITION));
        Expect.equal("sequence number", sequenceNumber, found.getSequenceNumber());
        Expect.equal("metadata", metadata, found.getMetadata());
    }

    private void deleteCheckpoint(Form form) {
        clients.get(form).deleteCheckpoint(Requests.deleteCheckpoint(app, stream, PARTITION));
        expectCheckpoint(form, "-1", "");
    }

    /** A PUT, whose body is compressed too. */
    private void scale(Form form) {
        DIS client = clients.get(form);
        client.updatePartitionCount(Requests.scale(stream, 2));
        Expect.equal("partitions", 2, Requests.describe(client, stream).getWritablePartitionCount());
        client.updatePartitionCount(Requests.scale(stream, 1));
    }
}
