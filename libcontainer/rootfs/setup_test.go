package rootfs

import (
	"testing"
)

func TestDefaultRootfs(t *testing.T) {
	b := newBox(t)
	out := b.must("cat /proc/self/mountinfo; ls -ln /dev; ls -la /; ls /proc/acpi /sys/firmware; cat /proc/keys")
	t.Log(out)
}
