package specjson

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// reference is what encoding/json makes of a text.
func reference(src string) (*specs.Spec, error) {
	var s *specs.Spec
	err := json.NewDecoder(strings.NewReader(src)).Decode(&s)
	return s, err
}

// agrees fails the test when Decode takes what encoding/json reads otherwise.
func agrees(t *testing.T, src string) (taken bool) {
	t.Helper()
	got, ok := Decode(src)
	if !ok {
		return false
	}
	want, err := reference(src)
	if err != nil {
		t.Fatalf("taken, but encoding/json says %v: %q", err, src)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("differs from encoding/json on %q:\n got %+v\nwant %+v", src, got, want)
	}
	return true
}

// fill gives every field of a spec for Linux a value of its own.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text" + string(rune('a'+*n%26)))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(-*n % 100)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n) % 200)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(elem, n)
		v.SetMapIndex(reflect.ValueOf("key/"+string(rune('a'+*n%26))).Convert(v.Type().Key()), elem)
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Type().Field(i); f.Name {
			case "Solaris", "Windows", "VM", "ZOS", "FreeBSD":
			default:
				if f.Anonymous {
					for _, name := range []string{"Major", "Minor"} {
						fill(v.FieldByName(name), n)
					}
					continue
				}
				fill(v.Field(i), n)
			}
		}
	}
}

func TestDecodeKnowsEveryFieldOfASpecForLinux(t *testing.T) {
	var spec specs.Spec
	var n int64
	fill(reflect.ValueOf(&spec).Elem(), &n)
	if n < 300 {
		t.Fatalf("only %d values", n)
	}
	for _, indent := range []string{"", "\t"} {
		text, err := json.MarshalIndent(spec, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		if !agrees(t, string(text)) {
			t.Fatalf("not taken (is types_generated.go older than runtime-spec?): %s", text)
		}
	}
}

func TestDecodeTakesPlainJSON(t *testing.T) {
	for _, src := range []string{
		`{}`, " {\n}\t", `{}garbage`, `{"hostname":"a"}`, `{"hostname" : "a" , "domainname":"b"}`,
		`{"hostname":null}`, `{"process":null}`, `{"mounts":null}`, `{"mounts":[]}`, `{"mounts":[null]}`,
		`{"annotations":{}}`, `{"annotations":{"a":null}}`, `{"annotations":{"a":"1","a":"2"}}`, `{"annotations":null}`,
		`{"hostname":"A\"\\é\n<"}`, `{"hostname":"é"}`, `{"h\u006fstname":"x"}`,
		`{"process":{"terminal":true,"oomScoreAdj":-5,"user":{"uid":0,"gid":4294967295}}}`,
		`{"linux":{"resources":{"memory":{"limit":-1},"devices":[{"allow":false,"access":"rwm"}]}}}`,
		`{"process":{"user":null}}`, `{"process":{"args":[]}}`, `{"linux":{"devices":[{"fileMode":438}]}}`,
		`{"linux":{"netDevices":{"eth0":null}}}`, `{"linux":{"seccomp":{"syscalls":[{"names":["read"],"args":[{"value":18446744073709551615}]}]}}}`,
	} {
		if !agrees(t, src) {
			t.Errorf("not taken: %s", src)
		}
	}
}

func TestDecodeLeavesTheRest(t *testing.T) {
	for _, src := range []string{
		"", " ", "null", "null,", "[]", "1", `"x"`, "{", `{"hostname":`, `{"hostname":"a"`, `{"hostname":"a",}`, `{"hostname":"a" "b"}`,
		`{"Hostname":"a"}`, `{"hostname":"a","hostname":"b"}`, `{"unknown":1}`, `{"windows":{}}`,
		`{"hostname":1}`, `{"hostname":tru}`, `{"process":{"terminal":truex}}`, `{"process":{"terminal":1}}`, `{"mounts":{}}`, `{"mounts":[{}`,
		`{"mounts":[{},]}`, `{"mounts":[,]}`, `{"process":[]}`, `{"process":{"user":{"uid":-1}}}`, `{"process":{"user":{"uid":4294967296}}}`,
		`{"process":{"user":{"uid":1.0}}}`, `{"process":{"user":{"uid":1e3}}}`, `{"process":{"user":{"uid":01}}}`, `{"process":{"user":{"uid":+1}}}`,
		`{"process":{"user":{"uid":-}}}`, `{"process":{"user":{"uid":1x}}}`, `{"process":{"user":{"uid":}}}`,
		"{\"hostname\":\"a\nb\"}", "{\"hostname\":\"\xff\"}", `{"hostname":"\x"}`, `{"hostname":"\`, `{"hostname":"\"`, `{"hostname":"\u00`,
		`{"annotations":{"a":1}}`, `{"annotations":[]}`, `{"annotations":{"a"}}`, `{"hostname":nullx}`, "\ufeff{}",
	} {
		if agrees(t, src) {
			t.Errorf("taken: %s", src)
		}
	}
}

func TestDecodeProcess(t *testing.T) {
	var want specs.Process
	var n int64
	fill(reflect.ValueOf(&want).Elem(), &n)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := DecodeProcess(string(text) + "\n")
	if !ok || !reflect.DeepEqual(got, &want) {
		t.Errorf("%v, got %+v, want %+v", ok, got, &want)
	}
	for _, src := range []string{"", "null x", "{} x", string(text) + "{}", `{"argv":[]}`} {
		if _, ok := DecodeProcess(src); ok {
			t.Errorf("taken: %s", src)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var spec specs.Spec
	var n int64
	fill(reflect.ValueOf(&spec).Elem(), &n)
	text, err := json.Marshal(spec)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	files, err := filepath.Glob("../../testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(`{"annotations":{"a":"\ud800"},"mounts":[null,{"options":null}]}`)
	f.Fuzz(func(t *testing.T, src string) { agrees(t, src) })
}
