// seccomp times what a filter costs alone: to compile and load the engines'
// default profile here, and by libseccomp (libseccomp.c).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
	"runc/libcontainer/seccomp"
	"runc/libcontainer/specconv"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: seccomp PROFILE LIBSECCOMP-PROGRAM RUNS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "seccomp:", err)
		os.Exit(1)
	}
}

func run(path, program, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("runs: %q", text)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec specs.LinuxSeccomp
	if err := json.Unmarshal(b, &spec); err != nil {
		return err
	}
	profile, err := specconv.SetupSeccomp(&spec)
	if err != nil {
		return err
	}
	words, err := rules(profile)
	if err != nil {
		return err
	}
	var ours, theirs []float64
	// In turn, so that both see the same machine.
	for range 4 {
		for range (n + 3) / 4 {
			us, err := one(profile)
			if err != nil {
				return err
			}
			ours = append(ours, us)
		}
		cmd := exec.Command(program, strconv.Itoa((n+3)/4))
		cmd.Stdin, cmd.Stderr = bytes.NewReader(words), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
		for f := range strings.FieldsSeq(string(out)) {
			us, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return err
			}
			theirs = append(theirs, us)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	a, t := ours[len(ours)/2], theirs[len(theirs)/2]
	fmt.Printf("compile and load the default seccomp profile: %.0f µs (min %.0f), libseccomp %.0f µs (min %.0f); ratio %.2f (min %.2f)\n",
		a, ours[0], t, theirs[0], a/t, ours[0]/theirs[0])
	return nil
}

// one compiles and loads, on a thread that ends with its goroutine, and gives
// the microseconds.
func one(profile *configs.Seccomp) (float64, error) {
	type result struct {
		us  float64
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			done <- result{0, err}
			return
		}
		start := time.Now()
		p, err := seccomp.Compile(profile)
		if err == nil {
			_, err = p.Load()
		}
		done <- result{float64(time.Since(start).Nanoseconds()) / 1000, err}
	}()
	r := <-done
	return r.us, r.err
}

// rules writes a profile as libseccomp.c reads it.
func rules(s *configs.Seccomp) ([]byte, error) {
	// The numbers of seccomp.h.
	actions := map[configs.Action]uint32{configs.Allow: 0x7fff0000, configs.Log: 0x7ffc0000, configs.KillProcess: 0x80000000,
		configs.Kill: 0, configs.Trap: 0x00030000}
	action := func(a configs.Action, e *uint) (uint32, error) {
		if a == configs.Errno {
			n := uint(unix.EPERM)
			if e != nil {
				n = *e
			}
			return 0x00050000 | uint32(n), nil
		}
		v, ok := actions[a]
		if !ok {
			return 0, errors.New("an action that this measurement has no use for")
		}
		return v, nil
	}
	ops := map[configs.Operator]int{configs.NotEqualTo: 1, configs.LessThan: 2, configs.LessThanOrEqualTo: 3, configs.EqualTo: 4,
		configs.GreaterThanOrEqualTo: 5, configs.GreaterThan: 6, configs.MaskEqualTo: 7}
	var b bytes.Buffer
	v, err := action(s.DefaultAction, s.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(&b, v)
	for _, r := range s.Syscalls {
		v, err := action(r.Action, r.ErrnoRet)
		if err != nil {
			return nil, err
		}
		fmt.Fprint(&b, r.Name, " ", v, " ", len(r.Args))
		for _, a := range r.Args {
			fmt.Fprint(&b, " ", a.Index, " ", ops[a.Op], " ", a.Value, " ", a.ValueTwo)
		}
		fmt.Fprintln(&b)
	}
	return b.Bytes(), nil
}
