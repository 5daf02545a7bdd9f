package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
)

// equal fails unless got is want.
func equal[T any](what string, got, want T) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s is %v, expected %v", what, got, want)
}

// same is equal for a member that an answer may lack: nil fails.
func same[T any](what string, got *T, want T) error {
	if got == nil {
		return fmt.Errorf("%s is absent, expected %v", what, want)
	}
	return equal(what, *got, want)
}

// that fails with the text unless the condition holds.
func that(holds bool, format string, arguments ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

// all is the first expectation that failed.
func all(expectations ...error) error {
	for _, err := range expectations {
		if err != nil {
			return err
		}
	}
	return nil
}

// value is what a pointer of an optional member points to, or the zero value.
func value[T any](member *T) T {
	if member == nil {
		var zero T
		return zero
	}
	return *member
}

// nth is a member of a list, or the zero value where the list is shorter.
func nth[T any](list []T, index int) T {
	if index < len(list) {
		return list[index]
	}
	var zero T
	return zero
}

// to is a pointer to an argument, for optional members of a request.
func to[T any](argument T) *T {
	return &argument
}

var errNoRefusal = errors.New("the call succeeded, expected a refusal")

// refusal is what an error of a client says about the server's answer.
type refusal struct {
	status  int
	code    string
	message string
}

// refused fails unless the server refused with this status and code.
func refused(got refusal, status int, code string) error {
	return all(
		equal("the status", got.status, status),
		equal("the error code", got.code, code),
		that(got.message != "", "the refusal has no message"),
	)
}

// encoded is the form in which a JSON body carries data; both clients leave it to the caller.
func encoded(text string) string {
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// read is a record as a client returned it, data still encoded.
type read struct {
	sequence, data, key string
	timestamp           int64
	timestampType       string
}

// readsAre fails unless the records are the texts, numbered from first without a gap.
func readsAre(got []read, first int, texts ...string) error {
	if err := equal("the number of records", len(got), len(texts)); err != nil {
		return err
	}
	for i, record := range got {
		err := all(
			equal("sequence_number", record.sequence, fmt.Sprint(first+i)),
			equal("data", record.data, encoded(texts[i])),
			that(record.timestamp > 0, "record %s has no timestamp", record.sequence),
			equal("timestamp_type", record.timestampType, "CreateTime"),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// firstAtOrAfter is the index of the first record whose timestamp is not before the one given, which is
// where a cursor AT_TIMESTAMP has to start.
func firstAtOrAfter(records []read, timestamp int64) int {
	for i, record := range records {
		if record.timestamp >= timestamp {
			return i
		}
	}
	return len(records)
}

// Hash ranges of one and of two partitions (spec/02 §7), and what falls into them (spec/03 §2).
const (
	hashRangeOfOne      = "[0 : 9223372036854775807]"
	hashRangeFirstOfTwo = "[0 : 4611686018427387902]"
	hashKeyFirstOfTwo   = "1"
	hashKeySecondOfTwo  = "9223372036854775807"
	keyOfSecondOfTwo    = "k2" // hashes to 7017181441369062548
)

// partitionID is the long form of a partition's id.
func partitionID(index int) string {
	return fmt.Sprintf("shardId-%010d", index)
}
