// Package specjson reads config.json without reflection: see plainjson.
package specjson

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/internal/plainjson"
)

//go:generate go run runc/libcontainer/internal/mkplainjson spec

// Decode reads the first JSON value of src. ok says that it is exactly what
// encoding/json would have made of it; if it is not, encoding/json is to be
// asked instead. The strings of the result share src's memory.
func Decode(src string) (spec *specs.Spec, ok bool) {
	d := plainjson.New(src)
	plainjson.Pointer(d, &spec, decodeSpec)
	// null is left alone for what may follow it: the end of an object ends
	// the value, that of a word is only seen by the byte after it.
	if d.Bad() || spec == nil {
		return nil, false
	}
	return spec, true
}

// DecodeProcess is Decode for a process alone, the whole of src.
func DecodeProcess(src string) (p *specs.Process, ok bool) {
	d := plainjson.New(src)
	p = new(specs.Process)
	decodeProcess(d, p)
	return p, d.Done()
}
