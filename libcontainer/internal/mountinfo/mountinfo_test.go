package mountinfo

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("/layer:", 100000)
	text := strings.Join([]string{
		"24 1 0:1 / / rw - ext4 /dev/vda rw",
		`35 24 0:30 /a\040b /m\011\134\012\043x rw shared:1 master:2 - cgroup none rw,name=a\040b`,
		"36 24 0:31 / /o rw - overlay overlay rw,lowerdir=" + long,
		"37 24 0:32 / /empty\\ rw - tmpfs  rw",
		"38 24 0:32 / /x rw",
		"39 24 0:32 /",
		"",
		"no mount - at all",
	}, "\n") + "\n"
	want := []Mount{
		{"/", "/", "ext4", "rw"},
		{"/a b", "/m\t\\\n#x", "cgroup", `rw,name=a\040b`},
		{"/", "/o", "overlay", "rw,lowerdir=" + long},
		{"/", `/empty\`, "tmpfs", "rw"},
	}
	if got := slices.Collect(Parse(text)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %.300v", got)
	}
}

func TestAll(t *testing.T) {
	mounts, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for m := range mounts {
		if m.Type == "proc" && m.Point == "/proc" && m.Root == "/" {
			return
		}
	}
	t.Error("/proc is not among the mounts")
}
