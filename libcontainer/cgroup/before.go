package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/cgroups"
)

// write is a line for a file of the cgroup.
type write struct{ controller, file, line string }

// Before reads the values that setting next may change, and for which [Former] has
// no field of resources. The function that it returns writes them again.
func (m *Manager) Before(next *cgroups.Resources) (restore func() error) {
	list := before(next, m.v2, m.read)
	return func() error {
		var errs []error
		for _, w := range list {
			dir := m.lib.Path(w.controller)
			f, err := os.OpenFile(filepath.Join(dir, w.file), os.O_WRONLY, 0)
			if errors.Is(err, os.ErrNotExist) {
				continue // it cannot have been changed, either
			}
			if err == nil {
				_, err = f.WriteString(w.line + "\n")
				f.Close()
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// before decides what has to be written to set the values again that read gives.
func before(next *cgroups.Resources, v2 bool, read func(controller, file string) string) (list []write) {
	keep := func(controller, file string) {
		if strings.Contains(file, "/") {
			// A caller's name that is no file of the cgroup. The library refuses it,
			// and nothing may be written there.
			return
		}
		// A list of several lines cannot be written at once, and some files cannot
		// be read.
		if v := read(controller, file); v != "" && !strings.Contains(v, "\n") {
			list = append(list, write{controller, file, v})
		}
	}
	// entry keeps the line of a file that begins with a key, or the text that stands
	// for no such line.
	entry := func(controller, file, key, none string) {
		for line := range strings.Lines(read(controller, file)) {
			if name, rest, _ := strings.Cut(strings.TrimSpace(line), " "); name == key {
				none = rest
			}
		}
		w := write{controller, file, key + " " + none}
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	throttles := [...]struct {
		v1      string
		devices []*cgroups.ThrottleDevice
	}{
		{"read_bps", next.BlkioThrottleReadBpsDevice}, {"write_bps", next.BlkioThrottleWriteBpsDevice},
		{"read_iops", next.BlkioThrottleReadIOPSDevice}, {"write_iops", next.BlkioThrottleWriteIOPSDevice},
	}
	for _, t := range throttles {
		for _, d := range t.devices {
			key := fmt.Sprintf("%d:%d", d.Major, d.Minor)
			if v2 {
				entry("", "io.max", key, "rbps=max wbps=max riops=max wiops=max")
			} else {
				entry("blkio", "blkio.throttle."+t.v1+"_device", key, "0")
			}
		}
	}
	for _, h := range next.HugetlbLimit {
		if v2 {
			keep("", "hugetlb."+h.Pagesize+".max")
		} else {
			keep("hugetlb", "hugetlb."+h.Pagesize+".limit_in_bytes")
		}
	}
	for name := range next.Rdma {
		controller := "rdma"
		if v2 {
			controller = ""
		}
		entry(controller, "rdma.max", name, "hca_handle=max hca_object=max")
	}
	if !v2 {
		if next.BlkioWeight != 0 {
			keep("blkio", "blkio.weight")
			keep("blkio", "blkio.bfq.weight")
		}
		return list
	}
	if next.BlkioWeight != 0 {
		// The weight of all devices without an own one.
		entry("", "io.weight", "default", "100")
		entry("", "io.bfq.weight", "default", "100")
	}
	// An empty list, which is the kernel's default, is no value to the library.
	if next.CpusetCpus != "" {
		list = append(list, write{"", "cpuset.cpus", read("", "cpuset.cpus")})
	}
	if next.CpusetMems != "" {
		list = append(list, write{"", "cpuset.mems", read("", "cpuset.mems")})
	}
	for file := range next.Unified {
		keep("", file)
	}
	return list
}
