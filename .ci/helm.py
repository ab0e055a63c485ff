"""Renders the chart for several values and checks what comes out; see .ci/helm."""

import copy
import json
import pathlib
import re
import shutil
import sys
import tempfile
import warnings

import jsonschema
import yaml
from helm_python import Chart, HelmError

warnings.filterwarnings("ignore")
import kubernetes_validate  # noqa: E402

CHART = pathlib.Path(sys.argv[1])
# The oldest that Chart.yaml allows and the newest whose schemas we have.
VERSIONS = ["1.25", "1.37"]
QUANTITIES = {"cpu": "1", "memory": "1Gi"}

# What the two operators' own resources may hold, as far as the chart uses them. Their schemas aren't Kubernetes'.
METADATA = {"type": "object", "required": ["name", "labels"]}


def resource(version, required, properties):
    """The schema of a resource of this API whose spec holds these."""
    spec = {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"apiVersion": {"const": version}, "kind": {}, "metadata": METADATA, "spec": spec},
    }


OWN_SCHEMAS = {
    "ServiceMonitor": resource(
        "monitoring.coreos.com/v1",
        ["selector", "endpoints"],
        {
            "selector": {"type": "object", "required": ["matchLabels"], "additionalProperties": False, "properties": {"matchLabels": {"type": "object"}}},
            "endpoints": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["port", "path"],
                    "properties": {"port": {"type": "string"}, "path": {"const": "/metrics"}, "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}},
                },
            },
        },
    ),
    "PrometheusRule": resource(
        "monitoring.coreos.com/v1",
        ["groups"],
        {
            "groups": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name", "rules"],
                    "properties": {
                        "name": {"type": "string"},
                        "rules": {
                            "type": "array",
                            "minItems": 1,
                            "items": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["alert", "expr", "labels", "annotations"],
                                "properties": {k: {"type": "string"} for k in ("alert", "expr", "for")} | {k: {"type": "object"} for k in ("labels", "annotations")},
                            },
                        },
                    },
                },
            }
        },
    ),
    "ScaledObject": resource(
        "keda.sh/v1alpha1",
        ["scaleTargetRef", "triggers"],
        {
            "scaleTargetRef": {"type": "object", "additionalProperties": False, "required": ["name"], "properties": {k: {"type": "string"} for k in ("apiVersion", "kind", "name")}},
            "minReplicaCount": {"type": "integer", "minimum": 0},
            "maxReplicaCount": {"type": "integer", "minimum": 1},
            "pollingInterval": {"type": "integer", "minimum": 1},
            "cooldownPeriod": {"type": "integer", "minimum": 0},
            "advanced": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "horizontalPodAutoscalerConfig": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "behavior": {
                                "type": "object",
                                "additionalProperties": False,
                                "properties": {"scaleDown": {"type": "object", "additionalProperties": False, "properties": {"stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600}}}},
                            }
                        },
                    }
                },
            },
            "triggers": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["type", "metadata"],
                    "properties": {
                        "type": {"const": "prometheus"},
                        # KEDA takes text only.
                        "metadata": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["serverAddress", "query", "threshold"],
                            "properties": {"serverAddress": {"type": "string", "pattern": "^https?://"}, "query": {"type": "string", "minLength": 1}, "threshold": {"type": "string", "pattern": "^[0-9]+$"}},
                        },
                    },
                },
            },
        },
    ),
}


class Wrong(Exception):
    """What was rendered isn't what it must be."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def render(values, chart=CHART):
    """The objects of a release, by (kind, name)."""
    files = Chart.load(chart).render(values, name="basin", namespace="lab")
    objects = {}
    for path, text in sorted(files.items()):
        if path.endswith("NOTES.txt"):
            expect("basin launch" in text and "%!" not in text and "<no value>" not in text, f"NOTES.txt:\n{text}")
            continue
        for document in yaml.safe_load_all(text):
            if document is not None:
                key = (document["kind"], document["metadata"]["name"])
                expect(key not in objects, f"{key} is there twice")
                objects[key] = document
    return objects


def check(objects):
    """Every object against its schema, and what no schema knows."""
    for (kind, name), document in objects.items():
        empty = list(nulls(document))
        expect(not empty, f"{name}: nothing at {empty}")
        if kind in OWN_SCHEMAS:
            jsonschema.validate(document, OWN_SCHEMAS[kind])
        else:
            for version in VERSIONS:
                kubernetes_validate.validate(document, version, strict=True)
    names = {}
    for (kind, name) in objects:
        names.setdefault(kind, set()).add(name)
    for (kind, name), document in objects.items():
        if kind in ("Deployment", "StatefulSet"):
            check_pod(name, document, names)
        if kind == "Service":
            selects(objects, document["spec"]["selector"], name)
        if kind in ("PodDisruptionBudget",):
            selects(objects, document["spec"]["selector"]["matchLabels"], name)
        if kind == "NetworkPolicy":
            selects(objects, document["spec"]["podSelector"]["matchLabels"], name)
        if kind in ("ScaledObject", "HorizontalPodAutoscaler"):
            target = objects.get(("Deployment", document["spec"]["scaleTargetRef"]["name"]))
            expect(target, f"{name} scales nothing")
            expect("replicas" not in target["spec"], f"{name}: the chart would set what the autoscaler sets")
        if kind == "ServiceMonitor":
            wanted = document["spec"]["selector"]["matchLabels"].items()
            services = [s for (k, _), s in objects.items() if k == "Service" and wanted <= s["metadata"]["labels"].items()]
            expect(len(services) == 1, f"{name} selects {len(services)} services")
            ports = {port["name"] for port in services[0]["spec"]["ports"]}
            expect(document["spec"]["endpoints"][0]["port"] in ports, f"{name}: no such port")


def nulls(value, at=""):
    """Where nothing stands, which is what a misspelt value renders as and what Kubernetes' schemas take."""
    if value is None:
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from nulls(inner, f"{at}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from nulls(inner, f"{at}/{number}")


def selects(objects, labels, name):
    pods = [o["spec"]["template"]["metadata"]["labels"] for (k, _), o in objects.items() if k in ("Deployment", "StatefulSet")]
    expect(any(labels.items() <= pod.items() for pod in pods), f"{name} selects no pod")


def check_pod(name, document, names):
    template = document["spec"]["template"]
    spec = template["spec"]
    security = spec["securityContext"]
    expect(security["runAsNonRoot"] is True and security["seccompProfile"]["type"] == "RuntimeDefault", f"{name}: security of the pod")
    expect(spec["automountServiceAccountToken"] is False, f"{name} can call Kubernetes")
    expect(document["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items(), f"{name} doesn't select its pods")
    if names.get("ServiceAccount"):
        expect(spec["serviceAccountName"] in names["ServiceAccount"], f"{name}: no account {spec['serviceAccountName']}")
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    claimed = {claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])}
    for container in spec["containers"]:
        own = container["securityContext"]
        expect(own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"] and own["capabilities"]["drop"] == ["ALL"], f"{name}: security")
        for mount in container["volumeMounts"]:
            expect(mount["name"] in volumes or mount["name"] in claimed, f"{name}: no volume {mount['name']}")
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("livenessProbe", "readinessProbe"):
            if probe in container:
                expect(container[probe]["httpGet"]["port"] in ports, f"{name}: {probe} asks no port")
        expect(container["resources"].get("requests"), f"{name} asks for no resources")
        mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
        for argument in container["args"]:
            path = argument.partition("=")[2]
            if path.startswith("/"):
                expect(any(path == at or path.startswith(at + "/") for at in mounted), f"{name}: {argument} is mounted nowhere")
        for pair in container["env"]:
            expect("value" not in pair or not looks_secret(pair["name"]), f"{name}: {pair['name']} in clear")
    if document["kind"] == "Deployment":
        grace = next(int(a.partition("=")[2]) for a in spec["containers"][0]["args"] if a.startswith("--grace="))
        expect(spec["terminationGracePeriodSeconds"] > grace, f"{name} is killed while it leaves")


def looks_secret(variable):
    return any(word in variable for word in ("SECRET", "TOKEN", "PASSWORD", "KEY_ID", "JOURNAL"))


def values_of(name):
    return yaml.safe_load((CHART / "ci" / f"{name}.yaml").read_text())


def arguments(objects, kind, name):
    return objects[(kind, name)]["spec"]["template"]["spec"]["containers"][0]["args"]


def expect_of_minimal(objects):
    kinds = sorted(kind for kind, _ in objects)
    expect(kinds == ["Deployment", "NetworkPolicy", "NetworkPolicy", "Service", "Service", "ServiceAccount", "ServiceAccount", "StatefulSet"], kinds)
    coordinator = objects[("StatefulSet", "basin-coordinator")]["spec"]
    expect(coordinator["replicas"] == 1 and len(coordinator["volumeClaimTemplates"]) == 1, "one coordinator with a volume")
    probe = coordinator["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"]
    expect(probe == "/readyz", "it is ready when it serves")
    workers = arguments(objects, "Deployment", "basin-worker-cpu")
    expect("--slots=1" in workers, "a pod has one executor unless the values say otherwise")
    expect("--coordinator=http://basin-coordinator-0.basin-coordinator.lab.svc:7470" in workers, "workers dial the pod: a service without ready pods rejects")
    annotations = objects[("StatefulSet", "basin-coordinator")]["spec"]["template"]["metadata"]["annotations"]
    expect(list(annotations) == ["checksum/settings"], annotations)


def expect_of_inline(objects):
    secrets = {name for kind, name in objects if kind == "Secret"}
    expect(secrets == {"lab-store", "lab-tokens", "lab-worker-token", "lab-tls"}, secrets)
    expect(objects[("Secret", "lab-store")]["stringData"]["AWS_SECRET_ACCESS_KEY"] == 'secret: with "quotes"', "quoting")
    expect(objects[("Deployment", "lab-worker-cpu")]["spec"]["replicas"] == 0, "a pool of none")
    big = arguments(objects, "Deployment", "lab-worker-big")
    for argument in ("--slots=4", "--threads=2", "--pack=16", "--label=zone=a", "--tls-ca=/etc/basin/tls/ca.crt"):
        expect(argument in big, f"{argument} of {big}")
    key = objects[("Deployment", "lab-worker-big")]["spec"]["template"]["spec"]["volumes"][-1]["secret"]["items"]
    expect([item["key"] for item in key] == ["ca.crt"], "workers don't get the coordinator's key")
    for object in (objects[("StatefulSet", "lab-coordinator")], objects[("Deployment", "lab-worker-cpu")]):
        annotations = object["spec"]["template"]["metadata"]["annotations"]
        expect(re.fullmatch("[A-Za-z0-9]{16}", annotations["basin/secrets-revision"]), annotations)
    public = objects[("Service", "lab")]["spec"]
    expect([port["name"] for port in public["ports"]] == ["grpc"], "metrics aren't published")


def expect_of_cluster(objects):
    coordinator = objects[("StatefulSet", "basin-coordinator")]["spec"]
    expect(coordinator["replicas"] == 2 and "volumeClaimTemplates" not in coordinator, "two coordinators without a volume")
    container = coordinator["template"]["spec"]["containers"][0]
    expect(container["readinessProbe"]["httpGet"]["path"] == "/livez", "a standby counts as ready")
    expect("postgres" not in json.dumps(container["args"]), "the journal's URL is no argument")
    expect(any(e["name"] == "BASIN_JOURNAL" and e["valueFrom"]["secretKeyRef"]["name"] == "basin-journal" for e in container["env"]), "the journal's URL")
    expect(objects[("PodDisruptionBudget", "basin-coordinator")]["spec"]["minAvailable"] == 1, "one stays")
    gpu = objects[("Deployment", "basin-worker-gpu")]["spec"]["template"]["spec"]
    expect(gpu["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1, "a GPU")
    expect(gpu["containers"][0]["image"] == "registry.example.org/basin:0.1.0-cuda", gpu["containers"][0]["image"])
    expect("--device=cuda" in gpu["containers"][0]["args"], "a GPU is used, or it fails")
    urls = "--coordinator=https://basin-coordinator-0.basin-coordinator.lab.svc:7470,https://basin-coordinator-1.basin-coordinator.lab.svc:7470"
    expect(urls in gpu["containers"][0]["args"], gpu["containers"][0]["args"])
    query = objects[("ScaledObject", "basin-worker-gpu")]["spec"]["triggers"][0]["metadata"]["query"]
    leases = 'sum(basin_leases{namespace="lab",service="basin",device="cuda"})'
    busy = f"({leases} * 32 / 1)"
    expect(query == f'((sum(basin_queue_depth{{namespace="lab",service="basin"}}) + {leases}) > {busy}) or {busy}', query)
    expect("--metrics-per-sweep=16" in container["args"], container["args"])
    expect("--metrics-per-worker=64" in container["args"], container["args"])
    alerts = yaml.safe_load(pathlib.Path("deploy/monitoring/alerts.yaml").read_text())
    rules = objects[("PrometheusRule", "basin")]
    expect(rules["spec"] == alerts and rules["metadata"]["labels"]["release"] == "prometheus", "the alerts, as they are tested")
    dashboard = objects[("ConfigMap", "basin-dashboard")]
    expect(dashboard["data"]["basin.json"] == pathlib.Path("deploy/monitoring/dashboard.json").read_text(), "the dashboard, as it is checked")
    expect(dashboard["metadata"]["labels"]["grafana_dashboard"] == "1", "Grafana's sidecar finds it")
    account = objects[("ServiceAccount", "basin-worker")]["metadata"]["annotations"]
    expect("eks.amazonaws.com/role-arn" in account, "web identity")


def expect_of_hpa(objects):
    scaler = objects[("HorizontalPodAutoscaler", "basin-worker-cpu")]["spec"]
    expect(scaler["minReplicas"] == 1 and scaler["metrics"][0]["external"]["metric"]["name"] == "basin_open_tasks", scaler)
    expect(not [kind for kind, _ in objects if kind in ("ServiceAccount", "NetworkPolicy")], "neither accounts nor policies")


def open_objects(schema, at=""):
    """Objects of the schema that take anything."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            yield at
        for key, value in schema.items():
            yield from open_objects(value, f"{at}/{key}")


# Kubernetes' own objects, whose fields the schemas of what is rendered check.
PASSED_ON = ("global", "podSelector", "namespaceSelector", "ipBlock", "nodeAffinity", "podAffinity", "podAntiAffinity", "topologySpreadConstraints/items", "seLinuxOptions")


def check_schema():
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    for path in open_objects(schema):
        expect(path.endswith(PASSED_ON), f"values.schema.json takes anything at {path}")
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    jsonschema.validate(defaults, schema)
    undocumented = set(schema["properties"]) - set(defaults) - {"global"}
    expect(not undocumented, f"values.yaml says nothing of {undocumented}")
    # Two programs with two validators: Helm's own, and jsonschema.
    for values in wrong_values():
        for validate in (lambda v: jsonschema.validate(v, schema), lambda v: render(v)):
            try:
                validate(values)
            except (jsonschema.ValidationError, HelmError):
                continue
            raise Wrong(f"wrong values were taken: {values}")


def wrong_values():
    """The least values, each time with something misspelt or out of bounds."""
    def with_(change):
        values = copy.deepcopy(values_of("minimal"))
        change(values)
        return values

    yield with_(lambda v: v.update(stores={}))
    yield with_(lambda v: v["store"].update(uri="s3://b"))
    yield with_(lambda v: v["store"].update(url="http://b"))
    yield with_(lambda v: v.update(coordinator={"replica": 2}))
    yield with_(lambda v: v.update(coordinator={"port": 70000}))
    yield with_(lambda v: v.update(coordinator={"metricsPerSweep": 1000}))
    yield with_(lambda v: v.update(coordinator={"metricsPerWorker": 5000}))
    yield with_(lambda v: v.update(prometheusRule={"enable": True}))
    yield with_(lambda v: v.update(coordinator={"persistence": {"sise": "1Gi"}}))
    yield with_(lambda v: v.update(workers=[{"name": "a", "replica": 2}]))
    yield with_(lambda v: v.update(workers=[{"name": "a", "replicas": "two"}]))
    yield with_(lambda v: v.update(workers=[{"replicas": 2}]))
    yield with_(lambda v: v.update(workers=[{"name": "A_b"}]))
    yield with_(lambda v: v.update(workers=[{"name": "a", "resources": {"limit": QUANTITIES}}]))
    yield with_(lambda v: v.update(workers=[{"name": "a", "tolerations": [{"efect": "NoSchedule"}]}]))
    yield with_(lambda v: v.update(workers=[{"name": "a", "autoscaling": {"enabled": True}}]))
    yield with_(lambda v: v.update(journal={"postgres": {"url": "mysql://x"}}))
    yield with_(lambda v: v.update(tls={"enabled": "yes"}))
    yield with_(lambda v: v.update(podSecurityContext={"runAsNonRoot": False}))
    yield with_(lambda v: v.update(podSecurityContext={"runAsUser": 0}))


def check_refusals():
    """What the schema can't know is refused by the templates, with what to do."""
    def refused(values, word):
        try:
            render(values)
        except HelmError as error:
            expect(word in str(error), f"{word!r} isn't in: {error}")
            return
        raise Wrong(f"was taken: {values}")

    least = values_of("minimal")
    refused({**least, "store": {}}, "store.url is needed")
    refused({**least, "tokens": {}}, "basin token create")
    refused({**least, "workerToken": {}}, "workerToken.existingSecret")
    refused({**least, "tls": {"enabled": True}}, "tls.existingSecret")
    refused({**least, "tls": {"enabled": True, "existingSecret": "a", "mutual": True}}, "tls.clientSecret")
    refused({**least, "journal": {"postgres": {"enabled": True}}}, "journal.postgres.existingSecret")


def check_secrets_are_not_told():
    """What everybody may read who may look at pods doesn't follow from a secret, so that it can't be guessed by it."""
    def settings(change):
        values = copy.deepcopy(values_of("inline"))
        change(values)
        return objects_settings(render(values))

    def objects_settings(objects):
        annotations = [o["spec"]["template"]["metadata"]["annotations"] for (k, _), o in objects.items() if k in ("Deployment", "StatefulSet")]
        return [{key: of for key, of in a.items() if key != "basin/secrets-revision"} for a in annotations]

    as_it_is = settings(lambda v: None)
    secrets = [
        lambda v: v["store"]["credentials"].update(AWS_SECRET_ACCESS_KEY="other"),
        lambda v: v["tls"].update(key="other"),
        lambda v: v["workerToken"].update(value="other"),
        lambda v: v["tokens"].update(file="other"),
    ]
    for change in secrets:
        expect(settings(change) == as_it_is, "an annotation follows from a secret")
    expect(settings(lambda v: v["store"]["env"].update(AWS_REGION="other")) != as_it_is, "a changed setting starts nothing again")


def check_tls_where_it_can_be():
    """Encrypted where a certificate is given, unless that is asked for."""
    least = values_of("minimal")
    encrypted = lambda values: any(a.startswith("--tls-cert") for a in arguments(render(values), "StatefulSet", "basin-coordinator"))
    expect(encrypted({**least, "tls": {"existingSecret": "a"}}), "a certificate is given")
    expect(not encrypted({**least, "tls": {"existingSecret": "a", "enabled": False}}), "it isn't wanted")
    notes = Chart.load(CHART).render(least, name="basin", namespace="lab")
    notes = next(text for path, text in notes.items() if path.endswith("NOTES.txt"))
    expect("TRAVEL UNENCRYPTED" in notes, notes)


def check_templates_are_checked():
    """A field that is misspelt in a template is caught, whichever object it is in."""
    misspelt = [
        ("coordinator.yaml", "readinessProbe:", "readynessProbe:"),
        ("coordinator.yaml", "--tokens=/etc/basin/tokens/", "--tokens=/etc/basin/token/"),
        ("workers.yaml", "terminationGracePeriodSeconds:", "terminationGracePeriodSecnds:"),
        ("workers.yaml", "replicas: {{ int $pool.replicas }}", "replicas: {{ $pool.replica }}"),
        ("workers.yaml", "add (int $pool.grace) 30", "int $pool.grace"),
        ("services.yaml", "clusterIP: None", "clusterIp: None"),
        ("networkpolicies.yaml", "policyTypes: [Ingress, Egress]\n  ingress:\n", "policyType: [Ingress, Egress]\n  ingress:\n"),
        ("servicemonitor.yaml", "interval:", "intervall:"),
        ("prometheusrule.yaml", "spec:", "specs:"),
        ("autoscaling.yaml", "serverAddress:", "serverAdress:"),
        ("autoscaling.yaml", "minReplicaCount:", "minReplicas:"),
        ("disruption.yaml", "minAvailable: 1", "minAvailible: 1"),
        ("serviceaccounts.yaml", "automountServiceAccountToken: false\n", "automountServiceAccountTokens: false\n"),
        ("_helpers.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true"),
    ]
    for file, right, wrong in misspelt:
        with tempfile.TemporaryDirectory() as folder:
            chart = pathlib.Path(folder) / "basin"
            shutil.copytree(CHART, chart)
            template = chart / "templates" / file
            text = template.read_text()
            expect(right in text, f"{file} has no {right!r}")
            template.write_text(text.replace(right, wrong, 1))
            try:
                check(render(values_of("cluster"), chart))
                check(render(values_of("minimal"), chart))
            except (Wrong, KeyError, HelmError, jsonschema.ValidationError, kubernetes_validate.ValidationError):
                continue
            raise Wrong(f"{file}: {wrong!r} was not noticed")
    return len(misspelt)


def main():
    expectations = {"minimal": expect_of_minimal, "inline": expect_of_inline, "cluster": expect_of_cluster, "hpa": expect_of_hpa}
    files = {path.stem for path in (CHART / "ci").glob("*.yaml")}
    expect(files == set(expectations), files)
    for name, expected in expectations.items():
        objects = render(values_of(name))
        check(objects)
        expected(objects)
        print(f"{name}: {len(objects)} objects are valid for Kubernetes {' and '.join(VERSIONS)}")
    check_schema()
    check_refusals()
    check_secrets_are_not_told()
    check_tls_where_it_can_be()
    print(f"{sum(1 for _ in wrong_values())} wrong values and {check_templates_are_checked()} wrong templates were caught")


main()
