// Package keys gives a container a session keyring of its own, so that its
// processes find none of the runtime's keys in theirs.
//
// It wraps keyctl(2); see session-keyring(7) and keyrings(7).
package keys

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/opencontainers/selinux/go-selinux"
	"golang.org/x/sys/unix"
)

// Share says who, beside its possessor, may search a new keyring: joining a
// keyring by name, as exec does, needs that right.
type Share uint32

const (
	// ShareNone adds no right: the keyring is joined, not set up.
	ShareNone Share = 0
	// ShareUser is for a container in the caller's user namespace.
	ShareUser Share = 0x00080000
	// ShareOther is for a container with a user namespace, which another
	// process may join as a user that is not the keyring's owner. The owner
	// needs the right of its own: the kernel looks at one class only.
	ShareOther Share = 0x00080008
)

// SessionName is the name of a container's session keyring.
func SessionName(containerID string) string { return "_ses." + containerID }

// JoinSession makes the named keyring the session keyring of the calling
// thread, to which the goroutine must be locked; it is created when there is
// none, and then has the SELinux label if that is not empty. The right is added
// for the next to join. A kernel without keyrings is no error.
func JoinSession(name, label string, share Share) error {
	if label != "" {
		if err := selinux.SetKeyLabel(label); err != nil {
			return fmt.Errorf("unable to join session keyring: set its label: %w", err)
		}
		// Keys that the container's process makes later are its own affair.
		defer func() { _ = selinux.SetKeyLabel("") }()
	}
	ring, err := unix.KeyctlJoinSessionKeyring(name)
	if errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unable to join session keyring: unable to create session key: %w", err)
	}
	if share == ShareNone {
		return nil
	}
	perm, err := permissions(ring)
	if err != nil {
		return fmt.Errorf("unable to join session keyring: %w", err)
	}
	if perm&uint32(share) == uint32(share) {
		return nil
	}
	if err := unix.KeyctlSetperm(ring, perm|uint32(share)); err != nil {
		return fmt.Errorf("unable to join session keyring: set permissions of keyring %s: %w", name, err)
	}
	return nil
}

func permissions(ring int) (uint32, error) {
	var buf [512]byte
	n, err := unix.KeyctlBuffer(unix.KEYCTL_DESCRIBE, ring, buf[:], 0)
	if err != nil {
		return 0, fmt.Errorf("describe keyring %d: %w", ring, err)
	}
	// n counts the whole description, also when it did not fit.
	return parsePermissions(buf[:min(n, len(buf))])
}

// parsePermissions takes the fourth of type;uid;gid;perm;description. The
// description may itself hold semicolons, and may have been cut off.
func parsePermissions(desc []byte) (uint32, error) {
	f := bytes.SplitN(desc, []byte{';'}, 5)
	if len(f) != 5 {
		return 0, fmt.Errorf("description of keyring %q is not understood", desc)
	}
	perm, err := strconv.ParseUint(string(f[3]), 16, 32)
	if err != nil {
		return 0, fmt.Errorf("permissions of keyring in %q: %w", desc, err)
	}
	return uint32(perm), nil
}
