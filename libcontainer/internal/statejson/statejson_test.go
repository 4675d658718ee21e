package statejson

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"runc/internal/plainjson"
	"runc/libcontainer/internal/saved"
)

// fill gives every field of a state a value of its own.
func fill(v reflect.Value, n *int64) {
	*n++
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		*t = time.Date(2026, 11, 24, 1, 2, 3, int(*n), time.UTC)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString([]string{"text", "ü<&>\"\\", "\n\t\u2028", ""}[*n%4] + string(rune('a'+*n%26)))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(-*n % 100)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(*n) % 200)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range []string{"b", "a"} {
			elem := reflect.New(v.Type().Elem()).Elem()
			fill(elem, n)
			v.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), elem)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	}
}

func full(t testing.TB) *saved.State {
	s := new(saved.State)
	var n int64
	fill(reflect.ValueOf(s).Elem(), &n)
	if n < 300 {
		t.Fatalf("only %d values", n)
	}
	return s
}

func TestAppendIsWhatEncodingJSONWrites(t *testing.T) {
	for name, s := range map[string]*saved.State{"empty": {}, "full": full(t)} {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := Append(nil, s); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// taken says whether the generated functions took it, rather than encoding/json.
func taken(src string) bool {
	d := plainjson.New(src)
	decodeState(d, new(saved.State))
	return d.Done()
}

func agrees(t *testing.T, src string) {
	t.Helper()
	got, err := Decode([]byte(src))
	want := new(saved.State)
	wantErr := json.Unmarshal([]byte(src), want)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, encoding/json says %v", src, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n got %+v\nwant %+v", src, got, want)
	}
}

func TestDecodeReadsWhatAppendWrites(t *testing.T) {
	for name, s := range map[string]*saved.State{"empty": {}, "full": full(t)} {
		text := string(Append(nil, s))
		if !taken(text) {
			t.Errorf("%s: not taken: %s", name, text)
		}
		agrees(t, text)
	}
}

func TestDecodeAgreesWithEncodingJSON(t *testing.T) {
	b, err := os.ReadFile("testdata/runc.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		string(b), "", "{", "null", "[]", "{}", "{} x", `{"id":1}`, `{"ID":"x"}`, `{"unknown":{"a":[1]}}`, `{"id":"a","id":"b"}`,
		`{"created":"2026-01-02T03:04:05.000000006Z"}`, `{"created": "x"}`, `{"created":null}`, `{"created":5}`, `{"created":"2026-01-02T03:04:05+01:00"}`,
		`{"config":{"cgroups":{"memory":5,"Memory":6}}}`, `{"config":{"cgroups":null,"namespaces":null,"Hooks":{"prestart":[{"timeout":5}]}}}`,
		`{"config":{"exec_cpu_affinity":{"initial":[1]}}}`, `{"config":{"memory_policy":{"nodes":null}}}`,
		`{"cgroup_paths":{"":"/x"},"namespace_paths":{"NEWNS":"/proc/1/ns/mnt"}}`, `{"config":{"mounts":[{"rec_attr":{"Attr_set":1,"attr_clr":2}}]}}`,
	} {
		agrees(t, src)
	}
}

// The file that runc wrote takes the short way.
func TestDecodeTakesRuncsOwn(t *testing.T) {
	b, err := os.ReadFile("testdata/runc.json")
	if err != nil {
		t.Fatal(err)
	}
	if !taken(strings.TrimSpace(string(b))) {
		t.Error("not taken")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(string(Append(nil, full(f))))
	f.Fuzz(func(t *testing.T, src string) { agrees(t, src) })
}
