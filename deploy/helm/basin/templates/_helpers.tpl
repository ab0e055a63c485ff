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

{{- define "basin.scheme" -}}
{{ ternary "https" "http" .Values.tls.enabled }}
{{- end -}}

{{/* The host name of the coordinator's pod of this number: (list $ number) */}}
{{- define "basin.coordinatorHost" -}}
{{- $name := printf "%s-coordinator" (include "basin.fullname" (index . 0)) -}}
{{- printf "%s-%v.%s.%s.svc" $name (index . 1) $name (index . 0).Release.Namespace -}}
{{- end -}}

{{/* What workers dial: the service, or with a standby each coordinator by its name, since either may lead. */}}
{{- define "basin.coordinatorUrl" -}}
{{- $scheme := include "basin.scheme" . -}}
{{- if .Values.journal.postgres.enabled -}}
{{- $urls := list -}}
{{- range $number := until (int .Values.coordinator.replicas) -}}
{{- $urls = append $urls (printf "%s://%s:%v" $scheme (include "basin.coordinatorHost" (list $ $number)) $.Values.coordinator.port) -}}
{{- end -}}
{{- join "," $urls -}}
{{- else -}}
{{- printf "%s://%s.%s.svc:%v" $scheme (include "basin.fullname" .) .Release.Namespace .Values.coordinator.port -}}
{{- end -}}
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
