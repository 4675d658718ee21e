// Package wire carries plain data from the runtime to its own re-exec'd init.
//
// Both ends are the same binary, so the format needs neither names nor
// versions: struct fields in order, numbers as varints, everything with a
// length prefixed by it. That is what makes it several times cheaper than
// encoding/json on the start path, where each end does it once with cold
// caches. Supported are the kinds that configuration is made of: booleans,
// integers, strings, slices, arrays, maps, pointers and structs; unexported
// fields and those tagged `wire:"-"` stay behind. Decode trusts no length: a
// short or overlong input is an error, never a panic or a huge allocation.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// ErrMalformed says that the input is not what Encode makes of the type.
var ErrMalformed = errors.New("wire: malformed message")

// Encode gives v as bytes. Only an unsupported type can fail.
func Encode(v any) ([]byte, error) {
	return appendValue(make([]byte, 0, 8192), reflect.ValueOf(v))
}

// Decode sets what p points to from b, all of which must be used up.
func Decode(b []byte, p any) error {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("wire: cannot decode into %T", p)
	}
	d := decoder{b}
	if err := d.value(v.Elem()); err != nil {
		return err
	}
	if len(d.b) != 0 {
		return fmt.Errorf("%w: %d bytes left over", ErrMalformed, len(d.b))
	}
	return nil
}

func skipped(f reflect.StructField) bool {
	return !f.IsExported() || f.Tag.Get("wire") == "-"
}

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	var err error
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1), nil
		}
		return append(b, 0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return binary.AppendUvarint(b, v.Uint()), nil
	case reflect.String:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		return append(b, v.String()...), nil
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0), nil
		}
		return appendValue(append(b, 1), v.Elem())
	case reflect.Slice:
		// nil and empty differ to some kernels' callers (nil args), so both are kept.
		if v.IsNil() {
			return append(b, 0), nil
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(b, v.Bytes()...), nil
		}
		for i := range v.Len() {
			if b, err = appendValue(b, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return b, nil
	case reflect.Array:
		for i := range v.Len() {
			if b, err = appendValue(b, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return b, nil
	case reflect.Map:
		if v.IsNil() {
			return append(b, 0), nil
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		for it := v.MapRange(); it.Next(); {
			if b, err = appendValue(b, it.Key()); err != nil {
				return nil, err
			}
			if b, err = appendValue(b, it.Value()); err != nil {
				return nil, err
			}
		}
		return b, nil
	case reflect.Struct:
		for i, t := 0, v.Type(); i < v.NumField(); i++ {
			if skipped(t.Field(i)) {
				continue
			}
			if b, err = appendValue(b, v.Field(i)); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	return nil, fmt.Errorf("wire: cannot encode %s", v.Type())
}

type decoder struct{ b []byte }

func (d *decoder) uvarint() (uint64, error) {
	n, w := binary.Uvarint(d.b)
	if w <= 0 {
		return 0, ErrMalformed
	}
	d.b = d.b[w:]
	return n, nil
}

// length reads a count of things that take at least a byte each, so that it
// can never exceed what is left.
func (d *decoder) length(n uint64) (int, error) {
	if n > uint64(len(d.b)) {
		return 0, fmt.Errorf("%w: length %d of %d bytes", ErrMalformed, n, len(d.b))
	}
	return int(n), nil
}

func (d *decoder) flag() (bool, error) {
	if len(d.b) == 0 || d.b[0] > 1 {
		return false, ErrMalformed
	}
	f := d.b[0] == 1
	d.b = d.b[1:]
	return f, nil
}

func (d *decoder) value(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		f, err := d.flag()
		v.SetBool(f)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, w := binary.Varint(d.b)
		if w <= 0 || v.OverflowInt(n) {
			return ErrMalformed
		}
		d.b = d.b[w:]
		v.SetInt(n)
		return nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		n, err := d.uvarint()
		if err != nil || v.OverflowUint(n) {
			return ErrMalformed
		}
		v.SetUint(n)
		return nil
	case reflect.String:
		n, err := d.uvarint()
		if err != nil {
			return err
		}
		l, err := d.length(n)
		if err != nil {
			return err
		}
		v.SetString(string(d.b[:l]))
		d.b = d.b[l:]
		return nil
	case reflect.Pointer:
		set, err := d.flag()
		if err != nil || !set {
			return err
		}
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem())
	case reflect.Slice:
		return d.slice(v)
	case reflect.Array:
		for i := range v.Len() {
			if err := d.value(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return d.mapping(v)
	case reflect.Struct:
		for i, t := 0, v.Type(); i < v.NumField(); i++ {
			if skipped(t.Field(i)) {
				continue
			}
			if err := d.value(v.Field(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("wire: cannot decode %s", v.Type())
}

func (d *decoder) slice(v reflect.Value) error {
	n, err := d.uvarint()
	if err != nil || n == 0 {
		return err
	}
	l, err := d.length(n - 1)
	if err != nil {
		return err
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(append([]byte{}, d.b[:l]...))
		d.b = d.b[l:]
		return nil
	}
	if size := v.Type().Elem().Size(); size > 0 && uint64(l) > math.MaxInt32/uint64(size) {
		return ErrMalformed
	}
	v.Set(reflect.MakeSlice(v.Type(), l, l))
	for i := range l {
		if err := d.value(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) mapping(v reflect.Value) error {
	n, err := d.uvarint()
	if err != nil || n == 0 {
		return err
	}
	l, err := d.length(n - 1)
	if err != nil {
		return err
	}
	t := v.Type()
	v.Set(reflect.MakeMapWithSize(t, l))
	for range l {
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := d.value(k); err != nil {
			return err
		}
		if err := d.value(e); err != nil {
			return err
		}
		v.SetMapIndex(k, e)
	}
	return nil
}
