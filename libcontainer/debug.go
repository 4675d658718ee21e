package libcontainer

import (
	"fmt"
	"runtime"
	"strings"
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

// debugf tells the runtime, as long as it listens. Not under a filter, which
// may not allow that.
func (i *initProcess) debugf(format string, args ...any) {
	if !i.Debug || i.told || i.filtered {
		return
	}
	at := caller()
	text := fmt.Sprintf("%s\n%d\n%s\n%s", at.File, at.Line, at.Function, fmt.Sprintf(format, args...))
	// What is only of use to those who look for a mistake must not be one.
	_ = i.sock.send(msgDebug, []byte(text))
}

// debugFromInit passes on what came by msgDebug.
func debugFromInit(payload []byte) {
	f := strings.SplitN(string(payload), "\n", 4)
	if Debug == nil || len(f) != 4 {
		return
	}
	at := runtime.Frame{File: f[0], Function: f[2]}
	_, _ = fmt.Sscan(f[1], &at.Line)
	Debug(at, f[3])
}

// caller is who called debugf.
func caller() runtime.Frame {
	pc := make([]uintptr, 1)
	runtime.Callers(3, pc)
	frame, _ := runtime.CallersFrames(pc).Next()
	return frame
}
