package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.iface.data.response.GetRecordsResult;
import com.huaweicloud.dis.iface.data.response.Record;
import com.huaweicloud.dis.util.PartitionCursorTypeEnum;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads partitions with the SDK. */
final class Reading {
    /** Answers without records in a row after which a partition counts as read to its end. */
    private static final int EMPTY_ANSWERS = 2;

    private Reading() {
    }

    /** Every record of a partition, from its oldest on. */
    static List<Record> all(DIS client, String stream, String partition) {
        return from(client, Requests.cursor(client,
                Requests.cursor(stream, partition, PartitionCursorTypeEnum.TRIM_HORIZON)));
    }

    /** Every record from {@code cursor} on. */
    static List<Record> from(DIS client, String cursor) {
        List<Record> records = new ArrayList<>();
        String next = cursor;
        for (int empty = 0; empty < EMPTY_ANSWERS;) {
            GetRecordsResult answer = client.getRecords(Requests.getRecords(next));
            records.addAll(answer.getRecords());
            empty = answer.getRecords().isEmpty() ? empty + 1 : 0;
            next = answer.getNextPartitionCursor();
            Expect.that(next != null && !next.isEmpty(), "an answer without next_partition_cursor");
        }
        return records;
    }

    /** The next records after {@code cursor} as texts, in one call. */
    static List<String> texts(DIS client, String cursor) {
        return texts(client.getRecords(Requests.getRecords(cursor)).getRecords());
    }

    static List<String> texts(List<Record> records) {
        List<String> texts = new ArrayList<>();
        for (Record record : records) {
            texts.add(new String(bytes(record), StandardCharsets.UTF_8));
        }
        return texts;
    }

    static byte[] bytes(Record record) {
        ByteBuffer data = record.getData().duplicate();
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        return bytes;
    }
}
