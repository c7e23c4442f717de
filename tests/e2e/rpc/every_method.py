"""Every method of the protocol, through Supervisor's own transport; prints how many there are."""

import sys
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport

URL, FILE = sys.argv[1:]
called = set()


def connect():
    if URL.startswith("http:"):
        return xmlrpc.client.ServerProxy(URL + "/RPC2")
    return xmlrpc.client.ServerProxy("http://localhost", SupervisorTransport(None, None, URL))


server = connect()


def call(name, *parameters):
    called.add(name)
    return getattr(server, name)(*parameters)


def ours(name, *parameters):
    return call("supervisor." + name, *parameters)


def fault(number, name, *parameters):
    try:
        answer = call(name, *parameters)
    except xmlrpc.client.Fault as error:
        assert error.faultCode == number, (name, parameters, error)
        return error.faultString
    raise AssertionError((name, parameters, answer))


def same(found, expected):
    assert found == expected, (found, expected)


methods = call("system.listMethods")
same(methods, sorted(methods))
for method in methods:
    signature = call("system.methodSignature", method)
    assert all(kind in ("string", "int", "boolean", "array", "struct") for kind in signature)
    assert call("system.methodHelp", method)
same(call("system.methodSignature", "supervisor.signalProcess"), ["boolean", "string", "string"])
same(fault(4, "system.methodHelp", "nosuch"), "SIGNATURE_UNSUPPORTED")
same(fault(4, "system.methodSignature", "nosuch"), "SIGNATURE_UNSUPPORTED")

# What the engine is.
same(ours("getAPIVersion"), "3.0")
same(ours("getVersion"), "3.0")
same(ours("getSupervisorVersion"), "4.3.0")
same(ours("getIdentification"), "default")
same(ours("getState"), {"statecode": 1, "statename": "RUNNING"})
assert ours("getPID") > 1

# What the processes are.
KEYS = {
    "name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus",
    "logfile", "stdout_logfile", "stderr_logfile", "pid", "description",
}
info = ours("getProcessInfo", "cat")
same(set(info), KEYS)
same((info["state"], info["statename"], info["group"]), (20, "RUNNING", "cat"))
assert info["description"].startswith("pid %d, uptime 0:" % info["pid"]), info
assert info["now"] >= info["start"] > 1_500_000_000
assert info["logfile"] == info["stdout_logfile"] != info["stderr_logfile"] == ""
same(ours("getProcessInfo", "idle")["description"], "Not started")
same(fault(10, "supervisor.getProcessInfo", "web:*"), "BAD_NAME: web:*")
same(fault(10, "supervisor.getProcessInfo", "web"), "BAD_NAME: web")
names = [(row["group"], row["name"]) for row in ours("getAllProcessInfo")]
same(names, sorted(names))
assert ("web", "web_01") in names
rows = ours("getAllConfigInfo")
same([row["name"] for row in rows], ["cat", "colour", "idle", "quick", "web_00", "web_01"])
row = rows[0]
same(
    {key: row[key] for key in ("autostart", "inuse", "group_prio", "startsecs", "stopsignal", "uid")},
    {"autostart": True, "inuse": True, "group_prio": 999, "startsecs": 1, "stopsignal": 15, "uid": "none"},
)
same(len(row), 29)

# Starting, stopping, signals.
same(ours("startProcess", "idle"), True)
same(fault(60, "supervisor.startProcess", "idle"), "ALREADY_STARTED: idle")
same(ours("stopProcess", "idle", False), True)
while ours("getProcessInfo", "idle")["state"] == 40:
    pass
same(fault(70, "supervisor.stopProcess", "idle"), "NOT_RUNNING: idle")
same(fault(50, "supervisor.startProcess", "quick"), "SPAWN_ERROR: quick")
same(ours("getProcessInfo", "quick")["exitstatus"], 3)
same(fault(10, "supervisor.startProcess", "nosuch"), "BAD_NAME: nosuch")


def outcome(name, group="web", status=80, description="OK"):
    return {"name": name, "group": group, "status": status, "description": description}


BOTH = [outcome("web_00"), outcome("web_01")]
same(ours("signalProcessGroup", "web", "CONT"), BOTH)
same(ours("signalProcess", "web:*", "SIGCONT"), BOTH)
same(ours("signalProcess", "web:web_00", 18), True)
same(ours("signalProcess", "web:web_00", "18"), True)
same(fault(11, "supervisor.signalProcess", "web:web_00", "BOGUS"), "BAD_SIGNAL: BOGUS")
same(fault(70, "supervisor.signalProcess", "idle", "HUP"), "NOT_RUNNING: idle")
same(len(ours("signalAllProcesses", "CONT")), 4)
same(ours("stopProcessGroup", "web"), BOTH)
same(ours("stopProcessGroup", "web"), [])
same(ours("startProcessGroup", "web"), BOTH)
same(ours("stopProcess", "web:*"), BOTH)
same(ours("startProcess", "web:"), BOTH)
stopped = {row["name"] for row in ours("stopAllProcesses")}
same(stopped, {"cat", "colour", "web_00", "web_01"})
started = {row["name"]: row["status"] for row in ours("startAllProcesses")}
same(started, {"cat": 80, "colour": 80, "idle": 80, "quick": 50, "web_00": 80, "web_01": 80})

# Logs. Control characters and broken text are no trouble for the client.
text = ours("readProcessStdoutLog", "colour", 0, 0)
assert "[31mred" in text and "\u00e9" in text, text
same(ours("readProcessLog", "colour", 0, 0), text)
same(ours("readProcessStderrLog", "colour", -100, 0), "")
same(fault(3, "supervisor.readProcessLog", "colour", -1, 1), "BAD_ARGUMENTS")
same(fault(3, "supervisor.readProcessLog", "colour", 0, -1), "BAD_ARGUMENTS")
assert fault(10, "supervisor.readProcessLog", "nosuch", 0, 0)
content, offset, overflow = ours("tailProcessStdoutLog", "colour", 0, 2)
same((content, overflow), ("\n", True))  # Half a character is left out.
same(ours("tailProcessLog", "colour", 0, 2), [content, offset, overflow])
same(ours("tailProcessStderrLog", "colour", 0, 100), ["", 0, False])
same(ours("clearProcessLogs", "colour"), True)
same(ours("clearProcessLog", "colour"), True)
same(ours("readProcessStdoutLog", "colour", 0, 0), "")
assert all(row["status"] == 80 for row in ours("clearAllProcessLogs"))
assert "[notice]" in ours("readLog", -500, 0)
assert ours("readMainLog", 0, 10)
same(ours("clearLog"), True)

# Input and events.
same(fault(70, "supervisor.sendProcessStdin", "quick", "x\n"), "NOT_RUNNING: quick")
same(fault(20, "supervisor.sendProcessStdin", "idle", "x\n"), "NO_FILE: idle")
same(fault(10, "supervisor.sendProcessStdin", "nosuch", "x\n"), "BAD_NAME: nosuch")
same(ours("sendProcessStdin", "cat", "to the cat\n"), True)
while ours("readProcessStdoutLog", "cat", 0, 0) != "to the cat\n":
    pass
same(ours("sendRemoteCommEvent", "type", "data"), True)

# Groups.
same(ours("reloadConfig"), [[[], [], []]])
same(fault(90, "supervisor.addProcessGroup", "cat"), "ALREADY_ADDED: cat")
same(fault(10, "supervisor.addProcessGroup", "nosuch"), "BAD_NAME: nosuch")
same(fault(91, "supervisor.removeProcessGroup", "cat"), "STILL_RUNNING: cat")
with open(FILE) as file:
    before = file.read()
with open(FILE, "w") as file:
    file.write(before.replace('"sleep 1000"\ninstances = 2', '"sleep 999"\ninstances = 2') + '[program.new]\ncommand = "cat"\n')
same(ours("reloadConfig"), [[["new"], ["web"], []]])
same(ours("addProcessGroup", "new"), True)
ours("stopProcessGroup", "web")
same(ours("removeProcessGroup", "web"), True)
same(fault(10, "supervisor.removeProcessGroup", "web"), "BAD_NAME: web")
same([row["inuse"] for row in ours("getAllConfigInfo") if row["group"] == "web"], [False, False])
same(ours("addProcessGroup", "web"), True)
same(ours("reloadConfig"), [[[], [], []]])

# Several at once.
results = call("system.multicall", [
    {"methodName": "supervisor.getVersion", "params": []},
    {"methodName": "supervisor.getVersion"},
    {"methodName": "supervisor.nosuch", "params": []},
    {"methodName": "system.multicall", "params": [[]]},
    {"params": []},
    {"methodName": "supervisor.stopProcess", "params": ["cat"]},
    {"methodName": "supervisor.startProcess", "params": ["cat"]},
])
same([r.get("faultCode") if isinstance(r, dict) else r for r in results], ["3.0", "3.0", 1, 2, 2, True, True])

# The end.
same(ours("restart"), True)
same(ours("shutdown"), True)
try:
    same(fault(6, "supervisor.getState"), "SHUTDOWN_STATE")
except (OSError, xmlrpc.client.ProtocolError):
    pass  # It may be gone by now.

same(called, set(methods))
print(len(methods), "methods")
