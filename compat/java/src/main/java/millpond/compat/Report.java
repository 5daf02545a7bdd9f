package millpond.compat;

import java.io.PrintStream;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs checks, each within a time limit, and prints one line for each. */
final class Report {
    /** Time for a check that only makes a few calls. */
    private static final Duration USUAL_LIMIT = Duration.ofSeconds(60);

    /** Longest reason that is printed, in characters. */
    private static final int LONGEST_REASON = 600;

    private final PrintStream out;
    private boolean allPassed = true;
    private final ExecutorService threads = Executors.newCachedThreadPool(body -> {
        Thread thread = new Thread(body, "check");
        thread.setDaemon(true);
        return thread;
    });

    Report(PrintStream out) {
        this.out = out;
    }

    /** The body of a check: returns if the client and the server behaved, throws otherwise. */
    interface Check {
        void run() throws Exception;
    }

    /** Checks of one client in one form. */
    Client client(String name, Object form) {
        return new Client(name, form.toString());
    }

    synchronized boolean allPassed() {
        return allPassed;
    }

    synchronized void passed(String client, String call, String form) {
        print("ok", client, call, form);
    }

    synchronized void failed(String client, String call, String form, String reason) {
        allPassed = false;
        print("FAIL", client, call, form, reason);
    }

    private void print(String... fields) {
        String line = String.join("\t", fields);
        out.println(line.replaceAll("[\\r\\n]+", " "));
        out.flush();
    }

    /** The checks of one client and form. */
    final class Client {
        private final String name;
        private final String form;

        private Client(String name, String form) {
            this.name = name;
            this.form = form;
        }

        /** Runs {@code body} within the usual time. */
        void check(String call, Check body) {
            check(call, USUAL_LIMIT, body);
        }

        /** Runs {@code body}, at most for {@code limit}, and prints how it went. */
        void check(String call, Duration limit, Check body) {
            Future<?> running = threads.submit(() -> {
                body.run();
                return null;
            });
            try {
                running.get(limit.toMillis(), TimeUnit.MILLISECONDS);
                passed(name, call, form);
            } catch (ExecutionException failure) {
                failed(name, call, form, reason(failure.getCause()));
            } catch (TimeoutException late) {
                running.cancel(true);
                failed(name, call, form, "not finished within " + limit.toSeconds() + " s");
            } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
                failed(name, call, form, "interrupted");
            }
        }
    }

    /** One line about {@code failure}; an unexpected exception also leaves its trace on standard error. */
    private static String reason(Throwable failure) {
        if (failure instanceof Mismatch) {
            return flat(failure.getMessage());
        }
        failure.printStackTrace();
        StringBuilder text = new StringBuilder();
        for (Throwable each = failure; each != null && each != each.getCause(); each = each.getCause()) {
            text.append(text.length() == 0 ? "" : ", because of ").append(each.getClass().getSimpleName());
            if (each.getMessage() != null && text.indexOf(each.getMessage()) < 0) {
                text.append(": ").append(each.getMessage());
            }
        }
        return flat(text.toString());
    }

    private static String flat(String text) {
        String line = text.replaceAll("\\s+", " ").trim();
        return line.length() <= LONGEST_REASON ? line : line.substring(0, LONGEST_REASON) + "…";
    }
}
