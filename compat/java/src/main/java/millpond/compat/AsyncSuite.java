package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.DISAsync;
import com.huaweicloud.dis.DISClientAsync;
import com.huaweicloud.dis.DISClientAsync2;
import com.huaweicloud.dis.DISConfig;
import com.huaweicloud.dis.core.builder.DefaultExecutorFactory;
import com.huaweicloud.dis.core.handler.AsyncHandler;
import com.huaweicloud.dis.iface.data.request.PutRecordsRequestEntry;
import com.huaweicloud.dis.iface.data.response.GetRecordsResult;
import com.huaweicloud.dis.iface.data.response.PutRecordsResult;
import com.huaweicloud.dis.iface.data.response.PutRecordsResultEntry;
import com.huaweicloud.dis.producer.DISProducer;
import com.huaweicloud.dis.util.PartitionCursorTypeEnum;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** The SDK's batching producer and its two asynchronous clients, in every form of body. */
final class AsyncSuite implements Suite {
    private static final int RECORDS = 200;
    private static final Duration ANSWER = Duration.ofSeconds(20);

    private final Settings settings;
    private final DIS admin;
    private final String stream;

    AsyncSuite(Settings settings) {
        this.settings = settings;
        admin = settings.client(Form.JSON);
        stream = settings.name("async");
    }

    @Override
    public void run(Report report) {
        Report.Client setup = report.client(Settings.SDK, "-");
        setup.check("create stream for producers", () -> admin.createStream(Requests.createStream(stream, 3)));
        for (Form form : Form.values()) {
            Report.Client sdk = report.client(Settings.SDK, form);
            sdk.check("producer: put record", () -> produceSingly(form));
            sdk.check("producer: put records", () -> produceTogether(form));
            sdk.check("producer ordered by partition: put record", () -> produceOrdered(form));
            sdk.check("asynchronous client: put and get", () -> {
                DISConfig config = settings.config(form);
                roundTrip(form, new DISClientAsync(config, new DefaultExecutorFactory(4).newExecutor()));
            });
            sdk.check("non-blocking client: put and get", () -> {
                DISConfig config = settings.config(form);
                roundTrip(form, new DISClientAsync2(config, new DefaultExecutorFactory(4).newExecutor()));
            });
        }
        setup.check("delete stream of producers", () -> admin.deleteStream(Requests.deleteStream(stream)));
    }

    /** Counts the answers of a producer. */
    private static final class Answers<R> implements AsyncHandler<R> {
        private final AtomicInteger successes = new AtomicInteger();
        private final AtomicReference<Exception> failure = new AtomicReference<>();

        @Override
        public void onSuccess(R result) {
            successes.incrementAndGet();
        }

        @Override
        public void onError(Exception reason) {
            failure.compareAndSet(null, reason);
        }

        private void expect(int number) throws Exception {
            Expect.soon(ANSWER, () -> successes.get() == number || failure.get() != null,
                    () -> successes.get() + " of " + number + " answers");
            if (failure.get() != null) {
                throw failure.get();
            }
        }
    }

    private void produceSingly(Form form) throws Exception {
        List<String> cursors = latestCursors();
        DISProducer producer = new DISProducer(settings.config(form));
        Answers<PutRecordsResultEntry> answers = new Answers<>();
        List<Future<PutRecordsResultEntry>> futures = new ArrayList<>();
        Set<String> sent = new TreeSet<>();
        for (int number = 0; number < RECORDS; number++) {
            String text = form + " single " + number;
            sent.add(text);
            futures.add(producer.putRecordAsync(stream, Requests.recordOf("key-" + number, text), answers));
        }
        producer.flush();
        Set<String> places = new HashSet<>();
        for (Future<PutRecordsResultEntry> future : futures) {
            PutRecordsResultEntry entry = future.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
            places.add(entry.getPartitionId() + " " + entry.getSequenceNumber());
        }
        Expect.equal("places of the records", RECORDS, places.size());
        answers.expect(RECORDS);
        producer.close(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        Expect.equal("records", sent, new TreeSet<>(texts(cursors)));
    }

    private void produceTogether(Form form) throws Exception {
        List<String> cursors = latestCursors();
        DISProducer producer = new DISProducer(settings.config(form));
        Answers<PutRecordsResult> answers = new Answers<>();
        List<PutRecordsRequestEntry> records = new ArrayList<>();
        List<String> sent = new ArrayList<>();
        for (int number = 0; number < RECORDS; number++) {
            sent.add(form + " batch " + number);
            records.add(Requests.recordTo("shardId-0000000001", sent.get(number)));
        }
        PutRecordsResult result = producer.putRecordsAsync(Requests.putRecords(stream, records), answers)
                .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        Expect.equal("failed records", 0, result.getFailedRecordCount().get());
        Expect.equal("results", RECORDS, result.getRecords().size());
        answers.expect(1);
        producer.close(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        Expect.equal("records", sent, texts(cursors));
    }

    /** With {@code order.by.partition} the producer describes the stream and places the records itself. */
    private void produceOrdered(Form form) throws Exception {
        List<String> cursors = latestCursors();
        DISConfig config = settings.config(form).set(DISConfig.PROPERTY_ORDER_BY_PARTITION, "true");
        DISProducer producer = new DISProducer(config);
        Answers<PutRecordsResultEntry> answers = new Answers<>();
        List<String> sent = new ArrayList<>();
        for (int number = 0; number < RECORDS; number++) {
            sent.add(form + " ordered " + number);
            producer.putRecordAsync(stream, Requests.recordOf("one key", sent.get(number)), answers);
        }
        producer.flush();
        answers.expect(RECORDS);
        producer.close(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
        Expect.equal("records in order", sent, texts(cursors));
    }

    private void roundTrip(Form form, DISAsync client) throws Exception {
        try {
            String cursor = client.getPartitionCursorAsync(
                    Requests.cursor(stream, "2", PartitionCursorTypeEnum.LATEST))
                    .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS).getPartitionCursor();
            PutRecordsResult put = client.putRecordsAsync(
                    Requests.putRecords(stream, List.of(Requests.recordTo("2", "later by " + form))))
                    .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
            Expect.equal("failed records", 0, put.getFailedRecordCount().get());
            Answers<GetRecordsResult> answers = new Answers<>();
            GetRecordsResult got = client.getRecordsAsync(Requests.getRecords(cursor), answers)
                    .get(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
            answers.expect(1);
            Expect.equal("records", List.of("later by " + form), Reading.texts(got.getRecords()));
        } finally {
            client.close();
        }
    }

    private List<String> latestCursors() {
        List<String> cursors = new ArrayList<>();
        for (int partition = 0; partition < 3; partition++) {
            cursors.add(Requests.cursor(admin,
                    Requests.cursor(stream, Integer.toString(partition), PartitionCursorTypeEnum.LATEST)));
        }
        return cursors;
    }

    private List<String> texts(List<String> cursors) {
        List<String> texts = new ArrayList<>();
        for (String cursor : cursors) {
            texts.addAll(Reading.texts(Reading.from(admin, cursor)));
        }
        return texts;
    }
}
