// Package apparmor confines the process that the calling thread will exec by
// an AppArmor profile that is loaded in the kernel.
//
// It wraps /proc/thread-self/attr/apparmor/exec (Linux 5.8; before that and
// when AppArmor is the only module of its kind, attr/exec); see
// Documentation/admin-guide/LSM/apparmor.rst and aa_change_onexec(2).
package apparmor

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"runc/libcontainer/procfs"
)

// IsEnabled asks the kernel, by /sys/module/apparmor/parameters/enabled, which
// is the host's: call it before the root is changed.
func IsEnabled() bool {
	b, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && len(b) > 0 && b[0] == 'Y'
}

// ApplyProfile makes the calling thread's next execve(2) enter the profile.
// An empty name does nothing; "unconfined" is a name like others.
//
// The write goes through a procfs of the caller's own, so that whatever the
// container has mounted over /proc gets none of it. The goroutine must be
// locked to its thread.
func ApplyProfile(name string) error {
	if name == "" {
		return nil
	}
	if err := setOnExec(name); err != nil {
		// The beginning is what callers know.
		return fmt.Errorf("apparmor failed to apply profile: %w (profile %q: is it loaded?)", err, name)
	}
	return nil
}

func setOnExec(name string) error {
	if strings.ContainsAny(name, "\x00\n") {
		return fmt.Errorf("profile name %q: %w", name, unix.EINVAL)
	}
	proc, err := procfs.Open()
	if err != nil {
		return err
	}
	defer proc.Close()
	value := "exec " + name
	// The folder named for the module is there when the module is built in;
	// attr/exec belongs to whichever module came first.
	err = proc.WriteFile("thread-self/attr/apparmor/exec", value)
	if errors.Is(err, unix.ENOENT) && openFailed(err) {
		err = proc.WriteFile("thread-self/attr/exec", value)
	}
	return err
}

// openFailed tells a missing file from a write refused for a missing profile,
// which has the same errno.
func openFailed(err error) bool {
	var pe *os.PathError
	return errors.As(err, &pe) && pe.Op != "write"
}
