package cgroup

import (
	"errors"
	"os"

	"github.com/opencontainers/cgroups"
	devices "github.com/opencontainers/cgroups/devices/config"
	"golang.org/x/sys/unix"
)

// setDevicesV1 writes the rules of a new container: nothing but what follows.
// The library reads the rules that are, works out the difference, opens a file
// for each rule and reads everything again, which is right for a cgroup whose
// rules are not known; a fresh one's are. It says whether it did.
func setDevicesV1(dir string, r *cgroups.Resources) (bool, error) {
	if dir == "" || r.SkipDevices || !onlyAllows(r.Devices) {
		return false, nil
	}
	if err := writeRules(dir, "devices.deny", "a"); errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EINVAL) {
		// In a user namespace, or not fresh after all: with a cgroup below it
		// all cannot be denied at once. The library knows what to do.
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

// onlyAllows: all is denied first, and then some allowed. Anything else needs
// the library's knowledge of what the kernel makes of it.
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

// writeRules writes one rule a write(2), as the kernel wants it.
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
