package cgroup

import "testing"

func TestNamedAfter(t *testing.T) {
	for name, want := range map[string]bool{
		"abc": true, "abc.scope": true, "docker-abc.scope": true, "cri-containerd-abc.scope": true,
		"xabc": false, "abcd": false, "docker-abc": false, "docker-xabc.scope": false, "abc.slice": false, "": false,
	} {
		if got := namedAfter(name, "abc"); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
