"""The files for compose and Kubernetes: they fit together, and what they run exists."""

import os
import pathlib
import re
import subprocess

import yaml

SOURCE = pathlib.Path(os.environ.get("MIRROR_SRCDIR", pathlib.Path(__file__).resolve().parents[2]))
CONTAINER = SOURCE / "tools/container"


def variables_of_entry():
    return set(re.findall(r"MIRROR_[A-Z]+", (CONTAINER / "entry").read_text()))


def check_command(build, scratch, words):
    """Not wrong usage: the program gets as far as its configuration, which is missing."""
    if words[0] == "every":
        assert re.fullmatch(r"[1-9][0-9]*[smhd]", words[1])
        words = words[2:]
    if words[0] in ("redirector", "init", "sh", "sleep"):
        return
    config = str(scratch / "mb.toml")
    done = subprocess.run([build.program(words[0]), *words[1:]], text=True, capture_output=True, timeout=60,
                          env={**os.environ, "MB_CONFIG": config})
    assert done.returncode in (1, 3) and config in done.stderr + done.stdout, (words, done.stderr)


def merged(base, more):
    """As compose merges a second file: maps key by key, the second file's values win."""
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    return {**base, **{key: merged(base[key], value) if key in base else value for key, value in more.items()}}


def test_compose_files(build, scratch):
    base, demo = (yaml.safe_load((CONTAINER / name).read_text()) for name in ("compose.yaml", "demo.yaml"))
    services = merged(base["services"], demo["services"])
    assert {"database", "init", "redirector", "scan", "probe", "mirror-a", "demo-tree"} <= set(services)
    for name, service in services.items():
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "disable" not in services[other].get("healthcheck", {})
            else:
                assert services[other].get("restart", "no") == "no", "it must end"
        names = [secret if isinstance(secret, str) else secret["source"] for secret in service.get("secrets", [])]
        assert set(names) <= set(base["secrets"])
        for volume in service.get("volumes", []):
            source = re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            assert source.startswith("./") or source in base["volumes"], volume
        if name == "database":
            continue
        assert service["read_only"] and {"/run", "/tmp"} <= set(service["tmpfs"]) and "no-new-privileges:true" in service["security_opt"]
        assert service["cap_drop"] == ["ALL"] or name == "demo-tree"
        assert set(service.get("environment", {})) <= variables_of_entry()
        check_command(build, scratch, service["command"])


def pods(objects):
    for thing in objects:
        spec = thing.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            if "selector" in spec:
                assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
            yield thing["metadata"]["name"], spec["template"]


def test_kubernetes_objects(build, scratch):
    objects = list(yaml.safe_load_all((CONTAINER / "kubernetes.yaml").read_text()))
    (config,), (service,) = ([thing for thing in objects if thing["kind"] == kind] for kind in ("ConfigMap", "Service"))
    assert "Secret" not in {thing["kind"] for thing in objects}, "an upgrade would set it anew"
    (secret,) = re.findall(r"create secret generic (\S+)((?: +--from-file=\S+| \\\n)+)", (SOURCE / "doc/containers.md").read_text())
    keys = set(re.findall(r"--from-file=(\w+)", secret[1]))
    found = dict(pods(objects))
    assert set(found) == {"mirror-init", "mirror-redirector", "mirror-scan", "mirror-probe", "mirror-source"}
    for name, template in found.items():
        pod, (container,) = template["spec"], template["spec"]["containers"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert set(mounts) == set(volumes) and {"/run", "/tmp"} <= set(mounts.values())
        for volume in volumes.values():
            if "secret" in volume:
                assert volume["secret"]["secretName"] == secret[0] and {item["key"] for item in volume["secret"]["items"]} <= keys
        for variable in container["env"]:
            assert variable["name"] in variables_of_entry() | {"HOST"}
            if "valueFrom" in variable:
                assert variable["valueFrom"]["configMapKeyRef"]["key"] in config["data"]
        check_command(build, scratch, container["args"])
    redirector = found["mirror-redirector"]
    (container,) = redirector["spec"]["containers"]
    assert service["spec"]["selector"] == redirector["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    # What needs the catalog must not have a pod restarted.
    probes = {name: container[name]["exec"]["command"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {"startupProbe": ["mirror", "alive"], "livenessProbe": ["mirror", "alive"], "readinessProbe": ["mirror", "health"]}
    assert next(volume for volume in redirector["spec"]["volumes"] if volume["name"] == "catalog")["emptyDir"]["sizeLimit"]
