{{- define "startgate.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Labels of an object. Takes a dict: root, component, labels (more of them; optional), of (which value gives them). */}}
{{- define "startgate.labels" -}}
{{ include "startgate.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- $common := .root.Values.commonLabels | default dict -}}
{{- include "startgate.refuseOwnLabels" (dict "labels" $common "of" "commonLabels") -}}
{{- $more := .labels | default dict -}}
{{- include "startgate.refuseOwnLabels" (dict "labels" $more "of" .of) -}}
{{- with merge (deepCopy $more) $common }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Fails on a label that the chart sets itself: there would be two of it. Takes a dict: labels, of (none: ours). */}}
{{- define "startgate.refuseOwnLabels" -}}
{{- range $key, $_ := .labels -}}
{{- if and $.of (or (has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart")) (hasPrefix "startgate.dev/" $key)) -}}
{{- fail (printf "%s: %q is a label that the chart sets itself; use another name" $.of $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Name of a program's account. Takes a dict: component, settings. */}}
{{- define "startgate.serviceAccountName" -}}
{{- $account := .settings.serviceAccount | default dict -}}
{{- if and (not (dig "create" true $account)) (not $account.name) -}}
{{- fail (printf "serviceAccount.create: false needs serviceAccount.name of the %s, an account that is there" .component) -}}
{{- end -}}
{{- $account.name | default (printf "startgate-%s" .component) -}}
{{- end -}}

{{/* Refuses one account for both programs: each would have the other's Secrets and rights. Takes the root. */}}
{{- define "startgate.twoAccounts" -}}
{{- $webhook := include "startgate.serviceAccountName" (dict "component" "webhook" "settings" .Values.webhook) -}}
{{- $leaseService := include "startgate.serviceAccountName" (dict "component" "lease-service" "settings" .Values.leaseService) -}}
{{- if eq $webhook $leaseService -}}
{{- fail (printf "webhook and leaseService both have serviceAccount.name: %s, which would have both programs' rights; use two accounts" $webhook) -}}
{{- end -}}
{{- end -}}

{{/* What a Deployment and a Service find their pods by. Takes a dict: root, component. */}}
{{- define "startgate.selector" -}}
app.kubernetes.io/name: startgate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Namespaces that are never gated, as a JSON list: what a cluster needs to come up, and ourselves. */}}
{{- define "startgate.skippedNamespaces" -}}
{{- concat (list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace) .Values.skippedNamespaces | uniq | toJson -}}
{{- end -}}

{{/*
Where the lease service's certificate is. Two names, so that a change of provider never meets the other's Secret. The
first is where a former version has that of both programs: in an upgrade its replicas go on reading it.
*/}}
{{- define "startgate.leaseServiceCertificateSecret" -}}
{{- eq .Values.certificates.provider "certManager" | ternary "startgate-cert-manager-lease-service" "startgate-certificates" -}}
{{- end -}}

{{/* Where the webhook's own is. */}}
{{- define "startgate.webhookCertificateSecret" -}}
{{- eq .Values.certificates.provider "certManager" | ternary "startgate-cert-manager-webhook" "startgate-webhook-certificates" -}}
{{- end -}}

{{/*
Values that a version before did not have are absent when its values are kept (helm upgrade --reuse-values). What is
absent is taken here as values.yaml has it. First: whether conditions are written; "true" or nothing.
*/}}
{{- define "startgate.writesConditions" -}}
{{- dig "writeConditions" true .Values.leaseService | ternary "true" "" -}}
{{- end -}}

{{/* Whether a pod's author may opt out; "true" or nothing. */}}
{{- define "startgate.allowsOptOut" -}}
{{- dig "allowOptOut" true .Values.webhook | ternary "true" "" -}}
{{- end -}}

{{/* Whether there is an account for readers of the state API; "true" or nothing. */}}
{{- define "startgate.viewer" -}}
{{- dig "enabled" true (.Values.viewer | default dict) | ternary "true" "" -}}
{{- end -}}

{{/* `metrics` of the values, whole, as JSON. */}}
{{- define "startgate.metrics" -}}
{{- $given := .Values.metrics | default dict -}}
{{- dict "port" (dig "port" 8444 $given) "authorization" (dig "authorization" true $given) | toJson -}}
{{- end -}}

{{/* `limits.nodePools` as a JSON list, each pool with all its limits: null where it gives none. */}}
{{- define "startgate.nodePools" -}}
{{- $pools := list -}}
{{- range dig "nodePools" list .Values.limits -}}
{{- $pressure := .maxPressure | default dict -}}
{{- $pools = append $pools (dict
  "selector" (dict "matchLabels" (.selector.matchLabels | default dict))
  "maxStarting" .maxStarting
  "maxStartingPerCore" .maxStartingPerCore
  "maxPulling" .maxPulling
  "maxPressure" (dict "cpu" $pressure.cpu "io" $pressure.io "memory" $pressure.memory)) -}}
{{- end -}}
{{- $pools | toJson -}}
{{- end -}}

{{/*
`nodeWaiter` of the values, whole, as JSON. It is left out where the namespace's own label forbids it, or `helm --wait`
would wait for pods that are never admitted: `forbiddenBy` is the level. Only helm that speaks to the cluster knows that.
*/}}
{{- define "startgate.nodeWaiter" -}}
{{- $given := .Values.nodeWaiter | default dict -}}
{{- $namespace := lookup "v1" "Namespace" "" .Release.Namespace | default dict -}}
{{- $labels := dig "metadata" "labels" dict $namespace -}}
{{- $level := get $labels "pod-security.kubernetes.io/enforce" -}}
{{- $isOn := dig "enabled" true $given -}}
{{- $isForbidden := and $isOn (has $level (list "baseline" "restricted")) -}}
{{- $resources := dict "requests" (dict "cpu" "10m" "memory" "64Mi") "limits" (dict "memory" "256Mi") -}}
{{- dict
  "enabled" (and $isOn (not $isForbidden))
  "forbiddenBy" ($isForbidden | ternary $level "")
  "port" (dig "port" 7373 $given | int)
  "maxUnavailable" (dig "maxUnavailable" "10%" $given)
  "resources" (dig "resources" $resources $given) | toJson -}}
{{- end -}}

{{/* A former version's values have no such key. */}}
{{- define "startgate.sequenceGates" -}}
{{- (.Values.sequence | default dict).gates | default "auto" -}}
{{- end }}

{{/* The file that both programs read; core/cluster-config.ts is its other half. A value that is not given is null. */}}
{{- define "startgate.config" -}}
{{- $limits := .Values.limits -}}
{{- $metrics := include "startgate.metrics" . | fromJson -}}
{{- $waiter := include "startgate.nodeWaiter" . | fromJson -}}
{{- $config := dict
  "image" (include "startgate.image" .)
  "imagePullPolicy" .Values.image.pullPolicy
  "namespace" .Release.Namespace
  "leaseService" (dict
    "name" "startgate-lease-service"
    "port" 443
    "listenPort" .Values.leaseService.port
    "serverName" (printf "startgate-lease-service.%s.svc" .Release.Namespace)
    "writeConditions" (eq (include "startgate.writesConditions" .) "true"))
  "webhook" (dict
    "name" "startgate-webhook"
    "configurationName" "startgate"
    "listenPort" .Values.webhook.port
    "certificateSecret" (include "startgate.webhookCertificateSecret" .)
    "allowOptOut" (eq (include "startgate.allowsOptOut" .) "true")
    "clientCa" .Values.webhook.clientCa)
  "metrics" (dict
    "listenPort" (int $metrics.port)
    "authorization" $metrics.authorization)
  "certificateProvider" .Values.certificates.provider
  "certificateSecret" (include "startgate.leaseServiceCertificateSecret" .)
  "caSecret" "startgate-ca"
  "skippedNamespaces" (include "startgate.skippedNamespaces" . | fromJsonArray)
  "after" (.Values.after | default list)
  "sequence" (dict "gates" (include "startgate.sequenceGates" .))
  "failOpenAfter" .Values.failOpenAfter
  "failOpenJitter" .Values.failOpenJitter
  "runAsUser" .Values.runAsUser
  "limits" (dict
    "cluster" (dict
      "maxStarting" $limits.cluster.maxStarting
      "maxPulling" $limits.cluster.maxPulling
      "maxStartRate" $limits.cluster.maxStartRate
      "minStartRate" $limits.cluster.minStartRate)
    "node" (dict
      "maxStarting" $limits.node.maxStarting
      "maxStartingPerCore" $limits.node.maxStartingPerCore
      "maxPulling" $limits.node.maxPulling
      "maxPressure" (dict
        "cpu" $limits.node.maxPressure.cpu
        "io" $limits.node.maxPressure.io
        "memory" $limits.node.maxPressure.memory))
    "nodePools" (include "startgate.nodePools" . | fromJsonArray)
    "registries" $limits.registries
    "pullRamp" ($limits.pullRamp | default false)
    "namespaceShare" $limits.namespaceShare
    "maxWait" $limits.maxWait
    "allowFloor" $limits.allowFloor
    "allowWeight" $limits.allowWeight)
  "startTimeout" .Values.startTimeout
  "maxStartTimeout" .Values.maxStartTimeout
  "pullTimeout" .Values.pullTimeout
  "settleTime" .Values.settleTime
  "waitingEventAfter" .Values.waitingEventAfter
  "lameDuck" (printf "%ds" (int .Values.lameDuckSeconds))
  "logLevel" .Values.logLevel -}}
{{- with $limits.node.maxStartingAutoMax -}}
{{- $_ := set $config.limits.node "maxStartingAutoMax" (int .) -}}
{{- end -}}
{{- /* Absent where it is off, so that switching nothing on changes nothing. */ -}}
{{- if $waiter.enabled -}}
{{- $_ := set $config "nodeWaiter" (dict "name" "startgate-node-waiter" "port" (int $waiter.port)) -}}
{{- end -}}
{{- $config | toPrettyJson -}}
{{- end -}}

{{/* What restricted Pod Security asks of a container, and a root file system that nobody writes. */}}
{{- define "startgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "startgate.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}
