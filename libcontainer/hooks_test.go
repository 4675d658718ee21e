package libcontainer

import (
	"testing"
	"time"

	"runc/libcontainer/configs"
)

// A hook that ends well has succeeded, whatever it left holding its stdout.
func TestHookLeavesChild(t *testing.T) {
	timeout := time.Second
	h := configs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "sleep 3 & exit 0"}, Env: []string{"PATH=/usr/bin:/bin"}, Timeout: &timeout}
	begin := time.Now()
	if err := runHook(t.Context(), &h, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Fatalf("waited %v for the hook's child", took)
	}
}
