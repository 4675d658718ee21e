package wire

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

type inner struct {
	N int64
	S []string
}

type outer struct {
	B      bool
	I      int
	U8     uint8
	U64    uint64
	Str    string
	Bytes  []byte
	Nil    []string
	Empty  []string
	P      *inner
	NilP   *inner
	M      map[string]inner
	A      [3]uint16
	D      *time.Duration
	Slice  []*inner
	Skip   string `wire:"-"`
	hidden int
}

func sample() outer {
	d := time.Second
	return outer{
		B: true, I: -5, U8: 255, U64: 1<<64 - 1, Str: "x\x00y", Bytes: []byte{0, 1},
		Empty: []string{}, P: &inner{-1 << 63, []string{"", "b"}},
		M: map[string]inner{"k": {N: 3}}, A: [3]uint16{1, 2, 65535}, D: &d,
		Slice: []*inner{{N: 1}, nil},
	}
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	b, err := Encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	var p *outer
	if err := Decode(b, &p); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*p, want) {
		t.Errorf("got %+v\nwant %+v", *p, want)
	}
}

func TestUnexportedAndTaggedStay(t *testing.T) {
	v := sample()
	v.Skip, v.hidden = "s", 4
	b, err := Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	var got outer
	if err := Decode(b, &got); err != nil || got.Skip != "" || got.hidden != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	b, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		var got outer
		if err := Decode(b[:n], &got); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	var got outer
	if err := Decode(append(b, 0), &got); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestUnsupportedKinds(t *testing.T) {
	if _, err := Encode(struct{ F func() }{}); err == nil {
		t.Error("encoded a function")
	}
	if err := Decode(nil, outer{}); err == nil {
		t.Error("decoded into a value")
	}
}

func FuzzDecode(f *testing.F) {
	b, _ := Encode(sample())
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var got outer
		_ = Decode(b, &got)
	})
}
