package millpond.compat;

import com.huaweicloud.dis.DIS;
import com.huaweicloud.dis.exception.DISClientException;
import com.huaweicloud.dis.iface.app.request.ListAppsRequest;
import com.huaweicloud.dis.iface.app.request.ListStreamConsumingStateRequest;
import com.huaweicloud.dis.iface.app.response.DescribeAppResult;
import com.huaweicloud.dis.iface.app.response.ListAppsResult;
import com.huaweicloud.dis.iface.app.response.ListStreamConsumingStateResult;
import com.huaweicloud.dis.iface.app.response.PartitionConsumingState;
import com.huaweicloud.dis.iface.data.request.CommitCheckpointRequest;
import com.huaweicloud.dis.iface.data.response.GetCheckpointResult;
import com.huaweicloud.dis.util.CheckpointTypeEnum;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Apps, checkpoints and the consuming state (spec/05 and spec/06). */
final class AppSuite implements Suite {
    private final DIS client;
    private final String stream;
    private final String app;

    AppSuite(Settings settings) {
        client = settings.client(Form.JSON);
        stream = settings.name("apps");
        app = settings.name("app");
    }

    @Override
    public void run(Report report) {
        Report.Client sdk = report.client(Settings.SDK, "-");
        sdk.check("create stream for apps", () -> client.createStream(Requests.createStream(stream, 2)));
        sdk.check("create app", () -> client.createApp(app));
        sdk.check("describe app", this::describe);
        sdk.check("list apps", this::list);
        sdk.check("get checkpoint before any commit", () -> expectCheckpoint("-1", ""));
        sdk.check("commit checkpoint", this::commit);
        sdk.check("get checkpoint", () -> expectCheckpoint("2", "half"));
        sdk.check("list apps of a stream", this::listOfStream);
        sdk.check("list consuming state", this::consumingState);
        sdk.check("commit checkpoint again, backwards", this::regress);
        sdk.check("delete checkpoint", this::deleteCheckpoint);
        sdk.check("delete checkpoints of all partitions", this::deleteAllCheckpoints);
        sdk.check("delete app", this::delete);
        sdk.check("delete stream of apps", () -> client.deleteStream(Requests.deleteStream(stream)));
    }

    private void describe() {
        DescribeAppResult found = client.describeApp(app);
        Expect.equal("app name", app, found.getAppName());
        Expect.that(found.getAppId() != null && !found.getAppId().isEmpty(), "app id missing");
        Expect.that(found.getCreateTime() != null && found.getCreateTime() > 0, "create time missing");
    }

    private void list() {
        Expect.that(names(null).contains(app), "the app is missing in the list");
        Expect.equal("apps with a checkpoint in the stream", List.of(), names(stream));
    }

    private void listOfStream() {
        Expect.equal("apps with a checkpoint in the stream", List.of(app), names(stream));
    }

    /** Names of all apps, or of those with a checkpoint in {@code ofStream}, page by page. */
    private List<String> names(String ofStream) {
        List<String> names = new ArrayList<>();
        ListAppsRequest request = new ListAppsRequest();
        request.setLimit(1);
        request.setStreamName(ofStream);
        ListAppsResult page;
        do {
            page = client.listApps(request);
            names.addAll(page.getApps().stream().map(DescribeAppResult::getAppName).collect(Collectors.toList()));
            request.setExclusiveStartAppName(names.isEmpty() ? null : names.get(names.size() - 1));
        } while (page.getHasMoreApp());
        return names;
    }

    private void commit() {
        client.putRecords(Requests.putRecords(stream, List.of(
                Requests.recordTo("0", "a"), Requests.recordTo("0", "b"), Requests.recordTo("0", "c"))));
        CommitCheckpointRequest request = Requests.commit(app, stream, "0", 2);
        request.setMetadata("half");
        client.commitCheckpoint(request);
    }

    private void expectCheckpoint(String sequenceNumber, String metadata) {
        GetCheckpointResult found = client.getCheckpoint(Requests.getCheckpoint(app, stream, "shardId-0000000000"));
        Expect.equal("sequence number", sequenceNumber, found.getSequenceNumber());
        Expect.equal("metadata", metadata, found.getMetadata());
    }

    private void consumingState() {
        ListStreamConsumingStateRequest request = new ListStreamConsumingStateRequest();
        request.setAppName(app);
        request.setStreamName(stream);
        request.setLimit(100);
        request.setCheckpointType(CheckpointTypeEnum.LAST_READ.name());
        ListStreamConsumingStateResult found = client.listStreamConsumingState(request);
        Expect.equal("more", false, found.getHasMore());
        List<PartitionConsumingState> states = found.getPartitionConsumingStates();
        Expect.equal("partitions", 2, states.size());
        Expect.equal("partition 0", "2 of 0 to 3", text(states.get(0)));
        Expect.equal("partition 1", "-1 of 0 to 0", text(states.get(1)));
    }

    private static String text(PartitionConsumingState state) {
        return state.getSequenceNumber() + " of " + state.getEarliestOffset() + " to " + state.getLatestOffset();
    }

    private void regress() {
        client.commitCheckpoint(Requests.commit(app, stream, "0", 3));
        expectCheckpoint("3", "");
        client.commitCheckpoint(Requests.commit(app, stream, "0", 1));
        expectCheckpoint("1", "");
    }

    private void deleteCheckpoint() {
        client.deleteCheckpoint(Requests.deleteCheckpoint(app, stream, "0"));
        expectCheckpoint("-1", "");
    }

    private void deleteAllCheckpoints() {
        client.commitCheckpoint(Requests.commit(app, stream, "0", 1));
        client.commitCheckpoint(Requests.commit(app, stream, "1", 0));
        client.deleteCheckpoint(Requests.deleteCheckpoint(app, stream, null));
        expectCheckpoint("-1", "");
        Expect.equal("apps with a checkpoint in the stream", List.of(), names(stream));
    }

    private void delete() throws Exception {
        client.deleteApp(app);
        Expect.failure(DISClientException.class, "DIS.4332", () -> client.describeApp(app));
    }
}
