package main

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	dis "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/dis/v2/model"
)

const v3Module = "github.com/huaweicloud/huaweicloud-sdk-go-v3"

// v3 is the generated client of huaweicloud-sdk-go-v3.
type v3 struct {
	suite
	names
	dis      *dis.DisClient
	settings settings
	sent     map[string]bool // operations of the client that were called
}

// v3Rounds calls every DIS operation of the client.
func v3Rounds(settings settings, report *report, names names) {
	suite := suite{report: report, client: "huaweicloud-sdk-go-v3 " + versionOf(v3Module)}
	client, err := v3Signed(settings, settings.secretKey, false)
	if err != nil {
		report.line(suite.client, "build the client", formNone, err)
		return
	}
	v := v3{suite: suite, names: names, dis: client, settings: settings, sent: map[string]bool{}}
	v.streamRound()
	v.recordRound()
	v.checkpointRound()
	v.tagRound()
	v.policyRound()
	v.metricRound()
	v.taskRound()
	v.refusalRound()
	v.check("sign with a derived key", formNone, v.derivedKey)
	v.check("call every operation of the client", formNone, v.everyOperation)
}

// v3Signed builds a client with AK and SK, with a key derived for date, region and service if asked to.
func v3Signed(settings settings, secretKey string, derived bool) (*dis.DisClient, error) {
	builder := basic.NewCredentialsBuilder().
		WithAk(settings.accessKey).
		WithSk(secretKey).
		WithProjectId(settings.projectID)
	if derived {
		builder.WithDerivedPredicate(func(*request.DefaultHttpRequest) bool { return true })
	}
	credentials, err := builder.SafeBuild()
	if err != nil {
		return nil, err
	}
	client, err := dis.DisClientBuilder().
		WithCredential(credentials).
		WithRegion(region.NewRegion(settings.region, settings.endpoint)).
		WithDerivedAuthServiceName("dis").
		WithHttpConfig(config.DefaultHttpConfig().WithTimeout(requestTimeout).WithRetries(0)).
		SafeBuild()
	if err != nil {
		return nil, err
	}
	return dis.NewDisClient(client), nil
}

// call sends a request by a method of the client, notes that it was called and checks the status.
func call[Request, Response any](v v3, method func(*Request) (*Response, error), message *Request, status int) (*Response, error) {
	v.sent[operationOf(method)] = true
	response, err := method(message)
	if err != nil {
		return nil, err
	}
	got := reflect.ValueOf(response).Elem().FieldByName("HttpStatusCode").Int()
	return response, equal("the status", int(got), status)
}

// done is call for operations whose answer says nothing.
func done[Request, Response any](v v3, method func(*Request) (*Response, error), message *Request, status int) error {
	_, err := call(v, method, message, status)
	return err
}

// operationOf is the name of a method of the client: CreateStream of …(*DisClient).CreateStream-fm.
func operationOf(method any) string {
	name := runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
	return strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "-fm")
}

// everyOperation fails when the client has an operation that no check called, as after an update.
func (v v3) everyOperation() error {
	client := reflect.TypeOf(v.dis)
	var missed []string
	for i := range client.NumMethod() {
		name := client.Method(i).Name
		if !strings.HasSuffix(name, "Invoker") && !v.sent[name] {
			missed = append(missed, name)
		}
	}
	slices.Sort(missed)
	return that(len(missed) == 0, "not called: %s", strings.Join(missed, ", "))
}

// derivedKey lists streams with the algorithm V11-HMAC-SHA256 (spec/01 §1, scheme C).
func (v v3) derivedKey() error {
	client, err := v3Signed(v.settings, v.settings.secretKey, true)
	if err != nil {
		return err
	}
	got, err := client.ListStreams(&model.ListStreamsRequest{Limit: to(int32(1))})
	if err != nil {
		return err
	}
	return that(got.TotalNumber != nil, "total_number is absent")
}

// v3Refused fails unless the server refused with this status and code.
func v3Refused(err error, status int, code string) error {
	if err == nil {
		return errNoRefusal
	}
	var answer *sdkerr.ServiceResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("expected a refusal with %d %s, got: %w", status, code, err)
	}
	err = refused(refusal{status: answer.StatusCode, code: answer.ErrorCode, message: answer.ErrorMessage}, status, code)
	return all(err, that(answer.RequestId != "", "the refusal has no X-Request-Id"))
}
