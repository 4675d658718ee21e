package criu

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
)

// maxLines bounds how much of CRIU's log an error quotes.
const maxLines = 3

// maxLog bounds how much of CRIU's log is read for that. Errors end a log.
const maxLog = 1 << 20

// failure is the error of a request that CRIU refused or did not live to
// answer. CRIU's own error lines come first, since a caller may show the
// beginning alone, then the words "criu failed: type T errno N", then where to
// read more.
func (p *process) failure(kind rpc.CriuReqType, resp *rpc.CriuResp, cause error, log string) error {
	var ended string
	if errors.Is(cause, errEnded) {
		ended = errEnded.Error()
		// It has closed its end of the socket, or has ended.
		t := time.AfterFunc(endLimit, p.kill)
		<-p.ended
		t.Stop()
		if p.status != nil {
			ended += " (" + p.status.Error() + ")"
		}
		cause = nil
	}
	lines := errorLines(log)
	if len(lines) == 0 {
		// CRIU has no log before it has read the request.
		for l := range strings.Lines(p.words()) {
			lines = append(lines, strings.TrimSpace(l))
		}
		lines = lines[max(0, len(lines)-maxLines):]
	}
	if m := strings.TrimSpace(resp.GetCrErrmsg()); len(lines) == 0 && m != "" {
		// It is the first error, often one that is none.
		lines = append(lines, m)
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l + "; ")
	}
	fmt.Fprintf(&b, "criu failed: type %v errno %d", kind, resp.GetCrErrno())
	if ended != "" {
		b.WriteString(": " + ended)
	}
	if _, err := os.Stat(log); err == nil {
		b.WriteString(" (log file: " + log + ")")
	}
	if cause != nil {
		return fmt.Errorf("%w; %s", cause, b.String())
	}
	return errors.New(b.String())
}

// errorLines are the first errors of CRIU's log: the others mostly follow from
// them.
func errorLines(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > maxLog {
		_, _ = f.Seek(-maxLog, io.SeekEnd)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLog))
	if err != nil {
		return nil
	}
	return pickErrors(b)
}

// noise are errors that CRIU logs when all is well, or that say no more than
// that it has failed.
var noise = []string{
	"rlimit: Can't setup RLIMIT_NOFILE", "Dumping FAILED", "Restoring FAILED", "Pre-dumping FAILED",
	"cgroupd: recv req error",
}

// pickErrors finds the lines (00.123456) PID: Error (FILE:LINE): TEXT.
func pickErrors(log []byte) []string {
	var lines []string
	s := bufio.NewScanner(bytes.NewReader(log))
	s.Buffer(nil, maxLog)
	for s.Scan() && len(lines) < maxLines {
		line := s.Text()
		i := strings.Index(line, "Error (")
		if i < 0 || slices.ContainsFunc(noise, func(n string) bool { return strings.Contains(line, n) }) {
			continue
		}
		line = strings.TrimSpace(line[i:])
		// The next message may follow without a line's end.
		if j := strings.Index(line, "Warn  ("); j > 0 {
			line = strings.TrimSpace(line[:j])
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// logPath is where CRIU writes its log.
func logPath(o *Options, name string) string {
	path := filepath.Join(o.logDir(), name)
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
