// Package apparmor says whether the kernel confines processes by AppArmor
// profiles (Documentation/admin-guide/LSM/apparmor.rst). The process inside the
// container enters its profile itself: see package inside.
package apparmor

import "os"

// IsEnabled reads /sys/module/apparmor/parameters/enabled. It has to be called
// before the root changes, while /sys is the host's.
func IsEnabled() bool {
	b, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && len(b) > 0 && b[0] == 'Y'
}
