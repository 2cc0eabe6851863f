"""A program in a pseudo-terminal of its own: what it draws, and keys that are typed once it has drawn what they answer.

One argument, a JSON object: `command` and its arguments, `cwd`, `env` (all of it), `columns`, `rows`, `keys`: pairs of a regular expression
and a text, and `limit_s`. Prints a JSON object: `output` (all that was drawn), `code`, and `missing`, the first expression that never came.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

asked = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(asked["cwd"])
    os.execvpe(asked["command"][0], asked["command"], asked["env"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", asked["rows"], asked["columns"], 0, 0))

output = ""
seen = 0
keys = list(asked["keys"])
end = time.monotonic() + asked["limit_s"]
while time.monotonic() < end:
    while keys and (found := re.compile(keys[0][0], re.S).search(output, seen)):
        seen = found.end()
        os.write(terminal, keys.pop(0)[1].encode())
    if not select.select([terminal], [], [], 0.2)[0]:
        continue
    try:
        read = os.read(terminal, 65536)
    except OSError:
        read = b""
    if read == b"":
        break
    output += read.decode(errors="replace")
else:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
print(json.dumps({"output": output, "code": os.waitstatus_to_exitcode(status), "missing": keys[0][0] if keys else None}))
