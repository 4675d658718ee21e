// demoinit is a whole root file system in one static program: the demo uses it
// where no busybox is installed. It shows what a process sees of its container.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "sleep" {
		time.Sleep(time.Hour)
		return
	}
	name, _ := os.Hostname()
	fmt.Println("hello from a container")
	fmt.Println("my pid:     ", os.Getpid())
	fmt.Println("my hostname:", name)
	fmt.Printf("my user:     uid=%d gid=%d\n", os.Getuid(), os.Getgid())
	fmt.Println("my mounts:")
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		fmt.Println("  ", err)
		os.Exit(1)
	}
	for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.Fields(l)
		if len(f) > 2 {
			fmt.Printf("  %-16s %s\n", f[1], f[2])
		}
	}
}
