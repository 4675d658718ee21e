package specconv

import (
	"fmt"
	"os"
	"strings"

	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/configs"
)

func rule(t devices.Type, major, minor int64, perm devices.Permissions) devices.Rule {
	return devices.Rule{Type: t, Major: major, Minor: minor, Permissions: perm, Allow: true}
}

// defaultDevices are the nodes that every container has (runtime-spec, "Default
// Devices"), in the order in which state files list them.
func defaultDevices() []*devices.Device {
	var list []*devices.Device
	for _, d := range [...]struct {
		path  string
		major int64
		minor int64
	}{
		{"/dev/null", 1, 3}, {"/dev/random", 1, 8}, {"/dev/full", 1, 7},
		{"/dev/tty", 5, 0}, {"/dev/zero", 1, 5}, {"/dev/urandom", 1, 9},
	} {
		list = append(list, &devices.Device{
			Path: d.path, FileMode: 0o666,
			Rule: rule(devices.CharDevice, d.major, d.minor, "rwm"),
		})
	}
	return list
}

// defaultRules are what a container may open besides what config.json allows:
// making any node, and the terminals and tun device that are there without a
// node of the runtime's.
func defaultRules(nodes []*devices.Device) []*devices.Rule {
	anyChar := rule(devices.CharDevice, devices.Wildcard, devices.Wildcard, "m")
	anyBlock := rule(devices.BlockDevice, devices.Wildcard, devices.Wildcard, "m")
	rules := []*devices.Rule{&anyChar, &anyBlock}
	for _, d := range nodes {
		r := d.Rule
		rules = append(rules, &r)
	}
	for _, r := range [...]devices.Rule{
		rule(devices.CharDevice, 136, devices.Wildcard, "rwm"), // pts
		rule(devices.CharDevice, 5, 2, "rwm"),                  // ptmx
		rule(devices.CharDevice, 10, 200, "rwm"),               // tun
	} {
		rules = append(rules, &r)
	}
	return rules
}

// createDevices sets the nodes of the container and gives the default ones.
func createDevices(spec *specs.Spec, config *configs.Config) ([]*devices.Device, error) {
	defaults := defaultDevices()
	listed := map[string]bool{}
	var own []*devices.Device
	if spec.Linux != nil {
		for i, d := range spec.Linux.Devices {
			if d.Path == "" {
				return nil, fmt.Errorf("config.json: linux.devices[%d].path must not be empty", i)
			}
			listed[d.Path] = true
			t, err := deviceType(d.Type)
			if err != nil {
				return nil, fmt.Errorf("%w (config.json: linux.devices[%d].type)", err, i)
			}
			node := &devices.Device{
				Rule:     devices.Rule{Type: t, Major: d.Major, Minor: d.Minor},
				Path:     d.Path,
				FileMode: 0o666,
			}
			if d.FileMode != nil {
				node.FileMode = *d.FileMode &^ os.ModeType
			}
			if d.UID != nil {
				node.Uid = *d.UID
			}
			if d.GID != nil {
				node.Gid = *d.GID
			}
			own = append(own, node)
		}
	}
	// A node of config.json's takes the place of a default one.
	for _, d := range defaults {
		if !listed[d.Path] {
			config.Devices = append(config.Devices, d)
		}
	}
	config.Devices = append(config.Devices, own...)
	return defaults, nil
}

func deviceType(s string) (devices.Type, error) {
	switch s {
	case "c", "u":
		return devices.CharDevice, nil
	case "b":
		return devices.BlockDevice, nil
	case "p":
		return devices.FifoDevice, nil
	}
	return 0, fmt.Errorf("invalid device type %q", s)
}

// permissions keeps the letters that mean something. Other letters are ignored,
// as runc does: real configurations have "rwa".
func permissions(access string) devices.Permissions {
	if access == "" {
		return "rwm"
	}
	var p devices.Permissions
	for _, letter := range []string{"r", "w", "m"} {
		if strings.Contains(access, letter) {
			p += devices.Permissions(letter)
		}
	}
	return p
}

// deviceRules are those of linux.resources.devices.
func deviceRules(list []specs.LinuxDeviceCgroup) ([]*devices.Rule, error) {
	var rules []*devices.Rule
	for i, d := range list {
		where := fmt.Sprintf("config.json: linux.resources.devices[%d]", i)
		r := &devices.Rule{Allow: d.Allow, Major: devices.Wildcard, Minor: devices.Wildcard}
		switch d.Type {
		case "", "a":
			r.Type = devices.WildcardDevice
		case "c", "u":
			r.Type = devices.CharDevice
		case "b":
			r.Type = devices.BlockDevice
		default:
			return nil, fmt.Errorf("invalid cgroup device type %q (%s.type)", d.Type, where)
		}
		if d.Major != nil {
			r.Major = *d.Major
		}
		if d.Minor != nil {
			r.Minor = *d.Minor
		}
		r.Permissions = permissions(d.Access)
		if r.Type == devices.WildcardDevice {
			// Such a rule is about all devices and all access (devices.rst).
			r.Permissions = "rwm"
		}
		if r.Permissions == "" {
			// It allows or denies nothing.
			continue
		}
		rules = append(rules, r)
	}
	return rules, nil
}
