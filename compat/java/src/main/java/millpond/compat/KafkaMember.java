package millpond.compat;

import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRebalanceListener;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRecord;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRecords;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.DISKafkaConsumer;
import com.huaweicloud.dis.adapter.kafka.common.TopicPartition;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** A member of a consumer group: polls in a thread of its own and commits whatever it read. */
final class KafkaMember {
    private final DISKafkaConsumer<String, String> consumer;
    private final Thread thread;
    private final List<ConsumerRecord<String, String>> records = new CopyOnWriteArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile Set<Integer> assigned = Set.of();
    private volatile boolean ending;
    private volatile boolean leaving;

    /** @param subscribe subscribes the consumer, with the listener that {@link #listener()} gives */
    KafkaMember(String name, DISKafkaConsumer<String, String> consumer,
            Consumer<DISKafkaConsumer<String, String>> subscribe) {
        this.consumer = consumer;
        thread = new Thread(() -> live(subscribe), name);
        thread.setDaemon(true);
        thread.start();
    }

    /** A member that subscribed to {@code stream} by its name. */
    static KafkaMember of(Settings settings, String group, String stream) {
        return new KafkaMember(group, Kafka.consumer(settings, Form.JSON, group, "earliest"),
                consumer -> consumer.subscribe(List.of(stream)));
    }

    private void live(Consumer<DISKafkaConsumer<String, String>> subscribe) {
        try {
            subscribe.accept(consumer);
            while (!ending) {
                ConsumerRecords<String, String> polled = consumer.poll(Kafka.POLL_MS);
                assigned = partitions(consumer.assignment());
                if (!polled.isEmpty()) {
                    polled.forEach(records::add);
                    consumer.commitSync();
                }
            }
        } catch (Throwable thrown) {
            failure.set(thrown);
        } finally {
            assigned = Set.of();
            closeConsumer();
        }
    }

    private void closeConsumer() {
        try {
            if (leaving) {
                consumer.unsubscribe();
            }
            consumer.close();
        } catch (RuntimeException thrown) {
            failure.compareAndSet(null, thrown);
        }
    }

    private static Set<Integer> partitions(Collection<TopicPartition> assignment) {
        return assignment.stream().map(TopicPartition::partition).collect(Collectors.toCollection(TreeSet::new));
    }

    /** Partitions that the consumer held when it last returned from a poll. */
    Set<Integer> assigned() {
        return assigned;
    }

    List<ConsumerRecord<String, String>> records() {
        return records;
    }

    /** @throws Mismatch the thread of the member ended with an exception */
    void expectAlive() {
        Throwable thrown = failure.get();
        if (thrown != null) {
            thrown.printStackTrace();
            throw new Mismatch("a member of the group failed: " + thrown);
        }
    }

    /** Unsubscribes, which tells the group, and waits until the consumer is closed. */
    void leave(Duration limit) throws InterruptedException {
        leaving = true;
        close(limit);
    }

    /** Closes the consumer, of which the adapter tells the group nothing, and waits until it is done. */
    void close(Duration limit) throws InterruptedException {
        ending = true;
        thread.join(limit.toMillis());
        Expect.that(!thread.isAlive(), "the consumer did not close within " + limit.toSeconds() + " s");
        expectAlive();
    }
}
