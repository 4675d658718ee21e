package rootfs

import (
	"reflect"
	"testing"

	"runc/libcontainer/internal/wire"
)

func TestPlanSurvivesTheWire(t *testing.T) {
	plan, err := NewPlan(defaultConfig("/r"), Layout{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := wire.Encode(*plan)
	if err != nil {
		t.Fatal(err)
	}
	var got Plan
	if err := wire.Decode(b, &got); err != nil {
		t.Fatal(err)
	}
	// What is not exported stays behind.
	got.console, got.sent = plan.console, plan.sent
	if !reflect.DeepEqual(&got, plan) {
		t.Errorf("got %s\nwant %s", mustJSON(got), mustJSON(plan))
	}
}
