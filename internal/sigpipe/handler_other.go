//go:build !(amd64 || arm64)

package sigpipe

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// caught goes into the pipe. As many as can come meanwhile; the kernel would
// merge repeated ones too.
var caught chan os.Signal

func (p *Pipe) open() error { return nil }

func (p *Pipe) shut() {}

func (p *Pipe) catch(s unix.Signal) error {
	if p.back == nil {
		ch := make(chan os.Signal, 128)
		caught = ch
		p.back = []func(){func() { signal.Stop(ch); close(ch) }}
		go func() {
			for s := range ch {
				_, _ = unix.Write(p.w, []byte{byte(s.(unix.Signal))})
			}
		}()
	}
	signal.Notify(caught, s)
	return nil
}
