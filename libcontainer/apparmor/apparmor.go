// Package apparmor confines the process that the calling thread will exec by
// an AppArmor profile that is loaded in the kernel.
//
// It wraps /proc/thread-self/attr/apparmor/exec (Linux 5.8; before that and
// when AppArmor is the only module of its kind, attr/exec); see
// Documentation/admin-guide/LSM/apparmor.rst and aa_change_onexec(2).
package apparmor

import "os"

// IsEnabled asks the kernel, by /sys/module/apparmor/parameters/enabled, which
// is the host's: call it before the root is changed.
func IsEnabled() bool {
	b, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && len(b) > 0 && b[0] == 'Y'
}
