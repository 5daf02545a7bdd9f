package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	golangsdk "github.com/opentelekomcloud/gophertelekomcloud"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack"
)

const gopherModule = "github.com/opentelekomcloud/gophertelekomcloud"

// gopher is one client of gophertelekomcloud, with whatever credentials it was built.
//
// Its dump package also creates tasks for MRS, DLI, DWS and CloudTable. Those are not called: the client
// takes only 200 as the answer, the documented one is 201, so no server can satisfy both (spec/14 §2).
type gopher struct {
	suite
	names
	dis      *golangsdk.ServiceClient
	settings settings
}

// gopherRounds runs everything with signed requests and a fixed endpoint, without Keystone.
func gopherRounds(settings settings, report *report, names names) {
	suite := suite{report: report, client: "gophertelekomcloud " + versionOf(gopherModule)}
	dis, err := gopherSigned(settings, settings.secretKey)
	if err != nil {
		report.line(suite.client, "build the client", formNone, err)
		return
	}
	g := gopher{suite: suite, names: names, dis: dis, settings: settings}
	g.acceptanceFlow("flow")
	g.dumpFlow()
	g.streamRound()
	g.tagRound()
	g.recordRound()
	g.checkpointRound()
	g.refusalRound()
}

// gopherSigned builds the client as a login with AK and SK leaves it, with a catalogue of one endpoint.
func gopherSigned(settings settings, secretKey string) (*golangsdk.ServiceClient, error) {
	provider, err := gopherProvider(settings.endpoint + "/v3")
	if err != nil {
		return nil, err
	}
	provider.AKSKAuthOptions = golangsdk.AKSKAuthOptions{
		ProjectId: settings.projectID,
		Region:    settings.region,
		AccessKey: settings.accessKey,
		SecretKey: secretKey,
	}
	provider.ProjectID = settings.projectID
	provider.EndpointLocator = func(golangsdk.EndpointOpts) (string, error) {
		return settings.endpoint + "/", nil
	}
	return openstack.NewDISServiceV2(provider, golangsdk.EndpointOpts{Region: settings.region})
}

// gopherProvider is a client without credentials, with bounded waiting: a request has a time limit, and
// a 429 is reported at once instead of being tried again twenty times, a minute apart.
func gopherProvider(identityEndpoint string) (*golangsdk.ProviderClient, error) {
	provider, err := openstack.NewClient(identityEndpoint)
	if err != nil {
		return nil, err
	}
	provider.HTTPClient = http.Client{Timeout: requestTimeout}
	provider.MaxBackoffRetries = to(0)
	return provider, nil
}

// gopherRefused fails unless the server refused with this status and code.
func gopherRefused(err error, status int, code string) error {
	if err == nil {
		return errNoRefusal
	}
	answer, found := gopherAnswer(err)
	if !found {
		return fmt.Errorf("expected a refusal with %d %s, got: %w", status, code, err)
	}
	var body struct {
		Code    string `json:"errorCode"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer.Body, &body); err != nil {
		return fmt.Errorf("the body of the refusal is not JSON: %w", err)
	}
	return refused(refusal{status: answer.Actual, code: body.Code, message: body.Message}, status, code)
}

// gopherAnswer finds the answer in an error; the client wraps it in a type per status.
func gopherAnswer(err error) (golangsdk.ErrUnexpectedResponseCode, bool) {
	var badRequest golangsdk.ErrDefault400
	var unauthorized golangsdk.ErrDefault401
	var other golangsdk.ErrUnexpectedResponseCode
	switch {
	case errors.As(err, &badRequest):
		return badRequest.ErrUnexpectedResponseCode, true
	case errors.As(err, &unauthorized):
		return unauthorized.ErrUnexpectedResponseCode, true
	default:
		return other, errors.As(err, &other)
	}
}
