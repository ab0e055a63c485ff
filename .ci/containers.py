"""deploy/Dockerfile and deploy/compose.yaml against the sources and against each other; see .ci/containers."""

import pathlib
import re
import tomllib

import dockerfile_parse
import yaml
from compose_spec.compose_spec import PyCompose


def expect(condition, what):
    if not condition:
        raise SystemExit(f"containers: {what}")


def check_dockerfile():
    path = pathlib.Path("deploy/Dockerfile")
    parsed = dockerfile_parse.DockerfileParser(str(path))
    stages, current = {}, None
    for step in parsed.structure:
        if step["instruction"] == "FROM":
            image, _, name = step["value"].partition(" AS ")
            current = stages.setdefault(name, {"from": image, "steps": []})
        elif step["instruction"] != "COMMENT" and current is not None:
            current["steps"].append((step["instruction"], step["value"]))
    expect({"cpu", "cuda"} <= set(stages), f"stages are {list(stages)}")
    for name, stage in stages.items():
        for instruction, value in stage["steps"]:
            found = re.search(r"--from=(\S+)", value)
            expect(not found or found[1] in stages, f"{name} copies from {found and found[1]}")
        expect("/" in stage["from"] or stage["from"] in stages, f"{name} is from {stage['from']}")
    for name in ("cpu", "cuda"):
        steps = dict(stages[name]["steps"])
        expect(steps["USER"] == "65532:65532", f"{name} runs as {steps['USER']}")
        expect(steps["ENTRYPOINT"] == '["/usr/local/bin/basin"]', f"{name} starts {steps['ENTRYPOINT']}")
    # What is compiled is what is copied, with a toolchain that is new enough.
    ignored = pathlib.Path("deploy/Dockerfile.dockerignore").read_text().split()
    workspace = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["workspace"]
    for member in workspace["members"]:
        folders = ["/".join(member.split("/")[:depth]) for depth in range(1, member.count("/") + 2)]
        expect(any(f"!{folder}" in ignored for folder in folders), f"{member} isn't copied into the build")
    toolchain = re.search(r":(\d+\.\d+)-", stages["toolchain"]["from"])[1]
    version = lambda text: [int(part) for part in text.split(".")]
    expect(version(toolchain) >= version(workspace["package"]["rust-version"]), f"Rust {toolchain} is too old")
    print(f"Dockerfile: {len(stages)} stages fit together")


def check_compose():
    text = pathlib.Path("deploy/compose.yaml").read_text()
    # As Compose reads it: variables filled in, then merged.
    filled = re.sub(r"\$\{\w+(?::([-?])([^}]*))?\}", lambda m: m[2] if m[1] == "-" else "filled", text)
    compose = yaml.safe_load(filled)
    own = {key: value for key, value in compose.items() if not key.startswith("x-")}
    PyCompose.from_yaml(yaml.safe_dump(own))
    for wrong in ({"restart": "perhaps"}, {"stop_grace_period": "soon"}, {"imagee": "x"}):
        broken = {**own, "services": {**own["services"], "s3": {**own["services"]["s3"], **wrong}}}
        try:
            PyCompose.from_yaml(yaml.safe_dump(broken))
        except Exception:
            continue
        expect(False, f"{wrong} was not noticed")
    known = {"name", "services", "volumes", "networks"}
    expect({key for key in compose if not key.startswith("x-")} <= known, list(compose))
    services = compose["services"]
    fields = {
        "image", "build", "user", "read_only", "cap_drop", "security_opt", "restart", "networks", "command", "environment",
        "volumes", "tmpfs", "ports", "stop_grace_period", "depends_on", "profiles", "deploy", "healthcheck",
    }
    given = pathlib.Path("deploy/compose/secrets.sh").read_text()
    for name, service in services.items():
        for used in service.get("volumes", []):
            # What is mounted of this folder is here, or is made by secrets.sh.
            source = used.split(":")[0]
            made = source.startswith("./compose/secrets/") and source.removeprefix("./compose/secrets/") in ("coordinator", "worker")
            expect(not source.startswith(".") or made or pathlib.Path("deploy", source).is_file(), f"{name} mounts {source}")
        expect(set(service) <= fields, f"{name} has {set(service) - fields}")
        for kind in ("networks", "volumes"):
            for used in service.get(kind, []):
                source = used.split(":")[0]
                expect(source.startswith(("/", ".")) or source in compose[kind], f"{name}: no {kind[:-1]} {source}")
        for other in service.get("depends_on", {}):
            expect(other in services, f"{name} waits for {other}")
            if isinstance(service["depends_on"], dict) and service["depends_on"][other]["condition"] == "service_healthy":
                expect("healthcheck" in services[other], f"{other} says nothing of its health")
        # podman makes no tmpfs of another owner, and runc gives one the mode of the image's folder when a container is started again.
        expect(service.get("tmpfs", ["/tmp:mode=1777"]) == ["/tmp:mode=1777"], f"{name} has {service.get('tmpfs')}")
        for port in service.get("ports", []):
            expect(port.startswith("127.0.0.1:"), f"{name} publishes {port} to everybody")
    for name in ("coordinator", "standby", "worker"):
        service = services[name]
        expect(service["read_only"] and service["user"] == "65532:65532" and service["cap_drop"] == ["ALL"], f"{name}: security")
        expect(f"--tokens=" in str(service["command"]) or "--token-file=" in str(service["command"]), f"{name} shows no token")
    certified = re.search(r"subjectAltName=(\S+)\"", given)[1].split(",")
    for name in ("coordinator", "standby"):
        flags = dict(word.removeprefix("--").partition("=")[::2] for word in services[name]["command"][1:])
        expect({"tls-cert", "tls-key", "tokens"} <= set(flags) and "insecure-plaintext" not in flags, f"{name} isn't secured: {flags}")
        expect(flags["advertise"] == f"https://{name}:7470" and f"DNS:{name}" in certified, f"{name} is dialled by a name that its certificate has not")
        expect(flags["advertise"] in str(services["worker"]["command"]), f"workers don't know {name}")
    expect({"DNS:localhost", "IP:127.0.0.1"} <= set(certified), "people dial localhost")
    expect("--tls-ca=/etc/basin/ca.crt" in services["worker"]["command"], "workers trust no authority")
    grace = next(int(a.partition("=")[2]) for a in services["worker"]["command"] if a.startswith("--grace="))
    expect(int(services["worker"]["stop_grace_period"].rstrip("s")) > grace, "workers are killed while they leave")
    expect(services["coordinator"]["environment"]["AWS_ENDPOINT_URL"] == "http://s3:3900" and "api_bind_addr = \"0.0.0.0:3900\"" in pathlib.Path("deploy/compose/garage.toml").read_text(), "the S3 server's port")
    print(f"compose.yaml: {len(services)} services are valid")


check_dockerfile()
check_compose()
