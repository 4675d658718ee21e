package specconv

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// createCgroupConfig names the container's cgroup and its limits.
func createCgroupConfig(opts *CreateOpts, defaults []*devices.Device) (*cgroups.Cgroup, error) {
	spec := opts.Spec
	c := &cgroups.Cgroup{
		Resources: &cgroups.Resources{},
		Systemd:   opts.UseSystemdCgroup,
		Rootless:  opts.RootlessCgroups,
	}
	path := ""
	if spec.Linux != nil {
		path = spec.Linux.CgroupsPath
	}
	if err := nameCgroup(c, path, opts.CgroupName); err != nil {
		return nil, err
	}
	if c.Systemd {
		props, err := systemdProperties(spec.Annotations)
		if err != nil {
			return nil, err
		}
		c.SystemdProps = props
	}
	// Nothing is allowed but what follows.
	none := devices.Rule{
		Type: devices.WildcardDevice, Major: devices.Wildcard, Minor: devices.Wildcard,
		Permissions: "rwm", Allow: false,
	}
	c.Resources.Devices = []*devices.Rule{&none}
	if spec.Linux != nil && spec.Linux.Resources != nil {
		rules, err := deviceRules(spec.Linux.Resources.Devices)
		if err != nil {
			return nil, err
		}
		// Most engines say it themselves; once will do.
		if len(rules) > 0 && *rules[0] == none {
			rules = rules[1:]
		}
		c.Resources.Devices = append(c.Resources.Devices, rules...)
		if err := SetResources(c.Resources, spec.Linux.Resources); err != nil {
			return nil, err
		}
	}
	c.Resources.Devices = append(c.Resources.Devices, defaultRules(defaults)...)
	return c, nil
}

// nameCgroup: a path, taken from the hierarchy's root when absolute and from
// the runtime's own cgroup when not; for systemd slice:prefix:name.
func nameCgroup(c *cgroups.Cgroup, path, id string) error {
	if strings.ContainsAny(path, "\x00\n") {
		return fmt.Errorf("invalid cgroupsPath %q: no path of a cgroup has such characters (config.json: linux.cgroupsPath)", path)
	}
	if !c.Systemd {
		if path == "" {
			c.Name = id
		} else {
			c.Path = filepath.Clean(path)
		}
		return nil
	}
	if path == "" {
		c.Parent, c.ScopePrefix, c.Name = "system.slice", "runc", id
		if c.Rootless {
			c.Parent = "user.slice"
		}
		return nil
	}
	parts := strings.Split(path, ":")
	if len(parts) != 3 {
		return fmt.Errorf("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got %q instead (config.json: linux.cgroupsPath)", path)
	}
	c.Parent, c.ScopePrefix, c.Name = parts[0], parts[1], parts[2]
	if c.Parent == "" && c.Rootless {
		c.Parent = "user.slice"
	}
	return nil
}

const propertyPrefix = "org.systemd.property."

// systemdProperties are unit properties given as annotations: GVariant text.
func systemdProperties(annotations map[string]string) ([]systemd.Property, error) {
	var props []systemd.Property
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		v := annotations[k]
		name, ok := strings.CutPrefix(k, propertyPrefix)
		if !ok || name == "" {
			continue
		}
		p, err := systemdProperty(name, v)
		if err != nil {
			return nil, fmt.Errorf("annotation %s=%s: %w (config.json: annotations)", k, v, err)
		}
		props = append(props, p)
	}
	return props, nil
}

// SetResources translates linux.resources, all but devices. Weights of cgroup
// v2 follow from those of v1 by the library's conversion.
func SetResources(c *cgroups.Resources, r *specs.LinuxResources) error {
	if m := r.Memory; m != nil {
		set(&c.Memory, m.Limit)
		set(&c.MemoryReservation, m.Reservation)
		set(&c.MemorySwap, m.Swap)
		c.MemorySwappiness = m.Swappiness
		set(&c.OomKillDisable, m.DisableOOMKiller)
		set(&c.MemoryCheckBeforeUpdate, m.CheckBeforeUpdate)
	}
	if p := r.CPU; p != nil {
		if p.Shares != nil {
			c.CpuShares = *p.Shares
			c.CpuWeight = cgroups.ConvertCPUSharesToCgroupV2Value(c.CpuShares)
		}
		set(&c.CpuQuota, p.Quota)
		set(&c.CpuPeriod, p.Period)
		c.CpuBurst = p.Burst
		set(&c.CpuRtRuntime, p.RealtimeRuntime)
		set(&c.CpuRtPeriod, p.RealtimePeriod)
		c.CpusetCpus, c.CpusetMems = p.Cpus, p.Mems
		c.CPUIdle = p.Idle
	}
	if r.Pids != nil {
		c.PidsLimit = r.Pids.Limit
	}
	if b := r.BlockIO; b != nil {
		setBlockIO(c, b)
	}
	for _, h := range r.HugepageLimits {
		c.HugetlbLimit = append(c.HugetlbLimit, &cgroups.HugepageLimit{Pagesize: h.Pagesize, Limit: h.Limit})
	}
	if len(r.Rdma) > 0 {
		c.Rdma = make(map[string]cgroups.LinuxRdma, len(r.Rdma))
		for name, l := range r.Rdma {
			c.Rdma[name] = cgroups.LinuxRdma{HcaHandles: l.HcaHandles, HcaObjects: l.HcaObjects}
		}
	}
	if n := r.Network; n != nil {
		set(&c.NetClsClassid, n.ClassID)
		for _, p := range n.Priorities {
			c.NetPrioIfpriomap = append(c.NetPrioIfpriomap, &cgroups.IfPrioMap{Interface: p.Name, Priority: int64(p.Priority)})
		}
	}
	for k, v := range r.Unified {
		if strings.Contains(k, "/") {
			return fmt.Errorf("unified resource %q must be a file name (no slashes) (config.json: linux.resources.unified)", k)
		}
		if c.Unified == nil {
			c.Unified = make(map[string]string, len(r.Unified))
		}
		c.Unified[k] = v
	}
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func setBlockIO(c *cgroups.Resources, b *specs.LinuxBlockIO) {
	set(&c.BlkioWeight, b.Weight)
	set(&c.BlkioLeafWeight, b.LeafWeight)
	for _, d := range b.WeightDevice {
		var weight, leaf uint16
		set(&weight, d.Weight)
		set(&leaf, d.LeafWeight)
		c.BlkioWeightDevice = append(c.BlkioWeightDevice, cgroups.NewWeightDevice(d.Major, d.Minor, weight, leaf))
	}
	for _, t := range []struct {
		to   *[]*cgroups.ThrottleDevice
		from []specs.LinuxThrottleDevice
	}{
		{&c.BlkioThrottleReadBpsDevice, b.ThrottleReadBpsDevice},
		{&c.BlkioThrottleWriteBpsDevice, b.ThrottleWriteBpsDevice},
		{&c.BlkioThrottleReadIOPSDevice, b.ThrottleReadIOPSDevice},
		{&c.BlkioThrottleWriteIOPSDevice, b.ThrottleWriteIOPSDevice},
	} {
		for _, d := range t.from {
			*t.to = append(*t.to, cgroups.NewThrottleDevice(d.Major, d.Minor, d.Rate))
		}
	}
}
