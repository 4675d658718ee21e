package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestIndentedIsWhatEncodingJSONWrites(t *testing.T) {
	for _, s := range []containerState{
		{},
		{Version: "1.3.0", ID: "a", Pid: 12, Status: "running", Bundle: "/b <&>", Rootfs: "/ü", Owner: "root",
			Created: time.Date(2026, 1, 2, 3, 4, 5, 60, time.UTC)},
		{ID: "a", Annotations: map[string]string{"z\"": "1", "a": "\n"}},
	} {
		want, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if got := s.indented(); string(got) != string(want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
