package system

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Retry repeats a call that a signal has interrupted (EINTR).
func Retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
