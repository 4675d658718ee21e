package specconv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestLoadReadsWhatSpecWrites(t *testing.T) {
	want := Example()
	b, err := json.MarshalIndent(want, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, append(b, "\ntrailing"...), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestLoadTakesWhatOnlyEncodingJSONReads(t *testing.T) {
	s, err := parse("config.json", []byte(`{"HOSTNAME":"a","x":[{"y":null}],"linux":{"y":1},"windows":{"servicing":true}}`))
	if err != nil || s.Hostname != "a" || s.Linux == nil || !s.Windows.Servicing {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"", "EOF (config.json, line 1)"},
		{"{\n\"process\":", "unexpected EOF (config.json, line 2)"},
		{"null", "config cannot be null"},
		{"[]", "json: cannot unmarshal array into Go value of type specs.Spec (config.json, line 1)"},
		{"{\n\"process\":{\n\"cwd\":1}}", "json: cannot unmarshal number into Go struct field Process.process.cwd of type string (config.json, line 3)"},
		{"{\n\n,}", "invalid character ',' looking for beginning of object key string (config.json, line 3)"},
	} {
		if _, err := parse("config.json", []byte(tc.text)); err == nil || err.Error() != tc.want {
			t.Errorf("%q: got %v, want %s", tc.text, err, tc.want)
		}
	}
	if _, err := Load("nosuch.json"); err == nil || err.Error() != "JSON specification file nosuch.json not found" {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory was read")
	}
}
