package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/docker/go-units"
	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"

	"runc/libcontainer/configs"
	"runc/libcontainer/intelrdt"
	"runc/libcontainer/specconv"
)

var updateCommand = &cli.Command{
	Name:      "update",
	Usage:     "update container resource constraints",
	ArgsUsage: "<container-id>",
	Flags: []cli.Flag{
		&cli.IntFlag{Name: "blkio-weight", Usage: "specifies per cgroup weight, range is from 10 to 1000"},
		&cli.StringFlag{Name: "cpu-burst", Usage: "CPU CFS hardcap burst limit (in usecs). Allowed accumulated cpu time additionally for burst a given period"},
		&cli.StringFlag{Name: "cpu-idle", Usage: "set cgroup SCHED_IDLE or not, 0: default behavior, 1: SCHED_IDLE"},
		&cli.StringFlag{Name: "cpu-period", Usage: "CPU CFS period to be used for hardcapping (in usecs). 0 to use system default"},
		&cli.StringFlag{Name: "cpu-quota", Usage: "CPU CFS hardcap limit (in usecs). Allowed cpu time in a given period"},
		&cli.StringFlag{Name: "cpu-rt-period", Usage: "CPU realtime period to be used for hardcapping (in usecs). 0 to use system default"},
		&cli.StringFlag{Name: "cpu-rt-runtime", Usage: "CPU realtime hardcap limit (in usecs). Allowed cpu time in a given period"},
		&cli.StringFlag{Name: "cpu-share", Usage: "CPU shares (relative weight vs. other containers)"},
		&cli.StringFlag{Name: "cpuset-cpus", Usage: "CPU(s) to use"},
		&cli.StringFlag{Name: "cpuset-mems", Usage: "memory node(s) to use"},
		&cli.StringFlag{Name: "kernel-memory", Hidden: true},
		&cli.StringFlag{Name: "kernel-memory-tcp", Hidden: true},
		&cli.StringFlag{Name: "l3-cache-schema", Usage: "the string of Intel RDT/CAT L3 cache schema"},
		&cli.StringFlag{Name: "mem-bw-schema", Usage: "the string of Intel RDT/MBA memory bandwidth schema"},
		&cli.StringFlag{Name: "memory", Usage: "memory limit (in bytes)"},
		&cli.StringFlag{Name: "memory-reservation", Usage: "memory reservation or soft_limit (in bytes)"},
		&cli.StringFlag{Name: "memory-swap", Usage: "total memory usage (memory + swap); set '-1' to enable unlimited swap"},
		&cli.Int64Flag{Name: "pids-limit", Usage: "maximum number of pids allowed in the container (-1 for unlimited)"},
		&cli.StringFlag{Name: "resources", Aliases: []string{"r"}, Usage: updateUsage},
	},
	Action: func(_ context.Context, cmd *cli.Command) error {
		if err := checkArgs(cmd, exactly, 1); err != nil {
			return err
		}
		c, err := container(cmd)
		if err != nil {
			return err
		}
		resources, err := wantedResources(cmd)
		if err != nil {
			return err
		}
		l3, bandwidth := cmd.String("l3-cache-schema"), cmd.String("mem-bw-schema")
		if (l3 != "" || bandwidth != "") && !intelrdt.IsEnabled() {
			//lint:ignore ST1005 a name
			return errors.New("Intel RDT: l3 cache schema or memory bandwidth schema is not enabled")
		}
		return c.Update(func(config *configs.Config) error {
			if config.Cgroups.Systemd {
				if err := checkIdle(config.Cgroups.Resources, resources); err != nil {
					return err
				}
			}
			if err := mergeResources(config.Cgroups.Resources, resources); err != nil {
				return err
			}
			mergeRdt(config, l3, bandwidth)
			return nil
		})
	},
}

// defaultShares are the CPU shares of a new cgroup.
const defaultShares = 1024

// checkIdle refuses CPU shares together with cpu.idle. systemd has one property,
// CPUWeight, for both, and a cgroup that is idle has no weight. Shares for a
// container that is idle already are kept for the time when it is not.
func checkIdle(now *cgroups.Resources, asked *specs.LinuxResources) error {
	c := asked.CPU
	if c == nil || c.Shares == nil || *c.Shares == 0 {
		return nil
	}
	switch {
	case c.Idle != nil && *c.Idle != 0:
		if *c.Shares != defaultShares {
			return fmt.Errorf("unable to apply both CPU shares (%d) and CPU idle (%d) to systemd", *c.Shares, *c.Idle)
		}
	case c.Idle == nil && now.CPUIdle != nil && *now.CPUIdle != 0:
		logrus.Warn("unable to apply both CPUWeight and CpuIdle to systemd, ignoring CPUWeight")
	}
	return nil
}

const updateUsage = `read the new resources from a file ('-' is the standard input), in JSON as
linux.resources of config.json has them; what is left out stays. Other options
are ignored then.`

// wantedResources reads the resources from the file, or else from the options.
func wantedResources(cmd *cli.Command) (*specs.LinuxResources, error) {
	path := cmd.String("resources")
	if path == "" {
		return optionResources(cmd)
	}
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	r := new(specs.LinuxResources)
	if err := json.NewDecoder(f).Decode(r); err != nil {
		return nil, err
	}
	return r, nil
}

func optionResources(cmd *cli.Command) (*specs.LinuxResources, error) {
	cpu, memory := new(specs.LinuxCPU), new(specs.LinuxMemory)
	r := &specs.LinuxResources{CPU: cpu, Memory: memory}
	if cmd.IsSet("blkio-weight") {
		n := cmd.Int("blkio-weight")
		if n < 0 || n > 1000 {
			return nil, fmt.Errorf("invalid value for blkio-weight: %d is not between 10 and 1000", n)
		}
		w := uint16(n)
		r.BlockIO = &specs.LinuxBlockIO{Weight: &w}
	}
	if cmd.IsSet("pids-limit") {
		n := cmd.Int64("pids-limit")
		r.Pids = &specs.LinuxPids{Limit: &n}
	}
	cpu.Cpus, cpu.Mems = cmd.String("cpuset-cpus"), cmd.String("cpuset-mems")
	for name, to := range map[string]**uint64{
		"cpu-period": &cpu.Period, "cpu-burst": &cpu.Burst, "cpu-share": &cpu.Shares, "cpu-rt-period": &cpu.RealtimePeriod,
	} {
		if err := option(cmd, name, to, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }); err != nil {
			return nil, err
		}
	}
	for name, to := range map[string]**int64{
		"cpu-quota": &cpu.Quota, "cpu-rt-runtime": &cpu.RealtimeRuntime, "cpu-idle": &cpu.Idle,
	} {
		if err := option(cmd, name, to, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }); err != nil {
			return nil, err
		}
	}
	for name, to := range map[string]**int64{
		"memory": &memory.Limit, "memory-reservation": &memory.Reservation, "memory-swap": &memory.Swap,
	} {
		if err := option(cmd, name, to, parseSize); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"kernel-memory", "kernel-memory-tcp"} {
		if cmd.String(name) != "" {
			logrus.Warnf("--%s is ignored: the kernel has no such limit any more", name)
		}
	}
	return r, nil
}

// option parses an option. An empty one counts as not given.
func option[T any](cmd *cli.Command, name string, to **T, parse func(string) (T, error)) error {
	s := cmd.String(name)
	if s == "" {
		return nil
	}
	v, err := parse(s)
	if err != nil {
		return fmt.Errorf("invalid value for %s: %w", name, err)
	}
	*to = &v
	return nil
}

// parseSize parses a number of bytes, with a unit such as k, m or g; -1 means no
// limit.
func parseSize(s string) (int64, error) {
	if s == "-1" {
		return -1, nil
	}
	return units.RAMInBytes(s)
}

// mergeResources puts the new values over the present ones. A zero leaves the
// present value wherever the kernel would not take a zero: callers send them.
func mergeResources(to *cgroups.Resources, r *specs.LinuxResources) error {
	if m := r.Memory; m != nil {
		dropZero(&m.Limit)
		dropZero(&m.Reservation)
		dropZero(&m.Swap)
		// An older limit of memory and swap together cannot stay when the
		// new limit of memory is higher, or is none.
		if m.Limit != nil && m.Swap == nil && to.MemorySwap > 0 && (*m.Limit == -1 || to.MemorySwap < *m.Limit) {
			to.MemorySwap = 0
		}
	}
	if c := r.CPU; c != nil {
		dropZero(&c.Shares)
		// When one of quota and period is given, the other stays: cpu.max and
		// systemd need both.
		dropZero(&c.Quota)
		dropZero(&c.Period)
		dropZero(&c.RealtimeRuntime)
		dropZero(&c.RealtimePeriod)
		if c.Cpus == "" {
			c.Cpus = to.CpusetCpus
		}
		if c.Mems == "" {
			c.Mems = to.CpusetMems
		}
		c.Burst, c.Idle = or(c.Burst, to.CpuBurst), or(c.Idle, to.CPUIdle)
	}
	if m := r.Memory; m != nil {
		m.Swappiness = or(m.Swappiness, to.MemorySwappiness)
	}
	if b := r.BlockIO; b != nil {
		dropZero(&b.Weight)
		dropZero(&b.LeafWeight)
		// The kernel keeps the limits of devices that are not named.
		replace(&to.BlkioWeightDevice, len(b.WeightDevice))
		replace(&to.BlkioThrottleReadBpsDevice, len(b.ThrottleReadBpsDevice))
		replace(&to.BlkioThrottleWriteBpsDevice, len(b.ThrottleWriteBpsDevice))
		replace(&to.BlkioThrottleReadIOPSDevice, len(b.ThrottleReadIOPSDevice))
		replace(&to.BlkioThrottleWriteIOPSDevice, len(b.ThrottleWriteIOPSDevice))
	}
	replace(&to.HugetlbLimit, len(r.HugepageLimits))
	if r.Network != nil {
		replace(&to.NetPrioIfpriomap, len(r.Network.Priorities))
	}
	if r.Pids != nil {
		r.Pids.Limit = or(r.Pids.Limit, to.PidsLimit)
	}
	return specconv.SetResources(to, r)
}

// replace empties a list that gets new elements.
func replace[T any](list *[]T, elements int) {
	if elements > 0 {
		*list = nil
	}
}

func dropZero[T comparable](p **T) {
	var zero T
	if *p != nil && **p == zero {
		*p = nil
	}
}

func or[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

func mergeRdt(config *configs.Config, l3, bandwidth string) {
	if l3 == "" && bandwidth == "" {
		return
	}
	if config.IntelRdt == nil {
		config.IntelRdt = new(configs.IntelRdt)
	}
	if l3 != "" {
		config.IntelRdt.L3CacheSchema = l3
	}
	if bandwidth != "" {
		config.IntelRdt.MemBwSchema = bandwidth
	}
}
