package millpond.compat;

import java.net.URL;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds out which release of a library is loaded. */
final class Library {
    private static final Pattern JAR = Pattern.compile("(.+?)-(\\d[^-]*(?:-[A-Z].*)?)\\.jar");

    private Library() {
    }

    /** Artifact and version of the jar that {@code member} comes from, such as {@code some-sdk 1.2.3}. */
    static String nameOf(Class<?> member) {
        URL location = member.getProtectionDomain().getCodeSource().getLocation();
        String file = Path.of(location.getPath()).getFileName().toString();
        Matcher parts = JAR.matcher(file);
        return parts.matches() ? parts.group(1) + " " + parts.group(2) : file;
    }
}
