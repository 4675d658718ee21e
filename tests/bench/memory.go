package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// launcher, where it is set, starts what is measured, for its peak memory: what
// this program starts itself begins with the peak of this one.
var launcher string

// peaks gives the median of the peak memory of a few runs, in KiB.
func peaks(r row, p *peer, from int) (int64, error) {
	if flagLauncher == "" {
		return 0, nil
	}
	launcher = flagLauncher
	defer func() { launcher = "" }()
	var all []int64
	for i := range 5 {
		s, err := r.once(p, from+i)
		if err != nil {
			return 0, err
		}
		all = append(all, s.rss)
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// footprint is what a process takes, in KiB.
type footprint struct {
	peak, pss, private int64
	threads            int64
}

var number = regexp.MustCompile(`(?m)^(VmHWM|Threads|Pss|Private_Clean|Private_Dirty):\s+(\d+)`)

func footprintOf(pid int) (f footprint, err error) {
	for _, name := range []string{"status", "smaps_rollup"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			return f, err
		}
		for _, m := range number.FindAllSubmatch(b, -1) {
			n, err := strconv.ParseInt(string(m[2]), 10, 64)
			if err != nil {
				return f, err
			}
			switch string(m[1]) {
			case "VmHWM":
				f.peak = n
			case "Threads":
				f.threads = n
			case "Pss":
				f.pss = n
			default:
				f.private += n
			}
		}
	}
	return f, nil
}

// waiting starts a foreground run, or an exec into it, that waits for a sleep,
// and looks at the runtime's process. A shell executes it, small beside this
// program: see launcher.
func waiting(p *peer, join bool) (f footprint, err error) {
	name := fmt.Sprintf("bench-%d-%s-waiting", os.Getpid(), p.name)
	start := func(args ...string) (*exec.Cmd, error) {
		cmd := exec.Command("/bin/sh", append([]string{"-c", `exec "$@"`, "sh"}, p.args(args...)...)...)
		cmd.Dir, cmd.Stderr = with(p, "-sleep"), os.Stderr
		return cmd, cmd.Start()
	}
	run, err := start("run", name)
	if err != nil {
		return f, err
	}
	measured := run
	defer func() {
		_, e := timed(p.bundle, p.args("kill", name, "KILL")...)
		for _, c := range []*exec.Cmd{run, measured} {
			_ = c.Wait() // its status is that of a killed process
		}
		err = errors.Join(err, e)
	}()
	processes := func(n int) error {
		for range 500 {
			out, err := exec.Command(p.path, p.args("ps", "--format", "json", name)[1:]...).Output()
			if err == nil && bytes.Count(out, []byte(",")) == n-1 && bytes.ContainsAny(out, "123456789") {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		return errors.New("the process has not come up")
	}
	if err := processes(1); err != nil {
		return f, err
	}
	if join {
		if measured, err = start("exec", name, "/bin/sleep", "10000"); err != nil {
			measured = run
			return f, err
		}
		if err := processes(2); err != nil {
			return f, err
		}
	}
	// Whatever it does once its process runs.
	time.Sleep(300 * time.Millisecond)
	if measured.ProcessState != nil || syscall.Kill(measured.Process.Pid, 0) != nil {
		return f, errors.New("it does not wait")
	}
	return footprintOf(measured.Process.Pid)
}

// footprints prints what the foreground costs while nothing happens.
func footprints(peers []*peer) {
	mb := func(kib int64) string { return fmt.Sprintf("%.1f MB", float64(kib)/1024) }
	for _, join := range []bool{false, true} {
		what := map[bool]string{false: "run", true: "exec"}[join]
		for _, p := range peers {
			f, err := waiting(p, join)
			if err != nil {
				fmt.Fprintf(os.Stderr, "waiting %s: %s: %v\n", what, p.name, err)
				continue
			}
			fmt.Printf("a foreground %s that waits, %s: peak %s, proportional %s, its own %s, threads %d\n",
				what, p.name, mb(f.peak), mb(f.pss), mb(f.private), f.threads)
		}
	}
}

// launched is the command as the launcher gets it, and reads what it found.
func launched(argv []string) (with []string, found func() int64, err error) {
	if launcher == "" {
		return argv, nil, nil
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, err
	}
	out := filepath.Join(dir, "peak")
	return append([]string{launcher, out}, argv...), func() int64 {
		defer os.RemoveAll(dir)
		b, _ := os.ReadFile(out)
		n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		return n
	}, nil
}
