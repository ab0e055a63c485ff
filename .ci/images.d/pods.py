"""The chart's pods, for an engine without a cluster; see .ci/images.

    pods.py CHART SECRETS SUBNET S3_KEY S3_SECRET OUT

Renders the chart with the secrets of a Compose deployment and writes what `podman kube play` 4.3 takes: OUT/claims.yaml, OUT/coordinator.yaml and
OUT/worker.yaml, OUT/secrets with a file for each Secret, OUT/pods.json with what a cluster's kubelet and DNS would know. The pods are as they were rendered, but:

* A StatefulSet, which that engine doesn't know, becomes the pod that its controller would make: NAME-0, with a claim for each template.
* The names that a cluster's DNS gives come by hostAliases, of an address of SUBNET that is given to the pod when it is played.
* Secrets are that engine's own, since it decodes none: it reads variables from JSON in base64, and a volume's files from YAML in clear.
* Volumes of Secrets say `optional: false`, as is the default: that engine ends with a fault where nothing is said.
* Annotations go: that engine refuses one of more than 63 characters, as the digest of the settings is.
* Ports go, which that engine would publish to everybody, and probes, which it asks from within, by a curl that the image hasn't.

What is left out: what speaks to a cluster alone (Service, NetworkPolicy, ServiceAccount).
"""

import base64
import copy
import ipaddress
import json
import pathlib
import sys

import yaml
from helm_python import Chart

LEFT_OUT = {"Service", "NetworkPolicy", "ServiceAccount"}
NAMESPACE = "lab"


def values(secrets, key, secret):
    read = lambda name: (secrets / name).read_text()
    return {
        "image": {"repository": "localhost/basin", "pullPolicy": "Never"},
        "store": {
            "url": "s3://basin/pods",
            "env": {"AWS_ENDPOINT_URL": "http://s3:3900", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "garage"},
            "credentials": {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret},
        },
        "tokens": {"file": read("coordinator/tokens")},
        "workerToken": {"value": read("worker/token")},
        "tls": {"cert": read("tls.crt"), "key": read("tls.key"), "ca": read("ca.crt")},
        "workers": [{"name": "cpu", "resources": {"limits": {"memory": "2Gi"}}}],
    }


def render(chart, given):
    files = Chart.load(chart).render(given, name="basin", namespace=NAMESPACE)
    documents = (document for path, text in sorted(files.items()) if not path.endswith("NOTES.txt") for document in yaml.safe_load_all(text))
    return [document for document in documents if document]


def first_pod(stateful_set):
    """The pod of number 0, and its claims."""
    spec, name = stateful_set["spec"], f"{stateful_set['metadata']['name']}-0"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": copy.deepcopy(spec["template"]["metadata"]), "spec": copy.deepcopy(spec["template"]["spec"])}
    pod["metadata"]["name"] = name
    claims = []
    for template in spec.get("volumeClaimTemplates", []):
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **copy.deepcopy(template)}
        claim["metadata"]["name"] = f"{template['metadata']['name']}-{name}"
        pod["spec"]["volumes"].append({"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}})
        claims.append(claim)
    return pod, claims


def fit(pod):
    """Changes of a pod (or a template of one) what that engine doesn't get over."""
    del pod["metadata"]["annotations"]
    for container in pod["spec"]["containers"]:
        for field in ("ports", "livenessProbe", "readinessProbe"):
            container.pop(field, None)
    for volume in pod["spec"]["volumes"]:
        if "secret" in volume:
            volume["secret"]["optional"] = False


def probes(pod):
    """What is asked of the pod's container, by which path and port."""
    container = pod["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    return {kind: {"path": (get := container[kind]["httpGet"])["path"], "port": ports[get["port"]]} for kind in ("livenessProbe", "readinessProbe")}


def main():
    chart, secrets, subnet, key, secret, out = sys.argv[1:]
    out = pathlib.Path(out)
    objects = render(chart, values(pathlib.Path(secrets), key, secret))
    by_kind = {}
    for document in objects:
        by_kind.setdefault(document["kind"], []).append(document)
    played = {"StatefulSet", "Deployment", "Secret"}
    unknown = set(by_kind) - played - LEFT_OUT
    if unknown or not played <= set(by_kind):
        raise SystemExit(f"pods.py: the chart has {sorted(by_kind)}")
    (stateful_set,), (deployment,) = by_kind["StatefulSet"], by_kind["Deployment"]
    pod, claims = first_pod(stateful_set)
    host = f"{pod['metadata']['name']}.{stateful_set['spec']['serviceName']}.{NAMESPACE}.svc"
    address = str(ipaddress.ip_network(subnet)[200])
    asked = probes(pod)
    fit(pod)
    fit(deployment["spec"]["template"])
    deployment["spec"]["template"]["spec"]["hostAliases"] = [{"ip": address, "hostnames": [host]}]
    (out / "secrets").mkdir()
    for secret in by_kind["Secret"]:
        name, text = secret["metadata"]["name"], secret["stringData"]
        variables = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
        (out / "secrets" / name).write_text(json.dumps(variables) if name == "basin-store" else yaml.safe_dump({"data": text}))
    # Of their own, since that engine makes a claim again when it plays it again, and fails.
    (out / "claims.yaml").write_text(yaml.safe_dump_all(claims, sort_keys=False))
    (out / "coordinator.yaml").write_text(yaml.safe_dump(pod, sort_keys=False))
    (out / "worker.yaml").write_text(yaml.safe_dump_all([deployment], sort_keys=False))
    (out / "pods.json").write_text(json.dumps({"address": address, "host": host, **asked}))


main()
