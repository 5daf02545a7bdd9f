package millpond.compat;

import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What the checks assert. */
final class Expect {
    /** Pause between two looks at a condition. */
    private static final Duration PAUSE = Duration.ofMillis(50);

    private Expect() {
    }

    /** @throws Mismatch {@code actual} is not {@code expected} */
    static void equal(String what, Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new Mismatch(what + ": expected " + expected + ", got " + actual);
        }
    }

    /** @throws Mismatch {@code condition} is false */
    static void that(boolean condition, String otherwise) {
        if (!condition) {
            throw new Mismatch(otherwise);
        }
    }

    /** Waits until {@code condition} holds, at most for {@code limit}. */
    static void soon(Duration limit, BooleanSupplier condition, Supplier<String> otherwise) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new Mismatch("not within " + limit.toSeconds() + " s: " + otherwise.get());
            }
            Thread.sleep(PAUSE.toMillis());
        }
    }

    /**
     * Runs {@code call}, which has to fail with exactly the class {@code expected} and with {@code text} in the
     * message.
     *
     * @return the exception, for a look at what the client read from it
     */
    static <E extends Throwable> E failure(Class<E> expected, String text, Report.Check call) throws Exception {
        try {
            call.run();
        } catch (Throwable failure) {
            if (failure.getClass() != expected) {
                throw new Mismatch("expected " + expected.getSimpleName() + ", got " + failure);
            }
            that(String.valueOf(failure.getMessage()).contains(text),
                    "no `" + text + "` in the message: " + failure.getMessage());
            return expected.cast(failure);
        }
        throw new Mismatch("expected " + expected.getSimpleName() + ", but the call succeeded");
    }
}
