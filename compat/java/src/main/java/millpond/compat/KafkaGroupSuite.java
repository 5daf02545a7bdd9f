package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRecord;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.DISKafkaConsumer;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.internals.NoOpConsumerRebalanceListener;
import com.huaweicloud.dis.adapter.kafka.clients.producer.DISKafkaProducer;
import com.huaweicloud.dis.adapter.kafka.common.TopicPartition;
import com.huaweicloud.dis.exception.DISClientException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/** Consumer groups of the Kafka adapter: joining, splitting, leaving, and where reading goes on (spec/07). */
final class KafkaGroupSuite implements Suite {
    private static final int PARTITIONS = 4;

    /** Members notice a change at their next heartbeat, up to 10 s later, and may then wait twice 5 s. */
    private static final Duration REBALANCE = Duration.ofSeconds(90);
    private static final Duration CHECK = Duration.ofSeconds(120);

    private final Settings settings;
    private final DIS admin;
    private final String stream;
    private final String group;
    private final Set<Integer> all = new TreeSet<>();
    /** All texts that were sent so far. */
    private final List<String> sent = new ArrayList<>();
    /** What members that have left read. */
    private final List<ConsumerRecord<String, String>> gone = new ArrayList<>();
    private KafkaMember one;
    private KafkaMember two;

    KafkaGroupSuite(Settings settings) {
        this.settings = settings;
        admin = settings.client(Form.JSON);
        stream = settings.name("group-stream");
        group = settings.name("group");
        for (int partition = 0; partition < PARTITIONS; partition++) {
            all.add(partition);
        }
    }

    @Override
    public void run(Report report) {
        Report.Client adapter = report.client(Kafka.ADAPTER, "-");
        adapter.check("create stream for the group",
                () -> admin.createStream(Requests.createStream(stream, PARTITIONS)));
        adapter.check("group: send", () -> send("first"));
        adapter.check("group: one member owns all partitions", CHECK, this::startOne);
        adapter.check("group: one member reads and commits all", CHECK, this::expectAllRead);
        adapter.check("group: a second member takes half", CHECK, this::startTwo);
        adapter.check("group: two members read each record once", CHECK, this::shareWork);
        adapter.check("group: an app with members cannot be deleted", () -> Expect.failure(DISClientException.class,
                "DIS.4331", () -> admin.deleteApp(group)));
        adapter.check("group: one member owns all again", CHECK, this::stopTwo);
        adapter.check("group: reading goes on after the rebalance", CHECK, () -> {
            send("third");
            expectAllRead();
        });
        adapter.check("group: a third member takes half", CHECK, this::startTwo);
        adapter.check("group: a member that went silently is missed", CHECK, this::loseTwo);
        adapter.check("group: the last member leaves", CHECK, this::stopOne);
        adapter.check("group: a new member goes on from the committed offsets", CHECK, this::resume);
        adapter.check("group: subscribe by pattern", CHECK, this::pattern);
        adapter.check("group: delete app and stream", () -> {
            admin.deleteApp(group);
            admin.deleteStream(Requests.deleteStream(stream));
        });
    }

    /** Sends three records to each partition. */
    private void send(String round) throws Exception {
        DISKafkaProducer<String, String> producer = Kafka.producer(settings, Form.JSON);
        try {
            for (int partition : all) {
                List<String> texts = new ArrayList<>();
                for (int number = 0; number < 3; number++) {
                    texts.add(round + "-" + partition + "-" + number);
                }
                Kafka.send(producer, new TopicPartition(stream, partition), texts);
                sent.addAll(texts);
            }
        } finally {
            producer.close();
        }
    }

    private List<KafkaMember> members() {
        List<KafkaMember> members = new ArrayList<>();
        if (one != null) {
            members.add(one);
        }
        if (two != null) {
            members.add(two);
        }
        return members;
    }

    private void await(BooleanSupplier condition) throws InterruptedException {
        Expect.soon(REBALANCE, () -> {
            members().forEach(KafkaMember::expectAlive);
            return condition.getAsBoolean();
        }, this::state);
    }

    private String state() {
        StringBuilder text = new StringBuilder();
        for (KafkaMember member : members()) {
            text.append(text.length() == 0 ? "" : "; ").append("a member owns ").append(member.assigned())
                    .append(" and read ").append(Kafka.texts(member.records()));
        }
        return text.toString();
    }

    private void startOne() throws Exception {
        one = KafkaMember.of(settings, group, stream);
        await(() -> one.assigned().equals(all));
    }

    private void startTwo() throws Exception {
        two = KafkaMember.of(settings, group, stream);
        await(this::split);
    }

    /** Each member has half, and together they have all: nothing twice. */
    private boolean split() {
        Set<Integer> together = new TreeSet<>(one.assigned());
        together.addAll(two.assigned());
        return together.equals(all) && one.assigned().size() == PARTITIONS / 2
                && two.assigned().size() == PARTITIONS / 2;
    }

    private void shareWork() throws Exception {
        Expect.that(split(), "not split: " + state());
        send("second");
        expectAllRead();
        for (KafkaMember member : members()) {
            for (ConsumerRecord<String, String> record : member.records()) {
                Expect.that(!record.value().startsWith("second") || member.assigned().contains(record.partition()),
                        record.value() + " was read by a member without that partition");
            }
        }
        Expect.that(two.records().size() == 3 * PARTITIONS / 2, "member two read " + two.records().size());
    }

    private void stopTwo() throws Exception {
        two.leave(REBALANCE);
        forgetTwo();
    }

    private void loseTwo() throws Exception {
        two.close(REBALANCE);
        forgetTwo();
    }

    private void forgetTwo() throws Exception {
        gone.addAll(two.records());
        two = null;
        await(() -> one.assigned().equals(all));
    }

    private void stopOne() throws Exception {
        one.leave(REBALANCE);
        gone.addAll(one.records());
        one = null;
    }

    /** Every text that was sent has been read once, by whichever member, and is committed. */
    private void expectAllRead() throws Exception {
        await(() -> new HashSet<>(read()).containsAll(sent) && committed() == sent.size());
        List<String> once = read();
        once.sort(null);
        List<String> expected = new ArrayList<>(sent);
        expected.sort(null);
        Expect.equal("records read", expected, once);
    }

    private List<String> read() {
        List<String> texts = Kafka.texts(gone);
        members().forEach(member -> texts.addAll(Kafka.texts(member.records())));
        return texts;
    }

    /** Sum of the committed offsets, as the SDK reads them; partitions without a commit count nothing. */
    private long committed() {
        long sum = 0;
        for (int partition : all) {
            String number = admin.getCheckpoint(
                    Requests.getCheckpoint(group, stream, Integer.toString(partition))).getSequenceNumber();
            sum += Math.max(0, Long.parseLong(number));
        }
        return sum;
    }

    private void resume() throws Exception {
        Expect.equal("sum of the committed offsets", (long) sent.size(), committed());
        send("fourth");
        one = KafkaMember.of(settings, group, stream);
        expectAllRead();
        for (ConsumerRecord<String, String> record : one.records()) {
            Expect.that(record.value().startsWith("fourth"), record.value() + " was read again");
        }
        stopOne();
    }

    private void pattern() throws Exception {
        String patternGroup = settings.name("pattern-group");
        DISKafkaConsumer<String, String> consumer = Kafka.consumer(settings, Form.JSON, patternGroup, "earliest");
        one = new KafkaMember(patternGroup, consumer, subscriber -> subscriber.subscribe(
                Pattern.compile(stream + ".*"), new NoOpConsumerRebalanceListener()));
        try {
            await(() -> one.assigned().equals(all) && one.records().size() == sent.size());
        } finally {
            one.leave(REBALANCE);
            one = null;
            admin.deleteApp(patternGroup);
        }
    }
}
