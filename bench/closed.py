"""A closed loop of 64 connections: wrk where there is one, else our own load."""

import json
import shutil
import subprocess
from pathlib import Path

from bench.load import Load, Plan, run
from bench.report import BenchError

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
wrk.body = [==[{body}]==]
function done(summary)
  local errors = summary.errors
  io.write(string.format('{{"requests": %d, "refused": %d, "broken": %d, "micros": %d}}\\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration))
end
"""


def tool() -> str:
    """Which of the two it is."""
    return "bench.load" if shutil.which("wrk") is None else "wrk"


def drive(plan: Plan, folder: Path) -> Load:
    """Run the plan's first body as fast as its connections go. Raises BenchError for a refused request."""
    program = shutil.which("wrk")
    if program is None:
        return run(plan)
    script = folder / "post.lua"
    script.write_text(_SCRIPT.format(token=plan.token, body=plan.bodies[0]))
    how = ["-t1", f"-c{plan.connections}", f"-d{round(plan.seconds)}s", "--timeout", "30s", "-s", str(script)]
    output = subprocess.run(
        [program, *how, plan.url], capture_output=True, text=True, check=True, timeout=plan.seconds + 60
    ).stdout
    return _read(output.splitlines()[-1])


def _read(line: str) -> Load:
    summary = json.loads(line)
    if summary["refused"] or summary["broken"]:
        raise BenchError(f"wrk: {summary['refused']} requests were refused, {summary['broken']} broke")
    return Load(summary["requests"], summary["requests"], summary["micros"] / 1e6)
