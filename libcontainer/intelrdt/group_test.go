package intelrdt

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// fake is a tree like resctrl's. A real one makes the files of a new group
// itself; here they are made for the groups that a test expects.
type fake struct {
	t    *testing.T
	root string
}

func newFake(t *testing.T) *fake {
	f := &fake{t, t.TempDir()}
	f.put("schemata", "    L3:0=7ff;1=7ff\n    MB:0=100;1= 90\n")
	f.put("tasks", "")
	f.put("info/last_cmd_status", "ok\n")
	f.put("info/L3/cbm_mask", "7ff\n")
	f.put("info/L3/min_cbm_bits", "1\n")
	f.put("info/L3/num_closids", "16\n")
	f.put("info/MB/bandwidth_gran", "10\n")
	f.put("info/MB/delay_linear", "1\n")
	f.put("info/MB/min_bandwidth", "10\n")
	f.put("info/MB/num_closids", "8\n")
	return f
}

func (f *fake) path(name string) string { return filepath.Join(f.root, name) }

func (f *fake) put(name, data string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(data), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) get(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(f.path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}

func (f *fake) has(name string) bool {
	_, err := os.Stat(f.path(name))
	return err == nil
}

// fill has new groups get this file, as the kernel gives it to them.
func (f *fake) fill(t *testing.T, name string) {
	mkdir = func(path string, mode uint32) error {
		err := unix.Mkdir(path, mode)
		if err == nil {
			err = os.WriteFile(filepath.Join(path, name), nil, 0o644)
		}
		return err
	}
	t.Cleanup(func() { mkdir = unix.Mkdir })
}

func (f *fake) group(id string, c *configs.IntelRdt) *Group {
	f.t.Helper()
	g, err := newGroup(f.root, id, c)
	if err != nil {
		f.t.Fatal(err)
	}
	return g
}

func TestNewGroup(t *testing.T) {
	for closID, want := range map[string]string{"": "/r/box", "gold": "/r/gold", "/": "/r"} {
		g, err := newGroup("/r", "box", &configs.IntelRdt{ClosID: closID})
		if err != nil || g.Path != want {
			t.Errorf("%q: got %+v, %v, want %s", closID, g, err, want)
		}
	}
	for _, closID := range []string{".", "..", "a/b", "/a", "../x", "a\n"} {
		if g, err := newGroup("/r", "box", &configs.IntelRdt{ClosID: closID}); err == nil {
			t.Errorf("%q was taken as %s", closID, g.Path)
		}
	}
}

func TestSchemaWrites(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   configs.IntelRdt
		want []string
	}{
		{"nothing", configs.IntelRdt{ClosID: "x"}, nil},
		{"l3", configs.IntelRdt{L3CacheSchema: "L3:0=f"}, []string{"L3:0=f\n"}},
		{"memory bandwidth", configs.IntelRdt{MemBwSchema: "MB:0=20"}, []string{"MB:0=20\n"}},
		{"both", configs.IntelRdt{L3CacheSchema: "L3:0=f", MemBwSchema: "MB:0=20"}, []string{"L3:0=f\nMB:0=20\n"}},
		{
			"schemata last", configs.IntelRdt{L3CacheSchema: "L3:0=f", Schemata: []string{"L3:0=ff", "L2:0=1"}},
			[]string{"L3:0=f\n", "L3:0=ff\nL2:0=1\n"},
		},
	} {
		got, err := schemaWrites(&tc.in)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
	if got, err := schemaWrites(&configs.IntelRdt{Schemata: []string{"L3:0=f\nMB:0=1"}}); err == nil {
		t.Errorf("two lines in one were taken: %q", got)
	}
}

func TestApplyToAPreparedGroup(t *testing.T) {
	f := newFake(t)
	f.put("gold/schemata", "L3:0=7f0;1=01f\n")
	f.put("gold/tasks", "")
	g := f.group("box", &configs.IntelRdt{ClosID: "gold"})
	if err := g.Apply(123); err != nil {
		t.Fatal(err)
	}
	if got := f.get("gold/tasks"); got != "123" {
		t.Errorf("tasks holds %q", got)
	}
	if got := f.get("gold/schemata"); got != "L3:0=7f0;1=01f\n" {
		t.Errorf("schemata were changed to %q", got)
	}
	if err := g.Remove(); err != nil {
		t.Fatal(err)
	}
	if !f.has("gold/tasks") {
		t.Error("a group that is not the container's was removed")
	}
}

func TestApplyComparesWithAnExistingGroup(t *testing.T) {
	for _, tc := range []struct {
		schema string
		ok     bool
	}{
		{"L3:0=7f0;1=1f", true},
		{"L3:1=1F", true},
		{"L3:0=7f1", false},
		{"L3:2=1f", false},
		{"nonsense", false},
	} {
		f := newFake(t)
		f.put("gold/schemata", "L3:0=7f0;1=01f\n")
		f.put("gold/tasks", "")
		err := f.group("box", &configs.IntelRdt{ClosID: "gold", L3CacheSchema: tc.schema}).Apply(1)
		if (err == nil) != tc.ok {
			t.Errorf("%s: got %v", tc.schema, err)
		}
		if !tc.ok && f.get("gold/tasks") != "" {
			t.Errorf("%s: the process was put into the group", tc.schema)
		}
	}
}

func TestApplyNeedsANamedGroupToExistWithoutASchema(t *testing.T) {
	f := newFake(t)
	err := f.group("box", &configs.IntelRdt{ClosID: "nosuch"}).Apply(1)
	if !errors.Is(err, fs.ErrNotExist) || f.has("nosuch") {
		t.Errorf("got %v", err)
	}
}

func TestApplyTakesAwayWhatItMade(t *testing.T) {
	f := newFake(t)
	// A plain folder has no schemata file, so that writing it fails.
	err := f.group("box", &configs.IntelRdt{MemBwSchema: "MB:0=20"}).Apply(1)
	if !errors.Is(err, fs.ErrNotExist) || f.has("box") {
		t.Errorf("got %v, group left: %v", err, f.has("box"))
	}
	// Here the monitoring group has no tasks file.
	f.put("gold/tasks", "")
	if err := os.Mkdir(f.path("gold/mon_groups"), 0o755); err != nil {
		t.Fatal(err)
	}
	err = f.group("box", &configs.IntelRdt{ClosID: "gold", EnableMonitoring: true}).Apply(1)
	if !errors.Is(err, fs.ErrNotExist) || f.has("gold/mon_groups/box") {
		t.Errorf("got %v, monitoring group left: %v", err, f.has("gold/mon_groups/box"))
	}
}

func TestMonitoringGroup(t *testing.T) {
	f := newFake(t)
	f.put("mon_groups/other", "")
	f.fill(t, "tasks")
	g := f.group("box", &configs.IntelRdt{ClosID: "/", EnableMonitoring: true})
	if g.MonPath != f.path("mon_groups/box") {
		t.Errorf("monitoring group %q", g.MonPath)
	}
	if err := g.Apply(77); err != nil {
		t.Fatal(err)
	}
	if got := f.get("mon_groups/box/tasks"); got != "77" {
		t.Errorf("tasks holds %q", got)
	}
	if err := os.Remove(f.path("mon_groups/box/tasks")); err != nil {
		t.Fatal(err)
	}
	if err := g.Remove(); err != nil {
		t.Fatal(err)
	}
	if f.has("mon_groups/box") || !f.has("tasks") {
		t.Error("Remove took the wrong group away")
	}
}

// A group of the container's id that existed before is used, but not changed and
// not removed.
func TestGroupsThatExistedBefore(t *testing.T) {
	f := newFake(t)
	f.put("box/schemata", "L3:0=7f0;1=01f\n")
	f.put("box/tasks", "")
	f.put("box/mon_groups/box/tasks", "")
	for _, c := range []configs.IntelRdt{
		{}, {EnableMonitoring: true}, {L3CacheSchema: "L3:0=7f0", EnableMonitoring: true}, {Schemata: []string{"L3:1=1f"}},
	} {
		asked := c
		g := f.group("box", &asked)
		if g.Config.ClosID != "box" || g.MonPath != "" {
			t.Errorf("%+v: taken for the container's own: %+v", c, g)
		}
		if !reflect.DeepEqual(asked, c) {
			t.Error("the caller's configuration was changed")
		}
		if err := g.Apply(5); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if got := f.get("box/tasks"); got != "5" {
			t.Errorf("%+v: tasks holds %q", c, got)
		}
		// As read from a state file, by this runtime or another.
		g = &Group{Path: g.Path, MonPath: g.MonPath, ID: "box", Config: g.Config}
		if err := g.Remove(); err != nil || !f.has("box/tasks") || !f.has("box/mon_groups/box/tasks") {
			t.Errorf("%+v: removed: %v", c, err)
		}
		if got := f.get("box/schemata"); got != "L3:0=7f0;1=01f\n" {
			t.Errorf("%+v: schemata were changed to %q", c, got)
		}
		f.put("box/tasks", "")
	}
	for _, c := range []configs.IntelRdt{{L3CacheSchema: "L3:0=1"}, {Schemata: []string{"L3:0=7f0", "L3:1=ff"}}} {
		if err := f.group("box", &c).Apply(5); err == nil || f.get("box/tasks") != "" {
			t.Errorf("%+v: joined on other terms: %v", c, err)
		}
	}
}

// One that comes into being after the decision is not taken over, either.
func TestGroupsThatAppear(t *testing.T) {
	f := newFake(t)
	g := f.group("box", &configs.IntelRdt{EnableMonitoring: true})
	f.put("box/tasks", "")
	if err := g.Apply(5); !errors.Is(err, unix.EEXIST) || f.get("box/tasks") != "" {
		t.Errorf("got %v", err)
	}
	f.put("gold/tasks", "")
	g = f.group("box", &configs.IntelRdt{ClosID: "gold", EnableMonitoring: true})
	f.put("gold/mon_groups/box/tasks", "")
	if err := g.Apply(5); !errors.Is(err, unix.EEXIST) || f.get("gold/tasks") != "" || !f.has("gold/mon_groups/box/tasks") {
		t.Errorf("got %v", err)
	}
}

func TestRemoveTakesTheContainersOwnGroup(t *testing.T) {
	f := newFake(t)
	g := f.group("box", &configs.IntelRdt{})
	if err := os.Mkdir(f.path("box"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // gone already is no error
		if err := g.Remove(); err != nil {
			t.Fatal(err)
		}
	}
	if f.has("box") {
		t.Error("it is still there")
	}
}

func TestErrorsSayWhatTheKernelSays(t *testing.T) {
	f := newFake(t)
	f.put("info/last_cmd_status", "Out of CLOSIDs\n")
	f.put("other", "")
	g := f.group("box", &configs.IntelRdt{})
	err := g.explain(unix.ENOSPC)
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "Out of CLOSIDs") {
		t.Errorf("got %v", err)
	}
	f.put("info/last_cmd_status", "ok\n")
	if err := g.explain(unix.ENOSPC); err != error(unix.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

func TestStats(t *testing.T) {
	f := newFake(t)
	f.put("info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n")
	f.put("gold/schemata", "    L3:0=00f;1=7ff\n    MB:0= 20;1=100\n")
	for cache, n := range map[string]string{"00": "1", "01": "2"} {
		dir := "gold/mon_groups/box/mon_data/mon_L3_" + cache + "/"
		f.put(dir+"llc_occupancy", n+"0\n")
		f.put(dir+"mbm_total_bytes", n+"00\n")
		f.put(dir+"mbm_local_bytes", "Unavailable\n")
	}
	s, err := f.group("box", &configs.IntelRdt{ClosID: "gold", EnableMonitoring: true}).Stats()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"l3_cache_info":{"cbm_mask":"7ff","min_cbm_bits":1,"num_closids":16},` +
		`"l3_cache_schema_root":"L3:0=7ff;1=7ff","l3_cache_schema":"L3:0=00f;1=7ff",` +
		`"mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8},` +
		`"mem_bw_schema_root":"MB:0=100;1= 90","mem_bw_schema":"MB:0= 20;1=100",` +
		`"schemata":["L3:0=00f;1=7ff","MB:0= 20;1=100"],` +
		`"mbm_stats":[{"mbm_total_bytes":100},{"mbm_total_bytes":200}],` +
		`"cmt_stats":[{"llc_occupancy":10},{"llc_occupancy":20}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStatsWithoutMonitoring(t *testing.T) {
	f := newFake(t)
	if err := os.RemoveAll(f.path("info/MB")); err != nil {
		t.Fatal(err)
	}
	s, err := f.group("box", &configs.IntelRdt{ClosID: "/"}).Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s.MBMStats != nil || s.CMTStats != nil || s.MemBwInfo != nil || s.L3CacheInfo == nil {
		t.Errorf("got %+v", s)
	}
}
