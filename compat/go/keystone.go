package main

import (
	"net/http"

	golangsdk "github.com/opentelekomcloud/gophertelekomcloud"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/dis/v2/streams"
)

// keystoneRound logs in with a password, takes the endpoint from the catalogue of the answer and does the
// acceptance flow with the token.
func keystoneRound(settings settings, report *report, names names) {
	g := gopher{
		suite:    suite{report: report, client: "gophertelekomcloud " + versionOf(gopherModule)},
		names:    names,
		settings: settings,
	}
	var provider *golangsdk.ProviderClient
	g.check("log in to Keystone with a password", formNone, func() error {
		var err error
		if provider, err = keystoneLogin(settings, settings.identity.password); err != nil {
			return err
		}
		return all(
			that(provider.TokenID != "", "the answer has no X-Subject-Token"),
			equal("the project's id", provider.ProjectID, settings.projectID),
			that(provider.UserID != "", "the answer has no user id"),
		)
	})
	g.check("log in to Keystone, wrong password", formNone, func() error {
		// Only the status: the body is Keystone's, not that of the DIS API.
		_, err := keystoneLogin(settings, settings.identity.password+"x")
		if err == nil {
			return errNoRefusal
		}
		answer, found := gopherAnswer(err)
		if !found {
			return err
		}
		return equal("the status", answer.Actual, http.StatusUnauthorized)
	})
	if provider == nil || provider.TokenID == "" {
		return
	}
	g.check("find dis in the catalogue", formNone, func() error {
		var err error
		g.dis, err = openstack.NewDISServiceV2(provider, golangsdk.EndpointOpts{Region: settings.region})
		return err
	})
	if g.dis == nil || g.dis.ResourceBase == "" {
		return
	}
	g.suffix = ", by token"
	g.acceptanceFlow("token")
	g.suffix = ""
	g.check("log in again after a token that is not known", formNone, func() error {
		// The library logs in anew on a 401, and on nothing else (spec/01 §8).
		provider.TokenID = "not-a-token"
		_, err := streams.ListStreams(g.dis, streams.ListStreamsOpts{Limit: to(1)})
		if err != nil {
			return err
		}
		return that(provider.TokenID != "not-a-token", "the request was answered with a token that nobody gave out")
	})
}

func keystoneLogin(settings settings, password string) (*golangsdk.ProviderClient, error) {
	provider, err := gopherProvider(settings.identity.endpoint)
	if err != nil {
		return nil, err
	}
	return provider, openstack.Authenticate(provider, golangsdk.AuthOptions{
		IdentityEndpoint: settings.identity.endpoint,
		Username:         settings.identity.user,
		Password:         password,
		DomainName:       settings.identity.domain,
		TenantID:         settings.projectID,
		AllowReauth:      true,
	})
}
