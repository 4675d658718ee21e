// recvtty serves the console socket of a detached container with a terminal:
// it receives the terminal's master and connects it to its own stdio (mode
// single), or reads and drops what any number of them say (mode null).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"

	"github.com/containerd/console"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runc/libcontainer/consolesocket"
)

func main() {
	app := &cli.Command{
		Name:      "recvtty",
		Usage:     "receive the terminal of a container",
		ArgsUsage: "<console-socket>",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "mode", Aliases: []string{"m"}, Value: "single", Usage: "single (one terminal, on this one) or null (any number, dropped)"},
			&cli.StringFlag{Name: "pid-file", Usage: "file to write the process id to, once the socket is there"},
			&cli.BoolFlag{Name: "no-stdin", Usage: "do not pass on standard input"},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 1 {
				return errors.New("need the path of the console socket, alone")
			}
			return serve(cmd.Args().First(), cmd.String("mode"), cmd.String("pid-file"), cmd.Bool("no-stdin"))
		},
	}
	if err := app.Run(context.Background(), os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "recvtty:", err)
		os.Exit(1)
	}
}

func serve(path, mode, pidFile string, noStdin bool) error {
	if mode != "single" && mode != "null" {
		return fmt.Errorf("no such mode: %s", mode)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	defer ln.Close()
	if pidFile != "" {
		if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
			return err
		}
		defer os.Remove(pidFile)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	done := make(chan error, 1)
	go func() {
		if mode == "single" {
			done <- single(ln, noStdin)
			return
		}
		done <- null(ln)
	}()
	select {
	case err := <-done:
		return err
	case <-stop:
		return nil
	}
}

// receive takes one terminal off the socket.
func receive(ln *net.UnixListener) (console.Console, error) {
	conn, err := ln.AcceptUnix()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	sock, err := conn.File()
	if err != nil {
		return nil, err
	}
	defer sock.Close()
	f, err := consolesocket.Receive(int(sock.Fd()))
	if err != nil {
		return nil, err
	}
	c, err := console.ConsoleFromFile(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return c, console.ClearONLCR(c.Fd())
}

func single(ln *net.UnixListener, noStdin bool) error {
	c, err := receive(ln)
	if err != nil {
		return err
	}
	defer c.Close()
	// One terminal is what this mode is for.
	ln.Close()
	if !noStdin {
		go func() { _, _ = io.Copy(c, os.Stdin) }()
	}
	_, err = io.Copy(os.Stdout, c)
	// The last process inside has closed its end.
	if errors.Is(err, unix.EIO) {
		return nil
	}
	return err
}

func null(ln *net.UnixListener) error {
	for {
		c, err := receive(ln)
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(io.Discard, c)
		}()
	}
}
