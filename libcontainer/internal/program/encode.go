package program

import (
	"encoding/binary"
	"fmt"
)

// One entry of the table that the executors go through, in words of 8 bytes.
// The constants are known to stub_*.s as well.
const (
	entryNr    = 0  // the system call, or one of the kinds below
	entryArgs  = 1  // six arguments
	entryLoads = 7  // bit i: argument i is the address of a word, which is passed
	entryStore = 8  // the address of the word for the result, or 0
	entryNext  = 9  // the address of the next entry
	entryAlt   = 10 // that of the entry after an expected error, or a failed test
	entryErrs  = 11 // the expected errnos, 16 bits each
	entryWords = 12
	entrySize  = entryWords * 8
)

// Kinds of entries that are no system call.
const (
	kindTest = ^uint64(0) // see Builder.Test
	kindSet  = ^uint64(2) // see Builder.Set
	kindStop = ^uint64(1) // the executor stops: the program's end, or a Go step
)

func appendInt32(b []byte, v int32) []byte {
	return binary.NativeEndian.AppendUint32(b, uint32(v))
}

// size is how many bytes encode needs, and how many of them have content.
func (b *Builder) size() (all, sent int) {
	sent = (len(b.steps) + 1) * entrySize
	for _, m := range b.mems {
		n := (m.size + 7) &^ 7
		all += n
		if !m.buffer {
			sent += n
		}
	}
	return all + (len(b.steps)+1)*entrySize, sent
}

// encode lays the program out in out, whose address is base: one entry for each
// step, one behind them for the end, the memory, and last the buffers. The
// program goes on at the address end when it is through; 0 stops the executor.
func (b *Builder) encode(out []byte, base, end uint64) error {
	off := uint64(len(b.steps)+1) * entrySize
	for _, buffers := range []bool{false, true} {
		for _, m := range b.mems {
			if m.buffer != buffers {
				continue
			}
			m.addr = base + off
			if next := off + uint64(m.size); next <= uint64(len(out)) {
				m.base = out[off:next:next]
				copy(m.base, m.data)
			}
			off += uint64(m.size+7) &^ 7
		}
	}
	for _, m := range b.mems {
		for _, p := range m.ptrs {
			to := p.to.addr + uint64(p.off)
			if PointerSize == 4 {
				binary.NativeEndian.PutUint32(m.base[p.at:], uint32(to))
			} else {
				binary.NativeEndian.PutUint64(m.base[p.at:], to)
			}
		}
	}
	at := func(i int) uint64 { return base + uint64(i*entrySize) }
	for i, s := range b.steps {
		e := out[i*entrySize : (i+1)*entrySize]
		set := func(word int, v uint64) { binary.NativeEndian.PutUint64(e[8*word:], v) }
		nr := uint64(s.nr)
		switch {
		case s.test:
			nr = kindTest
		case s.set:
			nr = kindSet
		case s.code != nil:
			nr = kindStop
		}
		set(entryNr, nr)
		loads := uint64(0)
		for k, a := range s.args {
			v := uint64(a.num)
			if a.mem != nil {
				v = a.mem.addr + uint64(a.off)
			}
			if a.load {
				loads |= 1 << k
			}
			set(entryArgs+k, v)
		}
		set(entryLoads, loads)
		if s.store != nil {
			set(entryStore, s.store.mem.addr+uint64(s.store.off))
		}
		target := func(l *Label) (uint64, error) {
			switch {
			case l == nil:
				return at(i + 1), nil
			case l.abs != 0:
				return l.abs, nil
			}
			if l.at < 0 || l.at > len(b.steps) {
				return 0, fmt.Errorf("step %d (%s) goes on at a label that was never placed", i, s.What)
			}
			return at(l.at), nil
		}
		next, err := target(s.next)
		if err != nil {
			return err
		}
		alt, err := target(s.alt)
		if err != nil {
			return err
		}
		set(entryNext, next)
		set(entryAlt, alt)
		for k, errno := range s.errs {
			binary.NativeEndian.PutUint16(e[8*entryErrs+2*k:], errno)
		}
	}
	last := out[len(b.steps)*entrySize:]
	if end == 0 {
		binary.NativeEndian.PutUint64(last, kindStop)
		return nil
	}
	// A test that always holds: no bit of the first word is looked at.
	binary.NativeEndian.PutUint64(last, kindTest)
	binary.NativeEndian.PutUint64(last[8*entryArgs:], base)
	binary.NativeEndian.PutUint64(last[8*entryNext:], end)
	return nil
}

// stepOf is the number of the step at an address.
func stepOf(addr, base uint64) int {
	if addr < base {
		return -1
	}
	return int((addr - base) / entrySize)
}
