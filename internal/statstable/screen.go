package statstable

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// These are control sequences of ECMA-48, and xterm's alternate screen. A terminal
// with TERM=dumb is written to like a file.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // the other screen, no cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// screen is where the table is shown.
type screen struct {
	out *os.File
	// live: out is a terminal, on which each table replaces the last one.
	live    bool
	signals chan os.Signal
	shown   []string
	before  bool // a table has been printed, which is not replaced
}

// newScreen switches to the alternate screen, if out is a terminal and the table
// changes. close has to be called.
func newScreen(out *os.File, changing bool) *screen {
	s := &screen{out: out, live: changing && os.Getenv("TERM") != "dumb" && isTerminal(out)}
	if s.live {
		s.signals = make(chan os.Signal, 8)
		// Signals are caught before the screen is changed, so that it is
		// restored whatever ends the table.
		signal.Notify(s.signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT,
			unix.SIGWINCH, unix.SIGTSTP, unix.SIGCONT)
		s.enter()
	}
	return s
}

func (s *screen) enter() { _, _ = s.out.WriteString(enterScreen) }
func (s *screen) leave() { _, _ = s.out.WriteString(leaveScreen) }

// close switches back, and prints the last table.
func (s *screen) close() error {
	if !s.live {
		return nil
	}
	s.leave()
	signal.Stop(s.signals)
	s.live = false
	return s.print(s.shown)
}

// show shows a table.
func (s *screen) show(rows []tableRow) error {
	if !s.live {
		return s.print(renderTable(rows, 0))
	}
	width, height := s.size()
	s.shown = renderTable(rows, width)
	_, err := s.out.WriteString(frame(s.shown, width, height))
	return err
}

// print writes the lines below those printed before.
func (s *screen) print(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	text := strings.Join(lines, "\n") + "\n"
	if s.before {
		text = "\n" + text
	}
	s.before = true
	_, err := s.out.WriteString(text)
	return err
}

// frame gives the text that fills the screen once. It is written in one piece, so
// that nothing flickers. Each line is cut to the width: a line that wraps would
// move the others.
func frame(lines []string, width, height int) string {
	if height > 1 && len(lines) > height {
		more := fmt.Sprintf("and %d more", len(lines)-height+1)
		lines = append(lines[:height-1:height-1], more)
	}
	var b strings.Builder
	b.WriteString(home)
	for i, l := range lines {
		if width > 0 && len(l) > width {
			l = l[:width]
		}
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l + clearLine)
	}
	// After a full last line the cursor stands on its last character, which
	// clearBelow would erase.
	if len(lines) < height || height <= 0 {
		b.WriteString("\r\n" + clearBelow)
	}
	return b.String()
}

// size in characters; 0 when the terminal does not know.
func (s *screen) size() (width, height int) {
	ws, err := unix.IoctlGetWinsize(int(s.out.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(ws.Col), int(ws.Row)
}

// SignalError is the end of a table that a signal other than SIGINT has ended.
type SignalError struct{ Signal unix.Signal }

func (e SignalError) Error() string { return "ended by " + unix.SignalName(e.Signal) }

// wait returns after the time, or earlier and with done when the container has
// ended or a signal came that ends the table. SIGINT is how a person leaves;
// the others give a [SignalError].
func (s *screen) wait(tick <-chan time.Time, end <-chan struct{}, rows []tableRow) (done bool, err error) {
	for {
		select {
		case <-tick:
			return false, nil
		case <-end:
			return true, nil
		case sig := <-s.signals:
			switch sig {
			case unix.SIGINT:
				return true, nil
			case unix.SIGWINCH:
				if err := s.show(rows); err != nil {
					return true, err
				}
			case unix.SIGTSTP:
				s.leave()
				// SIGTSTP itself is caught.
				if err := unix.Kill(os.Getpid(), unix.SIGSTOP); err != nil {
					return true, os.NewSyscallError("kill", err)
				}
			case unix.SIGCONT:
				s.enter()
				if err := s.show(rows); err != nil {
					return true, err
				}
			default:
				return true, SignalError{sig.(unix.Signal)}
			}
		}
	}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
