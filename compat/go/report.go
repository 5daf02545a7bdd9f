package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
)

// Forms in which a call carries records.
const (
	formNone = "-"
	formJSON = "JSON"
)

// report prints one line for each check and remembers whether one failed:
//
//	ok<TAB>client<TAB>call<TAB>form
//	FAIL<TAB>client<TAB>call<TAB>form<TAB>reason
type report struct {
	mutex  sync.Mutex
	out    io.Writer
	failed bool
}

func newReport(out io.Writer) *report {
	return &report{out: out}
}

// line prints the outcome of one check; nil is ok.
func (r *report) line(client, call, form string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	fields := []string{"ok", client, call, form}
	if err != nil {
		r.failed = true
		fields = []string{"FAIL", client, call, form, oneField(err.Error())}
	}
	if _, err := fmt.Fprintln(r.out, strings.Join(fields, "\t")); err != nil {
		r.failed = true
	}
}

// exitCode is 0 when every check was ok, 1 otherwise.
func (r *report) exitCode() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.failed {
		return 1
	}
	return 0
}

// oneField folds tabs, line ends and other runs of blanks, which would break a line into more fields.
func oneField(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

// suite is the checks of one client.
type suite struct {
	report *report
	client string
	suffix string // appended to every call, to tell two rounds of one client apart
}

// check runs one check. A panic of the client, as on an answer without a member that it needs, is a
// failed check like any other and does not stop the rest.
func (s suite) check(call, form string, body func() error) {
	s.report.line(s.client, call+s.suffix, form, guarded(body))
}

func guarded(body func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the client or the check panicked: %v", cause)
		}
	}()
	return body()
}

// versionOf is the version of a module that this program was built with, without its v.
func versionOf(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return "unknown"
}
