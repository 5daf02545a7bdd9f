// Command millpond-compat-go drives unmodified Go client libraries of the DIS API against a running
// Millpond and prints one line for each call that it checked. README.md says how to run it.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"time"
)

const (
	// requestTimeout bounds one request of a client, connection and body included.
	requestTimeout = 30 * time.Second
	// runTimeout bounds the whole run; a run against a local server takes a few seconds.
	runTimeout = 5 * time.Minute
)

func main() {
	settings, err := settingsFromEnvironment(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(settings, newReport(os.Stdout)))
}

// run does every round and returns the exit code: 0 when all checks were ok, 1 otherwise.
func run(settings settings, report *report) int {
	deadline := time.AfterFunc(runTimeout, func() {
		report.line("all clients", "finish in time", formNone, fmt.Errorf("still running after %s", runTimeout))
		os.Exit(1)
	})
	defer deadline.Stop()

	names := newNames()
	gopherRounds(settings, report, names)
	if settings.identity != nil {
		keystoneRound(settings, report, names)
	}
	v3Rounds(settings, report, names)
	return report.exitCode()
}

// names makes names of streams, apps and tasks that no other run uses, so that a run neither meets nor
// disturbs what is on the server already.
type names struct{ run string }

func newNames() names {
	var random [4]byte
	// Since Go 1.24 Read never returns an error.
	_, _ = rand.Read(random[:])
	return names{run: hex.EncodeToString(random[:])}
}

func (n names) of(what string) string {
	return "compat-" + n.run + "-" + what
}
