package main

import (
	"fmt"
	"strings"
)

// settings say which server to test and with which credentials.
type settings struct {
	endpoint  string // scheme, host and port, without a slash at the end
	accessKey string
	secretKey string
	projectID string
	region    string
	bucket    string // named by transfer tasks
	identity  *identity
}

// identity is a login by password; nil in settings unless all of its variables are set.
type identity struct {
	endpoint string // of Keystone, with or without /v3
	user     string
	password string
	domain   string
}

// bucketDefault is the bucket of transfer tasks. Nothing is ever delivered to it: the tasks live for
// a few calls and start at the end of streams that get no more records.
const bucketDefault = "millpond-compat"

func settingsFromEnvironment(getenv func(string) string) (settings, error) {
	var missing []string
	required := func(name string) string {
		value := getenv(name)
		if value == "" {
			missing = append(missing, name)
		}
		return value
	}
	s := settings{
		endpoint:  strings.TrimRight(required("MILLPOND_ENDPOINT"), "/"),
		accessKey: required("MILLPOND_ACCESS_KEY"),
		secretKey: required("MILLPOND_SECRET_KEY"),
		projectID: required("MILLPOND_PROJECT_ID"),
		region:    required("MILLPOND_REGION"),
		bucket:    getenv("MILLPOND_BUCKET"),
	}
	if len(missing) > 0 {
		return settings{}, fmt.Errorf("set %s; README.md says to what", strings.Join(missing, ", "))
	}
	if s.bucket == "" {
		s.bucket = bucketDefault
	}
	s.identity = identityFromEnvironment(getenv)
	return s, nil
}

func identityFromEnvironment(getenv func(string) string) *identity {
	i := identity{
		endpoint: getenv("MILLPOND_IDENTITY_ENDPOINT"),
		user:     getenv("MILLPOND_USER"),
		password: getenv("MILLPOND_PASSWORD"),
		domain:   getenv("MILLPOND_DOMAIN"),
	}
	if i.endpoint == "" || i.user == "" || i.password == "" || i.domain == "" {
		return nil
	}
	return &i
}
