package rootfs

import (
	"os"
	"testing"

	"runc/libcontainer/configs"
)

func TestMapsAreShared(t *testing.T) {
	opened := 0
	var files []*os.File
	c := mapCache{open: func(*configs.MountIDMapping) (*os.File, error) {
		opened++
		f, err := os.Open("/dev/null")
		files = append(files, f)
		return f, err
	}}
	maps := func(id int64) *configs.MountIDMapping {
		one := []configs.IDMap{{HostID: id, Size: 1}}
		return &configs.MountIDMapping{UIDMappings: one, GIDMappings: one}
	}
	get := func(id int64) *os.File {
		t.Helper()
		f, err := c.get(maps(id))
		check(t, err)
		return f
	}
	first := get(0)
	for range 10 {
		if get(0) != first {
			t.Error("the same maps have another namespace")
		}
	}
	for id := range int64(maxMaps) {
		get(id)
	}
	if opened != maxMaps {
		t.Errorf("opened %d for %d maps", opened, maxMaps)
	}
	// 1 is the one used least recently.
	get(0)
	get(100)
	if files[1].Fd() != ^uintptr(0) {
		t.Error("the oldest one is still open")
	}
	if get(0) != first {
		t.Error("one in use was closed")
	}
	c.close()
	for _, f := range files {
		if f.Fd() != ^uintptr(0) {
			t.Error("one is still open")
		}
	}
}
