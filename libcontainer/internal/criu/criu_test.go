package criu

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/checkpoint-restore/go-criu/v8/rpc"
	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// TestMain makes the test binary a stand-in for CRIU when it is started as one:
// with a script in an environment variable that CRIU would be given too.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "swrk" {
		standIn(os.Getenv("CRIU_STANDIN"))
		return
	}
	os.Exit(m.Run())
}

// standIn answers requests as CRIU 4.1 does; features are those of the script,
// which may also say to die in the middle or to leave the socket to a child.
func standIn(script string) {
	sock := os.NewFile(socketFD, "sock")
	buf := make([]byte, maxPacket)
	send := func(resp *rpc.CriuResp) {
		b, err := resp.MarshalVT()
		if err != nil {
			panic(err)
		}
		if _, err := sock.Write(b); err != nil {
			os.Exit(3)
		}
	}
	recv := func() *rpc.CriuReq {
		n, err := sock.Read(buf)
		if err != nil || n == 0 {
			os.Exit(0)
		}
		req := new(rpc.CriuReq)
		if err := req.UnmarshalVT(buf[:n]); err != nil {
			panic(err)
		}
		return req
	}
	has := func(word string) bool { return slices.Contains(strings.Fields(script), word) }
	for {
		req := recv()
		kind := req.GetType()
		resp := &rpc.CriuResp{Type: &kind, Success: new(true)}
		switch kind {
		case rpc.CriuReqType_VERSION:
			resp.Version = &rpc.CriuVersion{MajorNumber: new(int32(4)), MinorNumber: new(int32(1))}
			if has("old") {
				resp.Version.MajorNumber = new(int32(2))
			}
		case rpc.CriuReqType_FEATURE_CHECK:
			resp.Features = &rpc.CriuFeatures{MemTrack: new(has("mem-track")), LazyPages: new(has("lazy"))}
		default:
			if b, err := req.MarshalVT(); err == nil {
				_ = os.WriteFile("request", b, 0o600)
			}
			if has("die") {
				os.Exit(9)
			}
			note := func(name string) bool {
				n := rpc.CriuReqType_NOTIFY
				send(&rpc.CriuResp{Type: &n, Success: new(true), Notify: &rpc.CriuNotify{Script: &name}})
				return recv().GetNotifySuccess()
			}
			ok := true
			for _, name := range []string{"pre-dump", "status-ready", "post-dump"} {
				ok = ok && note(name)
			}
			if !ok || has("fail") {
				_ = os.WriteFile("images/dump.log", []byte("(00.1) Error (criu/x.c:1): first\n(00.2)      1: Error (criu/x.c:2): second\n(00.3) Error (criu/cr-dump.c:1): Dumping FAILED.\n"), 0o600)
				resp.Success, resp.CrErrno = new(false), new(int32(22))
			}
		}
		send(resp)
	}
}

// dump has a stand-in dump this test itself, in an empty folder.
func dump(t *testing.T, script string, o Options) (*rpc.CriuOpts, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("bin", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, "bin/criu"); err != nil {
		t.Fatal(err)
	}
	cwd, _ := os.Getwd()
	t.Setenv("PATH", filepath.Join(cwd, "bin"))
	t.Setenv("CRIU_STANDIN", script)
	o.ImagesDirectory = filepath.Join(cwd, "images")
	d := &Dump{Config: &configs.Config{Rootfs: "/"}, Options: &o, Pid: os.Getpid(), Descriptors: []string{"a", "b", "c"}, Created: time.Unix(1, 0).UTC()}
	err = d.Run(context.Background())
	req := new(rpc.CriuReq)
	if b, e := os.ReadFile("request"); e == nil {
		if e := req.UnmarshalVT(b); e != nil {
			t.Fatal(e)
		}
	}
	return req.GetOpts(), err
}

func TestDump(t *testing.T) {
	opts, err := dump(t, "", Options{TcpEstablished: true, LinkRemap: true, ManageCgroupsSet: true})
	if err != nil {
		t.Fatal(err)
	}
	if !opts.GetTcpEstablished() || !opts.GetLinkRemap() || opts.GetFileLocks() || opts.ManageCgroupsMode == nil ||
		opts.GetManageCgroupsMode() != rpc.CriuCgMode_IGNORE || opts.GetConfigFile() != defaultConfig || opts.TrackMem != nil {
		t.Errorf("%+v", opts)
	}
	descriptors, info, err := readInfo("images")
	if err != nil || !slices.Equal(descriptors, []string{"a", "b", "c"}) || !info.Created.Equal(time.Unix(1, 0)) {
		t.Error(descriptors, info, err)
	}
}

func TestLazyDump(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	// Run closes the fd that it has been given.
	fd, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := dump(t, "lazy", Options{LazyPages: true, StatusFd: fd, PageServer: PageServer{"1.2.3.4", 5}})
	if err != nil {
		t.Fatal(err)
	}
	if !opts.GetLazyPages() || opts.GetPs().GetAddress() != "1.2.3.4" || opts.GetPs().GetPort() != 5 {
		t.Errorf("%+v", opts)
	}
	w.Close()
	buf := make([]byte, 8)
	if n, err := r.Read(buf); n != 1 || buf[0] != 0 {
		t.Errorf("the status fd got %q, %v", buf[:n], err)
	}
	if _, err := dump(t, "", Options{LazyPages: true}); !errors.Is(err, errNoLazyPages) {
		t.Error(err)
	}
}

func TestPreDump(t *testing.T) {
	if _, err := dump(t, "", Options{PreDump: true}); !errors.Is(err, errNoMemTrack) {
		t.Error(err)
	}
	opts, err := dump(t, "mem-track", Options{PreDump: true})
	if err != nil || !opts.GetTrackMem() {
		t.Errorf("%v %+v", err, opts)
	}
	if _, _, err := readInfo("images"); err == nil {
		t.Error("a pre-dump is nothing to restore from")
	}
}

func TestDumpOnParent(t *testing.T) {
	var warned string
	// The folder is made by the dump, the parent has to be there before.
	o := Options{ParentImage: "..", Warn: func(s string) { warned = s }}
	opts, err := dump(t, "mem-track", o)
	if err != nil || opts.GetParentImg() != ".." || !opts.GetTrackMem() || warned != "" {
		t.Errorf("%v %+v %q", err, opts, warned)
	}
	opts, err = dump(t, "", o)
	if err != nil || opts.GetParentImg() != ".." || opts.GetTrackMem() || !strings.Contains(warned, "mem_dirty_track") {
		t.Errorf("%v %+v %q", err, opts, warned)
	}
}

func TestFailures(t *testing.T) {
	for script, want := range map[string]string{
		"fail": "Error (criu/x.c:1): first; Error (criu/x.c:2): second; criu failed: type DUMP errno 22 (log file: ",
		"die":  "criu failed: type DUMP errno 0: CRIU ended before it was done (exit status 9)",
		"old":  "checkpoint and restore: needs CRIU 3.0.0 or newer, installed is 2.1.0",
	} {
		_, err := dump(t, script, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestNotificationRefused(t *testing.T) {
	// A status fd that cannot be written to ends the dump.
	_, err := dump(t, "lazy", Options{LazyPages: true, StatusFd: 1 << 20})
	if err == nil || !strings.Contains(err.Error(), "--status-fd: ") || !strings.Contains(err.Error(), "criu failed: type DUMP errno 22") {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"PATH=/bin", "SECRET=1", "CRIU_CONFIG_FILE=/x", "PATHS=1", "HOME="})
	if want := []string{"PATH=/bin", "CRIU_CONFIG_FILE=/x", "HOME="}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConfigFile(t *testing.T) {
	for _, tt := range []struct {
		labels []string
		want   string
	}{{nil, defaultConfig}, {[]string{"bundle=/b", "org.criu.config=/c"}, "/c"}, {[]string{"org.criu.config="}, ""}} {
		got := configFile(tt.labels)
		if (got == nil) != (tt.want == "") || got != nil && *got != tt.want {
			t.Errorf("%q: %v", tt.labels, got)
		}
	}
}

func TestParseCgroupRoots(t *testing.T) {
	text := "3:cpu,cpuacct:/a\n1:name=systemd:/b:c\n0::/d\n"
	list := func(unified bool) (all []string) {
		for _, r := range parseCgroupRoots(text, unified) {
			all = append(all, r.GetCtrl()+" "+r.GetPath())
		}
		return all
	}
	if got := list(false); !reflect.DeepEqual(got, []string{"cpu /a", "cpuacct /a", "name=systemd /b:c", " /d"}) {
		t.Errorf("%q", got)
	}
	if got := list(true); !reflect.DeepEqual(got, []string{" /d"}) {
		t.Errorf("%q", got)
	}
}

func TestPickErrors(t *testing.T) {
	log := "(00.1) Error (criu/util.c:1): rlimit: Can't setup RLIMIT_NOFILE for self: EPERM\n" +
		"(00.2) Warn  (criu/a.c:1): not an error\n(00.3) 5: Error (criu/a.c:2): one\n(00.3) 6: Error (criu/a.c:2): one\n" +
		"(00.4) Error (criu/a.c:3): two\n(00.5) Error (criu/a.c:4): three\n(00.6) Error (criu/a.c:5): four\n"
	want := []string{"Error (criu/a.c:2): one", "Error (criu/a.c:3): two", "Error (criu/a.c:4): three"}
	if got := pickErrors([]byte(log)); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestExternalNames(t *testing.T) {
	if a, b := externalName(configs.NEWNET), externalName(configs.NEWPID); a != "extRootNetNS" || b != "extRootPidNS" {
		t.Error(a, b)
	}
}

func TestRestoreMounts(t *testing.T) {
	image := t.TempDir()
	if err := os.Symlink("/real", filepath.Join(image, "link")); err != nil {
		t.Fatal(err)
	}
	config := &configs.Config{Rootfs: image, MaskPaths: []string{"/proc/kcore"}, Mounts: []*configs.Mount{
		{Device: "tmpfs", Destination: "/t"},
		{Device: "bind", Source: "/a", Destination: "/link/x", Flags: unix.MS_BIND},
		{Device: "bind", Source: "/b", Destination: "/link/x", Flags: unix.MS_BIND},
	}}
	config.Namespaces.Add(configs.NEWNS, "")
	list, err := restoreMounts(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.GetKey()+" "+m.GetVal())
	}
	if want := []string{"/real/x /b", "/dev/null /dev/null"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
