package millpond.compat;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;

/**
 * Drives the stock Java clients against a running Millpond and prints one line per checked call.
 *
 * <p>Exit code 0 when every check passed, 1 otherwise.
 */
public final class Main {
    /** Longest time that a whole run may take; after it the process ends as failed. */
    private static final Duration RUN_LIMIT = Duration.ofMinutes(12);

    private Main() {
    }

    public static void main(String[] arguments) {
        PrintStream results = System.out;
        // Whatever a library prints must not get between the result lines.
        System.setOut(System.err);
        Report report = new Report(results);
        endAfter(RUN_LIMIT, report);
        // The clients leave threads behind that would keep the process alive.
        System.exit(run(report, results) ? 0 : 1);
    }

    private static boolean run(Report report, PrintStream results) {
        try {
            Settings settings = Settings.fromEnvironment(System.getenv());
            for (Suite suite : suites(settings)) {
                suite.run(report);
            }
            boolean adapterPassed = AdapterProgram.load().apply(results);
            return report.allPassed() && adapterPassed;
        } catch (IllegalArgumentException missing) {
            System.err.println(missing.getMessage());
        } catch (IOException | ReflectiveOperationException unusable) {
            report.failed("compat-java", "load the adapter", "-", unusable.toString());
        }
        return false;
    }

    private static List<Suite> suites(Settings settings) {
        return List.of(
                new StreamSuite(settings),
                new AppSuite(settings),
                new RecordSuite(settings),
                new FormSuite(settings),
                new AsyncSuite(settings),
                new ErrorSuite(settings),
                new MembershipSuite(settings));
    }

    private static void endAfter(Duration limit, Report report) {
        Thread watchdog = new Thread(() -> {
            try {
                Thread.sleep(limit.toMillis());
            } catch (InterruptedException ended) {
                return;
            }
            report.failed("compat-java", "whole run", "-", "not finished within " + limit.toMinutes() + " minutes");
            Runtime.getRuntime().halt(1);
        }, "run limit");
        watchdog.setDaemon(true);
        watchdog.start();
    }
}
