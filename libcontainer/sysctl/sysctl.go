// Package sysctl sets kernel parameters of a container's namespaces, by
// writing below /proc/sys; see proc_sys(5).
package sysctl

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
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

// Names are the parameters' names in the order in which they are set.
func Names(params map[string]string) []string {
	return slices.Sorted(maps.Keys(params))
}
