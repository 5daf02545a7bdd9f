package millpond.compat;

import com.huaweicloud.dis.exception.DISConsumerGroupIllegalGenerationException;
import com.huaweicloud.dis.exception.DISConsumerGroupRebalanceInProgressException;
import com.huaweicloud.dis.exception.DISConsumerMemberNotExistsException;
import com.huaweicloud.dis.iface.coordinator.request.JoinGroupRequest;
import com.huaweicloud.dis.iface.coordinator.response.HeartbeatResponse.HeartBeatResponseState;
import com.huaweicloud.dis.iface.coordinator.response.JoinGroupResponse;
import com.huaweicloud.dis.iface.coordinator.response.JoinGroupResponse.JoinGroupResponseState;
import com.huaweicloud.dis.iface.coordinator.response.SyncGroupResponse;
import com.huaweicloud.dis.iface.coordinator.response.SyncGroupResponse.SyncGroupResponseState;
import com.huaweicloud.dis.iface.data.request.CommitCheckpointRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Commits that name the group member and its generation (spec/06 §6). The newer SDK can send them, while the published
 * adapter does not yet.
 */
final class MembershipSuite implements Suite {
    private static final String ONE = "member-1";
    private static final String TWO = "member-2";
    private static final Duration ROUND = Duration.ofSeconds(40);

    private final MemberClient one;
    private final MemberClient two;
    private final String stream;
    private final String group;
    private long generation = -1;

    MembershipSuite(Settings settings) {
        stream = settings.name("membership");
        group = settings.name("membership-group");
        one = new MemberClient(settings.config(Form.JSON), group, ONE);
        two = new MemberClient(settings.config(Form.JSON), group, TWO);
    }

    @Override
    public void run(Report report) {
        Report.Client sdk = report.client(Settings.SDK, "-");
        sdk.check("create stream and app for a member", () -> {
            one.createStream(Requests.createStream(stream, 2));
            one.createApp(group);
        });
        sdk.check("member: heartbeat before joining", () -> Expect.equal("state",
                HeartBeatResponseState.JOINING, one.heartbeat(generation).getState()));
        sdk.check("member: join", () -> join(one));
        sdk.check("member: sync", this::sync);
        sdk.check("member: heartbeat", () -> Expect.soon(ROUND,
                () -> one.heartbeat(generation).getState() == HeartBeatResponseState.STABLE, () -> "not stable"));
        sdk.check("member: commit checkpoint", () -> one.commitCheckpoint(commit(ONE, generation)));
        sdk.check("error: commit of another generation", () -> Expect.failure(
                DISConsumerGroupIllegalGenerationException.class, "DIS.4703",
                () -> one.commitCheckpoint(commit(ONE, generation + 7))));
        sdk.check("error: commit of a stranger", () -> Expect.failure(
                DISConsumerMemberNotExistsException.class, "DIS.4702",
                () -> one.commitCheckpoint(commit("stranger", generation))));
        sdk.check("error: commit during a rebalance", () -> {
            join(two);
            Expect.failure(DISConsumerGroupRebalanceInProgressException.class, "DIS.4701",
                    () -> one.commitCheckpoint(commit(ONE, generation)));
        });
        sdk.check("member: leave", () -> {
            one.leave();
            two.leave();
            one.deleteApp(group);
        });
        sdk.check("delete stream of the member", () -> one.deleteStream(Requests.deleteStream(stream)));
    }

    private void join(MemberClient member) {
        JoinGroupRequest request = new JoinGroupRequest();
        request.setInterestedStream(List.of(stream));
        JoinGroupResponse answer = member.join(request);
        Expect.equal("state", JoinGroupResponseState.OK, answer.getState());
        Expect.that(answer.getSyncDelayedTimeMs() != null, "no syncDelayedTimeMs");
    }

    private void sync() throws Exception {
        AtomicReference<SyncGroupResponse> answer = new AtomicReference<>();
        Expect.soon(ROUND, () -> {
            answer.set(one.sync(generation));
            return answer.get().getState() != SyncGroupResponseState.WAITING;
        }, () -> "still waiting for the assignment");
        Expect.equal("state", SyncGroupResponseState.OK, answer.get().getState());
        Expect.equal("partitions", List.of(0, 1), answer.get().getAssignment().get(stream));
        generation = answer.get().getGeneration();
    }

    private CommitCheckpointRequest commit(String member, long ofGeneration) {
        CommitCheckpointRequest request = Requests.commit(group, stream, "shardId-0000000000", 0);
        request.setClientId(member);
        request.setGenerationId(ofGeneration);
        return request;
    }
}
