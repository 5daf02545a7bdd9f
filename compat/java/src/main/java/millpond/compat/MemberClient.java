package millpond.compat;

import com.huaweicloud.dis.DISClient;
import com.huaweicloud.dis.DISConfig;
import com.huaweicloud.dis.core.DefaultRequest;
import com.huaweicloud.dis.core.Request;
import com.huaweicloud.dis.core.http.HttpMethodName;
import com.huaweicloud.dis.core.restresource.AppsResource;
import com.huaweicloud.dis.core.restresource.ConsumersResource;
import com.huaweicloud.dis.core.restresource.HeartbeatsResource;
import com.huaweicloud.dis.core.restresource.PartitionsResource;
import com.huaweicloud.dis.core.restresource.ResourcePathBuilder;
import com.huaweicloud.dis.iface.coordinator.request.HeartbeatRequest;
import com.huaweicloud.dis.iface.coordinator.request.JoinGroupRequest;
import com.huaweicloud.dis.iface.coordinator.request.LeaveGroupRequest;
import com.huaweicloud.dis.iface.coordinator.request.SyncGroupRequest;
import com.huaweicloud.dis.iface.coordinator.response.HeartbeatResponse;
import com.huaweicloud.dis.iface.coordinator.response.JoinGroupResponse;
import com.huaweicloud.dis.iface.coordinator.response.SyncGroupResponse;
import org.apache.http.HttpRequest;

/**
 * The group calls of spec/07 §1 on the SDK, which has their requests and answers and signs and sends them, but leaves
 * the calls themselves to adapters.
 */
final class MemberClient extends DISClient {
    private final String group;
    private final String member;

    MemberClient(DISConfig config, String group, String member) {
        super(config);
        this.group = group;
        this.member = member;
    }

    JoinGroupResponse join(JoinGroupRequest body) {
        body.setGroupId(group);
        body.setClientId(member);
        return send(HttpMethodName.POST, path().withResource(new ConsumersResource(null)), body,
                JoinGroupResponse.class);
    }

    SyncGroupResponse sync(long generation) {
        SyncGroupRequest body = new SyncGroupRequest();
        body.setGroupId(group);
        body.setClientId(member);
        body.setGeneration(generation);
        return send(HttpMethodName.POST, memberPath().withResource(new PartitionsResource(null)), body,
                SyncGroupResponse.class);
    }

    HeartbeatResponse heartbeat(long generation) {
        HeartbeatRequest body = new HeartbeatRequest();
        body.setGroupId(group);
        body.setClientId(member);
        body.setGeneration(generation);
        return send(HttpMethodName.POST, memberPath().withResource(new HeartbeatsResource(null)), body,
                HeartbeatResponse.class);
    }

    void leave() {
        LeaveGroupRequest query = new LeaveGroupRequest();
        query.setGroupId(group);
        query.setClientId(member);
        send(HttpMethodName.DELETE, memberPath(), query, null);
    }

    private ResourcePathBuilder path() {
        return ResourcePathBuilder.standard()
                .withProjectId(disConfig.getProjectId())
                .withResource(new AppsResource(group));
    }

    private ResourcePathBuilder memberPath() {
        return path().withResource(new ConsumersResource(member));
    }

    private <T> T send(HttpMethodName method, ResourcePathBuilder path, Object body, Class<T> answer) {
        Request<HttpRequest> request = new DefaultRequest<>("dis");
        request.setHttpMethod(method);
        request.setResourcePath(path.build());
        setEndpoint(request, disConfig.getManagerEndpoint());
        return request(body, request, answer);
    }
}
