// bench times container runtimes side by side: whole processes, in turn, on the
// same bundle. It prints a table in which each row is a ratio within one run;
// absolute times say more about the machine.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type peer struct {
	name   string
	path   string
	bundle string
	root   string
	// global flags of every command
	global []string
}

// sample is what one measured step took.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // KiB, of the largest single process; with a launcher only
}

type series []sample

func (s series) sorted(f func(sample) float64) []float64 {
	v := make([]float64, len(s))
	for i := range s {
		v[i] = f(s[i])
	}
	slices.Sort(v)
	return v
}

func wallMS(s sample) float64 { return float64(s.wall.Microseconds()) / 1000 }
func cpuMS(s sample) float64  { return float64(s.cpu.Microseconds()) / 1000 }

func (p *peer) args(a ...string) []string {
	return slices.Concat([]string{p.path, "--root", p.root}, p.global, a)
}

// timed runs one command to its end. Its output goes nowhere.
func timed(dir string, argv ...string) (sample, error) {
	with, peak, err := launched(argv)
	if err != nil {
		return sample{}, err
	}
	cmd := exec.Command(with[0], with[1:]...)
	cmd.Dir = dir
	var errs strings.Builder
	if flagVerbose {
		cmd.Stderr = os.Stderr
	} else {
		f, err := os.CreateTemp("", "bench")
		if err != nil {
			return sample{}, err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		// A file, for a pipe would be held by a detached container.
		cmd.Stderr = f
		defer func() {
			b, _ := os.ReadFile(f.Name())
			errs.Write(b)
		}()
	}
	start := time.Now()
	err = cmd.Run()
	s := sample{wall: time.Since(start)}
	if cmd.ProcessState != nil {
		ru := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		s.cpu = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	if peak != nil {
		s.rss = peak()
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return s, nil
}

func add(a, b sample) sample {
	return sample{a.wall + b.wall, a.cpu + b.cpu, max(a.rss, b.rss)}
}

// row is one thing to be measured, for each peer that can do it.
type row struct {
	name   string
	before func(p *peer) error
	once   func(p *peer, i int) (sample, error)
	after  func(p *peer) error
}

func id(p *peer, i int) string { return fmt.Sprintf("bench-%d-%s-%d", os.Getpid(), p.name, i) }

// with is a bundle of the peer's, by its kind.
func with(p *peer, kind string) string { return p.bundle + kind }

func lifecycle(p *peer, bundle string, i int) (sample, error) {
	var total sample
	for _, a := range [][]string{{"create", id(p, i)}, {"start", id(p, i)}, {"delete", "--force", id(p, i)}} {
		s, err := timed(bundle, p.args(a...)...)
		if err != nil {
			return s, err
		}
		total = add(total, s)
	}
	return total, nil
}

// frozen checkpoints a container that it has started for that, and gives the
// folder of the images.
func frozen(p *peer, i int) (sample, string, error) {
	images := with(p, "-images")
	if err := os.RemoveAll(images); err != nil {
		return sample{}, "", err
	}
	if err := quiet(with(p, "-sleep"), p.args("run", "-d", id(p, i))...); err != nil {
		return sample{}, "", err
	}
	s, err := timed(with(p, "-sleep"), p.args("checkpoint", "--image-path", images, id(p, i))...)
	if err != nil {
		_ = quiet(with(p, "-sleep"), p.args("delete", "--force", id(p, i))...)
	}
	return s, images, err
}

// quiet runs a command with the null device as its stdio, which the container
// then has too: CRIU could not find a temporary file again.
func quiet(dir string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return nil
}

// parallel runs n execs at the same time and gives what one took in the end.
func parallel(p *peer, n int) (sample, error) {
	start := time.Now()
	samples, errs := make([]sample, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { samples[i], errs[i] = timed(p.bundle, p.args("exec", id(p, 0), "/bin/true")...) })
	}
	wg.Wait()
	total := sample{wall: time.Since(start) / time.Duration(n)}
	for i := range n {
		total.cpu += samples[i].cpu / time.Duration(n)
		total.rss = max(total.rss, samples[i].rss)
	}
	return total, errors.Join(errs...)
}

func rows() []row {
	running := func(r row, kind string) row {
		r.before = func(p *peer) error {
			_, err := timed(with(p, kind), p.args("run", "-d", id(p, 0))...)
			return err
		}
		r.after = func(p *peer) error {
			_, err := timed(p.bundle, p.args("delete", "--force", id(p, 0))...)
			return err
		}
		return r
	}
	command := func(name, kind string, args ...[]string) row {
		return running(row{name: name, once: func(p *peer, _ int) (total sample, err error) {
			for _, a := range args {
				a = append(slices.Clone(a[:len(a)-1]), append([]string{id(p, 0)}, strings.Fields(a[len(a)-1])...)...)
				s, err := timed(p.bundle, p.args(a...)...)
				if err != nil {
					return s, err
				}
				total = add(total, s)
			}
			return total, nil
		}}, kind)
	}
	return []row{
		{name: "run", once: func(p *peer, i int) (sample, error) {
			if p.name == "floor" {
				return timed(p.bundle, p.path, filepath.Join(p.bundle, "rootfs"))
			}
			return timed(p.bundle, p.args("run", id(p, i))...)
		}},
		{name: "run+seccomp", once: func(p *peer, i int) (sample, error) {
			return timed(with(p, "-seccomp"), p.args("run", id(p, i))...)
		}},
		{name: "create+start+delete", once: func(p *peer, i int) (sample, error) { return lifecycle(p, p.bundle, i) }},
		{name: "create+start+delete+limits", once: func(p *peer, i int) (sample, error) {
			return lifecycle(p, with(p, "-sleep-limits"), i)
		}},
		// The last word of a command holds what comes after the container's id.
		command("state", "-sleep", []string{"state", ""}),
		command("exec", "-sleep", []string{"exec", "/bin/true"}),
		command("exec+userns", "-sleep-userns", []string{"exec", "/bin/true"}),
		command("exec+seccomp", "-sleep-seccomp", []string{"exec", "/bin/true"}),
		command("health check", "-sleep", []string{"exec", "/bin/sh -c echo"}),
		running(row{name: "exec x 20 at once", once: func(p *peer, _ int) (sample, error) { return parallel(p, 20) }}, "-sleep"),
		command("ps", "-sleep", []string{"ps", "--format", "json", ""}),
		command("pause+resume", "-sleep", []string{"pause", ""}, []string{"resume", ""}),
		command("update", "-sleep-limits", []string{"update", "--pids-limit", "200", "--memory", "33554432", ""}),
		command("events --stats", "-sleep", []string{"events", "--stats", ""}),
		// Most of both is CRIU's own time. It looks at all cgroups of the hierarchies
		// that are hidden here, so nothing else should make any meanwhile.
		{name: "checkpoint", once: func(p *peer, i int) (sample, error) {
			s, _, err := frozen(p, i)
			return s, err
		}},
		{name: "restore", once: func(p *peer, i int) (sample, error) {
			_, images, err := frozen(p, i)
			if err != nil {
				return sample{}, err
			}
			s, err := timed(with(p, "-sleep"), p.args("restore", "-d", "--image-path", images, id(p, i))...)
			if err == nil {
				err = quiet(with(p, "-sleep"), p.args("delete", "--force", id(p, i))...)
			}
			return s, err
		}},
	}
}

// syscalls prints what system calls take under the default profile, as each
// runtime loads it, beside what they take without one.
func syscalls(peers []*peer, n int) {
	names := []string{"getpid", "read", "faccessat2"}
	best := func(p *peer, kind string) (least []float64, err error) {
		for i := range n {
			cmd := exec.Command(p.path, p.args("run", id(p, i))[1:]...)
			cmd.Dir = with(p, kind)
			out, err := cmd.Output()
			if err != nil {
				return nil, err
			}
			for k, f := range strings.Fields(string(out)) {
				v, err := strconv.ParseFloat(f, 64)
				if err != nil {
					return nil, err
				}
				if i == 0 {
					least = append(least, v)
				}
				least[k] = min(least[k], v)
			}
		}
		return least, nil
	}
	show := func(name string, v []float64, err error) {
		if err != nil {
			fmt.Fprintf(os.Stderr, "system calls: %s: %v\n", name, err)
			return
		}
		fmt.Printf("system calls under the default seccomp profile, %s:", name)
		for k := range min(len(v), len(names)) {
			fmt.Printf(" %s %.0f ns", names[k], v[k])
		}
		fmt.Println()
	}
	v, err := best(peers[0], "-loop")
	show("none loaded", v, err)
	for _, p := range peers {
		v, err := best(p, "-loop-seccomp")
		show(p.name, v, err)
	}
}

var (
	flagVerbose  bool
	flagLauncher string
)

func main() {
	n := flag.Int("n", 50, "runs of each")
	only := flag.String("only", "", "rows, comma-separated")
	dir := flag.String("dir", "", "folder with the bundles")
	floor := flag.String("floor", "", "the floor program")
	runtimes := flag.String("runtimes", "", "NAME=PATH,... the first is ours")
	flag.StringVar(&flagLauncher, "launcher", "", "the launcher program, which measures peak memory")
	memory := flag.Bool("memory", true, "find the smallest memory limit")
	systemd := flag.Bool("systemd", false, "cgroups by systemd")
	flag.BoolVar(&flagVerbose, "v", false, "show what the runtimes say")
	flag.Parse()
	var peers []*peer
	for r := range strings.SplitSeq(*runtimes, ",") {
		name, path, ok := strings.Cut(r, "=")
		if !ok {
			continue
		}
		p := &peer{name: name, path: path, bundle: filepath.Join(*dir, name), root: filepath.Join(*dir, "root-"+name)}
		if *systemd {
			p.global = []string{"--systemd-cgroup"}
		}
		peers = append(peers, p)
	}
	if len(peers) == 0 {
		fmt.Fprintln(os.Stderr, "bench: no runtimes")
		os.Exit(2)
	}
	// A row is shown as soon as it is there: all of them may take long.
	fmt.Printf("%28s %8s %14s %9s %9s %8s %15s %12s %12s\n", "row", "runtime", "wall median ms", "min ms", "CPU ms", "peak MB", "ours/it median", "ours/it min", "ours/it CPU")
	for _, r := range rows() {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), r.name) {
			continue
		}
		list := slices.Clone(peers)
		if r.name == "run" && *floor != "" {
			list = append(list, &peer{name: "floor", path: *floor, bundle: peers[0].bundle})
		}
		measure(r, list, *n)
	}
	if *only == "" || strings.Contains(*only, "syscalls") {
		syscalls(peers, max(3, *n/10))
	}
	if *only == "" || strings.Contains(*only, "waiting") {
		footprints(peers)
	}
	if *memory {
		for _, p := range peers {
			fmt.Printf("smallest memory limit under which /bin/true runs, %s: %s\n", p.name, smallestLimit(p))
		}
	}
}

func measure(r row, peers []*peer, n int) {
	got := make([]series, len(peers))
	failed := make([]error, len(peers))
	for i, p := range peers {
		if r.before != nil {
			failed[i] = r.before(p)
		}
	}
	for run := range n + 1 {
		for i, p := range peers {
			if failed[i] != nil {
				continue
			}
			s, err := r.once(p, run)
			if err != nil {
				failed[i] = err
				continue
			}
			// The first is to warm up.
			if run > 0 {
				got[i] = append(got[i], s)
			}
		}
	}
	peak := make([]int64, len(peers))
	for i, p := range peers {
		if failed[i] == nil {
			peak[i], failed[i] = peaks(r, p, n+1)
		}
		if r.after != nil {
			if err := r.after(p); failed[i] == nil {
				failed[i] = err
			}
		}
		if failed[i] != nil {
			fmt.Fprintf(os.Stderr, "%s: %s: %v\n", r.name, p.name, failed[i])
			continue
		}
		wall, cpu := got[i].sorted(wallMS), got[i].sorted(cpuMS)
		mid := len(wall) / 2
		ratio := func(f func(sample) float64, at int) string {
			if i == 0 || failed[0] != nil {
				return ""
			}
			return strconv.FormatFloat(got[0].sorted(f)[at]/got[i].sorted(f)[at], 'f', 2, 64)
		}
		fmt.Printf("%28s %8s %14.2f %9.2f %9.2f %8.1f %15s %12s %12s\n", r.name, p.name, wall[mid], wall[0], cpu[mid],
			float64(peak[i])/1024, ratio(wallMS, mid), ratio(wallMS, 0), ratio(cpuMS, mid))
	}
}

// smallestLimit tries limits from below until the container runs.
func smallestLimit(p *peer) string {
	path := filepath.Join(p.bundle, "config.json")
	old, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = os.WriteFile(path, old, 0o644) }()
	for _, kib := range []int{256, 512, 768, 1024, 1536, 2048, 2560, 3072, 4096, 5120, 6144, 8192, 12288, 16384} {
		var c map[string]any
		if err := json.Unmarshal(old, &c); err != nil {
			return err.Error()
		}
		c["linux"].(map[string]any)["resources"].(map[string]any)["memory"] = map[string]any{"limit": kib << 10}
		b, err := json.Marshal(c)
		if err != nil {
			return err.Error()
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return err.Error()
		}
		ok := true
		for i := range 3 {
			name := id(p, 1000+i)
			if _, err := timed(p.bundle, p.args("run", name)...); err != nil {
				ok = false
				_, _ = timed(p.bundle, p.args("delete", "--force", name)...)
				break
			}
		}
		if ok {
			return fmt.Sprintf("%.2f MiB", float64(kib)/1024)
		}
	}
	return "none of those tried"
}
