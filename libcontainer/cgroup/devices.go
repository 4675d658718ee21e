package cgroup

import (
	"errors"
	"os"

	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	"golang.org/x/sys/unix"
)

// setDevicesV1 writes the device rules of a new container, and says whether it
// could. The library reads the present rules, works out the difference, opens a
// file for each rule and reads everything again. That is right for a cgroup whose
// rules are not known; those of a new cgroup are.
func setDevicesV1(dir string, r *cgroups.Resources) (bool, error) {
	if dir == "" || r.SkipDevices || !onlyAllows(r.Devices) {
		return false, nil
	}
	if err := writeRules(dir, "devices.deny", "a"); errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EINVAL) {
		// This is a user namespace, or a cgroup with others below, where the kernel
		// does not deny all at once. The library handles both.
		return false, nil
	} else if err != nil {
		return false, err
	}
	lines := make([]string, 0, len(r.Devices)-1)
	for _, rule := range r.Devices[1:] {
		lines = append(lines, rule.CgroupString())
	}
	return true, writeRules(dir, "devices.allow", lines...)
}

// onlyAllows says whether the rules deny everything first and then allow some
// devices. For all other lists the library knows what the kernel makes of them.
func onlyAllows(rules []*devices.Rule) bool {
	if len(rules) == 0 || rules[0].Allow || rules[0].Type != devices.WildcardDevice {
		return false
	}
	for _, r := range rules[1:] {
		if !r.Allow || r.Type == devices.WildcardDevice {
			return false
		}
	}
	return true
}

// writeRules writes each rule by a write(2) of its own, as the kernel demands.
func writeRules(dir, file string, rules ...string) error {
	f, err := cgroups.OpenFile(dir, file, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, r := range rules {
		if _, err := f.WriteString(r); err != nil {
			return &os.PathError{Op: "write " + r, Path: f.Name(), Err: err}
		}
	}
	return nil
}
