{{- define "basin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "basin.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "basin.labels" -}}
{{ include "basin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* "true" if calls are encrypted: by default where a certificate is given. */}}
{{- define "basin.tls" -}}
{{- $given := or .Values.tls.existingSecret .Values.tls.cert -}}
{{- $asked := toString .Values.tls.enabled -}}
{{- if or (eq $asked "true") (and (eq $asked "auto") $given) -}}true{{- end -}}
{{- end -}}

{{- define "basin.scheme" -}}
{{ ternary "https" "http" (eq (include "basin.tls" .) "true") }}
{{- end -}}

{{/* What is no secret of the settings that pods read at their start: a change starts them again. */}}
{{- define "basin.settings" -}}
{{- $store := omit .Values.store "credentials" -}}
{{- $tls := omit .Values.tls "key" -}}
{{- $journal := omit .Values.journal.postgres "url" -}}
{{- list $store $tls $journal | toJson | sha256sum -}}
{{- end -}}

{{/*
A word that changes when a Secret that the chart makes does, and that says nothing of it: it is drawn, not computed, since from a hash a
short secret can be guessed. Without a cluster to look at (`helm template`) it is another each time; nothing where the chart makes no Secret.
(list $ kind name)
*/}}
{{- define "basin.secretsRevision" -}}
{{- $root := index . 0 -}}
{{- $name := include "basin.fullname" $root -}}
{{- $values := $root.Values -}}
{{- $made := dict -}}
{{- if and $values.store.credentials (not $values.store.existingSecret) -}}
{{- $_ := set $made (printf "%s-store" $name) $values.store.credentials -}}
{{- end -}}
{{- if and (include "basin.tls" $root) $values.tls.key (not $values.tls.existingSecret) -}}
{{- $_ := set $made (printf "%s-tls" $name) (dict "tls.key" $values.tls.key) -}}
{{- end -}}
{{- $journal := $values.journal.postgres -}}
{{- if and $journal.enabled $journal.url (not $journal.existingSecret) -}}
{{- $_ := set $made (printf "%s-journal" $name) (dict $journal.key $journal.url) -}}
{{- end -}}
{{- if $made -}}
{{- $workload := lookup "apps/v1" (index . 1) $root.Release.Namespace (index . 2) | default dict -}}
{{- $revision := dig "spec" "template" "metadata" "annotations" "basin/secrets-revision" "" $workload -}}
{{- range $secret, $data := $made -}}
{{- $there := lookup "v1" "Secret" $root.Release.Namespace $secret | default dict -}}
{{- range $key, $value := $data -}}
{{- if ne (dig "data" $key "" $there | b64dec) (toString $value) -}}
{{- $revision = "" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- default (randAlphaNum 16) $revision -}}
{{- end -}}
{{- end -}}

{{/* The host name of the coordinator's pod of this number: (list $ number) */}}
{{- define "basin.coordinatorHost" -}}
{{- $name := printf "%s-coordinator" (include "basin.fullname" (index . 0)) -}}
{{- printf "%s-%v.%s.%s.svc" $name (index . 1) $name (index . 0).Release.Namespace -}}
{{- end -}}

{{/*
What workers dial: each coordinator by its pod's name, since either of two may lead. Not the service: without a pod that is ready its
address rejects calls, as a machine does on which no coordinator runs, and a worker that is rejected so takes its leases for prolonged (decision 7).
*/}}
{{- define "basin.coordinatorUrl" -}}
{{- $scheme := include "basin.scheme" . -}}
{{- $urls := list -}}
{{- range $number := until (int (ternary .Values.coordinator.replicas 1 .Values.journal.postgres.enabled)) -}}
{{- $urls = append $urls (printf "%s://%s:%v" $scheme (include "basin.coordinatorHost" (list $ $number)) $.Values.coordinator.port) -}}
{{- end -}}
{{- join "," $urls -}}
{{- end -}}

{{- define "basin.coordinatorAccount" -}}
{{- $account := .Values.coordinator.serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-coordinator" (include "basin.fullname" .)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{- define "basin.workerAccount" -}}
{{- $account := .Values.workerServiceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-worker" (include "basin.fullname" .)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{- define "basin.storeSecret" -}}
{{- if .Values.store.existingSecret -}}
{{- .Values.store.existingSecret -}}
{{- else if .Values.store.credentials -}}
{{- printf "%s-store" (include "basin.fullname" .) -}}
{{- end -}}
{{- end -}}

{{- define "basin.tokensSecret" -}}
{{- if .Values.tokens.existingSecret -}}
{{- .Values.tokens.existingSecret -}}
{{- else if .Values.tokens.file -}}
{{- printf "%s-tokens" (include "basin.fullname" .) -}}
{{- else -}}
{{- fail "give the coordinator's tokens: make them with `basin token create --tokens tokens`, then `--set-file tokens.file=tokens`, or name a Secret in tokens.existingSecret" -}}
{{- end -}}
{{- end -}}

{{- define "basin.workerTokenSecret" -}}
{{- if .Values.workerToken.existingSecret -}}
{{- .Values.workerToken.existingSecret -}}
{{- else if .Values.workerToken.value -}}
{{- printf "%s-worker-token" (include "basin.fullname" .) -}}
{{- else -}}
{{- fail "give the workers their token: `basin token create --role worker` prints it; `--set-file workerToken.value=FILE`, or name a Secret in workerToken.existingSecret" -}}
{{- end -}}
{{- end -}}

{{- define "basin.tlsSecret" -}}
{{- if .Values.tls.existingSecret -}}
{{- .Values.tls.existingSecret -}}
{{- else if and .Values.tls.cert .Values.tls.key .Values.tls.ca -}}
{{- printf "%s-tls" (include "basin.fullname" .) -}}
{{- else -}}
{{- fail "tls.enabled needs a certificate: tls.existingSecret (with tls.crt, tls.key, ca.crt), or tls.cert, tls.key and tls.ca" -}}
{{- end -}}
{{- end -}}

{{- define "basin.journalSecret" -}}
{{- if .Values.journal.postgres.existingSecret -}}
{{- .Values.journal.postgres.existingSecret -}}
{{- else if .Values.journal.postgres.url -}}
{{- printf "%s-journal" (include "basin.fullname" .) -}}
{{- else -}}
{{- fail "journal.postgres.enabled needs the database's URL: a Secret in journal.postgres.existingSecret, or journal.postgres.url" -}}
{{- end -}}
{{- end -}}

{{/* A container's security: nothing more than the program needs. */}}
{{- define "basin.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* The store's variables. */}}
{{- define "basin.storeEnv" -}}
- name: BASIN_STORE
  value: {{ required "store.url is needed: s3://bucket/prefix, gs://bucket/prefix or az://container/prefix" .Values.store.url | quote }}
{{- range $name, $value := .Values.store.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* A pool's settings: its own, key by key, over workerDefaults: (list $ pool) */}}
{{- define "basin.pool" -}}
{{- $merged := deepCopy (index . 0).Values.workerDefaults -}}
{{- range $key, $value := index . 1 -}}
{{- $_ := set $merged $key $value -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}

{{/* What placement needs, of a coordinator's or a pool's settings. */}}
{{- define "basin.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}
