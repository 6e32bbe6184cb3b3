{{/*
The Deployment of one program. Takes a dict: root, component (its name and the program's), settings (its part of the
values), nodeFlags (of Node.js; none when not given).
*/}}
{{- define "startgate.deployment" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $metricsPort := (include "startgate.metrics" $root | fromJson).port | int -}}
{{- $hostNetwork := .settings.hostNetwork | default false -}}
{{- if eq (int .settings.port) $metricsPort -}}
{{- fail (printf "metrics.port: %d is the port that the %s itself listens on; use another" (int .settings.port) .component) -}}
{{- end -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: startgate-{{ .component }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "startgate.labels" . | nindent 4 }}
  {{- with .settings.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  replicas: {{ .settings.replicas }}
  selector:
    matchLabels:
      {{- include "startgate.selector" . | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      {{- if $hostNetwork }}
      # A new replica finds the port taken on the old one's node.
      maxUnavailable: 1
      maxSurge: 0
      {{- else }}
      # An old replica leaves only when a new one is ready.
      maxUnavailable: 0
      maxSurge: 1
      {{- end }}
  template:
    metadata:
      labels:
        {{- $labels := merge (deepCopy (.settings.podLabels | default dict)) ($values.podLabels | default dict) }}
        {{- include "startgate.labels" (merge (dict "labels" $labels "of" "podLabels") .) | nindent 8 }}
      annotations:
        {{- $own := dict "checksum/config" (include "startgate.config" $root | sha256sum) }}
        {{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/scheme" "https" "prometheus.io/port" (toString $metricsPort) }}
        {{- merge $own (deepCopy (.settings.podAnnotations | default dict)) $values.podAnnotations $scrape | toYaml | nindent 8 }}
    spec:
      serviceAccountName: {{ include "startgate.serviceAccountName" . }}
      {{- if $hostNetwork }}
      hostNetwork: true
      {{- end }}
      {{- with .settings.dnsPolicy | default ($hostNetwork | ternary "ClusterFirstWithHostNet" "") }}
      dnsPolicy: {{ . }}
      {{- end }}
      # The program itself goes on serving for lameDuckSeconds after SIGTERM; the rest is for what is then still open.
      terminationGracePeriodSeconds: {{ add $values.lameDuckSeconds 15 }}
      enableServiceLinks: false
      securityContext:
        {{- include "startgate.podSecurity" $root | nindent 8 }}
      {{- with $values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with kindIs "invalid" .settings.priorityClassName | ternary $values.priorityClassName .settings.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- include "startgate.placement" . | nindent 6 }}
      containers:
        - name: {{ .component }}
          image: {{ include "startgate.image" $root }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          command: [node, {{ range .nodeFlags }}{{ . }}, {{ end }}/app/{{ .component }}.mjs]
          env:
            - name: POD_NAME
              valueFrom: {fieldRef: {fieldPath: metadata.name}}
            - name: POD_NAMESPACE
              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
            {{- with .settings.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: https
              containerPort: {{ .settings.port }}
            - name: metrics
              containerPort: {{ $metricsPort }}
          # Nothing listens before there is a certificate.
          startupProbe:
            httpGet: {path: /healthz, port: https, scheme: HTTPS}
            periodSeconds: 1
            timeoutSeconds: 3
            failureThreshold: 300
          livenessProbe:
            httpGet: {path: /healthz, port: https, scheme: HTTPS}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: https, scheme: HTTPS}
            periodSeconds: 2
            timeoutSeconds: 3
            failureThreshold: 2
          resources:
            {{- toYaml .settings.resources | nindent 12 }}
          securityContext:
            {{- include "startgate.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: /etc/startgate
              readOnly: true
      volumes:
        - name: config
          configMap:
            name: startgate-config
{{- end -}}

{{/*
Where the pods of one program run: nodeSelector, tolerations, spread and affinity. Takes the same dict. What the
program's part of the values leaves null is as for both.
*/}}
{{- define "startgate.placement" -}}
{{- $of := dict -}}
{{- range $name := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" -}}
{{- $own := index $.settings $name -}}
{{- $_ := set $of $name (kindIs "invalid" $own | ternary (index $.root.Values $name) $own) -}}
{{- end -}}
{{- with $of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if not (kindIs "invalid" $of.topologySpreadConstraints) }}
{{- with $of.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- $ours := dict "labelSelector" (dict "matchLabels" (include "startgate.selector" $ | fromYaml)) }}
  - {{ merge (deepCopy .) $ours | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- else if not $of.affinity }}
# By host here and by zone below, not both here: the scheduler would not spread at all where nodes have no zone.
# Pods of one rollout by themselves, or those of the last one decide where two new ones end up.
topologySpreadConstraints:
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "startgate.selector" . | nindent 8 }}
{{- end }}
{{- if $of.affinity }}
affinity:
  {{- toYaml $of.affinity | nindent 2 }}
{{- else }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels:
              {{- include "startgate.selector" . | nindent 14 }}
{{- end }}
{{- end -}}

{{/* Service, disruption budget and account of one program. Takes the same dict. */}}
{{- define "startgate.service" -}}
{{- include "startgate.twoAccounts" .root -}}
{{- $metricsPort := (include "startgate.metrics" .root | fromJson).port | int -}}
apiVersion: v1
kind: Service
metadata:
  name: startgate-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "startgate.labels" . | nindent 4 }}
  {{- $service := .root.Values.service | default dict }}
  {{- with $service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $service.ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
  {{- end }}
  {{- with $service.ipFamilies }}
  ipFamilies: {{ toJson . }}
  {{- end }}
  selector:
    {{- include "startgate.selector" . | nindent 4 }}
  ports:
    - name: https
      port: 443
      # A number: some firewalls are told of ports, not of their names.
      targetPort: {{ .settings.port }}
    - name: metrics
      port: {{ $metricsPort }}
      targetPort: {{ $metricsPort }}
{{- $budget := .settings.podDisruptionBudget | default dict }}
{{- if dig "enabled" true $budget }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: startgate-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "startgate.labels" . | nindent 4 }}
spec:
  {{- if not (kindIs "invalid" $budget.minAvailable) }}
  minAvailable: {{ $budget.minAvailable }}
  {{- else }}
  maxUnavailable: {{ dig "maxUnavailable" 1 $budget }}
  {{- end }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "startgate.selector" . | nindent 6 }}
{{- end }}
{{- $account := .settings.serviceAccount | default dict }}
{{- if dig "create" true $account }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "startgate.serviceAccountName" . }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "startgate.labels" . | nindent 4 }}
  {{- with $account.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Binds the roles named after the program to its account. Takes the same dict. */}}
{{- define "startgate.bindings" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: startgate-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "startgate.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: startgate-{{ .component }}
subjects:
  - kind: ServiceAccount
    name: {{ include "startgate.serviceAccountName" . }}
    namespace: {{ .root.Release.Namespace }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: startgate-{{ .component }}
  labels:
    {{- include "startgate.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: startgate-{{ .component }}
subjects:
  - kind: ServiceAccount
    name: {{ include "startgate.serviceAccountName" . }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}
