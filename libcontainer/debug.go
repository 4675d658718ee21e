package libcontainer

import (
	"fmt"
	"runtime"

	"runc/libcontainer/internal/inside"
)

// Debug, where it is not nil, gets a line for each larger step that the package
// takes, inside containers too, and the place in the code that took it. It has
// to be set before anything else is called.
//
// Scripts look for some of the words: "nsexec container setup", "child process
// in init()", "setns_init: about to exec".
var Debug func(at runtime.Frame, msg string)

func debugf(format string, args ...any) {
	if Debug != nil {
		Debug(caller(), fmt.Sprintf(format, args...))
	}
}

// debugFromInit passes on what init has sent by MsgDebug.
func debugFromInit(payload []byte) {
	if Debug != nil {
		Debug(inside.ParseDebug(payload))
	}
}

// caller is who called debugf.
func caller() runtime.Frame {
	pc := make([]uintptr, 1)
	runtime.Callers(3, pc)
	frame, _ := runtime.CallersFrames(pc).Next()
	return frame
}
