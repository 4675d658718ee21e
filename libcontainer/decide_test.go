package libcontainer

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"runc/libcontainer/configs"
)

func TestCheckID(t *testing.T) {
	for id, want := range map[string]error{
		"a": nil, "A-z_0.9+": nil, "..a": nil,
		"": ErrEmptyID, ".": ErrInvalidID, "..": ErrInvalidID, "a/b": ErrInvalidID,
		"a b": ErrInvalidID, "é": ErrInvalidID, "a\x00": ErrInvalidID,
	} {
		if got := checkID(id); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}

func TestDedupEnvKeepsTheLast(t *testing.T) {
	for _, tt := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"A=1", "B=2"}, []string{"A=1", "B=2"}},
		{[]string{"A=1", "B=2", "A=3"}, []string{"B=2", "A=3"}},
		{[]string{"A=", "A=x=y"}, []string{"A=x=y"}},
	} {
		if got := dedupEnv(tt.in); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestProcessesThatCannotBe(t *testing.T) {
	// Not known to the compiler, which may have an int of 32 bits: they are
	// negative then, and refused as well.
	beyond := uint64(1 << 32)
	last, none, more := int(beyond-2), int(beyond-1), int(beyond)
	if strconv.IntSize == 32 {
		last, more = 1, -1
	}
	for want, p := range map[string]Process{
		"": {UID: last, GID: 5, AdditionalGroups: []int{0}, Args: []string{"", "a"}, Env: []string{"A=", "A==", "B=c=d"}},
		"uids and gids must be in range 0-4294967294, got " + strconv.Itoa(none): {UID: none},
		"got " + strconv.Itoa(more): {GID: more},
		"got -1":                    {AdditionalGroups: []int{1, -1}},
		`invalid argument "a\x00b": contains a null byte (config.json: process.args[1])`:            {Args: []string{"a", "a\x00b"}},
		`invalid environment variable "A": missing '=' (config.json: process.env[1])`:               {Env: []string{"A=", "A"}},
		`invalid environment variable "=A": name cannot be empty (config.json: process.env[0])`:     {Env: []string{"=A"}},
		`invalid environment variable "A=\x00": contains a null byte (config.json: process.env[0])`: {Env: []string{"A=\x00"}},
	} {
		if err := p.Validate(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSplitLabels(t *testing.T) {
	bundle, annotations := splitLabels([]string{"bundle=/b", "k=v=w", "odd"})
	if bundle != "/b" || !reflect.DeepEqual(annotations, map[string]string{"k": "v=w"}) {
		t.Errorf("%q, %q", bundle, annotations)
	}
}

func TestCanSetGroups(t *testing.T) {
	user := configs.Namespaces{{Type: configs.NEWUSER}}
	one := []configs.IDMap{{HostID: 1000, Size: 1}}
	for _, tt := range []struct {
		c    configs.Config
		want bool
	}{
		{configs.Config{}, true},
		{configs.Config{RootlessEUID: true, Namespaces: user, GIDMappings: one}, false},
		{configs.Config{RootlessEUID: true, Namespaces: user, GIDMappings: append(one, one...)}, true},
		{configs.Config{Namespaces: user, GIDMappings: one}, true},
	} {
		if got := canSetGroups(&tt.c); got != tt.want {
			t.Errorf("%+v: %v", tt.c, got)
		}
	}
}

func TestUndoGoesBackwardsAndTellsWhatItCould(t *testing.T) {
	var u undoList
	var order []string
	for _, s := range []string{"one", "two", "three"} {
		u.add(s, func() error {
			order = append(order, s)
			if s == "two" {
				return errors.New("stuck")
			}
			return nil
		})
	}
	why := errors.New("why")
	err := u.run(why)
	if !errors.Is(err, why) || !strings.Contains(err.Error(), "unable to undo two: stuck") {
		t.Error(err)
	}
	if !reflect.DeepEqual(order, []string{"three", "two", "one"}) {
		t.Error(order)
	}
}

func TestStateFileIsReplacedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	if _, err := readState(dir, "x"); !errors.Is(err, ErrNotExist) {
		t.Errorf("no state file: %v", err)
	}
	for pid := 1; pid < 3; pid++ {
		if err := writeState(dir, &State{ID: "x", InitProcessPid: pid}); err != nil {
			t.Fatal(err)
		}
		if s, err := readState(dir, "x"); err != nil || s.InitProcessPid != pid || s.ID != "x" {
			t.Errorf("%+v, %v", s, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	os.WriteFile(filepath.Join(dir, stateFilename), []byte("{"), 0o600)
	if _, err := readState(dir, "x"); err == nil || !strings.Contains(err.Error(), stateFilename) {
		t.Errorf("broken state file: %v", err)
	}
}
