// Package sysctl sets kernel parameters of a container's namespaces, by
// writing below /proc/sys; see proc_sys(5).
package sysctl

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"runc/libcontainer/procfs"
)

// Path is a parameter's path below /proc/sys. As for sysctl(8), whichever of
// . and / comes first in the name separates, and the other one then stands for
// a dot in a component: net/ipv4/conf/eth0.1/forwarding and
// net.ipv4.conf.eth0/1.forwarding are one.
func Path(name string) (string, error) {
	path := name
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '.' {
		path = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, name)
	}
	// ValidPath refuses empty, . and .. components, which the look-up would too.
	if path == "." || !fs.ValidPath(path) || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("sysctl %q is not a valid name", name)
	}
	return path, nil
}

// Apply sets the parameters in the order of their names. It must run in the
// namespaces that they belong to. Parameters set before one that failed stay
// set: they go with the namespaces.
func Apply(params map[string]string) error {
	if len(params) == 0 {
		return nil
	}
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)

	proc, err := procfs.OpenFull()
	if err != nil {
		return fmt.Errorf("sysctl: %w", err)
	}
	defer proc.Close()
	for _, name := range names {
		path, err := Path(name)
		if err != nil {
			return err
		}
		if err := proc.WriteFile("sys/"+path, params[name]); err != nil {
			var pe *fs.PathError
			if errors.As(err, &pe) && pe.Op == "write" {
				return fmt.Errorf("write sysctl %s: %w (config.json: linux.sysctl)", name, err)
			}
			return fmt.Errorf("open sysctl %s file: %w (config.json: linux.sysctl)", name, err)
		}
	}
	return nil
}
