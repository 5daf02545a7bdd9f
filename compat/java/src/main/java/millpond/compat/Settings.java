package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.DISClient;
import com.huaweicloud.dis.DISConfig;
import java.util.Map;
import java.util.UUID;

/** The server under test and the key to use, as the runner gives them in the environment. */
final class Settings {
    /** Client of the SDK's checks in the result lines, with the version that is really loaded. */
    static final String SDK = Library.nameOf(DISClient.class);

    private final String endpoint;
    private final String accessKey;
    private final String secretKey;
    private final String projectId;
    private final String region;
    /** Different for each run, so that a server can be used again. */
    private final String prefix = "java-" + UUID.randomUUID().toString().substring(0, 8) + "-";

    private Settings(Map<String, String> environment) {
        endpoint = required(environment, "MILLPOND_ENDPOINT");
        accessKey = required(environment, "MILLPOND_ACCESS_KEY");
        secretKey = required(environment, "MILLPOND_SECRET_KEY");
        projectId = required(environment, "MILLPOND_PROJECT_ID");
        region = required(environment, "MILLPOND_REGION");
    }

    /** @throws IllegalArgumentException a variable is missing; the message names it */
    static Settings fromEnvironment(Map<String, String> environment) {
        return new Settings(environment);
    }

    private static String required(Map<String, String> environment, String name) {
        String value = environment.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("set " + name + " to reach the server; see compat/java/README.md");
        }
        return value;
    }

    /** Name of a stream, app or group that no other run uses. */
    String name(String role) {
        return prefix + role;
    }

    String projectId() {
        return projectId;
    }

    /** Configuration of a client that sends bodies in {@code form}, with time limits for tests. */
    DISConfig config(Form form) {
        DISConfig config = new DISConfig()
                .setEndpoint(endpoint)
                .setAK(accessKey)
                .setSK(secretKey)
                .setProjectId(projectId)
                .setRegion(region)
                .set(DISConfig.PROPERTY_CONNECTION_TIMEOUT, "5")
                .set(DISConfig.PROPERTY_SOCKET_TIMEOUT, "20")
                .set(DISConfig.PROPERTY_PRODUCER_EXCEPTION_RETRIES, "1")
                .set(DISConfig.PROPERTY_PRODUCER_RECORDS_RETRIES, "1")
                .set(DISConfig.PROPERTY_PRODUCER_MAX_BLOCK_MS, "20000");
        return form.applyTo(config);
    }

    /** A client that sends bodies in {@code form}. */
    DIS client(Form form) {
        return new DISClient(config(form));
    }
}
