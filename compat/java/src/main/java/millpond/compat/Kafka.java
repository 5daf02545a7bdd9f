package millpond.compat;

import com.huaweicloud.dis.DISConfig;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRecord;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRecords;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.DISKafkaConsumer;
import com.huaweicloud.dis.adapter.kafka.clients.producer.DISKafkaProducer;
import com.huaweicloud.dis.adapter.kafka.clients.producer.ProducerRecord;
import com.huaweicloud.dis.adapter.kafka.clients.producer.RecordMetadata;
import com.huaweicloud.dis.adapter.kafka.common.TopicPartition;
import com.huaweicloud.dis.adapter.kafka.common.serialization.StringDeserializer;
import com.huaweicloud.dis.adapter.kafka.common.serialization.StringSerializer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Builds producers and consumers of the Kafka adapter and does with them what several checks need. */
final class Kafka {
    /** Client of the adapter's checks in the result lines. */
    static final String ADAPTER = Library.nameOf(DISKafkaConsumer.class);

    /** Time for an answer or for records that are there already. */
    static final Duration ANSWER = Duration.ofSeconds(20);

    /** Time that one poll may wait for records, in milliseconds. */
    static final long POLL_MS = 200;

    private Kafka() {
    }

    static DISKafkaProducer<String, String> producer(Settings settings, Form form) {
        DISConfig config = settings.config(form);
        config.set("key.serializer", StringSerializer.class.getName());
        config.set("value.serializer", StringSerializer.class.getName());
        return new DISKafkaProducer<>(config);
    }

    /** A consumer of {@code group} that commits only when told to. */
    static DISKafkaConsumer<String, String> consumer(Settings settings, Form form, String group, String reset) {
        DISConfig config = settings.config(form);
        config.set("group.id", group);
        config.set("auto.offset.reset", reset);
        config.set("enable.auto.commit", "false");
        return new DISKafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    /** Writes {@code texts} one after the other to {@code partition} and waits for all answers. */
    static List<RecordMetadata> send(DISKafkaProducer<String, String> producer, TopicPartition partition,
            List<String> texts) throws Exception {
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        for (String text : texts) {
            futures.add(producer.send(
                    new ProducerRecord<>(partition.topic(), partition.partition(), "key of " + text, text)));
        }
        producer.flush();
        List<RecordMetadata> places = new ArrayList<>();
        for (Future<RecordMetadata> future : futures) {
            places.add(future.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS));
        }
        return places;
    }

    /** Polls until {@code number} records came, and once more to see that there is not one too many. */
    static List<ConsumerRecord<String, String>> poll(DISKafkaConsumer<String, String> consumer, int number) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        long end = System.nanoTime() + ANSWER.toNanos();
        while (records.size() < number && System.nanoTime() < end) {
            add(consumer.poll(POLL_MS), records);
        }
        add(consumer.poll(POLL_MS), records);
        Expect.that(records.size() == number, "polled " + records.size() + " records instead of " + number
                + ": " + texts(records));
        return records;
    }

    private static void add(ConsumerRecords<String, String> from, List<ConsumerRecord<String, String>> to) {
        for (ConsumerRecord<String, String> record : from) {
            to.add(record);
        }
    }

    static List<String> texts(List<ConsumerRecord<String, String>> records) {
        List<String> texts = new ArrayList<>();
        for (ConsumerRecord<String, String> record : records) {
            texts.add(record.value());
        }
        return texts;
    }
}
