package cgroup

import (
	"cmp"
	"reflect"
	"slices"
	"testing"

	"github.com/opencontainers/cgroups"
)

func TestBefore(t *testing.T) {
	device := []*cgroups.ThrottleDevice{cgroups.NewThrottleDevice(8, 0, 5), cgroups.NewThrottleDevice(8, 16, 5)}
	for _, tt := range []struct {
		name  string
		next  cgroups.Resources
		v2    bool
		files map[string]string
		want  []write
	}{
		{"nothing", cgroups.Resources{Memory: 1, CpuQuota: 1}, true, nil, nil},
		{"throttle, v1", cgroups.Resources{BlkioThrottleReadBpsDevice: device}, false,
			map[string]string{"blkio.throttle.read_bps_device": "8:0 77\n9:0 8"},
			[]write{{"blkio", "blkio.throttle.read_bps_device", "8:0 77"}, {"blkio", "blkio.throttle.read_bps_device", "8:16 0"}}},
		{"throttles, v2", cgroups.Resources{BlkioThrottleReadBpsDevice: device, BlkioThrottleWriteIOPSDevice: device[:1]}, true,
			map[string]string{"io.max": "8:0 rbps=7 wbps=max riops=max wiops=9"},
			[]write{{"", "io.max", "8:0 rbps=7 wbps=max riops=max wiops=9"}, {"", "io.max", "8:16 rbps=max wbps=max riops=max wiops=max"}}},
		{"no processors of its own, v2", cgroups.Resources{CpusetCpus: "0"}, true, nil, []write{{"", "cpuset.cpus", ""}}},
		{"weight, v2", cgroups.Resources{BlkioWeight: 10}, true, map[string]string{"io.weight": "default 30\n8:0 40"},
			[]write{{"", "io.bfq.weight", "default 100"}, {"", "io.weight", "default 30"}}},
		{"unified", cgroups.Resources{Unified: map[string]string{"memory.high": "3", "io.max": "x"}}, true,
			map[string]string{"memory.high": "max", "io.max": "8:0 rbps=7\n9:0 rbps=7"}, []write{{"", "memory.high", "max"}}},
		{"names that lead elsewhere", cgroups.Resources{Unified: map[string]string{"../../x": "1"}, HugetlbLimit: []*cgroups.HugepageLimit{{Pagesize: "/../x"}}}, true,
			map[string]string{"../../x": "1", "hugetlb./../x.max": "1"}, nil},
		{"huge pages, rdma, v1", cgroups.Resources{HugetlbLimit: []*cgroups.HugepageLimit{{Pagesize: "2MB"}}, Rdma: map[string]cgroups.LinuxRdma{"mlx": {}}}, false,
			map[string]string{"hugetlb.2MB.limit_in_bytes": "4"},
			[]write{{"hugetlb", "hugetlb.2MB.limit_in_bytes", "4"}, {"rdma", "rdma.max", "mlx hca_handle=max hca_object=max"}}},
	} {
		got := before(&tt.next, tt.v2, func(_, file string) string { return tt.files[file] })
		slices.SortFunc(got, func(a, b write) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line)) })
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
