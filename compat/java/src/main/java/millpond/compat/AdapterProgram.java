package millpond.compat;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The checks of the Kafka adapter. They run in a class loader of their own, because the published adapter works
 * only with the older SDK that it asks for: the newer one has renamed a method that it calls.
 */
public final class AdapterProgram implements Function<PrintStream, Boolean> {
    /** Folder beside the program's jar with the SDK of the adapter. */
    private static final String OLDER_SDK = "lib-kafka";
    private static final String LIBRARIES = "lib";
    private static final String SDK_JARS = "huaweicloud-sdk-java-dis";

    /** This class, loaded together with the adapter and its SDK. */
    static Function<PrintStream, Boolean> load() throws IOException, ReflectiveOperationException {
        URLClassLoader loader = new URLClassLoader(classPath().toArray(new URL[0]),
                ClassLoader.getPlatformClassLoader());
        Object program = loader.loadClass(AdapterProgram.class.getName()).getDeclaredConstructor().newInstance();
        @SuppressWarnings("unchecked")
        Function<PrintStream, Boolean> typed = (Function<PrintStream, Boolean>) program;
        return results -> {
            // The clients look for their settings and parsers in the loader of the thread.
            Thread.currentThread().setContextClassLoader(loader);
            return typed.apply(results);
        };
    }

    /** Runs every check and prints its line; false if one failed. */
    @Override
    public Boolean apply(PrintStream results) {
        Report report = new Report(results);
        Settings settings = Settings.fromEnvironment(System.getenv());
        for (Suite suite : List.of(new KafkaRecordSuite(settings), new KafkaGroupSuite(settings))) {
            suite.run(report);
        }
        return report.allPassed();
    }

    /** The program comes last, because its manifest leads to the newer SDK. */
    private static List<URL> classPath() throws IOException {
        Path program = programJar();
        List<Path> jars = new ArrayList<>(jars(program.resolveSibling(OLDER_SDK)));
        for (Path jar : jars(program.resolveSibling(LIBRARIES))) {
            if (!jar.getFileName().toString().startsWith(SDK_JARS)) {
                jars.add(jar);
            }
        }
        jars.add(program);
        List<URL> urls = new ArrayList<>();
        for (Path jar : jars) {
            urls.add(jar.toUri().toURL());
        }
        return urls;
    }

    private static Path programJar() throws IOException {
        try {
            return Path.of(AdapterProgram.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException unusable) {
            throw new IOException("the program does not know where its jar is", unusable);
        }
    }

    private static List<Path> jars(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(entry -> entry.toString().endsWith(".jar")).sorted().collect(Collectors.toList());
        }
    }
}
