package sysctl

import (
	"testing"
)

func TestPath(t *testing.T) {
	for name, want := range map[string]string{
		"kernel.domainname":                 "kernel/domainname",
		"kernel/domainname":                 "kernel/domainname",
		"net.ipv4.conf.eth0/100.forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"net/ipv4/conf/eth0.100/forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"net/ipv4/conf/all.forwarding":      "net/ipv4/conf/all.forwarding",
		"fs.mqueue.queues_max":              "fs/mqueue/queues_max",
		"word":                              "word",
	} {
		got, err := Path(name)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "..", "/", "net..ipv4", "net/../kernel/x", "../x", "/net/x", "net/", "net.", "a\x00b", "net/./x"} {
		if got, err := Path(name); err == nil {
			t.Errorf("%q was taken as %q", name, got)
		}
	}
}
