package rootfs

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runc/libcontainer/configs"
)

// bindOptions are the options of the table, as specconv sorts them.
var bindOptions = map[string]struct{ set, cleared int }{
	"ro": {unix.MS_RDONLY, 0}, "rw": {0, unix.MS_RDONLY},
	"nosuid": {unix.MS_NOSUID, 0}, "suid": {0, unix.MS_NOSUID},
	"nodev": {unix.MS_NODEV, 0}, "dev": {0, unix.MS_NODEV},
	"noexec": {unix.MS_NOEXEC, 0}, "exec": {0, unix.MS_NOEXEC},
	"nosymfollow": {unix.MS_NOSYMFOLLOW, 0}, "symfollow": {0, unix.MS_NOSYMFOLLOW},
	"noatime": {unix.MS_NOATIME, 0}, "atime": {0, unix.MS_NOATIME},
	"nodiratime": {unix.MS_NODIRATIME, 0}, "diratime": {0, unix.MS_NODIRATIME},
	"relatime": {unix.MS_RELATIME, 0}, "norelatime": {0, unix.MS_RELATIME},
	"strictatime": {unix.MS_STRICTATIME, 0}, "nostrictatime": {0, unix.MS_STRICTATIME},
}

// bindTable says what becomes of a source that is mounted with some flags, when
// it is bound with some options: as the kernel shows it in mountinfo, without
// and with a user namespace. "refused" is an error, empty the same as without.
var bindTable = [...]struct{ source, options, want, userns string }{
	// No option: the mount keeps all.
	{"", "", "rw,relatime", ""},
	{"ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow", "", "ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow", ""},
	{"strictatime", "", "rw", ""},

	// One that adds, to a source that has none.
	{"", "ro", "ro,relatime", ""},
	{"", "nosuid", "rw,nosuid,relatime", ""},
	{"", "nodev", "rw,nodev,relatime", ""},
	{"", "noexec", "rw,noexec,relatime", ""},
	{"", "nosymfollow", "rw,relatime,nosymfollow", ""},
	{"", "noatime", "rw,noatime", "refused"},
	{"", "nodiratime", "rw,nodiratime,relatime", "refused"},
	{"", "strictatime", "rw", "refused"},
	{"", "relatime", "rw,relatime", ""},

	// One that switches off what the source has: the others go, too, unless
	// they are locked. A locked one cannot be switched off.
	{"ro,nosuid,nodev,noexec,nosymfollow", "rw", "rw,relatime", "refused"},
	{"ro,nosuid,nodev,noexec,nosymfollow", "suid", "rw,relatime", "refused"},
	{"ro,nosuid,nodev,noexec,nosymfollow", "dev", "rw,relatime", "refused"},
	{"ro,nosuid,nodev,noexec,nosymfollow", "exec", "rw,relatime", "refused"},
	{"ro,nosuid,nodev,noexec,nosymfollow", "symfollow", "rw,relatime", "ro,nosuid,nodev,noexec,relatime"},
	{"ro,nosuid,nodev,noexec,nosymfollow", "dev,suid,exec,rw", "rw,relatime", "refused"},

	// One that switches off what the source has not.
	{"ro", "dev", "rw,relatime", "ro,relatime"},
	{"nodev", "rw", "rw,relatime", "rw,nodev,relatime"},
	{"ro,noexec,nosymfollow,nodiratime", "dev", "rw,nodiratime,relatime", "ro,noexec,nodiratime,relatime"},
	{"nodev,nosymfollow", "rw", "rw,relatime", "rw,nodev,relatime"},
	{"nosuid,nodev", "exec,symfollow", "rw,relatime", "rw,nosuid,nodev,relatime"},

	// One that adds takes the others away, unless they are locked.
	{"nosuid,nodev", "ro", "ro,relatime", "ro,nosuid,nodev,relatime"},
	{"nodev,nosymfollow", "ro,symfollow", "ro,relatime", "ro,nodev,relatime"},
	{"nodev,nosymfollow", "ro", "ro,relatime", "ro,nodev,relatime"},
	{"nodev,nosymfollow", "nosymfollow", "rw,relatime,nosymfollow", "rw,nodev,relatime,nosymfollow"},
	{"nosuid,noatime", "ro,noexec", "ro,noexec,noatime", "ro,nosuid,noexec,noatime"},

	// Access times: an option that only switches off is without effect.
	{"noatime", "norelatime", "rw,noatime", ""},
	{"noatime", "atime", "rw,noatime", ""},
	{"noatime", "nostrictatime", "rw,noatime", ""},
	{"nodiratime", "diratime", "rw,nodiratime,relatime", ""},
	{"strictatime", "atime", "rw", ""},
	{"noatime,nodiratime", "rw", "rw,noatime,nodiratime", ""},
	{"nodev,nosuid,noexec,noatime", "dev,suid,exec,atime", "rw,noatime", "refused"},
	// ... but where the source is locked it must not be silently so.
	{"nodev,noatime", "atime", "rw,noatime", "refused"},
	{"nodev,nodiratime", "diratime", "rw,nodiratime,relatime", "refused"},
	{"nodev,strictatime", "atime", "rw", "rw,nodev"},
	// One that is set replaces all of them; locked ones cannot change.
	{"noatime", "relatime", "rw,relatime", "refused"},
	{"noatime", "strictatime", "rw", "refused"},
	{"strictatime", "relatime", "rw,relatime", "refused"},
	{"strictatime", "strictatime", "rw", ""},
	{"noatime", "noatime", "rw,noatime", ""},
	{"noatime,nodiratime", "relatime", "rw,relatime", "refused"},
	{"noatime,nodiratime", "noatime", "rw,noatime", "rw,noatime,nodiratime"},
	{"noatime,nodiratime", "nodiratime", "rw,nodiratime,relatime", "rw,noatime,nodiratime"},
	{"noatime", "nodiratime", "rw,nodiratime,relatime", "refused"},
	{"nodiratime", "noatime,nodiratime", "rw,noatime,nodiratime", "refused"},
	// The last one of strictatime and noatime does not win: strictatime does.
	{"", "noatime,strictatime", "rw", "refused"},
	{"", "noatime,relatime", "rw,noatime", "refused"},
}

func TestBindFlags(t *testing.T) {
	needRoot(t)
	for _, userns := range []bool{false, true} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("userns %v, old kernel %v", userns, old), func(t *testing.T) { bindFlags(t, userns, old) })
		}
	}
}

func bindFlags(t *testing.T, userns, old bool) {
	b := newBox(t)
	b.old = old
	if userns {
		b.inUserNS()
	}
	base := b.cfg.Mounts
	// One container has all the accepted ones.
	const first, last = "mount --make-rprivate /; ", "exec $0"
	before := ""
	var mounts [len(bindTable)]string
	var lines []string
	var refused []int
	for i, row := range bindTable {
		src := b.host(fmt.Sprint("src", i))
		check(t, os.Mkdir(src, 0o755))
		// The mount has the flags, not the file system, which could not lose ro.
		mounts[i] = fmt.Sprintf("mount -t tmpfs src %s; mount -o remount,bind,%s %s; ", src, or(row.source, "rw,relatime"), src)
		want := row.want
		if userns && row.userns != "" {
			want = row.userns
		}
		if want == "refused" {
			refused = append(refused, i)
			continue
		}
		before += mounts[i]
		b.mount(bindRow(t, i, src))
		lines = append(lines, fmt.Sprintf("/m/%d %s", i, want))
	}
	b.before = first + before + last
	out := b.must("awk '$5 ~ \"^/m/\" { print $5, $6 }' /proc/self/mountinfo")
	for i, got := range strings.Split(strings.TrimSpace(out), "\n") {
		if i < len(lines) && got != lines[i] {
			var row int
			_, _ = fmt.Sscanf(got, "/m/%d", &row)
			t.Errorf("source %q, options %q: %s, want %s", bindTable[row].source, bindTable[row].options, got, lines[i])
		}
	}
	for _, i := range refused {
		b.before = first + mounts[i] + last
		b.cfg.Mounts = append(base[:len(base):len(base)], bindRow(t, i, b.host(fmt.Sprint("src", i))))
		_, err := b.run("true")
		if err == nil || !regexp.MustCompile("cannot clear locked flags [a-z]").MatchString(err.Error()) {
			t.Errorf("source %q, options %q: %v", bindTable[i].source, bindTable[i].options, err)
		}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func bindRow(t *testing.T, i int, src string) *configs.Mount {
	m := &configs.Mount{Source: src, Destination: fmt.Sprint("/m/", i), Device: "bind", Flags: unix.MS_BIND}
	if bindTable[i].options == "" {
		return m
	}
	for _, name := range strings.Split(bindTable[i].options, ",") {
		o, ok := bindOptions[name]
		if !ok {
			t.Fatalf("option %q", name)
		}
		m.Flags |= o.set
		m.ClearedFlags |= o.cleared
	}
	return m
}
