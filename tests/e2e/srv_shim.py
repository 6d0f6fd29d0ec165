"""What is loaded into the daemon to make the machine under it misbehave: tests/help/shims."""
import os
import struct

import lab


# Where LeakSanitizer can have no thread or /proc of its own at the end.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=86"}


def loaded(name, **variables):
    """The environment of a daemon that has the shim `name`; its variables in capitals."""
    options = "detect_leaks=1:abort_on_error=0:exitcode=86:verify_asan_link_order=0"
    return {"LD_PRELOAD": str(lab.BUILD / f"shims/{name}.so"), "ASAN_OPTIONS": options,
            **{key: str(value) for key, value in variables.items()}}


class Control:
    """A small file that the shim has mapped: what is put there is so at once."""

    def __init__(self, folder, form):
        self.path, self.form = f"{folder}/control", form
        self.set(*[0] * len(struct.unpack(form, bytes(struct.calcsize(form)))))

    def set(self, *values):
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack(self.form, *values), 0)
        os.close(fd)


class Rot(Control):
    """The disk of the daemon's state folder."""

    def __init__(self, d):
        super().__init__(d.folder, "BB")
        d.env = {**d.env, **loaded("rot", ROT_CONTROL=self.path, ROT_UNDER=d.state)}

    def fail(self, writes=0, reads=0):
        self.set(writes, reads)

    def heal(self):
        self.set(0, 0)


class Skew(Control):
    """The daemon's clocks, in seconds off the machine's."""

    def __init__(self, d):
        super().__init__(d.folder, "qq")
        d.env = {**d.env, **loaded("skew", SKEW_CONTROL=self.path)}
        self.wall = self.slept = 0

    def step(self, seconds):
        self.wall += seconds
        self.put()

    def sleep(self, seconds):
        self.wall += seconds
        self.slept += seconds
        self.put()

    def put(self):
        self.set(round(self.wall * 1e6), round(self.slept * 1e6))
