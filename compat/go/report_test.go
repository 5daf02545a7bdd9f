package main

import (
	"errors"
	"strings"
	"testing"
)

func TestLineAndExitCode(t *testing.T) {
	check := func(body func() error, line string, exitCode int) {
		t.Helper()
		var out strings.Builder
		report := newReport(&out)
		suite{report: report, client: "client 1.0", suffix: ", again"}.check("call", formJSON, body)
		if out.String() != line {
			t.Errorf("line %q, expected %q", out.String(), line)
		}
		if report.exitCode() != exitCode {
			t.Errorf("exit code %d, expected %d", report.exitCode(), exitCode)
		}
	}
	check(func() error { return nil }, "ok\tclient 1.0\tcall, again\tJSON\n", 0)
	check(func() error { return errors.New("a\tb\nc") }, "FAIL\tclient 1.0\tcall, again\tJSON\ta b c\n", 1)
	check(func() error { panic("lost") },
		"FAIL\tclient 1.0\tcall, again\tJSON\tthe client or the check panicked: lost\n", 1)
}

func TestSettingsFromEnvironment(t *testing.T) {
	complete := map[string]string{
		"MILLPOND_ENDPOINT": "http://127.0.0.1:1/", "MILLPOND_ACCESS_KEY": "ak", "MILLPOND_SECRET_KEY": "sk",
		"MILLPOND_PROJECT_ID": "p", "MILLPOND_REGION": "local",
		"MILLPOND_IDENTITY_ENDPOINT": "http://127.0.0.1:1/v3", "MILLPOND_USER": "u", "MILLPOND_PASSWORD": "pw",
		"MILLPOND_DOMAIN": "d",
	}
	check := func(without string, hasIdentity bool, refusal string) {
		t.Helper()
		got, err := settingsFromEnvironment(func(name string) string {
			if name == without {
				return ""
			}
			return complete[name]
		})
		if refusal != "" {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("without %s: error %v, expected %q in it", without, err, refusal)
			}
			return
		}
		if err != nil || got.endpoint != "http://127.0.0.1:1" || (got.identity != nil) != hasIdentity {
			t.Errorf("without %s: %+v, error %v", without, got, err)
		}
	}
	check("", true, "")
	check("MILLPOND_USER", false, "")
	check("MILLPOND_IDENTITY_ENDPOINT", false, "")
	check("MILLPOND_SECRET_KEY", false, "set MILLPOND_SECRET_KEY")
}
