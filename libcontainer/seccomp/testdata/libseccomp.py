# Compiles profiles with libseccomp, for comparison: reads a JSON array of
# profiles (as configs.Seccomp has them in state.json, by libseccomp's names),
# writes a JSON array of {"bpf": base64, "newest": {arch: number}, "unknown": [names]}.
import base64, json, sys, tempfile
import seccomp as s

ARCH = {"amd64": s.Arch.X86_64, "x86": s.Arch.X86, "x32": s.Arch.X32}
OP = {1: s.EQ, 2: s.NE, 3: s.GT, 4: s.GE, 5: s.LT, 6: s.LE, 7: s.MASKED_EQ}


def action(a, errno):
    e = 1 if errno is None else errno
    return {1: s.KILL, 2: s.ERRNO(e), 3: s.TRAP, 4: s.ALLOW, 5: s.TRACE(e), 6: s.LOG,
            7: s.NOTIFY, 8: s.KILL, 9: s.KILL_PROCESS}[a]


def compile(p):
    default = action(p["default_action"], p.get("default_errno_ret"))
    f = s.SyscallFilter(defaction=default)
    for a in p.get("architectures") or []:
        if a != "amd64":
            f.add_arch(ARCH[a])
    unknown = []
    newest = {}
    for r in p.get("syscalls") or []:
        try:
            s.resolve_syscall(s.Arch.X86_64, r["name"])
            known = s.resolve_syscall(s.Arch.X86_64, r["name"]) != -1
        except Exception:
            known = False
        if not known:
            unknown.append(r["name"])
            continue
        for a in ARCH:
            try:
                n = s.resolve_syscall(ARCH[a], r["name"])
            except Exception:
                continue
            if n >= 0:
                newest[a] = max(newest.get(a, -1), n)
        act = action(r["action"], r.get("errnoRet"))
        if act == default:
            continue
        args = [s.Arg(a["index"], OP[a["op"]], a["value"], a["value_two"]) for a in r.get("args") or []]
        index = [a["index"] for a in r.get("args") or []]
        if len(set(index)) == len(index):
            f.add_rule(act, r["name"], *args)
        else:
            for a in args:
                f.add_rule(act, r["name"], a)
    with tempfile.TemporaryFile() as t:
        f.export_bpf(t)
        t.seek(0)
        return {"bpf": base64.b64encode(t.read()).decode(), "newest": newest, "unknown": unknown}


json.dump([compile(p) for p in json.load(sys.stdin)], sys.stdout)
