{{/*
Labels and annotations of a hook of helm test. Takes a dict: test (root, component), weight, labels (more of them;
optional). What failed stays until the next test (no hook-failed): why a pod could not start only its status and Events
tell, and a helm before 3.18 prints no log before it deletes.
*/}}
{{- define "startgate.testMetadata" -}}
labels:
  {{- include "startgate.labels" (merge (dict "labels" (.labels | default dict) "of" "") .test) | nindent 2 }}
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/*
A pod that runs one step of helm test. Takes a dict: test (root, component), namespace (the test's own), name, weight,
step.
*/}}
{{- define "startgate.testPod" -}}
{{- $root := .test.root -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "startgate.testMetadata" (dict "test" .test "weight" .weight) | nindent 2 }}
    # The only way to see what it said, since a pod that succeeded is deleted.
    helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
spec:
  serviceAccountName: startgate-test
  restartPolicy: Never
  activeDeadlineSeconds: 300
  enableServiceLinks: false
  securityContext:
    {{- include "startgate.podSecurity" $root | nindent 4 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: test
      image: {{ include "startgate.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [node, /app/helm-test.mjs]
      env:
        - name: STARTGATE_TEST_STEP
          value: {{ .step }}
        - name: STARTGATE_TEST_NAMESPACE
          value: {{ .namespace }}
        - name: STARTGATE_TEST_IMAGE
          value: {{ include "startgate.image" $root }}
        - name: STARTGATE_TEST_IMAGE_PULL_POLICY
          value: {{ $root.Values.image.pullPolicy }}
      resources:
        requests: {cpu: 20m, memory: 64Mi}
        limits: {memory: 128Mi}
      securityContext:
        {{- include "startgate.containerSecurity" $root | nindent 8 }}
{{- end -}}
