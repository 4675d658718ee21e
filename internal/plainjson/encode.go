package plainjson

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
)

// String appends s as encoding/json writes it.
func String[T ~string](b []byte, s T) []byte {
	for i := range len(s) {
		// What it escapes, for HTML too.
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := json.Marshal(string(s))
			if err != nil {
				panic(err) // of a string: never
			}
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// Boolean appends true or false.
func Boolean[T ~bool](b []byte, v T) []byte { return strconv.AppendBool(b, bool(v)) }

// Int appends a number.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64](b []byte, v T) []byte {
	return strconv.AppendInt(b, int64(v), 10)
}

// Uint appends a number.
func Uint[T ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr](b []byte, v T) []byte {
	return strconv.AppendUint(b, uint64(v), 10)
}

// Instant appends a time.
func Instant(b []byte, t time.Time) []byte {
	text, err := t.MarshalJSON()
	if err != nil {
		// A year beyond 9999: there is none.
		return append(b, "null"...)
	}
	return append(b, text...)
}

// Ptr appends what p points to, or null.
func Ptr[T any](b []byte, p *T, elem func([]byte, T) []byte) []byte {
	if p == nil {
		return append(b, "null"...)
	}
	return elem(b, *p)
}

// Slice appends an array, or null.
func Slice[T any](b []byte, s []T, elem func([]byte, T) []byte) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = elem(b, s[i])
	}
	return append(b, ']')
}

// Map appends an object with its names in order, or null.
func Map[K ~string, T any](b []byte, m map[K]T, elem func([]byte, T) []byte) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(String(b, k), ':')
		b = elem(b, m[k])
	}
	return append(b, '}')
}

// Field begins the field of an object: the name, with quotes and colon, after a
// comma where one is due.
func Field(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(b, name...)
}
