package specconv

import (
	"errors"
	"fmt"
	"math"
	"strings"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

var errNotNumber = errors.New("not a number")

// systemdProperty parses a value. Times may be given in seconds, by the name
// that unit files use; on the bus they are microseconds, named USec.
func systemdProperty(name, text string) (systemd.Property, error) {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return systemd.Property{}, fmt.Errorf("invalid property name %q", name)
	}
	v, err := dbus.ParseVariant(text, dbus.Signature{})
	if err != nil {
		return systemd.Property{}, err
	}
	if base, ok := strings.CutSuffix(name, "Sec"); ok && base != "" && !strings.HasSuffix(name, "USec") {
		usec, err := toUSec(v.Value())
		if err != nil {
			return systemd.Property{}, err
		}
		return systemd.Property{Name: base + "USec", Value: dbus.MakeVariant(usec)}, nil
	}
	return systemd.Property{Name: name, Value: v}, nil
}

func toUSec(v any) (uint64, error) {
	const usec = 1_000_000
	var f float64
	switch n := v.(type) {
	case int16:
		f = float64(n)
	case uint16:
		f = float64(n)
	case int32:
		f = float64(n)
	case uint32:
		f = float64(n)
	case int64:
		f = float64(n)
	case uint64:
		f = float64(n)
	case byte:
		f = float64(n)
	case float64:
		f = n
	default:
		return 0, errNotNumber
	}
	if f < 0 || f*usec > math.MaxInt64 || math.IsNaN(f) {
		return 0, fmt.Errorf("%v seconds are out of range", f)
	}
	return uint64(f * usec), nil
}
