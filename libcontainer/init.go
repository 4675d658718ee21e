package libcontainer

import "runc/libcontainer/internal/inside"

// Init is what the re-executed binary has to call as its very first step when
// its first argument is "init". It sets the container up, or joins it, and
// becomes the user's process. It returns only when it was not libcontainer that
// started it, with an error to be shown.
func Init() error { return inside.Init(runHooks) }
