package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.ConsumerRecord;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.DISKafkaConsumer;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.OffsetAndMetadata;
import com.huaweicloud.dis.adapter.kafka.clients.consumer.OffsetAndTimestamp;
import com.huaweicloud.dis.adapter.kafka.clients.producer.DISKafkaProducer;
import com.huaweicloud.dis.adapter.kafka.clients.producer.ProducerRecord;
import com.huaweicloud.dis.adapter.kafka.clients.producer.RecordMetadata;
import com.huaweicloud.dis.adapter.kafka.common.TopicPartition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** The Kafka adapter's producer, and its consumer with partitions that the program names itself. */
final class KafkaRecordSuite implements Suite {
    private final Settings settings;
    private final DIS admin;

    KafkaRecordSuite(Settings settings) {
        this.settings = settings;
        admin = settings.client(Form.JSON);
    }

    @Override
    public void run(Report report) {
        for (Form form : List.of(Form.JSON, Form.PROTOBUF)) {
            new Round(form).run(report.client(Kafka.ADAPTER, form));
        }
    }

    /** All checks in one form of body, with a stream and a group of their own. */
    private final class Round {
        private final Form form;
        private final String stream;
        private final String group;
        private final TopicPartition first;
        private final TopicPartition second;
        private long sentAfter;

        private Round(Form form) {
            this.form = form;
            stream = settings.name("kafka-" + form.ordinal());
            group = settings.name("kafka-group-" + form.ordinal());
            first = new TopicPartition(stream, 0);
            second = new TopicPartition(stream, 1);
        }

        private void run(Report.Client adapter) {
            adapter.check("create stream for the adapter",
                    () -> admin.createStream(Requests.createStream(stream, 2)));
            adapter.check("producer: send to partitions", this::send);
            adapter.check("producer: send by key", this::sendByKey);
            adapter.check("producer: partitions of a topic", this::partitionsOfTopic);
            adapter.check("consumer: assign and read from the beginning", this::readAll);
            adapter.check("consumer: seek", this::seek);
            adapter.check("consumer: seek to the end", this::seekToEnd);
            adapter.check("consumer: seek out of range resets", this::seekOutOfRange);
            adapter.check("consumer: beginning and end offsets", this::bounds);
            adapter.check("consumer: offsets for times", this::offsetsForTimes);
            adapter.check("consumer: list topics", this::listTopics);
            adapter.check("consumer: commit", this::commit);
            adapter.check("consumer: commit asynchronously", this::commitAsync);
            adapter.check("consumer: continue from the committed offset", this::resume);
            adapter.check("delete stream of the adapter", () -> {
                admin.deleteApp(group);
                admin.deleteStream(Requests.deleteStream(stream));
            });
        }

        /** A check with a consumer that is closed afterwards. */
        private void consuming(List<TopicPartition> partitions, Consuming body) throws Exception {
            DISKafkaConsumer<String, String> consumer = Kafka.consumer(settings, form, group, "earliest");
            try {
                consumer.assign(partitions);
                body.accept(consumer);
            } finally {
                consumer.close();
            }
        }

        private void send() throws Exception {
            sentAfter = System.currentTimeMillis();
            DISKafkaProducer<String, String> producer = Kafka.producer(settings, form);
            try {
                List<RecordMetadata> places = new ArrayList<>(
                        Kafka.send(producer, first, List.of("a0", "a1", "a2", "a3", "a4")));
                places.addAll(Kafka.send(producer, second, List.of("b0", "b1", "b2")));
                Expect.equal("last offset of partition 0", 4L, places.get(4).offset());
                Expect.equal("partition of the last record", 1, places.get(7).partition());
                Expect.equal("offset of the last record", 2L, places.get(7).offset());
            } finally {
                producer.close();
            }
        }

        private void sendByKey() throws Exception {
            DISKafkaProducer<String, String> producer = Kafka.producer(settings, form);
            try {
                AtomicReference<RecordMetadata> place = new AtomicReference<>();
                AtomicReference<Exception> failure = new AtomicReference<>();
                producer.send(new ProducerRecord<>(stream, "the key", "by key"), (metadata, exception) -> {
                    failure.set(exception);
                    place.set(metadata);
                });
                producer.flush();
                Expect.soon(Kafka.ANSWER, () -> place.get() != null || failure.get() != null, () -> "no answer");
                Expect.equal("failure", null, failure.get());
                long expected = place.get().partition() == 0 ? 5 : 3;
                Expect.equal("offset", expected, place.get().offset());
            } finally {
                producer.close();
            }
        }

        private void partitionsOfTopic() {
            DISKafkaProducer<String, String> producer = Kafka.producer(settings, form);
            try {
                Expect.equal("partitions", 2, producer.partitionsFor(stream).size());
            } finally {
                producer.close();
            }
        }

        private void readAll() throws Exception {
            consuming(List.of(first, second), consumer -> {
                List<String> keyed = new ArrayList<>();
                List<String> texts = new ArrayList<>();
                for (ConsumerRecord<String, String> record : Kafka.poll(consumer, 9)) {
                    if (record.value().equals("by key")) {
                        keyed.add(record.key());
                    } else {
                        String place = (record.partition() == 0 ? "a" : "b") + record.offset();
                        Expect.equal("record at " + place, place, record.value());
                        Expect.equal("key of " + place, "key of " + place, record.key());
                        Expect.that(record.timestamp() >= sentAfter, "the time of " + place + " is too early");
                        texts.add(record.value());
                    }
                }
                texts.sort(null);
                Expect.equal("records", List.of("a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2"), texts);
                Expect.equal("key of the record sent by key", List.of("the key"), keyed);
            });
        }

        private void seek() throws Exception {
            consuming(List.of(first), consumer -> {
                consumer.seek(first, 2);
                Expect.equal("position", 2L, consumer.position(first));
                long end = end(consumer, first);
                List<String> texts = Kafka.texts(Kafka.poll(consumer, (int) end - 2));
                Expect.equal("first records", List.of("a2", "a3", "a4"), texts.subList(0, 3));
                Expect.equal("position after", end, consumer.position(first));
            });
        }

        private void seekToEnd() throws Exception {
            consuming(List.of(first), consumer -> {
                consumer.seekToEnd(List.of(first));
                Expect.equal("position", end(consumer, first), consumer.position(first));
                Kafka.poll(consumer, 0);
            });
        }

        private void seekOutOfRange() throws Exception {
            consuming(List.of(first), consumer -> {
                consumer.seek(first, 987_654_321L);
                List<ConsumerRecord<String, String>> records =
                        Kafka.poll(consumer, end(consumer, first).intValue());
                Expect.equal("first record after the reset", "a0", records.get(0).value());
            });
        }

        private Long end(DISKafkaConsumer<String, String> consumer, TopicPartition partition) {
            return consumer.endOffsets(List.of(partition)).get(partition);
        }

        private void bounds() throws Exception {
            consuming(List.of(first, second), consumer -> {
                Expect.equal("beginnings", Map.of(first, 0L, second, 0L),
                        consumer.beginningOffsets(List.of(first, second)));
                Expect.equal("sum of the ends", 9L, end(consumer, first) + end(consumer, second));
            });
        }

        private void offsetsForTimes() throws Exception {
            consuming(List.of(first), consumer -> {
                Map<TopicPartition, Long> times = new HashMap<>(Map.of(first, sentAfter));
                OffsetAndTimestamp found = consumer.offsetsForTimes(times).get(first);
                Expect.equal("offset of the first record", 0L, found.offset());
                times.put(first, System.currentTimeMillis() + 3_600_000);
                OffsetAndTimestamp later = consumer.offsetsForTimes(times).get(first);
                Expect.that(later == null || later.offset() == end(consumer, first), "a record of the future");
            });
        }

        private void listTopics() throws Exception {
            consuming(List.of(first), consumer -> Expect.equal("partitions of the stream", 2,
                    consumer.listTopics().get(stream).size()));
        }

        private void commit() throws Exception {
            consuming(List.of(first), consumer -> {
                consumer.commitSync(new HashMap<>(Map.of(first, new OffsetAndMetadata(3, "note"))));
                expectCommitted(3);
            });
        }

        private void commitAsync() throws Exception {
            consuming(List.of(first), consumer -> {
                AtomicReference<Object> outcome = new AtomicReference<>();
                consumer.commitAsync(new HashMap<>(Map.of(first, new OffsetAndMetadata(4))),
                        (offsets, failure) -> outcome.set(failure == null ? "committed" : failure));
                Expect.soon(Kafka.ANSWER, () -> outcome.get() != null, () -> "no answer");
                Expect.equal("outcome", "committed", outcome.get());
                expectCommitted(4);
            });
        }

        /** As the adapter tells it to a new consumer, and as the SDK reads it. */
        private void expectCommitted(long offset) throws Exception {
            consuming(List.of(first), other -> Expect.equal("committed offset", offset,
                    other.committed(first).offset()));
            Expect.equal("checkpoint", Long.toString(offset),
                    admin.getCheckpoint(Requests.getCheckpoint(group, stream, "0")).getSequenceNumber());
        }

        private void resume() throws Exception {
            consuming(List.of(first), consumer -> {
                List<ConsumerRecord<String, String>> records =
                        Kafka.poll(consumer, end(consumer, first).intValue() - 4);
                Expect.equal("first record", "a4", records.get(0).value());
            });
        }
    }

    /** What a check does with a consumer. */
    private interface Consuming {
        void accept(DISKafkaConsumer<String, String> consumer) throws Exception;
    }
}
