package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/moby/sys/userns"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"
)

// defaultRootDir is where state goes when nobody says: a user's own runtime
// folder for users, root of a user namespace included, unless it is a root
// that never was anything else.
func defaultRootDir() string {
	if os.Getenv("XDG_RUNTIME_DIR") == "" {
		return defaultRoot // without a look at /proc
	}
	euid := os.Geteuid()
	return rootDirOf(euid, euid == 0 && userns.RunningInUserNS())
}

func rootDirOf(euid int, inUserNS bool) string {
	xdg := os.Getenv("XDG_RUNTIME_DIR")
	if xdg != "" && (euid != 0 || inUserNS && os.Getenv("USER") != "root") {
		return filepath.Join(xdg, "runc")
	}
	return defaultRoot
}

// rootlessCgroups says whether failing to use cgroups is to be forgiven.
func rootlessCgroups(cmd *cli.Command) (bool, error) {
	if v := cmd.String("rootless"); v != "" && !strings.EqualFold(v, "auto") {
		return strconv.ParseBool(v)
	}
	if os.Geteuid() != 0 {
		return true, nil
	}
	if !userns.RunningInUserNS() {
		return false, nil
	}
	if cmd.Bool("systemd-cgroup") {
		// Root of a user namespace whose systemd is the host's has rights
		// over no unit.
		var st unix.Stat_t
		if err := unix.Stat("/run/systemd/private", &st); err == nil && st.Uid == 0 {
			return false, nil
		}
	}
	return true, nil
}
