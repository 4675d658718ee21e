// Package keyring has the name and the rights of a container's own session keyring:
// a process inside finds none of the runtime's keys in it.
//
// It wraps keyctl(2); see session-keyring(7) and keyrings(7).
package keyring

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

// DefaultRights are the rights that the kernel gives to a new session keyring:
// all for its possessor, and for its owner to view, read and link it
// (join_session_keyring in security/keys/process_keys.c).
const DefaultRights uint32 = 0x3f130000
