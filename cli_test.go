package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestSignalsAreParsedByNumberAndByName(t *testing.T) {
	for text, want := range map[string]unix.Signal{
		"0": 0, "9": unix.SIGKILL, "KILL": unix.SIGKILL, "SIGKILL": unix.SIGKILL, "sigkill": unix.SIGKILL,
		"term": unix.SIGTERM, "SigUsr1": unix.SIGUSR1, "37": 37,
	} {
		if got, err := parseSignal(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"NOSUCH", "", "SIG", "9x", "SIGSIGKILL"} {
		_, err := parseSignal(text)
		if want := `unknown signal "` + text + `"`; err == nil || err.Error() != want {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
}

func TestUserFlag(t *testing.T) {
	for _, c := range []struct {
		flag     string
		uid, gid uint32
		fails    string
	}{
		{flag: "1000", uid: 1000, gid: 7},
		{flag: "1000:5", uid: 1000, gid: 5},
		{flag: "x", fails: `bad uid: strconv.Atoi: parsing "x": invalid syntax`},
		{flag: "1:y", fails: `bad gid: strconv.Atoi: parsing "y": invalid syntax`},
		{flag: "1:", fails: `bad gid: strconv.Atoi: parsing "": invalid syntax`},
		{flag: "-1", fails: "bad uid: "},
		{flag: "1:-2", fails: "bad gid: "},
		{flag: "4294967296", fails: "bad uid: "},
	} {
		p := &specs.Process{User: specs.User{GID: 7}}
		err := setUser(p, c.flag)
		switch {
		case c.fails != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.fails) {
				t.Errorf("%q: %v; want %s", c.flag, err, c.fails)
			}
		case err != nil || p.User.UID != c.uid || p.User.GID != c.gid:
			t.Errorf("%q: %v, %v", c.flag, p.User, err)
		}
	}
}

func TestCapsAreAmbientOnlyWhereInheritable(t *testing.T) {
	p := new(specs.Process)
	addCaps(p, []string{"CAP_A", "CAP_B"})
	want := []string{"CAP_A", "CAP_B"}
	c := p.Capabilities
	for name, set := range map[string][]string{"bounding": c.Bounding, "effective": c.Effective, "permitted": c.Permitted} {
		if !slices.Equal(set, want) {
			t.Errorf("%s: %v", name, set)
		}
	}
	if c.Inheritable != nil || c.Ambient != nil {
		t.Errorf("inheritable %v, ambient %v; want none", c.Inheritable, c.Ambient)
	}
	p = &specs.Process{Capabilities: &specs.LinuxCapabilities{Inheritable: []string{"CAP_X"}}}
	addCaps(p, []string{"CAP_A"})
	if !slices.Contains(p.Capabilities.Ambient, "CAP_A") {
		t.Errorf("ambient: %v", p.Capabilities.Ambient)
	}
	if slices.Contains(p.Capabilities.Inheritable, "CAP_A") {
		t.Errorf("inheritable: %v", p.Capabilities.Inheritable)
	}
}

func TestSubCgroupFlags(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  map[string]string
		fails string
	}{
		{nil, nil, ""},
		{[]string{"a/b"}, map[string]string{"": "a/b"}, ""},
		{[]string{"cpu,memory:a", "pids:b"}, map[string]string{"cpu": "a", "memory": "a", "pids": "b"}, ""},
		{[]string{"a", "cpu:b"}, nil, "missing <controller>: prefix"},
		{[]string{"cpu:a", "cpu:b"}, nil, "specified multiple times"},
		{[]string{"cpu:"}, nil, "invalid --cgroup argument"},
	} {
		got, err := subCgroups(c.flags)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q: %v; want %s", c.flags, err, c.fails)
			}
			continue
		}
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%q: %v, %v", c.flags, got, err)
		}
		for k, v := range c.want {
			if got[k] != v {
				t.Errorf("%q: %v", c.flags, got)
			}
		}
	}
}

func TestProcessIsChecked(t *testing.T) {
	ok := specs.Process{Cwd: "/", Args: []string{"x"}}
	if err := checkProcess(&ok); err != nil {
		t.Error(err)
	}
	for want, p := range map[string]*specs.Process{
		"process property must not be empty": nil,
		"Cwd property must not be empty":     {Args: []string{"x"}},
		"Cwd must be an absolute path":       {Cwd: "x", Args: []string{"x"}},
		"args must not be empty":             {Cwd: "/"},
	} {
		if err := checkProcess(p); err == nil || err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

func TestRootDirOfUsers(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/xdg")
	for _, c := range []struct {
		euid   int
		userNS bool
		user   string
		want   string
	}{
		{1000, false, "me", "/xdg/runc"},
		{0, false, "root", "/run/runc"},
		{0, false, "me", "/run/runc"},
		{0, true, "me", "/xdg/runc"},
		{0, true, "root", "/run/runc"},
	} {
		t.Setenv("USER", c.user)
		if got := rootDirOf(c.euid, c.userNS); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	if got := rootDirOf(1000, false); got != "/run/runc" {
		t.Errorf("without XDG_RUNTIME_DIR: %s", got)
	}
}
