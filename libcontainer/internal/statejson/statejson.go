// Package statejson reads and writes state.json without reflection: see
// plainjson.
package statejson

import (
	"encoding/json"
	"unsafe"

	"runc/internal/plainjson"
	"runc/libcontainer/internal/saved"
)

//go:generate go run runc/libcontainer/internal/mkplainjson state

// Decode reads a state file, whose memory the strings of the result share. One
// that another version has written, with fields unknown here, takes longer.
func Decode(b []byte) (*saved.State, error) {
	d := plainjson.New(unsafe.String(unsafe.SliceData(b), len(b)))
	s := new(saved.State)
	decodeState(d, s)
	if d.Done() {
		return s, nil
	}
	s = new(saved.State)
	return s, json.Unmarshal(b, s)
}

// Append appends s as encoding/json would write it.
func Append(b []byte, s *saved.State) []byte { return encodeState(b, *s) }
